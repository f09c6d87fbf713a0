//! Channels and subscriptions under a COMMIT that fails, and over a restart.

use super::*;

fn wants() -> Wants {
    Wants { channel: None, users: vec![], channel_events: true, user_events: true }
}

fn subscribe(b: &mut Bench) -> Result<Answer, Refusal> {
    b.ask(Request::CreateSubscription { app: app(), url: "http://rtc.example.com/".into(), wants: wants() })
}

impl Bench {
    fn enter(&mut self, slot: u32, sid: &SessionId, channel: &str) -> Vec<Push> {
        let joining = Joining { channel: ChannelId::trusted(channel), role: Role::Streamer, ticket: Ticket::Good, join_leave: true };
        let command = self.command(slot, SocketOp::Join { sid: sid.clone(), joining: Box::new(joining) });
        self.sockets(vec![command])
    }

    fn publish_in(&mut self, slot: u32, sid: &SessionId, channel: &str, media: Media) -> Vec<Push> {
        let doing = Doing::Publish([media].into_iter().collect::<Medias>());
        let command = self.command(slot, SocketOp::Do { sid: sid.clone(), channel: ChannelId::trusted(channel), doing });
        self.sockets(vec![command])
    }

    fn bodies(&self) -> Vec<String> {
        self.jobs.lock().unwrap().iter().map(|job| String::from_utf8(job.body.to_vec()).unwrap()).collect()
    }
}

#[test]
fn a_failed_commit_leaves_channels_and_subscriptions_as_they_were() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    subscribe(&mut b).unwrap();
    let users: Vec<_> = (0..3).map(|n| b.log_on(n, &format!("u{n}"))).collect();
    b.enter(0, &users[0], "c1");
    b.enter(1, &users[1], "c1");
    b.publish_in(0, &users[0], "c1", Media::Video);
    let before = b.seen();
    assert_eq!(before.0, before.1);
    assert_eq!((before.0.channels.len(), before.0.channels[0].1.len()), (1, 2));

    b.failing.store(true, Ordering::SeqCst);
    for pushes in [b.enter(2, &users[2], "c1"), b.enter(2, &users[2], "c2"), b.publish_in(0, &users[0], "c1", Media::Audio)] {
        assert!(matches!(&pushes[..], [Push::Refuse { why: Refusal::Unavailable, .. }]), "{pushes:?}");
    }
    for request in [
        Request::CloseChannel { app: app(), channel: ChannelId::trusted("c1") },
        Request::DeleteSubscription { app: app(), id: before.0.subscriptions[0].id.clone() },
        Request::ChangeApp { app: app(), change: crate::domain::app::AppChange::Disabled(true) },
    ] {
        assert!(matches!(b.ask(request), Err(Refusal::Unavailable)));
    }
    assert_eq!(b.seen(), before);

    b.failing.store(false, Ordering::SeqCst);
    b.ask(Request::CloseChannel { app: app(), channel: ChannelId::trusted("c1") }).unwrap();
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
    assert!(memory.channels.is_empty() && memory.sessions.iter().all(|(_, _, channels)| channels.is_empty()));
}

#[test]
fn one_post_tells_of_one_channel_and_a_second_channel_goes_beside_it() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    b.ask(Request::ChangeApp { app: app(), change: crate::domain::app::AppChange::EventCallbackUrl(String::new()) }).unwrap();
    subscribe(&mut b).unwrap();
    let users: Vec<_> = (0..2).map(|n| b.log_on(n, &format!("u{n}"))).collect();
    let join = |b: &mut Bench, slot: u32, channel: &str| {
        let joining = Joining { channel: ChannelId::trusted(channel), role: Role::Streamer, ticket: Ticket::Good, join_leave: false };
        b.command(slot, SocketOp::Join { sid: users[slot as usize].clone(), joining: Box::new(joining) })
    };
    // All in one batch: the events of two channels wait together.
    let commands = vec![join(&mut b, 0, "c1"), join(&mut b, 0, "c2"), join(&mut b, 1, "c1")];
    b.sockets(commands);
    let bodies = b.bodies();
    assert_eq!(bodies.len(), 2, "{bodies:#?}");
    assert_eq!(bodies[0].lines().count(), 3, "opened, and two who joined: {}", bodies[0]);
    assert_eq!(bodies[1].lines().count(), 2);
    b.publish_in(0, &users[0], "c1", Media::Audio);
    assert_eq!(b.jobs.lock().unwrap().len(), 2, "the channel's next event waits for the first delivery");
}

