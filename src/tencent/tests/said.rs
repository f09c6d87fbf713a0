//! What is said in groups (`tencent.md` §5.2, §5.3).

use super::*;
use crate::domain::{
    AppId, GroupId, Refusal,
    app::Webhook,
    ask::Ask,
    message::{HistoryPage, Message},
};
use std::sync::atomic::Ordering;

const SEND: &str = "group_open_http_svc/send_group_msg";
const NOTIFY: &str = "group_open_http_svc/send_group_system_notification";

fn message(text: &str) -> Value {
    json!({"GroupId": "g1", "Random": 7, "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}]})
}

/// All that is kept of the group, the newest first.
fn kept(server: &Server, group: &str) -> Vec<Message> {
    let page = HistoryPage { up_to: None, limit: 1_000, deleted: true };
    server.fake.history(&AppId::trusted("demo"), &GroupId::trusted(group), &page).unwrap().unwrap()
}

#[test]
fn a_message_is_what_was_asked_for() {
    let server = Server::new();
    server.make("g1", "Public", &["ann"]);
    let sent = server.group("send_group_msg", message("hello"));
    assert_eq!(sent, json!({"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0, "MsgTime": 1_700_000_000, "MsgSeq": 1}));
    let full = json!({
        "From_Account": "ann", "Random": 8, "MsgPriority": "High", "CloudCustomData": "own", "SupportMessageExtension": 1, "TopicId": "",
        "GroupAtInfo": [{"GroupAtAllFlag": 1}, {"GroupAtAllFlag": 0, "GroupAt_Account": "bob"}, {"GroupAt_Account": "bob"}],
        "SendMsgControl": ["NoUnread", "NoLastMsg", "Other"], "OfflinePushInfo": {"PushFlag": 0},
        "ForbidCallbackControl": ["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"],
    });
    assert_eq!(server.group("send_group_msg", but(&message("b"), full))["MsgSeq"], 2);
    let kept = kept(&server, "g1");
    let one = &kept[1];
    assert_eq!((one.sender.as_str(), one.body.as_str(), one.kind, one.weight, one.random, &one.options), (ADMINISTRATOR, "hello", 1, 1, Some(7), &None));
    let two = &kept[0];
    assert_eq!((two.sender.as_str(), two.weight, two.random, two.custom.as_str()), ("ann", 1_000_000, Some(8), "own"));
    assert_eq!(two.options.as_deref(), Some(r#"{"at":["@all","bob"],"no_unread":true,"no_last":true,"extension":true}"#));
    assert_eq!(two.elements.as_deref(), Some(r#"[{"MsgContent":{"Text":"b"},"MsgType":"TIMTextElem"}]"#));
}

#[test]
fn what_is_for_those_who_are_there_is_not_kept() {
    let server = Server::new();
    server.make("g1", "Public", &["ann"]);
    server.room("r1");
    let online_only = but(&message("x"), json!({"OnlineOnlyFlag": 1}));
    assert_eq!(server.group("send_group_msg", online_only.clone())["MsgSeq"], 0);
    assert_eq!(server.group("send_group_msg", but(&online_only, json!({"OnlineOnlyFlag": 0})))["MsgSeq"], 1);
    assert_eq!(server.group("send_group_msg", but(&online_only, json!({"GroupId": "r1"})))["MsgSeq"], 1, "the flag means nothing in a live room");
    assert_eq!((kept(&server, "g1").len(), kept(&server, "r1").len()), (1, 1));
}

#[test]
fn a_bad_message_is_not_sent() {
    let server = Server::new();
    server.make("g1", "Public", &["ann"]);
    server.room("r1");
    let at = |n: usize| json!({"GroupAtInfo": vec![json!({"GroupAtAllFlag": 0, "GroupAt_Account": "ann"}); n]});
    let bad = [
        json!({"GroupId": null}),
        json!({"GroupId": 1}),
        json!({"Random": null}),
        json!({"Random": "7"}),
        json!({"Random": 4_294_967_296u64}),
        json!({"MsgBody": null}),
        json!({"MsgBody": []}),
        json!({"MsgBody": {}}),
        json!({"MsgBody": [{"MsgType": "TIMOtherElem", "MsgContent": {}}]}),
        json!({"MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {}}]}),
        json!({"From_Account": 1}),
        json!({"From_Account": "x".repeat(65)}),
        json!({"MsgPriority": "high"}),
        json!({"OnlineOnlyFlag": true}),
        json!({"ForbidCallbackControl": "ForbidAfterSendMsgCallback"}),
        json!({"SendMsgControl": [1]}),
        json!({"CloudCustomData": {}}),
        json!({"OfflinePushInfo": "x"}),
        json!({"To_Account": vec!["u"; 51]}),
        json!({"SupportMessageExtension": 2}),
        json!({"TopicId": "t"}),
        json!({"GroupAtInfo": [{"GroupAtAllFlag": 0}]}),
    ];
    server.refuses(SEND, 10004, bad.into_iter().map(|change| but(&message("x"), change)));
    server.refuses(SEND, 10053, [but(&message("x"), at(31))]);
    assert_eq!(server.code(SEND, but(&message("x"), at(30))), 0);
    server.refuses(SEND, 10007, [but(&message("x"), json!({"GroupId": "r1", "To_Account": ["ann"]}))]);
    let long = "x".repeat(65);
    server.refuses(SEND, 10015, ["never", "", "a\n", &long].map(|id| but(&message("x"), json!({"GroupId": id}))));
    server.group("forbid_send_msg", json!({"GroupId": "g1", "Members_Account": ["ann"], "MuteTime": 60}));
    server.refuses(SEND, 10017, [but(&message("x"), json!({"From_Account": "ann"}))]);
    server.group("destroy_group", json!({"GroupId": "g1"}));
    server.refuses(SEND, 10010, [message("x")]);
    for (refusal, code) in [
        (Refusal::NoSuchAccount("u".into()), 10019),
        (Refusal::GroupTooFast, 10023),
        (Refusal::HookRefused { code: None, info: "no".into() }, 10016),
        (Refusal::HookRefused { code: Some(10_199), info: "no".into() }, 10_199),
        (Refusal::HookSilent, 80003),
        (Refusal::Moderated("rude".into()), 80001),
        (Refusal::MessageTooLong { what: "message", bytes: 2, most: 1 }, 80002),
    ] {
        *server.fake.refuse.lock().unwrap() = Some(refusal);
        assert_eq!(server.code(SEND, message("x")), code);
    }
}

#[test]
fn the_business_may_be_asked_first() {
    let words = |words: &[&str]| Some(Webhook { url: "http://a.example".into(), words: words.iter().map(ToString::to_string).collect() });
    for (chat, live, patient) in [
        (None, None, false),
        (words(&["Group.CallbackAfterSendMsg"]), words(&["Live.CallbackBeforeSendGift"]), false),
        (words(&["Group.CallbackBeforeSendMsg"]), None, true),
        (None, words(&["Group.CallbackBeforeSendMsg"]), true),
    ] {
        let server = Server::new();
        server.make("g1", "Public", &["ann"]);
        server.app(App { chat_webhook: chat, live_webhook: live, ..fake::app("demo") });
        server.group("send_group_msg", message("x"));
        assert_eq!(server.fake.patient.load(Ordering::Relaxed) > 0, patient);
    }
}

#[test]
fn the_business_may_tell_something_itself() {
    let server = Server::new();
    server.make("g1", "Public", &["ann"]);
    server.room("r1");
    let notice = json!({"GroupId": "g1", "Content": "hello"});
    server.group("send_group_system_notification", notice.clone());
    server.group("send_group_system_notification", but(&notice, json!({"ToMembers_Account": ["ann"]})));
    server.group("send_group_system_notification", but(&notice, json!({"GroupId": "r1", "ToMembers_Account": []})));
    assert!(kept(&server, "g1").is_empty());
    server.refuses(
        NOTIFY,
        10004,
        [but(&notice, json!({"Content": null})), but(&notice, json!({"Content": ""})), but(&notice, json!({"ToMembers_Account": "ann"}))],
    );
    server.refuses(NOTIFY, 10005, [but(&notice, json!({"ToMembers_Account": vec!["u"; 501]}))]);
    server.refuses(NOTIFY, 10007, [but(&notice, json!({"GroupId": "r1", "ToMembers_Account": ["ann"]}))]);
    server.refuses(NOTIFY, 10015, [but(&notice, json!({"GroupId": "never"}))]);
    server.refuses(NOTIFY, 80002, [but(&notice, json!({"Content": "x".repeat(12_289)}))]);
}

#[test]
fn everybody_in_a_live_room_may_be_told() {
    let server = Server::new();
    for room in ["r1", "r2"] {
        server.room(room);
    }
    server.make("g1", "Public", &["ann"]);
    let everybody = but(&message("x"), json!({"GroupId": null, "From_Account": "ann"}));
    let answer = server.group("send_broadcast_msg", everybody.clone());
    assert_eq!(answer["MsgSeq"], server.clock.now().seconds());
    assert_eq!(["r1", "r2", "g1"].map(|group| kept(&server, group).len()), [0; 3], "nothing of it is kept");
    let path = "group_open_http_svc/send_broadcast_msg";
    server.refuses(path, 10004, [but(&everybody, json!({"Random": null})), but(&everybody, json!({"MsgBody": []}))]);
}
