//! The control API seen from outside: who is let in, and the answer to everybody else.

use crate::harness::{Answer, World, http};
use roomd::{alibaba::stamp, domain::Millis};

const MINUTE: i64 = 60_000;

/// `DescribeLiveMessageApp` with what `change` does to it, under both signatures.
fn both(world: &World, change: impl Fn(&mut crate::harness::Call)) -> [Answer; 2] {
    let mut call = world.api().call("DescribeLiveMessageApp", &[("AppId", &world.app.id)]);
    change(&mut call);
    let v3 = call.v3();
    call.nonce += "-v1";
    [v3, call.v1()]
}

fn refused(world: &World, expected: (u16, &str), change: impl Fn(&mut crate::harness::Call)) {
    for answer in both(world, change) {
        assert_eq!(answer.error(), expected, "{}", answer.body);
        for field in ["RequestId", "HostId", "Message", "Recommend"] {
            assert!(answer.body[field].is_string(), "{field}: {}", answer.body);
        }
    }
}

#[test]
fn both_signatures_are_accepted_by_get_and_by_post() {
    let world = World::new();
    for method in ["GET", "POST"] {
        for answer in both(&world, |call| call.method = method) {
            assert_eq!((answer.status, &answer.body["AppId"]), (200, &world.app.id.clone().into()));
            let id = answer.body["RequestId"].as_str().unwrap();
            assert_eq!(answer.header("x-acs-request-id"), Some(id));
            assert!(id.len() == 36 && !id.contains(|c: char| c.is_lowercase()), "{id}");
            assert_eq!(answer.header("content-type"), Some("application/json;charset=utf-8"));
        }
    }
}

#[test]
fn a_wrong_secret_is_told_what_was_to_be_signed() {
    let world = World::new();
    refused(&world, (400, "SignatureDoesNotMatch"), |call| call.secret.push('x'));
    let [_, v1] = both(&world, |call| call.secret.push('x'));
    let message = v1.body["Message"].as_str().unwrap();
    assert!(message.split(':').nth(1).unwrap().starts_with("POST&%2F&"), "the old SDK splits at the colon: {message}");
}

#[test]
fn an_unknown_key_is_refused() {
    refused(&World::new(), (404, "InvalidAccessKeyId.NotFound"), |call| call.key_id = "nobody".into());
}

