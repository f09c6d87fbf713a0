//! What the business's server is told of its live rooms, how often and in which order (`tencent.md` §3.2, §6.1). Its form
//! is looked at with each webhook (`harness/hooks.rs`).

use crate::{
    crash::{QUICK, sql, waiting},
    harness::{App, Client, Folder, Process, React, Receiver, Tencent, WORDS, World, eventually, hook_line, operator, query, wall},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const SECOND: u64 = 1_000;
const STATE: &str = "Live.CallbackAfterMemberStateChanged";

fn count(world: &World, what: &str) -> i64 {
    world.sql().query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

/// Repeats of failed webhooks that the application wants.
fn repeats(world: &World, n: u8) {
    let (at, data) = (world.server.running().control, world.server.folder.path());
    let answer = operator(at, data, "PATCH", &format!("apps/{}", world.app.id), &json!({"after_retry": n}).to_string());
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// A parameter of a webhook's URL.
fn param(path: &str, name: &str) -> Option<String> {
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
fn a_lost_connection_is_told_after_20_seconds_and_its_return_at_once() {
    let world = World::live();
    world.tencent().room("r1");
    let u1 = world.member("u1", "r1");
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1"]);
    u1.vanish();
    world.advance(19 * SECOND);
    world.hooked(&[]);
    // Who is back by then was never away.
    let mut u1 = world.on("u1");
    assert!(u1.resumed());
    u1.join("r1");
    world.advance(5 * SECOND);
    world.hooked(&[]);
    u1.vanish();
    world.advance(20 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u1"]);
    let mut u1 = world.on("u1");
    assert!(u1.resumed());
    world.hooked(&["r1 Online HeartbeatRecover u1"]);
    u1.join("r1");
    u1.leave("r1");
    world.hooked(&["r1 Offline Leave u1"]);
    u1.join("r1");
    u1.vanish();
    world.advance(200 * SECOND);
    // Who does not return is told of no more, and comes anew.
    world.hooked(&["r1 Online Enter u1", "r1 Offline HeartbeatInterrupt u1"]);
    let mut u1 = world.on("u1");
    assert!(!u1.resumed());
    world.hooked(&[]);
    u1.join("r1");
    world.hooked(&["r1 Online Enter u1"]);
}

#[test]
fn a_page_that_is_reloaded_was_never_away() {
    let world = World::live();
    world.tencent().room("r1");
    let u1 = world.member("u1", "r1");
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1"]);
    // It had nothing to say for nearly as long as from one ping to the next.
    world.advance(24 * SECOND);
    u1.vanish();
    world.server.settle();
    let mut u1 = world.on("u1");
    assert!(u1.resumed());
    u1.join("r1");
    world.advance(30 * SECOND);
    world.hooked(&[]);
}

#[test]
fn a_client_that_falls_silent_is_told_as_one_that_is_lost() {
    let world = World::live();
    world.tencent().room("r1");
    let u1 = world.member("u1", "r1");
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1"]);
    u1.fall_silent();
    world.advance(300 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u1"]);
}

#[test]
fn a_session_that_ends_before_its_loss_was_told_is_told_as_lost() {
    let world = World::live_with(|settings| settings.rules.lifetimes.silence = 15_000);
    world.tencent().room("r1");
    world.member("u1", "r1").vanish();
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1"]);
    world.advance(16 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u1"]);
    world.advance(100 * SECOND);
    world.hooked(&[]);
}

#[test]
fn a_restart_while_somebody_is_away_tells_nothing_twice_and_forgets_nothing() {
    let mut world = World::live();
    world.tencent().room("r1");
    let (u1, mut u2, u3) = (world.member("u1", "r1"), world.member("u2", "r1"), world.member("u3", "r1"));
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1", "r1 Online Enter u2", "r1 Online Enter u3"]);
    u1.vanish();
    world.advance(20 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u1"]);
    // One is away, one is lost and not yet away, one is there.
    u2.heard();
    u2.vanish();
    world.advance(10 * SECOND);
    world.server.crash();
    drop(u3);
    let mut u1 = world.on("u1");
    assert!(u1.resumed());
    world.hooked(&["r1 Online HeartbeatRecover u1"]);
    u1.join("r1");
    let mut u3 = world.on("u3");
    assert!(u3.resumed());
    u3.join("r1");
    world.hooked(&[]);
    world.advance(20 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u2"]);
    world.server.restart();
    let mut u1 = world.on("u1");
    u1.join("r1");
    let mut u3 = world.on("u3");
    u3.join("r1");
    world.advance(300 * SECOND);
    world.hooked(&[]);
    u1.leave("r1");
    u3.leave("r1");
    world.hooked(&["r1 Offline Leave u1", "r1 Offline Leave u3"]);
}

#[test]
fn what_fails_is_not_sent_again_and_the_next_is() {
    let world = World::live();
    let api = world.tencent();
    world.receiver.always(React::Status(500));
    api.room("r1");
    let _u1 = world.member("u1", "r1");
    world.server.settle();
    world.receiver.always(React::Status(200));
    world.advance(1_000 * SECOND);
    assert_eq!(world.receiver.all().len(), 2, "one try each");
    assert_eq!((count(&world, "attempt"), count(&world, "delivery WHERE state = 2"), count(&world, "outbox")), (2, 2, 0));
    let _u2 = world.member("u2", "r1");
    world.hooked(&["r1 Online Enter u2"]);
}

#[test]
fn only_200_is_success_whatever_the_body_says_and_a_redirect_is_not_followed() {
    let world = World::live();
    let api = world.tencent();
    for (n, react) in [React::Status(204), React::Redirect, React::Reset, React::Status(404), React::Status(200)].into_iter().enumerate() {
        world.receiver.always(react);
        api.room(&format!("r{n}"));
        world.server.settle();
    }
    assert_eq!((count(&world, "delivery WHERE state = 2"), count(&world, "delivery WHERE state = 1"), count(&world, "attempt")), (4, 1, 5));
    let all = world.receiver.all();
    assert!(all.len() == 5 && all.iter().all(|c| c.path.starts_with("/live?")), "{all:?}");
}

#[test]
fn an_application_that_wants_repeats_has_them_after_1_5_and_30_seconds() {
    for (wanted, times) in [(1, &[0, 1][..]), (3, &[0, 1, 6, 36])] {
        let world = World::live();
        repeats(&world, wanted);
        world.receiver.always(React::Status(503));
        let began = world.server.clock.now().0;
        world.tencent().room("r1");
        let _u1 = world.member("u1", "r1");
        world.advance(200 * SECOND);
        let tries = world.receiver.tries("r1 Create");
        assert_eq!(tries.iter().map(|c| (c.at - began) / 1000).collect::<Vec<_>>(), times);
        assert!(tries.iter().all(|c| c.delivery == tries[0].delivery && c.body == tries[0].body && c.path == tries[0].path), "the same, byte for byte");
        // The room's next event waits for that.
        let all = world.receiver.all();
        assert!(all[..times.len()].iter().all(|c| hook_line(c).contains("Create")), "{all:?}");
        assert_eq!((all.len(), count(&world, "delivery WHERE state = 2")), (2 * times.len(), 2));
    }
}

#[test]
fn a_repeat_that_succeeds_is_the_last() {
    let world = World::live();
    repeats(&world, 3);
    let mut n = 0;
    world.receiver.react(move |_| {
        n += 1;
        React::Status(if n < 3 { 500 } else { 200 })
    });
    world.tencent().room("r1");
    world.advance(100 * SECOND);
    world.hooked(&["r1 Create administrator"]);
    assert_eq!((world.receiver.all().len(), count(&world, "attempt"), count(&world, "delivery WHERE state = 1")), (3, 3, 1));
}

#[test]
fn each_try_is_signed_anew_as_long_as_the_token_is_enabled() {
    let world = World::live();
    let api = world.tencent();
    repeats(&world, 3);
    let token = |body: Value| api.ok("live_config/set_callback_token", body);
    token(json!({"Token": "xxxxyyyy", "IsTokenEnable": true}));
    world.receiver.token("/live", Some("xxxxyyyy"));
    world.receiver.always(React::Status(500));
    api.room("r1");
    world.advance(100 * SECOND);
    let tries = world.receiver.tries("r1 Create");
    let signs: BTreeSet<_> = tries.iter().map(|c| (param(&c.path, "Sign"), param(&c.path, "RequestTime"))).collect();
    assert_eq!((tries.len(), signs.len()), (4, 4), "{tries:?}");
    assert!(tries.iter().all(|c| c.body == tries[0].body));
    // A part alone may be changed; it counts from the next try on.
    world.receiver.always(React::Status(200));
    token(json!({"Token": "another"}));
    assert_eq!(api.ok("live_config/get_callback_token", json!({})), json!({"Token": "another", "IsTokenEnable": true}));
    world.receiver.token("/live", Some("another"));
    api.room("r2");
    world.hooked(&["r2 Create administrator"]);
    token(json!({"IsTokenEnable": false}));
    world.receiver.token("/live", None);
    api.room("r3");
    world.hooked(&["r3 Create administrator"]);
    assert_eq!(api.ok("live_config/get_callback_token", json!({})), json!({"Token": "another", "IsTokenEnable": false}));
    // It outlives the configuration that it signs for.
    api.ok("live_config/delete_callback", json!({}));
    token(json!({"IsTokenEnable": true}));
    api.hook(&world.receiver.live_url(), &WORDS);
    world.receiver.token("/live", Some("another"));
    api.room("r4");
    world.hooked(&["r4 Create administrator"]);
}

#[test]
fn who_does_not_answer_is_given_up_after_two_seconds() {
    let world = World::live();
    world.receiver.always(React::Hang);
    let began = Instant::now();
    world.tencent().room("r1");
    world.server.settle();
    assert!(began.elapsed() >= Duration::from_millis(1_900), "{:?}", began.elapsed());
    eventually("it is dead", || count(&world, "delivery WHERE state = 2") == 1);
    // The other cloud's callbacks have five.
    assert!(began.elapsed() < Duration::from_millis(4_500), "{:?}", began.elapsed());
}

#[test]
fn a_changed_url_takes_waiting_webhooks_along() {
    let world = World::live();
    let api = world.tencent();
    repeats(&world, 3);
    world.receiver.always(React::Status(500));
    api.room("r1");
    let _u1 = world.member("u1", "r1");
    world.receiver.wait(1);
    world.server.settle();
    world.receiver.always(React::Status(200));
    let elsewhere = world.receiver.path_url("/elsewhere");
    api.ok("live_config/update_callback", json!({"Url": elsewhere, "CallbackCommandList": WORDS}));
    assert_eq!(api.ok("live_config/get_callback", json!({})), json!({"Url": elsewhere, "CallbackCommandList": WORDS}));
    world.advance(2 * SECOND);
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1"]);
    let all = world.receiver.all();
    let paths: Vec<&str> = all.iter().map(|c| c.path.split('?').next().unwrap()).collect();
    assert_eq!(paths, ["/live", "/elsewhere", "/elsewhere"]);
    assert_eq!((&all[0].delivery, &all[0].body), (&all[1].delivery, &all[1].body), "the same delivery");
}

#[test]
fn a_deleted_configuration_puts_what_waits_aside() {
    let world = World::live();
    let api = world.tencent();
    repeats(&world, 3);
    world.receiver.always(React::Status(500));
    api.room("r1");
    let _u1 = world.member("u1", "r1");
    world.receiver.wait(1);
    world.server.settle();
    api.ok("live_config/delete_callback", json!({}));
    world.receiver.always(React::Status(200));
    world.advance(1_000 * SECOND);
    api.hook(&world.receiver.live_url(), &WORDS);
    world.advance(1_000 * SECOND);
    assert_eq!(world.receiver.all().len(), 1, "it is not told later either");
    assert_eq!((count(&world, "delivery WHERE state = 2 AND reason = 'endpoint removed'"), count(&world, "outbox")), (2, 0));
    let _u2 = world.member("u2", "r1");
    world.hooked(&["r1 Online Enter u2"]);
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
fn rooms_whose_webhooks_fail_hold_up_no_other_room() {
    let world = World::live();
    let api = world.tencent();
    repeats(&world, 3);
    world.receiver.react(|c| React::Status(if hook_line(c).starts_with("bad ") { 500 } else { 200 }));
    api.room("bad");
    for n in 0..5 {
        let room = format!("r{n}");
        api.room(&room);
        let _u1 = world.member("u1", &room);
        let ours = [format!("{room} Create administrator"), format!("{room} Online Enter u1")];
        world.receiver.until_hooks(&room, |lines| lines.iter().filter(|line| line.starts_with(&format!("{room} "))).eq(&ours));
    }
    assert_eq!(world.receiver.tries("bad").len(), 1);
}

/// The API of a server in a process of its own, and the application's id there.
fn process_api(process: &Process, data: &Path, app: &App) -> Tencent {
    let shown = operator(process.control, data, "GET", &format!("apps/{}", app.id), "").body;
    let sdkappid = shown["sdkappid"].as_u64().unwrap_or_else(|| panic!("{shown}")) as u32;
    Tencent { at: process.control, sdkappid, key: app.key.clone(), identifier: "administrator".into(), now: Arc::new(|| wall().seconds()) }
}

/// A member's states alternate: it enters, is lost and returns, and leaves; who was lost and did not return may enter again.
fn check_states(lines: &[String]) -> BTreeMap<(String, String), &'static str> {
    let mut states = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let [room, kind @ ("Online" | "Offline"), cause, user] = words[..] else { continue };
        let state = states.entry((room.to_owned(), user.to_owned())).or_insert("out");
        *state = match (*state, kind, cause) {
            ("out" | "away", "Online", "Enter") | ("away", "Online", "HeartbeatRecover") => "in",
            ("in", "Offline", "HeartbeatInterrupt") => "away",
            ("in", "Offline", "Leave" | "Kicked") => "out",
            _ => panic!("{line} comes when {user} is {state}: {lines:#?}"),
        };
    }
    states
}

const CLIENTS: usize = 8;
/// As [`QUICK`], and whoever is lost is told as lost soon.
const SOON: (&str, &str) = ("ROOMD_SESSIONS_INTERRUPT_MS", "300");

/// `ROOMD_CRASH_ROUNDS` sets the number of kills.
#[test]
fn kills_in_the_middle_of_joins_leave_every_member_with_a_whole_story() {
    let rounds: usize = std::env::var("ROOMD_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    let env: Vec<(&str, &str)> = QUICK.iter().copied().chain([SOON]).collect();
    let mut process = Process::start(&data, &env);
    let app = process.api().app("");
    let api = process_api(&process, &data, &app);
    api.hook(&receiver.live_url(), &WORDS);
    (0..3).for_each(|n| drop(api.room(&format!("r{n}"))));
    // Joins that were acknowledged: room and user.
    let joined = Arc::new(Mutex::new(BTreeSet::new()));
    let acked = Arc::new(AtomicUsize::new(0));
    for round in 0..rounds {
        let enough = acked.load(Ordering::SeqCst) + [40, 150, 5, 300][round % 4];
        let threads: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (app, joined, acked, at) = (app.clone(), joined.clone(), acked.clone(), process.sessions);
                // Of three users one is away in each round.
                let user = format!("u{}", n + usize::from(n % 3 == round % 3) * CLIENTS);
                std::thread::spawn(move || {
                    live(at, &app, &user, n, &joined, &acked);
                })
            })
            .collect();
        let began = Instant::now();
        while acked.load(Ordering::SeqCst) < enough {
            assert!(began.elapsed() < Duration::from_secs(20), "the clients are not served; the log: {}", process.log());
            std::thread::sleep(Duration::from_millis(1));
        }
        process.kill();
        threads.into_iter().for_each(|thread| thread.join().expect("no client panics"));
        process = Process::start(&data, &env);
    }
    eventually("nobody is in any more, and all is delivered", || sql(&data, "SELECT count(*) FROM member") == 0 && waiting(&data) == 0);
    let lines = receiver.until_hooks("all", |_| true);
    let states = check_states(&lines);
    assert!(states.values().all(|state| *state != "in"), "everybody is gone: {states:?}");
    let joined = joined.lock().unwrap().clone();
    let untold: Vec<_> = joined.iter().filter(|join| !states.contains_key(*join)).collect();
    assert!(untold.is_empty(), "joined and not told: {untold:?}");
    assert!(lines.len() > rounds, "{lines:?}");
    assert_eq!(sql(&data, "SELECT count(*) FROM delivery WHERE state = 2"), 0, "nothing was given up");
    // Views are the joins that were told, each once.
    let enters = lines.iter().filter(|line| line.contains(" Enter ")).count();
    assert_eq!(sql(&data, "SELECT sum(joins) FROM counter"), enters as i64);
}

/// Joins and leaves, again and again, until the connection ends.
fn live(at: std::net::SocketAddr, app: &App, user: &str, n: usize, joined: &Mutex<BTreeSet<(String, String)>>, acked: &AtomicUsize) -> Option<()> {
    let mut client = Client::try_login(at, &app.login(user, wall().seconds() + 600, ""), "d")?;
    for turn in n.. {
        let room = format!("r{}", turn % 3);
        let id = client.say("subscribe", json!({"channel": format!("group:{room}")}));
        let reply = client.try_reply(id)?;
        assert!(reply.get("subscribe").is_some(), "{reply}");
        joined.lock().unwrap().insert((room.clone(), user.to_owned()));
        acked.fetch_add(1, Ordering::SeqCst);
        let id = client.say("unsubscribe", json!({"channel": format!("group:{room}")}));
        client.try_reply(id)?;
    }
    None
}

#[test]
fn who_is_away_at_a_kill_is_told_once_and_returns_or_does_not() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    let env: Vec<(&str, &str)> = QUICK.iter().copied().chain([SOON]).collect();
    let mut process = Process::start(&data, &env);
    let app = process.api().app("");
    let api = process_api(&process, &data, &app);
    api.hook(&receiver.live_url(), &[STATE]);
    api.room("r1");
    let login = |process: &Process, user: &str| Client::login(process.sessions, &app.login(user, wall().seconds() + 600, ""), "d");
    let mut clients: Vec<Client> = ["back", "gone"].iter().map(|user| login(&process, user)).collect();
    clients.iter_mut().for_each(|client| drop(client.join("r1")));
    receiver.until_hooks("both joins", |lines| lines.len() == 2);
    process.kill();
    drop(clients);
    process = Process::start(&data, &env);
    receiver.until_hooks("both are lost", |lines| lines.len() == 4);
    process.kill();
    process = Process::start(&data, &env);
    let mut back = login(&process, "back");
    assert!(back.resumed());
    back.join("r1");
    receiver.until_hooks("one is back", |lines| lines.len() == 5);
    eventually("the other's session has ended", || sql(&data, "SELECT count(*) FROM session") == 1);
    back.leave("r1");
    let lines = receiver.until_hooks("the end", |lines| lines.len() >= 6);
    let of = |user: &str| lines.iter().filter(|line| line.ends_with(user)).map(|line| line.split(' ').nth(2).unwrap()).collect::<Vec<_>>();
    assert_eq!(of("back"), ["Enter", "HeartbeatInterrupt", "HeartbeatRecover", "Leave"]);
    assert_eq!(of("gone"), ["Enter", "HeartbeatInterrupt"]);
}
