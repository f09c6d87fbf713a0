//! Webhooks of live rooms (`tencent.md` §3.2, §6.1), as the product's own receiver sees them: signed anew at each
//! try, in the order of each room, with the same query and body in every repeat.

use crate::harness::World;
use roomd::{
    domain::{
        AppId, GroupId, UserId,
        app::{AppChange, Webhook},
        request::{Actor, GroupRequest, Origin, Request},
    },
    receiver::{Callback, Keys, Receiver, Verdict},
    tencent::{received, words},
};
use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

const TOKEN: &str = "xxxxyyyy";

/// A world whose application has a webhook with all words.
struct Rooms {
    world: World,
    heard: Arc<Mutex<Vec<Callback>>>,
    answer: Arc<AtomicU16>,
    receiver: Receiver,
}

impl Rooms {
    fn new() -> Rooms {
        let world = World::new();
        let (heard, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU16::new(200)));
        let (all, status) = (heard.clone(), answer.clone());
        let on = move |callback: &Callback| {
            all.lock().unwrap().push(callback.clone());
            status.load(Ordering::SeqCst)
        };
        let keys = Keys::new([], [TOKEN.to_string()]);
        let receiver = Receiver::start((Ipv4Addr::LOCALHOST, 0).into(), world.server.clock.clone(), keys, Box::new(on)).unwrap();
        let rooms = Rooms { world, heard, answer, receiver };
        let words = words::LIVE_WORDS.iter().map(|word| word.to_string()).collect();
        rooms.change(AppChange::CreateLiveWebhook(Webhook { url: rooms.receiver.url(), words }));
        rooms.change(AppChange::LiveToken { token: Some(TOKEN.into()), enabled: Some(true) });
        rooms
    }

    fn app(&self) -> AppId {
        AppId::trusted(&self.world.app.id)
    }

    fn change(&self, change: AppChange) {
        self.world.server.running().handle.call(Request::ChangeApp { app: self.app(), change }).unwrap();
    }

    fn ask(&self, room: &str, what: GroupRequest) {
        let by = Actor { user: "boss".into(), from: Origin::Server { address: Some(Ipv4Addr::new(10, 0, 0, 7).into()) } };
        self.world.server.running().handle.call(Request::Group { app: self.app(), group: GroupId::trusted(room), by, what }).unwrap();
    }

    /// What came since the last look.
    fn news(&self) -> Vec<Callback> {
        self.world.server.settle();
        std::mem::take(&mut *self.heard.lock().unwrap())
    }

    /// The same in words, each rightly signed.
    fn told(&self) -> Vec<String> {
        let line = |callback: &Callback| {
            assert_eq!(callback.verdict, Verdict::Valid);
            received::in_words(&callback.body).unwrap().remove(0)
        };
        self.news().iter().map(line).collect()
    }
}

fn user(id: &str) -> UserId {
    UserId::trusted(id)
}

/// A query parameter as it came.
fn parameter<'a>(callback: &'a Callback, name: &str) -> Option<&'a str> {
    callback.path.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The path without what is made anew at each try.
fn frozen(callback: &Callback) -> (&str, &[u8]) {
    (callback.path.split("&Sign=").next().unwrap(), &callback.body)
}

#[test]
fn a_room_s_life_is_told_in_order_and_signed() {
    let rooms = Rooms::new();
    rooms.world.groups(&["r1"]);
    assert_eq!(rooms.told().len(), 1, "it was made");
    let mut alice = rooms.world.member("alice", "r1");
    rooms.ask("r1", GroupRequest::ChangeOwner { user: user("alice") });
    rooms.ask("r1", GroupRequest::ChangeAdmins { users: vec![user("bob")], add: true, most: 5 });
    rooms.ask("r1", GroupRequest::SetMetadata(vec![("stage".into(), "1".into())]));
    rooms.ask("r1", GroupRequest::DeleteMetadata(vec!["stage".into()]));
    alice.leave("r1");
    let expected = [
        "alice entered room r1",
        "room r1 now has the owner alice, before ",
        "room r1 has new administrators by boss: bob",
        "room r1: metadata set by boss: stage=\"1\"",
        "room r1: metadata deleted by boss: stage",
        "alice left room r1",
    ];
    let told = rooms.told();
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    told.iter().zip(expected).for_each(|(told, expected)| assert!(told.starts_with(expected), "{told}"));
    rooms.ask("r1", GroupRequest::Delete);
    assert_eq!(rooms.told(), ["room r1 was destroyed by boss, seen 1 times"]);
}

