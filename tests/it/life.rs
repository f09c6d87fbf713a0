//! A session's life (`session.md` §2): lost and resumed, taken over, timed out, ended; and that each
//! has exactly one logon and one logoff, also across a restart.

use crate::harness::World;
use serde_json::json;

const SECOND: u64 = 1_000;

#[test]
fn a_normal_close_is_held_for_2_seconds_and_then_logged_off_with_reason_1() {
    let world = World::of(&["g1"]);
    for code in [1000, 1005] {
        let u1 = world.member("u1", "g1");
        match code {
            1000 => u1.close(1000),
            _ => u1.close_without_code(),
        }
        world.told(&["u1 on", "u1 join g1"]);
        world.advance(2 * SECOND - 1);
        world.told(&[]);
        world.advance(1);
        world.told(&["u1 off 1"]);
    }
}

#[test]
fn who_is_back_within_the_hold_resumes() {
    let world = World::of(&["g1"]);
    let u1 = world.member("u1", "g1");
    let sid = u1.sid().to_owned();
    u1.close(1000);
    world.advance(SECOND);
    let mut u1 = world.on("u1");
    assert_eq!((u1.sid(), u1.resumed()), (&*sid, true));
    u1.join("g1");
    world.advance(200 * SECOND);
    world.told(&["u1 on", "u1 join g1", "u1 back g1"]);
}

#[test]
fn a_lost_session_resumes_with_its_groups_and_nobody_sees_it_join_again() {
    let world = World::of(&["g1", "g2"]);
    let mut watcher = world.member("w", "g1");
    let mut u1 = world.member("u1", "g1");
    u1.join("g2");
    let sid = u1.sid().to_owned();
    u1.vanish();
    world.advance(89 * SECOND);
    let mut u1 = world.on("u1");
    assert_eq!(u1.sid(), sid);
    assert_eq!(u1.hello["data"]["groups"], json!(["g1", "g2"]));
    assert!(u1.resumed());
    u1.join("g1");
    u1.join("g2");
    let seen: Vec<_> = watcher.heard();
    assert_eq!(seen.len(), 1, "only the first join: {seen:?}");
    assert_eq!(seen[0]["join"]["info"]["user"], "u1");
    world.told(&["w on", "w join g1", "u1 on", "u1 join g1", "u1 join g2", "u1 back g1 g2"]);
}

#[test]
fn a_reset_socket_is_a_lost_session() {
    let world = World::of(&["g1"]);
    let u1 = world.member("u1", "g1");
    let sid = u1.sid().to_owned();
    u1.reset();
    let u1 = world.on("u1");
    assert_eq!((u1.sid(), u1.resumed()), (&*sid, true));
    world.told(&["u1 on", "u1 join g1", "u1 back g1"]);
}

#[test]
fn when_grace_is_over_groups_are_left_in_the_order_joined_then_the_session_ends() {
    let world = World::of(&["b", "a", "c"]);
    let mut watcher = world.member("w", "a");
    let mut u1 = world.member("u1", "b");
    u1.join("a");
    u1.join("c");
    u1.vanish();
    world.advance(90 * SECOND - 1);
    world.told(&["w on", "w join a", "u1 on", "u1 join b", "u1 join a", "u1 join c"]);
    world.advance(1);
    world.told(&["u1 leave b", "u1 leave a", "u1 leave c", "u1 off 3"]);
    let seen = watcher.heard();
    assert_eq!((&seen[0]["join"]["info"]["user"], &seen[1]["leave"]["info"]["user"]), (&json!("u1"), &json!("u1")), "{seen:?}");
    // Whoever comes now is new.
    assert!(!world.on("u1").resumed());
    world.told(&["u1 on"]);
}

#[test]
fn who_answers_no_ping_for_90_seconds_is_closed_with_3012_and_its_session_ends_at_once() {
    let world = World::of(&["g1", "g2"]);
    let mut u1 = world.member("u1", "g1");
    u1.join("g2");
    let mut other = world.member("u2", "g1");
    u1.fall_silent();
    world.advance(90 * SECOND - 1);
    world.told(&["u1 on", "u1 join g1", "u1 join g2", "u2 on", "u2 join g1"]);
    world.advance(1);
    assert_eq!(u1.closed(), (3012, "no pong".into()));
    world.told(&["u1 leave g1", "u1 leave g2", "u1 off 3"]);
    world.advance(200 * SECOND);
    world.told(&[]);
    other.tell("g1", "who answers is not touched");
}

#[test]
fn another_device_takes_over() {
    let world = World::of(&["g1"]);
    let mut phone = world.on_device("u1", "phone");
    phone.join("g1");
    let laptop = world.on_device("u1", "laptop");
    assert_eq!(phone.closed(), (4501, "logged on elsewhere".into()));
    assert!(!laptop.resumed());
    assert_ne!(laptop.sid(), phone.sid());
    assert_eq!(laptop.hello["data"]["groups"], json!([]), "leaving the session leaves its groups");
    world.told(&["u1 on", "u1 join g1", "u1 off 4", "u1 on"]);
    // The displaced socket's end is nobody's end.
    world.advance(100 * SECOND);
    world.told(&[]);
}

#[test]
fn the_same_device_resumes_a_session_that_still_has_a_socket() {
    let world = World::of(&["g1"]);
    let mut old = world.on_device("u1", "phone");
    old.join("g1");
    let mut new = world.on_device("u1", "phone");
    assert_eq!(old.closed(), (4501, "logged on elsewhere".into()));
    assert_eq!((new.sid(), new.resumed()), (old.sid(), true));
    new.join("g1");
    new.tell("g1", "x");
    assert_eq!(new.bodies(), ["x"]);
    world.advance(100 * SECOND);
    world.told(&["u1 on", "u1 join g1", "u1 back g1"]);
}

