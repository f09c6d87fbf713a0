//! What the business's server is told, how often and in which order (`design.md` §4, `alibaba.md` §4).

use crate::harness::{Callback, React, World};
use serde_json::json;
use std::collections::HashSet;

const SECOND: u64 = 1_000;

/// Tries whose body speaks of `user`.
fn tries<'a>(all: &'a [Callback], user: &str) -> Vec<&'a Callback> {
    let head = format!("{user} ");
    all.iter().filter(|c| c.events().iter().any(|e| e.starts_with(&head))).collect()
}

/// Answers 500 to callbacks of `user` as long as `n` lasts, and 200 to all others.
fn fail_for(world: &World, user: &'static str, mut n: usize) {
    world.receiver.react(move |callback| {
        let theirs = callback.events().iter().any(|e| e.starts_with(user));
        if theirs && n > 0 {
            n -= 1;
            React::Status(500)
        } else {
            React::Status(200)
        }
    });
}

#[test]
fn a_batch_has_the_documented_form() {
    let world = World::of(&["g1"]);
    let u1 = world.member("u1", "g1");
    world.told(&["u1 on", "u1 join g1"]);
    let first = world.receiver.all()[0].json();
    let expected = json!({"appid": world.app.id, "eves": [{"uid": "u1", "sid": u1.sid(), "events": [{"e": 1}]}]});
    assert_eq!(first, expected);
}

#[test]
fn five_500s_and_then_200_are_the_same_body_at_0_1_3_8_18_and_78_seconds() {
    let world = World::of(&["g1"]);
    fail_for(&world, "bad", 5);
    let began = world.server.clock.now().0;
    let _bad = world.on("bad");
    world.server.settle();
    for n in 0..10 {
        // Others come and go meanwhile and are told of at once.
        let user = format!("u{n}");
        let client = world.member(&user, "g1");
        client.close(1000);
        world.advance(9 * SECOND);
        let all = world.receiver.all();
        let theirs = tries(&all, &user);
        let late = theirs.iter().find(|c| c.at > began + (n * 9 + 2) * SECOND as i64);
        assert!(theirs.len() == 3 && late.is_none(), "{user} waits for nobody: {theirs:?}");
    }
    let all = world.receiver.all();
    let tries = tries(&all, "bad");
    let times: Vec<i64> = tries.iter().map(|c| (c.at - began) / 1000).collect();
    assert_eq!(times, [0, 1, 3, 8, 18, 78]);
    assert!(tries.iter().all(|c| c.delivery == tries[0].delivery && c.body == tries[0].body), "the same delivery, byte for byte");
    let signatures: HashSet<&str> = tries.iter().map(|c| &*c.signature).collect();
    assert_eq!(signatures.len(), 6, "each try is signed anew");
}

#[test]
fn always_503_is_8_tries_and_then_dead_and_the_next_event_goes_on() {
    let world = World::of(&["g1"]);
    world.receiver.always(React::Status(503));
    let began = world.server.clock.now().0;
    let _u1 = world.member("u1", "g1");
    world.advance(500 * SECOND);
    let all = world.receiver.all();
    let on: Vec<_> = all.iter().filter(|c| c.events() == ["u1 on"]).collect();
    let times: Vec<i64> = on.iter().map(|c| (c.at - began) / 1000).collect();
    assert_eq!(times, [0, 1, 3, 8, 18, 78, 198, 498]);
    // The user's next event waited for that, and is sent now.
    assert_eq!(all.iter().position(|c| c.events() == ["u1 join g1"]), Some(8));
    world.receiver.always(React::Status(200));
    world.advance(1_000 * SECOND);
    let all = world.receiver.all();
    assert_eq!(all.iter().filter(|c| c.events() == ["u1 on"]).count(), 8, "dead is dead");
    world.told(&["u1 join g1"]);
    let (state, reason, attempts): (i64, String, i64) = world
        .sql()
        .query_row("SELECT state, reason, (SELECT count(*) FROM attempt a WHERE a.delivery = d.id) FROM delivery d WHERE state = 2", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .expect("it is kept");
    assert_eq!((state, attempts), (2, 8), "{reason}");
}

#[test]
fn only_200_is_success_and_a_redirect_is_not_followed() {
    let world = World::new();
    let mut script = vec![React::Status(204), React::Redirect, React::Reset, React::Status(404)].into_iter();
    world.receiver.react(move |_| script.next().unwrap_or(React::Status(200)));
    let _u1 = world.on("u1");
    world.advance(20 * SECOND);
    let all = world.receiver.all();
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|c| c.path == "/callback" && c.delivery == all[0].delivery), "{all:?}");
    world.told(&["u1 on"]);
}

#[test]
fn a_users_events_come_in_order_however_often_tries_fail() {
    let world = World::of(&["g1"]);
    let mut n = 0;
    // Every other try fails, whoever it is about.
    world.receiver.react(move |_| {
        n += 1;
        React::Status(if n % 2 == 0 { 200 } else { 500 })
    });
    let mut clients: Vec<_> = (0..6).map(|n| world.on(&format!("u{n}"))).collect();
    let mut expected: Vec<String> = (0..6).map(|n| format!("u{n} on")).collect();
    for _ in 0..5 {
        for (n, client) in clients.iter_mut().enumerate() {
            client.join("g1");
            client.leave("g1");
            expected.extend([format!("u{n} join g1"), format!("u{n} leave g1")]);
        }
        world.advance(1_300);
    }
    world.advance(3_000 * SECOND);
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    world.told(&expected);
}