#[test]
fn the_query_is_the_documented_one() {
    let rooms = Rooms::new();
    rooms.world.groups(&["r1"]);
    rooms.news();
    rooms.ask("r1", GroupRequest::SetMetadata(vec![("k".into(), "v".into())]));
    rooms.ask("r1", GroupRequest::ChangeAdmins { users: vec![user("bob")], add: true, most: 5 });
    let news = rooms.news();
    let number = rooms.world.sdkappid();
    for (callback, word, who) in [(&news[0], "SetMetadata", "&ClientIP=10.0.0.7&OptPlatform=RESTAPI"), (&news[1], "ModifyAdmin", "")] {
        let delivery = callback.delivery.as_deref().unwrap();
        let expected = format!("/callback?SdkAppid={number}&CallbackCommand=Live.CallbackAfter{word}&contenttype=json{who}&RequestID={delivery}");
        assert_eq!(frozen(callback).0, expected);
        let names: Vec<&str> = callback.path.rsplit('&').take(2).map(|pair| pair.split('=').next().unwrap()).collect();
        assert_eq!(names, ["RequestTime", "Sign"], "they come last");
        let kind = callback.headers.iter().find(|(name, _)| name == "content-type").unwrap();
        assert_eq!(kind.1, "application/json");
    }
    let attempts: Vec<String> = {
        let sql = rooms.world.sql();
        let mut rows = sql.prepare("SELECT url FROM attempt").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert!(!attempts.is_empty() && attempts.iter().all(|url| !url.contains("Sign")), "no signature is kept: {attempts:?}");
}

#[test]
fn none_is_repeated_unless_the_application_wants_it_and_a_repeat_is_signed_anew() {
    let rooms = Rooms::new();
    rooms.world.groups(&["r1"]);
    rooms.news();
    let set = |value: &str| rooms.ask("r1", GroupRequest::SetMetadata(vec![("k".into(), value.into())]));
    rooms.answer.store(500, Ordering::SeqCst);
    set("1");
    set("2");
    rooms.world.advance(60_000);
    let news = rooms.news();
    assert_eq!(news.len(), 2, "each once, and the next is not held back");
    rooms.change(AppChange::AfterRetry(3));
    set("3");
    set("4");
    rooms.world.advance(1_000);
    rooms.world.advance(5_000);
    rooms.answer.store(200, Ordering::SeqCst);
    rooms.world.advance(30_000);
    let news = rooms.news();
    assert_eq!(news.len(), 5);
    let times: Vec<i64> = news.iter().map(|callback| (callback.at.0 - news[0].at.0) / 1_000).collect();
    assert_eq!(times, [0, 1, 6, 36, 36]);
    for repeat in &news[..4] {
        assert_eq!(frozen(repeat), frozen(&news[0]));
        assert_eq!((repeat.delivery.as_ref(), &repeat.verdict), (news[0].delivery.as_ref(), &Verdict::Valid));
        assert_eq!(parameter(repeat, "RequestTime").unwrap(), repeat.at.seconds().to_string());
    }
    assert_ne!(frozen(&news[4]), frozen(&news[0]), "the next one waited for it");
}

#[test]
fn a_crash_loses_none_and_changes_none() {
    let mut rooms = Rooms::new();
    rooms.world.groups(&["r1"]);
    rooms.news();
    rooms.change(AppChange::AfterRetry(3));
    rooms.answer.store(503, Ordering::SeqCst);
    for value in ["1", "2", "3"] {
        rooms.ask("r1", GroupRequest::SetMetadata(vec![("k".into(), value.into())]));
    }
    let before = rooms.news();
    assert_eq!(before.len(), 1, "the others wait for it");
    rooms.world.server.crash();
    rooms.answer.store(200, Ordering::SeqCst);
    rooms.world.advance(1_000);
    let after = rooms.news();
    assert_eq!(frozen(&after[0]), frozen(&before[0]));
    let told: Vec<String> = after.iter().map(|callback| received::in_words(&callback.body).unwrap().remove(0)).collect();
    assert_eq!(told, ["1", "2", "3"].map(|value| format!("room r1: metadata set by boss: k={value:?}")));
}

#[test]
fn what_is_configured_counts_at_each_try() {
    let rooms = Rooms::new();
    rooms.world.groups(&["r1"]);
    rooms.news();
    rooms.change(AppChange::AfterRetry(3));
    rooms.answer.store(500, Ordering::SeqCst);
    rooms.ask("r1", GroupRequest::SetMetadata(vec![("k".into(), "1".into())]));
    rooms.change(AppChange::LiveToken { token: None, enabled: Some(false) });
    let url = format!("{}?shop=7", rooms.receiver.url());
    rooms.change(AppChange::UpdateLiveWebhook(Webhook { url, words: vec![words::DESTROY_ROOM.into()] }));
    rooms.answer.store(200, Ordering::SeqCst);
    rooms.world.advance(1_000);
    let news = rooms.news();
    assert_eq!((news.len(), &news[1].verdict), (2, &Verdict::Unsigned));
    assert_eq!(news[1].path.strip_prefix("/callback?shop=7&"), frozen(&news[0]).0.strip_prefix("/callback?"));
    rooms.ask("r1", GroupRequest::SetMetadata(vec![("k".into(), "2".into())]));
    rooms.ask("r1", GroupRequest::Delete);
    assert_eq!(rooms.news().len(), 1, "only the word that is listed now");
}

#[test]
fn both_clouds_hear_of_the_same_join_each_in_its_spelling() {
    let rooms = Rooms::new();
    rooms.world.groups(&["r1"]);
    rooms.news();
    let mut alice = rooms.world.member("alice", "r1");
    rooms.world.told(&["alice on", "alice join r1"]);
    assert_eq!(rooms.told(), ["alice entered room r1"]);
    alice.leave("r1");
    rooms.world.told(&["alice leave r1"]);
    assert_eq!(rooms.told(), ["alice left room r1"]);
}
