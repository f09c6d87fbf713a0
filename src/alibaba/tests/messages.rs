//! Messages of groups and to one user: sent, listed, taken back (`alibaba.md` §2.4).

use super::*;
use crate::domain::Refusal;
use std::sync::atomic::Ordering;

#[test]
fn messages_are_sent_and_listed_page_by_page() {
    let server = Server::new();
    server.group("g1");
    server.fake.join("demo", "u1", 1);
    let group: &[(&str, &str)] = &[("AppId", "demo"), ("GroupId", "g1")];
    for n in 1..=25 {
        let (tid, body) = (format!("t{n}"), format!("{{\"n\":\"{n} +*\"}}"));
        let more: &[(&str, &str)] =
            &[("SenderId", "s1"), ("SenderMetaInfo", "Ann"), ("MsgTid", &tid), ("Body", &body), ("Weight", "5"), ("NoStorage", "False")];
        assert_eq!(fields(server.call("SendLiveMessageGroup", &[group, more].concat())), json!({"MsgTid": tid}));
    }
    server.call("SendLiveMessageGroup", &[group, &[("SenderId", "s1"), ("NoStorage", "True")]].concat());
    let list = |more: &[(&str, &str)]| fields(server.call("ListLiveMessageGroupMessages", &[group, &[("PageSize", "20")], more].concat()));
    let first = list(&[("SortType", "1")]);
    assert_eq!((&first["GroupId"], &first["Hasmore"], &first["NextPageToken"]), (&json!("g1"), &json!(true), &json!(20)));
    assert_eq!(
        first["MessageList"][0],
        json!({"MsgTid": "t1", "MsgType": 1, "Body": "{\"n\":\"1 +*\"}", "Sender": {"UserId": "s1", "UserInfo": "Ann"}, "SeqNumber": 1, "Timestamp": 1_700_000_000, "TotalMessages": 1})
    );
    let seqs = |answer: &Value| answer["MessageList"].as_array().unwrap().iter().map(|m| m["SeqNumber"].as_u64().unwrap()).collect::<Vec<_>>();
    let second = list(&[("SortType", "1"), ("NextPageToken", "20")]);
    assert_eq!((seqs(&second), &second["Hasmore"], &second["NextPageToken"]), ((21..=25).collect(), &json!(false), &json!(0)));
    let newest = list(&[("SortType", "2"), ("NextPageToken", "0")]);
    assert_eq!((seqs(&newest), &newest["NextPageToken"]), ((6..=25).rev().collect(), &json!(6)));
    assert_eq!(seqs(&list(&[("SortType", "2"), ("NextPageToken", "6")])), [5, 4, 3, 2, 1]);
    for (more, expected) in [
        (("MsgType", "2"), 0),
        (("MsgType", "1"), 20),
        (("EndTime", "1699999999"), 0),
        (("EndTime", "1700000000"), 20),
        (("BeginTime", "1700000000"), 20),
        (("BeginTime", "1700000001"), 0),
        (("EndTime", "9223372036854775807"), 20),
        (("NextPageToken", "9223372036854775807"), 0),
    ] {
        assert_eq!(seqs(&list(&[("SortType", "1"), more])).len(), expected, "{more:?}");
    }
}

#[test]
fn a_deleted_message_is_not_listed() {
    let server = Server::new();
    server.group("g1");
    server.fake.join("demo", "u1", 1);
    let group: &[(&str, &str)] = &[("AppId", "demo"), ("GroupId", "g1")];
    for tid in ["t1", "t2"] {
        server.call("SendLiveMessageGroup", &[group, &[("SenderId", "s1"), ("MsgTid", tid)]].concat());
    }
    let delete: &[(&str, &str)] = &[("MessageId", "t1"), ("DeleterId", "any id, of a person"), ("DeleterInfo", "Ann")];
    for more in [delete, &delete[..1]] {
        assert_eq!(fields(server.call("DeleteLiveMessageGroupMessage", &[group, more].concat())), json!({"GroupId": "g1", "MessageId": "t1"}));
        let page = fields(server.call("ListLiveMessageGroupMessages", &[group, &[("SortType", "1"), ("PageSize", "10")]].concat()));
        assert_eq!((page["MessageList"].as_array().unwrap().len(), &page["MessageList"][0]["MsgTid"]), (1, &json!("t2")));
    }
    assert_eq!(code(&server.call("DeleteLiveMessageGroupMessage", &[group, &[("MessageId", "t3")]].concat())), (404, "ResourceNotExist"));
}

