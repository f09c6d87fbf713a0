//! RTC channels on the socket (`session.md` §4): joining by token, role and medias, presence, and what the
//! channel's other members hear. How somebody leaves, and what is told of it, is in `reasons.rs`.

use crate::harness::World;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

const SECOND: u64 = 1_000;

/// The next push: its event and its data.
fn event(client: &mut crate::harness::Client) -> (String, Value) {
    let push = client.push();
    assert!(push["pub"].get("offset").is_none(), "{push}");
    (push["pub"]["tags"]["event"].as_str().unwrap_or_else(|| panic!("an event was awaited, and came {push}")).to_owned(), push["pub"]["data"].clone())
}

#[test]
fn the_first_who_joins_opens_the_channel_and_the_last_who_leaves_closes_it() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let mut u1 = world.on("u1");
    let reply = u1.ok("subscribe", json!({"channel": "rtc:c1", "token": world.channel_token("u1", "c1"), "data": {"role": 1}}));
    let session = reply["data"]["session_id"].as_str().expect("a SessionId").to_owned();
    let told = json!({"channel_id": "c1", "user": "u1", "session_id": session, "role": 1, "medias": [], "rejoined": false, "users": 1});
    assert_eq!((&reply["data"], &reply["recoverable"], &reply["positioned"]), (&told, &Value::Null, &Value::Null));
    assert_ne!(session, u1.sid());
    // Without a role one is a viewer.
    let mut u2 = world.on("u2");
    let reply = u2.ok("subscribe", json!({"channel": "rtc:c1", "token": world.channel_token("u2", "c1")}));
    assert_eq!((&reply["data"]["role"], &reply["data"]["users"]), (&json!(2), &json!(2)));
    u1.exit("c1");
    world.heard(&all, &["c1 Open", "c1 u1 Join 1 streamer", "c1 u2 Join 1 viewer", "c1 u1 Leave 1 streamer"]);
    u2.exit("c1");
    world.heard(&all, &["c1 u2 Leave 1 viewer", "c1 Close"]);
    // The next who comes opens it again, with another SessionId.
    assert_ne!(world.enter(&mut u1, "u1", "c1", 1)["session_id"], session);
    world.heard(&all, &["c1 Open", "c1 u1 Join 1 streamer"]);
    // Of messaging's callbacks none of this is part.
    world.told(&["u1 on", "u2 on"]);
}

#[test]
fn a_token_comes_as_base64_or_as_json() {
    let world = World::new();
    let mut u1 = world.on("u1");
    let token = world.channel_token("u1", "c1");
    for token in [token.clone(), STANDARD.encode(&token), URL_SAFE_NO_PAD.encode(&token)] {
        u1.enter("c1", &token, 1);
        u1.exit("c1");
    }
}

#[test]
fn a_wrong_token_is_refused_with_103_and_an_expired_one_with_109() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let other = world.api().app("");
    let mut u1 = world.on("u1");
    let soon = world.seconds() + 60;
    let changed = |name: &str, value: Value| {
        let mut token: Value = serde_json::from_str(&world.channel_token("u1", "c1")).unwrap();
        token[name] = value;
        token.to_string()
    };
    for (token, code) in [
        (String::new(), 103),
        ("x".into(), 103),
        ("{}".into(), 103),
        (world.channel_token("u2", "c1"), 103),
        (world.channel_token("u1", "c2"), 103),
        (other.channel_token("u1", "c1", soon), 103),
        (changed("appid", json!(other.id)), 103),
        (changed("channelid", json!("c2")), 103),
        (changed("userid", json!("u2")), 103),
        (changed("nonce", json!("AK-m")), 103),
        (changed("timestamp", json!((soon + 1).to_string())), 103),
        (changed("token", json!("0".repeat(64))), 103),
        // A login is no token of a channel.
        (world.login("u1"), 103),
        (world.app.channel_token("u1", "c1", world.seconds() - 1), 109),
    ] {
        let ask = json!({"channel": "rtc:c1", "token": token, "data": {"role": 1}});
        assert_eq!(u1.code("subscribe", ask), code, "{token}");
    }
    world.heard(&all, &[]);
    assert_eq!(world.users_of("c1"), None);
    // An expiry may be a number as well.
    u1.enter("c1", &changed("timestamp", json!(world.seconds() + 86_400)), 1);
    world.heard(&all, &["c1 Open", "c1 u1 Join 1 streamer"]);
}

