//! Why somebody joined or left an RTC channel: each reason of `alibaba.md` §3.2 by each way to it, as the
//! socket and as the subscriptions see it; and what keeps somebody in.

use crate::harness::{Answer, Client, World, operator};
use serde_json::{Value, json};

const SECOND: u64 = 1_000;

fn force_off(world: &World, user: &str) -> Answer {
    let path = format!("apps/{}/sessions/{user}", world.app.id);
    operator(world.server.running().control, world.server.folder.path(), "DELETE", &path, "")
}

fn disable(world: &World, value: &str) {
    world.api().ok("ModifyLiveMessageAppDisable", &[("AppId", &world.app.id), ("Disable", value)]);
}

/// `u1` publishes in `c1`, where `w` is as well, and both subscriptions were told of it.
fn publishing(world: &World) -> (Client, Client) {
    let mut watcher = world.inside("w", "c1", 2);
    let mut u1 = world.inside("u1", "c1", 1);
    u1.rtc("rtc.publish", "c1", json!(["video", "audio"]));
    assert_eq!(watcher.heard().len(), 2);
    (u1, watcher)
}

const BEGUN: [&str; 5] = ["c1 Open", "c1 w Join 1 viewer", "c1 u1 Join 1 streamer", "c1 u1 PublishAudio streamer 1", "c1 u1 PublishVideo streamer 1,2"];

/// Its leave, with what comes before it.
fn gone(reason: u8) -> [String; 3] {
    ["c1 u1 UnpublishAudio streamer 2".into(), "c1 u1 UnpublishVideo streamer".into(), format!("c1 u1 Leave {reason} streamer")]
}

/// Exactly that was told, and the other member saw one leave, of who was publishing nothing any more.
#[track_caller]
fn left(world: &World, all: &crate::harness::Watch, watcher: &mut Client, reason: u8) {
    let gone = gone(reason);
    world.heard(all, &gone.each_ref().map(String::as_str));
    let pushes = watcher.heard();
    let leaves: Vec<&Value> = pushes.iter().filter(|p| p.get("leave").is_some()).map(|p| &p["leave"]["info"]["user"]).collect();
    assert_eq!(leaves, ["u1"], "{pushes:?}");
    assert_eq!(world.users_of("c1"), Some((json!([]), json!(["w"]))));
}

#[test]
fn reason_1_is_a_leave_by_ones_own_will() {
    type Leave = fn(&World, Client);
    let ways: [(&str, Leave); 5] = [
        ("unsubscribe", |_, mut u1| u1.exit("c1")),
        ("close 1000", |_, u1| u1.close(1000)),
        ("close 1005", |_, u1| u1.close_without_code()),
        ("session.logoff", |_, mut u1| drop(u1.ok("rpc", json!({"method": "session.logoff"})))),
        ("operator", |world, mut u1| {
            assert_eq!(world.reported("c1", json!({"event": "leave", "user": "u1"}))[0]["medias"], json!([]));
            let pushes = u1.heard();
            assert_eq!(pushes.last().map(|p| (&p["channel"], &p["unsubscribe"]["code"])), Some((&json!("rtc:c1"), &json!(2102))), "{pushes:?}");
            assert_eq!(u1.rtc_fails("rtc.publish", "c1", json!(["audio"])), 425);
        }),
    ];
    for (way, leave) in ways {
        let world = World::new();
        let all = world.watch("all", &[]);
        let (u1, mut watcher) = publishing(&world);
        world.heard(&all, &BEGUN);
        leave(&world, u1);
        if way.starts_with("close") {
            world.advance(2 * SECOND - 1);
            world.heard(&all, &[]);
            world.advance(1);
        }
        left(&world, &all, &mut watcher, 1);
    }
}

#[test]
fn reason_2_is_a_join_of_who_is_in_already() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (u1, mut watcher) = publishing(&world);
    let session = world.heard(&all, &BEGUN)[2].session.clone();
    let again = ["c1 u1 Join 2 streamer 1,2"];
    // A resume after a lost socket, and one while the old socket still stands.
    u1.vanish();
    let mut u1 = world.on("u1");
    world.heard(&all, &[]);
    assert_eq!(world.enter(&mut u1, "u1", "c1", 1)["rejoined"], true);
    assert_eq!(world.heard(&all, &again)[0].session, session);
    let mut moved = world.on("u1");
    assert_eq!((u1.closed().0, moved.resumed()), (4501, true));
    world.enter(&mut moved, "u1", "c1", 1);
    assert_eq!(world.heard(&all, &again)[0].session, session);
    // The operator says once more what is so.
    let told = world.reported("c1", json!({"event": "join", "user": "u1", "role": 2}));
    assert_eq!(told, [json!({"event": "join", "user": "u1", "session_id": session, "role": 1, "medias": ["audio", "video"]})]);
    assert_eq!(world.heard(&all, &again)[0].session, session);
    assert!(watcher.heard().iter().all(|p| p.get("join").is_none() && p.get("leave").is_none()), "nobody came or went");
}

