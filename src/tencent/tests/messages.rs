//! What is said in a room in a user's name (`tencent.md` §4, §5.3).

use super::*;
use crate::domain::{
    AppId, GroupId, Refusal,
    app::Audit,
    ask::Ask,
    message::{Message, MessagePage},
};
use std::sync::atomic::Ordering;

const TEXT: &str = "live_engine_http_srv/send_text_msg";
const CUSTOM: &str = "live_engine_http_srv/send_custom_msg";

fn text(text: &str) -> Value {
    json!({"RoomId": "r1", "Sender_Account": "ann", "TextContent": text})
}

/// With a room and users that there are.
fn with_users() -> Server {
    let server = Server::new();
    server.room("r1");
    server.account("ann");
    server.account("bob");
    server
}

/// All that is kept of the room, the oldest first.
fn kept(server: &Server) -> Vec<Message> {
    let page = MessagePage { ascending: true, kind: None, begin: None, end: None, after: None, limit: 1_000 };
    server.fake.messages(&AppId::trusted("demo"), &GroupId::trusted("r1"), &page).unwrap().unwrap().messages
}

#[test]
fn a_message_has_a_body_and_elements() {
    let server = with_users();
    let sent = server.response("send_text_msg", but(&text("hello \"é\""), json!({"ExtensionInfo": r#"{"a":1}"#})));
    assert_eq!(sent, json!({"MsgTime": 1_700_000_000, "MsgSeq": 1}));
    let sent = server.response("send_custom_msg", json!({"RoomId": "r1", "BusinessId": "like", "Data": "{\"n\": 1}"}));
    assert_eq!(sent, json!({"MsgTime": 1_700_000_000, "MsgSeq": 2}));
    server.response("send_custom_msg", json!({"RoomId": "r1", "Sender_Account": "bob", "BusinessId": "b", "Data": ""}));
    let kept = kept(&server);
    let one = |n: usize| (kept[n].sender.as_str(), kept[n].kind, kept[n].body.as_str(), kept[n].custom.as_str());
    assert_eq!(one(0), ("ann", 1, "hello \"é\"", r#"{"a":1}"#));
    assert_eq!(kept[0].elements.as_deref(), Some(r#"[{"MsgContent":{"Text":"hello \"é\""},"MsgType":"TIMTextElem"}]"#));
    let elements = r#"[{"MsgContent":{"Data":"{\"BusinessId\":\"like\",\"Data\":\"{\\\"n\\\": 1}\"}"},"MsgType":"TIMCustomElem"}]"#;
    assert_eq!(one(1), ("administrator", 1, elements, ""));
    assert_eq!(kept[1].elements.as_deref(), Some(elements));
    assert_eq!(kept[2].sender.as_str(), "bob");
}

#[test]
fn a_bad_message_is_not_sent() {
    let server = with_users();
    server.refuses(
        TEXT,
        100002,
        [
            but(&text("x"), json!({"RoomId": null})),
            but(&text("x"), json!({"Sender_Account": null})),
            but(&text("x"), json!({"Sender_Account": ""})),
            but(&text("x"), json!({"Sender_Account": "x".repeat(33)})),
            but(&text("x"), json!({"TextContent": null})),
            but(&text("x"), json!({"TextContent": 1})),
            but(&text("x"), json!({"ExtensionInfo": {"a": 1}})),
            text(""),
        ],
    );
    let custom = json!({"RoomId": "r1", "BusinessId": "b", "Data": "d"});
    server.refuses(
        CUSTOM,
        100002,
        [
            but(&custom, json!({"BusinessId": null})),
            but(&custom, json!({"BusinessId": ""})),
            but(&custom, json!({"Data": null})),
            but(&custom, json!({"Data": {}})),
            but(&custom, json!({"Sender_Account": 1})),
        ],
    );
    server.refuses(TEXT, 100004, [but(&text("x"), json!({"RoomId": "none"}))]);
    server.refuses(CUSTOM, 100004, [but(&custom, json!({"RoomId": "none"}))]);

    // 12 KiB with all around it, and what the sender added.
    let around = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": ""}}]).to_string().len();
    let longest = "x".repeat(12_288 - around);
    server.refuses(TEXT, 80002, [text(&format!("{longest}x")), but(&text(&longest), json!({"ExtensionInfo": "x"})), text(&"x".repeat(100_000))]);
    assert_eq!(server.code(TEXT, text(&longest)), 0);
}

#[test]
fn mutes_of_the_sender_count() {
    let server = with_users();
    server.response("mute_member", json!({"RoomId": "r1", "MemberList_Account": ["ann"], "MuteTime": u32::MAX}));
    server.refuses(TEXT, 10017, [text("x")]);
    server.refuses(CUSTOM, 10017, [json!({"RoomId": "r1", "Sender_Account": "ann", "BusinessId": "b", "Data": ""})]);
    server.response("update_room_info", json!({"RoomInfo": {"RoomId": "r1", "IsMessageDisabled": true}}));
    server.refuses(TEXT, 10017, [but(&text("x"), json!({"Sender_Account": "bob"}))]);
    assert_eq!(server.code(TEXT, but(&text("x"), json!({"Sender_Account": ADMINISTRATOR}))), 0, "the owner");
}

#[test]
fn too_many_in_a_second_are_dropped_and_yet_no_error() {
    let server = with_users();
    for n in 1..=40 {
        assert_eq!(server.response("send_text_msg", text("x")), json!({"MsgTime": 1_700_000_000, "MsgSeq": n}));
    }
    let dropped = server.response("send_text_msg", text("x"));
    assert_eq!(dropped, json!({"MsgTime": 1_700_000_000, "MsgSeq": 0, "MsgDropReason": "MsgFreqCtrl"}));
    assert_eq!(kept(&server).len(), 40);
}

#[test]
fn what_is_moderated_may_wait() {
    for (audit, moderate_servers, expected) in [(Audit::None, true, 0), (Audit::Custom("http://a.example".into()), true, 1), (Audit::BuiltIn, false, 0)] {
        let server = Server::with(Rules { moderate_servers, ..Rules::default() }, false);
        server.app(App { audit, ..fake::app("demo") });
        server.account("ann");
        server.room("r1");
        assert_eq!(server.code(TEXT, text("x")), 0);
        assert_eq!(server.fake.patient.load(Ordering::Relaxed), expected);
        *server.fake.refuse.lock().unwrap() = Some(Refusal::Moderated("rude".into()));
        let answer = server.call(TEXT, text("x"));
        assert_eq!((code(&answer), answer["ErrorInfo"].as_str().unwrap()), (80001, "refused by moderation: rude"));
        *server.fake.refuse.lock().unwrap() = Some(Refusal::Busy);
        assert_eq!(server.code(TEXT, text("x")), 100001);
    }
}
