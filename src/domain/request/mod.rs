//! What the control API, the command line and, of a group, its members' clients ask of the engine; what they get is
//! `answer.rs`. The two clouds' operations are all made of these; reading that needs no order with
//! writes goes to a store reader.

mod answer;

pub use answer::{
    Added, Answer, AttemptFound, AttemptsFound, ChannelInfo, GroupInfo, GroupsFound, JoinedFound, MemberFound, MembersFound, ParticipantInfo, RosterFound, Said,
};

use super::{
    AppId, ChannelId, GroupId, Millis, Refusal, SubscriptionId, Tid, UserId,
    account::Account,
    app::{AccessKey, AppChange, NewApp},
    direct::DirectDraft,
    kind::{GroupKind, JoinOption, MemberChange, NewMember, Rank},
    message::{Draft, MessagePage, Sender},
    mute::{MuteChange, Until},
    report::Report,
    room::{Room, RoomPage, TakeSeatMode},
    sending::Voice,
    subscription::Wants,
};
use std::{collections::BTreeMap, net::IpAddr};

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
    /// Asked by the business's server, which may do everything.
    Group {
        app: AppId,
        group: GroupId,
        by: Actor,
        what: GroupRequest,
    },
    /// A page of the application's groups, as live rooms.
    Rooms(RoomPage),
    /// The UserSigs that a user has until now are worth nothing any more, and its session ends.
    Revoke {
        app: AppId,
        user: UserId,
    },
    /// Ends a user's session: its socket is closed, and it is logged off. Nothing to do when there is none.
    ForceOff {
        app: AppId,
        user: UserId,
    },
    /// A message sent by the business's server; membership does not matter to it.
    Send {
        app: AppId,
        group: GroupId,
        sender: Sender,
        voice: Voice,
        by: Actor,
        draft: Box<Draft>,
    },
    /// A message to one user. A reliable one is answered when the user's client has confirmed it.
    SendDirect {
        app: AppId,
        sender: Sender,
        by: Actor,
        draft: Box<DirectDraft>,
    },
    DeleteDirect {
        app: AppId,
        receiver: UserId,
        tid: Tid,
        by: Deleter,
    },
    /// The user's extension, as others see it, of the session that it has.
    ChangeUserInfo {
        app: AppId,
        user: UserId,
        info: String,
    },
    /// For each user: has it a session?
    Online {
        app: AppId,
        users: Vec<UserId>,
    },
    /// The same, and whether its connection is there.
    UserStates {
        app: AppId,
        users: Vec<UserId>,
    },
    /// Who is there already is told anew what is said of it.
    ImportAccounts {
        app: AppId,
        accounts: Vec<Account>,
    },
    /// Their sessions end, their UserSigs are worth nothing, and they leave the groups that kept them.
    DeleteAccounts {
        app: AppId,
        users: Vec<UserId>,
        by: Actor,
    },
    /// For each user: is there one?
    Accounts {
        app: AppId,
        users: Vec<UserId>,
    },
    /// A page of the groups that a user is in.
    Joined(JoinedPage),
    /// A message to a group that cannot even be asked for: its application is told, and nothing else is done.
    Unsent(Box<Unsent>),
    CreateSubscription {
        app: AppId,
        url: String,
        wants: Wants,
    },
    /// A full replacement.
    UpdateSubscription {
        app: AppId,
        id: SubscriptionId,
        url: String,
        wants: Wants,
    },
    DeleteSubscription {
        app: AppId,
        id: SubscriptionId,
    },
    DescribeChannel {
        app: AppId,
        channel: ChannelId,
    },
    /// Everybody in it is put out.
    CloseChannel {
        app: AppId,
        channel: ChannelId,
    },
    /// What a media server says of users in a channel, in order.
    Report {
        app: AppId,
        channel: ChannelId,
        reports: Vec<Report>,
    },
}

/// Who brings something about, as those are told who hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// A user, or who calls for the business; empty: nobody in particular.
    pub user: String,
    pub from: Origin,
}

/// Where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A call of the business's server.
    Server { address: Option<IpAddr> },
    /// `device` is as its login named it.
    Client { address: Option<IpAddr>, device: String },
    /// This server itself.
    System,
}

impl Actor {
    /// A call of the business's server that does not say for whom.
    pub fn server(address: Option<IpAddr>) -> Actor {
        Actor { user: String::new(), from: Origin::Server { address } }
    }

    pub fn system() -> Actor {
        Actor { user: String::new(), from: Origin::System }
    }
}

