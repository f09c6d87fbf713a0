//! What is told of groups, sessions and messages, as it is sent.

use super::*;
use crate::{
    domain::{
        Refusal, SessionId,
        app::ChatSettings,
        event::{Content, DirectEvent, Fate, GroupEvent, InGroup, Joining, Leaving, LogoffReason, MessageEvent, OfflineCause, OnlineCause, SessionEvent, What},
        group::Group,
        kind::GroupKind,
        sending::Dropped,
    },
    fake,
    tencent::{error::Family, received},
};
use serde_json::{Value, json};
use std::sync::Arc;

const AT: Millis = Millis(1_670_574_414_123);

fn app() -> App {
    let words = words::CHAT_WORDS.iter().map(|word| word.to_string()).collect();
    App { chat_webhook: Some(Webhook { url: "http://cb.example.com".into(), words }), sdkappid: 1_400_000_001, ..fake::app("demo") }
}

fn users(names: &[&str]) -> Vec<UserId> {
    names.iter().map(|name| UserId::trusted(name)).collect()
}

fn boss() -> Actor {
    Actor { user: "group_root".into(), from: Origin::Server { address: Some("10.1.2.3".parse().unwrap()) } }
}

fn client(user: &str, device: &str) -> Actor {
    Actor { user: user.into(), from: Origin::Client { address: Some("10.1.2.3".parse().unwrap()), device: device.into() } }
}

fn group() -> Group {
    let mut group = fake::group(1, "demo", "@TGS#2J4SZEAEL");
    (group.kind, group.name, group.owner) = (GroupKind::Public, "MyFirstGroup".into(), "leckie".into());
    group.data = BTreeMap::from([("UserDefined1".into(), "hello".into()), ("UserDefined2".into(), "world".into())]);
    group.room.notice = "NewNotification".into();
    group
}

fn in_group(what: InGroup) -> GroupEvent {
    GroupEvent { app: AppId::trusted("demo"), group: Arc::new(group()), views: 0, at: AT, by: boss(), what }
}

fn changed(how: impl Fn(&mut Group)) -> GroupEvent {
    let mut before = group();
    how(&mut before);
    in_group(InGroup::Changed { before: Arc::new(before) })
}

fn session(what: What, device: &str) -> Event {
    let user = UserId::trusted("testuser316");
    let by = client(user.as_str(), device);
    Event::Session(SessionEvent { app: AppId::trusted("demo"), user, sid: SessionId::trusted("s1"), by, at: AT, what })
}

fn content() -> Content {
    let custom = "your cloud custom data".into();
    Content { random: 123_456, kind: 1, body: "red packet".into(), elements: None, custom, weight: 1, online_only: true }
}

fn message(fate: Fate) -> MessageEvent {
    MessageEvent {
        app: AppId::trusted("demo"),
        group: "@TGS#2J4SZEAEL".into(),
        kind: Some(GroupKind::Public),
        at: AT,
        by: boss(),
        from: "jared".into(),
        content: Arc::new(content()),
        fate,
    }
}

fn direct(fate: Fate) -> Event {
    let content = Arc::new(Content { random: 2_837_546, ..content() });
    let (from, to) = ("jared".into(), "Jonh".into());
    Event::Direct(DirectEvent { app: AppId::trusted("demo"), from, to, at: AT, by: boss(), content, seq: 48_374, fate })
}

/// The one thing that is told of the event, and how.
fn told(event: &Event, app: &App) -> Option<(Rendered, Value)> {
    let mut rendered = render(event, app);
    assert!(rendered.len() < 2, "{rendered:?}");
    let rendered = rendered.pop()?;
    let told = serde_json::from_str(&rendered.payload).unwrap();
    Some((rendered, told))
}

