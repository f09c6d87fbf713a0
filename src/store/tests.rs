//! What only a large store shows.

use super::*;
use crate::domain::{
    Epoch, Millis, Tid, UserId,
    app::{App, Audit, LifeCycle},
    group::Group,
};
use std::sync::Arc;

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
        let page = MessagePage { app: app.clone(), group: group.clone(), ascending, kind, begin, end: None, after, limit };
        let found = reader.messages(&page).unwrap().unwrap();
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
        muted_all: false,
        muted: Default::default(),
        unmuted: Default::default(),
    }
}
