//! Who may speak in a group, who is in it and who is online (`alibaba.md` §2.3).

use super::*;
use crate::domain::Gid;

const GROUP: &[(&str, &str)] = &[("AppId", "demo"), ("GroupId", "g1")];

/// A group with these members.
fn group_of(users: &[&str]) -> Server {
    let server = Server::new();
    server.group("g1");
    for user in users {
        server.fake.join("demo", user, 1);
    }
    server
}

fn on_group(server: &Server, action: &str, more: &[(&str, &str)]) -> (u16, Value) {
    server.call(action, &[GROUP, more].concat())
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
fn members_are_asked_about() {
    let server = group_of(&["u1", "a,b"]);
    server.call("CreateLiveMessageGroup", &[("AppId", "demo"), ("GroupId", "g2")]);
    server.fake.join("demo", "u2", 2);
    for (params, expected) in [
        (&[("UserIds", "u2,u1")][..], &[("u2", false), ("u1", true)][..]),
        (&[("UserIds", "a,b")], &[("a,b", true)]),
        (&[("UserIds", "b,a")], &[("b", false), ("a", false)]),
        (&[("UserIds.1", "a,b"), ("UserIds.2", "u9")], &[("a,b", true), ("u9", false)]),
        (&[("UserIds", r#"["u1","u1"]"#)], &[("u1", true), ("u1", true)]),
    ] {
        let list: Vec<Value> = expected.iter().map(|(user, is)| json!({"UserId": user, "Online": is})).collect();
        assert_eq!(fields(on_group(&server, "CheckLiveMessageUsersInGroup", params)), json!({"Users": list}), "{params:?}");
    }
}

#[test]
fn members_are_listed_by_the_time_of_joining() {
    let users: Vec<String> = (1..=25).map(|n| format!("u{n:02}")).collect();
    let server = group_of(&users.iter().map(String::as_str).collect::<Vec<_>>());
    server.call("ModifyLiveMessageUserInfo", &[("AppId", "demo"), ("UserId", "u01"), ("UserMetaInfo", "Ann")]);
    let list = |more: &[(&str, &str)]| fields(on_group(&server, "ListLiveMessageGroupUsers", &[&[("PageSize", "20")], more].concat()));
    let page = |answer: &Value| {
        let users = answer["UserList"].as_array().unwrap();
        let name = |user: Option<&Value>| user.map(|u| u["UserId"].as_str().unwrap().to_string()).unwrap_or_default();
        (users.len(), name(users.first()), name(users.last()))
    };
    let first = list(&[("SortType", "1")]);
    assert_eq!(first, json!({"GroupId": "g1", "Hasmore": true, "NextPageToken": first["NextPageToken"], "UserList": first["UserList"]}));
    assert_eq!(first["UserList"][0], json!({"UserId": "u01", "UserInfo": "Ann"}));
    for (sort, pages) in [("1", [("u01", "u20"), ("u21", "u25")]), ("2", [("u25", "u06"), ("u05", "u01")])] {
        let one = list(&[("SortType", sort), ("NextPageToken", "-1")]);
        assert_eq!(page(&one), (20, pages[0].0.into(), pages[0].1.into()));
        let token = one["NextPageToken"].as_i64().filter(|token| *token > 0).unwrap();
        let two = list(&[("SortType", sort), ("NextPageToken", &token.to_string())]);
        assert_eq!((page(&two), &two["Hasmore"], &two["NextPageToken"]), ((5, pages[1].0.into(), pages[1].1.into()), &json!(false), &json!(0)));
    }

    server.fake.put(Change::SuperLarge(Gid(1), true));
    assert_eq!(list(&[("SortType", "1")]), json!({"GroupId": "g1", "Hasmore": false, "NextPageToken": 0, "UserList": []}));
    assert_eq!(fields(on_group(&server, "CheckLiveMessageUsersInGroup", &[("UserIds", "u01")]))["Users"][0]["Online"], true);
}

#[test]
fn a_member_is_put_out() {
    let server = group_of(&["u1", "u2"]);
    assert_eq!(fields(on_group(&server, "KickLiveMessageGroupUser", &[("KickoffUser", "u1")])), json!({}));
    let there = fields(on_group(&server, "CheckLiveMessageUsersInGroup", &[("UserIds", "u1,u2")]));
    assert_eq!(there["Users"], json!([{"UserId": "u1", "Online": false}, {"UserId": "u2", "Online": true}]));
    assert_eq!(code(&on_group(&server, "KickLiveMessageGroupUser", &[("KickoffUser", "u1")])), (404, "ResourceNotExist"));
    // It is still online.
    assert_eq!(fields(server.call("CheckLiveMessageUsersOnline", &[("AppId", "demo"), ("UserIds", "u1")]))["UserList"][0]["Online"], true);
}

#[test]
fn the_info_of_a_user_is_seen_in_its_groups() {
    let server = group_of(&["u1"]);
    server.call("CreateLiveMessageGroup", &[("AppId", "demo"), ("GroupId", "g2")]);
    server.fake.join("demo", "u1", 2);
    let user: &[(&str, &str)] = &[("AppId", "demo"), ("UserId", "u1")];
    let seen = || fields(on_group(&server, "ListLiveMessageGroupUsers", &[("SortType", "1"), ("PageSize", "10")]))["UserList"][0]["UserInfo"].clone();
    for info in ["Ann", ""] {
        let answer = fields(server.call("ModifyLiveMessageUserInfo", &[user, &[("UserMetaInfo", info)]].concat()));
        assert_eq!(answer, json!({"SuccessList": [{"GroupId": "g1", "Success": true}, {"GroupId": "g2", "Success": true}], "FailList": []}));
        assert_eq!(seen(), info);
    }
    assert_eq!(code(&server.call("ModifyLiveMessageUserInfo", &[("AppId", "demo"), ("UserId", "u2")])), (404, "ResourceNotExist"));
}

/// Operation, what it is given, and how it is then: the group's mute, who is muted, who is on its white list.
type Step<'a> = (&'a str, &'a [(&'a str, &'a str)], bool, &'a [&'a str], &'a [&'a str]);

#[test]
fn mutes_are_changed_and_told() {
    let server = group_of(&["u1", "a,b"]);
    #[rustfmt::skip]
    let steps: &[Step] = &[
        ("BanLiveMessageGroup", &[], true, &[], &[]),
        ("BanLiveMessageGroup", &[("ExceptUsers", "u1,u2")], true, &[], &["u1", "u2"]),
        ("AddLiveMessageGroupBand", &[("BannedUsers", "a,b")], true, &["a,b"], &["u1", "u2"]),
        ("AddLiveMessageGroupBand", &[("BannedUsers.1", "u3"), ("BannedUsers.2", "u 4")], true, &["a,b", "u 4", "u3"], &["u1", "u2"]),
        ("RemoveLiveMessageGroupBand", &[("UnbannedUsers", r#"["u3","never"]"#)], true, &["a,b", "u 4"], &["u1", "u2"]),
        ("UnbanLiveMessageGroup", &[], false, &["a,b", "u 4"], &[]),
        ("ModifyLiveMessageGroupBand", &[("BannedAll", "True")], true, &["a,b", "u 4"], &[]),
        ("ModifyLiveMessageGroupBand", &[("BannnedUsers", "u1,u2"), ("ExceptUsers", "a,b")], true, &["u1", "u2"], &["a,b"]),
        ("ModifyLiveMessageGroupBand", &[("BannedUsers", "u9")], true, &["u9"], &["a,b"]),
        ("ModifyLiveMessageGroupBand", &[], true, &["u9"], &["a,b"]),
        ("ModifyLiveMessageGroupBand", &[("BannnedUsers", ""), ("ExceptUsers", "[]")], true, &[], &[]),
        ("AddLiveMessageGroupBand", &[("BannedUsers", "a,b")], true, &["a,b"], &[]),
        ("KickLiveMessageGroupUser", &[("KickoffUser", "a,b")], true, &["a,b"], &[]),
        // It has left, and is still one name.
        ("RemoveLiveMessageGroupBand", &[("UnbannedUsers", "a,b")], true, &[], &[]),
        ("AddLiveMessageGroupBand", &[("BannedUsers", "a,b")], true, &["a", "b"], &[]),
    ];
    for (action, more, all, muted, except) in steps {
        assert_eq!(fields(on_group(&server, action, more)), json!({}), "{action} {more:?}");
        let now = fields(on_group(&server, "DescribeLiveMessageGroupBand", &[]));
        assert_eq!(now, json!({"GroupId": "g1", "IsbannedAll": all, "BannedUserList": muted, "UnbannedUserList": except}), "{action} {more:?}");
    }
    server.call("DeleteLiveMessageGroup", GROUP);
    for (action, more) in [("DescribeLiveMessageGroupBand", ("ExceptUsers", "")), ("BanLiveMessageGroup", ("ExceptUsers", "a,b"))] {
        assert_eq!(code(&on_group(&server, action, &[more])), (404, "ResourceNotExist"));
    }
}
