//! All commands of the other cloud's API with their parameters, as the documents have them (`tencent.md` §3, §4): what
//! each may hold, and whether it may be left out. Those of the chat are in `chat_table.rs`.

use Kind::*;
use serde_json::{Value, json};

/// What a parameter may hold. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Names a room that is to be made: printable ASCII.
    NewRoom,
    /// A room that must be there.
    Room,
    /// Whom something new is made for: 1 to 32 bytes.
    NewUser,
    /// The same, and empty is as if it were left out.
    MaybeUser,
    /// Names a user, wherever it was named first: 1 to 64 bytes.
    User,
    NewUsers(usize),
    Users(usize),
    /// At most so many bytes; 0: any number.
    Text(usize),
    /// The same, and not empty.
    Filled(usize),
    /// A number in the range.
    Int(i64, i64),
    Flag,
    Object,
    /// At most so many numbers.
    Numbers(usize),
    OneOf(&'static [&'static str]),
    Url,
    /// Command words of webhooks.
    Words,
    /// What a page before returned.
    Cursor,
    /// At most 10 objects with `Key` and `Value`.
    Entries,
    /// At most 10 keys of metadata; may they be none?
    Keys {
        none: bool,
    },
    /// Ids of groups, whatever they are.
    Groups,
    /// Names of fields, whatever they are.
    Names,
    // Of the chat.
    /// A group that must be there.
    Group,
    /// Names a group that is to be made; empty: one is made up.
    NewGroup,
    /// Names a user, wherever it was named first; empty is as if it were left out.
    AnyUser,
    /// The same of a list, which may be empty.
    SomeOrNo(usize),
    /// Names of accounts; what is too long fails alone.
    Accounts,
    /// Objects with a `UserID`.
    Items,
    /// Objects with a `Member_Account`; may they be none?
    Members {
        most: usize,
        none: bool,
    },
    /// Objects with `Key` and `Value`, each key once.
    Data {
        keys: usize,
        bytes: usize,
    },
    /// A MsgBody.
    Elements,
    /// Switches, whatever they are.
    Switches,
    /// Who is meant.
    Mentioned,
    /// At most 10 objects with a `MsgSeq`.
    Seqs,
    /// A type of a group by any of its names; empty is none.
    GroupType,
    Roles,
    /// Members of a group: 6000 at most where it is Public.
    Size,
    /// Topics are not served.
    NoTopic,
    /// The number of a place in a list, as text.
    Place,
    /// `{MsgSeq}_{MsgRandom}_{seconds}`; may it be empty?
    MsgKey {
        none: bool,
    },
}

pub struct Param {
    /// A JSON pointer into the body.
    pub path: &'static str,
    pub kind: Kind,
    pub is_needed: bool,
    /// In the place of the service's own.
    code: Option<i64>,
    /// What is told with yet another code.
    but: &'static [(&'static str, i64)],
}

impl Param {
    /// An illegal value is told with this code.
    pub fn code(self, code: i64) -> Param {
        Param { code: Some(code), ..self }
    }

    /// These cases are told with codes of their own.
    pub fn but(self, but: &'static [(&'static str, i64)]) -> Param {
        Param { but, ..self }
    }

    /// The code of a case, where illegal parameters of the service have `usual`.
    pub fn code_of(&self, what: &str, usual: i64) -> i64 {
        let own = self.but.iter().find(|(case, _)| *case == what).map(|(_, code)| *code);
        own.or(self.code).unwrap_or(usual)
    }
}

pub struct Command {
    /// `service/command`.
    pub name: &'static str,
    /// A body that succeeds.
    pub usual: Value,
    pub params: Vec<Param>,
}

pub fn must(path: &'static str, kind: Kind) -> Param {
    Param { path, kind, is_needed: true, code: None, but: &[] }
}

pub fn may(path: &'static str, kind: Kind) -> Param {
    Param { path, kind, is_needed: false, code: None, but: &[] }
}

pub fn command(name: &'static str, usual: Value, params: Vec<Param>) -> Command {
    Command { name, usual, params }
}

/// Of a room in the service of live rooms; `more` stands beside its id.
fn of_room(name: &'static str, mut usual: Value, mut params: Vec<Param>) -> Command {
    usual["RoomId"] = "r1".into();
    params.insert(0, must("/RoomId", Room));
    command(name, usual, params)
}

pub const U32: Kind = Int(0, u32::MAX as i64);
const I64: Kind = Int(i64::MIN, i64::MAX);
const SEAT_MODES: Kind = OneOf(&["FreeToTake", "ApplyToTake"]);

/// What a room may be given when it is made and later.
fn details() -> Vec<Param> {
    vec![
        may("/RoomInfo/RoomName", Text(100)),
        may("/RoomInfo/MaxMemberCount", U32),
        may("/RoomInfo/IsMessageDisabled", Flag),
        may("/RoomInfo/CoverURL", Text(200)),
        may("/RoomInfo/Category", Numbers(3)),
        may("/RoomInfo/ActivityStatus", I64),
        may("/RoomInfo/IsPublicVisible", Flag),
        may("/RoomInfo/TakeSeatMode", SEAT_MODES),
    ]
}

