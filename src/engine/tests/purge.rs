//! What is too old goes: ended callbacks, messages, deleted groups.

use super::*;
use crate::domain::app::AppChange;

const DAY: u64 = 24 * 3_600_000;

impl Bench {
    fn count(&self, what: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {what}");
        self.engine.core.store.conn().query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// Time passes, and all that its timers ask for is done.
    fn go_on(&mut self, ms: u64) {
        let clock = self.engine.core.clock.clone();
        clock.advance(ms).unwrap();
        self.batch(vec![]);
        // Steps that follow each other closely.
        for _ in 0..60 {
            clock.advance(200).unwrap();
            self.batch(vec![]);
        }
    }
}

#[test]
fn ended_deliveries_go_after_7_days_and_waiting_events_stay() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    let sid = b.log_on(0, "u0");
    let first = b.jobs.lock().unwrap()[0].clone();
    let attempt = Attempt { at: Millis(0), url: "u".into(), result: Ok(200), took_ms: 1, answer: vec![] };
    let outcome = Outcome { delivery: first.delivery, endpoint: first.endpoint, attempt, end: TryEnd::Delivered };
    b.batch(vec![Command::Outcome(Box::new(outcome))]);
    b.join(0, &sid, "g1"); // frozen, and not answered
    b.log_on(1, "u1");
    assert_eq!((b.count("delivery WHERE state = 1"), b.count("attempt")), (1, 1));
    b.go_on(8 * DAY);
    assert_eq!((b.count("delivery WHERE state = 1"), b.count("attempt")), (0, 0));
    assert_eq!(b.count("delivery WHERE state = 0"), 2, "what is frozen stays");
    assert!(b.engine.redo.is_empty());
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

/// A group with so many messages, of a user that then logs off.
fn talk(b: &mut Bench, group: &str, messages: usize) {
    b.ask(new_group(group)).unwrap();
    let sid = b.log_on(0, "u0");
    b.join(0, &sid, group);
    let commands: Vec<_> = (0..messages).map(|n| b.publish(0, &sid, group, &n.to_string())).collect();
    b.sockets(commands);
    b.sockets(vec![SocketCommand { conn: conn(0), id: 0, op: SocketOp::Ended { sid, how: SocketEnd::LoggedOff } }]);
}

#[test]
fn messages_go_when_their_application_keeps_them_no_longer() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    b.ask(Request::ChangeApp { app: app(), change: AppChange::EventCallbackUrl(String::new()) }).unwrap();
    talk(&mut b, "old", 450);
    b.go_on(20 * DAY);
    talk(&mut b, "young", 3);
    assert_eq!(b.count("message"), 453);
    b.go_on(10 * DAY);
    assert_eq!(b.count("message"), 3, "after 30 days");
    let old = b.engine.core.state.group_named(&app(), &GroupId::trusted("old")).unwrap();
    assert_eq!(old.counters.top, 450, "the numbers go on");
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn a_deleted_group_is_forgotten_after_30_days_and_its_number_is_not_given_again() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    b.ask(Request::ChangeApp { app: app(), change: AppChange::EventCallbackUrl(String::new()) }).unwrap();
    talk(&mut b, "gone", 250);
    let group = |name: &str, what| Request::Group { app: app(), group: GroupId::trusted(name), by: Actor::system(), what };
    let delete = || group("gone", GroupRequest::Delete);
    b.ask(delete()).unwrap();
    b.go_on(29 * DAY);
    b.ask(group("gone", GroupRequest::Recover)).unwrap();
    b.ask(delete()).unwrap();
    b.go_on(29 * DAY);
    assert!(matches!(b.ask(new_group("gone")), Ok(Answer::Created { already_exists: true, already_deleted: true, .. })));
    b.go_on(2 * DAY);
    assert!(matches!(b.ask(group("gone", GroupRequest::Recover)), Err(Refusal::NoSuchGroup(_))));
    assert_eq!((b.count("message"), b.count("grp"), b.count("counter")), (0, 1, 0));
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
    drop(b);
    let mut b = Bench::open(&folder.0);
    assert!(matches!(b.ask(new_group("gone")), Ok(Answer::Created { already_exists: false, .. })));
    let gid = b.engine.core.state.group_named(&app(), &GroupId::trusted("gone")).unwrap().config.gid;
    assert_eq!(gid, Gid(3), "g1 was 1, the first one of the name 2");
}

