//! Who rules over a room, who may not come or speak, who has to go (`tencent.md` §4).

use super::*;

/// The path of a command of live rooms.
fn path(command: &str) -> String {
    format!("live_engine_http_srv/{command}")
}

fn users(users: &[&str]) -> Value {
    json!({"RoomId": "r1", "MemberList_Account": users})
}

/// What no list of users may be; the last only where somebody new is named.
fn bad_lists(of: &Value) -> Vec<Value> {
    let list = |list: Value| but(of, json!({ "MemberList_Account": list }));
    vec![
        but(of, json!({"MemberList_Account": null})),
        but(of, json!({"RoomId": null})),
        but(of, json!({"RoomId": 1})),
        list(json!("ann")),
        list(json!([])),
        list(json!([1])),
        list(json!(["ann", ""])),
        list(json!(["a\n"])),
        list(json!(["x".repeat(65)])),
        list(json!((0..501).map(|n| n.to_string()).collect::<Vec<_>>())),
    ]
}

#[test]
fn administrators_and_owner() {
    let server = Server::new();
    server.response("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "Owner_Account": "owner"}}));
    let body = |op: &str, users: &[&str]| json!({"RoomId": "r1", "OpType": op, "Admin_Account": users});
    let admins = || server.response("get_admin_list", json!({"RoomId": "r1"}));
    assert_eq!(admins(), json!({"Admin_Account": []}));
    assert_eq!(server.response("modify_admin", body("add", &["ann", "bob"])), Value::Null);
    server.refuses(&path("modify_admin"), 100020, [body("add", &["c", "d", "e", "f"])]);
    server.response("modify_admin", body("add", &["c", "d", "e", "ann"]));
    server.refuses(&path("modify_admin"), 100020, [body("add", &["f"])]);
    server.response("modify_admin", body("delete", &["bob", "c", &"x".repeat(64)]));
    assert_eq!(admins(), json!({"Admin_Account": ["ann", "d", "e"]}));
    server.refuses(
        &path("modify_admin"),
        100002,
        [
            json!({"RoomId": "r1", "OpType": "add"}),
            json!({"RoomId": "r1", "Admin_Account": ["x"]}),
            json!({"RoomId": "r1", "OpType": "add", "Admin_Account": "x"}),
            body("Add", &["x"]),
            body("add", &[]),
            body("add", &["a", "b", "c", "d", "e", "f"]),
            body("add", &[&"x".repeat(33)]),
        ],
    );
    for command in ["modify_admin", "get_admin_list"] {
        server.refuses(&path(command), 100004, [but(&body("add", &["x"]), json!({"RoomId": "none"}))]);
    }
    server.refuses(&path("get_admin_list"), 100002, [json!({}), json!({"RoomId": ""})]);

    let owner = |user: Value| json!({"RoomId": "r1", "NewOwner_Account": user});
    server.refuses(&path("change_room_owner"), 100005, [owner(json!("ann"))]);
    server.refuses(&path("change_room_owner"), 100002, [json!({"RoomId": "r1"}), owner(json!("")), owner(json!(1))]);
    server.refuses(&path("change_room_owner"), 100004, [json!({"RoomId": "none", "NewOwner_Account": "ann"})]);
    server.fake.join("demo", "ann", 1);
    assert_eq!(server.response("change_room_owner", owner(json!("ann"))), Value::Null);
    assert_eq!(server.response("get_room_info", json!({"RoomId": "r1"}))["RoomInfo"]["Owner_Account"], "ann");
    server.response("ban_member", but(&users(&["bob"]), json!({"Duration": 60})));
    server.refuses(&path("change_room_owner"), 100016, [owner(json!("bob"))]);
}

#[test]
fn bans() {
    let server = Server::new();
    server.response("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "Owner_Account": "owner"}}));
    let now = server.clock.now().seconds();
    let ban = |names: &[&str], seconds: u32| but(&users(names), json!({"Duration": seconds, "Reason": "x".repeat(200)}));
    let list = |body: Value| server.response("get_banned_member_list", but(&json!({"RoomId": "r1"}), body));
    assert_eq!(list(json!({})), json!({"BannedAccountList": [], "NextOffset": 0}));
    assert_eq!(server.response("ban_member", ban(&["b", "a"], 60)), Value::Null);
    server.response("ban_member", ban(&["c"], u32::MAX));
    let banned = |user: &str, until: i64| json!({"Member_Account": user, "BannedUntil": until});
    let all = [banned("a", now + 60), banned("b", now + 60), banned("c", 4_294_967_295)];
    assert_eq!(list(json!({})), json!({"BannedAccountList": all, "NextOffset": 0}));
    assert_eq!(list(json!({"Limit": 2})), json!({"BannedAccountList": all[..2], "NextOffset": 2}));
    assert_eq!(list(json!({"Limit": 2, "Offset": 2})), json!({"BannedAccountList": all[2..], "NextOffset": 0}));
    assert_eq!(list(json!({"Limit": 3})), json!({"BannedAccountList": all, "NextOffset": 0}));
    assert_eq!(list(json!({"Offset": u32::MAX})), json!({"BannedAccountList": [], "NextOffset": 0}));
    assert_eq!(server.response("unban_member", users(&["b", "nobody"])), Value::Null);
    assert_eq!(list(json!({}))["BannedAccountList"], json!([all[0], all[2]]));

    let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
    let good = ban(&["x"], 60);
    let bad = [
        but(&good, json!({"Duration": null})),
        but(&good, json!({"Duration": 0})),
        but(&good, json!({"Duration": -1})),
        but(&good, json!({"Duration": "60"})),
        but(&good, json!({"Duration": 4_294_967_296u64})),
        but(&good, json!({"Reason": "x".repeat(201)})),
        but(&good, json!({"Reason": 1})),
        but(&good, json!({"MemberList_Account": many})),
        but(&good, json!({"MemberList_Account": ["x".repeat(33)]})),
    ];
    server.refuses(&path("ban_member"), 100002, bad_lists(&good).into_iter().chain(bad));
    server.refuses(&path("ban_member"), 100006, [ban(&["x", "owner"], 60)]);
    server.refuses(&path("unban_member"), 100002, bad_lists(&users(&["x"])).into_iter().chain([json!({"RoomId": "r1", "MemberList_Account": many})]));
    let bad = [json!({"Offset": -1}), json!({"Offset": "0"}), json!({"Limit": 0}), json!({"Limit": 101})];
    server.refuses(&path("get_banned_member_list"), 100002, bad.map(|bad| but(&json!({"RoomId": "r1"}), bad)));
    for command in ["ban_member", "unban_member", "get_banned_member_list"] {
        server.refuses(&path(command), 100004, [but(&good, json!({"RoomId": "none"}))]);
    }
    let mut rules = Rules::default();
    rules.quotas.bans_per_group = 1;
    let small = Server::with(rules, false);
    small.room("r1");
    small.refuses(&path("ban_member"), 100002, [ban(&["a", "b"], 60)]);
}

#[test]
fn mutes() {
    let server = Server::new();
    server.room("r1");
    let now = server.clock.now().seconds();
    let mute = |names: &[&str], seconds: u32| but(&users(names), json!({"MuteTime": seconds}));
    let list = || server.response("get_muted_member_list", json!({"RoomId": "r1"}))["MutedAccountList"].clone();
    assert_eq!(list(), json!([]));
    assert_eq!(server.response("mute_member", mute(&["b", "a"], 60)), Value::Null);
    server.response("mute_member", mute(&["c"], u32::MAX));
    let muted = |user: &str, until: i64| json!({"Member_Account": user, "MutedUntil": until});
    assert_eq!(list(), json!([muted("a", now + 60), muted("b", now + 60), muted("c", 4_294_967_295)]));
    server.response("mute_member", mute(&["a", "c", "nobody", &"x".repeat(64)], 0));
    assert_eq!(list(), json!([muted("b", now + 60)]));

    let good = mute(&["x"], 60);
    let bad = [
        but(&good, json!({"MuteTime": null})),
        but(&good, json!({"MuteTime": -1})),
        but(&good, json!({"MuteTime": 1.5})),
        but(&good, json!({"MuteTime": 4_294_967_296u64})),
        but(&good, json!({"MemberList_Account": ["x".repeat(33)]})),
    ];
    server.refuses(&path("mute_member"), 100002, bad_lists(&good).into_iter().chain(bad));
    for command in ["mute_member", "get_muted_member_list"] {
        server.refuses(&path(command), 100004, [but(&good, json!({"RoomId": "none"}))]);
    }
}

#[test]
fn who_is_put_out() {
    const KICK: &str = "room_engine_http_srv/kick_user_out";
    let server = Server::new();
    server.room("r1");
    server.fake.join("demo", "ann", 1);
    let online = || server.call("group_open_http_svc/get_group_info", json!({"GroupIdList": ["r1"]}))["GroupInfo"][0]["MemberNum"].clone();
    assert_eq!(online(), 1);
    let answer = server.call(KICK, but(&users(&["ann", "nobody", &"x".repeat(64)]), json!({"Reason": "spam"})));
    assert!(code(&answer) == 0 && answer["RequestId"].is_string() && answer.get("Response").is_none(), "{answer}");
    assert_eq!(online(), 0);
    server.refuses(KICK, 100002, bad_lists(&users(&["ann"])).into_iter().chain([but(&users(&["ann"]), json!({"Reason": "x".repeat(201)}))]));
    server.refuses(KICK, 100004, [but(&users(&["ann"]), json!({"RoomId": "none"}))]);
}