#[test]
fn whom_the_operator_reported_is_the_sockets_after_a_subscribe() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let reported =
        world.reported("c1", json!({"events": [{"event": "join", "user": "u1", "role": 1}, {"event": "publish", "user": "u1", "medias": ["screen"]}]}));
    let mut watcher = world.inside("w", "c1", 2);
    let mut u1 = world.on("u1");
    let told = world.enter(&mut u1, "u1", "c1", 2);
    let expected =
        json!({"channel_id": "c1", "user": "u1", "session_id": reported[0]["session_id"], "role": 1, "medias": ["screen"], "rejoined": true, "users": 2});
    assert_eq!(told, expected);
    world.heard(&all, &["c1 Open", "c1 u1 Join 1 streamer", "c1 u1 PublishScreen streamer 3", "c1 w Join 1 viewer", "c1 u1 Join 2 streamer 3"]);
    // The others know it by its session from now on.
    let (left, joined) = (watcher.push(), watcher.push());
    assert_eq!((&left["leave"]["info"]["client"], &joined["join"]["info"]["client"]), (&reported[0]["session_id"], &json!(u1.sid())));
    assert_eq!(joined["join"]["info"]["chan_info"], json!({"session_id": reported[0]["session_id"], "role": 1, "medias": ["screen"]}));
    // From now on it lives as its session does.
    world.advance(200 * SECOND);
    world.heard(&all, &[]);
    u1.ok("rpc", json!({"method": "session.logoff"}));
    world.heard(&all, &["c1 u1 UnpublishScreen streamer", "c1 u1 Leave 1 streamer"]);
}

#[test]
fn reason_3_is_a_relay() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let events = json!({"events": [
        {"event": "join", "user": "far", "role": 1, "relay": true},
        {"event": "publish", "user": "far", "medias": ["audio"]},
    ]});
    world.reported("c1", events);
    world.reported("c1", json!({"event": "leave", "user": "far", "relay": true}));
    let expected =
        ["c1 Open", "c1 far Join 3 streamer", "c1 far PublishAudio streamer 1", "c1 far UnpublishAudio streamer", "c1 far Leave 3 streamer", "c1 Close"];
    world.heard(&all, &expected);
}

#[test]
fn reason_4_is_a_time_out_of_who_is_lost_for_90_seconds() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (u1, mut watcher) = publishing(&world);
    world.heard(&all, &BEGUN);
    u1.vanish();
    world.advance(90 * SECOND - 1);
    world.heard(&all, &[]);
    world.advance(1);
    left(&world, &all, &mut watcher, 4);
}

#[test]
fn reason_4_is_a_time_out_of_who_answers_no_ping_for_90_seconds() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (mut u1, mut watcher) = publishing(&world);
    world.heard(&all, &BEGUN);
    u1.fall_silent();
    world.advance(90 * SECOND - 1);
    world.heard(&all, &[]);
    world.advance(1);
    assert_eq!(u1.closed(), (3012, "no pong".into()));
    left(&world, &all, &mut watcher, 4);
}

#[test]
fn reason_4_is_a_time_out_of_whom_nobody_reports_for_90_seconds() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (_w, token) = (world.inside("w", "c1", 2), json!(["audio"]));
    world.reported(
        "c1",
        json!({"events": [{"event": "join", "user": "a", "role": 1}, {"event": "join", "user": "b"}, {"event": "publish", "user": "a", "medias": token}]}),
    );
    world.heard(&all, &["c1 Open", "c1 w Join 1 viewer", "c1 a Join 1 streamer", "c1 b Join 1 viewer", "c1 a PublishAudio streamer 1"]);
    // A heartbeat keeps it, of one or of all, and so does any other event.
    world.advance(60 * SECOND);
    let beat = world.reported("c1", json!({"event": "heartbeat", "user": "a"}));
    assert_eq!((&beat[0]["user"], &beat[0]["role"], &beat[0]["medias"]), (&json!("a"), &json!(1), &json!(["audio"])));
    world.reported("c1", json!({"event": "role", "user": "b", "role": 2}));
    world.advance(89 * SECOND);
    assert_eq!(world.reported("c1", json!({"event": "heartbeat"})), [json!({"event": "heartbeat"})]);
    world.advance(89 * SECOND);
    world.reported("c1", json!({"event": "unpublish", "user": "b", "medias": ["video"]}));
    world.heard(&all, &[]);
    world.advance(SECOND);
    world.heard(&all, &["c1 a UnpublishAudio streamer", "c1 a Leave 4 streamer"]);
    world.advance(89 * SECOND - 1);
    world.heard(&all, &[]);
    world.advance(1);
    world.heard(&all, &["c1 b Leave 4 viewer"]);
    assert_eq!(world.users_of("c1"), Some((json!([]), json!(["w"]))), "a socket's user needs no report");
}