#[test]
fn a_stamp_more_than_15_minutes_off_is_refused() {
    let world = World::new();
    let now = world.server.clock.now();
    for off in [-15 * MINUTE - 1_000, 15 * MINUTE + 1_000] {
        refused(&world, (400, "InvalidTimeStamp.Expired"), |call| call.date = stamp::format(Millis(now.0 + off)));
    }
    refused(&world, (400, "InvalidTimeStamp.Format"), |call| call.date = "yesterday".into());
    for answer in both(&world, |call| call.date = stamp::format(Millis(now.0 - 14 * MINUTE))) {
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn a_replayed_nonce_is_refused_as_long_as_its_stamp_is_good() {
    let world = World::new();
    let call = world.api().call("DescribeLiveMessageApp", &[("AppId", &world.app.id)]);
    assert_eq!(call.v3().status, 200);
    assert_eq!(call.v3().error(), (400, "SignatureNonceUsed"));
    assert_eq!(call.v1().error(), (400, "SignatureNonceUsed"), "under the other signature, too");
    world.advance(14 * MINUTE as u64);
    assert_eq!(call.v3().error(), (400, "SignatureNonceUsed"));
    world.advance(2 * MINUTE as u64);
    assert_eq!(call.v3().error(), (400, "InvalidTimeStamp.Expired"));
}

#[test]
fn a_wrong_signature_does_not_use_up_its_nonce() {
    let world = World::new();
    let good = world.api().call("DescribeLiveMessageApp", &[("AppId", &world.app.id)]);
    let mut bad = good.clone();
    bad.secret.push('x');
    assert_eq!(bad.v3().error(), (400, "SignatureDoesNotMatch"));
    assert_eq!(good.v3().status, 200);
}

#[test]
fn unknown_actions_and_versions_are_refused() {
    let world = World::new();
    refused(&world, (404, "InvalidAction.NotFound"), |call| call.action = "CreateMessageApp".into());
    refused(&world, (400, "InvalidVersion"), |call| call.version = "2017-01-01".into());
}

#[test]
fn over_its_qps_an_action_is_throttled_until_the_second_is_over() {
    let world = World::with(|settings| settings.limits.control_qps = true);
    let call = || world.api().call("DescribeLiveMessageApp", &[("AppId", &world.app.id)]).v3();
    for _ in 0..50 {
        assert_eq!(call().status, 200);
    }
    let over = call();
    assert_eq!(over.error(), (400, "Throttling.User"));
    let wait: u64 = over.header("x-acs-retry-after").expect("how long to wait").parse().unwrap();
    world.advance(wait);
    assert_eq!(call().status, 200);
}

#[test]
fn each_operation_has_its_documented_errors() {
    let world = World::of(&["g1"]);
    let (api, app) = (world.api(), &*world.app.id);
    let long = "x".repeat(15 * 1024 + 1);
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], (u16, &'a str));
    let cases: &[Case] = &[
        ("CreateLiveMessageApp", &[("AppName", "x")], (400, "ErrorInvalidAppName")),
        ("CreateLiveMessageApp", &[("EventCallbackUrl", "ftp://a.example/")], (400, "ErrorInvalidEventCallbackUrl")),
        ("CreateLiveMessageApp", &[("EventCallbackUrl", "http://10.0.0.1/cb")], (400, "ErrorInvalidEventCallbackUrl")),
        ("CreateLiveMessageApp", &[("EventCallbackUrl", "http://a.example:81/cb")], (400, "ErrorInvalidEventCallbackUrl")),
        ("CreateLiveMessageApp", &[("AuditType", "2"), ("AuditUrl", "x")], (400, "ErrorInvalidAuditUrl")),
        ("DescribeLiveMessageApp", &[], (400, "MissingAppId")),
        ("DescribeLiveMessageApp", &[("AppId", "none")], (404, "ResourceNotExist")),
        ("DescribeLiveMessageApp", &[("AppId", app), ("DataCenter", "ap-southeast-1")], (404, "ResourceNotExist")),
        ("ModifyLiveMessageAppDisable", &[("AppId", app), ("Disable", "perhaps")], (400, "InputInvalid")),
        ("CreateLiveMessageGroup", &[("AppId", app), ("GroupId", "a b")], (400, "InputInvalid")),
        ("CreateLiveMessageGroup", &[("AppId", app), ("GroupId", "g2"), ("Administrators", "a,b,c,d")], (400, "InputInvalid")),
        ("DescribeLiveMessageGroup", &[("AppId", app), ("GroupId", "none")], (404, "ResourceNotExist")),
        ("SendLiveMessageGroup", &[("AppId", app), ("GroupId", "none"), ("SenderId", "s"), ("Body", "x")], (404, "ResourceNotExist")),
        ("SendLiveMessageGroup", &[("AppId", app), ("GroupId", "g1"), ("SenderId", "s"), ("Body", "nobody is in")], (404, "ResourceNotExist")),
        ("SendLiveMessageGroup", &[("AppId", app), ("GroupId", "g1"), ("SenderId", "s"), ("Body", &long)], (400, "InputInvalid")),
        ("ListLiveMessageGroupMessages", &[("AppId", app), ("GroupId", "g1"), ("SortType", "1"), ("PageSize", "9")], (400, "InputInvalid")),
        ("ListLiveMessageGroupMessages", &[("AppId", app), ("GroupId", "g1"), ("SortType", "3"), ("PageSize", "10")], (400, "InputInvalid")),
        ("CheckLiveMessageUsersOnline", &[("AppId", app)], (400, "MissingUserIds")),
    ];
    for (action, params, expected) in cases {
        let (status, code) = api.fails(action, params);
        assert_eq!((status, &*code), *expected, "{action} {:?}", params.iter().map(|(k, _)| k).collect::<Vec<_>>());
    }
}

#[test]
fn a_message_of_the_business_reaches_the_group_and_is_listed() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    let params = [
        ("AppId", &*world.app.id),
        ("GroupId", "g1"),
        ("SenderId", "shop"),
        ("SenderMetaInfo", "the shop"),
        ("Body", "{\"a\":\"b c*~+中\"}"),
        ("MsgType", "10001"),
        ("StaticsIncrease", "5"),
        ("Weight", "7"),
        ("MsgTid", "t1"),
    ];
    assert_eq!(world.api().ok("SendLiveMessageGroup", &params)["MsgTid"], "t1");
    let push = u1.push();
    let said = &push["pub"]["data"];
    assert_eq!(said["body"], "{\"a\":\"b c*~+中\"}");
    assert_eq!((&said["type"], &said["total"], &said["weight"]), (&10001.into(), &5.into(), &7.into()));
    assert_eq!((&said["sender"]["user"], &said["sender"]["info"]), (&"shop".into(), &"the shop".into()));
    assert_eq!((&push["pub"]["offset"], &push["pub"]["time"]), (&1.into(), &world.server.clock.now().0.into()));
    assert_eq!(world.api().messages(&world.app, "g1"), [(1, "{\"a\":\"b c*~+中\"}".to_owned())]);
    let group = world.api().ok("DescribeLiveMessageGroup", &[("AppId", &world.app.id), ("GroupId", "g1")]);
    assert_eq!((&group["MsgAmount"]["10001"], &group["OnlineUserCounts"], &group["TotalTimes"]), (&5.into(), &1.into(), &1.into()));
    let online = world.api().ok("CheckLiveMessageUsersOnline", &[("AppId", &world.app.id), ("UserIds", "u2,u1")]);
    assert_eq!(online["UserList"].to_string(), r#"[{"Online":false,"UserId":"u2"},{"Online":true,"UserId":"u1"}]"#);
}

#[test]
fn the_longest_texts_fit_into_the_query() {
    let world = World::new();
    // Three bytes a character, and each byte is three in the query.
    let (info, body) = ("中".repeat(32 * 1024 / 3), "中".repeat(15 * 1024 / 3));
    let group = [("AppId", &*world.app.id), ("GroupId", "g1"), ("GroupInfo", &*info)];
    let call = world.api().call("CreateLiveMessageGroup", &group);
    assert_eq!((call.v3().status, call.v1().error().1), (200, "SignatureNonceUsed"));
    let mut u1 = world.on("u1");
    assert_eq!(u1.join("g1")["data"]["info"], info);
    let send = [("AppId", &*world.app.id), ("GroupId", "g1"), ("SenderId", "s"), ("Body", &*body)];
    world.api().ok("SendLiveMessageGroup", &send);
    assert_eq!(u1.hear(), body);
}

#[test]
fn garbage_on_either_listener_is_refused_and_hurts_nobody() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    let (control, sessions) = (world.server.running().control, world.server.running().sessions);
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(300_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(100));
    let cases: &[(&[u8], Option<u16>)] = &[
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", Some(400)),
        (b"nonsense\r\n\r\n", Some(400)),
        (long.as_bytes(), Some(414)),
        (many.as_bytes(), Some(431)),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", Some(411)),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Some(400)),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000000\r\n\r\n", Some(413)),
        (b"", None),
    ];
    for at in [control, sessions] {
        for (bytes, expected) in cases {
            if bytes.is_empty() {
                drop(std::net::TcpStream::connect(at).unwrap());
                continue;
            }
            let got = http(at, bytes).map(|answer| answer.status);
            assert_eq!(got, *expected, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
        }
    }
    u1.tell("g1", "still here");
    assert_eq!(u1.hear(), "still here");
}

#[test]
fn a_bad_handshake_is_told_what_is_wrong() {
    let world = World::new();
    let path = "/connection/websocket";
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (path, headers, expected) in [
        ("/elsewhere", String::new(), 404),
        (path, String::new(), 426),
        (path, format!("{upgrade}{key}Sec-WebSocket-Version: 8\r\n"), 426),
        (path, format!("{upgrade}Sec-WebSocket-Version: 13\r\n"), 400),
        (path, format!("{upgrade}{key}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: centrifuge-protobuf\r\n"), 400),
        (path, format!("{upgrade}{key}Sec-WebSocket-Version: 13\r\n"), 101),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let answer = http(world.server.running().sessions, request.as_bytes()).expect("an answer");
        assert_eq!(answer.status, expected, "{request}");
    }
}

#[test]
fn an_application_is_changed_through_the_door_with_patch() {
    let world = World::new();
    let token = std::fs::read_to_string(world.server.folder.join("operator.token")).unwrap();
    let ask = |method: &str, body: &str| {
        let head = format!("{method} /operator/v1/apps/{} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n", world.app.id, token.trim());
        http(world.server.running().control, format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).expect("an answer")
    };
    let changed = ask("PATCH", r#"{"administrators":["a","b"],"after_retry":2}"#);
    assert_eq!((changed.status, &changed.body["administrators"], &changed.body["after_retry"]), (200, &serde_json::json!(["a", "b"]), &2.into()));
    assert_eq!(ask("PATCH", r#"{"administrators":["c"],"after_retry":7}"#).status, 400);
    assert_eq!(ask("GET", "").body, changed.body);
    let other = ask("PUT", "{}");
    assert_eq!((other.status, other.header("allow")), (405, Some("GET, PATCH")));
}
