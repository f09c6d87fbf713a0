//! Questions as they are sent, and answers as they come.

use super::*;
use crate::{
    domain::{
        AppId, GroupId,
        app::Webhook,
        endpoint::EndpointId,
        event::Content,
        group::Group,
        kind::{GroupKind, NewMember},
        request::{NewGroup, Origin},
    },
    fake,
};
use std::{collections::BTreeMap, sync::Arc};

const AT: Millis = Millis(1_670_574_414_123);

fn app(words: &[&str]) -> App {
    let words = words.iter().map(|word| word.to_string()).collect();
    App { chat_webhook: Some(Webhook { url: "http://cb.example.com".into(), words }), ..fake::app("demo") }
}

fn boss() -> Actor {
    Actor { user: "group_root".into(), from: Origin::Server { address: Some("10.1.2.3".parse().unwrap()) } }
}

fn group() -> Arc<Group> {
    Arc::new(Group { kind: GroupKind::Public, ..fake::group(1, "demo", "@TGS#2J4SZEAEL") })
}

fn content(random: u32) -> Arc<Content> {
    let custom = "your cloud custom data".into();
    Arc::new(Content { random, kind: 1, body: "red packet".into(), elements: None, custom, weight: 1, online_only: true })
}

fn user(name: &str) -> UserId {
    UserId::trusted(name)
}

fn message() -> Before {
    Before::Message { group: group(), from: user("jared"), content: content(123_456) }
}

fn all() -> Vec<(&'static str, HookKind, Before)> {
    let member = |name| NewMember { user: user(name), admin: false, data: BTreeMap::new() };
    let new = NewGroup {
        name: "MyFirstGroup".into(),
        owner: "leckie".into(),
        kind: GroupKind::Public,
        members: vec![member("bob"), member("peter")],
        ..NewGroup::default()
    };
    let (from, to) = (user("jared"), user("Jonh"));
    vec![
        ("before_send_msg", HookKind::Message, message()),
        ("c2c_before_send_msg", HookKind::Direct, Before::Direct { from, to, content: content(2_837_546), seq: 48_374 }),
        ("before_create_group", HookKind::Create, Before::Create { group: GroupId::trusted("g"), new: Arc::new(new), count: 123 }),
        ("before_apply_join", HookKind::Apply, Before::Apply { group: group(), user: user("jared") }),
        ("before_invite_join", HookKind::Invite, Before::Invite { group: group(), users: vec![user("jared"), user("tommy")] }),
    ]
}

