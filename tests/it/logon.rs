//! Who may log in, and what a connection that begins wrongly reads.

use crate::harness::{Client, World};
use serde_json::json;

#[test]
fn a_logon_and_a_logoff_are_told_once() {
    let world = World::of(&["g1"]);
    let mut u1 = world.on("u1");
    assert!(!u1.resumed());
    assert_eq!(u1.hello["ping"], 25);
    u1.join("g1");
    world.told(&["u1 on", "u1 join g1"]);
    u1.ok("rpc", json!({"method": "session.logoff"}));
    assert_eq!(u1.closed().0, 4502);
    world.told(&["u1 off 1"]);
    world.advance(200_000);
    world.told(&[]);
}

#[test]
fn a_wrong_token_is_closed_with_3500() {
    let world = World::new();
    let good = world.login("u1");
    let other = world.app.login("u2", world.seconds() + 60, "");
    for login in [good.replace("\"u1\"", "\"u2\""), other.replace(&world.app.id, "nobody"), "rubbish".into(), String::new()] {
        let mut client = world.open();
        client.say("connect", json!({"token": login}));
        assert_eq!(client.closed(), (3500, "invalid token".into()), "{login}");
    }
    world.told(&[]);
}

#[test]
fn an_expired_token_is_answered_109_and_then_closed_with_3000() {
    let world = World::new();
    let mut client = world.open();
    client.text(&format!(
        "{}\n{}",
        json!({"id": 1, "connect": {"token": world.app.login("u1", world.seconds(), "")}}),
        json!({"id": 2, "subscribe": {"channel": "group:g1"}}),
    ));
    let lines = client.rest();
    assert_eq!(lines.len(), 1, "what stood behind the connect is dropped: {lines:?}");
    assert_eq!((&lines[0]["id"], &lines[0]["error"]["code"]), (&json!(1), &json!(109)));
    assert_eq!(client.closed(), (3000, "connect refused".into()));
    world.told(&[]);
}

#[test]
fn connect_and_subscribes_in_one_frame_are_answered_in_order() {
    let world = World::of(&["g1", "g2"]);
    let mut client = Client::open(world.server.running().sessions);
    client.text(&format!(
        "{}\n{}\n{}",
        json!({"id": 1, "connect": {"token": world.login("u1")}}),
        json!({"id": 2, "subscribe": {"channel": "group:g1"}}),
        json!({"id": 3, "subscribe": {"channel": "group:g2"}}),
    ));
    assert!(client.reply(1)["connect"]["client"].is_string());
    assert_eq!(client.reply(2)["subscribe"]["offset"], 0);
    assert_eq!(client.reply(3)["subscribe"]["data"]["group_id"], "g2");
    world.told(&["u1 on", "u1 join g1", "u1 join g2"]);
}
