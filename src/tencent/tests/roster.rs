//! Members of groups: who they are, come, go and may speak; and lists of groups (`tencent.md` §5.2).

use super::*;
use crate::domain::Refusal;

/// The members told by `get_group_member_info` with these parameters.
fn members(server: &Server, more: Value) -> Vec<Value> {
    server.group("get_group_member_info", but(&more, json!({"GroupId": "g1"})))["MemberList"].as_array().unwrap().clone()
}

fn users(list: &[Value]) -> Vec<&str> {
    list.iter().map(|member| member["Member_Account"].as_str().unwrap()).collect()
}

fn path(command: &str) -> String {
    format!("group_open_http_svc/{command}")
}

#[test]
fn who_is_added_is_a_member() {
    let server = Server::new();
    server.make("g1", "Public", &["ann"]);
    let add =
        |users: &[&str]| json!({"GroupId": "g1", "MemberList": users.iter().map(|user| json!({"Member_Account": user})).collect::<Vec<_>>(), "Silence": 1});
    let answer = server.group("add_group_member", add(&["bob", "ann", "nobody", "bob"]));
    let result = |user: &str, result: u8| json!({"Member_Account": user, "Result": result});
    assert_eq!(answer["MemberList"], json!([result("bob", 1), result("ann", 2), result("nobody", 0)]));
    assert_eq!(users(&members(&server, json!({}))), ["owner", "ann", "bob"]);

    let many: Vec<String> = (0..301).map(|n| format!("u{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let add_path = path("add_group_member");
    server.refuses(&add_path, 10005, [add(&many)]);
    server.refuses(
        &add_path,
        10004,
        [add(&[]), json!({"GroupId": "g1"}), json!({"GroupId": "g1", "MemberList": ["ann"]}), but(&add(&["ann"]), json!({"Silence": 2}))],
    );
    server.refuses(&add_path, 10015, [but(&add(&["ann"]), json!({"GroupId": "never"}))]);
    server.room("r1");
    server.refuses(&add_path, 10007, [but(&add(&["ann"]), json!({"GroupId": "r1"}))]);
    *server.fake.refuse.lock().unwrap() = Some(Refusal::GroupFull("g1".into()));
    server.refuses(&add_path, 10014, [add(&["ann"])]);
}

#[test]
fn who_is_deleted_is_none_any_more() {
    let server = Server::new();
    server.make("g1", "Private", &["ann", "bob"]);
    let delete = |users: Value| json!({"GroupId": "g1", "MemberToDel_Account": users});
    server.group("delete_group_member", but(&delete(json!(["ann", "nobody"])), json!({"Reason": "spam", "Silence": 0})));
    assert_eq!(users(&members(&server, json!({}))), ["owner", "bob"]);
    let path = path("delete_group_member");
    server.refuses(&path, 10004, [delete(json!([])), delete(json!("ann")), delete(json!([1])), json!({"GroupId": "g1"})]);
    server.refuses(&path, 10005, [delete(json!(vec!["u"; 501]))]);
    server.room("r1");
    server.refuses(&path, 10004, [but(&delete(json!(["ann"])), json!({"GroupId": "r1"}))]);
}

#[test]
fn a_member_is_changed() {
    let server = Server::new();
    server.make("g1", "ChatRoom", &["ann"]);
    let soon = server.clock.now().seconds() + 60;
    let change = |change: Value| but(&change, json!({"GroupId": "g1", "Member_Account": "ann"}));
    let data = |value: &str| json!([{"Key": "k", "Value": value}]);
    for (given, field, expected) in [
        (json!({"Role": "Admin"}), "Role", json!("Admin")),
        (json!({"Role": "Member"}), "Role", json!("Member")),
        (json!({"MsgFlag": "AcceptNotNotify"}), "MsgFlag", json!("AcceptNotNotify")),
        (json!({"MsgFlag": "Discard"}), "MsgFlag", json!("Discard")),
        (json!({"NameCard": "Ann"}), "NameCard", json!("Ann")),
        (json!({"MuteTime": 60}), "MuteUntil", json!(soon)),
        (json!({"ShutUpTime": u32::MAX}), "ShutUpUntil", json!(u32::MAX)),
        (json!({"MuteTime": 0}), "ShutUpUntil", json!(0)),
        (json!({"AppMemberDefinedData": data("v")}), "AppMemberDefinedData", data("v")),
        (json!({"AppMemberDefinedData": data("")}), "AppMemberDefinedData", json!([])),
    ] {
        server.group("modify_group_member_info", change(given.clone()));
        let list = members(&server, json!({}));
        let ann = list.iter().find(|member| member["Member_Account"] == "ann").unwrap();
        assert_eq!(ann[field], expected, "{given}");
    }
    let bad = [
        json!({"Role": "Owner"}),
        json!({"MsgFlag": "On"}),
        json!({"NameCard": "x".repeat(51)}),
        json!({"MuteTime": "1"}),
        json!({"Member_Account": "nobody", "NameCard": "n"}),
    ];
    server.refuses(&path("modify_group_member_info"), 10004, bad.into_iter().map(|more| but(&change(json!({})), more)));
    server.make("w1", "Work", &["ann"]);
    server.refuses(&path("modify_group_member_info"), 10007, [json!({"GroupId": "w1", "Member_Account": "ann", "MuteTime": 5})]);
}

#[test]
fn members_are_told_page_by_page() {
    let server = Server::new();
    server.make("g1", "Public", &["ann", "bob"]);
    server.group("modify_group_member_info", json!({"GroupId": "g1", "Member_Account": "bob", "Role": "Admin", "NameCard": "B"}));
    let answer = server.group("get_group_member_info", json!({"GroupId": "g1", "Limit": 2, "Offset": 1}));
    assert_eq!((&answer["MemberNum"], &answer["Next"]), (&json!(3), &Value::Null));
    assert_eq!(users(answer["MemberList"].as_array().unwrap()), ["ann", "bob"]);
    for (filter, expected) in [
        (json!({"MemberRoleFilter": ["Owner", "Member"], "MemberInfoFilter": ["Account"]}), json!([{"Member_Account": "owner"}, {"Member_Account": "ann"}])),
        (
            json!({"MemberRoleFilter": ["Admin"], "MemberInfoFilter": ["Role", "NameCard", "none"]}),
            json!([{"Member_Account": "bob", "Role": "Admin", "NameCard": "B"}]),
        ),
        (
            json!({"Limit": 1, "MemberInfoFilter": ["ShutUpUntil"], "AppDefinedDataFilter_GroupMember": ["k"]}),
            json!([{"Member_Account": "owner", "MuteUntil": 0, "ShutUpUntil": 0, "AppMemberDefinedData": []}]),
        ),
    ] {
        assert_eq!(json!(members(&server, filter.clone())), expected, "{filter}");
    }
    let bad = [
        json!({"Limit": 6_001}),
        json!({"Limit": "1"}),
        json!({"Offset": -1}),
        json!({"Next": "x"}),
        json!({"MemberRoleFilter": ["owner"]}),
        json!({"MemberInfoFilter": "Role"}),
    ];
    server.refuses(&path("get_group_member_info"), 10004, bad.into_iter().map(|more| but(&more, json!({"GroupId": "g1"}))));

    let community = json!({"Type": "Community", "Name": "n", "GroupId": "@TGS#_c", "Owner_Account": "owner", "MemberList": [{"Member_Account": "ann"}]});
    server.group("create_group", community);
    let first = server.group("get_group_member_info", json!({"GroupId": "@TGS#_c", "Limit": 1, "Next": ""}));
    assert_eq!(users(first["MemberList"].as_array().unwrap()), ["owner"]);
    let second = server.group("get_group_member_info", json!({"GroupId": "@TGS#_c", "Limit": 1, "Next": first["Next"]}));
    assert_eq!((users(second["MemberList"].as_array().unwrap()), &second["Next"]), (vec!["ann"], &json!("")));

    server.room("r1");
    server.fake.join("demo", "ann", 3);
    let room = server.group("get_group_member_info", json!({"GroupId": "r1"}));
    assert_eq!((&room["MemberNum"], &room["MemberList"]), (&json!(1), &json!([])), "nothing is kept of who is in a live room");
}

#[test]
fn what_somebody_is_in_a_group() {
    let server = Server::new();
    server.make("g1", "Public", &["ann", "bob"]);
    server.group("modify_group_member_info", json!({"GroupId": "g1", "Member_Account": "ann", "Role": "Admin"}));
    let roles = |server: &Server| {
        let answer = server.group("get_role_in_group", json!({"GroupId": "g1", "User_Account": ["owner", "ann", "bob", "nobody"]}));
        answer["UserIdList"].as_array().unwrap().iter().map(|user| user["Role"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(roles(&server), ["Owner", "Admin", "Member", "NotMember"]);
    server.group("change_group_owner", json!({"GroupId": "g1", "NewOwner_Account": "bob"}));
    assert_eq!(roles(&server)[2], "Owner");
    server.refuses(&path("change_group_owner"), 10004, [json!({"GroupId": "g1", "NewOwner_Account": "nobody"}), json!({"GroupId": "g1"})]);
    server.refuses(&path("get_role_in_group"), 10005, [json!({"GroupId": "g1", "User_Account": vec!["u"; 501]})]);
    server.refuses(&path("get_role_in_group"), 10004, [json!({"GroupId": "g1", "User_Account": []})]);
}

#[test]
fn mutes_have_two_names() {
    let server = Server::new();
    server.make("g1", "Public", &["ann", "bob"]);
    let forbid =
        |field: &str, seconds: u32, users: &[&str]| server.group("forbid_send_msg", json!({"GroupId": "g1", "Members_Account": users, field: seconds}));
    forbid("MuteTime", 60, &["ann"]);
    forbid("ShutUpTime", u32::MAX, &["bob", "away"]);
    forbid("MuteTime", 0, &["away"]);
    let soon = server.clock.now().seconds() + 60;
    let told = |user: &str, field: &str, until: i64| json!({"Member_Account": user, field: until});
    let new = server.group("get_group_muted_account", json!({"GroupId": "g1"}));
    assert_eq!(new["MutedAccountList"], json!([told("ann", "MutedUntil", soon), told("bob", "MutedUntil", u32::MAX.into())]));
    let old = server.group("get_group_shutted_uin", json!({"GroupId": "g1"}));
    assert_eq!(old["ShuttedUinList"], json!([told("ann", "ShuttedUntil", soon), told("bob", "ShuttedUntil", u32::MAX.into())]));
    assert_eq!((&new["GroupId"], &old["GroupId"]), (&json!("g1"), &json!("g1")));

    let body = json!({"GroupId": "g1", "Members_Account": ["ann"], "MuteTime": 5});
    let path = path("forbid_send_msg");
    server.refuses(
        &path,
        10004,
        [
            but(&body, json!({"MuteTime": null})),
            but(&body, json!({"MuteTime": -1})),
            but(&body, json!({"Members_Account": []})),
            but(&body, json!({"TopicId": "t"})),
        ],
    );
    server.refuses(&path, 10005, [but(&body, json!({"Members_Account": vec!["u"; 501]}))]);
    server.make("w1", "Private", &["ann"]);
    server.refuses(&path, 10007, [but(&body, json!({"GroupId": "w1"}))]);
    server.refuses(&path, 10015, [but(&body, json!({"GroupId": "never"}))]);
}

#[test]
fn only_live_rooms_keep_somebody_out() {
    let server = Server::new();
    server.room("r1");
    server.make("g1", "Public", &["ann"]);
    let ban = json!({"GroupId": "r1", "Members_Account": ["ann", "bob"], "Duration": 60, "Description": "spam"});
    server.group("ban_group_member", ban.clone());
    server.group("ban_group_member", but(&ban, json!({"Members_Account": ["bob"], "Duration": u32::MAX})));
    let soon = server.clock.now().seconds() + 60;
    let banned = |user: &str, until: i64| json!({"Member_Account": user, "BannedUntil": until});
    let first = server.group("get_group_ban_member", json!({"GroupId": "r1", "Offset": 0, "Limit": 1}));
    assert_eq!((&first["BannedAccountList"], &first["NextOffset"]), (&json!([banned("ann", soon)]), &json!(1)));
    let second = server.group("get_group_ban_member", json!({"GroupId": "r1", "Offset": 1}));
    assert_eq!((&second["BannedAccountList"], &second["NextOffset"]), (&json!([banned("bob", u32::MAX.into())]), &json!(0)));
    server.group("unban_group_member", json!({"GroupId": "r1", "Members_Account": ["ann", "bob"]}));
    assert_eq!(server.group("get_group_ban_member", json!({"GroupId": "r1", "Offset": 0}))["BannedAccountList"], json!([]));

    let path = |command: &str| path(&format!("{command}_group_member"));
    server.refuses(
        &path("ban"),
        10004,
        [but(&ban, json!({"Duration": 0})), but(&ban, json!({"Duration": null})), but(&ban, json!({"Description": "x".repeat(1_001)}))],
    );
    server.refuses(&path("ban"), 10005, [but(&ban, json!({"Members_Account": vec!["u"; 21]}))]);
    server.refuses(&path("unban"), 10005, [json!({"GroupId": "r1", "Members_Account": vec!["u"; 21]})]);
    server.refuses(&path("ban"), 10007, [but(&ban, json!({"GroupId": "g1"}))]);
    server.refuses(&path("unban"), 10007, [json!({"GroupId": "g1", "Members_Account": ["ann"]})]);
    server.refuses("group_open_http_svc/get_group_ban_member", 10007, [json!({"GroupId": "g1", "Offset": 0})]);
}

#[test]
fn who_is_in_a_live_room_now() {
    let server = Server::new();
    server.room("r1");
    server.make("g1", "Public", &["ann"]);
    server.fake.join("demo", "ann", 1);
    assert_eq!(server.group("get_online_member_num", json!({"GroupId": "r1"}))["OnlineMemberNum"], 1);
    server.refuses("group_open_http_svc/get_online_member_num", 10007, [json!({"GroupId": "g1"})]);
    let list = "group_open_avchatroom_http_svc/get_members";
    let answer = server.call(list, json!({"GroupId": "r1", "Timestamp": 0}));
    assert_eq!(answer["MemberList"], json!([{"Member_Account": "ann", "JoinTime": 0, "NickName": "", "Avatar": ""}]));
    assert_eq!(answer["NextTimestamp"], 0);
    server.refuses(list, 10007, [json!({"GroupId": "g1", "Timestamp": 0})]);
}

#[test]
fn groups_of_a_user() {
    let server = Server::new();
    server.make("g1", "Public", &["ann"]);
    server.make("w1", "Private", &["ann", "bob"]);
    server.room("r1");
    server.fake.join("demo", "ann", 3);
    server.group("modify_group_member_info", json!({"GroupId": "g1", "Member_Account": "ann", "Role": "Admin"}));
    let joined = |more: Value| server.group("get_joined_group_list", but(&more, json!({"Member_Account": "ann"})));
    let ids = |answer: &Value| answer["GroupIdList"].as_array().unwrap().iter().map(|group| group["GroupId"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for (more, total, expected) in [
        (json!({}), 2, vec!["g1", "w1"]),
        (json!({"GroupType": ""}), 2, vec!["g1", "w1"]),
        (json!({"GroupType": "Work"}), 1, vec!["w1"]),
        (json!({"WithHugeGroups": 1}), 3, vec!["g1", "w1", "r1"]),
        (json!({"Limit": 1, "Offset": 1, "WithNoActiveGroups": 1, "SupportTopic": 0}), 2, vec!["w1"]),
        (json!({"Member_Account": "owner", "Limit": 0}), 2, vec!["g1", "w1"]),
        (json!({"Member_Account": ADMINISTRATOR}), 0, vec![]),
    ] {
        let answer = if more.get("Member_Account").is_some() { server.group("get_joined_group_list", more.clone()) } else { joined(more.clone()) };
        assert_eq!((&answer["TotalCount"], ids(&answer)), (&json!(total), expected.iter().map(ToString::to_string).collect()), "{more}");
    }
    let filter = json!({"Limit": 1, "ResponseFilter": {"GroupBaseInfoFilter": ["Type", "MemberNum"], "SelfInfoFilter": ["Role", "MsgSeq"]}});
    assert_eq!(joined(filter)["GroupIdList"], json!([{"GroupId": "g1", "Type": "Public", "MemberNum": 2, "SelfInfo": {"Role": "Admin", "MsgSeq": 0}}]));
    let path = path("get_joined_group_list");
    server.refuses(&path, 10019, [json!({"Member_Account": "nobody"})]);
    server.refuses(&path, 10004, [json!({}), json!({"Member_Account": "ann", "Limit": 5_001}), json!({"Member_Account": "ann", "GroupType": "x"})]);
}

#[test]
fn all_groups_of_the_application() {
    let server = Server::new();
    for (id, kind) in [("g1", "Public"), ("w1", "Private"), ("g2", "Public"), ("gone", "Public")] {
        server.make(id, kind, &[]);
    }
    server.group("destroy_group", json!({"GroupId": "gone"}));
    let list = |more: Value| server.group("get_appid_group_list", more);
    let ids = |ids: &[&str]| json!(ids.iter().map(|id| json!({"GroupId": id})).collect::<Vec<_>>());
    let first = list(json!({"Limit": 2, "Next": 0, "GroupType": ""}));
    assert_eq!((&first["TotalCount"], &first["GroupIdList"]), (&json!(3), &ids(&["g1", "w1"])));
    let second = list(json!({"Limit": 2, "Next": first["Next"]}));
    assert_eq!((&second["GroupIdList"], &second["Next"]), (&ids(&["g2"]), &json!(0)));
    let public = list(json!({"GroupType": "Public"}));
    assert_eq!((&public["TotalCount"], &public["GroupIdList"]), (&json!(2), &ids(&["g1", "g2"])));
    let path = path("get_appid_group_list");
    server.refuses(&path, 10004, [json!({"Limit": 10_001}), json!({"Next": "0"}), json!({"GroupType": "x"})]);
}
