//! What the control API and the command line ask of the engine, and what they get. The two clouds'
//! operations are all made of these; reading that needs no order with writes goes to a store reader.

use super::{
    AppId, GroupId, Millis, Tid, UserId,
    app::{AccessKey, App, AppChange, NewApp},
    message::Draft,
};
use std::{collections::BTreeMap, sync::Arc};

/// One thing asked of the engine. Each is done as a whole or refused as a whole.
#[derive(Clone, Debug)]
pub enum Request {
    CreateApp(Box<NewApp>),
    ChangeApp {
        app: AppId,
        change: AppChange,
    },
    CreateKey(AccessKey),
    DeleteKey {
        id: String,
    },
    CreateGroup(Box<NewGroup>),
    DescribeGroup {
        app: AppId,
        group: GroupId,
    },
    DeleteGroup {
        app: AppId,
        group: GroupId,
        by: String,
    },
    /// Ends a user's session: its socket is closed, and it is logged off. Nothing to do when there is none.
    ForceOff {
        app: AppId,
        user: UserId,
    },
    /// A message sent by the business's server: neither mute nor membership apply to it.
    Send {
        app: AppId,
        group: GroupId,
        sender: UserId,
        sender_info: String,
        draft: Box<Draft>,
    },
    /// For each user: has it a session?
    Online {
        app: AppId,
        users: Vec<UserId>,
    },
}

/// What each request is answered with.
#[derive(Clone, Debug)]
pub enum Answer {
    /// `CreateApp` and `ChangeApp`: the application as it now is.
    App(Arc<App>),
    /// `CreateKey`, `DeleteKey`, `DeleteGroup`, `ForceOff`.
    Done,
    /// `CreateGroup`.
    Created { already_exists: bool, already_deleted: bool },
    /// `DescribeGroup`.
    Group(Box<GroupInfo>),
    /// `Send`.
    Sent { tid: Tid },
    /// `Online`, in the order asked.
    Online(Vec<(UserId, bool)>),
}

/// What a new group is made of. Lengths and alphabet were checked by the dialect.
#[derive(Clone, Debug)]
pub struct NewGroup {
    pub app: AppId,
    pub group: GroupId,
    pub name: String,
    pub info: String,
    pub creator: String,
    pub admins: Vec<UserId>,
}

/// A group as it is described to a server or to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    pub group: GroupId,
    pub name: String,
    pub info: String,
    pub creator: String,
    pub admins: Vec<UserId>,
    pub created: Millis,
    /// When and by whom it was deleted.
    pub deleted: Option<(Millis, String)>,
    /// Members now.
    pub online: u64,
    /// All joins ever.
    pub total: u64,
    pub super_large: bool,
    pub muted_all: bool,
    pub muted: Vec<UserId>,
    pub unmuted: Vec<UserId>,
    /// Running total of each message type.
    pub amounts: BTreeMap<i32, i64>,
}
