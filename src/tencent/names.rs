//! How this cloud calls what the domain knows (`tencent.md` §5.1, §5.9): types and options of a group, ranks and settings of
//! its members, priorities of messages, and times that never come. Of two generations of names both are read, and
//! the old ones written (§8, A7).

use crate::domain::{
    GroupId, Millis,
    kind::{GroupKind, JoinOption, MsgFlag, Rank},
    mute::Until,
    room::TakeSeatMode,
};

pub const KINDS: &[(&str, GroupKind)] = &[
    ("Private", GroupKind::Work),
    ("Public", GroupKind::Public),
    ("ChatRoom", GroupKind::Meeting),
    ("AVChatRoom", GroupKind::AvChatRoom),
    ("Community", GroupKind::Community),
    ("Work", GroupKind::Work),
    ("Meeting", GroupKind::Meeting),
];
pub const JOIN_OPTIONS: &[(&str, JoinOption)] =
    &[("FreeAccess", JoinOption::Free), ("NeedPermission", JoinOption::NeedPermission), ("DisableApply", JoinOption::Disabled)];
pub const RANKS: &[(&str, Rank)] = &[("Owner", Rank::Owner), ("Admin", Rank::Admin), ("Member", Rank::Member)];
pub const FLAGS: &[(&str, MsgFlag)] = &[("AcceptAndNotify", MsgFlag::Notify), ("AcceptNotNotify", MsgFlag::Silent), ("Discard", MsgFlag::Discard)];
/// Priorities and the weights that stand for them, the highest first. In numbers they count from 1.
pub const PRIORITIES: &[(&str, i32)] = &[("High", 1_000_000), ("Normal", 1), ("Low", 0), ("Lowest", -1)];

/// The first name of a value in one of the tables above.
fn name_of<T: PartialEq>(names: &[(&'static str, T)], value: T) -> &'static str {
    names.iter().find(|(_, named)| *named == value).map_or("", |(name, _)| name)
}

pub fn kind_name(kind: GroupKind) -> &'static str {
    name_of(KINDS, kind)
}

pub fn join_option_name(option: JoinOption) -> &'static str {
    name_of(JOIN_OPTIONS, option)
}

pub fn rank_name(rank: Rank) -> &'static str {
    name_of(RANKS, rank)
}

pub fn flag_name(flag: MsgFlag) -> &'static str {
    name_of(FLAGS, flag)
}

/// Place of a weight in [`PRIORITIES`]: between two it is as the lower one.
fn priority(weight: i32) -> usize {
    PRIORITIES.iter().position(|(_, least)| weight >= *least).unwrap_or(PRIORITIES.len() - 1)
}

pub fn priority_name(weight: i32) -> &'static str {
    PRIORITIES[priority(weight)].0
}

/// From 1, the highest, to 4.
pub fn priority_number(weight: i32) -> usize {
    priority(weight) + 1
}

/// What a login says of its device, if that begins with one that is known.
pub fn platform(device: &str) -> &'static str {
    const KNOWN: [&str; 6] = ["Web", "Android", "iOS", "Windows", "Mac", "iPad"];
    let begins = |name: &&str| device.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    KNOWN.into_iter().find(begins).unwrap_or("Unknown")
}

pub fn mode_name(mode: TakeSeatMode) -> &'static str {
    match mode {
        TakeSeatMode::Free => "FreeToTake",
        TakeSeatMode::Apply => "ApplyToTake",
    }
}

/// A room without a name is called by its id: the other cloud's groups need none.
pub fn room_name<'a>(id: &'a GroupId, name: &'a str) -> &'a str {
    if name.is_empty() { id.as_str() } else { name }
}

/// Stands for no end, in seconds to go as in seconds since 1970 (§5.2).
pub const FOREVER: u32 = u32::MAX;

/// So many seconds from now.
pub fn until(now: Millis, seconds: u32) -> Until {
    if seconds == FOREVER { Until::Forever } else { Until::At(Millis(now.0 + i64::from(seconds) * 1000)) }
}

/// Since 1970.
pub fn until_seconds(until: Until) -> i64 {
    match until {
        Until::At(at) => at.seconds(),
        Until::Forever => FOREVER.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_are_written_and_both_are_read() {
        let kinds = [GroupKind::Work, GroupKind::Public, GroupKind::Meeting, GroupKind::AvChatRoom, GroupKind::Community];
        assert_eq!(kinds.map(kind_name), ["Private", "Public", "ChatRoom", "AVChatRoom", "Community"]);
        for (name, kind) in KINDS {
            assert!(kinds.contains(kind), "{name}");
        }
    }

    #[test]
    fn weights_are_priorities() {
        for (weight, name, number) in [
            (2_000_000, "High", 1),
            (1_000_000, "High", 1),
            (999_999, "Normal", 2),
            (1, "Normal", 2),
            (0, "Low", 3),
            (-1, "Lowest", 4),
            (i32::MIN, "Lowest", 4),
        ] {
            assert_eq!((priority_name(weight), priority_number(weight)), (name, number), "{weight}");
        }
    }

    #[test]
    fn times() {
        for (seconds, expected) in [(60, 61), (FOREVER - 1, i64::from(FOREVER)), (FOREVER, FOREVER.into())] {
            assert_eq!(until_seconds(until(Millis(1_500), seconds)), expected);
        }
    }
}
