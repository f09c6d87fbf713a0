//! Bad input to the other cloud's API: each parameter of each command missing, of the wrong type, too long in bytes, out
//! of range, in a wrong alphabet, too many, naming what is not there. The answer is HTTP 200 with the documented code,
//! the parameter is named, and everything is as it was. What is just still legal is let through.

mod chat_table;
mod table;
mod values;

use crate::{
    bad_input::dump,
    harness::{Client, Tencent, World, code},
};
use roomd::tencent::command::COMMANDS;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use table::{Command, Kind, Param, commands};

/// A room `r1` of `owner`, with an administrator, metadata, a ban and a mute, in which `owner` and `u1` are; a room `gone`
/// that was dissolved; a webhook with its token; and a group of the chat `c1`, with two messages, and one that is gone.
struct Town {
    world: World,
    api: Tencent,
    _owner: Client,
    _u1: Client,
}

impl Town {
    fn new() -> Town {
        let world = World::live();
        // Whoever is named exists, so that nothing else is wrong than what is meant to be.
        world.chat(json!({"auto_import": true}));
        let api = world.tencent();
        api.live("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "Owner_Account": "owner"}}));
        api.room("gone");
        let (owner, u1) = (world.member("owner", "r1"), world.member("u1", "r1"));
        api.live("set_room_metadata", json!({"RoomId": "r1", "Metadata": [{"Key": "old", "Value": "v"}]}));
        api.live("modify_admin", json!({"RoomId": "r1", "Admin_Account": ["admin"], "OpType": "add"}));
        api.live("ban_member", json!({"RoomId": "r1", "MemberList_Account": ["banned"], "Duration": 600}));
        api.live("mute_member", json!({"RoomId": "r1", "MemberList_Account": ["muted"], "MuteTime": 600}));
        api.live("send_text_msg", json!({"RoomId": "r1", "Sender_Account": "u1", "TextContent": "hi"}));
        api.ok("live_config/set_callback_token", json!({"Token": "t", "IsTokenEnable": false}));
        api.live("destroy_room", json!({"RoomId": "gone"}));
        let town = Town { world, api, _owner: owner, _u1: u1 };
        town.api.make("c1", "Public", &["owner", "u1"]);
        town.api.make("c-gone", "Public", &["owner"]);
        town.api.group("destroy_group", json!({"GroupId": "c-gone"}));
        for text in ["one", "two"] {
            town.api.say("c1", "owner", text);
        }
        town.world.hooked(&[
            "r1 Create administrator",
            "gone Create administrator",
            "r1 Online Enter owner",
            "r1 Online Enter u1",
            "r1 Set administrator: old=v",
            "r1 Admin administrator: add admin",
            "gone Destroy administrator DestroyByUser",
        ]);
        town
    }

    /// All that is stored, all that anybody may ask for, and how much the business's server was told.
    fn all(&self) -> (BTreeMap<String, Vec<Vec<Cell>>>, Vec<Value>, usize) {
        let of_room = |name: &str| self.api.live(name, json!({"RoomId": "r1"}));
        let mut told: Vec<Value> =
            ["get_room_info", "get_room_metadata", "get_admin_list", "get_banned_member_list", "get_muted_member_list"].map(of_room).into();
        told.push(self.api.live("get_room_list", json!({})));
        told.push(self.api.group_info("c1"));
        told.push(self.api.group("group_msg_get_simple", json!({"GroupId": "c1", "ReqMsgNumber": 20})));
        told.push(self.api.group("get_group_muted_account", json!({"GroupId": "c1"})));
        told.push(self.api.ok("live_config/get_callback", json!({})));
        told.push(self.api.ok("live_config/get_callback_token", json!({})));
        let api = self.world.api();
        let group = [("AppId", &*self.world.app.id), ("GroupId", "r1")];
        for action in ["DescribeLiveMessageGroup", "ListLiveMessageGroupUsers", "DescribeLiveMessageGroupBand"] {
            let more: &[(&str, &str)] = if action.starts_with("List") { &[("SortType", "1"), ("PageSize", "10")] } else { &[] };
            let mut answer = api.ok(action, &[&group[..], more].concat());
            answer.as_object_mut().expect("an object").remove("RequestId");
            told.push(answer);
        }
        (dump(&self.world.sql()), told, self.world.receiver.all().len())
    }
}

/// The usual body with something else in the place of one parameter.
fn instead(command: &Command, param: &Param, value: Option<&Value>) -> Value {
    let mut body = command.usual.clone();
    let parts: Vec<&str> = param.path.split('/').skip(1).collect();
    let (last, within) = parts.split_last().expect("a pointer");
    let mut at = &mut body;
    for part in within {
        if at[*part].is_null() {
            at[*part] = json!({});
        }
        at = &mut at[*part];
    }
    match value {
        Some(value) => at[*last] = value.clone(),
        None => drop(at.as_object_mut().expect("an object").remove(*last)),
    }
    body
}

/// The code of an illegal parameter.
fn illegal(command: &Command) -> i64 {
    match command.name.split('/').next() {
        Some("group_open_http_svc" | "group_open_avchatroom_http_svc") => 10004,
        Some("openim") => 20001,
        Some("im_open_login_svc") => 70402,
        _ => 100002,
    }
}

#[test]
fn the_table_above_is_the_servers_own() {
    let ours: BTreeSet<String> = commands().iter().map(|command| command.name.to_owned()).collect();
    let served: BTreeSet<String> = COMMANDS.iter().map(|command| format!("{}/{}", command.service, command.name)).collect();
    assert_eq!(ours, served);
}

#[test]
fn what_is_wrong_with_a_parameter_is_told_by_its_name_and_changes_nothing() {
    let town = Town::new();
    let before = town.all();
    let mut tried = 0;
    let mut check = |command: &Command, param: &Param, what: &str, value: Option<&Value>, expected: i64| {
        let body = instead(command, param, value);
        let answer = town.api.post(command.name, &body).send();
        let case = format!("{} {}: {what}: {:.200}: {}", command.name, param.path, body.to_string(), answer.body);
        assert_eq!(code(&answer), expected, "{case}");
        if ![100004, 10010].contains(&expected) && !what.contains("unknown") {
            let name = param.path.rsplit('/').next().unwrap();
            assert!(answer.body["ErrorInfo"].as_str().is_some_and(|why| why.contains(name)), "{name} is not named by {case}");
        }
        let after = dump(&town.world.sql());
        for (table, rows) in &before.0 {
            assert_eq!(rows, &after[table], "table {table} was changed by {case}");
        }
        tried += 1;
    };
    for command in &commands() {
        for param in &command.params {
            for (what, value) in param.bad() {
                check(command, param, what, value.as_ref(), param.code_of(what, illegal(command)));
            }
            if param.kind == Kind::Room {
                for room in ["nobody knows", "gone", "R1", "r1 "] {
                    check(command, param, "an unknown room", Some(&room.into()), 100004);
                }
            }
            if param.kind == Kind::Group {
                for (group, expected) in [("nobody knows", 10015), ("c-gone", 10010), ("C1", 10015), ("c1 ", 10015)] {
                    check(command, param, "an unknown group", Some(&group.into()), expected);
                }
            }
        }
    }
    assert!(tried > 2_000, "only {tried} cases were made");
    let after = town.all();
    assert_eq!(after.1, before.1, "what is told of the room");
    assert_eq!(after.2, before.2, "nobody was told of anything");
}

#[test]
fn a_body_that_is_no_object_is_no_call() {
    let town = Town::new();
    let before = town.all();
    let deep = "[".repeat(50_000);
    for command in &commands() {
        let post = town.api.post(command.name, &command.usual);
        for body in [&b""[..], b"{", b"[]", b"null", b"7", b"\"x\"", b"{}{}", b"{\"a\":\xff}", b"a=1", deep.as_bytes()] {
            let expected = if command.name.starts_with("openim/") { 90001 } else { 60003 };
            assert_eq!(post.clone().body(body).code(), expected, "{}: {:.40}", command.name, String::from_utf8_lossy(body));
        }
    }
    assert_eq!(town.all(), before);
}

#[test]
fn rules_of_several_parameters_and_of_what_there_is() {
    let town = Town::new();
    let api = &town.api;
    let before = town.all();
    let room = |command: &str, mut body: Value, expected: i64| {
        body["RoomId"] = "r1".into();
        assert_eq!(api.live_fails(command, body.clone()), expected, "{command} {body}");
    };
    assert_eq!(api.live_fails("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live"}})), 100003);
    room("change_room_owner", json!({"NewOwner_Account": "nobody"}), 100005);
    room("change_room_owner", json!({"NewOwner_Account": "banned"}), 100016);
    room("ban_member", json!({"MemberList_Account": ["u1", "owner"], "Duration": 60}), 100006);
    room("modify_admin", json!({"Admin_Account": ["a1", "a2", "a3", "a4", "a5"], "OpType": "add"}), 100020);
    room("send_text_msg", json!({"Sender_Account": "muted", "TextContent": "hi"}), 10017);
    room("send_text_msg", json!({"Sender_Account": "u1", "TextContent": "x".repeat(12_289)}), 80002);
    room("send_text_msg", json!({"Sender_Account": "u1", "TextContent": "hi", "ExtensionInfo": "x".repeat(12_289)}), 80002);
    room("send_custom_msg", json!({"BusinessId": "b", "Data": "x".repeat(12_289)}), 80002);
    let many: Vec<Value> = (0..10).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect();
    room("set_room_metadata", json!({"Metadata": many}), 100002);
    let large: Vec<Value> = (0..9).map(|n| json!({"Key": format!("k{n}"), "Value": "v".repeat(2_048)})).collect();
    room("set_room_metadata", json!({"Metadata": large}), 100002);
    assert_eq!(api.fails("live_config/set_callback", json!({"Url": town.world.receiver.live_url(), "CallbackCommandList": []})), 100300);
    assert_eq!(town.all(), before);
    // Nothing of it is there.
    api.ok("live_config/delete_callback", json!({}));
    for command in ["get_callback", "update_callback"] {
        assert_eq!(api.fails(&format!("live_config/{command}"), json!({"Url": "http://cb.example.com/", "CallbackCommandList": []})), 100301, "{command}");
    }
    let other = World::new();
    assert_eq!(other.tencent().fails("live_config/get_callback_token", json!({})), 100302);
    for half in [json!({"Token": "t"}), json!({"IsTokenEnable": true}), json!({})] {
        assert_eq!(other.tencent().fails("live_config/set_callback_token", half), 100002);
    }
    assert_eq!(other.tencent().fails("live_config/get_callback_token", json!({})), 100302);
    // Of several groups each has its own code, and the call none.
    let groups = json!({"GroupIdList": ["r1", "gone", "nobody", "", "x".repeat(65), "a\nb"]});
    let found = api.ok("group_open_http_svc/get_group_info", groups);
    let codes: Vec<_> = found["GroupInfo"].as_array().unwrap().iter().map(|group| group["ErrorCode"].as_i64().unwrap()).collect();
    assert_eq!(codes, [0, 10010, 10015, 10015, 10015, 10015]);
}

