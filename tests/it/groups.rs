//! Groups as their members see them (`session.md` §3): who comes and goes, what is said, what is kept.

use crate::harness::World;
use serde_json::{Value, json};

#[test]
fn only_who_asked_hears_who_comes_and_goes() {
    let world = World::of(&["g1"]);
    let mut asks = world.member("asks", "g1");
    let mut other = world.on("other");
    other.ok("subscribe", json!({"channel": "group:g1"}));
    let mut u1 = world.member("u1", "g1");
    u1.leave("g1");
    let seen = asks.heard();
    let kinds: Vec<_> = seen
        .iter()
        .map(|p| {
            let kind = if p.get("join").is_some() { "join" } else { "leave" };
            format!("{kind} {}", p[kind]["info"]["user"].as_str().unwrap())
        })
        .collect();
    assert_eq!(kinds, ["join other", "join u1", "leave u1"]);
    assert_eq!(seen[1]["join"]["info"]["client"], u1.sid());
    assert_eq!(seen[1]["join"]["info"]["conn_info"], json!("on d"), "the user's extension is shown");
    assert_eq!(other.heard(), Vec::<Value>::new());
}

#[test]
fn a_message_reaches_every_member_and_its_sender() {
    let world = World::of(&["g1"]);
    let (mut u1, mut u2) = (world.member("u1", "g1"), world.member("u2", "g1"));
    u1.heard();
    u1.tell("g1", json!({"body": {"a": [1, "b c"]}, "type": 10001, "tid": "t-1", "level": "HIGH", "increase": 3}));
    for client in [&mut u1, &mut u2] {
        let push = client.push();
        assert_eq!(push["channel"], "group:g1");
        let (said, from) = (&push["pub"]["data"], &push["pub"]["info"]);
        assert_eq!(said["body"], "{\"a\":[1,\"b c\"]}", "other JSON goes as its compact text");
        assert_eq!((&said["type"], &said["tid"], &said["weight"], &said["total"]), (&json!(10001), &json!("t-1"), &json!(1_000_000), &json!(3)));
        assert_eq!((&said["sender"]["user"], &said["sender"]["info"], &from["user"]), (&json!("u1"), &json!("on d"), &json!("u1")));
        assert_eq!((&push["pub"]["offset"], &push["pub"]["time"]), (&json!(1), &json!(world.server.clock.now().0)));
    }
    assert_eq!(world.api().messages(&world.app, "g1").len(), 1);
}

#[test]
fn anything_without_a_body_is_itself_the_body() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    for (data, body) in [(json!("text"), "text"), (json!({"x": 1}), "{\"x\":1}"), (json!([1, 2]), "[1,2]"), (json!(7), "7")] {
        u1.tell("g1", data);
        assert_eq!(u1.hear(), body);
    }
}

#[test]
fn the_same_tid_is_one_message() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    for body in ["first", "again"] {
        u1.tell("g1", json!({"body": body, "tid": "t1"}));
        u1.tell("g1", json!({"body": body, "tid": "t2", "no_storage": true, "no_cache": true}));
    }
    let send = [("AppId", &*world.app.id), ("GroupId", "g1"), ("SenderId", "s"), ("Body", "by rpc"), ("MsgTid", "t1")];
    assert_eq!(world.api().ok("SendLiveMessageGroup", &send)["MsgTid"], "t1");
    assert_eq!(u1.bodies(), ["first", "first"]);
    assert_eq!(world.api().messages(&world.app, "g1"), [(1, "first".into())]);
}

#[test]
fn numbers_have_no_gaps_and_only_what_is_neither_stored_nor_cached_has_none() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    for (body, no_storage, no_cache) in
        [("1", false, false), ("2 no cache", false, true), ("none", true, true), ("3 no storage", true, false), ("4", false, false)]
    {
        u1.tell("g1", json!({"body": body, "no_storage": no_storage, "no_cache": no_cache}));
    }
    let seen = u1.heard();
    let offsets: Vec<_> = seen.iter().map(|p| p["pub"]["offset"].as_u64()).collect();
    assert_eq!(offsets, [Some(1), None, None, Some(3), Some(4)]);
    let listed = world.api().messages(&world.app, "g1");
    assert_eq!(listed, [(1, "1".into()), (2, "2 no cache".into()), (4, "4".into())]);
    let totals: Vec<_> = seen.iter().map(|p| p["pub"]["data"]["total"].as_u64().unwrap()).collect();
    assert_eq!(totals, [1, 2, 3, 4, 5], "all of them count");
}

#[test]
fn presence_shows_the_members() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    let u2 = world.member("u2", "g1");
    let _elsewhere = world.on("u3");
    let found = u1.ok("presence", json!({"channel": "group:g1"}));
    assert_eq!(found["presence"].as_object().unwrap().len(), 2);
    assert_eq!(found["presence"][u2.sid()]["user"], "u2");
    assert_eq!(u1.ok("presence_stats", json!({"channel": "group:g1"})), json!({"num_clients": 2, "num_users": 2}));
    // A lost session is still in its groups.
    u2.vanish();
    assert_eq!(u1.ok("presence_stats", json!({"channel": "group:g1"}))["num_users"], 2);
}

