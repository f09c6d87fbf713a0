//! What a client must not send, and the documented answer to each (`session.md` §1, §7).

use crate::harness::{Client, World};
use serde_json::json;

/// Sends text as it is on a logged-in connection; returns the close that follows.
fn closes(world: &World, send: impl FnOnce(&Client)) -> (u16, String) {
    let mut client = world.on("u1");
    send(&client);
    client.closed()
}

#[test]
fn bad_frames_are_closed_with_their_code() {
    let world = World::new();
    let login = json!({"id": 9, "connect": {"token": world.login("u1")}}).to_string();
    for (what, code, text) in [
        ("no JSON", 3501, "{\"id\":"),
        ("no object", 3501, "[1]"),
        ("a command without an id", 3501, "{\"publish\":{}}"),
        ("a second connect", 3501, &login),
        ("good, then bad", 3501, "{\"id\":1,\"rpc\":{}}\nx"),
    ] {
        assert_eq!(closes(&world, |c| c.text(text)).0, code, "{what}");
    }
    assert_eq!(closes(&world, |c| c.binary(b"{}")), (1003, "text frames only".into()));
    assert_eq!(closes(&world, |c| c.text(&" ".repeat(65 * 1024))), (1009, "frame too big".into()));
}

#[test]
fn a_frame_of_64_kib_is_still_read() {
    let world = World::new();
    let mut client = world.on("u1");
    let text = json!({"id": 77, "rpc": {"method": "x"}}).to_string();
    client.text(&format!("{text}{}", " ".repeat(64 * 1024 - text.len())));
    assert_eq!(client.reply(77)["error"]["code"], 104);
}

#[test]
fn the_first_command_must_be_a_connect() {
    let world = World::of(&["g1"]);
    for method in ["subscribe", "publish", "rpc", "history", "no_such_method"] {
        let mut client = world.open();
        client.say(method, json!({"channel": "group:g1"}));
        assert_eq!(client.closed(), (3501, "bad request".into()), "{method}");
    }
}

#[test]
fn two_connects_in_one_frame_are_one_too_many() {
    let world = World::new();
    let mut client = world.open();
    let login = world.login("u1");
    let connect = |id: u32| json!({"id": id, "connect": {"token": login}}).to_string();
    client.text(&format!("{}\n{}", connect(1), connect(2)));
    assert!(client.reply(1).get("connect").is_some());
    assert_eq!(client.closed(), (3501, "bad request".into()));
}

#[test]
fn who_does_not_connect_within_10_seconds_is_stale() {
    let world = World::new();
    let mut client = world.open();
    // The hub has the connection when the handshake's answer is here.
    world.advance(9_999);
    client.text("{}");
    world.advance(1);
    assert_eq!(client.closed(), (3502, "stale".into()));
}

#[test]
fn commands_have_their_documented_errors() {
    let world = World::of(&["g1", "gone"]);
    world.api().ok("DeleteLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", "gone")]);
    let mut u1 = world.on("u1");
    let long = "x".repeat(15 * 1024 + 1);
    let g1 = |data: serde_json::Value| json!({"channel": "group:g1", "data": data});
    for (method, body, code) in [
        ("subscribe", json!({"channel": "group:none"}), 440),
        ("subscribe", json!({"channel": "group:gone"}), 441),
        ("subscribe", json!({"channel": "room:g1"}), 102),
        ("subscribe", json!({"channel": "group:"}), 102),
        ("subscribe", json!({}), 102),
        ("publish", g1(json!("before joining")), 425),
        ("publish", json!({"channel": "group:none", "data": "x"}), 440),
        ("publish", json!({"channel": "group:gone", "data": "x"}), 441),
        ("presence", json!({"channel": "group:g1"}), 425),
        ("history", json!({"channel": "group:g1", "limit": 1}), 425),
        ("rpc", json!({"method": "no.such"}), 104),
        ("refresh", json!({}), 104),
    ] {
        assert_eq!(u1.code(method, body.clone()), code, "{method} {body}");
    }
    u1.join("g1");
    for (method, body, code) in [
        ("subscribe", json!({"channel": "group:g1"}), 105),
        ("publish", g1(json!(long)), 107),
        ("publish", g1(json!({"body": long})), 107),
        ("publish", g1(json!({"body": "x", "tid": "t".repeat(65)})), 107),
        ("publish", g1(json!({"body": "x", "tid": "a\nb"})), 107),
        ("publish", g1(json!({"body": "x", "type": "one"})), 107),
        ("publish", g1(json!({"body": "x", "level": "LOUD"})), 107),
        ("history", json!({"channel": "group:g1", "limit": 1, "since": {"offset": 0, "epoch": "other"}}), 112),
    ] {
        assert_eq!(u1.code(method, body.clone()), code, "{method} {:.80}", body.to_string());
    }
    u1.tell("g1", "x".repeat(15 * 1024));
    assert_eq!(u1.hear().len(), 15 * 1024, "as long as is allowed");
    u1.leave("g1");
    assert_eq!(u1.code("publish", g1(json!("after leaving"))), 425);
}