#[test]
fn under_another_applications_number_nothing_is_seen_and_nothing_changes() {
    let town = Town::new();
    let made = town.world.api().app("");
    let other = Tencent { sdkappid: town.world.sdkappid_of(&made), key: made.key.clone(), ..town.api.clone() };
    let before = town.all();
    for command in commands().iter().filter(|command| command.params.iter().any(|param| param.kind == Kind::Room)) {
        assert_eq!(other.fails(command.name, command.usual.clone()), 100004, "{}", command.name);
    }
    for command in commands().iter().filter(|command| command.params.iter().any(|param| param.kind == Kind::Group)) {
        assert_eq!(other.fails(command.name, command.usual.clone()), 10015, "{}", command.name);
    }
    assert_eq!(other.live("get_room_list", json!({}))["RoomList"], json!([]));
    assert_eq!(other.fails("live_config/get_callback", json!({})), 100301);
    assert_eq!(other.ok("group_open_http_svc/get_group_info", json!({"GroupIdList": ["r1"]}))["GroupInfo"][0]["ErrorCode"], 10015);
    assert_eq!(other.fails("im_open_login_svc/kick", json!({"UserID": "u1"})), 70107);
    let (mut stored, told, posts) = town.all();
    // That is the other application's own.
    let kept = |tables: &mut BTreeMap<String, Vec<Vec<Cell>>>| tables.retain(|name, _| name != "revoked");
    let mut expected = before.0.clone();
    kept(&mut expected);
    kept(&mut stored);
    assert_eq!((stored, told, posts), (expected, before.1, before.2));
}

