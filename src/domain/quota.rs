//! Every limit of the rules that a setting may change, with the documented value as its default: one
//! table, from which `settings.rs` makes the keys of `[limits]`. What belongs to the door and to a
//! session's pace stands in `settings.rs`. 0 switches a limit off.

macro_rules! quotas {
    ($($(#[doc = $doc:literal])* $name:ident = $default:literal;)*) => {
        /// Bounds that the rules and the dialects ask about.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Quotas {
            $($(#[doc = $doc])* pub $name: u32,)*
        }

        impl Default for Quotas {
            fn default() -> Self {
                Quotas { $($name: $default),* }
            }
        }

        /// Each limit's name and its place.
        pub const TABLE: &[(&str, fn(&mut Quotas) -> &mut u32)] = &[$((stringify!($name), |q| &mut q.$name)),*];
    };
}

quotas! {
    /// Applications an account (`alibaba.md` §2.1).
    apps = 300;
    /// Live groups an application (`alibaba.md` §2.2).
    groups_per_app = 5_000;
    /// Deleted groups an application that can be recovered; when there are more, the oldest are forgotten early. Undocumented.
    deleted_groups_per_app = 10_000;
    /// Days in which a deleted group can be recovered; then it is forgotten (`alibaba.md` §2.2).
    deleted_group_days = 30;
    /// With more members than this a group keeps no lists (`alibaba.md` §2.2).
    super_large_above = 2_000;
    /// Administrators a group (`alibaba.md` §2.2).
    admins_per_group = 3;
    /// Bytes of a group's name (`alibaba.md` §2.2).
    group_name_bytes = 128;
    /// Bytes of a group's info (`alibaba.md` §2.2).
    group_info_bytes = 32_768;
    /// Users in one list of a mute call (`alibaba.md` §2.3).
    users_per_mute = 30;
    /// Users that are muted in a group, and users on its white list; undocumented: each goes with the group object.
    mutes_per_group = 1_000;
    /// Users that are banned from a group; undocumented, as above.
    bans_per_group = 1_000;
    /// Keys of a group's metadata (`tencent.md` §4) …
    metadata_keys = 10;
    /// … and bytes of all keys and values.
    metadata_bytes = 16_384;
    /// Users that an application may import; undocumented (`tencent.md` §1.5: 100 on trial).
    accounts_per_app = 100_000;
    /// Members of a group that keeps them (`tencent.md` §5.1) …
    members_per_group = 6_000;
    /// … and of a community.
    members_per_community = 100_000;
    /// Keys of a business's own with a group of the chat (`tencent.md` §5.1) …
    group_data_keys = 10;
    /// … and with a member of it.
    member_data_keys = 5;
    /// Groups that keep one user; undocumented.
    kept_groups_per_user = 1_000;
    /// Users of an application whose older UserSigs are known to be worth nothing; then the oldest kick is forgotten. Undocumented.
    revoked_users_per_app = 100_000;
    /// Messages a second in a group of those that come by `tencent.md`'s API (§5.3), or of its users' clients; more are dropped.
    group_messages_per_second = 40;
    /// Users that one call asks about; undocumented (`alibaba.md` §2.3).
    users_per_check = 100;
    /// Distinct message types a group (`alibaba.md` §2.4).
    types_per_group = 30;
    /// Bytes of a message (`alibaba.md` §2.4).
    body_bytes = 15_360;
    /// Bytes of a message's elements, as JSON, and of what its sender added (`tencent.md` §8, A9).
    element_bytes = 12_288;
    /// Bytes of a user's extension (`alibaba.md` §2.3).
    user_info_bytes = 512;
    /// Largest page of a list (`alibaba.md` §2).
    page_size = 50;
    /// Groups and channels a session (`session.md` §7).
    channels_per_session = 256;
    /// Subscriptions of channel events an application (`alibaba.md` §3.1) …
    subscriptions_per_app = 20;
    /// … and among them for all channels.
    all_channel_subscriptions_per_app = 1;
    /// Users that one subscription names; undocumented.
    users_per_subscription = 100;
    /// Calls a second of one operation and AccessKey (`alibaba.md` §2, §3.1) …
    operation_qps = 50;
    /// … of those that make or delete subscriptions, and ask about or delete channels (`alibaba.md` §3.1) …
    channel_operation_qps = 100;
    /// … and of each that mutes.
    mute_qps = 10;
}

/// Is one more allowed when there are `now` already?
pub fn room(now: usize, most: u32) -> bool {
    most == 0 || now < most as usize
}

/// Are so many allowed?
pub fn fits(n: usize, most: u32) -> bool {
    most == 0 || n <= most as usize
}

// What follows is the shape of the cloud's parameters; nobody needs it otherwise, and it has no setting.

/// Characters of an application's name (`alibaba.md` §2.1).
pub const APP_NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=16;
/// Items of a page whose size the caller may not or does not say (`alibaba.md` §2.2).
pub const PAGE: u32 = 20;
/// The least page where a size must be said (`alibaba.md` §2.3).
pub const LEAST_PAGE: u32 = 10;
/// The last page of a list that numbers its pages (`alibaba.md` §2.2).
pub const LAST_PAGE: u32 = 10_000;

// What follows protects memory and the wire; it is no business's limit and has no setting.

/// Messages a page of `history` holds at most (`session.md` §3).
pub const MAX_HISTORY: u32 = 100;
/// One subscribe reply recovers at most this many messages (`session.md` §3) …
pub const MAX_RECOVERED: usize = 1_000;
/// … and this many bytes, as they go over the wire. A page of messages on a socket ends there as well.
pub const MAX_RECOVERED_BYTES: usize = 512 * 1024;
/// Of the messages that are not stored, the last so many of a group can be recovered.
pub const RECENT: u64 = 50;
/// Mute lists of up to so many users are pushed whole; longer ones are asked for.
pub const MUTES_PUSHED: usize = 100;