#[test]
fn after_a_resume_no_token_is_asked_for() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let mut u1 = world.on("u1");
    let short = world.app.channel_token("u1", "c1", world.seconds() + 30);
    let session = u1.enter("c1", &short, 1)["session_id"].clone();
    u1.vanish();
    world.advance(60 * SECOND);
    let mut u1 = world.on("u1");
    assert_eq!(u1.hello["data"]["channels"], json!(["c1"]));
    // It has expired meanwhile; and none at all would do.
    let again = u1.enter("c1", &short, 1);
    assert_eq!((&again["session_id"], &again["rejoined"]), (&session, &json!(true)));
    u1.vanish();
    assert_eq!(world.on("u1").enter("c1", "", 1)["session_id"], session);
    world.heard(&all, &["c1 Open", "c1 u1 Join 1 streamer", "c1 u1 Join 2 streamer", "c1 u1 Join 2 streamer"]);
    // Who has left needs a good one again.
    let mut u1 = world.on("u1");
    u1.exit("c1");
    assert_eq!(u1.code("subscribe", json!({"channel": "rtc:c1", "token": short})), 109);
}

#[test]
fn role_and_medias_are_kept_over_a_resume() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let mut u1 = world.inside("u1", "c1", 2);
    u1.rtc("rtc.role", "c1", json!(1));
    u1.rtc("rtc.publish", "c1", json!(["video", "audio"]));
    u1.vanish();
    let mut u1 = world.on("u1");
    // The client says what it always says.
    let again = world.enter(&mut u1, "u1", "c1", 2);
    assert_eq!((&again["role"], &again["medias"], &again["users"]), (&json!(1), &json!(["audio", "video"]), &json!(1)));
    let told = world.news(&all);
    let last = told.last().expect("it was told");
    assert_eq!((last.line(), &last.session), ("c1 u1 Join 2 streamer 1,2".into(), &told[1].session));
    assert_eq!(world.users_of("c1"), Some((json!(["u1"]), json!([]))));
}

#[test]
fn what_is_published_is_told_with_all_that_is_published() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let mut u1 = world.inside("u1", "c1", 1);
    let now = u1.rtc("rtc.publish", "c1", json!(["screen"]));
    assert_eq!((&now["role"], &now["medias"]), (&json!(1), &json!(["screen"])));
    u1.rtc("rtc.publish", "c1", json!(["audio", "screen"]));
    // The channel's own id does as well.
    let data = json!({"channel": "c1", "medias": ["video"]});
    u1.ok("rpc", json!({"method": "rtc.publish", "data": data}));
    assert_eq!(u1.rtc("rtc.unpublish", "c1", json!(["screen"]))["medias"], json!(["audio", "video"]));
    // What is as it is already is a success, and no event.
    u1.rtc("rtc.unpublish", "c1", json!(["screen"]));
    u1.rtc("rtc.publish", "c1", json!(["audio"]));
    u1.rtc("rtc.role", "c1", json!(1));
    assert_eq!(u1.rtc("rtc.role", "c1", json!(2))["medias"], json!([]));
    u1.rtc("rtc.role", "c1", json!(1));
    world.heard(
        &all,
        &[
            "c1 Open",
            "c1 u1 Join 1 streamer",
            "c1 u1 PublishScreen streamer 3",
            "c1 u1 PublishAudio streamer 1,3",
            "c1 u1 PublishVideo streamer 1,2,3",
            "c1 u1 UnpublishScreen streamer 1,2",
            "c1 u1 UnpublishAudio streamer 2",
            "c1 u1 UnpublishVideo streamer",
            "c1 u1 Roleupdate viewer",
            "c1 u1 Roleupdate streamer",
        ],
    );
}