#[test]
fn what_is_just_still_legal_is_let_through() {
    for command in &commands() {
        let town = Town::new();
        for param in &command.params {
            let optional = (!param.is_needed).then_some(None);
            let values = param.kind.legal().into_iter().map(Some).chain(optional);
            for value in values {
                let body = instead(command, param, value.as_ref());
                // What can be done once is undone.
                match command.name {
                    "live_config/set_callback" => drop(town.api.ok("live_config/delete_callback", json!({}))),
                    "live_engine_http_srv/create_room" => {
                        let _ = town.api.post("live_engine_http_srv/destroy_room", &json!({"RoomId": body["RoomInfo"]["RoomId"]})).send();
                    }
                    "live_engine_http_srv/modify_admin" => {
                        let admins = town.api.live("get_admin_list", json!({"RoomId": "r1"}))["Admin_Account"].clone();
                        if admins != json!([]) {
                            town.api.live("modify_admin", json!({"RoomId": "r1", "Admin_Account": admins, "OpType": "delete"}));
                        }
                    }
                    "live_engine_http_srv/set_room_metadata" => {
                        town.api.live("destroy_room", json!({"RoomId": "r1"}));
                        town.api.room("r1");
                    }
                    _ => (),
                }
                let got = town.api.post(command.name, &body).code();
                assert_eq!(got, 0, "{} {}: {:.300}", command.name, param.path, body.to_string());
            }
        }
    }
}
