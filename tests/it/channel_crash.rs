//! kill -9 of the shipped binary while people are in RTC channels and publish. Who returns in time is in as
//! before; of who does not the business's server hears that the publishing ended, the leave, and the close.
//! `ROOMD_CRASH_ROUNDS` sets the number of kills.

use crate::{
    crash::{QUICK, sql, waiting},
    harness::{App, Client, Folder, Process, React, Receiver, Told, check_story, eventually, report, rtc, wall},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

fn login(process: &Process, app: &App, user: &str) -> Client {
    Client::login(process.sessions, &app.login(user, wall().seconds() + 600, ""), "d")
}

fn token(app: &App, user: &str, channel: &str) -> String {
    app.channel_token(user, channel, wall().seconds() + 600)
}

fn reported(process: &Process, data: &Path, app: &App, channel: &str, events: Value) -> Vec<Value> {
    let answer = report(process.control, data, app, channel, &events.to_string());
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["events"].as_array().expect("a list").clone()
}

/// What was told of a user, without the channel and the name.
fn of(told: &[Told], user: &str) -> Vec<String> {
    told.iter().filter(|t| t.user == user).map(|t| t.what.clone()).collect()
}

fn closed(told: &[Told], channel: &str) -> bool {
    told.iter().any(|t| t.channel == channel && t.what == "Close")
}

#[test]
fn who_returns_after_a_kill_is_in_as_before_and_who_does_not_leaves_by_time_out() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    let mut process = Process::start(&data, QUICK);
    let app = process.api().app("");
    receiver.knows(&app);
    process.api().watch(&app, &receiver.rtc_url("all"), &[]);
    let mut clients = Vec::new();
    for (user, channel) in [("back", "c1"), ("gone", "c1"), ("alone", "c2")] {
        let mut client = login(&process, &app, user);
        client.enter(channel, &token(&app, user, channel), 1);
        client.rtc("rtc.publish", channel, json!(["audio", "screen"]));
        clients.push(client);
    }
    for user in ["sfu-back", "sfu-gone"] {
        let join = json!({"events": [{"event": "join", "user": user, "role": 1}, {"event": "publish", "user": user, "medias": ["video"]}]});
        reported(&process, &data, &app, "c1", join);
    }
    let before = receiver.until_told("all", "all joins", |told| told.len() >= 15);
    process.kill();
    drop(clients);
    process = Process::start(&data, QUICK);
    let mut back = login(&process, &app, "back");
    assert_eq!((back.resumed(), &back.hello["data"]["channels"]), (true, &json!(["c1"])));
    let session = &before.iter().find(|t| t.user == "back").expect("it joined").session;
    // No token is asked of who is in.
    let again = back.enter("c1", "", 2);
    let known = json!({"channel_id": "c1", "user": "back", "session_id": session, "role": 1, "medias": ["audio", "screen"], "rejoined": true, "users": 4});
    assert_eq!(again, known);
    let so_far = || receiver.until_told("all", "all", |_| true);
    eventually("the others' leaves", || {
        reported(&process, &data, &app, "c1", json!({"event": "heartbeat", "user": "sfu-back"}));
        let told = so_far();
        closed(&told, "c2") && of(&told, "gone").len() == 6 && of(&told, "sfu-gone").len() == 4
    });
    let told = so_far();
    let begun = ["Join 1 streamer", "PublishAudio streamer 1", "PublishScreen streamer 1,3"];
    let ended = ["UnpublishAudio streamer 3", "UnpublishScreen streamer", "Leave 4 streamer"];
    assert_eq!(of(&told, "gone"), [begun, ended].concat());
    assert_eq!(of(&told, "alone"), [begun, ended].concat());
    assert_eq!(of(&told, "sfu-gone"), ["Join 1 streamer", "PublishVideo streamer 2", "UnpublishVideo streamer", "Leave 4 streamer"]);
    assert_eq!(of(&told, "back"), [&begun[..], &["Join 2 streamer 1,3"]].concat());
    assert_eq!(of(&told, "sfu-back"), ["Join 1 streamer", "PublishVideo streamer 2"]);
    back.ok("rpc", json!({"method": "session.logoff"}));
    reported(&process, &data, &app, "c1", json!({"event": "leave", "user": "sfu-back"}));
    let told = receiver.until_told("all", "the end", |told| closed(told, "c1"));
    assert_eq!(check_story(&told), BTreeSet::new());
    eventually("everything is delivered", || waiting(&data) == 0);
    assert_eq!(sql(&data, "SELECT (SELECT count(*) FROM channel) + (SELECT count(*) FROM participant)"), 0);
}

const CLIENTS: usize = 8;

