//! Each operation with its answers' spelling, its bounds and its error codes (`alibaba.md` §2).

use super::*;
use crate::domain::{AppId, Refusal};

/// Operation, what every case of it needs, what this case adds, and the code expected.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn applications() {
    let server = Server::new();
    let made = fields(server.call(
        "CreateLiveMessageApp",
        &[
            ("AppName", "testApp"),
            ("AuditType", "2"),
            ("AuditUrl", "http://audit.example.com/a"),
            ("EventCallbackUrl", "http://cb.example.com/cb"),
            ("DataCenter", "ap-southeast-1"),
            ("MsgLifeCycle", "1"),
        ],
    ));
    let id = made["AppId"].as_str().unwrap();
    let (key, sign) = (made["AppKey"].as_str().unwrap(), made["AppSign"].as_str().unwrap());
    assert_eq!((id.len(), key.len(), sign.len(), &made["DataCenter"]), (8, 32, 64, &json!("ap-southeast-1")));
    assert!(id.starts_with(|c: char| c.is_ascii_lowercase()));
    let ours = [("AppId", id), ("DataCenter", "ap-southeast-1")];
    let mut listed = json!({"AppId": id, "AppKey": key, "AppName": "testApp", "AppSign": sign, "CreateTime": 1_700_000_000, "DataCenter": "ap-southeast-1",
        "Disable": false, "ModifyTime": 1700000000, "MsgLifeCycle": 1});
    let list = fields(server.call("ListLiveMessageApps", &[("SortType", "1"), ("DataCenter", "ap-southeast-1")]));
    assert_eq!(list, json!({"AppList": [listed.clone()], "HasMore": false}));
    for (name, value) in [("AuditType", json!(2)), ("AuditUrl", json!("http://audit.example.com/a")), ("EventCallbackUrl", json!("http://cb.example.com/cb"))] {
        listed[name] = value;
    }
    assert_eq!(fields(server.call("DescribeLiveMessageApp", &ours)), listed);
    assert_eq!(code(&server.call("DescribeLiveMessageApp", &ours[..1])), (404, "ResourceNotExist"));

    let with = |action: &str, more: &[(&str, &str)]| server.call(action, &[&ours, more].concat());
    assert_eq!(fields(with("ModifyLiveMessageAppCallback", &[])), json!({"AppId": id, "AppSign": sign, "EventCallbackNeedAuthentication": true}));
    assert_eq!(fields(with("ModifyLiveMessageAppCallback", &[("EventCallbackUrl", "https://b/")]))["EventCallbackUrl"], "https://b/");
    assert_eq!(
        fields(with("ModifyLiveMessageAppAudit", &[("AuditUrl", "http://b/")])),
        json!({"AppId": id, "AppSign": sign, "AuditType": 2, "AuditUrl": "http://b/", "AuditNeedAuthentication": true})
    );
    assert_eq!(
        fields(with("ModifyLiveMessageAppAudit", &[("AuditType", "1")])),
        json!({"AppId": id, "AppSign": sign, "AuditType": 1, "AuditNeedAuthentication": false})
    );
    assert_eq!(code(&with("ModifyLiveMessageAppAudit", &[("AuditType", "2")])), (400, "ErrorInvalidAuditUrl"));
    assert_eq!(fields(with("ModifyLiveMessageAppDisable", &[("Disable", "True")])), json!({"AppId": id, "AppSign": sign, "Disable": true}));
    assert_eq!(fields(with("ModifyLiveMessageAppDisable", &[]))["Disable"], true);
    assert_eq!(fields(with("DescribeLiveMessageApp", &[]))["Disable"], true);
    assert_eq!(code(&with("CheckLiveMessageUsersOnline", &[("UserIds", "u")])), (403, "NoAuth"));
    assert_eq!(code(&with("CreateLiveMessageGroup", &[("GroupId", "g")])), (403, "NoAuth"));
}

#[test]
fn names_are_measured_in_characters() {
    let name = "\u{4e2d}".repeat(16);
    assert_eq!(Server::new().call("CreateLiveMessageApp", &[("AppName", &name)]).0, 200);
}

