//! Messages from one user to another (`tencent.md` §5.4).

use super::*;
use crate::domain::Refusal;

const SEND: &str = "openim/sendmsg";
const MANY: &str = "openim/batchsendmsg";
const HISTORY: &str = "openim/admin_getroammsg";
const WITHDRAW: &str = "openim/admin_msgwithdraw";
const STATES: &str = "openim/query_online_status";

fn text(text: &str) -> Value {
    json!([{"MsgContent": {"Text": text}, "MsgType": "TIMTextElem"}])
}

fn letter(seq: u32) -> Value {
    json!({"From_Account": "ann", "To_Account": "bob", "MsgSeq": seq, "MsgRandom": 7, "MsgBody": text("hello")})
}

/// The MsgSeq of all that the two said, as they are told with these parameters.
fn said(server: &Server, more: Value) -> Vec<u64> {
    let body = json!({"Operator_Account": "ann", "Peer_Account": "bob", "MaxCnt": 100, "MinTime": 0, "MaxTime": u32::MAX});
    let answer = server.call(HISTORY, but(&body, more));
    answer["MsgList"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(|message| message["MsgSeq"].as_u64().unwrap()).collect()
}

#[test]
fn a_message_reaches_who_is_away_as_well() {
    let server = Server::new();
    let answer = server.call(SEND, but(&letter(5), json!({"SyncOtherMachine": 2, "MsgLifeTime": 60, "CloudCustomData": "c", "IsNeedReadReceipt": 1})));
    assert_eq!(answer, json!({"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0, "MsgTime": 1_700_000_000, "MsgKey": "5_7_1700000000"}));
    let answer = server.call(HISTORY, json!({"From_Account": "bob", "To_Account": "ann", "MaxCnt": 10, "MinTime": 1_700_000_000, "MaxTime": 1_700_000_000}));
    let message = json!({
        "From_Account": "ann", "To_Account": "bob", "MsgSeq": 5, "MsgRandom": 7, "MsgTimeStamp": 1_700_000_000, "MsgFlagBits": 0, "IsPeerRead": 0,
        "MsgKey": "5_7_1700000000", "MsgBody": text("hello"), "CloudCustomData": "c",
    });
    assert_eq!([&answer["Complete"], &answer["MsgCnt"], &answer["MsgList"]], [&json!(1), &json!(1), &json!([message])]);
    assert_eq!([&answer["LastMsgTime"], &answer["LastMsgKey"]], [&json!(1_700_000_000), &json!("5_7_1700000000")]);
    assert_eq!(server.code(SEND, but(&letter(6), json!({"MsgSeq": null, "From_Account": null}))), 0, "as the administrator");
    assert_eq!(server.code(SEND, but(&letter(6), json!({"MsgLifeTime": 0}))), 0);
    assert_eq!(said(&server, json!({})), [5], "neither is kept between the two");
}

#[test]
fn a_bad_message_is_not_sent() {
    let server = Server::new();
    for (code, change) in [
        (90002, json!({"MsgBody": null})),
        (90007, json!({"MsgBody": {}})),
        (90002, json!({"MsgBody": []})),
        (90010, json!({"MsgBody": [{"MsgType": "x", "MsgContent": {}}]})),
        (90003, json!({"To_Account": null})),
        (90003, json!({"To_Account": ["bob"]})),
        (90012, json!({"To_Account": "nobody"})),
        (90005, json!({"MsgRandom": null})),
        (90005, json!({"MsgRandom": "7"})),
        (90008, json!({"From_Account": 1})),
        (90008, json!({"From_Account": "nobody"})),
        (90026, json!({"MsgLifeTime": 604_801})),
        (90044, json!({"MsgLifeTime": "60"})),
        (90031, json!({"SyncOtherMachine": 3})),
        (20001, json!({"MsgSeq": -1})),
    ] {
        server.refuses(SEND, code, [but(&letter(1), change)]);
    }
    let answer = server.send(SEND, &server.query().text(), b"{");
    assert_eq!(answer, json!({"ActionStatus": "FAIL", "ErrorInfo": "Fail to Parse json data of body, Please check it", "ErrorCode": 90001}));
    for (refusal, code) in [
        (Refusal::HookRefused { code: None, info: "no".into() }, 20006),
        (Refusal::HookRefused { code: Some(120_001), info: "no".into() }, 120_001),
        (Refusal::MessageTooLong { what: "message", bytes: 2, most: 1 }, 93000),
        (Refusal::HookSilent, 80003),
        (Refusal::Busy, 91000),
    ] {
        *server.fake.refuse.lock().unwrap() = Some(refusal);
        assert_eq!(server.code(SEND, letter(1)), code);
    }
}

#[test]
fn many_get_the_same_message() {
    let server = Server::new();
    let many = but(&letter(3), json!({"To_Account": ["bob", "nobody", "owner", "bob"]}));
    let answer = server.call(MANY, many.clone());
    assert_eq!((code(&answer), &answer["MsgKey"]), (0, &json!("3_7_1700000000")));
    assert_eq!(answer["ErrorList"], json!([{"To_Account": "nobody", "ErrorCode": 70107}]));
    assert_eq!(said(&server, json!({})), [3]);
    assert_eq!(said(&server, json!({"Peer_Account": "owner"})), [3]);
    assert_eq!(server.call(MANY, but(&many, json!({"To_Account": ["bob"]})))["ErrorList"], Value::Null);
    for (code, change) in [
        (90011, json!({"To_Account": vec!["u"; 501]})),
        (90003, json!({"To_Account": []})),
        (90003, json!({"To_Account": "bob"})),
        (90008, json!({"From_Account": "nobody"})),
    ] {
        server.refuses(MANY, code, [but(&many, change)]);
    }
    *server.fake.refuse.lock().unwrap() = Some(Refusal::MessageTooLong { what: "message", bytes: 2, most: 1 });
    assert_eq!(server.code(MANY, many), 93000);
}

#[test]
fn what_two_said_is_told_from_its_end() {
    let server = Server::new();
    for seq in 1..=5 {
        let turned = if seq % 2 == 0 { json!({"From_Account": "bob", "To_Account": "ann"}) } else { json!({}) };
        server.call(SEND, but(&letter(seq), turned));
    }
    assert_eq!(said(&server, json!({})), [1, 2, 3, 4, 5]);
    assert_eq!(said(&server, json!({"MinTime": 1_700_000_001})), [0; 0]);
    assert_eq!(said(&server, json!({"MaxTime": 1_699_999_999})), [0; 0]);
    let page = json!({"Operator_Account": "ann", "Peer_Account": "bob", "MaxCnt": 2, "MinTime": 0, "MaxTime": u32::MAX});
    let first = server.call(HISTORY, page.clone());
    assert_eq!((&first["Complete"], &first["LastMsgKey"]), (&json!(0), &json!("4_7_1700000000")));
    let next = |last: &Value| but(&page, json!({"MaxTime": last["LastMsgTime"], "LastMsgKey": last["LastMsgKey"]}));
    let second = server.call(HISTORY, next(&first));
    assert_eq!((&second["Complete"], &second["LastMsgKey"]), (&json!(0), &json!("2_7_1700000000")));
    let third = server.call(HISTORY, next(&second));
    assert_eq!((&third["Complete"], &third["MsgCnt"], &third["MsgList"][0]["MsgSeq"]), (&json!(1), &json!(1), &json!(1)));

    for (code, change) in [
        (90008, json!({"Operator_Account": null})),
        (90008, json!({"Operator_Account": "nobody"})),
        (90003, json!({"Peer_Account": 1})),
        (90012, json!({"Peer_Account": "nobody"})),
        (20001, json!({"MaxCnt": null})),
        (20001, json!({"MaxCnt": 0})),
        (20001, json!({"MinTime": null})),
        (90054, json!({"LastMsgKey": "1_2"})),
    ] {
        server.refuses(HISTORY, code, [but(&page, change)]);
    }

    // A page ends where it has become long.
    for seq in 11..=13 {
        server.call(SEND, but(&letter(seq), json!({"CloudCustomData": "x".repeat(6_000)})));
    }
    let long = server.call(HISTORY, but(&page, json!({"MaxCnt": 10})));
    assert_eq!((&long["Complete"], &long["MsgCnt"], &long["LastMsgKey"]), (&json!(0), &json!(2), &json!("12_7_1700000000")));
}

#[test]
fn what_was_taken_back_is_gone() {
    let server = Server::new();
    let key = server.call(SEND, letter(1))["MsgKey"].clone();
    let body = json!({"From_Account": "ann", "To_Account": "bob", "MsgKey": key});
    server.refuses(WITHDRAW, 20022, [but(&body, json!({"From_Account": "bob", "To_Account": "ann"})), but(&body, json!({"MsgKey": "1_8_1700000000"}))]);
    for (code, change) in [
        (90008, json!({"From_Account": null})),
        (90003, json!({"To_Account": null})),
        (90054, json!({"MsgKey": null})),
        (90054, json!({"MsgKey": 1})),
        (90054, json!({"MsgKey": "1_7"})),
        (90054, json!({"MsgKey": "1_7_1700000000_1"})),
        (90054, json!({"MsgKey": "x_7_1700000000"})),
    ] {
        server.refuses(WITHDRAW, code, [but(&body, change)]);
    }
    assert_eq!(server.code(WITHDRAW, body.clone()), 0);
    assert_eq!(said(&server, json!({})), [0; 0]);
    let again = server.call(WITHDRAW, body);
    assert_eq!((&again["ErrorCode"], &again["ErrorInfo"]), (&json!(20022), &json!("message 1_7_1700000000 from ann does not exist, or was taken back")));
}

#[test]
fn who_is_there_to_read_it() {
    let server = Server::new();
    server.room("r1");
    server.fake.join("demo", "ann", 1);
    let answer = server.call(STATES, json!({"To_Account": ["ann", "bob", "nobody"], "IsNeedDetail": 1}));
    let ann = json!({"To_Account": "ann", "State": "Online", "Detail": [{"Platform": "Unknown", "Status": "Online"}]});
    assert_eq!(answer["QueryResult"], json!([ann, {"To_Account": "bob", "State": "Offline"}]));
    assert_eq!(answer["ErrorList"], json!([{"To_Account": "nobody", "ErrorCode": 70107}]));
    let answer = server.call(STATES, json!({"To_Account": ["ann"]}));
    assert_eq!((&answer["QueryResult"], &answer["ErrorList"]), (&json!([{"To_Account": "ann", "State": "Online"}]), &Value::Null));
    for (code, body) in [
        (90001, json!({"To_Account": []})),
        (90001, json!({})),
        (90003, json!({"To_Account": "ann"})),
        (90003, json!({"To_Account": [1]})),
        (90011, json!({"To_Account": vec!["u"; 501]})),
        (20001, json!({"To_Account": ["ann"], "IsNeedDetail": true})),
    ] {
        server.refuses(STATES, code, [body]);
    }
}
