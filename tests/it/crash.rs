//! kill -9 of the shipped binary in the middle of everything. Whatever was acknowledged is there
//! afterwards, and the business's server hears of each session exactly once how it began and ended.
//! `ROOMD_CRASH_ROUNDS` sets the number of kills.

use crate::harness::{Api, App, Client, Folder, Process, React, Receiver, told, wall};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Retries follow each other quickly, sessions do not wait long for who does not come back.
pub const QUICK: &[(&str, &str)] = &[
    ("ROOMD_CALLBACKS_RETRY_PERCENT", "1"),
    ("ROOMD_SESSIONS_SILENCE_MS", "4000"),
    ("ROOMD_LIMITS_CONTROL_QPS", "false"),
    ("ROOMD_LIMITS_SESSION_COMMANDS_PER_SECOND", "0"),
];

const CLIENTS: usize = 20;
/// More users than clients at a time, so that some come back later or never.
const USERS: usize = 26;
/// Messages that a client has under way.
const WINDOW: usize = 4;

/// What the clients of all rounds were told.
#[derive(Default)]
struct Told {
    /// Bodies of acknowledged messages.
    acked: Mutex<Vec<String>>,
    /// Sessions by id: the user, and whether it was seen in an earlier round.
    sessions: Mutex<HashMap<String, String>>,
    wrong: Mutex<Vec<String>>,
}

#[test]
fn whatever_was_acknowledged_outlives_kills_while_20_clients_publish() {
    let rounds: usize = std::env::var("ROOMD_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let data = folder.join("data");
    // Now and then the business's server has a bad moment.
    let mut n = 0;
    receiver.react(move |_| {
        n += 1;
        React::Status(if n % 7 == 0 { 500 } else { 200 })
    });
    let mut process = Process::start(&data, QUICK);
    let app = process.api().app(&receiver.url());
    receiver.knows(&app);
    process.api().group(&app, "g1");

    let heard = Arc::new(Told::default());
    let mut listed: Vec<(u64, String)> = Vec::new();
    for round in 0..rounds {
        // Kills come at different depths: while they connect, join, and publish more or less.
        let enough = [0, 15, 60, 5, 250, 1, 120][round % 7];
        publish_until_killed(&mut process, &app, round, enough, &heard);
        process = Process::start(&data, QUICK);
        list_more(&process.api(), &app, &mut listed);
        check_messages(&listed, &heard);
    }
    let group = process.api().ok("DescribeLiveMessageGroup", &[("AppId", &app.id), ("GroupId", "g1")]);
    assert_eq!(group["MsgAmount"]["1"], listed.len(), "the counter is that of the messages");
    assert!(listed.len() > rounds, "something was said: {}", listed.len());

    // Nobody comes back any more: everybody is logged off in the end.
    let sessions = heard.sessions.lock().unwrap().clone();
    let ended = |all: &[(String, String, Value)]| {
        let gone: BTreeSet<&str> = all.iter().filter(|(_, _, e)| e["e"] == 2).map(|(_, sid, _)| &**sid).collect();
        sessions.keys().all(|sid| gone.contains(&**sid))
    };
    receiver.until_delivered("a logoff of every session", ended);
    crate::harness::eventually("everything is delivered", || waiting(&data) == 0);
    let dead: i64 = sql(&data, "SELECT count(*) FROM delivery WHERE state = 2");
    assert_eq!(dead, 0, "nothing was given up");
    check_presence(&receiver.until_delivered("all", |_| true), &sessions);
    assert_eq!(sql(&data, "SELECT count(*) FROM session") + sql(&data, "SELECT count(*) FROM member"), 0);
    println!("{rounds} kills, {} messages listed, {} acknowledged, {} sessions", listed.len(), heard.acked.lock().unwrap().len(), sessions.len());
}

/// One round: the clients come, join and publish; when `enough` messages were acknowledged the server is killed.
fn publish_until_killed(process: &mut Process, app: &App, round: usize, enough: usize, heard: &Arc<Told>) {
    let acked = Arc::new(AtomicUsize::new(0));
    let live = Arc::new(AtomicU32::new(0));
    let at = process.sessions;
    let threads: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let (app, heard, acked, live) = (app.clone(), heard.clone(), acked.clone(), live.clone());
            let user = format!("u{}", (round * 5 + n) % USERS);
            std::thread::spawn(move || {
                let login = app.login(&user, wall().seconds() + 600, "");
                let Some(mut client) = Client::try_login(at, &login, "d") else { return };
                live.fetch_add(1, Ordering::SeqCst);
                heard.meet(&client, &user);
                talk(&mut client, &format!("{round}-{n}"), &heard, &acked);
            })
        })
        .collect();
    let began = std::time::Instant::now();
    while acked.load(Ordering::SeqCst) < enough || (enough == 0 && live.load(Ordering::SeqCst) < 10) {
        assert!(began.elapsed() < Duration::from_secs(20), "the clients are not served; the log: {}", process.log());
        std::thread::sleep(Duration::from_millis(1));
    }
    process.kill();
    threads.into_iter().for_each(|t| t.join().expect("no client panics"));
}

