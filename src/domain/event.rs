//! What happened, as a business is told: to a user's session, to a group, and in an RTC channel. No cloud's
//! spelling: a dialect renders these.

use super::{
    AppId, ChannelId, GroupId, Millis, Refusal, SessionId, StayId, UserId,
    group::Group,
    kind::GroupKind,
    participant::{Media, Medias, Role},
    request::Actor,
    sending::Dropped,
};
use std::sync::Arc;

/// Something that happened, in the order in which it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Session(SessionEvent),
    Group(GroupEvent),
    Message(MessageEvent),
    Direct(DirectEvent),
    Channel(ChannelEvent),
}

impl Event {
    pub fn app(&self) -> &AppId {
        match self {
            Event::Session(event) => &event.app,
            Event::Group(event) => &event.app,
            Event::Message(event) => &event.app,
            Event::Direct(event) => &event.app,
            Event::Channel(event) => &event.app,
        }
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoffReason {
    /// The client said goodbye.
    Normal,
    /// Nothing was heard of it for too long.
    Timeout,
    /// Its connection was closed, and it did not come back.
    LinkLost,
    /// The same user logged on from elsewhere.
    Displaced,
    /// The operator or the server API sent it off.
    ForcedOff,
    /// With everybody of its application.
    AppDisabled,
}

/// What happened to one user's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEvent {
    pub app: AppId,
    pub user: UserId,
    pub sid: SessionId,
    /// Where the user is.
    pub by: Actor,
    pub at: Millis,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    LoggedOn {
        /// The device of the session that it put out.
        displaced: Option<String>,
    },
    LoggedOff(LogoffReason),
    Joined(GroupId),
    Left(GroupId),
    /// The session came back with the groups it had kept.
    Reconnected(Vec<GroupId>),
}

/// What happened to a group, which to one of the clouds is a live room or a group of its chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEvent {
    pub app: AppId,
    /// After it; of a deleted group, as it was.
    pub group: Arc<Group>,
    /// All joins ever.
    pub views: u64,
    pub at: Millis,
    /// Who brought it about.
    pub by: Actor,
    pub what: InGroup,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InGroup {
    /// Made, or recovered.
    Created {
        /// Of a group that keeps them.
        members: Vec<UserId>,
    },
    /// Nobody is told of each of those who were in it.
    Deleted {
        /// Of a group that keeps them, unless it is for very many.
        members: Vec<UserId>,
    },
    /// Its description, its details, or that nobody may speak.
    Changed {
        before: Arc<Group>,
    },
    /// They are members now. Of those of a live room, `Online` is told as well.
    Joined {
        users: Vec<UserId>,
        how: Joining,
    },
    /// For each who joined, unless the group was deleted.
    Left {
        users: Vec<UserId>,
        how: Leaving,
    },
    /// It has as many members as it may have, or one more wanted to come.
    Full,
    /// The content of messages was taken back.
    Recalled {
        seqs: Vec<u64>,
    },
    // Of live rooms alone:
    Online {
        user: UserId,
        cause: OnlineCause,
    },
    /// For each `Online` there is one, unless the group was deleted.
    Offline {
        user: UserId,
        cause: OfflineCause,
    },
    /// `from` is empty where there was none.
    OwnerChanged {
        from: String,
        to: UserId,
    },
    AdminsChanged {
        users: Vec<UserId>,
        added: bool,
    },
    MetadataSet(Vec<(String, String)>),
    MetadataDeleted(Vec<String>),
    /// The application has come near the number of groups that it may have.
    NearLimit {
        groups: u32,
        most: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// By itself.
    Applied,
    Invited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    Quit,
    Kicked,
}

impl From<OfflineCause> for Leaving {
    fn from(cause: OfflineCause) -> Leaving {
        match cause {
            OfflineCause::Left | OfflineCause::Interrupted => Leaving::Quit,
            OfflineCause::Removed => Leaving::Kicked,
        }
    }
}

/// What became of a message to a group: it was said, or was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEvent {
    pub app: AppId,
    /// As its sender named it.
    pub group: String,
    /// `None`: there is no such group.
    pub kind: Option<GroupKind>,
    pub at: Millis,
    pub by: Actor,
    /// As whom it was said.
    pub from: String,
    pub content: Arc<Content>,
    pub fate: Fate,
}

/// The same of a message to one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectEvent {
    pub app: AppId,
    pub from: String,
    pub to: String,
    pub at: Millis,
    pub by: Actor,
    pub content: Arc<Content>,
    /// As its sender counts.
    pub seq: u32,
    pub fate: Fate,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub random: u32,
    pub kind: i32,
    pub body: String,
    pub elements: Option<String>,
    pub custom: String,
    pub weight: i32,
    /// It is kept nowhere.
    pub online_only: bool,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Accepted { seq: Option<u64>, at: Millis },
    Dropped(Dropped),
    Rejected(Refusal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnlineCause {
    Entered,
    /// Its connection, which was lost, is back.
    Recovered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfflineCause {
    Left,
    /// Its connection is lost; it may come back.
    Interrupted,
    /// Somebody put it out.
    Removed,
}

impl From<LogoffReason> for OfflineCause {
    /// Why a user is not in its groups any more when its session has ended.
    fn from(reason: LogoffReason) -> OfflineCause {
        match reason {
            LogoffReason::Normal | LogoffReason::Displaced => OfflineCause::Left,
            LogoffReason::Timeout | LogoffReason::LinkLost => OfflineCause::Interrupted,
            LogoffReason::ForcedOff | LogoffReason::AppDisabled => OfflineCause::Removed,
        }
    }
}

/// What happened in an RTC channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelEvent {
    pub app: AppId,
    pub channel: ChannelId,
    pub at: Millis,
    pub what: InChannel,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InChannel {
    Opened,
    Closed,
    /// Role and medias are as they are after it.
    User {
        user: UserId,
        stay: StayId,
        role: Role,
        medias: Medias,
        what: UserInChannel,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserInChannel {
    Joined(Reason),
    Left(Reason),
    Published(Media),
    Unpublished(Media),
    RoleChanged,
}

/// Why a user joined or left a channel (`alibaba.md` §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Normal,
    /// It was in already.
    Rejoined,
    /// A media server relays it from, or to, another channel.
    Relayed,
    /// Nothing was heard of it for too long.
    TimedOut,
    /// A newer session of the user took over.
    Displaced,
    Kicked,
    ChannelClosed,
}

impl From<LogoffReason> for Reason {
    /// Why a user leaves its channels when its session ends.
    fn from(reason: LogoffReason) -> Reason {
        match reason {
            LogoffReason::Normal => Reason::Normal,
            LogoffReason::Timeout | LogoffReason::LinkLost => Reason::TimedOut,
            LogoffReason::Displaced => Reason::Displaced,
            LogoffReason::ForcedOff => Reason::Kicked,
            LogoffReason::AppDisabled => Reason::ChannelClosed,
        }
    }
}

/// One event as an endpoint will be told: the subject orders it, the payload goes into a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub endpoint: super::endpoint::EndpointId,
    pub subject: String,
    pub payload: String,
}
