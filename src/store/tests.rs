//! What only the store shows: pages of lists, and what takes many rows.

use super::*;
use crate::domain::{
    Millis, SubscriptionId,
    app::{App, ChatSettings, OnSilence, RateMode, Webhook, WebhookToken},
    direct::Direct,
    endpoint::EndpointId,
    event::Rendered,
    group::{Group, MemberKind},
    kind::{GroupKind, JoinOption},
    mute::Until,
    outbox::{Attempt, DeliveryId, Frozen},
    request::{AttemptPage, PageStart},
    room::Room,
};
use crate::fake;
use std::sync::Arc;

/// A store in a folder of its own, with an endpoint that is told of things.
fn told(name: &str) -> (std::path::PathBuf, Store, EndpointId) {
    let folder = std::env::temp_dir().join(format!("roomd-{name}-{}", std::process::id()));
    let store = Store::open(&folder).unwrap();
    store.begin().unwrap();
    (folder, store, EndpointId::LiveEvents(AppId::trusted("a")))
}

fn event(lane: &EndpointId, user: usize) -> Rendered {
    Rendered { endpoint: lane.clone(), subject: format!("u{user}"), payload: "p".into() }
}

#[test]
fn a_purge_takes_old_and_surplus_deliveries_and_leaves_what_waits_or_is_frozen() {
    let (folder, store, lane) = told("purge");
    let attempt = Attempt { at: Millis(1), url: "u".into(), result: Ok(200), took_ms: 1, answer: vec![] };
    let id = |n: usize| DeliveryId(format!("d{n}").into());
    for n in 0..6 {
        store.add_event(&event(&lane, n), Millis(1)).unwrap();
        store.take(&lane, &id(n)).unwrap();
        store.freeze(&id(n), &lane, &Frozen { query: String::new(), body: b"p".to_vec() }, Millis(1)).unwrap();
        store.add_attempt(&id(n), &lane, &attempt).unwrap();
    }
    for (n, dead, ended) in [(0, None, 100), (1, Some("why"), 100), (2, None, 2_000), (3, Some("why"), 2_000), (4, None, 2_000)] {
        store.finish(&id(n), &lane, dead, Millis(ended)).unwrap();
    }
    // Waiting events of 1970 stay: their stamp says nothing, only their number counts.
    assert!(store.add_event(&event(&lane, 7), Millis(0)).unwrap());
    assert!(!store.add_event(&event(&lane, 5), Millis(0)).unwrap(), "its subject is held by the frozen one");
    let gone = store.purge_callbacks(Millis(1_000), 100, 100).unwrap();
    assert_eq!((gone.delivered, gone.dead, gone.waiting, gone.more), (1, 1, 0, false));
    let gone = store.purge_callbacks(Millis(1_000), 2, 100).unwrap();
    assert_eq!((gone.delivered, gone.dead, gone.waiting), (1, 1, 0), "only the newest two places are kept");
    assert_eq!(store.frozen(None).unwrap().into_iter().map(|f| f.id).collect::<Vec<_>>(), [id(5)]);
    let left: i64 = store.conn().query_row("SELECT count(*) FROM attempt", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 2, "tries go with their deliveries");
    let gone = store.purge_callbacks(Millis(0), 100, 1).unwrap();
    assert_eq!((gone.waiting, gone.ready), (1, vec![(lane.clone(), 0)]), "the oldest that waits behind too many");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn of_a_subject_no_more_is_ready_than_a_delivery_takes_also_when_those_are_purged() {
    let (folder, store, _) = told("backlog");
    let lane = EndpointId::Subscription(AppId::trusted("a"), SubscriptionId::trusted("s"));
    let id = |n: usize| DeliveryId(format!("d{n}").into());
    let ready: Vec<bool> = (0..250).map(|_| store.add_event(&event(&lane, 0), Millis(1)).unwrap()).collect();
    assert_eq!(ready.iter().filter(|ready| **ready).count(), 100);
    assert!(ready[99] && !ready[100], "the first are");
    let gone = store.purge_callbacks(Millis(0), 100, 200).unwrap();
    assert_eq!((gone.waiting, gone.ready), (50, vec![(lane.clone(), 100)]), "others are ready in the place of those");
    for (n, taken, freed) in [(0, 100, 100), (1, 100, 0), (2, 0, 0)] {
        let found = store.take(&lane, &id(n)).unwrap();
        assert_eq!((found.events.len(), found.fewer_ready), (taken, taken as u64));
        if taken > 0 {
            assert!(!store.add_event(&event(&lane, 0), Millis(1)).unwrap(), "its subject is held");
            store.conn().execute("DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox)", []).unwrap();
            assert_eq!(store.finish(&id(n), &lane, None, Millis(2)).unwrap(), freed);
        }
    }
    assert!(store.add_event(&event(&lane, 0), Millis(1)).unwrap(), "nothing waits before it");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn webhooks_of_rooms_take_one_event_each_and_say_the_same_at_each_try() {
    let (folder, store, _) = told("one-each");
    let lane = EndpointId::LiveRooms(AppId::trusted("a"));
    let id = |n: usize| DeliveryId(format!("d{n}").into());
    let add = |subject: usize| store.add_event(&event(&lane, subject), Millis(1)).unwrap();
    assert_eq!([0, 0, 1, 0].map(add), [true, false, true, false], "of a subject one is ready");
    let take = |n: usize| {
        let taken = store.take(&lane, &id(n)).unwrap();
        (taken.events.into_iter().map(|(subject, _)| subject).collect::<Vec<_>>(), taken.fewer_ready)
    };
    assert_eq!((take(0), take(1), take(2)), ((vec!["u0".into()], 1), (vec!["u1".into()], 1), (vec![], 0)));
    assert!(!add(1), "its subject is held");
    let frozen = Frozen { query: "a=1&b=%20".into(), body: b"{}".to_vec() };
    store.freeze(&id(0), &lane, &frozen, Millis(1)).unwrap();
    let attempt = Attempt { at: Millis(1), url: "u".into(), result: Ok(500), took_ms: 1, answer: vec![] };
    for tries in 0..2 {
        assert_eq!(store.thaw(&id(0)).unwrap(), Some((frozen.clone(), tries)));
        store.add_attempt(&id(0), &lane, &attempt).unwrap();
    }
    // Those who are told have no place in the list of tries of subscriptions.
    let listed: i64 = store.conn().query_row("SELECT count(*) FROM attempt WHERE app IS NOT NULL", [], |row| row.get(0)).unwrap();
    assert_eq!(listed, 0);
    assert_eq!(store.finish(&id(0), &lane, Some("why"), Millis(2)).unwrap(), 1, "one of the two that wait behind it");
    assert_eq!(store.thaw(&id(0)).unwrap(), None);
    assert_eq!((take(3), take(4)), ((vec!["u0".into()], 1), (vec![], 0)));
    let waiting = store.next_waiting(&lane).unwrap();
    assert_eq!(waiting.iter().map(|(_, (subject, _))| subject.as_str()).collect::<Vec<_>>(), ["u0"], "also when nothing is ready");
    store.bury(&id(5), &lane, &frozen, &[waiting[0].0], "why", Millis(2)).unwrap();
    assert_eq!(store.next_waiting(&lane).unwrap()[0].1.0, "u1");
    let gone = store.purge_callbacks(Millis(0), 100, 0).unwrap();
    assert_eq!((gone.waiting, gone.ready), (1, vec![(lane, 0)]));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn tries_of_subscriptions_are_listed_by_time_and_page() {
    let (folder, store, live) = told("attempts");
    let lane = |id: &str| EndpointId::Subscription(AppId::trusted("a"), SubscriptionId::trusted(id));
    for (n, (endpoint, at)) in [(lane("s1"), 10), (lane("s2"), 20), (lane("s1"), 30), (live, 20), (lane("s1"), 40)].into_iter().enumerate() {
        let id = DeliveryId(format!("d{n}").into());
        let frozen = Frozen { query: String::new(), body: format!("body {n}").into_bytes() };
        store.freeze(&id, &endpoint, &frozen, Millis(1)).unwrap();
        for result in [Err("refused".to_owned()), Ok(200)] {
            store.add_attempt(&id, &endpoint, &Attempt { at: Millis(at), url: "u".into(), result, took_ms: 3, answer: vec![] }).unwrap();
        }
    }
    store.commit().unwrap();
    let reader = Reader::open(&folder).unwrap();
    let page = |subscription: Option<&str>, from: i64, to: i64, skip: u64, limit: u32| {
        let page =
            AttemptPage { app: AppId::trusted("a"), subscription: subscription.map(SubscriptionId::trusted), from: Millis(from), to: Millis(to), skip, limit };
        let found = reader.attempts(&page).unwrap();
        (found.attempts.iter().map(|a| format!("{} {} {:?}", a.subscription, a.body, a.status)).collect::<Vec<_>>(), found.more)
    };
    let rows =
        |rows: &[(&str, usize)]| -> Vec<String> { rows.iter().flat_map(|(s, n)| [format!("{s} body {n} None"), format!("{s} body {n} Some(200)")]).collect() };
    assert_eq!(page(None, 0, 100, 0, 10), (rows(&[("s1", 0), ("s2", 1), ("s1", 2), ("s1", 4)]), false));
    assert_eq!(page(Some("s1"), 0, 100, 0, 4), (rows(&[("s1", 0), ("s1", 2)]), true));
    assert_eq!(page(Some("s1"), 0, 100, 4, 4), (rows(&[("s1", 4)]), false));
    assert_eq!(page(None, 20, 30, 0, 4), (rows(&[("s2", 1), ("s1", 2)]), false));
    assert_eq!(page(Some("s3"), 0, 100, 0, 4), (vec![], false));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_purge_with_much_to_do_says_that_there_is_more() {
    let (folder, store, lane) = told("purge-much");
    for n in 0..700 {
        store.add_event(&event(&lane, n), Millis(1)).unwrap();
    }
    let gone = store.purge_callbacks(Millis(0), 100, 100).unwrap();
    assert_eq!((gone.waiting, gone.more, gone.ready), (500, true, vec![(lane.clone(), 200)]));
    let gone = store.purge_callbacks(Millis(0), 100, 100).unwrap();
    assert_eq!((gone.waiting, gone.more, gone.ready), (100, false, vec![(lane, 100)]));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_filter_without_hits_ends_early_and_goes_on_where_it_ended() {
    let folder = std::env::temp_dir().join(format!("roomd-store-{}", std::process::id()));
    let store = Store::open(&folder).unwrap();
    let (app, group, gid) = (AppId::trusted("a"), GroupId::trusted("g"), Gid(1));
    let row = |seq: u64, kind| Message { kind, ..fake::message(gid.0, seq) };
    store.begin().unwrap();
    store.write(&Change::App(Arc::new(an_app(&app)))).unwrap();
    store.write(&Change::Group(Arc::new(a_group(&app, &group, gid)))).unwrap();
    for seq in 1..=20_010 {
        store.write(&Change::Message(Arc::new(row(seq, if seq == 20_005 { 7 } else { 1 })))).unwrap();
    }
    store.commit().unwrap();

    let reader = Reader::open(&folder).unwrap();
    let ask = |ascending, kind, begin, after, limit| {
        let page = MessagePage { ascending, kind, begin, end: None, after, limit };
        let found = reader.messages(&app, &group, &page).unwrap().unwrap();
        (found.messages.iter().filter_map(|m| m.seq).collect::<Vec<_>>(), found.next)
    };
    assert_eq!(ask(true, Some(7), None, None, 10), (vec![], Some(20_000)));
    assert_eq!(ask(true, Some(7), None, Some(20_000), 10), (vec![20_005], None));
    assert_eq!(ask(false, Some(7), None, None, 10), (vec![20_005], Some(11)));
    assert_eq!(ask(false, None, Some(Millis(20_008)), None, 2), (vec![20_010, 20_009], Some(20_009)));
    assert_eq!(ask(false, None, None, Some(3), 2), (vec![2, 1], None));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_store_of_the_first_version_is_brought_to_the_present_one_with_all_that_it_holds() {
    let folder = std::env::temp_dir().join(format!("roomd-store-first-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let old = Connection::open(folder.join(FILE)).unwrap();
    old.execute_batch(schema::MIGRATIONS[0]).unwrap();
    old.execute_batch(
        "INSERT INTO mark VALUES ('key');
         INSERT INTO app VALUES ('a', 'k', 's', '', 1, '[]', 'cn-shanghai', '', 0, '', 30, 0, 0, 0);
         INSERT INTO grp VALUES (7, 'a', 'g', '', '', '', '[]', 0, NULL, NULL, 1, 1, '[\"u1\"]', '[\"u2\"]', 0);
         INSERT INTO counter VALUES (7, 3, 2, '{\"1\":3}');
         INSERT INTO session VALUES ('s1', 'a', 'u1', 'd', 'hello', '', 5);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
         INSERT INTO outbox (endpoint, subject, payload, at, ready) SELECT 'live:a', 'u' || (i > 130), 'p', 0, 1 FROM n;
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let state = Store::open(&folder).unwrap().load().unwrap();
    assert!(state.had_keys);
    assert_eq!(state.lanes[&EndpointId::LiveEvents(AppId::trusted("a"))].ready, 100 + 20, "no more of one subject than a delivery takes");
    let session = &state.sessions.values().next().unwrap().session;
    assert_eq!((&*session.info, &*session.login_info), ("hello", "hello"));
    let group = state.group(Gid(7)).unwrap();
    let mutes = &group.config.mutes;
    assert_eq!((mutes.all, mutes.users.len(), mutes.except.len(), group.counters.top), (true, 1, 1, 3));
    assert_eq!(state.next_gid(), Gid(8));
    // And it is as good as a new one.
    let again = Store::open(&folder).unwrap();
    again.write(&Change::GroupGone(Gid(7))).unwrap();
    drop(again);
    assert_eq!(Store::open(&folder).unwrap().load().unwrap().next_gid(), Gid(8), "a number is not given again");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_store_from_before_there_were_live_rooms_keeps_its_groups_mutes_and_sessions() {
    let folder = std::env::temp_dir().join(format!("roomd-store-third-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let old = Connection::open(folder.join(FILE)).unwrap();
    schema::MIGRATIONS[..3].iter().for_each(|migration| old.execute_batch(migration).unwrap());
    old.execute_batch(
        "INSERT INTO app VALUES ('young', 'k', 's', '', 8, '[\"boss\"]', 'cn-shanghai', '', 0, '', 30, 0, 9, 9);
         INSERT INTO app VALUES ('old', 'k', 's', '', 7, '[\"administrator\"]', 'cn-shanghai', 'http://a.example/', 0, '', 30, 0, 0, 0);
         INSERT INTO grp VALUES (1, 'old', 'g', 'Name', 'info', 'maker', '[\"a1\"]', 5000, NULL, NULL, 77, 1, '[\"u1\",\"u2\"]', '[\"u3\"]', 0);
         INSERT INTO grp VALUES (2, 'old', 'gone', '', '', '', '[]', 5000, 6000, 'boss', 78, 0, '[]', '[]', 0);
         INSERT INTO counter VALUES (1, 3, 2, '{\"1\":3}');
         INSERT INTO session VALUES ('s1', 'old', 'u1', 'd', 'seen', 'admin', 5, 'said');
         INSERT INTO member VALUES (1, 'u1', 's1', 0, 5, 1);
         INSERT INTO message VALUES (4294967296 + 3, 1, 1, 5, 1, 1, 0, 1, 3, 't3', 'u1', NULL, '', 'hello');
         INSERT INTO channel VALUES (4, 'old', 'c');
         INSERT INTO participant VALUES (4, 'u1', 'stay', 's1', 1, 3, 2);
         INSERT INTO subscription VALUES ('sub', 'old', 'http://a.example/', NULL, '[]', 1, 1, 5, 5, 1);
         INSERT INTO outbox (endpoint, subject, payload, at, ready, delivery) VALUES ('live:old', 'u1', 'p', 0, 0, 'd1');
         INSERT INTO outbox (endpoint, subject, payload, at, ready) VALUES ('live:old', 'u2', 'p', 0, 1);
         INSERT INTO delivery VALUES (1, 'd1', 'live:old', x'626f6479', 5, 1, 0, NULL, NULL);
         INSERT INTO attempt (delivery, n, at, url, status, took, answer) VALUES ('d1', 1, 5, 'http://a.example/', 500, 3, x'');
         PRAGMA user_version = 3;",
    )
    .unwrap();
    drop(old);
    // Twice: what was brought over is read again as it was written.
    for _ in 0..2 {
        let store = Store::open(&folder).unwrap();
        let state = store.load().unwrap();
        let app = &state.apps["old"];
        assert!(app.live_webhook.is_none() && app.live_token.is_none() && app.after_retry == 0);
        assert!(app.chat_webhook.is_none() && app.chat_token.is_none() && app.chat == ChatSettings::default());
        assert_eq!((&app.administrators[..], app.sdkappid), (&["administrator".to_string()][..], 7));
        assert!(app.order < state.apps["young"].order, "the order in which they were made");
        let group = state.group(Gid(1)).unwrap();
        let Group { owner, admins, mutes, bans, room, metadata, epoch, .. } = &*group.config;
        assert_eq!((owner.as_str(), &admins[..], *epoch), ("maker", &[UserId::trusted("a1")][..], crate::domain::Epoch(77)));
        let muted: Vec<_> = mutes.users.iter().map(|(user, until)| (user.as_str(), *until)).collect();
        assert_eq!((mutes.all, muted), (true, vec![("u1", Until::Forever), ("u2", Until::Forever)]), "as they were: until somebody unmutes them");
        assert!(mutes.except.contains("u3") && bans.is_empty() && metadata.is_empty());
        assert_eq!(*room, Room::default(), "and everybody sees it in the list of rooms");
        assert_eq!((group.counters.top, group.counters.joins, group.members.len()), (3, 2, 1));
        assert_eq!(state.group(Gid(2)).unwrap().config.deleted, Some((Millis(6_000), "boss".into())));
        let session = &state.sessions.values().next().unwrap().session;
        assert_eq!((&*session.info, &*session.login_info, &*session.role), ("seen", "said", "admin"));
        assert!(session.address.is_none() && !session.away);
        assert_eq!(state.lanes[&EndpointId::LiveEvents(AppId::trusted("old"))].ready, 1);
        assert_eq!((state.channels_of(&session.sid).len(), state.subscriptions_of(&AppId::trusted("old")).len()), (1, 1));
        let (frozen, tries) = store.thaw(&DeliveryId("d1".into())).unwrap().expect("it was under way");
        assert_eq!((&*frozen.query, &*frozen.body, tries), ("", &b"body"[..], 1), "to be sent as it was begun");
        let page = MessagePage { ascending: true, kind: None, begin: None, end: None, after: None, limit: 10 };
        let found = Reader::open(&folder).unwrap().messages(&AppId::trusted("old"), &GroupId::trusted("g"), &page).unwrap().unwrap();
        assert_eq!(found.messages.iter().map(|m| (&*m.body, m.elements.is_none(), &*m.custom)).collect::<Vec<_>>(), [("hello", true, "")]);
        store.begin().unwrap();
        store.write(&Change::Group(group.config.clone())).unwrap();
        store.write(&Change::App(app.clone())).unwrap();
        store.commit().unwrap();
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_application_is_read_as_it_was_written() {
    let (folder, store, _) = told("app");
    let webhook = |url: &str, word: &str| Some(Webhook { url: url.into(), words: vec![word.into(), "other".into()] });
    let token = |token: &str| Some(WebhookToken { token: token.into(), enabled: true });
    let settings =
        ChatSettings { rate_mode: RateMode::Reject, auto_import: true, event_time_as_string: true, on_silence: OnSilence::Refuse, tell_refused: false };
    let app = an_app(&AppId::trusted("a"));
    for app in [
        App { chat_webhook: webhook("http://chat/", "c"), chat_token: token("ct"), chat: settings, ..app.clone() },
        App { live_webhook: webhook("http://live/", "l"), live_token: token("lt"), after_retry: 3, ..app.clone() },
        App { chat_token: Some(WebhookToken { token: "kept".into(), enabled: false }), ..app },
    ] {
        store.write(&Change::App(Arc::new(app.clone()))).unwrap();
        assert_eq!(store.load().unwrap().apps["a"].as_ref(), &app);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn groups_are_listed_by_the_page_in_the_order_in_which_they_were_made() {
    let folder = std::env::temp_dir().join(format!("roomd-store-groups-{}", std::process::id()));
    let store = Store::open(&folder).unwrap();
    let app = AppId::trusted("a");
    store.begin().unwrap();
    for other in ["a", "b"] {
        let app = App { sdkappid: u32::from(other == "b"), ..an_app(&AppId::trusted(other)) };
        store.write(&Change::App(Arc::new(app))).unwrap();
    }
    // 1 to 9 in turn for a and b; of those of a, 5 is deleted.
    for n in 1..=9 {
        let app = AppId::trusted(if n % 2 == 1 { "a" } else { "b" });
        let group = Group { deleted: (n == 5).then(|| (Millis(1), "x".into())), ..a_group(&app, &GroupId::trusted(&format!("g{n}")), Gid(n)) };
        store.write(&Change::Group(Arc::new(group))).unwrap();
    }
    store.commit().unwrap();
    let reader = Reader::open(&folder).unwrap();
    let (all, alive, gone) = (None, Some(false), Some(true));
    for (ascending, deleted, from, limit, numbers, next, total) in [
        (true, all, PageStart::After(None), 3, &[1, 3, 5][..], Some(5), 5),
        (true, all, PageStart::After(Some(5)), 3, &[7, 9], None, 5),
        (false, all, PageStart::After(None), 3, &[9, 7, 5], Some(5), 5),
        (false, all, PageStart::After(Some(5)), 2, &[3, 1], None, 5),
        (true, alive, PageStart::After(None), 10, &[1, 3, 7, 9], None, 4),
        (true, gone, PageStart::After(None), 1, &[5], None, 1),
        (true, all, PageStart::Skip(3), 3, &[7, 9], None, 5),
        (false, alive, PageStart::Skip(1), 2, &[7, 3], Some(3), 4),
        (true, all, PageStart::Skip(u64::MAX), 3, &[], None, 5),
    ] {
        let page = GroupPage { app: app.clone(), ascending, deleted, kind: None, from, limit };
        let found = reader.groups(&page).unwrap();
        let got: Vec<i64> = found.groups.iter().map(|g| g.gid.0).collect();
        assert_eq!((&got[..], found.next, found.total), (numbers, next, total), "{page:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

fn an_app(id: &AppId) -> App {
    fake::app(id.as_str())
}

fn a_group(app: &AppId, id: &GroupId, gid: Gid) -> Group {
    fake::group(gid.0, app.as_str(), id.as_str())
}

#[test]
fn a_store_from_before_there_were_chat_groups_has_live_rooms_and_members_that_are_there() {
    let folder = std::env::temp_dir().join(format!("roomd-store-fourth-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let old = Connection::open(folder.join(FILE)).unwrap();
    schema::MIGRATIONS[..4].iter().for_each(|migration| old.execute_batch(migration).unwrap());
    old.execute_batch(
        "INSERT INTO app (id, key, sign, name, sdkappid, administrators, data_center, event_callback_url, audit_type, audit_url, life_cycle, disabled, created, modified, ord)
         VALUES ('a', 'k', 's', '', 7, '[\"administrator\"]', 'cn-shanghai', '', 0, '', 30, 0, 0, 0, 1);
         INSERT INTO grp (gid, app, id, name, info, creator, admins, created, epoch, muted_all, muted, unmuted) VALUES (1, 'a', 'g', '', '', '', '[]', 0, 1, 0, '[]', '[]');
         INSERT INTO session (sid, app, user, device, info, role, started) VALUES ('s1', 'a', 'u1', '', '', '', 5);
         INSERT INTO member VALUES (1, 'u1', 's1', 0, 6, 1);
         INSERT INTO message (id, gid, kind, at, stored, cached, deleted, weight, total, tid, sender, client, info, body)
         VALUES (4294967297, 1, 1, 9, 1, 1, 0, 1, 1, 't1', 'u1', NULL, '', 'hi');
         INSERT INTO direct VALUES ('a', 'u1', 'd1', 9, 1, 1, 'u2', '', 'hello');
         PRAGMA user_version = 4;",
    )
    .unwrap();
    drop(old);
    let store = Store::open(&folder).unwrap();
    let state = store.load().unwrap();
    let group = state.group(Gid(1)).unwrap();
    assert_eq!((group.config.kind, group.config.join_option, group.present.len()), (GroupKind::AvChatRoom, JoinOption::Free, 1));
    assert_eq!(group.in_order()[0].kind, MemberKind::Live);
    assert!(state.accounts.is_empty() && !state.sessions.values().next().unwrap().session.usersig);
    let app = &state.apps[&AppId::trusted("a")];
    assert_eq!((&app.chat_webhook, app.chat.tell_refused, app.chat.auto_import), (&None, true, false));
    let reader = Reader::open(&folder).unwrap();
    let said = reader.history(&app.id, &group.config.id, &HistoryPage { up_to: None, limit: 9, deleted: true }).unwrap().unwrap();
    assert_eq!((said[0].body.as_str(), said[0].random, said[0].random()), ("hi", None, crate::domain::message::number_of(&Tid::trusted("t1"))));
    let between =
        DirectPage { app: app.id.clone(), one: UserId::trusted("u1"), other: UserId::trusted("u2"), from: Millis(0), to: Millis(99), before: None, limit: 9 };
    assert_eq!(reader.directs(&between).unwrap().messages[0].body, "hello");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_two_users_said_is_listed_newest_first_and_page_by_page() {
    let folder = std::env::temp_dir().join(format!("roomd-store-directs-{}", std::process::id()));
    let store = Store::open(&folder).unwrap();
    store.begin().unwrap();
    for (n, from, to, at, stored) in [
        (1, "c", "b", 9, false),
        (1, "a", "b", 10, true),
        (2, "b", "a", 10, true),
        (3, "a", "b", 11, true),
        (4, "a", "c", 12, true),
        (5, "b", "a", 12, false),
        (6, "a", "b", 20, true),
    ] {
        let direct = Direct {
            app: AppId::trusted("demo"),
            receiver: UserId::trusted(to),
            tid: Tid::trusted(&format!("t{n}")),
            kind: 1,
            body: n.to_string(),
            elements: Some("[]".into()),
            custom: "c".into(),
            options: None,
            seq: n,
            random: 7,
            sender: UserId::trusted(from),
            sender_info: String::new(),
            at: Millis(at),
            stored,
            ack: None,
        };
        store.write(&Change::Direct(Arc::new(direct))).unwrap();
    }
    store.commit().unwrap();
    let reader = Reader::open(&folder).unwrap();
    let list = |from: i64, to: i64, before: Option<&str>, limit: u32| {
        let (one, other) = (UserId::trusted("b"), UserId::trusted("a"));
        let before = before.map(Tid::trusted);
        let found = reader.directs(&DirectPage { app: AppId::trusted("demo"), one, other, from: Millis(from), to: Millis(to), before, limit }).unwrap();
        (found.messages.iter().map(|m| m.seq).collect::<Vec<_>>(), found.more)
    };
    assert_eq!(list(0, 99, None, 9), (vec![6, 3, 2, 1], false));
    assert_eq!(list(0, 99, None, 2), (vec![6, 3], true));
    assert_eq!(list(0, 99, Some("t3"), 1), (vec![2], true));
    assert_eq!(list(0, 99, Some("t2"), 9), (vec![1], false));
    assert_eq!(list(10, 11, None, 9), (vec![3, 2, 1], false));
    assert_eq!(list(12, 19, None, 9), (vec![], false), "what is not stored is not listed");
    std::fs::remove_dir_all(&folder).unwrap();
}
