//! How often a webhook of live rooms is tried, when, where and with which signature (`tencent.md` §6.1).

use crate::{
    harness::{Client, React, WORDS, World, eventually, hook_line, operator},
    live_webhooks::{count, param},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

const SECOND: u64 = 1_000;

/// Repeats of failed webhooks that the application wants.
fn repeats(world: &World, n: u8) {
    let (at, data) = (world.server.running().control, world.server.folder.path());
    let answer = operator(at, data, "PATCH", &format!("apps/{}", world.app.id), &json!({"after_retry": n}).to_string());
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
fn what_fails_is_not_sent_again_and_the_next_is() {
    let world = World::live();
    let api = world.tencent();
    world.receiver.always(React::Status(500));
    api.room("r1");
    let _u1 = world.member("u1", "r1");
    world.server.settle();
    world.receiver.always(React::Status(200));
    world.advance(1_000 * SECOND);
    assert_eq!(world.receiver.all().len(), 2, "one try each");
    assert_eq!((count(&world, "attempt"), count(&world, "delivery WHERE state = 2"), count(&world, "outbox")), (2, 2, 0));
    let _u2 = world.member("u2", "r1");
    world.hooked(&["r1 Online Enter u2"]);
}

#[test]
fn only_200_is_success_whatever_the_body_says_and_a_redirect_is_not_followed() {
    let world = World::live();
    let api = world.tencent();
    for (n, react) in [React::Status(204), React::Redirect, React::Reset, React::Status(404), React::Status(200)].into_iter().enumerate() {
        world.receiver.always(react);
        api.room(&format!("r{n}"));
        world.server.settle();
    }
    assert_eq!((count(&world, "delivery WHERE state = 2"), count(&world, "delivery WHERE state = 1"), count(&world, "attempt")), (4, 1, 5));
    let all = world.receiver.all();
    assert!(all.len() == 5 && all.iter().all(|c| c.path.starts_with("/live?")), "{all:?}");
}

#[test]
fn an_application_that_wants_repeats_has_them_after_1_5_and_30_seconds() {
    for (wanted, times) in [(1, &[0, 1][..]), (3, &[0, 1, 6, 36])] {
        let world = World::live();
        repeats(&world, wanted);
        world.receiver.always(React::Status(503));
        let began = world.server.clock.now().0;
        world.tencent().room("r1");
        let _u1 = world.member("u1", "r1");
        world.advance(200 * SECOND);
        let tries = world.receiver.tries("r1 Create");
        assert_eq!(tries.iter().map(|c| (c.at - began) / 1000).collect::<Vec<_>>(), times);
        assert!(tries.iter().all(|c| c.delivery == tries[0].delivery && c.body == tries[0].body && c.path == tries[0].path), "the same, byte for byte");
        // The room's next event waits for that.
        let all = world.receiver.all();
        assert!(all[..times.len()].iter().all(|c| hook_line(c).contains("Create")), "{all:?}");
        assert_eq!((all.len(), count(&world, "delivery WHERE state = 2")), (2 * times.len(), 2));
    }
}

#[test]
fn a_repeat_that_succeeds_is_the_last() {
    let world = World::live();
    repeats(&world, 3);
    let mut n = 0;
    world.receiver.react(move |_| {
        n += 1;
        React::Status(if n < 3 { 500 } else { 200 })
    });
    world.tencent().room("r1");
    world.advance(100 * SECOND);
    world.hooked(&["r1 Create administrator"]);
    assert_eq!((world.receiver.all().len(), count(&world, "attempt"), count(&world, "delivery WHERE state = 1")), (3, 3, 1));
}

#[test]
fn each_try_is_signed_anew_as_long_as_the_token_is_enabled() {
    let world = World::live();
    let api = world.tencent();
    repeats(&world, 3);
    let token = |body: Value| api.ok("live_config/set_callback_token", body);
    token(json!({"Token": "xxxxyyyy", "IsTokenEnable": true}));
    world.receiver.token("/live", Some("xxxxyyyy"));
    world.receiver.always(React::Status(500));
    api.room("r1");
    world.advance(100 * SECOND);
    let tries = world.receiver.tries("r1 Create");
    let signs: BTreeSet<_> = tries.iter().map(|c| (param(&c.path, "Sign"), param(&c.path, "RequestTime"))).collect();
    assert_eq!((tries.len(), signs.len()), (4, 4), "{tries:?}");
    assert!(tries.iter().all(|c| c.body == tries[0].body));
    // A part alone may be changed; it counts from the next try on.
    world.receiver.always(React::Status(200));
    token(json!({"Token": "another"}));
    assert_eq!(api.ok("live_config/get_callback_token", json!({})), json!({"Token": "another", "IsTokenEnable": true}));
    world.receiver.token("/live", Some("another"));
    api.room("r2");
    world.hooked(&["r2 Create administrator"]);
    token(json!({"IsTokenEnable": false}));
    world.receiver.token("/live", None);
    api.room("r3");
    world.hooked(&["r3 Create administrator"]);
    assert_eq!(api.ok("live_config/get_callback_token", json!({})), json!({"Token": "another", "IsTokenEnable": false}));
    // It outlives the configuration that it signs for.
    api.ok("live_config/delete_callback", json!({}));
    token(json!({"IsTokenEnable": true}));
    api.hook(&world.receiver.live_url(), &WORDS);
    world.receiver.token("/live", Some("another"));
    api.room("r4");
    world.hooked(&["r4 Create administrator"]);
}

#[test]
fn who_does_not_answer_is_given_up_after_two_seconds() {
    let world = World::live();
    world.receiver.always(React::Hang);
    let began = Instant::now();
    world.tencent().room("r1");
    world.server.settle();
    assert!(began.elapsed() >= Duration::from_millis(1_900), "{:?}", began.elapsed());
    eventually("it is dead", || count(&world, "delivery WHERE state = 2") == 1);
    // The other cloud's callbacks have five.
    assert!(began.elapsed() < Duration::from_millis(4_500), "{:?}", began.elapsed());
}

/// A room and u1 in it; the first webhook failed and is to come again, the other waits.
fn waiting() -> (World, Client) {
    let world = World::live();
    repeats(&world, 3);
    world.receiver.always(React::Status(500));
    world.tencent().room("r1");
    let u1 = world.member("u1", "r1");
    world.receiver.wait(1);
    world.server.settle();
    (world, u1)
}

#[test]
fn a_changed_url_takes_waiting_webhooks_along() {
    let (world, _u1) = waiting();
    let api = world.tencent();
    world.receiver.always(React::Status(200));
    let elsewhere = world.receiver.path_url("/elsewhere");
    api.ok("live_config/update_callback", json!({"Url": elsewhere, "CallbackCommandList": WORDS}));
    assert_eq!(api.ok("live_config/get_callback", json!({})), json!({"Url": elsewhere, "CallbackCommandList": WORDS}));
    world.advance(2 * SECOND);
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1"]);
    let all = world.receiver.all();
    let paths: Vec<&str> = all.iter().map(|c| c.path.split('?').next().unwrap()).collect();
    assert_eq!(paths, ["/live", "/elsewhere", "/elsewhere"]);
    assert_eq!((&all[0].delivery, &all[0].body), (&all[1].delivery, &all[1].body), "the same delivery");
}

#[test]
fn a_deleted_configuration_puts_what_waits_aside() {
    let (world, _u1) = waiting();
    let api = world.tencent();
    api.ok("live_config/delete_callback", json!({}));
    world.receiver.always(React::Status(200));
    world.advance(1_000 * SECOND);
    api.hook(&world.receiver.live_url(), &WORDS);
    world.advance(1_000 * SECOND);
    assert_eq!(world.receiver.all().len(), 1, "it is not told later either");
    assert_eq!((count(&world, "delivery WHERE state = 2 AND reason = 'endpoint removed'"), count(&world, "outbox")), (2, 0));
    let _u2 = world.member("u2", "r1");
    world.hooked(&["r1 Online Enter u2"]);
}

#[test]
fn rooms_whose_webhooks_fail_hold_up_no_other_room() {
    let world = World::live();
    let api = world.tencent();
    repeats(&world, 3);
    world.receiver.react(|c| React::Status(if hook_line(c).starts_with("bad ") { 500 } else { 200 }));
    api.room("bad");
    for n in 0..5 {
        let room = format!("r{n}");
        api.room(&room);
        let _u1 = world.member("u1", &room);
        let ours = [format!("{room} Create administrator"), format!("{room} Online Enter u1")];
        world.receiver.until_hooks(&room, |lines| lines.iter().filter(|line| line.starts_with(&format!("{room} "))).eq(&ours));
    }
    assert_eq!(world.receiver.tries("bad").len(), 1);
}

#[test]
fn who_does_not_answer_holds_up_no_other_room() {
    let world = World::live();
    let api = world.tencent();
    world.receiver.react(|c| if hook_line(c).starts_with("slow ") { React::Hang } else { React::Status(200) });
    api.room("slow");
    world.receiver.wait(1);
    let began = Instant::now();
    for n in 0..20 {
        api.room(&format!("r{n}"));
    }
    world.receiver.until_hooks("the others", |lines| lines.len() == 20);
    assert!(began.elapsed() < Duration::from_millis(1_900), "{:?}", began.elapsed());
}

#[test]
fn what_waits_for_its_repeat_goes_on_after_a_crash_with_what_was_begun() {
    let mut world = World::live();
    let api = world.tencent();
    repeats(&world, 3);
    api.ok("live_config/set_callback_token", json!({"Token": "t", "IsTokenEnable": true}));
    world.receiver.token("/live", Some("t"));
    world.receiver.always(React::Status(500));
    api.room("r1");
    let _u1 = world.member("u1", "r1");
    world.advance(2 * SECOND);
    assert_eq!(world.receiver.tries("r1 Create").len(), 2);
    world.server.crash();
    world.receiver.always(React::Status(200));
    world.advance(6 * SECOND);
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1"]);
    let tries = world.receiver.tries("r1 Create");
    let unsigned = |path: &str| path.split("&Sign=").next().unwrap().to_owned();
    assert!(tries.iter().all(|c| (unsigned(&c.path), &c.body) == (unsigned(&tries[0].path), &tries[0].body)), "{tries:?}");
    assert_eq!(tries.len(), 3);
    let signs: BTreeSet<_> = tries.iter().map(|c| param(&c.path, "Sign")).collect();
    assert_eq!(signs.len(), 3);
}