#[test]
fn each_word_is_spelled_as_documented() {
    let file = |what: &str| std::fs::read_to_string(format!("{}/tests/wire/tencent/chat_{what}.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let group = |what| Event::Group(in_group(what));
    for (name, subject, event) in [
        ("state_change_login", "testuser316", session(What::LoggedOn { displaced: Some("ios 15".into()) }, "iOS")),
        ("state_change_timeout", "testuser316", session(What::LoggedOff(LogoffReason::Timeout), "web")),
        ("after_create_group", "@TGS#2J4SZEAEL", group(InGroup::Created { members: users(&["bob", "peter"]) })),
        ("new_member_join", "@TGS#2J4SZEAEL", group(InGroup::Joined { users: users(&["jared", "tommy"]), how: Joining::Invited })),
        ("member_exit", "@TGS#2J4SZEAEL", group(InGroup::Left { users: users(&["jared", "tommy"]), how: Leaving::Kicked })),
        ("group_destroyed", "@TGS#2J4SZEAEL", group(InGroup::Deleted { members: users(&["leckie", "peter", "bob"]) })),
        ("group_full", "@TGS#2J4SZEAEL", group(InGroup::Full)),
        ("group_info_changed", "@TGS#2J4SZEAEL", Event::Group(changed(|before| before.room.notice = "old".into()))),
        ("recall_msg", "@TGS#2J4SZEAEL", group(InGroup::Recalled { seqs: vec![130, 131] })),
        ("on_member_state_change", "@TGS#2J4SZEAEL", group(InGroup::Offline { user: UserId::trusted("jared"), cause: OfflineCause::Interrupted })),
        ("after_send_msg", "@TGS#2J4SZEAEL", Event::Message(message(Fate::Accepted { seq: Some(123), at: Millis(1_670_574_413_999) }))),
        ("send_msg_exception", "@TGS#2J4SZEAEL", Event::Message(message(Fate::Dropped(Dropped::TooMany)))),
        ("c2c_after_send_msg", "Jonh\njared", direct(Fate::Accepted { seq: None, at: AT })),
        ("c2c_after_send_msg_failed", "Jonh\njared", direct(Fate::Rejected(Refusal::Moderated(String::new())))),
    ] {
        let (rendered, _) = told(&event, &app()).unwrap_or_else(|| panic!("{name} is not told"));
        let body = compare(name, &file(name), &rendered.payload);
        assert_eq!((rendered.endpoint, rendered.subject.as_str()), (EndpointId::Chat(AppId::trusted("demo")), subject), "{name}");
        let in_words = received::in_words(body.as_bytes()).unwrap();
        assert!(!in_words[0].contains("Callback") && !in_words[0].contains('?'), "{name} is not told in words: {in_words:?}");
    }
}

#[test]
fn what_is_told_of_a_session() {
    for (what, device, expected) in [
        (What::LoggedOn { displaced: None }, "iPhone", Some(("Login", "Register", "Unknown", json!(null)))),
        (What::LoggedOn { displaced: Some("toaster".into()) }, "IPAD 3", Some(("Login", "Register", "iPad", json!([{ "Platform": "Unknown" }])))),
        (What::LoggedOff(LogoffReason::Normal), "ios", Some(("Logout", "Unregister", "IOS", json!(null)))),
        (What::LoggedOff(LogoffReason::ForcedOff), "web", Some(("Logout", "Unregister", "Web", json!(null)))),
        (What::LoggedOff(LogoffReason::AppDisabled), "web", Some(("Logout", "Unregister", "Web", json!(null)))),
        (What::LoggedOff(LogoffReason::LinkLost), "web", Some(("Disconnect", "LinkClose", "Web", json!(null)))),
        (What::LoggedOff(LogoffReason::Timeout), "web", Some(("Disconnect", "TimeOut", "Web", json!(null)))),
        (What::LoggedOff(LogoffReason::Displaced), "web", None),
        (What::Reconnected(vec![]), "web", None),
    ] {
        let got = told(&session(what.clone(), device), &app()).map(|(_, told)| told);
        let got = got.as_ref().map(|told| {
            let info = &told["body"]["Info"];
            let platform = told["query"].as_str().unwrap().rsplit('=').next().unwrap();
            (info["Action"].as_str().unwrap(), info["Reason"].as_str().unwrap(), platform, told["body"]["KickedDevice"].clone())
        });
        assert_eq!(got, expected, "{what:?}");
    }
}

#[test]
fn of_a_changed_group_four_things_are_told() {
    let body = |event: GroupEvent| told(&Event::Group(event), &app()).map(|(_, told)| told["body"].clone());
    assert_eq!(body(changed(|before| before.room.max_members = 7)), None);
    assert_eq!(body(changed(|before| before.mutes.all = true)), None);
    for (name, event) in [
        ("Name", changed(|before| before.name.clear())),
        ("Introduction", changed(|before| before.info = "old".into())),
        ("Notification", changed(|before| before.room.notice.clear())),
        ("FaceUrl", changed(|before| before.room.cover_url = "http://old".into())),
    ] {
        let body = body(event).unwrap();
        let told: Vec<&String> = body.as_object().unwrap().keys().collect();
        let mut expected = vec!["CallbackCommand", "EventTime", "GroupId", "Operator_Account", "Type", name];
        expected.sort_unstable();
        assert_eq!(told, expected);
    }
}

#[test]
fn who_did_it_and_in_which_kind_of_group() {
    let by = |by: Actor, what| {
        let (_, told) = told(&Event::Group(GroupEvent { by, ..in_group(what) }), &app()).unwrap();
        told["body"].clone()
    };
    let quit = || InGroup::Left { users: users(&["jared"]), how: Leaving::Quit };
    let body = by(Actor::system(), quit());
    assert_eq!((&body["ExitType"], &body["Operator_Account"]), (&json!("Quit"), &json!("jared")), "who goes by itself did it");
    let body = by(client("jared", "web"), InGroup::Joined { users: users(&["jared"]), how: Joining::Applied });
    assert_eq!((&body["JoinType"], &body["Operator_Account"]), (&json!("Apply"), &json!("jared")));
    let body = by(Actor::system(), InGroup::Left { users: users(&["jared"]), how: Leaving::Kicked });
    assert_eq!(body["Operator_Account"], "administrator");
    for (kind, name, has_members) in [
        (GroupKind::Work, "Private", true),
        (GroupKind::Meeting, "ChatRoom", true),
        (GroupKind::AvChatRoom, "AVChatRoom", true),
        (GroupKind::Community, "Community", false),
    ] {
        let group = Arc::new(Group { kind, ..fake::group(1, "demo", "g2") });
        let event = GroupEvent { group, ..in_group(InGroup::Deleted { members: vec![] }) };
        let all: Vec<Value> = render(&Event::Group(event), &app()).iter().map(|told| serde_json::from_str(&told.payload).unwrap()).collect();
        let body = &all[0]["body"];
        assert_eq!((&body["Type"], &body["Name"], body.get("MemberList").is_some()), (&json!(name), &json!("g2"), has_members));
    }
}

#[test]
fn connections_that_are_lost_and_found() {
    let user = || UserId::trusted("jared");
    let mut app = app();
    app.live_webhook = None;
    for (what, expected) in [
        (InGroup::Online { user: user(), cause: OnlineCause::Recovered }, Some("Online")),
        (InGroup::Offline { user: user(), cause: OfflineCause::Interrupted }, Some("Offline")),
        (InGroup::Online { user: user(), cause: OnlineCause::Entered }, None),
        (InGroup::Offline { user: user(), cause: OfflineCause::Left }, None),
        (InGroup::Offline { user: user(), cause: OfflineCause::Removed }, None),
    ] {
        let got = told(&Event::Group(in_group(what)), &app).map(|(_, told)| told["body"]["EventType"].clone());
        assert_eq!(got, expected.map(Value::from));
    }
}

#[test]
fn why_a_message_was_not_said() {
    let group = || "@TGS#2J4SZEAEL".to_string();
    let too_long = Refusal::MessageTooLong { what: "body", bytes: 9, most: 8 };
    for (refusal, expected) in [
        (Refusal::GroupTooFast, 10023),
        (Refusal::NoSuchGroup(group()), 10015),
        (Refusal::GroupDeleted(group()), 10010),
        (Refusal::Muted, 10017),
        (Refusal::Moderated("an advertisement".into()), 80001),
        (Refusal::NotAllowed("speak here".into()), 10007),
        (Refusal::NotInGroup(group()), 10007),
        (Refusal::HookRefused { code: None, info: "no".into() }, 10016),
        (Refusal::HookRefused { code: Some(10_150), info: "no".into() }, 10150),
        (Refusal::HookSilent, 80003),
        (Refusal::NoSuchAccount("x".into()), 10019),
        (too_long, 80002),
    ] {
        let event = Event::Message(MessageEvent { kind: None, by: client("jared", "web"), ..message(Fate::Rejected(refusal.clone())) });
        let (_, told) = told(&event, &app()).unwrap();
        let body = &told["body"];
        assert_eq!(body["ErrorCode"].as_u64(), Some(expected), "{refusal}");
        assert_eq!(body["ErrorInfo"], Family::Group.refusal(&refusal).info);
        assert_eq!((&body["Type"], &body["Operator_Account"]), (&json!(""), &json!("jared")));
        assert!(told["query"].as_str().unwrap().ends_with("&ClientIP=10.1.2.3&OptPlatform=Web"));
    }
    assert_eq!(told(&Event::Message(message(Fate::Dropped(Dropped::Discarded))), &app()), None);
}

#[test]
fn a_message_is_told_as_it_is() {
    let body = |kind, content| {
        let event = MessageEvent { kind: Some(kind), content: Arc::new(content), ..message(Fate::Accepted { seq: None, at: AT }) };
        told(&Event::Message(event), &app()).unwrap().1["body"].clone()
    };
    let said = body(GroupKind::AvChatRoom, Content { custom: String::new(), weight: 1_000_000, ..content() });
    assert_eq!((&said["OnlineOnlyFlag"], &said["MsgPriority"], &said["MsgSeq"]), (&json!(0), &json!("High"), &json!(0)));
    assert_eq!(said.get("CloudCustomData"), None);
    for (weight, expected) in [(i32::MAX, "High"), (999_999, "Normal"), (1, "Normal"), (0, "Low"), (-1, "Lowest"), (i32::MIN, "Lowest")] {
        assert_eq!(body(GroupKind::Public, Content { weight, ..content() })["MsgPriority"], expected);
    }
    let like = body(GroupKind::Public, Content { kind: 10_001, ..content() });
    assert_eq!(like["MsgBody"], json!([{ "MsgContent": { "Data": "red packet", "Ext": "10001" }, "MsgType": "TIMCustomElem" }]));
    // No digit is lost, and no key moved.
    let elements = r#"[{"MsgType":"TIMLocationElem","MsgContent":{"Latitude":29.340656774469956000,"Desc":"x"}}]"#;
    let event =
        MessageEvent { content: Arc::new(Content { elements: Some(elements.into()), ..content() }), ..message(Fate::Accepted { seq: Some(1), at: AT }) };
    assert!(told(&Event::Message(event), &app()).unwrap().0.payload.contains(&format!(r#""MsgBody":{elements},"#)));
}

#[test]
fn what_is_too_long_is_told_without_its_elements() {
    for (bytes, expected) in [(16 * 1024 - 2, false), (16 * 1024 + 1, true)] {
        let failed = |body: String, elements| {
            let too_long = Refusal::MessageTooLong { what: "the message", bytes, most: 12_288 };
            let content = Arc::new(Content { body, elements, ..content() });
            told(&Event::Message(MessageEvent { content, ..message(Fate::Rejected(too_long)) }), &app()).unwrap().1["body"].clone()
        };
        let text = "x".repeat(bytes);
        assert_eq!(failed(text.clone(), None)["MsgBody"] == json!([]), expected);
        assert_eq!(failed(String::new(), Some(format!(r#"["{}"]"#, "x".repeat(bytes - 4))))["MsgBody"] == json!([]), expected);
        assert_eq!(failed(text, None)["ErrorCode"], 80002);
    }
    let custom = |bytes| {
        let content = Arc::new(Content { custom: "x".repeat(bytes), ..content() });
        let told = told(&Event::Message(MessageEvent { content, ..message(Fate::Rejected(Refusal::Muted)) }), &app()).unwrap().1;
        told["body"]["CloudCustomData"].as_str().unwrap().len()
    };
    assert_eq!((custom(16 * 1024), custom(16 * 1024 + 1)), (16 * 1024, 0));
    let nameless = MessageEvent { group: "\u{e9}".repeat(500), kind: None, ..message(Fate::Rejected(Refusal::NoSuchGroup("x".into()))) };
    let (rendered, told) = told(&Event::Message(nameless), &app()).unwrap();
    assert_eq!((rendered.subject.chars().count(), told["body"]["GroupId"].as_str().unwrap()), (128, rendered.subject.as_str()));
}

#[test]
fn messages_to_one_user_that_failed() {
    for (fate, expected) in [
        (Fate::Rejected(Refusal::Moderated("no".into())), Some(80001)),
        (Fate::Rejected(Refusal::MessageTooLong { what: "body", bytes: 9, most: 8 }), Some(93000)),
        (Fate::Rejected(Refusal::HookRefused { code: None, info: String::new() }), None),
        (Fate::Rejected(Refusal::HookSilent), None),
        (Fate::Dropped(Dropped::Discarded), None),
    ] {
        let got = told(&direct(fate.clone()), &app()).map(|(_, told)| told["body"].clone());
        assert_eq!(
            got.as_ref().map(|body| (body["SendMsgResult"].clone(), body["UnreadMsgNum"].clone())),
            expected.map(|code| (json!(code), json!(-1))),
            "{fate:?}"
        );
    }
}

#[test]
fn the_time_of_an_event_as_text() {
    let text = App { chat: ChatSettings { event_time_as_string: true, ..ChatSettings::default() }, ..app() };
    for (app, expected) in [(app(), json!(1_670_574_414_123_i64)), (text, json!("1670574414123"))] {
        for event in
            [Event::Message(message(Fate::Dropped(Dropped::TooMany))), session(What::LoggedOn { displaced: None }, ""), Event::Group(in_group(InGroup::Full))]
        {
            assert_eq!(told(&event, &app).unwrap().1["body"]["EventTime"], expected);
        }
    }
}

#[test]
fn who_listed_a_word_hears_of_it_once() {
    let webhook = |words: &[&str]| Some(Webhook { url: "http://cb.example.com".into(), words: words.iter().map(|word| word.to_string()).collect() });
    let said = Event::Message(message(Fate::Accepted { seq: Some(1), at: AT }));
    let failed = Event::Message(message(Fate::Dropped(Dropped::TooMany)));
    let (chat, live) = (EndpointId::Chat(AppId::trusted("demo")), EndpointId::LiveRooms(AppId::trusted("demo")));
    let after = words::AFTER_SEND_MSG;
    for (chat_words, live_words, event, expected) in [
        (webhook(&[after]), webhook(&[after]), &said, Some(&chat)),
        (webhook(&[words::SEND_MSG_EXCEPTION]), webhook(&[after]), &said, Some(&live)),
        (None, webhook(&[after]), &said, Some(&live)),
        (webhook(&[after]), None, &said, Some(&chat)),
        (webhook(&[]), webhook(&[]), &said, None),
        (None, None, &said, None),
        // Only two words are shared.
        (None, webhook(&[words::SEND_MSG_EXCEPTION]), &failed, None),
        (webhook(&[words::SEND_MSG_EXCEPTION]), None, &failed, Some(&chat)),
    ] {
        let app = App { chat_webhook: chat_words, live_webhook: live_words, ..fake::app("demo") };
        assert_eq!(told(event, &app).map(|(rendered, _)| rendered.endpoint).as_ref(), expected);
    }
}

#[test]
fn a_live_room_is_told_of_in_both_ways() {
    let words = words::LIVE_WORDS.iter().map(|word| word.to_string()).collect();
    let app = App { live_webhook: Some(Webhook { url: "http://live.example.com".into(), words }), ..app() };
    let of = |kind| {
        let group = Arc::new(Group { kind, ..group() });
        let told = render(&Event::Group(GroupEvent { group, ..in_group(InGroup::Created { members: vec![] }) }), &app);
        told.into_iter().map(|told| told.endpoint).collect::<Vec<_>>()
    };
    let (chat, live) = (EndpointId::Chat(AppId::trusted("demo")), EndpointId::LiveRooms(AppId::trusted("demo")));
    assert_eq!(of(GroupKind::AvChatRoom), [live, chat.clone()]);
    assert_eq!(of(GroupKind::Public), [chat]);
}