#[test]
fn who_may_not_publish_is_told_why() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let mut u1 = world.inside("u1", "c1", 2);
    let _u2 = world.inside("u2", "c2", 1);
    for (method, channel, more, code) in [
        ("rtc.publish", "c1", json!(["audio"]), 403),
        ("rtc.publish", "c2", json!(["audio"]), 425),
        ("rtc.unpublish", "c2", json!(["audio"]), 425),
        ("rtc.role", "no-such", json!(1), 425),
        ("rtc.publish", "c1", json!([]), 107),
        ("rtc.publish", "c1", json!(["Audio"]), 107),
        ("rtc.publish", "c1", json!([1]), 107),
        ("rtc.unpublish", "c1", json!(["audio", "smell"]), 107),
        ("rtc.role", "c1", json!(0), 107),
        ("rtc.role", "c1", json!(3), 107),
        ("rtc.role", "c1", json!("1"), 107),
        ("rtc.role", "", json!(1), 107),
    ] {
        assert_eq!(u1.rtc_fails(method, channel, more.clone()), code, "{method} {channel} {more}");
    }
    for data in [json!({}), json!({"channel": "rtc:c1"}), json!({"medias": ["audio"]}), json!([1])] {
        assert_eq!(u1.code("rpc", json!({"method": "rtc.publish", "data": data})), 107, "{data}");
    }
    for method in ["presence", "presence_stats"] {
        assert_eq!(u1.code(method, json!({"channel": "rtc:c2"})), 425, "{method}");
    }
    assert_eq!(u1.code("rpc", json!({"method": "rtc.sing", "data": {"channel": "rtc:c1"}})), 104);
    u1.exit("c1");
    assert_eq!(u1.rtc_fails("rtc.role", "c1", json!(1)), 425, "after the leave it is as before the join");
    world.heard(&all, &["c1 Open", "c1 u1 Join 1 viewer", "c2 Open", "c2 u2 Join 1 streamer", "c1 u1 Leave 1 viewer", "c1 Close"]);
}

#[test]
fn a_subscribe_that_makes_no_sense_is_refused() {
    let world = World::with(|settings| settings.rules.quotas.channels_per_session = 2);
    let mut u1 = world.inside("u1", "c1", 1);
    let token = world.channel_token("u1", "c1");
    let ask = |channel: &str, role: Value| json!({"channel": channel, "token": token, "data": {"role": role}});
    assert_eq!(u1.code("subscribe", ask("rtc:c1", json!(1))), 105);
    u1.exit("c1");
    for role in [json!(0), json!(3), json!("1"), json!(1.5), json!([1])] {
        assert_eq!(u1.code("subscribe", ask("rtc:c1", role.clone())), 107, "role {role}");
    }
    for channel in ["rtc:".to_owned(), format!("rtc:{}", "x".repeat(65)), "rtc:a\u{1}b".into()] {
        assert_eq!(u1.code("subscribe", ask(&channel, json!(1))), 102, "{channel}");
    }
    // Groups and channels are counted together.
    world.groups(&["g1"]);
    u1.join("g1");
    world.enter(&mut u1, "u1", "c1", 1);
    assert_eq!(u1.code("subscribe", json!({"channel": "rtc:c2", "token": world.channel_token("u1", "c2")})), 443);
    for method in ["publish", "history"] {
        assert_eq!(u1.code(method, json!({"channel": "rtc:c1", "data": "hi", "limit": 10})), 108, "{method}");
    }
    u1.ok("unsubscribe", json!({"channel": "rtc:never-joined"}));
}

