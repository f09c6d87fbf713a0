//! The engine against a real store whose COMMIT is made to fail: nothing of a lost batch may be
//! acknowledged, and memory must equal what a reload gives.

mod channels;
mod ends;
mod fates;
mod hooks;
mod purge;
mod rooms;
mod waiting;
mod webhooks;

use super::*;
use crate::domain::{
    AppId, ChannelId, Cid, ConnRef, GroupId, Millis, SessionId, UserId,
    account::Account,
    app::{AccessKey, AppChange, Audit, LifeCycle, NewApp},
    channel::{Channel, ChannelState, Joining, Ticket},
    event::{GroupEvent, InGroup},
    group::{Counters, Member},
    message::Draft,
    outbox::{Attempt, Outcome, TryEnd},
    participant::{Doing, Media, Medias, Participant, Role},
    push::Reply,
    request::{Actor, Answer, GroupRequest, NewGroup, Request},
    session::{Link, Login, SocketEnd},
    state::SessionState,
    subscription::{Subscription, Wants},
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
};

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("roomd-engine-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Folder(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An engine that is driven by hand, batch by batch.
struct Bench {
    engine: Engine,
    pushes: Arc<Mutex<Vec<Push>>>,
    jobs: Arc<Mutex<Vec<Job>>>,
    questions: Arc<Mutex<Vec<Question>>>,
    failing: Arc<AtomicBool>,
    next: u32,
}

impl Bench {
    fn open(folder: &Path) -> Bench {
        let mut store = Store::open(folder).expect("a store");
        let failing = Arc::new(AtomicBool::new(false));
        let fails = failing.clone();
        // SQLite turns the COMMIT into a ROLLBACK, as on an IO error.
        store.conn_mut().commit_hook(Some(move || fails.load(Ordering::SeqCst))).expect("a hook");
        let config = Config { rules: Rules::default(), metrics: Arc::default(), retry_percent: 100 };
        let starting = Starting::new(store, Clock::standing(), Ids::seeded(7), config).expect("a state");
        let mut engine = starting.engine;
        let (pushes, jobs) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let questions = Arc::new(Mutex::new(Vec::new()));
        let (to, out, asked) = (pushes.clone(), jobs.clone(), questions.clone());
        engine.ports = Some(Ports {
            hook: |_, _, _, _| None,
            render: |event, app| {
                let event = match event {
                    Event::Session(event) => event,
                    Event::Group(GroupEvent { group, what: InGroup::MetadataSet(entries), .. }) if app.live_webhook.is_some() => {
                        let (endpoint, subject) = (EndpointId::LiveRooms(app.id.clone()), group.id.to_string());
                        return vec![Rendered { endpoint, payload: format!("{subject} {}", entries[0].1), subject }];
                    }
                    _ => return Vec::new(),
                };
                let (endpoint, subject) = (EndpointId::LiveEvents(app.id.clone()), event.user.to_string());
                if app.event_callback_url.is_empty() { Vec::new() } else { vec![Rendered { endpoint, subject, payload: format!("{:?}", event.what) }] }
            },
            render_channel: |event| format!("{:?}", event.what),
            freeze: Box::new(|freezing| {
                let body = freezing.events.iter().map(|(_, payload)| payload.as_str()).collect::<Vec<_>>().join("\n").into_bytes();
                Frozen { query: format!("id={}", freezing.delivery), body }
            }),
            hubs: vec![Box::new(move |list| to.lock().unwrap().extend(list))],
            dispatch: Box::new(move |job| out.lock().unwrap().push(job)),
            ask: Box::new(move |question| asked.lock().unwrap().push(question)),
        });
        Bench { engine, pushes, jobs, questions, failing, next: 0 }
    }

    fn batch(&mut self, commands: Vec<Command>) {
        self.engine.batch(&mut commands.into());
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        let (answer, wait) = mpsc::sync_channel(1);
        self.batch(vec![Command::Call(Box::new(request), answer)]);
        wait.recv().expect("every call is answered")
    }

    fn change(&mut self, change: AppChange) {
        self.ask(Request::ChangeApp { app: app(), change }).unwrap();
    }

    fn sockets(&mut self, commands: Vec<SocketCommand>) -> Vec<Push> {
        self.pushes.lock().unwrap().clear();
        self.batch(commands.into_iter().map(Command::Socket).collect());
        std::mem::take(&mut *self.pushes.lock().unwrap())
    }

    fn command(&mut self, slot: u32, op: SocketOp) -> SocketCommand {
        self.next += 1;
        SocketCommand { conn: conn(slot), id: self.next, op }
    }

    fn log_on(&mut self, slot: u32, user: &str) -> SessionId {
        let login = Login { app: app(), user: UserId::trusted(user), role: String::new(), device: "d".into(), info: String::new(), address: None, made: None };
        let command = self.command(slot, SocketOp::Connect(Box::new(login)));
        let sid = self.sockets(vec![command]).into_iter().find_map(|push| match push {
            Push::Reply { reply: Reply::Connected(c), .. } => Some(c.sid),
            _ => None,
        });
        sid.expect("connected")
    }

    fn join(&mut self, slot: u32, sid: &SessionId, group: &str) {
        let op = SocketOp::Subscribe { sid: sid.clone(), group: GroupId::trusted(group), join_leave: false, since: None };
        let command = self.command(slot, op);
        self.sockets(vec![command]);
    }

    fn publish(&mut self, slot: u32, sid: &SessionId, group: &str, body: &str) -> SocketCommand {
        let op = SocketOp::Publish { sid: sid.clone(), group: GroupId::trusted(group), draft: Box::new(Draft::text(body)) };
        self.command(slot, op)
    }

    /// What both memory and the store must agree on.
    fn seen(&self) -> (Seen, Seen) {
        (Seen::of(&self.engine.core.state), Seen::of(&self.engine.core.store.load().expect("a state")))
    }
}

#[derive(Debug, PartialEq)]
struct Seen {
    apps: Vec<App>,
    keys: Vec<AccessKey>,
    groups: Vec<(crate::domain::group::Group, Counters, Vec<Member>)>,
    sessions: Vec<(crate::domain::session::Session, Vec<Gid>, Vec<Cid>)>,
    channels: Vec<(Channel, Vec<Participant>)>,
    subscriptions: Vec<Subscription>,
    ready: Vec<(EndpointId, u64)>,
    accounts: Vec<Account>,
    /// Groups that keep each user, and how many members are there in each group.
    kept: Vec<(UserId, Vec<Gid>)>,
    present: Vec<(Gid, usize)>,
}

impl Seen {
    fn of(state: &State) -> Seen {
        let mut apps: Vec<_> = state.apps.values().map(|a| (**a).clone()).collect();
        apps.sort_by(|a, b| a.id.cmp(&b.id));
        let mut keys: Vec<_> = state.keys.values().cloned().collect();
        keys.sort_by(|a, b| a.id.cmp(&b.id));
        let mut groups: Vec<_> = state
            .groups
            .values()
            .map(|g| ((*g.config).clone(), g.counters.clone(), g.in_order().into_iter().map(|m| (**m).clone()).collect::<Vec<_>>()))
            .collect();
        groups.sort_by_key(|(g, ..)| g.gid);
        let places = |s: &SessionState| (s.groups.iter().map(|(_, gid)| *gid).collect(), s.channels.iter().map(|(_, cid)| *cid).collect());
        let mut sessions: Vec<_> = state
            .sessions
            .values()
            .map(|s| {
                let (groups, channels) = places(s);
                ((*s.session).clone(), groups, channels)
            })
            .collect();
        sessions.sort_by(|a, b| a.0.sid.cmp(&b.0.sid));
        let mut ready: Vec<_> = state.lanes.iter().filter(|(_, l)| l.ready > 0).map(|(e, l)| (e.clone(), l.ready)).collect();
        ready.sort();
        let of = |c: &ChannelState| ((*c.config).clone(), c.in_order().into_iter().map(|p| (**p).clone()).collect());
        let channels = (0..10).filter_map(|cid| state.channels.get(Cid(cid)).map(of)).collect();
        let subscriptions = state.subscriptions_of(&app()).iter().map(|s| (**s).clone()).collect();
        let mut accounts: Vec<Account> = state.accounts.get(&app()).into_iter().flatten().map(|(_, account)| (**account).clone()).collect();
        accounts.sort_by(|a, b| a.user.cmp(&b.user));
        let members = state.groups.values().flat_map(|group| group.members.keys().cloned());
        let users: BTreeSet<UserId> = members.collect();
        let kept = users.into_iter().map(|user| (user.clone(), state.kept_groups_of(&app(), &user))).collect();
        let mut present: Vec<_> = state.groups.iter().map(|(gid, group)| (*gid, group.present.len())).collect();
        present.sort();
        Seen { apps, keys, groups, sessions, channels, subscriptions, ready, accounts, kept, present }
    }
}

fn app() -> AppId {
    AppId::trusted("demo")
}

fn conn(slot: u32) -> ConnRef {
    ConnRef { hub: 0, slot, generation: 0 }
}

fn new_app() -> Request {
    Request::CreateApp(Box::new(NewApp {
        id: app(),
        key: "k".into(),
        sign: "s".into(),
        name: "demo".into(),
        sdkappid: None,
        administrators: vec!["administrator".into()],
        after_retry: 0,
        data_center: "cn-shanghai".into(),
        event_callback_url: "http://cb.example.com/".into(),
        audit: Audit::None,
        life_cycle: LifeCycle::Days30,
    }))
}

fn new_group(id: &str) -> Request {
    let new = NewGroup::default();
    Request::Group { app: app(), group: GroupId::trusted(id), by: Actor::system(), what: GroupRequest::Create(Box::new(new)) }
}

fn bench(folder: &Folder) -> Bench {
    let mut bench = Bench::open(&folder.0);
    bench.ask(new_app()).unwrap();
    bench.ask(new_group("g1")).unwrap();
    bench
}

#[test]
fn a_failed_commit_acknowledges_nothing_and_leaves_memory_as_a_reload_would() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    let users: Vec<_> = (0..4).map(|n| b.log_on(n, &format!("u{n}"))).collect();
    for (slot, sid) in users.iter().enumerate() {
        b.join(slot as u32, sid, "g1");
    }
    let before = b.seen();
    assert_eq!(before.0, before.1);
    let sent = b.jobs.lock().unwrap().len();

    b.failing.store(true, Ordering::SeqCst);
    assert!(matches!(b.ask(new_group("g2")), Err(Refusal::Unavailable)));
    assert!(matches!(b.ask(Request::ChangeApp { app: app(), change: crate::domain::app::AppChange::Disabled(true) }), Err(Refusal::Unavailable)));
    let mut commands: Vec<_> = (0..20).map(|n| b.publish(n % 4, &users[n as usize % 4], "g1", "lost")).collect();
    let login = Login { app: app(), user: UserId::trusted("u9"), role: String::new(), device: String::new(), info: String::new(), address: None, made: None };
    commands.push(b.command(9, SocketOp::Connect(Box::new(login))));
    commands.push(b.command(1, SocketOp::Logoff { sid: users[1].clone() }));
    let asked = commands.len();
    let pushes = b.sockets(commands);
    let refused = pushes.iter().filter(|p| matches!(p, Push::Refuse { why: Refusal::Unavailable, .. })).count();
    assert_eq!((refused, pushes.len()), (asked, asked), "everybody is told, and nothing else is pushed: {pushes:?}");
    assert_eq!(b.seen(), before);
    assert_eq!(b.jobs.lock().unwrap().len(), sent, "nothing is sent of a lost batch");

    b.failing.store(false, Ordering::SeqCst);
    let command = b.publish(0, &users[0], "g1", "kept");
    let pushes = b.sockets(vec![command]);
    let seq = pushes.iter().find_map(|p| match p {
        Push::Message { message, .. } => message.seq,
        _ => None,
    });
    assert_eq!(seq, Some(1), "numbers have no gap");
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn a_socket_that_ends_while_commits_fail_is_lost_once_they_work() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    let sid = b.log_on(0, "u0");
    b.failing.store(true, Ordering::SeqCst);
    b.sockets(vec![SocketCommand { conn: conn(0), id: 0, op: SocketOp::Ended { sid: sid.clone(), how: SocketEnd::LoggedOff } }]);
    assert!(b.engine.core.state.session(&sid).is_some(), "not before it is committed");
    b.failing.store(false, Ordering::SeqCst);
    b.batch(vec![]);
    assert!(b.engine.core.state.session(&sid).is_none());
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn a_delivery_is_frozen_once_and_its_subject_waits() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    let sid = b.log_on(0, "u0");
    let first = b.jobs.lock().unwrap()[0].clone();
    assert_eq!(&*first.body, b"LoggedOn { displaced: None }");
    b.join(0, &sid, "g1");
    assert_eq!(b.jobs.lock().unwrap().len(), 1, "the user's next event waits for the first");
    b.log_on(1, "u1");
    assert_eq!(b.jobs.lock().unwrap().len(), 2, "another user's does not");
    let outcome = |end, result| {
        let attempt = Attempt { at: Millis(0), url: "u".into(), result, took_ms: 1, answer: vec![] };
        Command::Outcome(Box::new(Outcome { delivery: first.delivery.clone(), endpoint: first.endpoint.clone(), attempt, end }))
    };
    b.batch(vec![outcome(TryEnd::Failed, Ok(500))]);
    assert_eq!(b.jobs.lock().unwrap().len(), 2);
    b.batch(vec![outcome(TryEnd::Delivered, Ok(200))]);
    let jobs = b.jobs.lock().unwrap().clone();
    assert_eq!(&*jobs[2].body, b"Joined(GroupId(\"g1\"))");
    drop(b);
    // A crash now: what was frozen comes again as it was, what was delivered does not.
    let mut b = Bench::open(&folder.0);
    b.batch(vec![]);
    b.engine.timers.at(b.engine.core.clock.tick(), Timer::Pump);
    b.batch(vec![]);
    let again = b.jobs.lock().unwrap().clone();
    let ids = |jobs: &[Job]| jobs.iter().map(|j| (j.delivery.clone(), j.query.clone(), j.body.to_vec())).collect::<BTreeSet<_>>();
    assert_eq!(ids(&again), ids(&jobs[1..]));
}

#[test]
fn an_emptied_url_puts_what_waits_aside() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    let sid = b.log_on(0, "u0");
    b.join(0, &sid, "g1");
    let off = crate::domain::app::AppChange::EventCallbackUrl(String::new());
    b.ask(Request::ChangeApp { app: app(), change: off }).unwrap();
    let (memory, reload) = b.seen();
    assert_eq!((memory.ready.len(), reload.ready.len()), (0, 0));
    b.log_on(1, "u1");
    assert_eq!(b.jobs.lock().unwrap().len(), 1, "no rows are written without a URL");
}
