//! Subscriptions of channel events, and the log of their callbacks (`alibaba.md` §3.1).

use super::*;
use crate::domain::{SubscriptionId, outbox::DeliveryId, request::AttemptFound};

const URL: (&str, &str) = ("CallbackUrl", "http://cb.example.com/rtc");
const BOTH: [(&str, &str); 2] = [("Events.1", "ChannelEvent"), ("Events.2", "UserEvent")];

fn on_demo(server: &Server, action: &str, more: &[(&str, &str)]) -> (u16, Value) {
    server.call(action, &[&[("AppId", "demo")], more].concat())
}

fn create(server: &Server, more: &[(&str, &str)]) -> (u16, Value) {
    on_demo(server, "CreateEventSub", &[&[URL][..], &BOTH, more].concat())
}

fn id(answer: (u16, Value)) -> String {
    let answer = fields(answer);
    let id = answer["SubscribeId"].as_str().unwrap();
    assert_eq!(answer, json!({"SubscribeId": id}));
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    id.to_string()
}

fn listed(server: &Server) -> Value {
    let mut answer = fields(on_demo(server, "ListEventSub", &[]));
    let list = answer["Subscribers"].take();
    assert_eq!(answer, json!({"Subscribers": null}));
    list
}

#[test]
fn a_subscription_is_made_listed_replaced_and_deleted() {
    let server = Server::new();
    assert_eq!(listed(&server), json!([]));
    let one = id(create(&server, &[("ChannelId", "ch 1"), ("Users.1", "u1"), ("Users.2", "u,2"), ("Users.3", "u1")]));
    let item = |id: &str, channel: &str, events: Value, users: Value, url: &str| {
        json!({"SubId": id, "ChannelId": channel, "Events": events, "Users": users, "CallbackUrl": url,
               "CreateTime": "2023-11-15 06:13:20", "ModifyTime": "2023-11-15 06:13:20"})
    };
    let both = json!(["ChannelEvent", "UserEvent"]);
    let first = item(&one, "ch 1", both.clone(), json!(["u1", "u,2"]), URL.1);
    assert_eq!(listed(&server), json!([first]));
    let all = id(on_demo(&server, "CreateEventSub", &[URL, ("Events", "[\"UserEvent\"]"), ("ChannelId", "*")]));
    assert_eq!(listed(&server), json!([first, item(&all, "*", json!(["UserEvent"]), json!([]), URL.1)]));

    // What is not given is not kept.
    let replace: &[(&str, &str)] = &[("SubscribeId", &one), ("CallbackUrl", "https://b/"), ("Events", "ChannelEvent,ChannelEvent"), ("ChannelId", "c2")];
    assert_eq!(fields(on_demo(&server, "UpdateEventSub", replace)), json!({}));
    assert_eq!(listed(&server)[0], item(&one, "c2", json!(["ChannelEvent"]), json!([]), "https://b/"));
    assert_eq!(code(&on_demo(&server, "UpdateEventSub", &replace[..3])), (400, "QuotaLimitError"), "there is one of all channels already");
    assert_eq!(fields(on_demo(&server, "UpdateEventSub", &[URL, BOTH[0], ("SubscribeId", &all)])), json!({}), "that one may stay it");

    let gone: &[(&str, &str)] = &[("SubscribeId", &one)];
    assert_eq!(fields(on_demo(&server, "DeleteEventSub", gone)), json!({}));
    assert_eq!(listed(&server).as_array().map(Vec::len), Some(1));
    for (action, more) in [("DeleteEventSub", gone), ("UpdateEventSub", replace)] {
        assert_eq!(code(&on_demo(&server, action, more)), (404, "ResourceNotExist"), "{action}");
    }
    server.fake.put(Change::App(Arc::new(fake::app("other"))));
    assert_eq!(code(&server.call("DeleteEventSub", &[("AppId", "other"), ("SubscribeId", &all)])), (404, "ResourceNotExist"));
}