#[test]
fn members_hear_who_comes_publishes_and_goes() {
    let world = World::new();
    let mut watcher = world.inside("w", "c1", 2);
    let mut u1 = world.on("u1");
    let session = world.enter(&mut u1, "u1", "c1", 1)["session_id"].clone();
    let info = |push: &Value, kind: &str, medias: Value| {
        let info = &push[kind]["info"];
        assert_eq!((&info["user"], &info["client"]), (&json!("u1"), &json!(u1.hello["client"])), "{push}");
        assert_eq!(info["chan_info"], json!({"session_id": session, "role": 1, "medias": medias}), "{push}");
        assert_eq!(push["channel"], "rtc:c1");
    };
    info(&watcher.push(), "join", json!([]));
    u1.rtc("rtc.publish", "c1", json!(["audio"]));
    let now = |role: u8, medias: Value| json!({"user": "u1", "session_id": session, "role": role, "medias": medias});
    assert_eq!(event(&mut watcher), ("rtc.publish".into(), now(1, json!(["audio"]))));
    // Who publishes hears of it like the others.
    assert_eq!(event(&mut u1), ("rtc.publish".into(), now(1, json!(["audio"]))));
    u1.rtc("rtc.publish", "c1", json!(["audio"]));
    u1.rtc("rtc.unpublish", "c1", json!(["audio"]));
    assert_eq!(event(&mut watcher), ("rtc.unpublish".into(), now(1, json!([]))), "and nothing of what changes nothing");
    u1.rtc("rtc.role", "c1", json!(2));
    assert_eq!(event(&mut watcher), ("rtc.role".into(), now(2, json!([]))));
    // A resume is seen by nobody.
    u1.vanish();
    let mut u1 = world.on("u1");
    world.enter(&mut u1, "u1", "c1", 1);
    u1.exit("c1");
    let left = watcher.heard();
    assert_eq!((left.len(), &left[0]["leave"]["info"]["user"]), (1, &json!("u1")), "{left:?}");
    // Who leaves while publishing is heard to stop first.
    world.enter(&mut u1, "u1", "c1", 1);
    u1.rtc("rtc.publish", "c1", json!(["audio"]));
    watcher.heard();
    u1.exit("c1");
    let (event, data) = event(&mut watcher);
    assert_eq!((&*event, &data["user"], &data["medias"]), ("rtc.unpublish", &json!("u1"), &json!([])));
    assert_eq!(watcher.push()["leave"]["info"]["user"], "u1");
}

#[test]
fn presence_names_everybody_with_role_and_medias() {
    let world = World::new();
    let mut u1 = world.inside("u1", "c1", 1);
    u1.rtc("rtc.publish", "c1", json!(["audio", "screen"]));
    let mut u2 = world.inside("u2", "c1", 2);
    let reported = world.reported("c1", json!({"event": "join", "user": "sfu"}));
    let ask = json!({"channel": "rtc:c1"});
    let presence = u2.ok("presence", ask.clone())["presence"].clone();
    assert_eq!(presence.as_object().map(|p| p.len()), Some(3), "{presence}");
    let (one, two) = (&presence[u1.sid()], &presence[u2.sid()]);
    assert_eq!((&one["user"], &one["client"]), (&json!("u1"), &json!(u1.sid())));
    assert_eq!((&one["chan_info"]["role"], &one["chan_info"]["medias"]), (&json!(1), &json!(["audio", "screen"])));
    assert_eq!((&two["user"], &two["chan_info"]["role"], &two["chan_info"]["medias"]), (&json!("u2"), &json!(2), &json!([])));
    let session = reported[0]["session_id"].as_str().expect("a SessionId");
    let third = &presence[session];
    assert_eq!((&third["user"], &third["client"], &third["chan_info"]["session_id"]), (&json!("sfu"), &json!(session), &json!(session)));
    let stats = u2.ok("presence_stats", ask.clone());
    assert_eq!((&stats["num_clients"], &stats["num_users"]), (&json!(3), &json!(3)));
    // Who is lost is still in.
    u1.vanish();
    assert_eq!(u2.ok("presence_stats", ask)["num_clients"], 3);
}

#[test]
fn a_closed_channel_is_said_to_exist_for_5_seconds() {
    let world = World::new();
    assert_eq!(world.users_of("c1"), None);
    let mut u1 = world.inside("u1", "c1", 1);
    let _u2 = world.inside("u2", "c2", 2);
    assert_eq!(world.users_of("c1"), Some((json!(["u1"]), json!([]))));
    u1.exit("c1");
    world.advance(5 * SECOND - 1);
    assert_eq!(world.users_of("c1"), Some((json!([]), json!([]))));
    world.advance(1);
    assert_eq!(world.users_of("c1"), None);
    assert_eq!(world.users_of("c2"), Some((json!([]), json!(["u2"]))));
}