#[test]
fn reason_4_is_a_kept_channel_that_is_not_subscribed_anew() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (mut u1, mut watcher) = publishing(&world);
    world.enter(&mut u1, "u1", "c2", 2);
    world.news(&all);
    u1.vanish();
    world.advance(60 * SECOND);
    let mut u1 = world.on("u1");
    world.enter(&mut u1, "u1", "c2", 2);
    world.heard(&all, &["c2 u1 Join 2 viewer"]);
    world.advance(90 * SECOND - 1);
    world.heard(&all, &[]);
    world.advance(1);
    left(&world, &all, &mut watcher, 4);
    world.advance(200 * SECOND);
    world.heard(&all, &[]);
    assert_eq!(world.users_of("c2"), Some((json!([]), json!(["u1"]))));
}

#[test]
fn reason_5_is_another_login_of_the_same_user() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (mut u1, mut watcher) = publishing(&world);
    let session = world.heard(&all, &BEGUN)[2].session.clone();
    let mut other = world.on_device("u1", "other");
    assert_eq!((u1.closed().0, other.resumed(), &other.hello["data"]["channels"]), (4501, false, &json!([])));
    left(&world, &all, &mut watcher, 5);
    assert_eq!(other.rtc_fails("rtc.publish", "c1", json!(["audio"])), 425);
    world.enter(&mut other, "u1", "c1", 1);
    assert_ne!(world.heard(&all, &["c1 u1 Join 1 streamer"])[0].session, session);
    // The same when the earlier one is lost.
    other.vanish();
    let _third = world.on_device("u1", "third");
    world.heard(&all, &["c1 u1 Leave 5 streamer"]);
}

#[test]
fn reason_6_is_a_kick() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (mut u1, mut watcher) = publishing(&world);
    world.heard(&all, &BEGUN);
    world.reported("c1", json!({"event": "kick", "user": "u1"}));
    let pushes = u1.heard();
    let put_out = pushes.last().expect("it is told");
    assert_eq!((&put_out["channel"], &put_out["unsubscribe"]["code"]), (&json!("rtc:c1"), &json!(2102)));
    assert!(put_out["unsubscribe"]["reason"].as_str().is_some_and(|r| !r.is_empty()), "{put_out}");
    left(&world, &all, &mut watcher, 6);
    // It may come back.
    world.enter(&mut u1, "u1", "c1", 1);
    world.heard(&all, &["c1 u1 Join 1 streamer"]);
    // Who is kicked while lost has nothing kept.
    u1.vanish();
    world.reported("c1", json!({"event": "kick", "user": "u1"}));
    world.heard(&all, &["c1 u1 Leave 6 streamer"]);
    let back = world.on("u1");
    assert_eq!((back.resumed(), &back.hello["data"]["channels"]), (true, &json!([])));
}

#[test]
fn reason_6_is_a_session_that_the_operator_ends() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (mut u1, mut watcher) = publishing(&world);
    world.heard(&all, &BEGUN);
    assert_eq!(force_off(&world, "u1").status, 200);
    assert_eq!(u1.closed().0, 4502);
    left(&world, &all, &mut watcher, 6);
    // As a messaging event it is an ordinary logoff.
    world.told(&["w on", "u1 on", "u1 off 1"]);
}

#[test]
fn reason_7_is_a_deleted_channel() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (mut u1, mut watcher) = publishing(&world);
    world.reported("c1", json!({"event": "join", "user": "sfu"}));
    world.heard(&all, &[&BEGUN[..], &["c1 sfu Join 1 viewer"]].concat());
    let channel = [("AppId", &*world.app.id), ("ChannelId", "c1")];
    let answer = world.api().ok("DeleteChannel", &channel);
    assert!(answer.as_object().is_some_and(|fields| fields.keys().eq(["RequestId"])), "{answer}");
    let told: Vec<String> = world.news(&all).iter().map(|t| t.line()).collect();
    let of = |user: &str| told.iter().filter(|line| line.starts_with(user)).cloned().collect::<Vec<_>>();
    assert_eq!((of("c1 u1"), of("c1 w"), of("c1 sfu")), (gone(7).to_vec(), vec!["c1 w Leave 7 viewer".into()], vec!["c1 sfu Leave 7 viewer".into()]));
    assert_eq!((told.len(), told.last().map(String::as_str)), (6, Some("c1 Close")));
    for client in [&mut u1, &mut watcher] {
        let pushes = client.heard();
        let put_out = pushes.iter().filter(|p| p.get("unsubscribe").is_some()).map(|p| &p["unsubscribe"]["code"]);
        assert_eq!(put_out.collect::<Vec<_>>(), [&json!(2103)], "{pushes:?}");
    }
    assert_eq!(world.users_of("c1"), Some((json!([]), json!([]))));
    assert_eq!(world.api().fails("DeleteChannel", &channel), (404, "ResourceNotExist".into()));
    world.enter(&mut u1, "u1", "c1", 1);
    world.heard(&all, &["c1 Open", "c1 u1 Join 1 streamer"]);
}