/// Joins and publishes until the connection ends.
fn talk(client: &mut Client, name: &str, heard: &Told, acked: &AtomicUsize) {
    let joined = client.say("subscribe", json!({"channel": "group:g1"}));
    if client.try_reply(joined).is_none() {
        return;
    }
    let mut under_way = std::collections::VecDeque::new();
    for n in 0.. {
        let body = format!("{name}-{n}");
        let id = client.say("publish", json!({"channel": "group:g1", "data": {"body": body, "tid": body}}));
        under_way.push_back((id, body));
        if under_way.len() < WINDOW {
            continue;
        }
        let (id, body) = under_way.pop_front().expect("just counted");
        match client.try_reply(id) {
            Some(reply) if reply.get("publish").is_some() => {
                heard.acked.lock().unwrap().push(body);
                acked.fetch_add(1, Ordering::SeqCst);
            }
            Some(other) => heard.wrong.lock().unwrap().push(format!("{body}: {other}")),
            None => return,
        }
    }
}

impl Told {
    /// A session that was seen before must say that it resumed, and a new one that it did not.
    fn meet(&self, client: &Client, user: &str) {
        let known = self.sessions.lock().unwrap().insert(client.sid().to_owned(), user.to_owned());
        // A connect that was committed and whose answer was lost resumes as well.
        if known.is_some() && !client.resumed() || known.is_some_and(|of| of != user) {
            self.wrong.lock().unwrap().push(format!("session {} of {user}: {}", client.sid(), client.hello));
        }
    }
}

/// Reads on where the list ended.
fn list_more(api: &Api, app: &App, listed: &mut Vec<(u64, String)>) {
    loop {
        let next = listed.last().map_or(0, |(seq, _)| *seq).to_string();
        let params = [("AppId", &*app.id), ("GroupId", "g1"), ("SortType", "1"), ("PageSize", "50"), ("NextPageToken", &next)];
        let page = api.ok("ListLiveMessageGroupMessages", &params);
        for m in page["MessageList"].as_array().unwrap() {
            listed.push((m["SeqNumber"].as_u64().unwrap(), m["Body"].as_str().unwrap().to_owned()));
        }
        if page["Hasmore"] != true {
            return;
        }
    }
}

fn check_messages(listed: &[(u64, String)], heard: &Told) {
    assert_eq!(*heard.wrong.lock().unwrap(), [""; 0]);
    for (n, (seq, body)) in listed.iter().enumerate() {
        assert_eq!(*seq, n as u64 + 1, "no gap and no repeat before {body}");
    }
    let bodies: BTreeSet<&str> = listed.iter().map(|(_, body)| &**body).collect();
    assert_eq!(bodies.len(), listed.len(), "no message twice");
    let acked = heard.acked.lock().unwrap();
    let lost: Vec<_> = acked.iter().filter(|body| !bodies.contains(&***body)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // What one client said stands in the order in which it said it.
    let mut last: HashMap<&str, u64> = HashMap::new();
    for (_, body) in listed {
        let (name, n) = body.rsplit_once('-').unwrap();
        let n: u64 = n.parse().unwrap();
        let before = last.insert(name, n);
        assert_eq!(n, before.map_or(0, |b| b + 1), "{body} in order");
    }
}

/// Each session: one logon, then anything, then one logoff; and a user has one at a time.
fn check_presence(events: &[(String, String, Value)], sessions: &HashMap<String, String>) {
    let mut users: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    for (user, sid, event) in events {
        users.entry(user).or_default().push((sid, told(event)));
    }
    let mut seen = BTreeSet::new();
    for (user, events) in users {
        let (mut open, mut member): (Option<&str>, bool) = (None, false);
        for (sid, what) in &events {
            let story = || format!("{user} {sid} {what}: {events:?}");
            match &what[..] {
                "on" => {
                    assert!(open.is_none() && seen.insert(sid.to_string()), "{}", story());
                    open = Some(sid);
                }
                "join g1" => {
                    assert!(open == Some(sid) && !member, "{}", story());
                    member = true;
                }
                "leave g1" => {
                    assert!(open == Some(sid) && member, "{}", story());
                    member = false;
                }
                "back g1" => assert!(open == Some(sid) && member, "{}", story()),
                "back" => assert!(open == Some(sid) && !member, "{}", story()),
                "off 3" => {
                    assert!(open == Some(sid) && !member, "{}", story());
                    open = None;
                }
                _ => panic!("{}", story()),
            }
        }
        assert!(open.is_none(), "{user} is online for ever: {events:?}");
    }
    let untold: Vec<_> = sessions.keys().filter(|sid| !seen.contains(*sid)).collect();
    assert!(untold.is_empty(), "sessions that nobody was told of: {untold:?}");
}

pub fn sql(data: &std::path::Path, query: &str) -> i64 {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = rusqlite::Connection::open_with_flags(data.join("roomd.db"), flags).expect("the store");
    store.busy_timeout(Duration::from_secs(5)).unwrap();
    store.query_row(query, [], |row| row.get(0)).expect("a number")
}

/// Events and deliveries that are not done with.
pub fn waiting(data: &std::path::Path) -> i64 {
    sql(data, "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM delivery WHERE state = 0)")
}