#[test]
fn what_a_subscription_may_not_be() {
    let server = Server::new();
    server.fake.put(Change::App(Arc::new(App { disabled: true, ..fake::app("off") })));
    let many: Vec<(String, String)> = (1..=101).map(|n| (format!("Users.{n}"), format!("u{n}"))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (long, channel) = ("x".repeat(65), ("ChannelId", "c"));
    let app = ("AppId", "demo");
    for (params, expected) in [
        (vec![URL, BOTH[0]], (400, "MissingAppId")),
        (vec![app, BOTH[0]], (400, "MissingCallbackUrl")),
        (vec![app, ("CallbackUrl", ""), BOTH[0]], (400, "MissingCallbackUrl")),
        (vec![app, ("CallbackUrl.1", URL.1), BOTH[0]], (400, "MissingCallbackUrl")),
        (vec![app, URL], (400, "MissingEvents")),
        (vec![app, URL, ("Events", "[]")], (400, "MissingEvents")),
        (vec![("AppId", &long), URL, BOTH[0]], (400, "InputInvalid")),
        (vec![app, URL, ("Events", "Everything")], (400, "InputInvalid")),
        (vec![app, URL, ("Events", "UserEvent,")], (400, "InputInvalid")),
        (vec![app, URL, ("Events", "userevent")], (400, "InputInvalid")),
        (vec![app, URL, BOTH[0], ("ChannelId", &long)], (400, "InputInvalid")),
        (vec![app, URL, BOTH[0], channel, ("Users.1", "")], (400, "InputInvalid")),
        (vec![app, URL, BOTH[0], ("Users.1", "u1")], (400, "InputInvalid")),
        (vec![app, URL, BOTH[0], ("ChannelId", "*"), ("Users", "u1")], (400, "InputInvalid")),
        ([vec![app, URL, BOTH[0], channel], many].concat(), (400, "InputInvalid")),
        (vec![app, ("CallbackUrl", "ftp://x/"), BOTH[0]], (400, "ErrorInvalidCallBackUrl")),
        (vec![app, ("CallbackUrl", "http://10.0.0.1/"), BOTH[0]], (400, "ErrorInvalidCallBackUrl")),
        (vec![app, ("CallbackUrl", "http://cb.example.com:8080/"), BOTH[0]], (400, "ErrorInvalidCallBackUrl")),
        // An illegal value is told before a missing thing.
        (vec![("AppId", "nobody"), URL, ("Events", "x")], (400, "InputInvalid")),
        (vec![("AppId", "nobody"), URL, BOTH[0]], (404, "ResourceNotExist")),
        (vec![("AppId", "off"), URL, BOTH[0]], (403, "NoAuth")),
        (vec![("AppId", "demo"), URL, BOTH[0], ("DataCenter", "ap-southeast-1")], (200, "")),
    ] {
        let updated = server.call("UpdateEventSub", &[&params[..], &[("SubscribeId", "none")]].concat());
        let created = server.call("CreateEventSub", &params);
        assert_eq!(code(&created), expected, "{params:?}");
        assert_eq!(code(&updated), if expected.0 == 200 { (404, "ResourceNotExist") } else { expected }, "{params:?}");
    }
    for action in ["UpdateEventSub", "DeleteEventSub"] {
        for (id, expected) in [("", (400, "MissingSubscribeId")), (&long, (400, "InputInvalid"))] {
            assert_eq!(code(&on_demo(&server, action, &[URL, BOTH[0], ("SubscribeId", id)])), expected, "{action}");
        }
    }
    for action in ["ListEventSub", "DeleteEventSub"] {
        for (app, expected) in [("nobody", (404, "ResourceNotExist")), ("off", (403, "NoAuth"))] {
            assert_eq!(code(&server.call(action, &[("AppId", app), ("SubscribeId", "s")])), expected, "{action}");
        }
    }
}

#[test]
fn there_are_so_many_subscriptions() {
    for (most, of_all, made) in [(20, 1, [20, 1]), (3, 2, [3, 2]), (0, 0, [30, 30])] {
        let quotas = Quotas { subscriptions_per_app: most, all_channel_subscriptions_per_app: of_all, ..Quotas::default() };
        for (channel, made) in [("c", made[0]), ("", made[1])] {
            let server = Server::with(1_000, false, quotas.clone());
            let answers: Vec<(u16, Value)> = (0..30).map(|_| create(&server, &[("ChannelId", channel)])).collect();
            assert_eq!(answers.iter().filter(|answer| answer.0 == 200).count(), made, "{most} {of_all}");
            assert!(answers[made..].iter().all(|answer| code(answer) == (400, "QuotaLimitError")));
        }
    }
}

#[test]
fn a_user_with_a_comma_is_one_where_it_is_online() {
    let server = Server::new();
    server.group("g1");
    server.fake.join("demo", "a,b", 1);
    for (users, expected) in [("a,b", json!(["a,b"])), ("a,c", json!(["a", "c"])), ("[\"a,c\"]", json!(["a,c"]))] {
        create(&server, &[("ChannelId", "c"), ("Users", users)]);
        assert_eq!(listed(&server).as_array().unwrap().last().unwrap()["Users"], expected, "{users}");
    }
}

#[test]
fn the_log_of_callbacks_is_listed() {
    let server = Server::new();
    let now = server.clock.now();
    let tried = |n: i64, subscription: &str, status| AttemptFound {
        delivery: DeliveryId(format!("d{n}").into()),
        subscription: SubscriptionId::trusted(subscription),
        at: Millis(now.0 - 60_000 + n),
        url: URL.1.into(),
        status,
        took_ms: 12,
        body: format!("{{\"n\":{n}}}"),
    };
    for attempt in [tried(1, "s1", Some(200)), tried(2, "s2", None), tried(3, "s1", Some(503))] {
        server.fake.tried("demo", attempt);
    }
    server.fake.tried("other", tried(4, "s1", None));
    let (start, end) = ((now.seconds() - 600).to_string(), now.seconds().to_string());
    let list = |more: &[(&str, &str)]| on_demo(&server, "ListEventSubEvent", &[&[("StartTime", &*start), ("EndTime", &end)], more].concat());
    let item = |n: i64, subscription: &str, code: u16| {
        let time = stamp::beijing_millis(Millis(now.0 - 60_000 + n));
        json!({"AppId": "demo", "Code": code, "Cost": 12, "Data": format!("{{\"n\":{n}}}"), "MessageId": format!("d{n}"),
               "SubId": subscription, "Time": time, "Url": URL.1})
    };
    for (more, expected) in [
        (
            &[("PageNo", "1"), ("PageSize", "100")][..],
            json!({"Count": 3, "HasMore": false, "Logs": [item(1, "s1", 200), item(2, "s2", 0), item(3, "s1", 503)]}),
        ),
        (&[("PageNo", "1"), ("PageSize", "2")], json!({"Count": 2, "HasMore": true, "Logs": [item(1, "s1", 200), item(2, "s2", 0)]})),
        (&[("PageNo", "2"), ("PageSize", "2")], json!({"Count": 1, "HasMore": false, "Logs": [item(3, "s1", 503)]})),
        (&[("PageNo", "2147483647"), ("PageSize", "100")], json!({"Count": 0, "HasMore": false, "Logs": []})),
        (&[("PageNo", "2"), ("PageSize", "1"), ("SubscribeId", "s1")], json!({"Count": 1, "HasMore": false, "Logs": [item(3, "s1", 503)]})),
        (&[("PageNo", "1"), ("PageSize", "9"), ("SubscribeId", "never was")], json!({"Count": 0, "HasMore": false, "Logs": []})),
    ] {
        assert_eq!(fields(list(more)), expected, "{more:?}");
    }
    for (more, expected) in [
        (&[("PageNo", "1")][..], (400, "MissingPageSize")),
        (&[("PageNo", "0"), ("PageSize", "1")], (400, "InputInvalid")),
        (&[("PageNo", "1"), ("PageSize", "101")], (400, "InputInvalid")),
        (&[("PageNo", "1"), ("PageSize", "0")], (400, "InputInvalid")),
        (&[("PageNo", "x"), ("PageSize", "1")], (400, "InputInvalid")),
        (&[("PageNo", "1"), ("PageSize", "1"), ("SubscribeId", "a\nb")], (400, "InputInvalid")),
    ] {
        assert_eq!(code(&list(more)), expected, "{more:?}");
    }
    for app in ["nobody", ""] {
        let answer = server.call("ListEventSubEvent", &[("AppId", app), ("StartTime", &start), ("EndTime", &end), ("PageNo", "1"), ("PageSize", "1")]);
        assert_eq!(code(&answer), if app.is_empty() { (400, "MissingAppId") } else { (404, "ResourceNotExist") });
    }
}

#[test]
fn the_log_s_window_is_of_whole_minutes_and_seven_days() {
    let server = Server::new();
    // It is 20 s past a minute.
    server.clock.advance(80_000 - server.clock.now().0.rem_euclid(60_000).unsigned_abs()).unwrap();
    let (day, now) = (86_400, server.clock.now().seconds());
    let at = Millis(now * 1000);
    server.fake.tried(
        "demo",
        AttemptFound {
            delivery: DeliveryId("d".into()),
            subscription: SubscriptionId::trusted("s"),
            at,
            url: URL.1.into(),
            status: Some(200),
            took_ms: 1,
            body: "{}".into(),
        },
    );
    for (start, end, expected) in [
        (now, now, Ok(1)),
        (now + 39, now + 39, Ok(1)),
        (now + 40, now + 40, Ok(0)),
        (now - 20, now - 20, Ok(0)),
        (now - 19, now - 19, Ok(1)),
        (now - 7 * day, now, Ok(1)),
        (now - 7 * day, now + 1, Err(())),
        (now - 7 * day - 60, now - 60, Ok(0)),
        (now - 7 * day - 61, now - 61, Err(())),
        (now, now - 1, Err(())),
        (now, i64::MAX, Err(())),
        (now + day, now + day, Ok(0)),
        (now + day + 1, now + day + 1, Err(())),
        (i64::MAX, i64::MAX, Err(())),
        (-1, now, Err(())),
        (0, 0, Err(())),
    ] {
        let (start, end) = (start.to_string(), end.to_string());
        let answer = on_demo(&server, "ListEventSubEvent", &[("StartTime", &start), ("EndTime", &end), ("PageNo", "1"), ("PageSize", "1")]);
        match expected {
            Ok(count) => assert_eq!(fields(answer)["Count"], json!(count), "{start} {end}"),
            Err(()) => assert_eq!(code(&answer), (400, "InputInvalid"), "{start} {end}"),
        }
    }
}