#[test]
fn reason_7_is_a_disabled_application_and_its_callbacks_wait() {
    let world = World::new();
    let all = world.watch("all", &[]);
    let (mut u1, mut watcher) = publishing(&world);
    world.heard(&all, &BEGUN);
    disable(&world, "true");
    assert_eq!((u1.closed().0, watcher.closed().0), (4503, 4503));
    let refused = world.report("c1", json!({"event": "join", "user": "u1"}));
    assert_eq!((refused.status, &refused.body["error"]["code"]), (403, &json!("NoAuth")));
    world.advance(1_000 * SECOND);
    world.heard(&all, &[]);
    disable(&world, "false");
    let told: Vec<String> = world.heard_any(&all, 5).iter().map(|t| t.line()).collect();
    let of = |user: &str| told.iter().filter(|line| line.starts_with(user)).cloned().collect::<Vec<_>>();
    assert_eq!((of("c1 u1"), of("c1 w")), (gone(7).to_vec(), vec!["c1 w Leave 7 viewer".into()]));
    assert_eq!((told.len(), &*told[4]), (5, "c1 Close"));
}

#[test]
fn reason_7_is_told_of_whom_the_operator_reported_as_well() {
    let world = World::new();
    let all = world.watch("all", &[]);
    world.reported("c1", json!({"events": [{"event": "join", "user": "sfu", "role": 1}, {"event": "publish", "user": "sfu", "medias": ["video"]}]}));
    world.heard(&all, &["c1 Open", "c1 sfu Join 1 streamer", "c1 sfu PublishVideo streamer 2"]);
    disable(&world, "true");
    disable(&world, "false");
    assert_eq!(world.users_of("c1"), Some((json!([]), json!([]))));
    world.heard(&all, &["c1 sfu UnpublishVideo streamer", "c1 sfu Leave 7 streamer", "c1 Close"]);
}

#[test]
fn a_restart_gives_everybody_90_seconds_more() {
    for crash in [false, true] {
        let mut world = World::new();
        let all = world.watch("all", &[]);
        let (u1, watcher) = publishing(&world);
        world.reported("c1", json!({"event": "join", "user": "sfu"}));
        let session = world.heard(&all, &[&BEGUN[..], &["c1 sfu Join 1 viewer"]].concat())[2].session.clone();
        world.advance(80 * SECOND);
        if crash {
            world.server.crash();
        } else {
            world.server.restart();
        }
        drop((u1, watcher));
        world.advance(89 * SECOND);
        assert_eq!(world.users_of("c1"), Some((json!(["u1"]), json!(["w", "sfu"]))));
        world.heard(&all, &[]);
        let mut u1 = world.on("u1");
        assert_eq!(u1.hello["data"]["channels"], json!(["c1"]));
        world.enter(&mut u1, "u1", "c1", 1);
        assert_eq!(world.heard(&all, &["c1 u1 Join 2 streamer 1,2"])[0].session, session);
        world.advance(SECOND);
        let mut told: Vec<String> = world.heard_any(&all, 2).iter().map(|t| t.line()).collect();
        told.sort();
        assert_eq!(told, ["c1 sfu Leave 4 viewer", "c1 w Leave 4 viewer"]);
        world.advance(200 * SECOND);
        world.heard(&all, &[]);
    }
}

#[test]
fn who_is_in_a_channel_and_a_group_leaves_both_and_each_is_told_of_its_own() {
    let world = World::of(&["g1"]);
    let all = world.watch("all", &[]);
    let mut u1 = world.member("u1", "g1");
    world.enter(&mut u1, "u1", "c1", 1);
    u1.vanish();
    let mut u1 = world.on("u1");
    assert_eq!((&u1.hello["data"]["groups"], &u1.hello["data"]["channels"]), (&json!(["g1"]), &json!(["c1"])));
    u1.join("g1");
    world.enter(&mut u1, "u1", "c1", 1);
    u1.vanish();
    world.advance(90 * SECOND);
    world.told(&["u1 on", "u1 join g1", "u1 back g1", "u1 leave g1", "u1 off 3"]);
    world.heard(&all, &["c1 Open", "c1 u1 Join 1 streamer", "c1 u1 Join 2 streamer", "c1 u1 Leave 4 streamer", "c1 Close"]);
}
