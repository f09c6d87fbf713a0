//! The kinds of groups (`tencent.md` §5.1): who may come in, whether members stay while they are offline, and how
//! one of them stands to the group.

use super::{Millis, Refusal, UserId, mute::Until, quota};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupKind {
    /// Members come by invitation.
    Work,
    /// Members apply, and somebody lets them in.
    Public,
    /// Everybody may come.
    Meeting,
    /// Everybody may come, and is in it while its session lives: a live room.
    #[default]
    AvChatRoom,
    /// Everybody may come; for very many.
    Community,
}

impl GroupKind {
    /// Are its members in it until they are removed, whether or not they are online?
    pub fn keeps_members(self) -> bool {
        self != GroupKind::AvChatRoom
    }
}

/// What becomes of a user who wants to join by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinOption {
    #[default]
    Free,
    /// Somebody has to let it in.
    NeedPermission,
    Disabled,
}

/// How a member wants to hear of messages; its clients heed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MsgFlag {
    #[default]
    Notify,
    Silent,
    Discard,
}

/// How a member stands to its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    Owner,
    Admin,
    Member,
}

/// What a group that keeps its members keeps of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    pub name: String,
    pub flag: MsgFlag,
    /// By the business's own keys.
    pub data: BTreeMap<String, String>,
    /// Number of the last message before it came.
    pub seen: u64,
    /// When it last said something.
    pub last_said: Option<Millis>,
}

/// A member as it is described to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    pub user: UserId,
    pub rank: Rank,
    pub joined: Millis,
    /// Number of the last message before it came.
    pub seen: u64,
    pub flag: MsgFlag,
    pub last_said: Option<Millis>,
    pub muted: Option<Until>,
    pub name_card: String,
    pub data: BTreeMap<String, String>,
}

/// A user that is to be a member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMember {
    pub user: UserId,
    pub admin: bool,
    pub data: BTreeMap<String, String>,
}

/// What is to be different of a member; `None` stays as it is. Lengths were checked by the dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChange {
    pub admin: Option<bool>,
    pub flag: Option<MsgFlag>,
    pub name_card: Option<String>,
    /// Keys with an empty value are deleted.
    pub data: Option<Vec<(String, String)>>,
    /// `Some(None)`: it may speak again.
    pub mute: Option<Option<Until>>,
}

/// Sets these keys, and deletes those with an empty value. `most`: keys that there may be then; 0: any number.
pub fn merge(data: &mut BTreeMap<String, String>, entries: Vec<(String, String)>, most: u32) -> Result<(), Refusal> {
    for (key, value) in entries {
        if value.is_empty() {
            data.remove(&key);
        } else {
            data.insert(key, value);
        }
    }
    if quota::fits(data.len(), most) { Ok(()) } else { Err(Refusal::TooMuchData { keys: data.len(), most }) }
}
