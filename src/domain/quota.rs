//! Every quota of the rules, with the documented value as its default. `settings.rs` reads the
//! overrides; what belongs to the door alone stands there. 0 switches a quota off.

/// Bounds that the rules ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Applications an account (`alibaba.md` §2.1).
    pub apps: u32,
    /// Live groups an application (`alibaba.md` §2.2).
    pub groups_per_app: u32,
    /// Distinct message types a group (`alibaba.md` §2.4).
    pub types_per_group: u32,
    /// Groups and channels a session (`session.md` §7).
    pub channels_per_session: u32,
    /// From this many members on a group keeps no lists (`alibaba.md` §2.2).
    pub super_large_above: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Quotas { apps: 300, groups_per_app: 5_000, types_per_group: 30, channels_per_session: 256, super_large_above: 2_000 }
    }
}

/// Is one more allowed when there are `now` already?
pub fn room(now: usize, most: u32) -> bool {
    most == 0 || now < most as usize
}

/// Longest message body in bytes (`alibaba.md` §2.4: 15 KB).
pub const MAX_BODY: usize = 15 * 1024;
/// Longest user extension in bytes.
pub const MAX_USER_INFO: usize = 512;
/// Longest group name in bytes.
pub const MAX_GROUP_NAME: usize = 128;
/// Longest group info in bytes.
pub const MAX_GROUP_INFO: usize = 32 * 1024;
/// Most administrators a group may have.
pub const MAX_ADMINS: usize = 3;
/// Messages a page of `history` holds at most (`session.md` §3).
pub const MAX_HISTORY: u32 = 100;
/// One subscribe reply recovers at most this many messages (`session.md` §3) …
pub const MAX_RECOVERED: usize = 1_000;
/// … and this many bytes, as they go over the wire. A page of history ends there as well.
pub const MAX_RECOVERED_BYTES: usize = 512 * 1024;
/// Of the messages that are not stored, the last so many of a group can be recovered.
pub const RECENT: u64 = 50;