#[test]
fn a_deleted_subscription_puts_what_waits_aside_a_channel_a_delivery() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    subscribe(&mut b).unwrap();
    let sid = b.log_on(0, "u0");
    for n in 0..6 {
        b.enter(0, &sid, &format!("c{n}"));
    }
    let (memory, _) = b.seen();
    let id = memory.subscriptions[0].id.clone();
    b.ask(Request::DeleteSubscription { app: app(), id }).unwrap();
    let (memory, reload) = b.seen();
    assert!(memory.ready.iter().chain(&reload.ready).all(|(endpoint, _)| matches!(endpoint, EndpointId::LiveEvents(_))));
    let dead: i64 =
        b.engine.core.store.conn().query_row("SELECT count(*) FROM delivery WHERE state = 2 AND reason = 'endpoint removed'", [], |r| r.get(0)).unwrap();
    assert_eq!(dead, 2, "four were on their way, two waited");
    b.enter(0, &sid, "c9");
    assert_eq!(b.seen().1.ready, reload.ready, "nobody is told any more");
}

#[test]
fn channels_come_back_with_everybody_lost_and_close_when_nobody_returns() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    subscribe(&mut b).unwrap();
    let sid = b.log_on(0, "u0");
    b.enter(0, &sid, "c1");
    b.publish_in(0, &sid, "c1", Media::Audio);
    let join = crate::domain::report::Report::Join { user: UserId::trusted("camera"), role: Role::Streamer, relayed: false };
    b.ask(Request::Report { app: app(), channel: ChannelId::trusted("c1"), reports: vec![join] }).unwrap();
    let before = b.seen().0.channels;
    drop(b);
    let mut b = Bench::open(&folder.0);
    assert_eq!(b.seen().0.channels, before);
    let state = &b.engine.core.state;
    let Some(Link::Lost { until, .. }) = state.link(&sid) else { panic!("it is lost") };
    assert_eq!(state.channels.get(Cid(1)).unwrap().heard_until.values().copied().collect::<Vec<_>>(), [until]);
    // Everybody's time is over.
    let config = b.engine.core.config.rules.clone();
    let mut tx = Tx::new(&mut b.engine.core.state, &config, Millis(0), until);
    session::due(&mut tx, &sid);
    let camera = before[0].1[1].clone();
    crate::domain::report::due(&mut tx, Cid(1), &camera.user, &camera.stay);
    let told: Vec<String> = tx.events.iter().map(|event| format!("{event:?}")).filter(|event| event.contains("Channel(")).collect();
    let expected = ["Unpublished(Audio)", "Left(TimedOut)", "Left(TimedOut)", "Closed"];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    told.iter().zip(expected).for_each(|(told, expected)| assert!(told.contains(expected), "{told} {expected}"));
}

#[test]
fn a_disabled_application_has_no_open_channel_whoever_is_in_it() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    let sid = b.log_on(0, "u0");
    b.enter(0, &sid, "c1");
    for channel in ["c1", "c2"] {
        let join = crate::domain::report::Report::Join { user: UserId::trusted("camera"), role: Role::Streamer, relayed: false };
        b.ask(Request::Report { app: app(), channel: ChannelId::trusted(channel), reports: vec![join] }).unwrap();
    }
    subscribe(&mut b).unwrap();
    b.ask(Request::ChangeApp { app: app(), change: crate::domain::app::AppChange::Disabled(true) }).unwrap();
    let (memory, reload) = b.seen();
    assert_eq!(memory, reload);
    assert!(memory.channels.is_empty(), "{:?}", memory.channels);
    let told = |pattern: &str| -> i64 {
        let count = "SELECT count(*) FROM outbox WHERE payload LIKE ?1";
        b.engine.core.store.conn().query_row(count, [pattern], |r| r.get(0)).unwrap()
    };
    assert_eq!((told("%Left(ChannelClosed)%"), told("Closed")), (3, 2));
}

#[test]
fn who_was_reported_before_the_machine_slept_has_its_whole_time_again() {
    let folder = Folder::new();
    let mut b = bench(&folder);
    let join = crate::domain::report::Report::Join { user: UserId::trusted("camera"), role: Role::Viewer, relayed: false };
    b.ask(Request::Report { app: app(), channel: ChannelId::trusted("c1"), reports: vec![join] }).unwrap();
    let rules = b.engine.core.config.rules.clone();
    let until = |state: &State| *state.channels.get(Cid(1)).unwrap().heard_until.values().next().unwrap();
    let before = until(&b.engine.core.state);
    // It sleeps for longer than that, and wakes up.
    let mut tx = Tx::new(&mut b.engine.core.state, &rules, Millis(0), before.after(1));
    session::woke_up(&mut tx);
    let stay = tx.state.channels.get(Cid(1)).unwrap().participants[&UserId::trusted("camera")].stay.clone();
    crate::domain::report::due(&mut tx, Cid(1), &UserId::trusted("camera"), &stay);
    assert!(tx.events.is_empty(), "{:?}", tx.events);
    assert_eq!(until(tx.state), before.after(1 + rules.lifetimes.silence));
}