pub fn commands() -> Vec<Command> {
    let config = || vec![must("/Url", Url), must("/CallbackCommandList", Words)];
    let webhook = json!({"Url": "http://cb.example.com/live", "CallbackCommandList": ["Live.CallbackAfterCreateRoom"]});
    let mut create = vec![must("/RoomInfo", Object), must("/RoomInfo/RoomId", NewRoom), must("/RoomInfo/RoomType", OneOf(&["Live"]))];
    create.extend(details());
    create.extend([
        may("/RoomInfo/Owner_Account", MaybeUser),
        may("/RoomInfo/IsSeatEnabled", Flag),
        may("/RoomInfo/MaxSeatCount", U32),
        may("/RoomInfo/IsUnlimitedRoomEnabled", Flag),
        may("/RoomInfo/SeatLayoutTemplateId", I64),
    ]);
    let mut update = vec![must("/RoomInfo", Object), must("/RoomInfo/RoomId", Room), may("/RoomInfo/Notice", Text(100))];
    update.extend(details());
    let members = |most| must("/MemberList_Account", NewUsers(most));
    vec![
        command("live_config/set_callback", webhook.clone(), config()),
        command("live_config/update_callback", webhook, config()),
        command("live_config/get_callback", json!({}), vec![]),
        command("live_config/delete_callback", json!({}), vec![]),
        command("live_config/set_callback_token", json!({"Token": "t", "IsTokenEnable": true}), vec![may("/Token", Filled(128)), may("/IsTokenEnable", Flag)]),
        command("live_config/get_callback_token", json!({}), vec![]),
        command("live_engine_http_srv/create_room", json!({"RoomInfo": {"RoomId": "new", "RoomType": "Live"}}), create),
        of_room("live_engine_http_srv/destroy_room", json!({}), vec![]),
        command("live_engine_http_srv/update_room_info", json!({"RoomInfo": {"RoomId": "r1", "RoomName": "another"}}), update),
        of_room("live_engine_http_srv/get_room_info", json!({}), vec![]),
        command("live_engine_http_srv/get_room_list", json!({"Next": "", "Count": 20}), vec![may("/Next", Cursor), may("/Count", Int(1, 20))]),
        of_room("live_engine_http_srv/set_room_metadata", json!({"Metadata": [{"Key": "k", "Value": "v"}]}), vec![must("/Metadata", Entries)]),
        of_room("live_engine_http_srv/get_room_metadata", json!({"Keys": []}), vec![may("/Keys", Keys { none: true })]),
        of_room("live_engine_http_srv/del_room_metadata", json!({"Keys": ["old"]}), vec![must("/Keys", Keys { none: false })]),
        of_room(
            "live_engine_http_srv/modify_admin",
            json!({"Admin_Account": ["a1"], "OpType": "add"}),
            vec![must("/Admin_Account", NewUsers(5)), must("/OpType", OneOf(&["add", "delete"]))],
        ),
        of_room("live_engine_http_srv/get_admin_list", json!({}), vec![]),
        of_room("live_engine_http_srv/change_room_owner", json!({"NewOwner_Account": "u1"}), vec![must("/NewOwner_Account", User)]),
        of_room(
            "live_engine_http_srv/ban_member",
            json!({"MemberList_Account": ["u1"], "Duration": 60}),
            vec![members(20), must("/Duration", Int(1, u32::MAX as i64)), may("/Reason", Text(200))],
        ),
        of_room("live_engine_http_srv/unban_member", json!({"MemberList_Account": ["banned"]}), vec![must("/MemberList_Account", Users(20))]),
        of_room("live_engine_http_srv/get_banned_member_list", json!({}), vec![may("/Offset", U32), may("/Limit", Int(1, 100))]),
        of_room("live_engine_http_srv/mute_member", json!({"MemberList_Account": ["u1"], "MuteTime": 60}), vec![members(500), must("/MuteTime", U32)]),
        of_room("live_engine_http_srv/get_muted_member_list", json!({}), vec![]),
        of_room(
            "live_engine_http_srv/send_text_msg",
            json!({"Sender_Account": "u1", "TextContent": "hi"}),
            vec![must("/TextContent", Filled(0)), must("/Sender_Account", NewUser), may("/ExtensionInfo", Text(0))],
        ),
        of_room(
            "live_engine_http_srv/send_custom_msg",
            json!({"BusinessId": "b", "Data": "{}"}),
            vec![must("/BusinessId", Filled(0)), must("/Data", Text(0)), may("/Sender_Account", MaybeUser)],
        ),
        of_room(
            "room_engine_http_srv/kick_user_out",
            json!({"MemberList_Account": ["u1"]}),
            vec![must("/MemberList_Account", Users(20)), may("/Reason", Text(200))],
        ),
    ]
    .into_iter()
    .chain(super::chat_table::commands())
    .collect()
}
