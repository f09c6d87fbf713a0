//! Webhooks of live rooms: one event a POST, each room's in order, repeated as often as the application wants.

use super::*;
use crate::domain::app::{AppChange, Webhook};

/// An application with such a webhook, and no callbacks of the other kind.
fn told(folder: &Folder) -> Bench {
    let mut b = bench(folder);
    b.ask(new_group("g2")).unwrap();
    b.change(AppChange::EventCallbackUrl(String::new()));
    b.change(AppChange::CreateLiveWebhook(webhook("http://a.example.com/")));
    b
}

fn webhook(url: &str) -> Webhook {
    Webhook { url: url.into(), words: vec![] }
}

fn lane() -> EndpointId {
    EndpointId::LiveRooms(app())
}

impl Bench {
    /// Something that is told of the room.
    fn set(&mut self, group: &str, value: &str) {
        let what = GroupRequest::SetMetadata(vec![("k".into(), value.into())]);
        self.ask(Request::Group { app: app(), group: GroupId::trusted(group), by: Actor::system(), what }).unwrap();
    }

    /// What was handed to the senders since the last look.
    fn sent(&self) -> Vec<Job> {
        std::mem::take(&mut *self.jobs.lock().unwrap())
    }

    fn ended(&mut self, job: &Job, end: TryEnd) {
        let result = if end == TryEnd::Delivered { Ok(200) } else { Ok(500) };
        let attempt = Attempt { at: Millis(0), url: "u".into(), result, took_ms: 1, answer: vec![] };
        self.batch(vec![Command::Outcome(Box::new(Outcome { delivery: job.delivery.clone(), endpoint: job.endpoint.clone(), attempt, end }))]);
    }

    fn pass_by(&mut self, ms: u64) {
        self.engine.core.clock.advance(ms).unwrap();
        self.batch(vec![]);
    }

    fn count_waiting(&self) -> i64 {
        self.engine.core.store.conn().query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap()
    }

    /// Reasons of the deliveries that were given up, and how many there are of each.
    fn dead(&self) -> Vec<(String, i64)> {
        let conn = self.engine.core.store.conn();
        let mut rows = conn.prepare("SELECT reason, count(*) FROM delivery WHERE state = 2 GROUP BY reason ORDER BY 1").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }
}

/// What the jobs tell, each under the name of its delivery in the query.
fn bodies(jobs: &[Job]) -> Vec<String> {
    assert!(jobs.iter().all(|job| job.endpoint == lane() && job.query == format!("id={}", job.delivery)));
    jobs.iter().map(|job| String::from_utf8(job.body.to_vec()).unwrap()).collect()
}