#[test]
fn illegal_values_are_named() {
    let server = Server::new();
    server.group("g1");
    let long = "x".repeat(65);
    let body = "x".repeat(15 * 1024 + 1);
    let many = vec!["u"; 101].join(",");
    let group: &[(&str, &str)] = &[("AppId", "demo"), ("GroupId", "g1")];
    let send = [group, &[("SenderId", "u1")]].concat();
    let page = [group, &[("SortType", "1"), ("PageSize", "10")]].concat();
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("CreateLiveMessageApp", &[], &[("AppName", "x")], "ErrorInvalidAppName"),
        ("CreateLiveMessageApp", &[], &[("AppName", &"\u{4e2d}".repeat(17))], "ErrorInvalidAppName"),
        ("CreateLiveMessageApp", &[], &[("AuditType", "3")], "InputInvalid"),
        ("CreateLiveMessageApp", &[], &[("AuditType", "2")], "ErrorInvalidAuditUrl"),
        ("CreateLiveMessageApp", &[], &[("AuditUrl", "file:///etc/passwd")], "ErrorInvalidAuditUrl"),
        ("CreateLiveMessageApp", &[], &[("EventCallbackUrl", "cb.example.com")], "ErrorInvalidEventCallbackUrl"),
        ("CreateLiveMessageApp", &[], &[("EventCallbackUrl", "http://a/\r\nX: y")], "ErrorInvalidEventCallbackUrl"),
        ("CreateLiveMessageApp", &[], &[("DataCenter", "mars")], "InputInvalid"),
        ("CreateLiveMessageApp", &[], &[("MsgLifeCycle", "9")], "InputInvalid"),
        ("DescribeLiveMessageApp", &[], &[], "MissingAppId"),
        ("DescribeLiveMessageApp", &[], &[("AppId", "")], "MissingAppId"),
        ("DescribeLiveMessageApp", &[], &[("AppId", &long)], "InputInvalid"),
        ("DescribeLiveMessageApp", &[], &[("AppId", "demo"), ("DataCenter", "mars")], "InputInvalid"),
        ("DescribeLiveMessageApp", &[], &[("AppId", "none")], "ResourceNotExist"),
        ("ListLiveMessageApps", &[], &[], "MissingSortType"),
        ("ListLiveMessageApps", &[], &[("SortType", "3")], "InputInvalid"),
        ("ListLiveMessageApps", &[], &[("SortType", "1"), ("NextPageToken", "99999999999999999999")], "InputInvalid"),
        ("ModifyLiveMessageAppDisable", &[("AppId", "demo")], &[("Disable", "maybe")], "InputInvalid"),
        ("ModifyLiveMessageAppCallback", &[("AppId", "demo")], &[("EventCallbackUrl", "x")], "ErrorInvalidEventCallbackUrl"),
        ("CreateLiveMessageGroup", &[("AppId", "demo")], &[], "MissingGroupId"),
        ("CreateLiveMessageGroup", &[("AppId", "demo")], &[("GroupId", "a b")], "InputInvalid"),
        ("CreateLiveMessageGroup", &[("AppId", "demo")], &[("GroupId", &long)], "InputInvalid"),
        ("CreateLiveMessageGroup", group, &[("CreatorId", "a,b")], "InputInvalid"),
        ("CreateLiveMessageGroup", group, &[("Administrators", "a,b,c,d")], "InputInvalid"),
        ("CreateLiveMessageGroup", group, &[("Administrators.1", "a b")], "InputInvalid"),
        ("CreateLiveMessageGroup", group, &[("GroupName", &"x".repeat(129))], "InputInvalid"),
        ("CreateLiveMessageGroup", group, &[("GroupInfo", &"x".repeat(32 * 1024 + 1))], "InputInvalid"),
        ("CreateLiveMessageGroup", &[("GroupId", "g")], &[("AppId", "none")], "ResourceNotExist"),
        ("DescribeLiveMessageGroup", &[("AppId", "demo")], &[("GroupId", "none")], "ResourceNotExist"),
        ("DeleteLiveMessageGroup", group, &[("OperatorId", &long)], "InputInvalid"),
        ("SendLiveMessageGroup", group, &[], "MissingSenderId"),
        ("SendLiveMessageGroup", &send, &[], "ResourceNotExist"), // nobody is in it
        ("SendLiveMessageGroup", &send, &[("Body", &body)], "InputInvalid"),
        ("SendLiveMessageGroup", &send, &[("SenderMetaInfo", &"x".repeat(513))], "InputInvalid"),
        ("SendLiveMessageGroup", &send, &[("MsgType", "2147483648")], "InputInvalid"),
        ("SendLiveMessageGroup", &send, &[("MsgTid", &long)], "InputInvalid"),
        ("SendLiveMessageGroup", &send, &[("NoStorage", "2")], "InputInvalid"),
        ("SendLiveMessageGroup", &send, &[("Weight", "heavy")], "InputInvalid"),
        ("ListLiveMessageGroupMessages", group, &[("SortType", "1")], "MissingPageSize"),
        ("ListLiveMessageGroupMessages", group, &[("SortType", "1"), ("PageSize", "9")], "InputInvalid"),
        ("ListLiveMessageGroupMessages", group, &[("SortType", "1"), ("PageSize", "51")], "InputInvalid"),
        ("ListLiveMessageGroupMessages", &page, &[("BeginTime", "2"), ("EndTime", "1")], "InputInvalid"),
        ("ListLiveMessageGroupMessages", &[("AppId", "demo"), ("SortType", "1"), ("PageSize", "10")], &[("GroupId", "none")], "ResourceNotExist"),
        ("CheckLiveMessageUsersOnline", &[("AppId", "demo")], &[], "MissingUserIds"),
        ("CheckLiveMessageUsersOnline", &[("AppId", "demo")], &[("UserIds", "[]")], "MissingUserIds"),
        ("CheckLiveMessageUsersOnline", &[("AppId", "demo")], &[("UserIds", &many)], "InputInvalid"),
        ("CheckLiveMessageUsersOnline", &[("AppId", "demo")], &[("UserIds", "a,,b")], "InputInvalid"),
    ];
    for (action, params, more, expected) in cases {
        let answer = server.call(action, &[*params, more].concat());
        let status = if *expected == "ResourceNotExist" { 404 } else { 400 };
        assert_eq!(code(&answer), (status, *expected), "{action} {params:?} {:.80}", format!("{more:?}"));
        if *expected == "InputInvalid" && more.len() == 1 {
            let name = more[0].0.trim_end_matches(".1");
            assert!(answer.1["Message"].as_str().unwrap().starts_with(name), "{answer:?}");
        }
    }
}

