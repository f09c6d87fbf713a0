//! What only a large store shows.

use super::*;
use crate::domain::{
    Epoch, Millis, Tid, UserId,
    app::{App, Audit, LifeCycle},
    endpoint::EndpointId,
    event::Rendered,
    group::Group,
    outbox::{Attempt, DeliveryId},
};
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
        store.freeze(&id(n), &lane, b"p", Millis(1)).unwrap();
        store.add_attempt(&id(n), &attempt).unwrap();
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
    let row = |seq: u64, kind| Message {
        gid,
        seq: Some(seq),
        tid: Tid::trusted(&format!("t{seq}")),
        kind,
        body: "b".into(),
        sender: UserId::trusted("u"),
        sender_info: String::new(),
        client: None,
        weight: 1,
        total: 1,
        at: Millis(seq as i64),
        stored: true,
        cached: true,
        deleted: false,
    };
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

fn an_app(id: &AppId) -> App {
    App {
        id: id.clone(),
        key: "k".into(),
        sign: "s".into(),
        name: String::new(),
        sdkappid: 1,
        administrators: vec![],
        data_center: "cn-shanghai".into(),
        event_callback_url: String::new(),
        audit: Audit::None,
        life_cycle: LifeCycle::Days30,
        disabled: false,
        created: Millis(0),
        modified: Millis(0),
    }
}

fn a_group(app: &AppId, id: &GroupId, gid: Gid) -> Group {
    Group {
        gid,
        app: app.clone(),
        id: id.clone(),
        name: String::new(),
        info: String::new(),
        creator: String::new(),
        admins: vec![],
        created: Millis(0),
        deleted: None,
        epoch: Epoch(1),
        mutes: Default::default(),
    }
}
