//! Kills and failures that are aimed: between freeze, send and outcome of a callback, and at COMMIT.

use crate::{
    crash::{QUICK, sql, waiting},
    harness::{Api, App, Client, Folder, Moment, Process, React, Receiver, eventually, told, wall},
};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, sync::mpsc};

fn login(process: &Process, app: &App, user: &str) -> Client {
    Client::login(process.sessions, &app.login(user, wall().seconds() + 600, ""), "d")
}

#[test]
fn a_kill_between_freeze_send_and_outcome_repeats_the_same_delivery() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    let mut process = Process::start(&data, QUICK);
    let app = process.api().app(&receiver.url());
    receiver.knows(&app);
    process.api().group(&app, "g1");
    let moments = [Moment::Accepted, Moment::Read, Moment::Answered];
    let mut users = Vec::new();
    for (round, aim) in moments.into_iter().cycle().take(9).enumerate() {
        let pid = Pid::from_raw(process.pid() as i32).unwrap();
        // The first callback of the round is let through in some rounds, so that lanes are in other states.
        let mut let_through = round / moments.len();
        receiver.at(move |moment| {
            if moment == aim {
                match let_through.checked_sub(1) {
                    Some(left) => let_through = left,
                    None => drop(kill_process(pid, Signal::KILL)),
                }
            }
        });
        for n in 0..2 {
            let user = format!("u{round}-{n}");
            let login = app.login(&user, wall().seconds() + 600, "");
            if let Some(mut client) = Client::try_login(process.sessions, &login, "d") {
                users.push(user);
                let id = client.say("subscribe", json!({"channel": "group:g1"}));
                client.try_reply(id);
            }
        }
        eventually("the receiver has killed the server", || !process.is_running());
        receiver.at(|_| ());
        process = Process::start(&data, QUICK);
    }
    eventually("everything is delivered", || waiting(&data) == 0 && sql(&data, "SELECT count(*) FROM session") == 0);
    // Repeats are byte-identical: the receiver has checked that. An event is in one delivery only.
    let mut events: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (user, _, event) in receiver.until_delivered("all", |_| true) {
        events.entry(user).or_default().push(told(&event));
    }
    for user in users {
        let told = events.remove(&user).unwrap_or_default();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        assert!(matches!(told[..], ["on", "off 3"] | ["on", "join g1", "leave g1", "off 3"]), "{user}: {told:?}");
    }
    let all = receiver.all();
    let repeated = all.iter().enumerate().filter(|(n, c)| all[..*n].iter().any(|b| b.delivery == c.delivery)).count();
    assert!(repeated >= 3, "a kill before the outcome is recorded makes a repeat: {repeated} of {}", all.len());
}

#[test]
fn frozen_deliveries_are_sent_again_as_they_are_after_a_kill() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    let mut process = Process::start(&data, &QUICK[1..]);
    let app = process.api().app(&receiver.url());
    receiver.knows(&app);
    process.api().group(&app, "g1");
    // One delivery each is under way for 4 users; the others' logons and all joins wait behind them.
    receiver.always(React::Hang);
    let clients: Vec<Client> = (0..12)
        .map(|n| {
            let mut client = login(&process, &app, &format!("u{n}"));
            client.join("g1");
            client
        })
        .collect();
    let under_way = receiver.wait(4);
    process.kill();
    drop(clients);
    receiver.always(React::Status(200));
    process = Process::start(&data, &QUICK[1..]);
    receiver.until_delivered("all events", |all| all.len() >= 24);
    let all = receiver.all();
    for first in under_way {
        let copies: Vec<_> = all.iter().filter(|c| c.delivery == first.delivery).collect();
        assert!(copies.len() >= 2 && copies.iter().all(|c| c.body == first.body), "delivery {} again, as it was", first.delivery);
    }
    drop(process);
}

/// No file of the server may grow any more: the write-ahead log takes nothing, and COMMIT fails. Or again it may.
fn disk_full(process: &Process, data: &Path, full: bool) {
    let size = std::fs::metadata(data.join("roomd.db-wal")).expect("the log").len();
    let limit = Rlimit { current: full.then_some(size), maximum: None };
    let pid = Pid::from_raw(process.pid() as i32);
    let old = prlimit(pid, Resource::Fsize, limit).expect("we may limit our child");
    assert!(old.maximum.is_none(), "the limit can be raised again");
}

/// What the API and a member see of the group: memory and store at once.
fn view(api: &Api, app: &App, client: &mut Client) -> Value {
    let group = api.ok("DescribeLiveMessageGroup", &[("AppId", &app.id), ("GroupId", "g1")]);
    let history = client.ok("history", json!({"channel": "group:g1", "limit": 100, "reverse": true}));
    json!({
        "amounts": group["MsgAmount"], "online": group["OnlineUserCounts"], "total": group["TotalTimes"],
        "top": history["offset"], "epoch": history["epoch"], "last": history["publications"],
    })
}