#[test]
fn one_event_a_post_and_each_room_s_in_order() {
    let folder = Folder::new();
    let mut b = told(&folder);
    for group in ["g1", "g2"] {
        b.set(group, "1");
        b.set(group, "2");
        b.set(group, "3");
    }
    let first = b.sent();
    assert_eq!(bodies(&first), ["g1 1", "g2 1"]);
    let (memory, reload) = b.seen();
    assert_eq!((memory.ready.len(), reload.ready.len()), (0, 0), "the others wait for those");
    b.ended(&first[1], TryEnd::Delivered);
    let second = b.sent();
    assert_eq!(bodies(&second), ["g2 2"]);
    b.ended(&first[0], TryEnd::NotSpent);
    assert_eq!(bodies(&b.sent()), [""; 0], "it was not the endpoint's fault");
    b.pass_by(5_000);
    assert_eq!(b.sent().iter().map(|job| (&job.delivery, job.tries)).collect::<Vec<_>>(), [(&first[0].delivery, 0)]);
    b.ended(&first[0], TryEnd::Delivered);
    b.ended(&second[0], TryEnd::Delivered);
    assert_eq!(bodies(&b.sent()), ["g1 2", "g2 3"]);
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn a_failed_one_is_dead_at_once_unless_its_application_wants_repeats() {
    let folder = Folder::new();
    let mut b = told(&folder);
    b.set("g1", "1");
    b.set("g1", "2");
    let first = b.sent();
    b.ended(&first[0], TryEnd::Failed);
    assert_eq!(b.dead(), [("the last of 1 tries was answered 500".to_string(), 1)]);
    let second = b.sent();
    assert_eq!(bodies(&second), ["g1 2"], "the room's next goes on");
    // What counts is how the application is set when the try ends.
    b.change(AppChange::AfterRetry(2));
    for wait in [1_000, 5_000] {
        b.ended(&second[0], TryEnd::Failed);
        b.pass_by(wait - 1);
        assert_eq!(b.sent().len(), 0);
        b.pass_by(1);
        let again = b.sent();
        assert_eq!((&again[0].delivery, &again[0].query, &again[0].body), (&second[0].delivery, &second[0].query, &second[0].body));
    }
    b.ended(&second[0], TryEnd::Failed);
    assert_eq!(b.dead()[1], ("the last of 3 tries was answered 500".to_string(), 1));
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn a_start_begins_the_present_wait_anew_and_says_the_same() {
    let folder = Folder::new();
    let mut b = told(&folder);
    b.change(AppChange::AfterRetry(3));
    b.set("g1", "1");
    let first = b.sent();
    b.ended(&first[0], TryEnd::Failed);
    drop(b);
    let mut b = Bench::open(&folder.0);
    b.pass_by(999);
    assert_eq!(b.sent().len(), 0);
    b.pass_by(1);
    let again = b.sent();
    assert_eq!((bodies(&again), again[0].delivery.clone(), again[0].tries), (bodies(&first), first[0].delivery.clone(), 1));
    drop(b);
    // With a shorter ladder there is no wait; the try that may have been lost is made.
    let mut b = Bench::open(&folder.0);
    b.change(AppChange::AfterRetry(0));
    drop(b);
    let mut b = Bench::open(&folder.0);
    b.pass_by(0);
    let last = b.sent();
    assert_eq!(bodies(&last), ["g1 1"]);
    b.ended(&last[0], TryEnd::Failed);
    assert_eq!(b.dead(), [("the last of 2 tries was answered 500".to_string(), 1)]);
}

#[test]
fn what_waits_goes_to_the_new_url_and_nowhere_when_there_is_none() {
    let folder = Folder::new();
    let mut b = told(&folder);
    for value in ["1", "2", "3"] {
        b.set("g1", value);
    }
    b.set("g2", "1");
    let on_their_way = b.sent();
    assert_eq!(bodies(&on_their_way), ["g1 1", "g2 1"]);
    b.change(AppChange::UpdateLiveWebhook(webhook("http://b.example.com/")));
    assert_eq!(b.dead(), []);
    assert_eq!(b.engine.handle.directory().target(&lane()).unwrap().1, "http://b.example.com/");

    b.failing.store(true, Ordering::SeqCst);
    assert!(b.ask(Request::ChangeApp { app: app(), change: AppChange::DeleteLiveWebhook }).is_err());
    b.failing.store(false, Ordering::SeqCst);
    assert_eq!((b.dead(), b.seen().0 == b.seen().1), (vec![], true));

    b.change(AppChange::DeleteLiveWebhook);
    assert_eq!(b.dead(), [("endpoint removed".to_string(), 2)], "those that waited, a delivery each");
    b.ended(&on_their_way[0], TryEnd::Delivered);
    b.ended(&on_their_way[1], TryEnd::Failed);
    assert_eq!(b.dead(), [("endpoint removed".to_string(), 3)]);
    b.set("g1", "4");
    b.change(AppChange::CreateLiveWebhook(webhook("http://c.example.com/")));
    assert_eq!(bodies(&b.sent()), [""; 0], "nobody wanted to hear of it then");
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
}

#[test]
fn a_disabled_application_keeps_what_waits() {
    let folder = Folder::new();
    let mut b = told(&folder);
    b.change(AppChange::AfterRetry(1));
    b.set("g1", "1");
    b.set("g1", "2");
    let first = b.sent();
    b.change(AppChange::Disabled(true));
    b.ended(&first[0], TryEnd::Failed);
    b.pass_by(10_000);
    assert_eq!((b.sent().len(), b.dead()), (0, vec![]));
    b.change(AppChange::Disabled(false));
    let again = b.sent();
    assert_eq!(bodies(&again), ["g1 1"]);
    b.ended(&again[0], TryEnd::Delivered);
    assert_eq!(bodies(&b.sent()), ["g1 2"]);
}

#[test]
fn very_many_that_wait_are_put_aside_little_by_little() {
    let folder = Folder::new();
    let mut b = told(&folder);
    for n in 0..150 {
        b.set("g1", &n.to_string());
        b.set("g2", &n.to_string());
    }
    let count = |b: &Bench| b.dead().iter().map(|(_, n)| n).sum::<i64>();
    let agree = |b: &Bench| assert_eq!(b.seen().0.ready, b.seen().1.ready);
    let create = || Request::ChangeApp { app: app(), change: AppChange::CreateLiveWebhook(webhook("http://c.example.com/")) };
    b.change(AppChange::DeleteLiveWebhook);
    assert_eq!(count(&b), 100);
    agree(&b);
    assert!(matches!(b.ask(create()), Err(Refusal::Busy)), "the rest must not go there");
    b.failing.store(true, Ordering::SeqCst);
    b.pass_by(10);
    b.failing.store(false, Ordering::SeqCst);
    assert_eq!(count(&b), 100, "nothing of a lost batch");
    agree(&b);
    b.pass_by(REDO_AFTER);
    assert_eq!(count(&b), 200);
    agree(&b);
    drop(b);
    let mut b = Bench::open(&folder.0);
    b.engine.core.ids = Ids::seeded(8);
    b.engine.timers.at(b.engine.core.clock.tick(), Timer::Pump);
    b.batch(vec![]);
    assert_eq!(b.sent().len(), 0, "after a start it goes on");
    b.pass_by(10);
    assert_eq!((b.dead(), b.count_waiting()), (vec![("endpoint removed".to_string(), 300)], 0));
    agree(&b);
    assert!(b.ask(create()).is_ok());
    b.set("g1", "new");
    assert_eq!(bodies(&b.sent()), ["g1 new"]);
}

#[test]
fn what_is_left_of_a_room_is_put_aside_as_well_when_nothing_is_on_its_way() {
    let folder = Folder::new();
    let mut b = told(&folder);
    for n in 0..250 {
        b.set("g1", &n.to_string());
    }
    let on_its_way = b.sent();
    b.change(AppChange::DeleteLiveWebhook);
    b.ended(&on_its_way[0], TryEnd::Failed);
    let (memory, reload) = b.seen();
    assert_eq!((&memory.ready, memory.ready.len()), (&reload.ready, 1), "a start would go on with it");
    b.pass_by(10);
    assert_eq!((b.dead(), b.count_waiting()), (vec![("endpoint removed".to_string(), 250)], 0));
    b.change(AppChange::CreateLiveWebhook(webhook("http://c.example.com/")));
    b.set("g1", "new");
    assert_eq!(bodies(&b.sent()), ["g1 new"]);
}