/// One thing asked of a group; by the business's server, or by a user who may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRequest {
    Create(Box<NewGroup>),
    Describe,
    Modify(Box<GroupChange>),
    Delete,
    Recover,
    /// `most`: administrators that there may be then; 0: any number.
    ChangeAdmins {
        users: Vec<UserId>,
        add: bool,
        most: u32,
    },
    /// To a member.
    ChangeOwner {
        user: UserId,
    },
    /// The users are put out, and may not come back until then.
    Ban {
        users: Vec<UserId>,
        until: Until,
    },
    Unban {
        users: Vec<UserId>,
    },
    Bans,
    /// These keys are set, others stay.
    SetMetadata(Vec<(String, String)>),
    DeleteMetadata(Vec<String>),
    Metadata,
    ChangeMutes(MuteChange),
    Mutes,
    /// It has to be in.
    Kick {
        user: UserId,
    },
    /// Who is not in is no error.
    PutOut {
        users: Vec<UserId>,
    },
    Members(MemberPage),
    /// For each user: is it in the group?
    Contains {
        users: Vec<UserId>,
    },
    DeleteMessage {
        tid: Tid,
        by: Deleter,
    },
    Messages(MessagePage),
    /// Makes users members of a group that keeps them.
    AddMembers {
        members: Vec<NewMember>,
    },
    ChangeMember {
        user: UserId,
        change: Box<MemberChange>,
    },
    Roster(RosterPage),
    /// For each user: what is it in the group?
    Ranks {
        users: Vec<UserId>,
    },
    /// The content of the messages with these numbers goes.
    Recall {
        seqs: Vec<u64>,
    },
    /// Read by those who are there now, and kept nowhere.
    Notify {
        content: String,
        /// Empty: all.
        to: Vec<UserId>,
    },
    /// Who asks for it is no member any more.
    Quit,
}

/// A message that was refused before anybody could look at it.
#[derive(Clone, Debug)]
pub struct Unsent {
    pub app: AppId,
    /// As it was given.
    pub group: String,
    pub from: String,
    pub by: Actor,
    pub draft: Draft,
    pub why: Refusal,
}

/// Which members are asked for, with all that is kept of them, in the order in which they joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterPage {
    /// Empty: all.
    pub ranks: Vec<Rank>,
    /// Continue after this place in the order of joining.
    pub after: Option<u64>,
    /// Behind so many.
    pub skip: u64,
    pub limit: u32,
}

/// Which groups of a user are asked for, in the order in which it joined them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedPage {
    pub app: AppId,
    pub user: UserId,
    /// `None`: of all kinds.
    pub kind: Option<GroupKind>,
    /// Also those that it is in while its session lives.
    pub live: bool,
    pub skip: u64,
    pub limit: u32,
}

/// What a new group is made of. Lengths and alphabet were checked by the dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewGroup {
    pub name: String,
    pub info: String,
    pub owner: String,
    pub admins: Vec<UserId>,
    pub room: Room,
    pub kind: GroupKind,
    pub join_option: JoinOption,
    pub data: BTreeMap<String, String>,
    /// Who is in it from the beginning, beside its owner; of a kind that keeps its members.
    pub members: Vec<NewMember>,
    /// Its owner, where that has to be a user that there is; of a group that keeps its members it always has to.
    pub must_be: Option<UserId>,
    pub muted_all: bool,
    /// The name of a deleted group may be taken again; that one is forgotten.
    pub anew: bool,
}

/// What is to be different of a group; `None` stays as it is. Lengths and alphabet were checked by the dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupChange {
    pub name: Option<String>,
    pub info: Option<String>,
    pub admins: Option<Vec<UserId>>,
    pub notice: Option<String>,
    pub cover_url: Option<String>,
    pub categories: Option<Vec<i64>>,
    pub activity_status: Option<i64>,
    pub public: Option<bool>,
    pub max_members: Option<u32>,
    pub take_seat_mode: Option<TakeSeatMode>,
    pub muted_all: Option<bool>,
    pub join_option: Option<JoinOption>,
    /// Keys with an empty value are deleted.
    pub data: Option<Vec<(String, String)>>,
}

/// Who did something to a message, as those are told who had read it. Both may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleter {
    pub user: String,
    pub info: String,
}

/// Which members are asked for, in the order in which they joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPage {
    /// Who joined first comes first.
    pub ascending: bool,
    /// Continue after this place in the order of joining.
    pub after: Option<u64>,
    pub limit: u32,
}

/// Which tries of callbacks a list asks for: those of an application's subscriptions, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptPage {
    pub app: AppId,
    /// `None`: of all that there are or were.
    pub subscription: Option<SubscriptionId>,
    /// Both included.
    pub from: Millis,
    pub to: Millis,
    pub skip: u64,
    pub limit: u32,
}

/// Which groups of an application a list asks for, in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPage {
    pub app: AppId,
    /// Oldest first.
    pub ascending: bool,
    /// `None`: all; else only those that are, or are not, deleted.
    pub deleted: Option<bool>,
    /// `None`: of all kinds.
    pub kind: Option<GroupKind>,
    pub from: PageStart,
    pub limit: u32,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// Behind the one with this number; `None`: at the beginning.
    After(Option<i64>),
    /// Behind so many.
    Skip(u64),
}
