//! The client protocol (Centrifuge 2), codec apart from meaning: decode to one [`Command`], encode
//! from one reply or push. JSON is in `json/`; a second encoding will be a second folder.

pub mod json;

use crate::domain::{
    ChannelId, GroupId, Named, Refusal, Topic,
    push::{Closed, Unsubscribed},
};

/// Groups are subscribed to by this and the group's id …
pub const GROUP: &str = "group:";
/// … and RTC channels by this and the channel's.
pub const RTC: &str = "rtc:";

/// As clients name it.
pub fn channel(name: &Named) -> String {
    match name {
        Named::Group(id) => format!("{GROUP}{id}"),
        Named::Channel(id) => format!("{RTC}{id}"),
    }
}

/// The inverse of [`channel`].
pub fn named(channel: &str) -> Option<Named> {
    match (channel.strip_prefix(GROUP), channel.strip_prefix(RTC)) {
        (Some(id), _) => GroupId::new(id).ok().map(Named::Group),
        (_, Some(id)) => ChannelId::new(id).ok().map(Named::Channel),
        _ => None,
    }
}

/// What a client asks.
#[derive(Debug, PartialEq)]
pub struct Command {
    /// 0 for what gets no reply.
    pub id: u32,
    pub method: Method,
}

#[derive(Debug, PartialEq)]
pub enum Method {
    /// The answer to a ping.
    Pong,
    Connect {
        token: String,
        data: Option<String>,
    },
    Subscribe(Subscribe),
    Unsubscribe {
        channel: String,
    },
    /// `data` is JSON text.
    Publish {
        channel: String,
        data: String,
    },
    Presence {
        channel: String,
    },
    PresenceStats {
        channel: String,
    },
    History {
        channel: String,
        limit: i64,
        since: Option<(u64, String)>,
        reverse: bool,
    },
    /// `data` is JSON text.
    Rpc {
        method: String,
        data: String,
    },
    /// A message without an answer; `data` is JSON text.
    Send {
        data: String,
    },
    /// A method that the protocol or its future may have and we do not.
    Unknown,
}

#[derive(Debug, Default, PartialEq)]
pub struct Subscribe {
    pub channel: String,
    pub join_leave: bool,
    pub recover: bool,
    pub epoch: String,
    pub offset: u64,
    /// The join token of an RTC channel.
    pub token: String,
    /// JSON text.
    pub data: Option<String>,
}

/// An error reply. Codes below 400 are the protocol's, from 400 on the cloud's client sub-codes
/// (`session.md` §1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub code: u16,
    pub message: String,
    pub temporary: bool,
}

impl Error {
    pub fn new(code: u16, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), temporary: matches!(code, 100 | 111) }
    }
}

/// The code of each refusal.
pub fn error(why: &Refusal) -> Error {
    let code = match why {
        Refusal::NoSuchGroup(_) => 440,
        Refusal::BadTicket(_) => 103,
        Refusal::TicketExpired(_) | Refusal::LoginRevoked => 109,
        Refusal::GroupDeleted(_) | Refusal::GroupEmpty(_) => 441,
        Refusal::NotConnected(_)
        | Refusal::NotConfirmed(_)
        | Refusal::NoSuchAccount(_)
        | Refusal::NoSuchMessage(_)
        | Refusal::NoSuchChannel(_)
        | Refusal::NoSuchSubscription(_) => 404,
        Refusal::TooFast(_) | Refusal::GroupTooFast => 412,
        Refusal::NotInGroup(_) | Refusal::NoSuchMember { .. } | Refusal::NotInChannel { .. } => 425,
        Refusal::NotAllowed(_) | Refusal::OwnerCannotQuit(_) | Refusal::Banned { .. } => 403,
        Refusal::Muted => 442,
        Refusal::Moderated(_) | Refusal::HookRefused { .. } | Refusal::HookSilent => 451,
        Refusal::TooManyApps(_)
        | Refusal::TooManyGroups(_)
        | Refusal::TooManyMutes(_)
        | Refusal::TooManyBans(_)
        | Refusal::TooManyAdmins(_)
        | Refusal::TooManyAccounts(_)
        | Refusal::TooManyJoined(_)
        | Refusal::TooMuchData { .. }
        | Refusal::TooMuchMetadata(_)
        | Refusal::GroupFull(_)
        | Refusal::TooManySubscriptions(_)
        | Refusal::TooManyForAllChannels(_)
        | Refusal::NoList(_)
        | Refusal::TooManyTypes(_)
        | Refusal::StreamFull(_)
        | Refusal::TooManyChannels(_) => 443,
        Refusal::AlreadySubscribed(_) => 105,
        Refusal::TooLarge(_) | Refusal::ChannelTooLarge(_) | Refusal::NotForChannels(_) => 108,
        Refusal::Unrecoverable => 112,
        Refusal::Bad { .. } | Refusal::MessageTooLong { .. } | Refusal::WebhookExists | Refusal::NoWebhook | Refusal::TokenIncomplete => 107,
        Refusal::NoSuchApp(_) | Refusal::AppDisabled(_) | Refusal::NoSuchKey(_) | Refusal::NoSession => 101,
        Refusal::Unavailable | Refusal::Internal => 100,
        Refusal::Busy => 111,
    };
    Error::new(code, why.to_string())
}