#[test]
fn messages_to_one_user() {
    let server = Server::new();
    server.group("g1");
    server.fake.join("demo", "u1", 1);
    let sent: &[(&str, &str)] = &[("AppId", "demo"), ("SenderId", "s 1")];
    let send = |more: &[(&str, &str)]| server.call("SendLiveMessageUser", &[sent, more].concat());
    assert_eq!(fields(send(&[("ReceiverId", "u1"), ("MsgTid", "t1"), ("Storage", "True")])), json!({"MsgTid": "t1"}));
    assert_eq!(fields(send(&[("ReceiverId", "u1"), ("MsgType", "10001"), ("SenderInfo", "Ann"), ("Body", "b")]))["MsgTid"].as_str().map(str::len), Some(32));
    // What is not said: type 1, not stored, done without the receiver's word.
    let kept = server.fake.snapshot();
    for part in [
        "tid: Tid(\"t1\"), kind: 1, ",
        "stored: true, ack: None",
        "kind: 10001, body: \"b\"",
        "sender: UserId(\"s 1\"), sender_info: \"Ann\"",
        "stored: false, ack: None",
    ] {
        assert!(kept.contains(part), "{part}: {kept}");
    }
    assert_eq!(code(&send(&[("ReceiverId", "u2")])), (404, "ResourceNotExist"));

    let delete = |more: &[(&str, &str)]| server.call("DeleteLiveMessageUserMessage", &[&[("AppId", "demo"), ("MessageId", "t1")], more].concat());
    for (more, expected) in [
        (&[("ReceiverId", "u1")][..], (400, "InputInvalid")),
        (&[("ReceiverId", "u1"), ("DeleterId", "")], (400, "InputInvalid")),
        (&[("ReceiverId", "u2"), ("DeleterId", "d")], (404, "ResourceNotExist")),
    ] {
        let answer = delete(more);
        assert_eq!(code(&answer), expected, "{more:?}");
        assert_eq!(answer.0 == 400, answer.1["Message"].as_str().unwrap().starts_with("DeleterId"), "{answer:?}");
    }
    assert_eq!(fields(delete(&[("ReceiverId", "u1"), ("DeleterId", "d")])), json!({}));
    assert_eq!(code(&delete(&[("ReceiverId", "u1"), ("DeleterId", "d")])), (404, "ResourceNotExist"));
}

#[test]
fn what_may_wait_for_others_is_asked_patiently() {
    let server = Server::new();
    server.group("g1");
    server.fake.join("demo", "u1", 1);
    let user: &[(&str, &str)] = &[("AppId", "demo"), ("SenderId", "s"), ("ReceiverId", "u1")];
    for (action, params, more, patient) in [
        ("SendLiveMessageUser", user, ("HighReliability", "True"), 1),
        // What nobody moderates does not wait: the places are few.
        ("SendLiveMessageUser", user, ("HighReliability", ""), 0),
        ("SendLiveMessageGroup", &[("AppId", "demo"), ("SenderId", "s"), ("GroupId", "g1")], ("Body", "b"), 0),
        ("CheckLiveMessageUsersOnline", &[("AppId", "demo")], ("UserIds", "u1"), 0),
    ] {
        assert_eq!(server.call(action, &[params, &[more]].concat()).0, 200);
        assert_eq!(server.fake.patient.swap(0, Ordering::Relaxed), patient, "{action} {more:?}");
    }
    *server.fake.refuse.lock().unwrap() = Some(Refusal::NotConfirmed("u1".into()));
    assert_eq!(code(&server.call("SendLiveMessageUser", &[user, &[("HighReliability", "True")]].concat())), (500, "ServerError"));
}