#[test]
fn waiting_events_go_together_and_at_most_4_posts_at_once() {
    let world = World::new();
    world.receiver.always(React::Status(500));
    let clients: Vec<_> = (0..40).map(|n| world.on(&format!("u{n}"))).collect();
    world.server.settle();
    world.receiver.always(React::Status(200));
    world.advance(600 * SECOND);
    let expected: Vec<String> = (0..40).map(|n| format!("u{n} on")).collect();
    world.told(&expected.iter().map(String::as_str).collect::<Vec<_>>());
    drop(clients);
}

#[test]
fn more_than_100_waiting_events_are_more_than_one_post() {
    let world = World::of(&["g1"]);
    // Nothing is sent while the application is disabled; closing everybody makes 150 events.
    let clients: Vec<_> = (0..150).map(|n| world.on(&format!("u{n}"))).collect();
    world.receiver.await_more(150);
    world.receiver.news();
    let before = world.receiver.all().len();
    let disable = |value| world.api().ok("ModifyLiveMessageAppDisable", &[("AppId", &world.app.id), ("Disable", value)]);
    disable("true");
    disable("false");
    let expected: Vec<String> = (0..150).map(|n| format!("u{n} off 1")).collect();
    world.told(&expected.iter().map(String::as_str).collect::<Vec<_>>());
    let sizes: Vec<usize> = world.receiver.all()[before..].iter().map(|c| c.events().len()).collect();
    assert!(sizes.len() >= 2 && sizes.iter().all(|n| *n <= 100), "{sizes:?}");
    drop(clients);
}

#[test]
fn a_changed_url_takes_waiting_deliveries_along() {
    let world = World::new();
    let elsewhere = crate::harness::Receiver::start();
    elsewhere.knows(&world.app);
    world.receiver.always(React::Status(500));
    let _u1 = world.on("u1");
    let first = world.receiver.wait(1)[0].clone();
    let modify = [("AppId", &*world.app.id), ("EventCallbackUrl", &elsewhere.url())];
    let answer = world.api().ok("ModifyLiveMessageAppCallback", &modify);
    assert_eq!((&answer["EventCallbackUrl"], &answer["EventCallbackNeedAuthentication"]), (&json!(elsewhere.url()), &json!(true)));
    world.advance(10 * SECOND);
    let moved = &elsewhere.wait(1)[0];
    assert_eq!((&moved.delivery, &moved.body), (&first.delivery, &first.body));
    assert_eq!(world.receiver.all().len(), 1, "the old URL is not tried again");
}

#[test]
fn without_a_url_no_events_are_kept() {
    let world = World::of(&["g1"]);
    let mut u1 = world.on("u1");
    world.told(&["u1 on"]);
    world.api().ok("ModifyLiveMessageAppCallback", &[("AppId", &world.app.id), ("EventCallbackUrl", "")]);
    u1.join("g1");
    world.server.settle();
    let rows = |table: &str| -> i64 { world.sql().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap() };
    assert_eq!((rows("outbox"), rows("delivery WHERE state = 0")), (0, 0));
    // What happens after it is set again is told again.
    world.api().ok("ModifyLiveMessageAppCallback", &[("AppId", &world.app.id), ("EventCallbackUrl", &world.receiver.url())]);
    u1.leave("g1");
    world.told(&["u1 leave g1"]);
}

#[test]
fn emptying_the_url_makes_waiting_deliveries_dead() {
    let world = World::of(&["g1"]);
    world.receiver.always(React::Status(500));
    let _u1 = world.member("u1", "g1");
    world.receiver.wait(1);
    world.server.settle();
    world.api().ok("ModifyLiveMessageAppCallback", &[("AppId", &world.app.id), ("EventCallbackUrl", "")]);
    world.advance(1_000 * SECOND);
    assert_eq!(world.receiver.all().len(), 1);
    let dead: i64 = world.sql().query_row("SELECT count(*) FROM delivery WHERE state = 2 AND reason = 'endpoint removed'", [], |row| row.get(0)).unwrap();
    let waiting: i64 = world.sql().query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!((dead, waiting), (2, 0), "the frozen logon and the waiting join");
}

#[test]
fn the_ladder_goes_on_with_the_same_rung_after_a_restart() {
    let mut world = World::new();
    world.receiver.always(React::Status(500));
    let _u1 = world.on("u1");
    world.advance(3 * SECOND);
    let first = world.receiver.all();
    assert_eq!(first.len(), 3);
    world.server.restart();
    world.advance(5 * SECOND - 1);
    assert_eq!(world.receiver.all().len(), 3, "the wait of the present rung begins anew");
    world.receiver.always(React::Status(200));
    world.advance(1);
    let all = world.receiver.all();
    assert_eq!((all.len(), &all[3].delivery, &all[3].body), (4, &first[0].delivery, &first[0].body));
}

#[test]
fn a_receiver_that_hangs_for_one_user_holds_up_no_other() {
    let world = World::of(&["g1"]);
    world.receiver.react(|c| if c.events().iter().any(|e| e.starts_with("bad")) { React::Hang } else { React::Status(200) });
    let _bad = world.on("bad");
    world.receiver.wait(1);
    let began = std::time::Instant::now();
    for n in 0..10 {
        let user = format!("u{n}");
        let _client = world.member(&user, "g1");
        world.receiver.await_more(2);
        world.receiver.news();
    }
    assert!(began.elapsed().as_secs() < 4, "it took {:?}", began.elapsed());
    // After 5 s it is given up and tried again.
    world.receiver.always(React::Status(200));
    world.advance(2 * SECOND);
    world.told(&["bad on"]);
}