/// What the clients of all rounds were told.
#[derive(Default)]
struct Heard {
    /// SessionIds of which somebody was told.
    sessions: Mutex<BTreeSet<String>>,
    acked: AtomicUsize,
}

#[test]
fn kills_in_the_middle_of_joins_and_publishes_leave_every_channel_with_a_whole_story() {
    let rounds: usize = std::env::var("ROOMD_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    // Now and then the business's server has a bad moment.
    let mut n = 0;
    receiver.react(move |_| {
        n += 1;
        React::Status(if n % 7 == 0 { 500 } else { 200 })
    });
    let mut process = Process::start(&data, QUICK);
    let app = process.api().app("");
    receiver.knows(&app);
    process.api().watch(&app, &receiver.rtc_url("all"), &[]);
    let heard = Arc::new(Heard::default());
    for round in 0..rounds {
        let enough = heard.acked.load(Ordering::SeqCst) + [40, 150, 5, 300][round % 4];
        let threads: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (app, heard, at) = (app.clone(), heard.clone(), process.sessions);
                // Of three users one is away in each round.
                let user = format!("u{}", n + usize::from(n % 3 == round % 3) * CLIENTS);
                std::thread::spawn(move || {
                    live(at, &app, &user, n, &heard);
                })
            })
            .collect();
        let began = Instant::now();
        while heard.acked.load(Ordering::SeqCst) < enough {
            assert!(began.elapsed() < Duration::from_secs(20), "the clients are not served; the log: {}", process.log());
            let join = json!({"events": [{"event": "join", "user": "sfu", "role": 1}, {"event": "publish", "user": "sfu", "medias": ["video"]}]});
            let session = reported(&process, &data, &app, "c0", join)[0]["session_id"].as_str().expect("a SessionId").to_owned();
            heard.sessions.lock().unwrap().insert(session);
        }
        process.kill();
        threads.into_iter().for_each(|t| t.join().expect("no client panics"));
        process = Process::start(&data, QUICK);
    }
    // Nobody comes back any more.
    eventually("everybody has left and all is delivered", || {
        sql(&data, "SELECT (SELECT count(*) FROM participant) + (SELECT count(*) FROM channel)") == 0 && waiting(&data) == 0
    });
    let told = receiver.until_told("all", "all", |_| true);
    assert_eq!(check_story(&told), BTreeSet::new());
    let known: BTreeSet<&String> = told.iter().map(|t| &t.session).collect();
    let untold: Vec<_> = heard.sessions.lock().unwrap().iter().filter(|id| !known.contains(id)).cloned().collect();
    assert!(untold.is_empty(), "joined and not told: {untold:?}");
    assert_eq!(sql(&data, "SELECT count(*) FROM delivery WHERE state = 2"), 0, "nothing was given up");
    drop(process);
}

/// Joins, publishes and leaves, again and again, until the connection ends.
fn live(at: std::net::SocketAddr, app: &App, user: &str, n: usize, heard: &Heard) -> Option<()> {
    let mut client = Client::try_login(at, &app.login(user, wall().seconds() + 600, ""), "d")?;
    let channel = format!("c{}", n % 3);
    for turn in 0.. {
        let join = json!({"channel": format!("rtc:{channel}"), "token": token(app, user, &channel), "data": {"role": 1}});
        let id = client.say("subscribe", join);
        let joined = client.try_reply(id)?;
        let now = &joined["subscribe"]["data"];
        heard.sessions.lock().unwrap().insert(now["session_id"].as_str().unwrap_or_else(|| panic!("{joined}")).to_owned());
        assert!(turn == 0 || now["medias"] == json!([]), "a new join publishes nothing: {now}");
        // Whoever was killed as a viewer is one still.
        let doings =
            [("rtc.role", json!(1)), ("rtc.publish", json!(["audio", "video"])), ("rtc.unpublish", json!(["audio"])), ("rtc.publish", json!(["screen"]))];
        for (method, more) in doings {
            let id = client.say("rpc", rtc(method, &channel, more));
            let reply = client.try_reply(id)?;
            assert!(reply["rpc"]["data"]["medias"].is_array(), "{reply}");
            heard.acked.fetch_add(1, Ordering::SeqCst);
        }
        let id = if turn % 2 == 0 {
            client.say("unsubscribe", json!({"channel": format!("rtc:{channel}")}))
        } else {
            client.say("rpc", rtc("rtc.role", &channel, json!(2)))
        };
        client.try_reply(id)?;
        if turn % 2 == 1 {
            let id = client.say("unsubscribe", json!({"channel": format!("rtc:{channel}")}));
            client.try_reply(id)?;
        }
    }
    None
}
