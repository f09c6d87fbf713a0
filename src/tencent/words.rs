//! Words that calls and webhooks share: the command words of callbacks (`tencent.md` §3.1), which say what an
//! application may ask to be told of, and those of a room's details.

use crate::domain::{GroupId, room::TakeSeatMode};

pub const CREATE_ROOM: &str = "Live.CallbackAfterCreateRoom";
pub const DESTROY_ROOM: &str = "Live.CallbackAfterDestroyRoom";
pub const UPDATE_ROOM_INFO: &str = "Live.CallbackAfterUpdateRoomInfo";
pub const SET_METADATA: &str = "Live.CallbackAfterSetMetadata";
pub const DEL_METADATA: &str = "Live.CallbackAfterDelMetadata";
pub const REACHING_THRESHOLD: &str = "Live.CallbackAfterCreateRoomReachingThreshold";
pub const MEMBER_STATE_CHANGED: &str = "Live.CallbackAfterMemberStateChanged";
pub const CHANGE_OWNER: &str = "Live.CallbackAfterChangeOwner";
pub const MODIFY_ADMIN: &str = "Live.CallbackAfterModifyAdmin";

/// All that the configuration of live rooms takes. Of those that are not named above nothing is told: they need
/// seats, battles, gifts and followers, or are of the chat.
pub const LIVE_WORDS: &[&str] = &[
    CREATE_ROOM,
    DESTROY_ROOM,
    UPDATE_ROOM_INFO,
    SET_METADATA,
    DEL_METADATA,
    REACHING_THRESHOLD,
    MEMBER_STATE_CHANGED,
    CHANGE_OWNER,
    MODIFY_ADMIN,
    "Mic.CallbackAfterSeatInfoChanged",
    "Live.CallbackAfterCreateBattle",
    "Live.CallbackAfterStartBattle",
    "Live.CallbackAfterEndBattle",
    "Live.CallbackBeforeSendGift",
    "Live.CallbackBeforeCallBackNotBlock",
    "Group.CallbackBeforeSendMsg",
    "Group.CallbackAfterSendMsg",
    "Follow.CallbackAfterFollowAdd",
    "Follow.CallbackAfterFollowDelete",
];

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
