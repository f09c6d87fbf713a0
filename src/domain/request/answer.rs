//! What each request is answered with, and how what there is is described to a server or to a member.

use crate::domain::{
    GroupId, Millis, StayId, SubscriptionId, Tid, UserId,
    account::UserState,
    app::App,
    group::Group,
    id::Gid,
    kind::{GroupKind, JoinOption, MemberInfo, Rank},
    message::Found,
    mute::{Mutes, Until},
    outbox::DeliveryId,
    participant::{Medias, Role},
    room::{Room, RoomsFound},
    sending::Dropped,
};
use std::{collections::BTreeMap, sync::Arc};

/// What each request is answered with.
#[derive(Clone, Debug)]
pub enum Answer {
    /// `CreateApp` and `ChangeApp`: the application as it now is.
    App(Arc<App>),
    /// What has nothing to tell.
    Done,
    /// `Create`.
    Created { group: GroupId, already_exists: bool, already_deleted: bool },
    /// `Describe`.
    Group(Box<GroupInfo>),
    /// `Mutes`.
    Mutes(Mutes),
    /// `Members`.
    Members(MembersFound),
    /// `Messages`.
    Messages(Found),
    /// `Bans`: by user.
    Bans(Vec<(UserId, Until)>),
    /// `Metadata`.
    Metadata(BTreeMap<String, String>),
    /// `Rooms`.
    Rooms(RoomsFound),
    /// `Send` and `SendDirect`: it was accepted.
    Sent(Said),
    /// `Send` and `SendDirect`: it was neither refused nor said.
    Dropped { why: Dropped, at: Millis },
    /// `Online`, `Contains`, `Accounts`, `DeleteAccounts` and `ImportAccounts`, in the order asked.
    Users(Vec<(UserId, bool)>),
    /// `UserStates`, in the order asked; `None`: there is no such user.
    UserStates(Vec<(UserId, Option<UserState>)>),
    /// `AddMembers`, in the order asked.
    Added(Vec<(UserId, Added)>),
    /// `Roster`.
    Roster(RosterFound),
    /// `Ranks`, in the order asked; `None`: no member.
    Ranks(Vec<(UserId, Option<Rank>)>),
    /// `Recall`, in the order asked: was there such a message?
    Recalled(Vec<(u64, bool)>),
    /// `Joined`.
    Joined(JoinedFound),
    /// `ChangeUserInfo`: the groups in which it is seen.
    Groups(Vec<GroupId>),
    /// `CreateSubscription`.
    Subscription { id: SubscriptionId },
    /// `DescribeChannel`.
    Channel(ChannelInfo),
    /// What a user does in a channel, as it is now.
    Participant(ParticipantInfo),
    /// `Report`: of each report its user as it is now, or was when it left; `None`: of no one in particular.
    Participants(Vec<Option<ParticipantInfo>>),
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub tid: Tid,
    /// Its number in its group's stream, if it has one.
    pub seq: Option<u64>,
    pub at: Millis,
}

/// What became of a user that was to be a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It may not come, or there is no such user.
    Refused,
    Now,
    Already,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterFound {
    pub members: Vec<MemberInfo>,
    /// All members of the group.
    pub total: u64,
    /// Where to continue; `None` when there is nothing more.
    pub next: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinedFound {
    pub groups: Vec<(GroupInfo, MemberInfo)>,
    /// All that the page's filter fits.
    pub total: u64,
}

/// A page of members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersFound {
    pub members: Vec<MemberFound>,
    /// Where to continue; `None` when there is nothing more.
    pub next: Option<u64>,
    /// There are members, but no lists of them.
    pub super_large: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFound {
    pub user: UserId,
    pub info: String,
    pub joined: Millis,
}

/// A group as it is described to a server or to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    pub gid: Gid,
    pub group: GroupId,
    pub name: String,
    pub info: String,
    pub owner: String,
    pub admins: Vec<UserId>,
    pub created: Millis,
    pub modified: Millis,
    /// When the last message was said, if one was.
    pub last_said: Option<Millis>,
    /// When and by whom it was deleted.
    pub deleted: Option<(Millis, String)>,
    /// Members that are there now …
    pub online: u64,
    /// … and all.
    pub member_count: u64,
    /// All joins ever.
    pub total: u64,
    /// Number of the last message that took one.
    pub top: u64,
    pub super_large: bool,
    /// As they are now.
    pub mutes: Mutes,
    pub room: Room,
    pub metadata: BTreeMap<String, String>,
    pub kind: GroupKind,
    pub join_option: JoinOption,
    pub data: BTreeMap<String, String>,
    /// Running total of each message type.
    pub amounts: BTreeMap<i32, i64>,
}

/// A channel as it is described to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Open, or closed a moment ago.
    pub exists: bool,
    /// In the order in which they joined.
    pub participants: Vec<ParticipantInfo>,
}

/// A user in a channel as it is described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantInfo {
    pub user: UserId,
    pub stay: StayId,
    pub role: Role,
    pub medias: Medias,
}

/// A page of tries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptsFound {
    pub attempts: Vec<AttemptFound>,
    /// There are more behind them.
    pub more: bool,
}

/// One try of a callback, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptFound {
    pub delivery: DeliveryId,
    pub subscription: SubscriptionId,
    pub at: Millis,
    pub url: String,
    /// `None`: there was no answer.
    pub status: Option<u16>,
    pub took_ms: u32,
    pub body: String,
}

/// A page of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupsFound {
    pub groups: Vec<Group>,
    /// Where to continue; `None` when there is nothing more.
    pub next: Option<i64>,
    /// All that the page's filter fits.
    pub total: u64,
}
