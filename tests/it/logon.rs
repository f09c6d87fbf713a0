//! Who may log in, and what a connection that begins wrongly reads.

use crate::harness::{Client, World};
use roomd::{domain::UserId, tencent::usersig};
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
fn a_usersig_logs_on_the_same_user_as_a_login_of_the_other_form() {
    let world = World::of(&["g1"]);
    let mut first = world.on_device("u1", "d");
    first.join("g1");
    world.told(&["u1 on", "u1 join g1"]);
    let now = world.seconds();
    let sdkappid = world.sdkappid();
    let usersig = |number: u32, key: &str, user: &str, made: i64| usersig::make(number, key, &UserId::trusted(user), made, 60, None);
    let good = usersig(sdkappid, &world.app.key, "u1", now);
    let second = Client::login(world.server.running().sessions, &json!({"sdkappid": sdkappid, "identifier": "u1", "usersig": good}).to_string(), "d");
    assert!(second.resumed(), "it is the same user on the same device");
    assert_eq!(second.hello["data"]["role"], "");
    assert_eq!(first.closed().0, 4501);
    world.told(&["u1 back g1"]);
    for (number, identifier, usersig, expected) in [
        (sdkappid, "u2", good.clone(), 3500),
        (sdkappid + 1, "u1", good.clone(), 3500),
        (sdkappid, "u1", usersig(sdkappid + 1, &world.app.key, "u1", now), 3500),
        (sdkappid, "u1", usersig(sdkappid, "another key", "u1", now), 3500),
        (sdkappid, "u1", format!("{good}A"), 3500),
        (sdkappid, "u1", usersig(sdkappid, &world.app.key, "u1", now - 61), 3000),
    ] {
        let mut client = world.open();
        client.say("connect", json!({"token": json!({"sdkappid": number.to_string(), "identifier": identifier, "usersig": usersig}).to_string()}));
        if expected == 3000 {
            assert_eq!(client.rest()[0]["error"]["code"], 109, "its SDK fetches a fresh one");
        }
        assert_eq!(client.closed().0, expected, "{number} {identifier} {usersig}");
    }
    world.told(&[]);
}

#[test]
fn an_administrator_s_usersig_makes_groups() {
    let world = World::new();
    let usersig = usersig::make(world.sdkappid(), &world.app.key, &UserId::trusted("administrator"), world.seconds(), 60, None);
    let login = json!({"sdkappid": world.sdkappid(), "identifier": "administrator", "usersig": usersig}).to_string();
    let mut boss = Client::login(world.server.running().sessions, &login, "d");
    assert_eq!(boss.hello["data"]["role"], "admin");
    boss.ok("rpc", json!({"method": "group.create", "data": {"group_id": "g1"}}));
    world.told(&["administrator on"]);
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
