//! Words that calls and webhooks share: the command words of callbacks (`tencent.md` §3.1, §6), which say what an
//! application may ask to be told of. What they call the groups that they tell of is in `names.rs`.

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
    BEFORE_SEND_MSG,
    AFTER_SEND_MSG,
    "Follow.CallbackAfterFollowAdd",
    "Follow.CallbackAfterFollowDelete",
];

pub const STATE_CHANGE: &str = "State.StateChange";
pub const BEFORE_CREATE_GROUP: &str = "Group.CallbackBeforeCreateGroup";
pub const AFTER_CREATE_GROUP: &str = "Group.CallbackAfterCreateGroup";
pub const BEFORE_APPLY_JOIN: &str = "Group.CallbackBeforeApplyJoinGroup";
pub const BEFORE_INVITE_JOIN: &str = "Group.CallbackBeforeInviteJoinGroup";
pub const NEW_MEMBER_JOIN: &str = "Group.CallbackAfterNewMemberJoin";
pub const MEMBER_EXIT: &str = "Group.CallbackAfterMemberExit";
pub const GROUP_DESTROYED: &str = "Group.CallbackAfterGroupDestroyed";
pub const GROUP_FULL: &str = "Group.CallbackAfterGroupFull";
pub const GROUP_INFO_CHANGED: &str = "Group.CallbackAfterGroupInfoChanged";
pub const BEFORE_SEND_MSG: &str = "Group.CallbackBeforeSendMsg";
pub const AFTER_SEND_MSG: &str = "Group.CallbackAfterSendMsg";
pub const SEND_MSG_EXCEPTION: &str = "Group.CallbackSendMsgException";
pub const RECALL_MSG: &str = "Group.CallbackAfterRecallMsg";
pub const ON_MEMBER_STATE_CHANGE: &str = "Group.CallbackOnMemberStateChange";
pub const C2C_BEFORE_SEND_MSG: &str = "C2C.CallbackBeforeSendMsg";
pub const C2C_AFTER_SEND_MSG: &str = "C2C.CallbackAfterSendMsg";

/// All that the webhook of the chat takes. Of those that are not named above nothing is told: they need profiles, friends,
/// reports of reading and topics.
pub const CHAT_WORDS: &[&str] = &[
    STATE_CHANGE,
    BEFORE_CREATE_GROUP,
    AFTER_CREATE_GROUP,
    BEFORE_APPLY_JOIN,
    BEFORE_INVITE_JOIN,
    NEW_MEMBER_JOIN,
    MEMBER_EXIT,
    GROUP_DESTROYED,
    GROUP_FULL,
    GROUP_INFO_CHANGED,
    BEFORE_SEND_MSG,
    AFTER_SEND_MSG,
    SEND_MSG_EXCEPTION,
    RECALL_MSG,
    ON_MEMBER_STATE_CHANGE,
    C2C_BEFORE_SEND_MSG,
    C2C_AFTER_SEND_MSG,
    "C2C.CallbackAfterMsgReport",
    "C2C.CallbackAfterMsgWithDraw",
    "Profile.CallbackPortraitSet",
    "Sns.CallbackPrevFriendAdd",
    "Sns.CallbackPrevFriendResponse",
    "Sns.CallbackFriendAdd",
    "Sns.CallbackFriendDelete",
    "Sns.CallbackBlackListAdd",
    "Sns.CallbackBlackListDelete",
    "Group.CallbackBeforeCreateTopic",
    "Group.CallbackAfterCreateTopic",
    "Group.CallbackAfterTopicDestroyed",
    "Group.CallbackAfterTopicInfoChanged",
];

/// Of all these, what is asked before something is done.
pub const BEFORE: &[&str] = &[BEFORE_CREATE_GROUP, BEFORE_APPLY_JOIN, BEFORE_INVITE_JOIN, BEFORE_SEND_MSG, C2C_BEFORE_SEND_MSG];