#[test]
fn a_session_in_too_many_groups_is_refused_with_443() {
    let world = World::with(|settings| settings.rules.quotas.channels_per_session = 2);
    world.groups(&["g1", "g2", "g3"]);
    let mut u1 = world.on("u1");
    u1.join("g1");
    u1.join("g2");
    assert_eq!(u1.code("subscribe", json!({"channel": "group:g3"})), 443);
    u1.leave("g1");
    u1.join("g3");
}

#[test]
fn over_the_rate_commands_are_refused_with_111_until_time_passes() {
    let world = World::with(|settings| settings.limits.session_commands_per_second = 10);
    let mut u1 = world.on("u1");
    let codes: Vec<u64> = (0..22).map(|_| u1.code("rpc", json!({"method": "x"}))).collect();
    assert_eq!((&codes[..19], &codes[20..]), (&[104; 19][..], &[111; 2][..]), "a burst of 20");
    let refused = u1.ask("rpc", json!({"method": "x"}));
    assert_eq!(refused["error"]["temporary"], true);
    world.advance(1_000);
    assert_eq!(u1.code("rpc", json!({"method": "x"})), 104);
    // A message is too fast in its own words.
    let codes: Vec<u64> = (0..20).map(|_| u1.code("publish", json!({"channel": "group:none", "data": "x"}))).collect();
    assert_eq!((codes[0], codes[19]), (440, 111), "without a rate of messages");
    // Who does not listen is closed.
    let line = "{\"id\":1,\"rpc\":{}}\n".repeat(1_100);
    u1.text(&line);
    assert_eq!(u1.closed(), (3013, "too many requests".into()));
}

#[test]
fn over_the_message_rate_messages_are_refused_with_412_and_nothing_else_is() {
    let world = World::with(|settings| settings.limits.session_messages_per_second = 5);
    world.groups(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    let publish = json!({"channel": "group:g1", "data": "hi"});
    for n in 0..10 {
        u1.ok("publish", publish.clone());
        // What is refused is no message.
        assert_eq!(u1.code("publish", json!({"channel": "group:g1", "data": {"body": "", "type": "x"}})), 107, "{n}");
    }
    let send = json!({"method": "user.send", "data": {"user": "u1", "body": "hi"}});
    let refused = u1.ask("publish", publish.clone());
    assert_eq!(refused["error"]["code"], 412);
    assert!(refused["error"]["message"].as_str().unwrap().contains("limits.session_messages_per_second"), "{refused}");
    assert_eq!(u1.code("rpc", send), 412);
    u1.ok("history", json!({"channel": "group:g1", "limit": 1}));
    world.advance(200);
    u1.ok("publish", publish.clone());
    assert_eq!(u1.code("publish", publish), 412);
}

#[test]
fn what_is_wrong_with_a_call_is_told_by_the_name_of_its_field() {
    let world = World::new();
    let mut u1 = world.on("u1");
    for (call, message) in [
        (json!({"method": "group.query"}), "group_id is missing; group.query takes group_id"),
        (json!({"method": "group.kick", "data": {"group_id": "g", "user": 7}}), "user must be a text; group.kick takes group_id, user"),
        (json!({"method": "group.mute", "data": [1]}), "data must be an object; group.mute takes group_id, users"),
    ] {
        let reply = u1.ask("rpc", call);
        assert_eq!((&reply["error"]["code"], &reply["error"]["message"]), (&json!(107), &json!(message)));
    }
    // A send is never answered, whatever is in it.
    u1.text("{\"send\":{\"data\":{\"ack\":[\"a\"]}}}\n{\"send\":{\"data\":{\"ack\":7}}}\n{\"send\":1}");
    assert_eq!(u1.code("rpc", json!({"method": "x"})), 104);
}

#[test]
fn connections_over_the_cap_are_turned_away_with_a_clear_answer() {
    let world = World::with(|settings| settings.limits.connections_per_address = 3);
    let held: Vec<Client> = (0..3).map(|_| world.open()).collect();
    let mut over = world.open();
    assert_eq!(over.closed().0, 3504);
    drop(held);
}

#[test]
fn credentials_are_taken_as_base64_as_text_and_as_data() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let world = World::new();
    let login = world.login("u1");
    let data: serde_json::Value = serde_json::from_str(&login).unwrap();
    for body in [json!({"token": login}), json!({"token": STANDARD.encode(&login)}), json!({"data": data})] {
        let mut client = world.open();
        assert_eq!(client.ok("connect", body)["data"]["user_id"], "u1");
    }
    let mut client = world.open();
    let bad = json!({"token": login, "data": {"device": "d".repeat(65)}});
    assert_eq!(client.code("connect", bad), 107);
    assert_eq!(client.closed().0, 3000);
}