#[test]
fn a_purge_that_cannot_be_committed_is_made_again_and_memory_keeps_what_the_store_has() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    b.ask(Request::ChangeApp { app: app(), change: AppChange::EventCallbackUrl(String::new()) }).unwrap();
    talk(&mut b, "gone", 5);
    b.ask(Request::Group { app: app(), group: GroupId::trusted("gone"), by: Actor::system(), what: GroupRequest::Delete }).unwrap();
    b.failing.store(true, Ordering::SeqCst);
    b.go_on(31 * DAY);
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
    assert_eq!(memory.groups[1].1.top, 5, "with its counters");
    b.failing.store(false, Ordering::SeqCst);
    b.go_on(2 * 3_600_000);
    assert_eq!((b.count("message"), b.count("grp")), (0, 1));
}

#[test]
fn what_was_stamped_before_the_clock_was_set_goes_with_what_came_after() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    b.ask(Request::ChangeApp { app: app(), change: AppChange::EventCallbackUrl(String::new()) }).unwrap();
    talk(&mut b, "g2", 6);
    b.engine.core.store.conn().execute("UPDATE message SET at = 5000 WHERE (id & 255) <= 3", []).unwrap();
    b.go_on(DAY);
    assert_eq!(b.count("message"), 6, "nobody knows how old they are");
    b.go_on(31 * DAY);
    assert_eq!(b.count("message"), 0);
}

#[test]
fn of_too_many_deleted_groups_the_oldest_are_forgotten_early() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    b.engine.core.config.rules.quotas.deleted_groups_per_app = 3;
    let group = |name: &str, what| Request::Group { app: app(), group: GroupId::trusted(name), by: Actor::system(), what };
    for n in 0..5 {
        b.ask(new_group(&format!("d{n}"))).unwrap();
        b.ask(group(&format!("d{n}"), GroupRequest::Delete)).unwrap();
        b.engine.core.clock.advance(1).unwrap();
    }
    assert!(matches!(b.ask(group("d1", GroupRequest::Recover)), Err(Refusal::NoSuchGroup(_))));
    b.engine.core.clock.advance(1_000).unwrap();
    b.batch(vec![]);
    assert_eq!(b.count("grp"), 4, "g1 and the last three");
    b.ask(group("d2", GroupRequest::Recover)).unwrap();
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn stamps_that_cannot_be_right_get_an_age() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    b.ask(Request::ChangeApp { app: app(), change: AppChange::EventCallbackUrl(String::new()) }).unwrap();
    talk(&mut b, "early", 450);
    talk(&mut b, "late", 5);
    talk(&mut b, "gone", 5);
    b.ask(Request::Group { app: app(), group: GroupId::trusted("gone"), by: Actor::system(), what: GroupRequest::Delete }).unwrap();
    let sql = |b: &Bench, sql: &str| b.engine.core.store.conn().execute(sql, []).unwrap();
    sql(&b, "UPDATE message SET at = 5000 WHERE gid = 2");
    sql(&b, "UPDATE message SET at = at + 90 * 86400000 WHERE gid = 3 AND (id & 255) = 1");
    sql(&b, "UPDATE grp SET deleted = 60000 WHERE gid = 4");
    drop(b);
    let mut b = Bench::open(&folder.0);
    b.batch(vec![]);
    b.go_on(DAY);
    assert_eq!((b.count("message"), b.count("grp")), (460, 4), "nobody knows how old they are");
    b.ask(Request::Group { app: app(), group: GroupId::trusted("gone"), by: Actor::system(), what: GroupRequest::Recover }).unwrap();
    b.ask(Request::Group { app: app(), group: GroupId::trusted("gone"), by: Actor::system(), what: GroupRequest::Delete }).unwrap();
    b.go_on(32 * DAY);
    assert_eq!((b.count("message"), b.count("grp")), (0, 3), "but from then on");
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}