#[test]
fn each_question_is_spelled_as_documented() {
    for (name, kind, before) in all() {
        let golden = std::fs::read_to_string(format!("{}/tests/wire/tencent/chat_{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let by = match kind {
            HookKind::Apply => {
                let from = Origin::Client { address: Some("10.1.2.3".parse().unwrap()), device: "android".into() };
                Actor { user: "jared".into(), from }
            }
            _ => boss(),
        };
        let call = call(&before, &by, &app(words::CHAT_WORDS), AT).unwrap();
        assert_eq!((call.endpoint, call.kind), (EndpointId::Chat(AppId::trusted("demo")), kind), "{name}");
        webhook::tests::same(name, &golden, &call.query, std::str::from_utf8(&call.body).unwrap());
    }
}

#[test]
fn who_did_not_list_the_word_is_not_asked() {
    for (name, _, before) in all() {
        assert_eq!(call(&before, &boss(), &app(&[words::AFTER_SEND_MSG]), AT), None, "{name}");
    }
    let live = App { live_webhook: app(&[words::BEFORE_SEND_MSG]).chat_webhook, ..fake::app("demo") };
    let asked = call(&message(), &boss(), &live, AT).unwrap();
    assert_eq!(asked.endpoint, EndpointId::LiveRooms(AppId::trusted("demo")), "live rooms have this word as well");
}

fn refuse(code: Option<u32>, info: &str) -> HookAnswer {
    HookAnswer::Refuse { code, info: info.into() }
}

fn proceed() -> HookAnswer {
    HookAnswer::Proceed { rewritten: Rewritten::default(), without: vec![] }
}

#[test]
fn what_a_code_means() {
    use HookKind::*;
    let none = HookAnswer::NoAnswer;
    for (kind, answer, expected) in [
        (Message, r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}"#, proceed()),
        (Message, r#"{"ErrorCode":1,"ErrorInfo":"no\nads"}"#, refuse(None, "noads")),
        (Message, r#"{"ErrorCode":2}"#, HookAnswer::Discard),
        (Direct, r#"{"ErrorCode":2}"#, HookAnswer::Discard),
        (Create, r#"{"ErrorCode":2}"#, refuse(None, "")),
        (Apply, r#"{"ErrorCode":2}"#, refuse(None, "")),
        (Message, r#"{"ErrorCode":10100,"ErrorInfo":"x"}"#, refuse(Some(10_100), "x")),
        (Invite, r#"{"ErrorCode":10200}"#, refuse(Some(10_200), "")),
        (Message, r#"{"ErrorCode":10099}"#, refuse(None, "")),
        (Message, r#"{"ErrorCode":10201}"#, refuse(None, "")),
        (Message, r#"{"ErrorCode":120001}"#, refuse(None, "")),
        (Direct, r#"{"ErrorCode":120001}"#, refuse(Some(120_001), "")),
        (Direct, r#"{"ErrorCode":130000,"ErrorInfo":7}"#, refuse(Some(130_000), "")),
        (Direct, r#"{"ErrorCode":10150}"#, refuse(None, "")),
        (Message, r#"{"ActionStatus":"FAIL","ErrorCode":0}"#, proceed()),
        (Message, r#"{"ErrorCode":"0"}"#, proceed()),
        (Message, r#"{"ErrorCode":" 1 "}"#, refuse(None, "")),
        (Message, r#"{"ErrorCode":0.0}"#, proceed()),
        (Message, r#"{"ErrorCode":10150.0}"#, refuse(Some(10_150), "")),
        (Message, r#"{"ErrorCode":0.5}"#, refuse(None, "")),
        (Message, r#"{"ErrorCode":-1}"#, refuse(None, "")),
        (Message, r#"{"ErrorCode":-10150}"#, refuse(None, "")),
        (Message, r#"{"ErrorCode":1e300}"#, refuse(None, "")),
        (Message, r#"{"ErrorCode":4294967296}"#, refuse(None, "")),
        (Message, r#"{"ErrorCode":1,"ErrorCode":0}"#, proceed()),
        (Message, "\u{feff}{\"ErrorCode\":1}", refuse(None, "")),
        (Message, " {\"ErrorCode\" : 0 }\r\n", proceed()),
        (Message, r#"{"ErrorCode":null}"#, none.clone()),
        (Message, r#"{"ErrorCode":true}"#, none.clone()),
        (Message, r#"{"ErrorCode":[0]}"#, none.clone()),
        (Message, r#"{"ErrorCode":"no"}"#, none.clone()),
        (Message, r#"{"ErrorCode":""}"#, none.clone()),
        (Message, r#"{"ActionStatus":"OK"}"#, none.clone()),
        (Message, r#"{"errorcode":0}"#, none.clone()),
        (Message, "{}", none.clone()),
        (Message, "[]", none.clone()),
        (Message, "0", none.clone()),
        (Message, "ok", none.clone()),
        (Message, "", none.clone()),
        (Message, r#"{"ErrorCode":0"#, none.clone()),
        (Message, r#"{"ErrorCode":0} x"#, none.clone()),
        (Message, "<html>ErrorCode: 1</html>", none.clone()),
    ] {
        assert_eq!(read(kind, 200, answer.as_bytes()), expected, "{kind:?} {answer}");
    }
    for status in [0, 201, 204, 302, 404, 500] {
        assert_eq!(read(Message, status, br#"{"ErrorCode":1}"#), none, "{status}");
    }
    assert_eq!(read(Message, 200, b"\xff{\"ErrorCode\":1}"), none);
    let long = |bytes: usize| format!(r#"{{"ErrorCode":1,"x":"{}"}}"#, "x".repeat(bytes - 22));
    assert_eq!((long(64 * 1024).len(), read(Message, 200, long(64 * 1024).as_bytes())), (64 * 1024, refuse(None, "")));
    assert_eq!(read(Message, 200, long(64 * 1024 + 1).as_bytes()), none);
    let deep = format!(r#"{{"ErrorCode":1,"x":{}"#, "[".repeat(30_000));
    assert_eq!(read(Message, 200, deep.as_bytes()), none);
    let info = format!(r#"{{"ErrorCode":1,"ErrorInfo":"{}"}}"#, "\u{8bcd}".repeat(300));
    assert_eq!(read(Message, 200, info.as_bytes()), refuse(None, &"\u{8bcd}".repeat(200)));
}

#[test]
fn what_is_put_in_a_messages_place() {
    let text = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"***"}}]"#;
    let place = r#"[{"MsgType":"TIMLocationElem","MsgContent":{"Latitude":29.3406567744699560}}]"#;
    let elements = |json: &str, body: &str| Some((json.to_string(), body.to_string()));
    for (fields, expected, custom) in [
        (format!(r#""MsgBody":{text}"#), elements(text, "***"), None),
        (format!(r#""MsgBody": {place} ,"CloudCustomData":"c""#), elements(place, place), Some("c")),
        (r#""CloudCustomData":"""#.into(), None, Some("")),
        (format!(r#""MsgBody":{text},"CloudCustomData":7"#), elements(text, "***"), None),
        (r#""CloudCustomData":{"a":1}"#.into(), None, None),
        (r#""MsgBody":null,"CloudCustomData":null"#.into(), None, None),
        (r#""MsgBody":[]"#.into(), None, None),
        (r#""MsgBody":"text""#.into(), None, None),
        (r#""MsgBody":{}"#.into(), None, None),
        (r#""MsgBody":[{"MsgType":"TIMTextElem"}],"CloudCustomData":"c""#.into(), None, Some("c")),
        (r#""MsgBody":[{"MsgType":"TIMOther","MsgContent":{}}]"#.into(), None, None),
    ] {
        let answer = format!(r#"{{"ErrorCode":0,{fields}}}"#);
        let rewritten = Rewritten { elements: expected, custom: custom.map(str::to_owned) };
        for kind in [HookKind::Message, HookKind::Direct] {
            assert_eq!(read(kind, 200, answer.as_bytes()), HookAnswer::Proceed { rewritten: rewritten.clone(), without: vec![] }, "{answer}");
        }
        assert_eq!(read(HookKind::Create, 200, answer.as_bytes()), proceed(), "a group has no elements");
    }
}

#[test]
fn who_is_not_to_come() {
    for (fields, expected) in [
        (r#""RefusedMembers_Account":["jared","tommy"]"#, vec!["jared", "tommy"]),
        (r#""RefusedMembers_Account":["jared",7,"",null,{"Member_Account":"x"}]"#, vec!["jared"]),
        (r#""RefusedMembers_Account":[]"#, vec![]),
        (r#""RefusedMembers_Account":"jared""#, vec![]),
        (r#""RefusedMembers_Account":null"#, vec![]),
    ] {
        let answer = format!(r#"{{"ErrorCode":0,{fields}}}"#);
        let without = expected.into_iter().map(user).collect();
        assert_eq!(read(HookKind::Invite, 200, answer.as_bytes()), HookAnswer::Proceed { rewritten: Rewritten::default(), without }, "{answer}");
        assert_eq!(read(HookKind::Apply, 200, answer.as_bytes()), proceed(), "{answer}");
    }
}