#[test]
fn when_commit_fails_nothing_is_acknowledged_and_memory_equals_a_reload() {
    let folder = Folder::new();
    let data = folder.join("data");
    let quiet: Vec<_> = QUICK.iter().copied().filter(|(name, _)| !name.contains("SILENCE")).collect();
    let mut process = Process::start(&data, &quiet);
    let app = process.api().app("");
    process.api().group(&app, "g1");
    let mut clients: Vec<Client> = (0..5).map(|n| login(&process, &app, &format!("u{n}"))).collect();
    clients.iter_mut().for_each(|client| drop(client.join("g1")));
    let (mut acked, mut refused) = (Vec::new(), Vec::new());
    for round in 0..6 {
        let full = round % 2 == 1;
        disk_full(&process, &data, full);
        let mut asked = Vec::new();
        for n in 0..8 {
            for (c, client) in clients.iter_mut().enumerate() {
                let body = format!("{round}-{c}-{n}");
                let data = json!({"body": body, "tid": body});
                asked.push((c, client.say("publish", json!({"channel": "group:g1", "data": data})), body));
            }
        }
        for (c, id, body) in asked {
            let reply = clients[c].reply(id);
            match reply["error"]["code"].as_u64() {
                None => acked.push(body),
                Some(100) => {
                    assert_eq!(reply["error"]["temporary"], true);
                    refused.push(body);
                }
                Some(_) => panic!("{body}: {reply}"),
            }
        }
        if full {
            let create = process.api().call("CreateLiveMessageGroup", &[("AppId", &app.id), ("GroupId", "g2")]).v3();
            assert!(create.status >= 500, "{}", create.body);
            assert_eq!(clients[0].code("subscribe", json!({"channel": "group:g2"})), 440);
            assert!(process.is_running());
        }
    }
    disk_full(&process, &data, false);
    assert!(refused.len() >= 3 * 8 * 4 && acked.len() >= 3 * 8 * 5, "{} refused, {} acknowledged", refused.len(), acked.len());
    let live = view(&process.api(), &app, &mut clients[0]);
    let listed = process.api().messages(&app, "g1");
    process.kill();
    let process = Process::start(&data, &quiet);
    let mut back = login(&process, &app, "u0");
    assert!(back.resumed());
    back.join("g1");
    assert_eq!(view(&process.api(), &app, &mut back), live, "a reload gives what memory had");
    assert_eq!(process.api().messages(&app, "g1"), listed);
    let mut bodies: Vec<&String> = listed.iter().map(|(_, body)| body).collect();
    bodies.sort();
    acked.sort();
    assert_eq!(bodies, acked.iter().collect::<Vec<_>>(), "exactly what was acknowledged");
    assert!(listed.iter().enumerate().all(|(n, (seq, _))| *seq == n as u64 + 1));
}

#[test]
fn what_nobody_asks_for_again_is_not_lost_when_commit_fails() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    let process = Process::start(&data, QUICK);
    let app = process.api().app(&receiver.url());
    receiver.knows(&app);
    process.api().group(&app, "g1");
    let mut lost = login(&process, &app, "lost");
    lost.join("g1");
    receiver.await_more(2);
    // A callback is under way, and its answer comes while nothing can be written.
    let (answer, wait) = mpsc::channel::<()>();
    receiver.at(move |moment| {
        if moment == Moment::Read {
            // Later callbacks find the channel closed and go on.
            let _ = wait.recv();
        }
    });
    let _told = login(&process, &app, "told");
    receiver.until_accepted(3);
    disk_full(&process, &data, true);
    drop(answer);
    lost.vanish();
    let mut client = Client::open(process.sessions);
    let id = client.say("connect", json!({"token": app.login("new", wall().seconds() + 600, "")}));
    assert_eq!(client.reply(id)["error"]["code"], 100, "nobody is let in who could be forgotten");
    assert_eq!(client.closed().0, 3000);
    let failures = || process.log().matches("COMMIT failed").count();
    eventually("the answer and the lost socket meet the full disk", || failures() >= 4);
    disk_full(&process, &data, false);
    let events = receiver.until_delivered("the lost session's end", |all| all.iter().any(|(user, _, e)| user == "lost" && e["e"] == 2));
    let of = |who: &str| -> Vec<String> { events.iter().filter(|(user, ..)| user == who).map(|(_, _, e)| told(e)).collect() };
    assert_eq!(of("lost"), ["on", "join g1", "leave g1", "off 3"]);
    assert_eq!(of("told")[..1], ["on"]);
    eventually("everything is delivered", || waiting(&data) == 0);
    let all = receiver.all();
    let once = all.iter().filter(|c| c.events() == ["told on"]).count();
    assert_eq!(once, 1, "what was answered 200 is not sent again");
}
