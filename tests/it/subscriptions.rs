//! Subscriptions of channel events: what a callback looks like, who is told of what, in which order and how
//! often (`alibaba.md` §3, `design.md` §4), and the record of every try.

use crate::harness::{Callback, React, Receiver, Watch, World};
use roomd::domain::Millis;
use serde_json::{Value, json};
use std::collections::HashSet;

const SECOND: u64 = 1_000;

/// All tries so far for what a subscription was told of a channel.
fn tries(world: &World, watch: &Watch, channel: &str) -> Vec<Callback> {
    let path = format!("/rtc/{}", watch.name);
    world.receiver.all().into_iter().filter(|c| c.path == path && c.json()["ChannelId"] == channel).collect()
}

/// The page of `ListEventSubEvent` that has everything up to now.
fn log(world: &World, more: &[(&str, &str)]) -> Value {
    let (from, to) = ((world.seconds() - 3_600).to_string(), (world.seconds() + 60).to_string());
    let ask = [("AppId", &*world.app.id), ("StartTime", &from), ("EndTime", &to), ("PageNo", "1"), ("PageSize", "100")];
    world.api().ok("ListEventSubEvent", &[&ask[..], more].concat())
}

fn update(world: &World, watch: &Watch, url: &str, more: &[(&str, &str)]) {
    let ask = [("AppId", &*world.app.id), ("SubscribeId", &watch.id), ("CallbackUrl", url), ("Events.1", "ChannelEvent"), ("Events.2", "UserEvent")];
    world.api().ok("UpdateEventSub", &[&ask[..], more].concat());
}

fn delete(world: &World, watch: &Watch) {
    world.api().ok("DeleteEventSub", &[("AppId", &world.app.id), ("SubscribeId", &watch.id)]);
}

/// Somebody is in the channel from now on.
fn join(world: &World, channel: &str, user: &str) -> String {
    world.reported(channel, json!({"event": "join", "user": user, "role": 1}))[0]["session_id"].as_str().expect("a SessionId").to_owned()
}