#[test]
fn pages_of_applications_hold_while_more_are_made() {
    let server = Server::limited(1_000, false);
    let make = |n: i64| server.fake.put(Change::App(Arc::new(App { id: AppId::trusted(&format!("app{n:03}")), created: Millis(10_000 + n), ..fake::app("") })));
    (0..44).for_each(make); // and `demo`, the oldest
    let page = |sort: &str, token: Option<i64>| {
        let token = token.unwrap_or(-1).to_string();
        let answer = fields(server.call("ListLiveMessageApps", &[("SortType", sort), ("NextPageToken", &token)]));
        let ids: Vec<String> = answer["AppList"].as_array().unwrap().iter().map(|a| a["AppId"].as_str().unwrap().into()).collect();
        assert_eq!(answer["HasMore"].as_bool(), Some(!answer["NextPageToken"].is_null()));
        (ids, answer["NextPageToken"].as_i64())
    };
    for sort in ["1", "2"] {
        let (mut all, mut token, mut pages) = (Vec::new(), None, 0);
        loop {
            let (ids, next) = page(sort, token);
            all.extend(ids);
            make(100 + pages);
            pages += 1;
            match next {
                Some(next) => token = Some(next),
                None => break,
            }
        }
        let mut expected = all.clone();
        expected.sort_by_key(|id| (id != "demo", id.clone()));
        if sort == "2" {
            expected.reverse();
        }
        expected.dedup();
        assert_eq!(all, expected);
        assert!(all.len() >= 45 && pages == 3, "{} in {pages}", all.len());
    }
    assert_eq!(page("1", Some(i64::MAX)), (vec![], None));
}

