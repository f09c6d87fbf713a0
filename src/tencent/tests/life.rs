//! Groups are made, described, changed and disbanded (`tencent.md` §5.1, §5.2).

use super::*;
use crate::domain::Refusal;

const CREATE: &str = "group_open_http_svc/create_group";
const MODIFY: &str = "group_open_http_svc/modify_group_base_info";

/// What is told of the group.
fn info(server: &Server, id: &str) -> Value {
    server.group("get_group_info", json!({"GroupIdList": [id]}))["GroupInfo"][0].clone()
}

#[test]
fn a_group_is_what_was_asked_for() {
    let server = Server::new();
    let group = json!({
        "Type": "Public", "Name": "name", "GroupId": "g1", "Owner_Account": "owner", "Introduction": "intro", "Notification": "note", "FaceUrl": "face",
        "MaxMemberCount": 9, "ApplyJoinOption": "FreeAccess", "AppDefinedData": [{"Key": "k_1", "Value": "v"}, {"Key": "none", "Value": ""}],
        "MemberList": [{"Member_Account": "ann", "Role": "Admin"}, {"Member_Account": "bob", "AppMemberDefinedData": [{"Key": "m", "Value": "1"}]}],
    });
    assert_eq!(server.call(CREATE, group.clone()), json!({"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0, "GroupId": "g1"}));
    let member = |user: &str, role: &str, data: Value| {
        json!({
            "Member_Account": user, "Role": role, "JoinTime": 1_700_000_000, "MsgSeq": 0, "MsgFlag": "AcceptAndNotify", "LastSendMsgTime": 0,
            "MuteUntil": 0, "ShutUpUntil": 0, "NameCard": "", "AppMemberDefinedData": data,
        })
    };
    let expected = json!({
        "GroupId": "g1", "ErrorCode": 0, "ErrorInfo": "", "Type": "Public", "Name": "name", "Appid": SDKAPPID, "Introduction": "intro",
        "Notification": "note", "FaceUrl": "face", "Owner_Account": "owner", "CreateTime": 1_700_000_000, "LastInfoTime": 1_700_000_000,
        "LastMsgTime": 0, "NextMsgSeq": 1, "MemberNum": 3, "MaxMemberNum": 9, "ApplyJoinOption": "FreeAccess", "MuteAllMember": "Off",
        "ShutUpAllMember": "Off", "AppDefinedData": [{"Key": "k_1", "Value": "v"}],
        "MemberList": [member("owner", "Owner", json!([])), member("ann", "Admin", json!([])), member("bob", "Member", json!([{"Key": "m", "Value": "1"}]))],
    });
    assert_eq!(info(&server, "g1"), expected);
    assert_eq!(server.code(CREATE, group.clone()), 10025, "by the same owner");
    assert_eq!(server.code(CREATE, but(&group, json!({"Owner_Account": "ann"}))), 10021);
    server.group("destroy_group", json!({"GroupId": "g1"}));
    assert_eq!(server.group_code("destroy_group", json!({"GroupId": "g1"})), 10010);
    assert_eq!(server.group_code("destroy_group", json!({"GroupId": "never"})), 10015);
    assert_eq!(server.call(CREATE, group)["GroupId"], "g1", "its id is free again");
}

#[test]
fn each_type_has_its_ways() {
    let server = Server::new();
    for (name, told, option, most, id) in [
        ("Work", "Private", "DisableApply", 6_000, "@TGS#"),
        ("Private", "Private", "DisableApply", 6_000, "@TGS#"),
        ("Public", "Public", "NeedPermission", 6_000, "@TGS#"),
        ("Meeting", "ChatRoom", "FreeAccess", 6_000, "@TGS#"),
        ("ChatRoom", "ChatRoom", "FreeAccess", 6_000, "@TGS#"),
        ("AVChatRoom", "AVChatRoom", "FreeAccess", 0, "@TGS#a"),
        ("Community", "Community", "FreeAccess", 100_000, "@TGS#_"),
    ] {
        let made = server.group("create_group", json!({"Type": name, "Name": "n"}))["GroupId"].as_str().unwrap().to_owned();
        let rest = made.strip_prefix(id).unwrap_or_else(|| panic!("{name}: {made}"));
        assert!((8..=9).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{name}: {made}");
        let info = info(&server, &made);
        assert_eq!(
            [&info["Type"], &info["ApplyJoinOption"], &info["MaxMemberNum"], &info["Owner_Account"]],
            [&json!(told), &json!(option), &json!(most), &json!("")]
        );
    }
    let community = json!({"Type": "Community", "Name": "n", "GroupId": "@TGS#_mine"});
    assert_eq!(server.call(CREATE, community)["GroupId"], "@TGS#_mine");
}

#[test]
fn a_bad_group_is_not_made() {
    let server = Server::new();
    let group = json!({"Type": "Public", "Name": "name", "GroupId": "g1"});
    let entry = |key: &str, value: &str| json!({"AppDefinedData": [{"Key": key, "Value": value}]});
    let eleven: Vec<Value> = (0..11).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect();
    let bad = [
        json!({"Type": null}),
        json!({"Type": "BChatRoom"}),
        json!({"Type": "public"}),
        json!({"Name": null}),
        json!({"Name": ""}),
        json!({"Name": "x".repeat(31)}),
        json!({"Name": "é".repeat(16)}),
        json!({"Introduction": "x".repeat(241)}),
        json!({"Notification": "x".repeat(301)}),
        json!({"FaceUrl": "x".repeat(101)}),
        json!({"MaxMemberCount": "5"}),
        json!({"ApplyJoinOption": "Free"}),
        json!({"SupportTopic": 1}),
        json!({"Owner_Account": "x".repeat(33)}),
        json!({"GroupId": "x".repeat(48)}),
        json!({"GroupId": "gruppe é"}),
        json!({"GroupId": "@TGS#mine"}),
        json!({"GroupId": "@TGS#_mine"}),
        json!({"GroupId": "mine", "Type": "Community"}),
        json!({"AppDefinedData": {}}),
        json!({"AppDefinedData": [{"Key": "k"}]}),
        json!({"AppDefinedData": eleven}),
        entry("", "v"),
        entry("k-1", "v"),
        entry(&"x".repeat(17), "v"),
        entry("k", &"x".repeat(513)),
        json!({"AppDefinedData": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]}),
        json!({"MemberList": ["ann"]}),
        json!({"MemberList": [{"Member_Account": "ann", "Role": "Owner"}]}),
        json!({"MemberList": [{"Member_Account": "ann", "AppMemberDefinedData": [{"Key": "k", "Value": "x".repeat(65)}]}]}),
    ];
    server.refuses(CREATE, 10004, bad.into_iter().map(|change| but(&group, change)));
    let many: Vec<Value> = (0..101).map(|n| json!({"Member_Account": format!("u{n}")})).collect();
    server.refuses(CREATE, 10005, [but(&group, json!({"MemberList": many}))]);
    server.refuses(CREATE, 10007, [but(&group, json!({"Type": "AVChatRoom", "MemberList": [{"Member_Account": "ann"}]}))]);
    for change in [json!({"Owner_Account": "nobody"}), json!({"MemberList": [{"Member_Account": "nobody"}]})] {
        assert_eq!(server.code(CREATE, but(&group, change)), 10019);
    }
    assert_eq!(server.group("get_appid_group_list", json!({}))["TotalCount"], 0);
    server.refuses(
        CREATE,
        10038,
        [but(&group, json!({"MaxMemberCount": 6_001})), but(&group, json!({"Type": "Community", "GroupId": null, "MaxMemberNum": 100_001}))],
    );
    for (refusal, code) in
        [(Refusal::HookRefused { code: None, info: "no".into() }, 10016), (Refusal::HookRefused { code: Some(10_123), info: "no".into() }, 10_123)]
    {
        *server.fake.refuse.lock().unwrap() = Some(refusal);
        assert_eq!(server.code(CREATE, group.clone()), code);
    }
}

#[test]
fn there_may_be_so_many_groups() {
    let mut rules = Rules::default();
    rules.quotas.groups_per_app = 1;
    let server = Server::with(rules, false);
    server.make("g1", "Public", &[]);
    server.refuses(CREATE, 10058, [json!({"Type": "Public", "Name": "n"})]);
    server.refuses(CREATE, 10036, [json!({"Type": "AVChatRoom", "Name": "n"})]);
}

#[test]
fn a_change_is_of_what_was_given() {
    let server = Server::new();
    server.make("g1", "Public", &[]);
    server.make("w1", "Private", &[]);
    let data = |entries: &[(&str, &str)]| json!(entries.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect::<Vec<_>>());
    server.group("modify_group_base_info", json!({"GroupId": "g1", "AppDefinedData": data(&[("a", "1"), ("b", "2")])}));
    for (change, field, expected) in [
        (json!({"Name": "new"}), "Name", json!("new")),
        (json!({"Introduction": "i"}), "Introduction", json!("i")),
        (json!({"Notification": "n"}), "Notification", json!("n")),
        (json!({"FaceUrl": "f"}), "FaceUrl", json!("f")),
        (json!({"MaxMemberNum": 7}), "MaxMemberNum", json!(7)),
        (json!({"MaxMemberCount": 8}), "MaxMemberNum", json!(8)),
        (json!({"ApplyJoinOption": "DisableApply"}), "ApplyJoinOption", json!("DisableApply")),
        (json!({"MuteAllMember": "On"}), "ShutUpAllMember", json!("On")),
        (json!({"ShutUpAllMember": "Off"}), "MuteAllMember", json!("Off")),
        (json!({"AppDefinedData": data(&[("a", ""), ("c", "3")])}), "AppDefinedData", data(&[("b", "2"), ("c", "3")])),
        (json!({}), "Name", json!("new")),
    ] {
        server.group("modify_group_base_info", but(&change, json!({"GroupId": "g1"})));
        assert_eq!(info(&server, "g1")[field], expected, "{change}");
    }
    server.group("modify_group_base_info", json!({"GroupId": "w1", "ApplyJoinOption": "FreeAccess"}));
    assert_eq!(info(&server, "w1")["ApplyJoinOption"], "DisableApply", "one is invited into such a group");

    let nine: Vec<(String, &str)> = (0..9).map(|n| (format!("k{n}"), "v")).collect();
    let nine: Vec<(&str, &str)> = nine.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let bad = [
        json!({"Name": ""}),
        json!({"Name": 1}),
        json!({"MuteAllMember": "on"}),
        json!({"MuteAllMember": true}),
        json!({"ApplyJoinOption": ""}),
        json!({"AppDefinedData": data(&nine)}),
    ];
    server.refuses(MODIFY, 10004, bad.into_iter().map(|change| but(&change, json!({"GroupId": "g1"}))));
    server.refuses(MODIFY, 10004, [json!({"Name": "n"}), json!({"GroupId": 1, "Name": "n"})]);
    server.refuses(MODIFY, 10007, [json!({"GroupId": "w1", "MuteAllMember": "On"})]);
    server.refuses(MODIFY, 10015, [json!({"GroupId": "never", "Name": "n"}), json!({"GroupId": "", "Name": "n"}), json!({"GroupId": "a\n", "Name": "n"})]);
    server.refuses(MODIFY, 10038, [json!({"GroupId": "g1", "MaxMemberNum": 6_001})]);
}

#[test]
fn a_group_of_the_chat_is_no_live_room() {
    let server = Server::new();
    server.make("g1", "Public", &["ann"]);
    server.make("r1", "AVChatRoom", &[]);
    let room = json!({"RoomId": "g1"});
    for (command, body) in [
        ("get_room_info", json!({})),
        ("destroy_room", json!({})),
        ("update_room_info", json!({"RoomInfo": {"RoomId": "g1", "RoomName": "n"}})),
        ("set_room_metadata", json!({"Metadata": [{"Key": "k", "Value": "v"}]})),
        ("get_room_metadata", json!({})),
        ("get_admin_list", json!({})),
        ("modify_admin", json!({"Admin_Account": ["ann"], "OpType": "add"})),
        ("change_room_owner", json!({"NewOwner_Account": "ann"})),
        ("ban_member", json!({"MemberList_Account": ["ann"], "Duration": 5})),
        ("mute_member", json!({"MemberList_Account": ["ann"], "MuteTime": 5})),
        ("get_muted_member_list", json!({})),
        ("send_text_msg", json!({"Sender_Account": "ann", "TextContent": "x"})),
    ] {
        let body = if body.get("RoomInfo").is_some() { body } else { but(&body, room.clone()) };
        assert_eq!(server.live(command, body), 100004, "{command}");
    }
    assert_eq!(server.live("create_room", json!({"RoomInfo": {"RoomId": "g1", "RoomType": "Live"}})), 100003);
    assert_eq!(server.live("create_room", json!({"RoomInfo": {"RoomId": "r2", "RoomType": "Live", "Owner_Account": "nobody"}})), 100002);
    assert_eq!(server.response("get_room_info", json!({"RoomId": "r1"}))["RoomInfo"]["RoomName"], "r1", "made by the other command");
}
