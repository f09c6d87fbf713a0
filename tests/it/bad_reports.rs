//! What the operator's door for media servers refuses, and that it takes all of a request or nothing.

use crate::{
    bad_input::dump,
    harness::{World, operator, report},
};
use serde_json::{Value, json};

#[test]
fn what_is_wrong_with_a_report_is_refused_and_changes_nothing() {
    let world = World::new();
    let watch = world.watch("all", &[]);
    let _u1 = world.inside("u1", "c1", 2);
    world.heard(&watch, &["c1 Open", "c1 u1 Join 1 viewer"]);
    let join = |more: Value| {
        let mut event = json!({"event": "join", "user": "x"});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let medias = |medias: Value| json!({"event": "publish", "user": "u1", "medias": medias});
    let many: Vec<Value> = (0..101).map(|n| json!({"event": "join", "user": format!("u{n}")})).collect();
    let before = dump(&world.sql());
    let refuse = |channel: &str, body: &str, status: u16, code: &str| {
        let answer = report(world.server.running().control, world.server.folder.path(), &world.app, channel, body);
        let error = &answer.body["error"];
        assert_eq!((answer.status, error["code"].as_str()), (status, Some(code)), "{body:.200}: {}", answer.body);
        assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{}", answer.body);
        assert_eq!(dump(&world.sql()), before, "{body:.200}");
    };
    let bad = [
        json!({}),
        json!([]),
        json!("join"),
        json!({"event": "sing", "user": "x"}),
        json!({"event": "Join", "user": "x"}),
        json!({"event": 1, "user": "x"}),
        json!({"user": "x"}),
        json!({"event": "join"}),
        json!({"event": "join", "user": ""}),
        json!({"event": "join", "user": 1}),
        json!({"event": "join", "user": "x".repeat(65)}),
        json!({"event": "join", "user": "a\u{1}b"}),
        join(json!({"colour": "red"})),
        join(json!({"medias": ["audio"]})),
        join(json!({"role": 0})),
        join(json!({"role": 3})),
        join(json!({"role": "1"})),
        join(json!({"role": 1.5})),
        join(json!({"relay": 1})),
        json!({"event": "leave", "user": "u1", "role": 1}),
        json!({"event": "kick", "user": "u1", "relay": true}),
        json!({"event": "role", "user": "u1"}),
        json!({"event": "publish", "user": "u1"}),
        medias(json!([])),
        medias(json!("audio")),
        medias(json!(["Audio"])),
        medias(json!(["audio", "smell"])),
        medias(json!([1])),
        json!({"event": "heartbeat", "user": "u1", "role": 1}),
        json!({"events": []}),
        json!({"events": {}}),
        json!({"events": many}),
        json!({"events": [{"event": "join", "user": "x"}], "event": "join", "user": "y"}),
        json!({"events": [{"event": "join", "user": "x"}, {"event": "sing", "user": "x"}]}),
        json!({"events": [{"events": []}]}),
    ];
    for body in bad {
        refuse("c1", &body.to_string(), 400, "BadRequest");
    }
    for body in ["", "x", "{", "null", "{\"event\":\"join\",\"user\":\"x\"} x"] {
        refuse("c1", body, 400, "BadRequest");
    }
    // What is well formed and cannot be: all of the request is off.
    let join = json!({"event": "join", "user": "x"});
    for (event, status, code) in [
        (medias(json!(["audio"])), 403, "NoAuth"),
        (json!({"event": "leave", "user": "u2"}), 404, "ResourceNotExist"),
        (json!({"event": "kick", "user": "u2"}), 404, "ResourceNotExist"),
        (json!({"event": "role", "user": "u2", "role": 1}), 404, "ResourceNotExist"),
        (json!({"event": "unpublish", "user": "u2", "medias": ["audio"]}), 404, "ResourceNotExist"),
        (json!({"event": "heartbeat", "user": "u2"}), 404, "ResourceNotExist"),
    ] {
        refuse("c1", &json!({"events": [join, event]}).to_string(), status, code);
        refuse("c1", &event.to_string(), status, code);
    }
    world.heard(&watch, &[]);
    assert_eq!(world.users_of("c1"), Some((json!([]), json!(["u1"]))));
    // As many as are allowed.
    assert_eq!(world.reported("c1", json!({"events": &many[..100]})).len(), 100);
}

#[test]
fn a_report_goes_to_a_channel_of_an_application_with_the_operators_token() {
    let world = World::new();
    let (at, data) = (world.server.running().control, world.server.folder.path());
    let join = json!({"event": "join", "user": "x"}).to_string();
    let before = dump(&world.sql());
    let channel = |app: &str, channel: &str| format!("channels/{app}/{channel}/events");
    for (method, path, status) in [
        ("POST", channel("no-such-app", "c1"), 404),
        ("POST", channel(&world.app.id, &"x".repeat(65)), 400),
        ("POST", channel(&world.app.id, "a%01b"), 400),
        ("POST", channel(&world.app.id, ""), 400),
        ("GET", channel(&world.app.id, "c1"), 405),
        ("POST", format!("channels/{}/c1", world.app.id), 404),
    ] {
        let answer = operator(at, data, method, &path, &join);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        assert!(answer.body["error"]["code"].is_string(), "{}", answer.body);
    }
    let head = format!("POST /operator/v1/{} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{join}", channel(&world.app.id, "c1"), join.len());
    assert_eq!(crate::harness::http(at, head.as_bytes()).expect("an answer").status, 401);
    assert_eq!(dump(&world.sql()), before);
    // A channel's name is any id, written as a path's part is.
    assert_eq!(operator(at, data, "POST", &channel(&world.app.id, "a%2Fb%20c"), &join).status, 200);
    assert_eq!(world.users_of("a/b c"), Some((json!([]), json!(["x"]))));
}