fn dead(world: &World) -> Vec<(String, String)> {
    let store = world.sql();
    let mut rows = store.prepare("SELECT endpoint, reason FROM delivery WHERE state = 2").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_callback_has_the_documented_form() {
    for strict in [false, true] {
        let world = World::with(|settings| settings.rtc_strict_ids = strict);
        let all = world.watch("all", &[]);
        let at = world.seconds();
        world.receiver.always(React::Status(500));
        let session = join(&world, "c1", "u1");
        world.reported("c1", json!({"event": "publish", "user": "u1", "medias": ["audio", "screen"]}));
        world.reported("c1", json!({"event": "leave", "user": "u1"}));
        world.receiver.always(React::Status(200));
        world.advance(10 * SECOND);
        let told = tries(&world, &all, "c1");
        let channel_event = |tag: &str| format!(r#"{{"Event":"ChannelEvent","ChannelEvent":{{"ChannelId":"c1","EventTag":"{tag}","Timestamp":{at}}}}}"#);
        let user_event = |tag: &str, rest: &str| {
            format!(r#"{{"Event":"UserEvent","UserEvent":{{"UserId":"u1","EventTag":"{tag}","SessionId":"{session}","Timestamp":{at},{rest}}}}}"#)
        };
        let contents = [
            channel_event("Open"),
            user_event("Join", r#""Reason":1,"Role":1,"CurrentMedias":"""#),
            user_event("PublishAudio", r#""Role":1,"CurrentMedias":"1""#),
            user_event("PublishScreen", r#""Role":1,"CurrentMedias":"1,3""#),
            user_event("UnpublishAudio", r#""Role":1,"CurrentMedias":"3""#),
            user_event("UnpublishScreen", r#""Role":1,"CurrentMedias":"""#),
            user_event("Leave", r#""Reason":1,"Role":1"#),
            channel_event("Close"),
        ];
        let (sub, app) = (&all.id, &world.app.id);
        let (subs, channels) = if strict { (String::new(), "") } else { (format!(r#","SubscribeID":"{sub}""#), r#","ChannelID":"c1""#) };
        let mut rest = contents.as_slice();
        let mut done = HashSet::new();
        for callback in told.iter().filter(|c| done.insert(&c.delivery)) {
            let (now, later) = rest.split_at(callback.events().len());
            rest = later;
            // When it was frozen: the first one at once, the others when it was their turn.
            let frozen = callback.json()["MsgTimestamp"].as_i64().expect("seconds");
            assert!((at..=callback.at / 1000).contains(&frozen), "{frozen}");
            let head =
                format!(r#"{{"MsgId":"{}","MsgTimestamp":{frozen},"SubscribeId":"{sub}"{subs},"AppId":"{app}","ChannelId":"c1"{channels},"#, callback.delivery);
            let body = format!(r#"{head}"Contents":[{}]}}"#, now.join(","));
            assert_eq!(String::from_utf8_lossy(&callback.body), body);
        }
        assert!(rest.is_empty(), "not told: {rest:?}");
    }
}

#[test]
fn always_503_is_8_tries_and_then_dead_and_the_log_has_them_all() {
    let world = World::new();
    let all = world.watch("all", &[]);
    world.receiver.react(|c| React::Status(if c.json()["ChannelId"] == "c2" { 200 } else { 503 }));
    let began = world.server.clock.now().0;
    join(&world, "c1", "u1");
    world.server.settle();
    let first = tries(&world, &all, "c1")[0].clone();
    // What happens later in the same channel waits for that; what happens in another does not.
    world.reported("c1", json!({"event": "publish", "user": "u1", "medias": ["video"]}));
    let waits = || tries(&world, &all, "c1").iter().all(|c| c.body == first.body);
    for _ in 0..8 {
        world.advance(60 * SECOND);
        assert!(waits(), "{:?}", tries(&world, &all, "c1"));
        // Nobody leaves by time-out meanwhile.
        world.reported("c1", json!({"event": "heartbeat"}));
        join(&world, "c2", "u2");
        world.reported("c2", json!({"event": "leave", "user": "u2"}));
        world.server.settle();
        let other = tries(&world, &all, "c2");
        assert_eq!(other.last().map(|c| (c.at, c.events().pop())), Some((world.server.clock.now().0, Some("c2 Close".into()))));
    }
    world.advance(18 * SECOND - 1);
    assert!(waits());
    world.advance(1);
    let told = tries(&world, &all, "c1");
    let (dead_one, next): (Vec<&Callback>, Vec<&Callback>) = told.iter().partition(|c| c.delivery == first.delivery);
    let times: Vec<i64> = dead_one.iter().map(|c| (c.at - began) / 1000).collect();
    assert_eq!(times, [0, 1, 3, 8, 18, 78, 198, 498]);
    assert!(dead_one.iter().all(|c| c.body == first.body), "the same, byte for byte");
    assert_eq!(dead_one[0].json()["MsgId"], first.delivery);
    let stamps: Vec<i64> = dead_one.iter().map(|c| c.stamp.parse().unwrap()).collect();
    assert_eq!(stamps, dead_one.iter().map(|c| c.at / 1000).collect::<Vec<_>>(), "each try is signed at its own time");
    assert_eq!(dead_one.iter().map(|c| &c.signature).collect::<HashSet<_>>().len(), 8);
    let next: Vec<_> = next.iter().map(|c| (c.at, c.events())).collect();
    assert_eq!(next, [(began + 498_000, vec!["c1 u1 PublishVideo streamer 2".to_owned()])]);
    assert_eq!(dead(&world).len(), 1);

    let logs = log(&world, &[("SubscribeId", &all.id)]);
    let logs = logs["Logs"].as_array().expect("a list");
    let of: Vec<&Value> = logs.iter().filter(|l| l["MessageId"] == first.delivery).collect();
    let expected: Vec<Value> = dead_one
        .iter()
        .zip(&of)
        .map(|(c, l)| {
            assert!(l["Cost"].as_u64().is_some_and(|ms| ms < 5_000), "{l}");
            json!({
                "AppId": world.app.id, "Code": 503, "Cost": l["Cost"], "Data": String::from_utf8_lossy(&c.body), "MessageId": c.delivery,
                "SubId": all.id, "Time": beijing(c.at), "Url": world.receiver.rtc_url("all"),
            })
        })
        .collect();
    assert_eq!(of, expected.iter().collect::<Vec<_>>());
    assert!(logs.iter().any(|l| l["Code"] == 200), "the other channel's are listed as well");
}

/// `yyyy-MM-dd HH:mm:ss.SSS` of UTC+8.
fn beijing(at: i64) -> String {
    let utc = roomd::alibaba::stamp::format(Millis(at + 8 * 3_600_000));
    format!("{}.{:03}", utc.trim_end_matches('Z').replace('T', " "), at % 1000)
}

#[test]
fn the_log_is_read_page_by_page_and_by_subscription() {
    let world = World::new();
    let (one, all) = (world.watch("one", &[("ChannelId", "c1")]), world.watch("all", &[]));
    for n in 0..5 {
        join(&world, "c1", &format!("u{n}"));
        world.advance(SECOND);
    }
    let (from, to) = (world.seconds().to_string(), (world.seconds() + 1).to_string());
    let ask = |subscription: &[(&str, &str)], page: &str, size: &str| {
        let ask = [("AppId", &*world.app.id), ("StartTime", &from), ("EndTime", &to), ("PageNo", page), ("PageSize", size)];
        world.api().ok("ListEventSubEvent", &[&ask[..], subscription].concat())
    };
    let ids = |page: &Value| page["Logs"].as_array().expect("a list").iter().map(|l| (l["SubId"].clone(), l["MessageId"].clone())).collect::<Vec<_>>();
    // Start and end are rounded to whole minutes, which may leave out what was before this minute.
    let whole = ask(&[], "1", "100");
    let n = ids(&whole).len();
    assert_eq!((&whole["Count"], &whole["HasMore"]), (&json!(n), &json!(false)));
    let mine = ask(&[("SubscribeId", &one.id)], "1", "100");
    assert!(ids(&mine).iter().all(|(sub, _)| *sub == one.id) && 2 * ids(&mine).len() == n, "{mine}");
    let mut paged = Vec::new();
    for page in 1.. {
        let got = ask(&[], &page.to_string(), "3");
        paged.extend(ids(&got));
        assert_eq!(got["Count"], got["Logs"].as_array().unwrap().len());
        if got["HasMore"] == false {
            break;
        }
        assert_eq!(got["Count"], 3);
    }
    assert_eq!(paged, ids(&whole));
    // What was logged outlives the subscription.
    delete(&world, &one);
    assert_eq!(ids(&ask(&[], "1", "100")), ids(&whole));
    assert_eq!(ids(&ask(&[("SubscribeId", &all.id)], "1", "100")).len(), n / 2);
}

#[test]
fn an_answer_that_is_no_http_is_logged_with_code_0() {
    let world = World::new();
    let all = world.watch("all", &[("Events", "ChannelEvent")]);
    let mut script = vec![React::Reset, React::Redirect, React::Status(204)].into_iter();
    world.receiver.react(move |_| script.next().unwrap_or(React::Status(200)));
    join(&world, "c1", "u1");
    world.advance(10 * SECOND);
    world.heard(&all, &["c1 Open"]);
    let logs = log(&world, &[]);
    let codes: Vec<&Value> = logs["Logs"].as_array().expect("a list").iter().map(|l| &l["Code"]).collect();
    assert_eq!(codes, [0, 302, 204, 200]);
}

#[test]
fn subscriptions_are_listed_as_they_are() {
    let world = World::new();
    let (made, seconds) = (world.server.clock.now().0, |at: i64| beijing(at)[..19].to_owned());
    let all = world.watch("all", &[("Events", "[\"UserEvent\"]")]);
    world.advance(61 * SECOND);
    let one = world.watch("one", &[("ChannelId", "c,1"), ("Users.1", "u2"), ("Users.2", "u1"), ("Users.3", "u2")]);
    world.advance(61 * SECOND);
    update(&world, &all, "http://cb.example.com/rtc?a=b", &[("ChannelId", "*")]);
    let now = world.server.clock.now().0;
    let listed = world.api().ok("ListEventSub", &[("AppId", &world.app.id)]);
    let expected = json!([
        {
            "SubId": all.id, "ChannelId": "*", "Events": ["ChannelEvent", "UserEvent"], "Users": [], "CallbackUrl": "http://cb.example.com/rtc?a=b",
            "CreateTime": seconds(made), "ModifyTime": seconds(now),
        },
        {
            "SubId": one.id, "ChannelId": "c,1", "Events": ["ChannelEvent", "UserEvent"], "Users": ["u2", "u1"], "CallbackUrl": world.receiver.rtc_url("one"),
            "CreateTime": seconds(now - 61_000), "ModifyTime": seconds(now - 61_000),
        },
    ]);
    assert_eq!(listed["Subscribers"], expected);
    delete(&world, &all);
    assert_eq!(world.api().ok("ListEventSub", &[("AppId", &world.app.id)])["Subscribers"].as_array().map(Vec::len), Some(1));
}

#[test]
fn participants_are_listed_by_when_they_joined() {
    let world = World::new();
    for n in 0..12 {
        join(&world, "c1", &format!("u{n}"));
    }
    // Who joins again keeps the place.
    join(&world, "c1", "u0");
    let ask = |more: &[(&str, &str)]| {
        let body = world.api().ok("DescribeChannelParticipants", &[&[("AppId", &*world.app.id), ("ChannelId", "c1")], more].concat());
        assert_eq!((&body["TotalNum"], &body["Times"]), (&json!(12), &json!(world.seconds())));
        (body["UserList"].clone(), body["TotalPage"].clone())
    };
    let users = |numbers: &[u32]| json!(numbers.iter().map(|n| format!("u{n}")).collect::<Vec<_>>());
    assert_eq!(ask(&[]), (users(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]), json!(2)));
    assert_eq!(ask(&[("PageNum", "2")]), (users(&[1, 0]), json!(2)));
    assert_eq!(ask(&[("Order", "asc"), ("PageSize", "5"), ("PageNum", "3")]), (users(&[10, 11]), json!(3)));
    assert_eq!(ask(&[("PageNum", "2147483647"), ("PageSize", "100")]), (json!([]), json!(1)));
    let empty = world.api().ok("DescribeChannelParticipants", &[("AppId", &*world.app.id), ("ChannelId", "nobody's")]);
    assert_eq!((&empty["UserList"], &empty["TotalNum"]), (&json!([]), &json!(0)));
}

#[test]
fn a_subscription_is_told_of_its_channel_its_users_and_its_kinds_of_event_alone() {
    let world = World::new();
    let all = world.watch("all", &[("ChannelId", "*")]);
    let one = world.watch("one", &[("ChannelId", "c1")]);
    let user = world.watch("user", &[("ChannelId", "c1"), ("Users.1", "u2")]);
    let channels = world.watch("channels", &[("ChannelId", "c1"), ("Events.1", "ChannelEvent")]);
    let users = world.watch("users", &[("ChannelId", "c1"), ("Events.1", "UserEvent"), ("Users", "u1,u3")]);
    for (channel, user) in [("c1", "u1"), ("c2", "u2"), ("c1", "u2"), ("c1", "u3")] {
        join(&world, channel, user);
    }
    let joined = |user: &str| format!("c1 {user} Join 1 streamer");
    let (u1, u2, u3) = (joined("u1"), joined("u2"), joined("u3"));
    world.heard(&all, &["c1 Open", &u1, "c2 Open", "c2 u2 Join 1 streamer", &u2, &u3]);
    world.heard(&one, &["c1 Open", &u1, &u2, &u3]);
    world.heard(&user, &["c1 Open", &u2]);
    world.heard(&channels, &["c1 Open"]);
    world.heard(&users, &[&u1, &u3]);
}

#[test]
fn what_was_subscribed_when_an_event_was_committed_counts() {
    let world = World::new();
    let early = world.watch("early", &[("ChannelId", "c1")]);
    world.receiver.always(React::Status(500));
    join(&world, "c1", "u1");
    let late = world.watch("late", &[("ChannelId", "c1")]);
    join(&world, "c1", "u2");
    // A narrower subscription is told of what was wanted before, and from now on of less.
    update(&world, &early, &world.receiver.rtc_url("early"), &[("ChannelId", "c1"), ("Users.1", "u3")]);
    join(&world, "c1", "u3");
    join(&world, "c1", "u4");
    world.receiver.always(React::Status(200));
    world.advance(10 * SECOND);
    let joined = |user: &str| format!("c1 {user} Join 1 streamer");
    world.heard(&early, &["c1 Open", &joined("u1"), &joined("u2"), &joined("u3")]);
    world.heard(&late, &[&joined("u2"), &joined("u3"), &joined("u4")]);
}

#[test]
fn what_waits_for_a_deleted_subscription_is_dead() {
    let world = World::new();
    let (gone, stays) = (world.watch("gone", &[("ChannelId", "c1")]), world.watch("stays", &[]));
    world.receiver.react(|c| React::Status(if c.path == "/rtc/gone" { 500 } else { 200 }));
    join(&world, "c1", "u1");
    join(&world, "c1", "u2");
    world.server.settle();
    delete(&world, &gone);
    world.receiver.always(React::Status(200));
    world.advance(1_000 * SECOND);
    world.heard(&gone, &[]);
    let told: Vec<String> = world.news(&stays).iter().map(|t| t.line()).collect();
    assert_eq!(told[..3], ["c1 Open", "c1 u1 Join 1 streamer", "c1 u2 Join 1 streamer"]);
    let endpoint = format!("rtc:{}:{}", world.app.id, gone.id);
    let dead = dead(&world);
    assert!(!dead.is_empty() && dead.iter().all(|(of, why)| (&**of, &**why) == (&*endpoint, "endpoint removed")), "{dead:?}");
    let waiting: i64 = world.sql().query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, 0);
    assert_eq!(world.api().fails("DeleteEventSub", &[("AppId", &world.app.id), ("SubscribeId", &gone.id)]), (404, "ResourceNotExist".into()));
}

#[test]
fn an_updated_url_takes_waiting_callbacks_along() {
    let world = World::new();
    let (elsewhere, watch) = (Receiver::start(), world.watch("all", &[]));
    elsewhere.knows(&world.app);
    world.receiver.always(React::Status(500));
    join(&world, "c1", "u1");
    let first = world.receiver.wait(1)[0].clone();
    world.server.settle();
    update(&world, &watch, &elsewhere.rtc_url("moved"), &[]);
    world.advance(10 * SECOND);
    let moved = &elsewhere.wait(1)[0];
    assert_eq!((&moved.delivery, &moved.body, &*moved.path), (&first.delivery, &first.body, "/rtc/moved"));
    assert_eq!(world.receiver.all().len(), 1, "the old URL is not tried again");
    let told = elsewhere.until_told("moved", "both", |all| all.len() >= 2);
    assert_eq!(told.iter().map(|t| t.line()).collect::<Vec<_>>(), ["c1 Open", "c1 u1 Join 1 streamer"]);
}

#[test]
fn a_channel_whose_callbacks_fail_holds_up_no_other_and_a_subscription_no_other() {
    let world = World::new();
    let (all, one) = (world.watch("all", &[]), world.watch("one", &[("ChannelId", "bad")]));
    world.receiver.react(|c| if c.path == "/rtc/all" && c.json()["ChannelId"] == "bad" { React::Status(500) } else { React::Status(200) });
    join(&world, "bad", "u1");
    world.heard(&one, &["bad Open", "bad u1 Join 1 streamer"]);
    for n in 0..10 {
        let channel = format!("c{n}");
        join(&world, &channel, "u1");
        world.heard(&all, &[&format!("{channel} Open"), &format!("{channel} u1 Join 1 streamer")]);
    }
    world.receiver.always(React::Status(200));
    world.advance(SECOND);
    world.heard(&all, &["bad Open", "bad u1 Join 1 streamer"]);
}

#[test]
fn waiting_events_of_a_channel_go_together_100_at_most() {
    let world = World::new();
    let all = world.watch("all", &[]);
    world.receiver.always(React::Status(500));
    join(&world, "c1", "u0");
    join(&world, "c2", "u0");
    world.server.settle();
    for from in [0, 50, 100] {
        let joins: Vec<Value> = (from..from + 50).map(|n| json!({"event": "join", "user": format!("w{n}")})).collect();
        world.reported("c1", json!({"events": joins}));
        world.reported("c2", json!({"events": &joins[..5]}));
    }
    world.receiver.always(React::Status(200));
    world.advance(10 * SECOND);
    let told = world.heard_any(&all, 152 + 17);
    assert_eq!(told.len(), 152 + 17);
    // The frame's check has seen that each has events of one channel.
    let sizes = |channel: &str| tries(&world, &all, channel).iter().filter(|c| c.react == React::Status(200)).map(|c| c.events().len()).collect::<Vec<_>>();
    assert!(sizes("c1").contains(&100) && sizes("c1").len() <= 4, "{:?}", sizes("c1"));
    assert!(sizes("c2").len() <= 3, "{:?}", sizes("c2"));
    let order: Vec<&str> = told.iter().filter(|t| t.channel == "c1" && t.user.starts_with('w')).map(|t| &*t.user).collect();
    assert_eq!(order, (0..150).map(|n| format!("w{n}")).collect::<Vec<_>>());
}

#[test]
fn a_disabled_application_parks_its_callbacks() {
    let world = World::new();
    let all = world.watch("all", &[]);
    world.receiver.react(|c| React::Status(if c.is_rtc() { 500 } else { 200 }));
    let mut u1 = world.inside("u1", "c1", 1);
    let posts = || world.receiver.all().iter().filter(|c| c.is_rtc()).count();
    world.server.settle();
    assert_eq!(posts(), 1);
    let disable = |value| world.api().ok("ModifyLiveMessageAppDisable", &[("AppId", &world.app.id), ("Disable", value)]);
    disable("true");
    assert_eq!(u1.closed().0, 4503);
    world.receiver.always(React::Status(200));
    world.advance(2_000 * SECOND);
    assert_eq!(posts(), 1, "nothing is tried meanwhile, and no try is spent");
    disable("false");
    world.advance(300 * SECOND);
    world.heard(&all, &["c1 Open", "c1 u1 Join 1 streamer", "c1 u1 Leave 7 streamer", "c1 Close"]);
}

#[test]
fn a_restart_loses_no_channel_event_and_tells_none_twice() {
    for crash in [false, true] {
        let mut world = World::new();
        let all = world.watch("all", &[]);
        world.receiver.always(React::Status(500));
        join(&world, "c1", "u1");
        join(&world, "c1", "u2");
        world.server.settle();
        if crash {
            world.server.crash();
        } else {
            world.server.restart();
        }
        world.receiver.always(React::Status(200));
        world.reported("c1", json!({"event": "kick", "user": "u1"}));
        world.advance(10 * SECOND);
        world.heard(&all, &["c1 Open", "c1 u1 Join 1 streamer", "c1 u2 Join 1 streamer", "c1 u1 Leave 6 streamer"]);
        let subs = world.api().ok("ListEventSub", &[("AppId", &world.app.id)]);
        assert_eq!((&subs["Subscribers"][0]["SubId"], &subs["Subscribers"][0]["ChannelId"]), (&json!(all.id), &json!("*")));
        world.advance(100 * SECOND);
        world.heard(&all, &["c1 u2 Leave 4 streamer", "c1 Close"]);
    }
}
