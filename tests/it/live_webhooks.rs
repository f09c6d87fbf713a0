//! What the business's server is told of its live rooms, and in which order (`tencent.md` §3.2). Its form is looked at with
//! each webhook (`harness/hooks.rs`); how often it is told is in `live_delivery.rs`, who is away in `live_presence.rs`.

use crate::harness::{React, WORDS, World, hook_line, operator, query};
use serde_json::{Value, json};

const SECOND: u64 = 1_000;
pub const STATE: &str = "Live.CallbackAfterMemberStateChanged";

pub fn count(world: &World, what: &str) -> i64 {
    world.sql().query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

/// A parameter of a webhook's URL.
pub fn param(path: &str, name: &str) -> Option<String> {
    query(path).into_iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_owned())
}

#[test]
fn each_word_of_rooms_and_users_is_told_in_the_order_of_the_room() {
    let world = World::live();
    let api = world.tencent();
    let room = |more: Value| {
        let mut body = more;
        body["RoomId"] = "r1".into();
        body
    };
    world.users(&["host"]);
    api.live("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "Owner_Account": "host", "Category": [2]}}));
    let (mut u1, _u2) = (world.member("u1", "r1"), world.member("u2", "r1"));
    api.live("update_room_info", json!({"RoomInfo": {"RoomId": "r1", "RoomName": "new", "Notice": "n"}}));
    api.live("update_room_info", json!({"RoomInfo": {"RoomId": "r1", "RoomName": "new"}}));
    api.live("set_room_metadata", room(json!({"Metadata": [{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}]})));
    api.live("del_room_metadata", room(json!({"Keys": ["a", "none"]})));
    api.live("del_room_metadata", room(json!({"Keys": ["none"]})));
    api.live("modify_admin", room(json!({"Admin_Account": ["u1", "a"], "OpType": "add"})));
    api.live("modify_admin", room(json!({"Admin_Account": ["a"], "OpType": "delete"})));
    api.live("change_room_owner", room(json!({"NewOwner_Account": "u2"})));
    // Of these there is no word.
    api.live("mute_member", room(json!({"MemberList_Account": ["u1"], "MuteTime": 60})));
    api.live("send_text_msg", room(json!({"Sender_Account": "host", "TextContent": "hi"})));
    u1.leave("r1");
    api.live("ban_member", room(json!({"MemberList_Account": ["u1"], "Duration": 60})));
    api.live("unban_member", room(json!({"MemberList_Account": ["u1"]})));
    api.live("destroy_room", room(json!({})));
    world.hooked(&[
        "r1 Create administrator",
        "r1 Online Enter u1",
        "r1 Online Enter u2",
        "r1 Update administrator",
        "r1 Set administrator: b=1,a=2",
        "r1 Del administrator: a",
        "r1 Admin administrator: add u1,a",
        "r1 Admin administrator: delete a",
        "r1 Owner administrator: host to u2",
        "r1 Offline Leave u1",
        "r1 Destroy administrator DestroyByUser",
    ]);
    let hooks = world.receiver.hooks();
    let body = |begins: &str| hooks.iter().find(|c| hook_line(c).starts_with(begins)).expect("it was told").json();
    let now = world.server.clock.now().0;
    let created = json!({
        "CallbackCommand": "Live.CallbackAfterCreateRoom", "Operator_Account": "administrator", "EventTime": now,
        "RoomInfo": {
            "RoomId": "r1", "RoomName": "r1", "RoomType": "Live", "Owner_Account": "host", "MaxMemberCount": 0, "IsMessageDisabled": false, "CustomInfo": "",
            "IsSeatEnabled": false, "TakeSeatMode": "FreeToTake", "MaxSeatCount": 0, "CreateTime": world.seconds(), "IsPublicVisible": true, "CoverURL": "",
            "Category": [2],
        },
    });
    assert_eq!(body("r1 Create"), created);
    let destroyed = body("r1 Destroy");
    assert_eq!((&destroyed["RoomInfo"]["ViewCount"], &destroyed["RoomInfo"]["Owner_Account"]), (&json!(2), &json!("u2")));
    assert_eq!((&destroyed["RoomInfo"]["RoomName"], &destroyed["Statistic"]["TotalViewers"]), (&json!("new"), &json!(2)));
    assert_eq!(body("r1 Online Enter u1")["MemberList"], json!([{"Member_Account": "u1"}]));
    assert_eq!(body("r1 Update")["RoomInfo"]["RoomName"], "new");
    for c in &hooks {
        assert_eq!(param(&c.path, "SdkAppid"), Some(world.sdkappid().to_string()), "{}", c.path);
        let word = param(&c.path, "CallbackCommand").unwrap();
        // Who joins and leaves is a client, everything else was a call of this API.
        let platform = if word == STATE { "Unknown" } else { "RESTAPI" };
        if !["Live.CallbackAfterChangeOwner", "Live.CallbackAfterModifyAdmin"].contains(&&*word) {
            assert_eq!((param(&c.path, "ClientIP").as_deref(), param(&c.path, "OptPlatform").as_deref()), (Some("127.0.0.1"), Some(platform)), "{}", c.path);
        }
    }
    assert_eq!(count(&world, "attempt"), hooks.len() as i64, "each was one try");
}

#[test]
fn the_device_of_a_login_is_the_platform() {
    let world = World::live();
    world.tencent().room("r1");
    world.hooked(&["r1 Create administrator"]);
    let devices = [
        ("ios-7", "iOS"),
        ("Web", "Web"),
        ("ANDROID 14", "Android"),
        ("windows", "Windows"),
        ("Macbook", "Mac"),
        ("iPad mini", "iPad"),
        ("my iPad", "Unknown"),
        ("", "Unknown"),
    ];
    for (n, (device, platform)) in devices.into_iter().enumerate() {
        let user = format!("u{n}");
        let mut client = world.on_device(&user, device);
        client.join("r1");
        world.hooked(&[&format!("r1 Online Enter {user}")]);
        let hook = world.receiver.hooks().pop().expect("it was told");
        assert_eq!(param(&hook.path, "OptPlatform").as_deref(), Some(platform), "{device}");
        client.leave("r1");
        world.hooked(&[&format!("r1 Offline Leave {user}")]);
    }
}

#[test]
fn why_a_member_is_not_there_any_more_is_told() {
    let world = World::live();
    let api = world.tencent();
    api.room("r1");
    let members = |users: &[&str]| users.iter().map(|user| world.member(user, "r1")).collect::<Vec<_>>();
    let names = ["left", "closed", "off", "kicked", "banned", "revoked", "forced", "displaced"];
    let mut clients = members(&names);
    let mut expected = vec!["r1 Create administrator".to_owned()];
    expected.extend(names.iter().map(|user| format!("r1 Online Enter {user}")));
    let hooked = |expected: &mut Vec<String>| {
        world.hooked(&expected.iter().map(String::as_str).collect::<Vec<_>>());
        expected.clear();
    };
    hooked(&mut expected);
    clients[0].leave("r1");
    world.server.settle();
    clients.remove(1).close(1000);
    world.advance(2 * SECOND);
    clients[1].ok("rpc", json!({"method": "session.logoff"}));
    world.server.settle();
    api.ok("room_engine_http_srv/kick_user_out", json!({"RoomId": "r1", "MemberList_Account": ["kicked", "nobody"]}));
    api.live("ban_member", json!({"RoomId": "r1", "MemberList_Account": ["banned"], "Duration": 60}));
    api.ok("im_open_login_svc/kick", json!({"UserID": "revoked"}));
    let (at, data) = (world.server.running().control, world.server.folder.path());
    assert_eq!(operator(at, data, "DELETE", &format!("apps/{}/sessions/forced", world.app.id), "").status, 200);
    let elsewhere = world.on_device("displaced", "elsewhere");
    expected.extend(
        ["Leave left", "Leave closed", "Leave off", "Kicked kicked", "Kicked banned", "Kicked revoked", "Kicked forced", "Leave displaced"]
            .map(|why| format!("r1 Offline {why}")),
    );
    hooked(&mut expected);
    drop(elsewhere);
    let _stays = world.member("stays", "r1");
    world.hooked(&["r1 Online Enter stays"]);
    // Of those who are in when it goes nobody is told.
    api.live("destroy_room", json!({"RoomId": "r1"}));
    world.hooked(&["r1 Destroy administrator DestroyByUser"]);
    // Those of a disabled application are told when it may be called again.
    api.room("r2");
    let _u1 = world.member("u1", "r2");
    world.hooked(&["r2 Create administrator", "r2 Online Enter u1"]);
    for value in ["true", "false"] {
        world.api().ok("ModifyLiveMessageAppDisable", &[("AppId", &world.app.id), ("Disable", value)]);
        world.server.settle();
    }
    world.hooked(&["r2 Offline Kicked u1"]);
}

#[test]
fn what_happened_before_there_was_a_configuration_is_not_told() {
    let world = World::new();
    let api = world.tencent();
    api.room("r1");
    let mut u1 = world.member("u1", "r1");
    world.told(&["u1 on", "u1 join r1"]);
    assert_eq!(count(&world, "outbox"), 0);
    api.hook(&world.receiver.live_url(), &WORDS);
    u1.leave("r1");
    world.hooked(&["r1 Offline Leave u1"]);
    world.told(&["u1 leave r1"]);
}

#[test]
fn only_the_words_of_the_list_are_told() {
    let world = World::new();
    let api = world.tencent();
    let url = world.receiver.live_url();
    let twice = [STATE, "Live.CallbackAfterDestroyRoom", STATE];
    api.hook(&url, &twice);
    assert_eq!(api.ok("live_config/get_callback", json!({}))["CallbackCommandList"], json!(twice[..2]), "each once, in this order");
    api.room("r1");
    let mut u1 = world.member("u1", "r1");
    world.hooked(&["r1 Online Enter u1"]);
    api.ok("live_config/update_callback", json!({"Url": url, "CallbackCommandList": []}));
    u1.leave("r1");
    u1.join("r1");
    world.hooked(&[]);
    // Those of what this server has not are taken, and nothing comes of them.
    api.ok("live_config/update_callback", json!({"Url": url, "CallbackCommandList": ["Live.CallbackBeforeSendGift", "Live.CallbackAfterDestroyRoom"]}));
    u1.leave("r1");
    api.live("destroy_room", json!({"RoomId": "r1"}));
    world.hooked(&["r1 Destroy administrator DestroyByUser"]);
}

#[test]
fn what_the_other_cloud_does_to_a_group_is_told_as_well() {
    let world = World::live();
    let (api, app) = (world.api(), ("AppId", &*world.app.id));
    let ok = |action: &str, params: &[(&str, &str)]| drop(api.ok(action, &[&[app, ("GroupId", "g1")], params].concat()));
    ok("CreateLiveMessageGroup", &[("CreatorId", "c")]);
    let mut u1 = world.member("u1", "g1");
    world.hooked(&["g1 Create c", "g1 Online Enter u1"]);
    ok("ModifyLiveMessageGroup", &[("ModifyInfo", "true"), ("GroupInfo", "x")]);
    ok("BanLiveMessageGroup", &[]);
    ok("KickLiveMessageGroupUser", &[("KickoffUser", "u1")]);
    ok("DeleteLiveMessageGroup", &[("OperatorUserId", "boss")]);
    ok("RecoverLiveMessageDeletedGroup", &[]);
    u1.join("g1");
    world.server.settle();
    let lines = world.receiver.until_hooks("all", |lines| lines.iter().any(|line| line == "g1 Online Enter u1"));
    let kinds: Vec<String> =
        lines[2..].iter().map(|line| line.split(' ').skip(1).take(if line.contains("line ") { 2 } else { 1 }).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(kinds, ["Update", "Update", "Offline Kicked", "Destroy", "Create", "Online Enter"], "{lines:?}");
    for c in world.receiver.hooks() {
        let by_client = hook_line(&c).contains("Online");
        assert_eq!(param(&c.path, "OptPlatform").as_deref(), Some(if by_client { "Unknown" } else { "RESTAPI" }), "{}", c.path);
    }
}

#[test]
fn both_clouds_receivers_hear_of_the_same_join() {
    let world = World::new();
    let api = world.tencent();
    api.hook(&world.receiver.live_url(), &[STATE]);
    api.room("r1");
    let mut u1 = world.member("u1", "r1");
    world.told(&["u1 on", "u1 join r1"]);
    world.hooked(&["r1 Online Enter u1"]);
    u1.leave("r1");
    world.told(&["u1 leave r1"]);
    world.hooked(&["r1 Offline Leave u1"]);
    // One that is down does not hold up the other.
    world.receiver.react(|c| React::Status(if c.path.starts_with("/live") { 500 } else { 200 }));
    u1.join("r1");
    world.told(&["u1 join r1"]);
}

#[test]
fn at_70_percent_of_the_rooms_that_there_may_be_a_warning_is_told() {
    let world = World::live_with(|settings| settings.rules.quotas.groups_per_app = 10);
    let api = world.tencent();
    for n in 1..=8 {
        api.room(&format!("r{n}"));
        world.server.settle();
    }
    let lines = world.receiver.until_hooks("all", |lines| lines.len() >= 9);
    let warnings: Vec<&String> = lines.iter().filter(|line| line.contains("Threshold")).collect();
    assert_eq!(warnings, ["- Threshold administrator: 7 of 10"]);
    assert_eq!(lines.len(), 9);
}

#[test]
fn what_a_client_does_to_a_group_is_told_as_its_users_doing() {
    let world = World::live();
    let login = world.app.login("boss", world.seconds() + 60, "admin");
    let mut boss = crate::harness::Client::login(world.server.running().sessions, &login, "Windows 11");
    let mut rpc = |method: &str, data: Value| drop(boss.ok("rpc", json!({"method": method, "data": data})));
    rpc("group.create", json!({"group_id": "g1", "name": "A group"}));
    let _u1 = world.member("u1", "g1");
    world.hooked(&["g1 Create boss", "g1 Online Enter u1"]);
    rpc("group.modify", json!({"group_id": "g1", "info": "new"}));
    rpc("group.mute_all", json!({"group_id": "g1"}));
    rpc("group.unmute_all", json!({"group_id": "g1"}));
    rpc("group.mute", json!({"group_id": "g1", "users": ["u1"]}));
    rpc("group.modify", json!({"group_id": "g1", "admins": ["a1"]}));
    rpc("group.kick", json!({"group_id": "g1", "user": "u1"}));
    rpc("group.close", json!({"group_id": "g1"}));
    world.hooked(&["g1 Update boss", "g1 Update boss", "g1 Update boss", "g1 Admin boss: add a1", "g1 Offline Kicked u1", "g1 Destroy boss DestroyByUser"]);
    for c in world.receiver.hooks() {
        let expected = match hook_line(&c) {
            line if line.contains("Admin") => None,
            line if line.contains("Enter") => Some("Unknown"),
            _ => Some("Windows"),
        };
        assert_eq!(param(&c.path, "OptPlatform").as_deref(), expected, "{}", c.path);
    }
}
