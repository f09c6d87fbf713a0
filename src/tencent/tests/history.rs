//! What was said in groups, and taking it back (`tencent.md` §5.2).

use super::*;

const GET: &str = "group_open_http_svc/group_msg_get_simple";
const RECALL: &str = "group_open_http_svc/group_msg_recall";

/// The group `g1`, in which so many messages were said: "1", "2" …
fn said(messages: usize) -> Server {
    let server = Server::new();
    server.make("g1", "Public", &["ann"]);
    for n in 1..=messages {
        let body = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": n.to_string()}}]);
        server.group("send_group_msg", json!({"GroupId": "g1", "Random": n, "From_Account": "ann", "MsgBody": body}));
    }
    server
}

fn get(server: &Server, more: Value) -> Value {
    server.group("group_msg_get_simple", but(&json!({"GroupId": "g1", "ReqMsgNumber": 20}), more))
}

fn seqs(answer: &Value) -> Vec<u64> {
    answer["RspMsgList"].as_array().unwrap().iter().map(|message| message["MsgSeq"].as_u64().unwrap()).collect()
}

#[test]
fn the_newest_come_first() {
    let server = said(2);
    let text = |text: &str| json!([{"MsgContent": {"Text": text}, "MsgType": "TIMTextElem"}]);
    let message = |n: u32| {
        json!({
            "From_Account": "ann", "IsPlaceMsg": 0, "MsgBody": text(&n.to_string()), "MsgPriority": 2, "MsgRandom": n, "MsgSeq": n,
            "MsgTimeStamp": 1_700_000_000,
        })
    };
    let expected = json!({
        "ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0, "GroupId": "g1", "IsFinished": 1, "RspMsgList": [message(2), message(1)],
    });
    assert_eq!(get(&server, json!({})), expected);
    server.group("send_group_msg", json!({"GroupId": "g1", "Random": 3, "MsgPriority": "Low", "CloudCustomData": "c", "MsgBody": text("x")}));
    let newest = &get(&server, json!({"ReqMsgNumber": 1}))["RspMsgList"][0];
    assert_eq!([&newest["MsgPriority"], &newest["CloudCustomData"], &newest["From_Account"]], [&json!(3), &json!("c"), &json!(ADMINISTRATOR)]);
}

#[test]
fn twenty_are_told_at_most() {
    let server = said(22);
    for (more, finished, expected) in [
        (json!({"ReqMsgNumber": 3}), 1, (20..=22).rev().collect::<Vec<u64>>()),
        (json!({"ReqMsgNumber": 20}), 1, (3..=22).rev().collect()),
        (json!({"ReqMsgNumber": 21}), 0, (3..=22).rev().collect()),
        (json!({"ReqMsgNumber": 50, "ReqMsgSeq": 20}), 1, (1..=20).rev().collect()),
        (json!({"ReqMsgNumber": 2, "ReqMsgSeq": 5}), 1, vec![5, 4]),
        (json!({"ReqMsgNumber": 1, "ReqMsgSeq": 0}), 1, vec![22]),
    ] {
        let answer = get(&server, more.clone());
        assert_eq!((answer["IsFinished"].as_u64().unwrap(), seqs(&answer)), (finished, expected), "{more}");
    }
}

#[test]
fn what_is_taken_back_leaves_its_place() {
    let server = said(3);
    let recall = |seqs: Value| server.group("group_msg_recall", json!({"GroupId": "g1", "MsgSeqList": seqs, "Reason": "typo"}));
    let answer = recall(json!([{"MsgSeq": 2}, {"MsgSeq": "3"}, {"MsgSeq": 9}]));
    let one = |seq: u64, code: u64| json!({"MsgSeq": seq, "RetCode": code});
    assert_eq!(answer["RecallRetList"], json!([one(2, 0), one(3, 0), one(9, 10030)]));
    assert_eq!(recall(json!([{"MsgSeq": 2}]))["RecallRetList"], json!([one(2, 0)]), "again");
    assert_eq!(seqs(&get(&server, json!({}))), [1]);
    let all = get(&server, json!({"WithRecalledMsg": 1}));
    assert_eq!(seqs(&all), [3, 2, 1]);
    assert_eq!((&all["RspMsgList"][0]["IsPlaceMsg"], &all["RspMsgList"][0]["MsgBody"]), (&json!(2), &json!([])));
}

#[test]
fn of_live_rooms_there_is_none() {
    let server = said(1);
    server.room("r1");
    server.refuses(GET, 10044, [json!({"GroupId": "r1", "ReqMsgNumber": 1})]);
    server.refuses(RECALL, 10033, [json!({"GroupId": "r1", "MsgSeqList": [{"MsgSeq": 1}]})]);
    let get = json!({"GroupId": "g1", "ReqMsgNumber": 1});
    let bad = [json!({"ReqMsgNumber": null}), json!({"ReqMsgNumber": 0}), json!({"ReqMsgSeq": "1"}), json!({"WithRecalledMsg": 2}), json!({"TopicId": "t"})];
    server.refuses(GET, 10004, bad.into_iter().map(|change| but(&get, change)));
    let recall = json!({"GroupId": "g1", "MsgSeqList": [{"MsgSeq": 1}]});
    let many = vec![json!({"MsgSeq": 1}); 11];
    let bad = [
        json!({"MsgSeqList": null}),
        json!({"MsgSeqList": []}),
        json!({"MsgSeqList": [1]}),
        json!({"MsgSeqList": [{}]}),
        json!({"MsgSeqList": [{"MsgSeq": "x"}]}),
        json!({"MsgSeqList": many}),
    ];
    server.refuses(RECALL, 10004, bad.into_iter().map(|change| but(&recall, change)));
    for (path, body) in [(GET, get), (RECALL, recall)] {
        server.refuses(path, 10015, [but(&body, json!({"GroupId": "never"}))]);
    }
}