/// An answer that would fill a connection's queue.
pub fn too_large(bytes: usize, most: usize) -> Error {
    Error::new(443, format!("the answer has {bytes} bytes, and a connection takes {most} at once; ask for a smaller page, or the control API"))
}

/// A close of ours: the code tells the SDK whether to come back (`session.md` §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: u16,
    pub reason: &'static str,
}

pub const UNSUPPORTED: Close = Close { code: 1003, reason: "text frames only" };
pub const INVALID_UTF8: Close = Close { code: 1007, reason: "not UTF-8" };
pub const TOO_BIG: Close = Close { code: 1009, reason: "frame too big" };
pub const PROTOCOL: Close = Close { code: 1002, reason: "protocol error" };
pub const REFUSED: Close = Close { code: 3000, reason: "connect refused" };
pub const SHUTDOWN: Close = Close { code: 3001, reason: "shutdown" };
pub const INTERNAL: Close = Close { code: 3004, reason: "internal error" };
pub const SLOW: Close = Close { code: 3008, reason: "slow" };
pub const NO_PONG: Close = Close { code: 3012, reason: "no pong" };
pub const TOO_MANY: Close = Close { code: 3013, reason: "too many requests" };
pub const INVALID_TOKEN: Close = Close { code: 3500, reason: "invalid token" };
pub const BAD_REQUEST: Close = Close { code: 3501, reason: "bad request" };
pub const STALE: Close = Close { code: 3502, reason: "stale" };
pub const ELSEWHERE: Close = Close { code: 4501, reason: "logged on elsewhere" };
pub const FORCED_OFF: Close = Close { code: 4502, reason: "forced off" };
/// The client asked for it; the code keeps its SDK from coming back.
pub const LOGGED_OFF: Close = Close { code: 4502, reason: "logged off" };
pub const DISABLED: Close = Close { code: 4503, reason: "application disabled" };

/// The close for each reason of the engine.
pub fn close(why: Closed) -> Close {
    match why {
        Closed::LoggedOnElsewhere => ELSEWHERE,
        Closed::AppDisabled => DISABLED,
        Closed::ForcedOff => FORCED_OFF,
        Closed::LoggedOff => LOGGED_OFF,
    }
}

/// Code and reason of an unsubscribe push.
pub fn unsubscribed(why: Unsubscribed, topic: Topic) -> (u16, &'static str) {
    match why {
        Unsubscribed::GroupDeleted => (2101, "group closed"),
        Unsubscribed::Removed if matches!(topic, Topic::Channel(_)) => (2102, "removed from the channel"),
        Unsubscribed::Removed => (2102, "removed from the group"),
        Unsubscribed::ChannelClosed => (2103, "channel closed"),
    }
}