#[test]
fn history_goes_both_ways_from_any_place() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    for n in 1..=9 {
        u1.tell("g1", json!({"body": n.to_string(), "no_storage": n == 5}));
    }
    let epoch = u1.ok("history", json!({"channel": "group:g1"}))["epoch"].clone();
    let mut read = |ask: Value| {
        let mut body = json!({"channel": "group:g1"});
        body.as_object_mut().unwrap().append(&mut ask.as_object().unwrap().clone());
        let found = u1.ok("history", body);
        assert_eq!((&found["offset"], &found["epoch"]), (&json!(9), &epoch));
        let list: Vec<u64> = found["publications"].as_array().unwrap().iter().map(|p| p["offset"].as_u64().unwrap()).collect();
        list
    };
    assert_eq!(read(json!({})), [0; 0], "without a limit only the position");
    assert_eq!(read(json!({"limit": 3})), [1, 2, 3]);
    assert_eq!(read(json!({"limit": 3, "reverse": true})), [9, 8, 7]);
    assert_eq!(read(json!({"limit": 3, "since": {"offset": 3, "epoch": epoch}})), [4, 6, 7], "what is not stored is not there");
    assert_eq!(read(json!({"limit": 2, "reverse": true, "since": {"offset": 4, "epoch": epoch}})), [3, 2]);
    assert_eq!(read(json!({"limit": -1})).len(), 8);
}

#[test]
fn a_page_of_history_has_at_most_100_messages() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    let ids: Vec<u32> = (0..150).map(|n| u1.say("publish", json!({"channel": "group:g1", "data": n}))).collect();
    ids.into_iter().for_each(|id| drop(u1.reply(id)));
    let found = u1.ok("history", json!({"channel": "group:g1", "limit": 5000}));
    assert_eq!(found["publications"].as_array().unwrap().len(), 100);
}

#[test]
fn a_deleted_group_unsubscribes_everybody_with_2101_and_stays_readable() {
    let world = World::of(&["g1"]);
    let (mut u1, mut u2) = (world.member("u1", "g1"), world.member("u2", "g1"));
    u1.heard();
    u1.tell("g1", "last words");
    world.api().ok("DeleteLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", "g1"), ("OperatorId", "boss")]);
    for client in [&mut u1, &mut u2] {
        assert_eq!(client.hear(), "last words");
        assert_eq!(client.push(), json!({"channel": "group:g1", "unsubscribe": {"code": 2101, "reason": "group closed"}}));
        assert_eq!(client.code("publish", json!({"channel": "group:g1", "data": "x"})), 441);
    }
    assert_eq!(world.api().messages(&world.app, "g1"), [(1, "last words".into())]);
    let group = world.api().ok("DescribeLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", "g1")]);
    assert_eq!((&group["Delete"], &group["Deletor"]), (&json!(true), &json!("boss")));
    let again = world.api().ok("CreateLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", "g1")]);
    assert_eq!((&again["AlreadyExists"], &again["AlreadyDelete"]), (&json!(true), &json!(true)));
}

#[test]
fn a_join_shows_the_group() {
    let world = World::new();
    let group = [("AppId", &*world.app.id), ("GroupId", "g1"), ("GroupName", "One"), ("GroupInfo", "info"), ("CreatorId", "boss"), ("Administrators", "a1,a2")];
    world.api().ok("CreateLiveMessageGroup", &group);
    let mut u1 = world.member("u1", "g1");
    u1.tell("g1", json!({"body": "x", "type": 4, "increase": 2}));
    u1.leave("g1");
    let joined = u1.join("g1");
    assert_eq!((&joined["recoverable"], &joined["positioned"], &joined["offset"]), (&json!(true), &json!(true), &json!(1)));
    assert_eq!(joined["was_recovering"], Value::Null);
    let expected = json!({
        "group_id": "g1", "name": "One", "info": "info", "creator": "boss", "admins": ["a1", "a2"],
        "create_time": joined["data"]["create_time"], "online": 1, "total": 2, "muted_all": false, "muted": [], "unmuted": [], "amounts": {"4": 2},
    });
    assert_eq!(joined["data"], expected);
    world.told(&["u1 on", "u1 join g1", "u1 leave g1", "u1 join g1"]);
}

#[test]
fn a_super_large_group_keeps_no_lists_and_counts_seldom() {
    let world = World::with(|settings| settings.rules.quotas.super_large_above = 3);
    world.groups(&["g1"]);
    let mut watcher = world.member("w", "g1");
    let mut others: Vec<_> = (1..=2).map(|n| world.member(&format!("u{n}"), "g1")).collect();
    let seen = watcher.heard();
    assert!(seen.iter().all(|p| p.get("join").is_some()), "not large yet: {seen:?}");
    others.extend((3..=6).map(|n| world.member(&format!("u{n}"), "g1")));
    world.advance(4_999);
    let early = watcher.heard();
    world.advance(1);
    let late = watcher.heard();
    let counts = |pushes: &[Value]| -> Vec<u64> {
        let count = |p: &Value| {
            assert_eq!(p["pub"]["tags"]["event"], "group.count", "{p}");
            assert!(p["pub"].get("offset").is_none());
            p["pub"]["data"]["online"].as_u64().unwrap()
        };
        pushes.iter().map(count).collect()
    };
    assert!(counts(&early).len() == 1 && counts(&late) == [7], "one at once, one after 5 s: {early:?} {late:?}");
    assert_eq!(watcher.code("presence", json!({"channel": "group:g1"})), 108);
    assert_eq!(watcher.ok("presence_stats", json!({"channel": "group:g1"}))["num_users"], 7);
    let describe = || world.api().ok("DescribeLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", "g1")])["SuperLargeGroup"].clone();
    assert_eq!(describe(), true);
    // Messages go on as ever, and it stays large until everybody has left.
    watcher.tell("g1", "x");
    assert_eq!(watcher.bodies(), ["x"]);
    others.iter_mut().for_each(|client| client.leave("g1"));
    assert_eq!(watcher.code("presence", json!({"channel": "group:g1"})), 108);
    watcher.leave("g1");
    assert_eq!(describe(), false);
    watcher.join("g1");
    watcher.ok("presence", json!({"channel": "group:g1"}));
}
