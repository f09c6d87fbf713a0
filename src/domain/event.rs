//! What happened, as a business is told: to a user's session, and in an RTC channel. No cloud's
//! spelling: a dialect renders these.

use super::{
    AppId, ChannelId, GroupId, Millis, SessionId, StayId, UserId,
    participant::{Media, Medias, Role},
};

/// Something that happened, in the order in which it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Session(SessionEvent),
    Channel(ChannelEvent),
}

impl Event {
    pub fn app(&self) -> &AppId {
        match self {
            Event::Session(event) => &event.app,
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
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    LoggedOn,
    LoggedOff(LogoffReason),
    Joined(GroupId),
    Left(GroupId),
    /// The session came back with the groups it had kept.
    Reconnected(Vec<GroupId>),
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
            LogoffReason::Timeout => Reason::TimedOut,
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
