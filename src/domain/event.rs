//! What happened to a user, as a business is told. No cloud's spelling: a dialect renders these.

use super::{AppId, GroupId, SessionId, UserId};

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoffReason {
    /// The client said goodbye, or was sent off.
    Normal,
    /// Nothing was heard of it for too long.
    Timeout,
    /// The same user logged on from elsewhere.
    Displaced,
}

/// Events of one user's session, in the order in which they happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
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

/// One event as an endpoint will be told: the subject orders it, the payload goes into a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub endpoint: super::endpoint::EndpointId,
    pub subject: String,
    pub payload: String,
}
