//! Who is in a live room, as its webhooks tell (`tencent.md` §3.2): a lost connection and its return, restarts, and kill -9 of
//! the shipped binary. Each member enters, is lost and returns, and leaves, in this order, and each once.

use crate::{
    crash::{QUICK, sql, waiting},
    harness::{App, Client, Folder, Process, Receiver, Tencent, WORDS, World, eventually, operator, wall},
    live_webhooks::STATE,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const SECOND: u64 = 1_000;

/// A room, and u1 in it, of which was told.
fn entered() -> (World, Client) {
    let world = World::live();
    world.tencent().room("r1");
    let u1 = world.member("u1", "r1");
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1"]);
    (world, u1)
}

#[test]
fn a_lost_connection_is_told_after_20_seconds_and_its_return_at_once() {
    let (world, u1) = entered();
    u1.vanish();
    world.advance(19 * SECOND);
    world.hooked(&[]);
    // Who is back by then was never away.
    let mut u1 = world.on("u1");
    assert!(u1.resumed());
    u1.join("r1");
    world.advance(5 * SECOND);
    world.hooked(&[]);
    u1.vanish();
    world.advance(20 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u1"]);
    let mut u1 = world.on("u1");
    assert!(u1.resumed());
    world.hooked(&["r1 Online HeartbeatRecover u1"]);
    u1.join("r1");
    u1.leave("r1");
    world.hooked(&["r1 Offline Leave u1"]);
    u1.join("r1");
    u1.vanish();
    world.advance(200 * SECOND);
    // Who does not return is told of no more, and comes anew.
    world.hooked(&["r1 Online Enter u1", "r1 Offline HeartbeatInterrupt u1"]);
    let mut u1 = world.on("u1");
    assert!(!u1.resumed());
    world.hooked(&[]);
    u1.join("r1");
    world.hooked(&["r1 Online Enter u1"]);
}

#[test]
fn a_page_that_is_reloaded_was_never_away() {
    let (world, u1) = entered();
    // It had nothing to say for nearly as long as from one ping to the next.
    world.advance(24 * SECOND);
    u1.vanish();
    world.server.settle();
    let mut u1 = world.on("u1");
    assert!(u1.resumed());
    u1.join("r1");
    world.advance(30 * SECOND);
    world.hooked(&[]);
}

#[test]
fn a_client_that_falls_silent_is_told_as_one_that_is_lost() {
    let (world, u1) = entered();
    u1.fall_silent();
    world.advance(300 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u1"]);
}

#[test]
fn a_session_that_ends_before_its_loss_was_told_is_told_as_lost() {
    let world = World::live_with(|settings| settings.rules.lifetimes.silence = 15_000);
    world.tencent().room("r1");
    world.member("u1", "r1").vanish();
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1"]);
    world.advance(16 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u1"]);
    world.advance(100 * SECOND);
    world.hooked(&[]);
}

#[test]
fn a_restart_while_somebody_is_away_tells_nothing_twice_and_forgets_nothing() {
    let mut world = World::live();
    world.tencent().room("r1");
    let (u1, mut u2, u3) = (world.member("u1", "r1"), world.member("u2", "r1"), world.member("u3", "r1"));
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1", "r1 Online Enter u2", "r1 Online Enter u3"]);
    u1.vanish();
    world.advance(20 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u1"]);
    // One is away, one is lost and not yet away, one is there.
    u2.heard();
    u2.vanish();
    world.advance(10 * SECOND);
    world.server.crash();
    drop(u3);
    let mut u1 = world.on("u1");
    assert!(u1.resumed());
    world.hooked(&["r1 Online HeartbeatRecover u1"]);
    u1.join("r1");
    let mut u3 = world.on("u3");
    assert!(u3.resumed());
    u3.join("r1");
    world.hooked(&[]);
    world.advance(20 * SECOND);
    world.hooked(&["r1 Offline HeartbeatInterrupt u2"]);
    world.server.restart();
    let mut u1 = world.on("u1");
    u1.join("r1");
    let mut u3 = world.on("u3");
    u3.join("r1");
    world.advance(300 * SECOND);
    world.hooked(&[]);
    u1.leave("r1");
    u3.leave("r1");
    world.hooked(&["r1 Offline Leave u1", "r1 Offline Leave u3"]);
}

/// The API of a server in a process of its own, and the application's id there.
fn process_api(process: &Process, data: &Path, app: &App) -> Tencent {
    let shown = operator(process.control, data, "GET", &format!("apps/{}", app.id), "").body;
    let sdkappid = shown["sdkappid"].as_u64().unwrap_or_else(|| panic!("{shown}")) as u32;
    Tencent { at: process.control, sdkappid, key: app.key.clone(), identifier: "administrator".into(), now: Arc::new(|| wall().seconds()) }
}

/// A member's states alternate: it enters, is lost and returns, and leaves; who was lost and did not return may enter again.
fn check_states(lines: &[String]) -> BTreeMap<(String, String), &'static str> {
    let mut states = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let [room, kind @ ("Online" | "Offline"), cause, user] = words[..] else { continue };
        let state = states.entry((room.to_owned(), user.to_owned())).or_insert("out");
        *state = match (*state, kind, cause) {
            ("out" | "away", "Online", "Enter") | ("away", "Online", "HeartbeatRecover") => "in",
            ("in", "Offline", "HeartbeatInterrupt") => "away",
            ("in", "Offline", "Leave" | "Kicked") => "out",
            _ => panic!("{line} comes when {user} is {state}: {lines:#?}"),
        };
    }
    states
}

const CLIENTS: usize = 8;

/// As [`QUICK`], and whoever is lost is told as lost soon.
const SOON: (&str, &str) = ("ROOMD_SESSIONS_INTERRUPT_MS", "300");

/// `ROOMD_CRASH_ROUNDS` sets the number of kills.
#[test]
fn kills_in_the_middle_of_joins_leave_every_member_with_a_whole_story() {
    let rounds: usize = std::env::var("ROOMD_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    let env: Vec<(&str, &str)> = QUICK.iter().copied().chain([SOON]).collect();
    let mut process = Process::start(&data, &env);
    let app = process.api().app("");
    let api = process_api(&process, &data, &app);
    api.hook(&receiver.live_url(), &WORDS);
    (0..3).for_each(|n| drop(api.room(&format!("r{n}"))));
    // Joins that were acknowledged: room and user.
    let joined = Arc::new(Mutex::new(BTreeSet::new()));
    let acked = Arc::new(AtomicUsize::new(0));
    for round in 0..rounds {
        let enough = acked.load(Ordering::SeqCst) + [40, 150, 5, 300][round % 4];
        let threads: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (app, joined, acked, at) = (app.clone(), joined.clone(), acked.clone(), process.sessions);
                // Of three users one is away in each round.
                let user = format!("u{}", n + usize::from(n % 3 == round % 3) * CLIENTS);
                std::thread::spawn(move || {
                    live(at, &app, &user, n, &joined, &acked);
                })
            })
            .collect();
        let began = Instant::now();
        while acked.load(Ordering::SeqCst) < enough {
            assert!(began.elapsed() < Duration::from_secs(20), "the clients are not served; the log: {}", process.log());
            std::thread::sleep(Duration::from_millis(1));
        }
        process.kill();
        threads.into_iter().for_each(|thread| thread.join().expect("no client panics"));
        process = Process::start(&data, &env);
    }
    let left = || sql(&data, "SELECT count(*) FROM member") + waiting(&data);
    // Each webhook is a POST of its own, and a room's come one after the other: there is time as long as there are fewer.
    while left() > 0 {
        let before = left();
        eventually("somebody leaves, or is told of", || left() < before || before == 0);
    }
    let lines = receiver.until_hooks("all", |_| true);
    let states = check_states(&lines);
    assert!(states.values().all(|state| *state != "in"), "everybody is gone: {states:?}");
    let joined = joined.lock().unwrap().clone();
    let untold: Vec<_> = joined.iter().filter(|join| !states.contains_key(*join)).collect();
    assert!(untold.is_empty(), "joined and not told: {untold:?}");
    assert!(lines.len() > rounds, "{lines:?}");
    assert_eq!(sql(&data, "SELECT count(*) FROM delivery WHERE state = 2"), 0, "nothing was given up");
    // Views are the joins that were told, each once.
    let enters = lines.iter().filter(|line| line.contains(" Enter ")).count();
    assert_eq!(sql(&data, "SELECT sum(joins) FROM counter"), enters as i64);
}

/// Joins and leaves, again and again, until the connection ends.
fn live(at: std::net::SocketAddr, app: &App, user: &str, n: usize, joined: &Mutex<BTreeSet<(String, String)>>, acked: &AtomicUsize) -> Option<()> {
    let mut client = Client::try_login(at, &app.login(user, wall().seconds() + 600, ""), "d")?;
    for turn in n.. {
        let room = format!("r{}", turn % 3);
        let id = client.say("subscribe", json!({"channel": format!("group:{room}")}));
        let reply = client.try_reply(id)?;
        assert!(reply.get("subscribe").is_some(), "{reply}");
        joined.lock().unwrap().insert((room.clone(), user.to_owned()));
        acked.fetch_add(1, Ordering::SeqCst);
        let id = client.say("unsubscribe", json!({"channel": format!("group:{room}")}));
        client.try_reply(id)?;
    }
    None
}

#[test]
fn who_is_away_at_a_kill_is_told_once_and_returns_or_does_not() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    let env: Vec<(&str, &str)> = QUICK.iter().copied().chain([SOON]).collect();
    let mut process = Process::start(&data, &env);
    let app = process.api().app("");
    let api = process_api(&process, &data, &app);
    api.hook(&receiver.live_url(), &[STATE]);
    api.room("r1");
    let login = |process: &Process, user: &str| Client::login(process.sessions, &app.login(user, wall().seconds() + 600, ""), "d");
    let mut clients: Vec<Client> = ["back", "gone"].iter().map(|user| login(&process, user)).collect();
    clients.iter_mut().for_each(|client| drop(client.join("r1")));
    receiver.until_hooks("both joins", |lines| lines.len() == 2);
    process.kill();
    drop(clients);
    process = Process::start(&data, &env);
    receiver.until_hooks("both are lost", |lines| lines.len() == 4);
    process.kill();
    process = Process::start(&data, &env);
    let mut back = login(&process, "back");
    assert!(back.resumed());
    back.join("r1");
    receiver.until_hooks("one is back", |lines| lines.len() == 5);
    eventually("the other's session has ended", || sql(&data, "SELECT count(*) FROM session") == 1);
    back.leave("r1");
    let lines = receiver.until_hooks("the end", |lines| lines.len() >= 6);
    let of = |user: &str| lines.iter().filter(|line| line.ends_with(user)).map(|line| line.split(' ').nth(2).unwrap()).collect::<Vec<_>>();
    assert_eq!(of("back"), ["Enter", "HeartbeatInterrupt", "HeartbeatRecover", "Leave"]);
    assert_eq!(of("gone"), ["Enter", "HeartbeatInterrupt"]);
}

#[test]
fn who_was_put_out_while_away_is_told_of_no_more() {
    let world = World::live();
    let api = world.tencent();
    (1..=4).for_each(|n| drop(api.room(&format!("r{n}"))));
    let mut u1 = world.on("u1");
    (1..=4).for_each(|n| drop(u1.join(&format!("r{n}"))));
    let mut expected: Vec<String> = (1..=4).flat_map(|n| [format!("r{n} Create administrator"), format!("r{n} Online Enter u1")]).collect();
    let hooked = |expected: &[String]| world.hooked(&expected.iter().map(String::as_str).collect::<Vec<_>>());
    hooked(&expected);
    u1.vanish();
    world.advance(20 * SECOND);
    expected = (1..=4).map(|n| format!("r{n} Offline HeartbeatInterrupt u1")).collect();
    hooked(&expected);
    // One puts it out, one bans it, one is dissolved, one waits for it.
    api.ok("room_engine_http_srv/kick_user_out", json!({"RoomId": "r1", "MemberList_Account": ["u1"]}));
    api.live("ban_member", json!({"RoomId": "r2", "MemberList_Account": ["u1"], "Duration": 60}));
    api.live("destroy_room", json!({"RoomId": "r3"}));
    world.hooked(&["r3 Destroy administrator DestroyByUser"]);
    let mut u1 = world.on("u1");
    assert!(u1.resumed());
    world.hooked(&["r4 Online HeartbeatRecover u1"]);
    u1.join("r4");
    u1.join("r1");
    world.hooked(&["r1 Online Enter u1"]);
    u1.ok("rpc", json!({"method": "session.logoff"}));
    world.hooked(&["r1 Offline Leave u1", "r4 Offline Leave u1"]);
}

#[test]
fn who_is_put_out_after_its_loss_and_before_it_was_told_is_told_as_put_out() {
    let world = World::live();
    let api = world.tencent();
    api.room("r1");
    let u1 = world.member("u1", "r1");
    u1.vanish();
    world.advance(10 * SECOND);
    api.ok("room_engine_http_srv/kick_user_out", json!({"RoomId": "r1", "MemberList_Account": ["u1"]}));
    world.advance(300 * SECOND);
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1", "r1 Offline Kicked u1"]);
}

#[test]
fn who_does_not_come_back_into_a_room_after_its_return_has_left() {
    let world = World::live();
    let api = world.tencent();
    api.room("r1");
    api.room("r2");
    let mut u1 = world.on("u1");
    u1.join("r1");
    u1.join("r2");
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1", "r2 Create administrator", "r2 Online Enter u1"]);
    u1.vanish();
    world.advance(25 * SECOND);
    let mut u1 = world.on("u1");
    u1.join("r1");
    world.advance(120 * SECOND);
    world.hooked(&[
        "r1 Offline HeartbeatInterrupt u1",
        "r1 Online HeartbeatRecover u1",
        "r2 Offline HeartbeatInterrupt u1",
        "r2 Online HeartbeatRecover u1",
        "r2 Offline Leave u1",
    ]);
    u1.tell("r1", "still here");
}

#[test]
fn somebody_else_s_login_of_the_same_user_ends_its_stay_also_when_it_is_away() {
    let world = World::live();
    world.tencent().room("r1");
    world.member("u1", "r1").vanish();
    world.advance(20 * SECOND);
    world.hooked(&["r1 Create administrator", "r1 Online Enter u1", "r1 Offline HeartbeatInterrupt u1"]);
    let mut other = world.on_device("u1", "elsewhere");
    assert!(!other.resumed());
    world.hooked(&[]);
    other.join("r1");
    world.hooked(&["r1 Online Enter u1"]);
    other.leave("r1");
    world.hooked(&["r1 Offline Leave u1"]);
}