#[test]
fn groups_are_made_described_and_deleted() {
    let server = Server::new();
    let group: &[(&str, &str)] = &[("AppId", "demo"), ("GroupId", "g1")];
    let more: &[(&str, &str)] = &[("GroupName", "Name"), ("GroupInfo", "i n&f=o/\u{4e2d}"), ("CreatorId", "c1"), ("Administrators", "a1,a2")];
    let created = |exists: bool, deleted: bool| json!({"GroupId": "g1", "AlreadyExists": exists, "AlreadyDelete": deleted});
    assert_eq!(fields(server.call("CreateLiveMessageGroup", &[group, more].concat())), created(false, false));
    assert_eq!(fields(server.call("CreateLiveMessageGroup", group)), created(true, false));
    server.fake.join("demo", "u1", 1);
    let sent = fields(server.call("SendLiveMessageGroup", &[group, &[("SenderId", "s 1"), ("MsgType", "10001"), ("StaticsIncrease", "3")]].concat()));
    assert_eq!(sent["MsgTid"].as_str().map(str::len), Some(32));
    let mut expected = json!({"AdminList": ["a1", "a2"], "Createtime": 1_700_000_000, "CreatorId": "c1", "Delete": false, "GroupId": "g1",
        "GroupInfo": "i n&f=o/\u{4e2d}", "GroupName": "Name", "SuperLargeGroup": false});
    let gone = expected.clone();
    for (name, value) in [("MsgAmount", json!({"10001": 3})), ("OnlineUserCounts", json!(1)), ("TotalTimes", json!(0))] {
        expected[name] = value;
    }
    assert_eq!(fields(server.call("DescribeLiveMessageGroup", group)), expected);

    for _ in 0..2 {
        assert_eq!(fields(server.call("DeleteLiveMessageGroup", &[group, &[("OperatorId", "op")]].concat())), json!({"GroupId": "g1"}));
    }
    assert_eq!(fields(server.call("DeleteLiveMessageGroup", &[("AppId", "demo"), ("GroupId", "never was")])), json!({"GroupId": "never was"}));
    let mut expected = gone;
    for (name, value) in [("Delete", json!(true)), ("Deletatime", json!(1_700_000_000)), ("Deletor", json!("op"))] {
        expected[name] = value;
    }
    assert_eq!(fields(server.call("DescribeLiveMessageGroup", group)), expected);
    assert_eq!(fields(server.call("CreateLiveMessageGroup", group)), created(true, true));
    assert_eq!(code(&server.call("SendLiveMessageGroup", &[group, &[("SenderId", "s")]].concat())), (404, "ResourceNotExist"));
    let page = server.call("ListLiveMessageGroupMessages", &[group, &[("SortType", "1"), ("PageSize", "10")]].concat());
    assert_eq!(fields(page)["MessageList"].as_array().map(Vec::len), Some(1));
}

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
fn a_user_id_with_a_comma_is_found_whole() {
    let server = Server::new();
    server.group("g1");
    for user in ["u1", "a,b"] {
        server.fake.join("demo", user, 1);
    }
    let online = |pairs: &[(&str, bool)]| json!({"UserList": pairs.iter().map(|(u, o)| json!({"UserId": u, "Online": o})).collect::<Vec<_>>()});
    let check = |params: &[(&str, &str)]| fields(server.call("CheckLiveMessageUsersOnline", &[&[("AppId", "demo")], params].concat()));
    assert_eq!(check(&[("UserIds", "u2,u1")]), online(&[("u2", false), ("u1", true)]));
    assert_eq!(check(&[("UserIds", "a,b")]), online(&[("a,b", true)]));
    assert_eq!(check(&[("UserIds.1", "a,b"), ("UserIds.2", "u1")]), online(&[("a,b", true), ("u1", true)]));
    assert_eq!(check(&[("UserIds", r#"["u1"]"#)]), online(&[("u1", true)]));
}

#[test]
fn what_may_be_tried_again_says_so() {
    let server = Server::new();
    for refusal in [Refusal::Busy, Refusal::Unavailable] {
        *server.fake.refuse.lock().unwrap() = Some(refusal);
        assert_eq!(code(&server.call("CreateLiveMessageGroup", &[("AppId", "demo"), ("GroupId", "g")])), (503, "ServiceUnavailable"));
    }
}
