//! Names of things. In the domain an id is opaque UTF-8 of 1–64 bytes without control characters
//! (`design.md` §5); a dialect checks its own alphabet when it *creates* something.

use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, sync::Arc};

/// Longest id in bytes, for both clouds.
pub const MAX_ID: usize = 64;

/// The text is empty, longer than 64 bytes, or has a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadId;

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "an id has 1 to {MAX_ID} bytes and no control characters")
    }
}

impl std::error::Error for BadId {}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks length and characters.
            pub fn new(text: &str) -> Result<Self, BadId> {
                if text.is_empty() || text.len() > MAX_ID || text.chars().any(char::is_control) {
                    return Err(BadId);
                }
                Ok(Self(text.into()))
            }

            /// For ids that were checked when they were first stored, and for those made by `ids.rs`.
            pub fn trusted(text: &str) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

ids! {
    /// An application.
    AppId,
    /// A group's name inside its application.
    GroupId,
    /// A user inside an application.
    UserId,
    /// A session: the `sid` of both clouds' callbacks.
    SessionId,
    /// A message's id, unique in its group.
    Tid,
    /// An RTC channel's name inside its application.
    ChannelId,
    /// One stay of a user in an RTC channel: the `SessionId` of the cloud's channel events.
    StayId,
    /// A subscription of channel events.
    SubscriptionId,
}

/// A group's row number: small, and never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gid(pub i64);

/// A channel's row number, while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid(pub i64);

/// What connections are attached to, as hubs know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Group(Gid),
    Channel(Cid),
}

/// The same by its name inside an application, as clients know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Group(GroupId),
    Channel(ChannelId),
}

/// Names one life of a group's stream; changes only when the stream was made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One socket: its hub, its place there, and a number that tells it from earlier ones in that place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnRef {
    pub hub: u8,
    pub slot: u32,
    pub generation: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_plain() {
        for (text, good) in [("a", true), ("grüppe 1", true), ("", false), ("a\nb", false), (&"x".repeat(64), true), (&"x".repeat(65), false)] {
            assert_eq!(UserId::new(text).is_ok(), good, "{text:?}");
        }
    }
}