#[test]
fn without_a_device_an_attached_session_is_taken_over_but_a_lost_one_resumes() {
    let world = World::new();
    let mut old = world.on_device("u1", "");
    let new = world.on_device("u1", "");
    assert_eq!(old.closed().0, 4501);
    assert!(!new.resumed());
    world.told(&["u1 on", "u1 off 4", "u1 on"]);
    new.vanish();
    assert!(world.on_device("u1", "").resumed());
    world.told(&["u1 back"]);
}

#[test]
fn another_device_displaces_a_lost_session() {
    let world = World::of(&["g1"]);
    let u1 = world.member("u1", "g1");
    u1.vanish();
    assert!(!world.on_device("u1", "other").resumed());
    world.told(&["u1 on", "u1 join g1", "u1 off 4", "u1 on"]);
}

#[test]
fn a_kept_group_that_is_not_subscribed_anew_within_90_seconds_is_left() {
    let world = World::of(&["g1", "g2"]);
    let mut u1 = world.member("u1", "g1");
    u1.join("g2");
    u1.vanish();
    let mut u1 = world.on("u1");
    u1.join("g2");
    world.advance(90 * SECOND - 1);
    world.told(&["u1 on", "u1 join g1", "u1 join g2", "u1 back g1 g2"]);
    world.advance(1);
    world.told(&["u1 leave g1"]);
    u1.tell("g2", "still in");
    world.advance(200 * SECOND);
    world.told(&[]);
}

#[test]
fn what_is_lost_twice_keeps_its_first_groups() {
    let world = World::of(&["g1"]);
    let u1 = world.member("u1", "g1");
    u1.vanish();
    let u1 = world.on("u1");
    u1.vanish();
    world.advance(60 * SECOND);
    let mut u1 = world.on("u1");
    assert_eq!(u1.hello["data"]["groups"], json!(["g1"]));
    u1.join("g1");
    world.advance(100 * SECOND);
    world.told(&["u1 on", "u1 join g1", "u1 back g1", "u1 back g1"]);
}

#[test]
fn after_a_restart_who_returns_resumes_and_who_does_not_is_logged_off() {
    let mut world = World::of(&["g1", "g2"]);
    let mut back = world.member("back", "g1");
    let mut gone = world.member("gone", "g1");
    gone.join("g2");
    back.tell("g1", "before");
    let (sid, epoch) = (back.sid().to_owned(), back.heard().len());
    assert_eq!(epoch, 2, "a join and a message");
    let mut joined = back.ok("presence_stats", json!({"channel": "group:g1"}));
    assert_eq!(joined["num_clients"].take(), 2);
    world.server.restart();
    assert_eq!(back.closed(), (3001, "shutdown".into()));
    assert_eq!(gone.closed().0, 3001);
    world.advance(80 * SECOND);
    let mut back = world.on("back");
    assert_eq!((back.sid(), back.resumed()), (&*sid, true));
    let again = back.join("g1");
    assert_eq!((&again["offset"], &again["data"]["online"], &again["data"]["total"]), (&json!(1), &json!(2), &json!(2)));
    world.told(&["back on", "back join g1", "gone on", "gone join g1", "gone join g2", "back back g1"]);
    world.advance(10 * SECOND);
    world.told(&["gone leave g1", "gone leave g2", "gone off 3"]);
    back.tell("g1", "after");
    assert_eq!(world.api().messages(&world.app, "g1"), [(1, "before".into()), (2, "after".into())]);
}

#[test]
fn a_disabled_application_sends_everybody_off_and_lets_nobody_in() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    world.on("lost").vanish();
    world.told(&["u1 on", "u1 join g1", "lost on"]);
    let disable = |value| world.api().ok("ModifyLiveMessageAppDisable", &[("AppId", &world.app.id), ("Disable", value)]);
    disable("true");
    assert_eq!(u1.closed(), (4503, "application disabled".into()));
    let mut client = world.open();
    client.say("connect", json!({"token": world.login("u1")}));
    assert_eq!(client.closed(), (4503, "application disabled".into()));
    let create = [("AppId", &*world.app.id), ("GroupId", "g2")];
    assert_eq!(world.api().fails("CreateLiveMessageGroup", &create), (403, "NoAuth".into()));
    // Its callbacks wait until it is enabled again.
    world.advance(SECOND);
    world.told(&[]);
    disable("false");
    world.told(&["u1 off 1", "lost off 1"]);
    assert!(!world.on("u1").resumed());
}

#[test]
fn leaves_are_told_at_every_logoff_when_the_setting_says_so() {
    let world = World::with(|settings| settings.rules.lifetimes.leave_on_logoff = true);
    world.groups(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    u1.ok("rpc", json!({"method": "session.logoff"}));
    world.told(&["u1 on", "u1 join g1", "u1 leave g1", "u1 off 1"]);
}

#[test]
fn a_jump_of_the_clock_ends_no_session() {
    let world = World::of(&["g1"]);
    let mut u1 = world.member("u1", "g1");
    for _ in 0..20 {
        world.advance(60 * SECOND);
    }
    u1.tell("g1", "still here after 20 minutes of pings");
    world.told(&["u1 on", "u1 join g1"]);
}
