//! What is told of live rooms, as it is sent.

use super::*;
use crate::{
    domain::{
        UserId,
        app::Webhook,
        event::{GroupEvent, InGroup, OfflineCause, OnlineCause},
        room::{Room, TakeSeatMode},
    },
    fake,
    tencent::{
        received,
        webhook::live::{render, word},
        words,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;

fn app() -> App {
    let words = words::LIVE_WORDS.iter().map(|word| word.to_string()).collect();
    App { live_webhook: Some(Webhook { url: "http://cb.example.com".into(), words }), sdkappid: 1_400_000_001, ..fake::app("demo") }
}

fn event(what: InGroup) -> GroupEvent {
    let room = Room {
        notice: "hush".into(),
        cover_url: "http://img.example.com/1.png".into(),
        categories: vec![1, 2],
        activity_status: 3,
        public: false,
        max_members: 200,
        seats: true,
        take_seat_mode: TakeSeatMode::Apply,
        max_seats: 8,
        unlimited: true,
        seat_layout: 1,
    };
    let mut group = fake::group(1, "demo", "room1");
    (group.name, group.info, group.owner) = ("Brigg's \"room\"".into(), "{\"a\":1}".into(), "alice".into());
    (group.room, group.mutes.all, group.created) = (room, true, Millis(1_669_872_000_999));
    let by = Actor { user: "boss".into(), from: Origin::Server { address: Some("10.1.2.3".parse().unwrap()) } };
    GroupEvent { app: AppId::trusted("demo"), group: Arc::new(group), views: 42, at: Millis(1_669_872_112_345), by, what }
}

#[test]
fn each_word_is_spelled_as_documented() {
    let user = || UserId::trusted("bob");
    let all: &[(&str, &str, InGroup)] = &[
        ("create_room", include_str!("../../../../tests/wire/tencent/webhook_create_room.json"), created()),
        ("destroy_room", include_str!("../../../../tests/wire/tencent/webhook_destroy_room.json"), deleted()),
        ("update_room_info", include_str!("../../../../tests/wire/tencent/webhook_update_room_info.json"), changed()),
        (
            "member_online",
            include_str!("../../../../tests/wire/tencent/webhook_member_online.json"),
            InGroup::Online { user: user(), cause: OnlineCause::Entered },
        ),
        (
            "member_offline",
            include_str!("../../../../tests/wire/tencent/webhook_member_offline.json"),
            InGroup::Offline { user: user(), cause: OfflineCause::Removed },
        ),
        ("change_owner", include_str!("../../../../tests/wire/tencent/webhook_change_owner.json"), InGroup::OwnerChanged { from: "alice".into(), to: user() }),
        (
            "modify_admin",
            include_str!("../../../../tests/wire/tencent/webhook_modify_admin.json"),
            InGroup::AdminsChanged { users: vec![user(), UserId::trusted("carol")], added: true },
        ),
        (
            "set_metadata",
            include_str!("../../../../tests/wire/tencent/webhook_set_metadata.json"),
            InGroup::MetadataSet(vec![("stage".into(), "1".into()), ("color".into(), "r\u{e9}d".into())]),
        ),
        (
            "del_metadata",
            include_str!("../../../../tests/wire/tencent/webhook_del_metadata.json"),
            InGroup::MetadataDeleted(vec!["stage".into(), "color".into()]),
        ),
        ("reaching_threshold", include_str!("../../../../tests/wire/tencent/webhook_reaching_threshold.json"), InGroup::NearLimit { groups: 7, most: 10 }),
    ];
    for (name, golden, what) in all {
        let rendered = render(&event(what.clone()), &app()).unwrap();
        let body = compare(name, golden, &rendered.payload);
        assert_eq!((rendered.endpoint, rendered.subject.as_str()), (EndpointId::LiveRooms(AppId::trusted("demo")), "room1"), "{name}");
        assert!(words::LIVE_WORDS.contains(&word(what).unwrap()), "{name}");
        let told = received::in_words(body.as_bytes()).unwrap();
        assert!(Some(told[0].as_str()) != word(what) && !told[0].contains('?'), "{name} is not told in words: {told:?}");
    }
}

#[test]
fn every_cause_has_its_word() {
    let user = || UserId::trusted("bob");
    let states = [
        (InGroup::Online { user: user(), cause: OnlineCause::Entered }, "Online", "Enter"),
        (InGroup::Online { user: user(), cause: OnlineCause::Recovered }, "Online", "HeartbeatRecover"),
        (InGroup::Offline { user: user(), cause: OfflineCause::Left }, "Offline", "Leave"),
        (InGroup::Offline { user: user(), cause: OfflineCause::Interrupted }, "Offline", "HeartbeatInterrupt"),
        (InGroup::Offline { user: user(), cause: OfflineCause::Removed }, "Offline", "Kicked"),
    ];
    for (what, kind, cause) in states {
        let told: Value = serde_json::from_str(&render(&event(what), &app()).unwrap().payload).unwrap();
        assert_eq!((told["body"]["EventType"].as_str(), told["body"]["EventCause"].as_str()), (Some(kind), Some(cause)));
    }
    let told: Value = serde_json::from_str(&render(&event(InGroup::AdminsChanged { users: vec![], added: false }), &app()).unwrap().payload).unwrap();
    assert_eq!(told["body"]["opType"], "delete");
}

#[test]
fn only_who_listed_the_word_hears_of_it() {
    let mut app = app();
    app.live_webhook.as_mut().unwrap().words = vec![words::CREATE_ROOM.into()];
    assert!(render(&event(created()), &app).is_some() && render(&event(deleted()), &app).is_none());
    app.live_webhook.as_mut().unwrap().words.clear();
    assert_eq!(render(&event(created()), &app), None);
    app.live_webhook = None;
    assert_eq!(render(&event(created()), &app), None);
}

#[test]
fn whose_doing_it_was() {
    let client = |device: &str| Origin::Client { address: None, device: device.into() };
    let v6 = Some("2001:db8::1".parse().unwrap());
    for (from, expected) in [
        (Origin::Server { address: None }, "&OptPlatform=RESTAPI"),
        (Origin::Server { address: v6 }, "&ClientIP=2001%3Adb8%3A%3A1&OptPlatform=RESTAPI"),
        (Origin::Server { address: Some("::ffff:10.0.0.7".parse().unwrap()) }, "&ClientIP=10.0.0.7&OptPlatform=RESTAPI"),
        (Origin::Client { address: v6, device: "web".into() }, "&ClientIP=2001%3Adb8%3A%3A1&OptPlatform=Web"),
        (client("android-7"), "&OptPlatform=Android"),
        (client("IOS 17"), "&OptPlatform=iOS"),
        (client("windows"), "&OptPlatform=Windows"),
        (client("MacBook"), "&OptPlatform=Mac"),
        (client("iPad"), "&OptPlatform=iPad"),
        (client("phone"), "&OptPlatform=Unknown"),
        (client("w\u{e9}b"), "&OptPlatform=Unknown"),
        (client(""), "&OptPlatform=Unknown"),
        (Origin::System, "&OptPlatform=Unknown"),
    ] {
        let by = Actor { user: String::new(), from };
        let told: Value = serde_json::from_str(&render(&GroupEvent { by, ..event(changed()) }, &app()).unwrap().payload).unwrap();
        let query = told["query"].as_str().unwrap();
        assert_eq!(query.strip_prefix("SdkAppid=1400000001&CallbackCommand=Live.CallbackAfterUpdateRoomInfo&contenttype=json"), Some(expected));
        assert_eq!(told["body"]["Operator_Account"], "administrator", "nobody in particular");
    }
}

#[test]
fn a_room_without_a_name_is_called_by_its_id() {
    let mut nameless = event(created());
    nameless.group = Arc::new(fake::group(1, "demo", "room2"));
    let told: Value = serde_json::from_str(&render(&nameless, &app()).unwrap().payload).unwrap();
    assert_eq!((&told["body"]["RoomInfo"]["RoomName"], &told["body"]["RoomInfo"]["Owner_Account"]), (&json!("room2"), &json!("")));
}

fn created() -> InGroup {
    InGroup::Created { members: Vec::new() }
}

fn deleted() -> InGroup {
    InGroup::Deleted { members: Vec::new() }
}

fn changed() -> InGroup {
    InGroup::Changed { before: std::sync::Arc::new(crate::fake::group(1, "demo", "room-1")) }
}
