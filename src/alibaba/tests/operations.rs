//! Applications and groups: the spelling of each answer, and pages (`alibaba.md` §2.1, §2.2).

use super::*;
use crate::domain::{AppId, Refusal};

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
fn pages_of_applications_hold_while_more_are_made() {
    let server = Server::new();
    let make = |n: i64| server.fake.put(Change::App(Arc::new(App { id: AppId::trusted(&format!("app{n:03}")), order: 2 + n as u64, ..fake::app("") })));
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
fn what_may_be_tried_again_says_so() {
    let server = Server::new();
    for refusal in [Refusal::Busy, Refusal::Unavailable] {
        *server.fake.refuse.lock().unwrap() = Some(refusal);
        assert_eq!(code(&server.call("CreateLiveMessageGroup", &[("AppId", "demo"), ("GroupId", "g")])), (503, "ServiceUnavailable"));
    }
}

#[test]
fn a_group_changes_where_it_is_flagged() {
    let server = Server::new();
    server.group("g1");
    let group: &[(&str, &str)] = &[("AppId", "demo"), ("GroupId", "g1")];
    for (more, info, admins) in [
        (&[("ModifyInfo", "True"), ("GroupInfo", "i"), ("AdminList", "a1")][..], "i", json!([])),
        (&[("ModifyAdmin", "true"), ("GroupInfo", "j"), ("AdminList", "a1,a2,a1")], "i", json!(["a1", "a2"])),
        (&[("GroupInfo", "j")], "i", json!(["a1", "a2"])),
        (&[("ModifyAdmin", "true"), ("AdminList.1", "a3"), ("ModifyInfo", "False")], "i", json!(["a3"])),
        (&[("ModifyInfo", "True"), ("ModifyAdmin", "True")], "", json!(["a3"])),
        (&[("ModifyAdmin", "True"), ("AdminList", "")], "", json!([])),
        (&[("ModifyAdmin", "True"), ("AdminList", "a1,a2")], "", json!(["a1", "a2"])),
        (&[("ModifyAdmin", "True"), ("AdminList", "[]")], "", json!([])),
    ] {
        assert_eq!(fields(server.call("ModifyLiveMessageGroup", &[group, more].concat())), json!({}));
        let now = fields(server.call("DescribeLiveMessageGroup", group));
        assert_eq!((&now["GroupInfo"], &now["AdminList"]), (&json!(info), &admins), "{more:?}");
    }
    server.call("DeleteLiveMessageGroup", group);
    assert_eq!(code(&server.call("ModifyLiveMessageGroup", group)), (404, "ResourceNotExist"));
}

#[test]
fn a_deleted_group_is_recovered() {
    let server = Server::new();
    server.group("g1");
    let group: &[(&str, &str)] = &[("AppId", "demo"), ("GroupId", "g1")];
    server.call("DeleteLiveMessageGroup", group);
    for _ in 0..2 {
        assert_eq!(fields(server.call("RecoverLiveMessageDeletedGroup", group)), json!({"GroupId": "g1"}));
    }
    assert_eq!(fields(server.call("DescribeLiveMessageGroup", group))["Delete"], false);
    assert_eq!(code(&server.call("RecoverLiveMessageDeletedGroup", &[("AppId", "demo"), ("GroupId", "g2")])), (404, "ResourceNotExist"));
}

/// Groups g01 to g45, of which every tenth was deleted, and one of another application.
fn many_groups() -> Server {
    let server = Server::new();
    server.fake.put(Change::App(Arc::new(fake::app("other"))));
    for n in 1..=45 {
        server.group(&format!("g{n:02}"));
    }
    for n in [10, 20, 30, 40] {
        server.call("DeleteLiveMessageGroup", &[("AppId", "demo"), ("GroupId", &format!("g{n}"))]);
    }
    server.call("CreateLiveMessageGroup", &[("AppId", "other"), ("GroupId", "x")]);
    server
}

fn names(answer: &Value) -> Vec<&str> {
    answer["GroupList"].as_array().unwrap().iter().map(|g| g["GroupId"].as_str().unwrap()).collect()
}

#[test]
fn groups_are_listed_with_a_token() {
    let server = many_groups();
    let list = |more: &[(&str, &str)]| fields(server.call("ListLiveMessageGroups", &[&[("AppId", "demo")], more].concat()));
    let first = list(&[("SortType", "1")]);
    let expected = json!({"AdminList": [], "Createtime": 1_700_000_000, "CreatorId": "", "Delete": false, "GroupId": "g01", "GroupInfo": "", "GroupName": ""});
    assert_eq!((&first["GroupList"][0], &first["GroupList"][9]["Delete"]), (&expected, &json!(true)));
    for (sort, status, spelling, total, ends) in [
        ("1", "0", "NextPageToken", 45, ["g01", "g45"]),
        ("1", "", "NextpageToken", 45, ["g01", "g45"]),
        ("2", "1", "NextPageToken", 41, ["g45", "g01"]),
        ("2", "2", "NextPageToken", 4, ["g40", "g10"]),
    ] {
        let (mut all, mut token) = (Vec::new(), "-1".to_string());
        loop {
            let page = list(&[("SortType", sort), ("GroupStatus", status), (spelling, &token)]);
            all.extend(names(&page).into_iter().map(str::to_string));
            // A text, and only where there is more.
            match page["NextpageToken"].as_str() {
                Some(next) => token = next.into(),
                None => break assert_eq!(page, json!({"GroupList": page["GroupList"], "Hasmore": false})),
            }
            assert_eq!((names(&page).len(), &page["Hasmore"]), (20, &json!(true)));
        }
        assert_eq!((all.len(), all[0].as_str(), all[total - 1].as_str()), (total, ends[0], ends[1]), "{sort} {status}");
    }
    let both = [("AppId", "demo"), ("SortType", "1"), ("NextPageToken", "1"), ("NextpageToken", "1")];
    assert_eq!(code(&server.call("ListLiveMessageGroups", &both)), (400, "InputInvalid"));
}

#[test]
fn groups_are_listed_by_page() {
    let server = many_groups();
    let list = |more: &[(&str, &str)]| fields(server.call("ListLiveMessageGroupByPage", &[&[("AppId", "demo")], more].concat()));
    for (more, number, size, total, ends) in [
        (&[("SortType", "1")][..], 1, 20, 45, Some(["g01", "g20"])),
        (&[("SortType", "2"), ("PageNumber", "3")], 3, 20, 45, Some(["g05", "g01"])),
        (&[("SortType", "1"), ("PageNumber", "2"), ("PageSize", "1")], 2, 1, 45, Some(["g02", "g02"])),
        (&[("SortType", "1"), ("GroupStatus", "2"), ("PageSize", "50")], 1, 50, 4, Some(["g10", "g40"])),
        (&[("SortType", "1"), ("GroupStatus", "1"), ("PageNumber", "10000"), ("PageSize", "50")], 10_000, 50, 41, None),
    ] {
        let page = list(more);
        assert_eq!(page, json!({"GroupList": page["GroupList"], "PageNumber": number, "PageSize": size, "TotalCount": total}));
        let names = names(&page);
        assert_eq!(names.first().zip(names.last()).map(|(first, last)| [*first, *last]), ends, "{more:?}");
    }
}

#[test]
fn pages_are_as_large_as_the_settings_allow() {
    let group: &[(&str, &str)] = &[("AppId", "demo"), ("SortType", "1"), ("GroupId", "g1")];
    for (limit, by_page, size, status) in [
        (0, "ListLiveMessageGroupByPage", "100000", 200),
        (0, "ListLiveMessageGroupUsers", "100000", 200),
        (0, "ListLiveMessageGroupMessages", "9", 400),
        (5, "ListLiveMessageGroupMessages", "5", 200),
        (5, "ListLiveMessageGroupUsers", "6", 400),
        (5, "ListLiveMessageGroupByPage", "", 200),
        (5, "ListLiveMessageGroups", "", 200),
        (70, "ListLiveMessageGroupUsers", "70", 200),
        (70, "ListLiveMessageGroupByPage", "71", 400),
    ] {
        let server = Server::with(1_000, false, Quotas { page_size: limit, ..Quotas::default() });
        for n in 1..=8 {
            server.group(&format!("g{n}"));
        }
        let (got, answer) = server.call(by_page, &[group, &[("PageSize", size)]].concat());
        assert_eq!(got, status, "{limit} {by_page} {size}: {answer}");
        if let Some(list) = answer["GroupList"].as_array() {
            assert_eq!(list.len(), if limit == 5 { 5 } else { 8 }, "{limit} {by_page}");
        }
    }
}
