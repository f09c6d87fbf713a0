//! Groups of the chat as the business's server sees them (`tencent.md` §5.1, §5.2): the five types with their rules, ids,
//! data, filters and pages. Who is in them is in `chat_members.rs`.

use crate::harness::{Tencent, World, text_body};
use serde_json::{Value, json};

/// What is told of each group that was asked for: its code.
fn codes(api: &Tencent, groups: &[&str]) -> Vec<i64> {
    let found = api.group("get_group_info", json!({"GroupIdList": groups}));
    found["GroupInfo"].as_array().expect("a list").iter().map(|group| group["ErrorCode"].as_i64().expect("a code")).collect()
}

/// All groups of the application, with the cursor of each page.
fn listed(api: &Tencent, kind: &str, limit: usize) -> (Vec<String>, u64) {
    let (mut all, mut next, mut total) = (Vec::new(), json!(0), 0);
    loop {
        let page = api.group("get_appid_group_list", json!({"Limit": limit, "Next": next, "GroupType": kind}));
        let ids = page["GroupIdList"].as_array().expect("a list");
        assert!(ids.len() <= limit, "{page}");
        all.extend(ids.iter().map(|group| group["GroupId"].as_str().expect("an id").to_owned()));
        total = page["TotalCount"].as_u64().expect("a number").max(total);
        next = page["Next"].clone();
        if next == 0 {
            return (all, total);
        }
    }
}

#[test]
fn each_type_has_its_rules() {
    let world = World::new();
    let api = world.tencent();
    api.import(&["owner", "m1", "m2", "away"]);
    // Type as it is made and as it is told; then the codes of what is tried in it.
    for (id, made, told, may) in [
        ("w", "Work", "Private", [0, 0, 10007, 10007, 0, 0, 10007, 0]),
        ("p", "Public", "Public", [0, 0, 0, 10007, 0, 0, 10007, 0]),
        ("m", "Meeting", "ChatRoom", [0, 0, 0, 10007, 0, 0, 10007, 0]),
        ("a", "AVChatRoom", "AVChatRoom", [10007, 10004, 0, 0, 10044, 10033, 0, 10007]),
        ("@TGS#_c", "Community", "Community", [0, 0, 0, 10007, 0, 0, 10007, 0]),
    ] {
        let mut group = json!({"GroupId": id, "Type": made, "Name": "a group", "Owner_Account": "owner"});
        api.group("create_group", group.clone());
        assert_eq!(api.group_info(id)["Type"], told);
        api.group("send_group_msg", json!({"GroupId": id, "Random": 1, "MsgBody": text_body("hi")}));
        let of_group = |more: Value| {
            let mut body = more;
            body["GroupId"] = id.into();
            body
        };
        let tried = [
            ("add_group_member", of_group(json!({"MemberList": [{"Member_Account": "m1"}]}))),
            ("delete_group_member", of_group(json!({"MemberToDel_Account": ["m1"]}))),
            ("forbid_send_msg", of_group(json!({"Members_Account": ["m1"], "MuteTime": 60}))),
            ("ban_group_member", of_group(json!({"Members_Account": ["m2"], "Duration": 60}))),
            ("group_msg_get_simple", of_group(json!({"ReqMsgNumber": 5}))),
            ("group_msg_recall", of_group(json!({"MsgSeqList": [{"MsgSeq": 1}]}))),
            ("get_online_member_num", of_group(json!({}))),
            ("send_group_msg", of_group(json!({"Random": 2, "MsgBody": text_body("to some"), "To_Account": ["owner"]}))),
        ];
        for ((command, body), expected) in tried.into_iter().zip(may) {
            assert_eq!(api.post(&format!("group_open_http_svc/{command}"), &body).code(), expected, "{made}: {command}");
        }
        // Members can be named at once, but for the rooms whose members come by themselves.
        group["MemberList"] = json!([{"Member_Account": "m1", "Role": "Admin"}, {"Member_Account": "m2"}]);
        group["GroupId"] = format!("{id}2").into();
        let code = api.post("group_open_http_svc/create_group", &group).code();
        assert_eq!(code, if made == "AVChatRoom" { 10007 } else { 0 }, "{made}");
        if code == 0 {
            let roles: Vec<_> = api.members(&format!("{id}2")).into_iter().map(|(user, role)| format!("{user} {role}")).collect();
            assert_eq!(roles, ["owner Owner", "m1 Admin", "m2 Member"], "{made}");
        }
    }
}

#[test]
fn an_id_is_chosen_or_made_and_taken_only_while_its_group_lives() {
    let world = World::new();
    let api = world.tencent();
    api.import(&["a", "b"]);
    let make = |id: &str, kind: &str, owner: &str| {
        let body = json!({"GroupId": id, "Type": kind, "Name": "n", "Owner_Account": owner});
        api.post("group_open_http_svc/create_group", &body).code()
    };
    let printable: String = (' '..='~').take(47).collect();
    let longest = "c".repeat(47);
    for (id, kind, expected) in [
        ("g1", "Public", 0),
        (&*printable, "Public", 0),
        (&*longest, "Work", 0),
        ("@TGS#mine", "Public", 10004),
        ("@TGS#_mine", "Public", 10004),
        ("mine", "Community", 10004),
        ("@TGS#_", "Community", 10004),
        ("@TGS#_mine", "Community", 0),
        (&*"c".repeat(48), "Public", 10004),
        ("中", "Public", 10004),
        ("a\nb", "Public", 10004),
        ("g2", "NoSuchType", 10004),
        ("g2", "BChatRoom", 10004),
    ] {
        assert_eq!(make(id, kind, "a"), expected, "{id} {kind}");
    }
    assert_eq!((make("g1", "Public", "a"), make("g1", "Work", "b"), make("g1", "Work", "")), (10025, 10021, 10021));
    for (kind, prefix) in [("Public", "@TGS#"), ("AVChatRoom", "@TGS#a"), ("Community", "@TGS#_")] {
        let made = api.group("create_group", json!({"Type": kind, "Name": "n"}))["GroupId"].clone();
        let id = made.as_str().unwrap();
        let rest = id.strip_prefix(prefix).unwrap_or_else(|| panic!("{kind}: {id}"));
        assert!(rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{id}");
        assert_eq!(codes(&api, &[id]), [0]);
    }
    assert_eq!(codes(&api, &["g1", "never", "", "a\u{1}"]), [0, 10015, 10015, 10015]);
    api.group("destroy_group", json!({"GroupId": "g1"}));
    for (command, more) in
        [("destroy_group", json!({})), ("get_group_member_info", json!({})), ("send_group_msg", json!({"Random": 1, "MsgBody": text_body("x")}))]
    {
        for (group, expected) in [("g1", 10010), ("never", 10015)] {
            let mut body = more.clone();
            body["GroupId"] = group.into();
            assert_eq!(api.group_fails(command, body), expected, "{command} {group}");
        }
    }
    assert_eq!(codes(&api, &["g1"]), [10010], "it is known that it was there");
    assert_eq!(make("g1", "Work", "b"), 0);
    assert_eq!((api.group_info("g1")["Type"].clone(), api.history("g1")), (json!("Private"), vec![]), "it has nothing of the one before");
}

#[test]
fn a_group_is_described_with_both_generations_of_names_and_keeps_it_over_a_restart() {
    let mut world = World::new();
    let api = world.tencent();
    api.import(&["owner", "m1"]);
    let now = world.seconds();
    api.group(
        "create_group",
        json!({
            "GroupId": "g1", "Type": "Public", "Name": "课堂", "Owner_Account": "owner", "Introduction": "i", "Notification": "n", "FaceUrl": "http://a/f.png",
            "MaxMemberCount": 50, "ApplyJoinOption": "FreeAccess", "AppDefinedData": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}],
            "MemberList": [{"Member_Account": "m1", "Role": "Admin", "AppMemberDefinedData": [{"Key": "desk", "Value": "7"}]}],
        }),
    );
    api.say("g1", "m1", "hi");
    let member = |user: &str, role: &str, said: i64, data: Value| {
        json!({
            "Member_Account": user, "Role": role, "JoinTime": now, "MsgSeq": 0, "MsgFlag": "AcceptAndNotify", "LastSendMsgTime": said,
            "MuteUntil": 0, "ShutUpUntil": 0, "NameCard": "", "AppMemberDefinedData": data,
        })
    };
    let expected = json!({
        "GroupId": "g1", "ErrorCode": 0, "ErrorInfo": "", "Type": "Public", "Name": "课堂", "Appid": world.sdkappid(), "Introduction": "i",
        "Notification": "n", "FaceUrl": "http://a/f.png", "Owner_Account": "owner", "CreateTime": now, "LastInfoTime": now, "LastMsgTime": now,
        "NextMsgSeq": 2, "MemberNum": 2, "MaxMemberNum": 50, "ApplyJoinOption": "FreeAccess", "MuteAllMember": "Off", "ShutUpAllMember": "Off",
        "AppDefinedData": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
        "MemberList": [member("owner", "Owner", 0, json!([])), member("m1", "Admin", now, json!([{"Key": "desk", "Value": "7"}]))],
    });
    assert_eq!(api.group_info("g1"), expected);
    world.server.restart();
    let api = world.tencent();
    assert_eq!(api.group_info("g1"), expected, "after a restart");
    world.server.crash();
    let api = world.tencent();
    assert_eq!(api.group_info("g1"), expected, "after a crash");

    world.advance(5_000);
    let later = world.seconds();
    api.group(
        "modify_group_base_info",
        json!({
            "GroupId": "g1", "Name": "new", "Introduction": "", "MaxMemberNum": 60, "ApplyJoinOption": "DisableApply", "ShutUpAllMember": "On",
            "AppDefinedData": [{"Key": "a", "Value": ""}, {"Key": "c", "Value": "3"}],
        }),
    );
    let told = api.group_info("g1");
    for (field, value) in [
        ("Name", json!("new")),
        ("Introduction", json!("")),
        ("Notification", json!("n")),
        ("MaxMemberNum", json!(60)),
        ("ApplyJoinOption", json!("DisableApply")),
        ("MuteAllMember", json!("On")),
        ("ShutUpAllMember", json!("On")),
        ("LastInfoTime", json!(later)),
        ("CreateTime", json!(now)),
        ("AppDefinedData", json!([{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}])),
    ] {
        assert_eq!(told[field], value, "{field}");
    }
    api.group("modify_group_base_info", json!({"GroupId": "g1", "MuteAllMember": "Off"}));
    assert_eq!(api.group_info("g1")["MuteAllMember"], "Off");
    // Together with those that are there it would have 11 keys.
    let many: Vec<Value> = (0..9).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect();
    assert_eq!(api.group_fails("modify_group_base_info", json!({"GroupId": "g1", "AppDefinedData": many})), 10004);
}

#[test]
fn a_filter_names_what_is_told_by_either_name() {
    let world = World::new();
    let api = world.tencent();
    api.make("g1", "Public", &["owner", "m1"]);
    api.group("modify_group_base_info", json!({"GroupId": "g1", "AppDefinedData": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}));
    let fields = |filter: Value| {
        let found = api.group("get_group_info", json!({"GroupIdList": ["g1"], "ResponseFilter": filter}))["GroupInfo"][0].clone();
        let mut names: Vec<String> = found.as_object().unwrap().keys().cloned().collect();
        names.retain(|name| !["GroupId", "ErrorCode", "ErrorInfo"].contains(&&**name));
        (names.join(" "), found)
    };
    assert_eq!(fields(json!({})).0, "");
    assert_eq!(fields(json!({"GroupBaseInfoFilter": ["Name", "Type", "NoSuchField"]})).0, "Name Type");
    assert_eq!(fields(json!({"GroupBaseInfoFilter": ["MuteAllMember"]})).0, "MuteAllMember ShutUpAllMember");
    assert_eq!(fields(json!({"GroupBaseInfoFilter": ["ShutUpAllMember"]})).0, "MuteAllMember ShutUpAllMember");
    let (names, found) = fields(json!({"AppDefinedDataFilter_Group": ["b", "none"]}));
    assert_eq!((&*names, &found["AppDefinedData"]), ("AppDefinedData", &json!([{"Key": "b", "Value": "2"}])));
    let (names, found) = fields(json!({"MemberInfoFilter": ["Account", "Role", "ShutUpUntil"]}));
    assert_eq!(names, "MemberList");
    assert_eq!(found["MemberList"][0], json!({"Member_Account": "owner", "Role": "Owner", "MuteUntil": 0, "ShutUpUntil": 0}));
    let members = api.group("get_group_member_info", json!({"GroupId": "g1", "MemberInfoFilter": ["JoinTime"], "MemberRoleFilter": ["Member"]}));
    assert_eq!(members["MemberList"], json!([{"Member_Account": "m1", "JoinTime": world.seconds()}]));
    assert_eq!(members["MemberNum"], 2, "all of them");
    assert_eq!(api.group_fails("get_group_member_info", json!({"GroupId": "g1", "MemberRoleFilter": ["Boss"]})), 10004);
}

#[test]
fn groups_of_the_application_and_of_a_user_are_listed_by_the_page() {
    let mut world = World::new();
    let api = world.tencent();
    let kinds = ["Public", "Work", "Meeting", "AVChatRoom"];
    api.import(&["u1", "other"]);
    for n in 0..12 {
        let kind = kinds[n % 4];
        let mut group = json!({"GroupId": format!("g{n:02}"), "Type": kind, "Name": format!("n{n}"), "Owner_Account": "other"});
        if kind != "AVChatRoom" && n % 2 == 0 {
            group["MemberList"] = json!([{"Member_Account": "u1"}]);
        }
        api.group("create_group", group);
        world.advance(1_000);
    }
    world.api().group(&world.app, "theirs");
    let names = |numbers: &[usize]| numbers.iter().map(|n| format!("g{n:02}")).collect::<Vec<_>>();
    for _ in 0..2 {
        let api = world.tencent();
        for limit in [1, 5, 100] {
            let (all, total) = listed(&api, "", limit);
            assert_eq!((all.len(), total), (13, 13), "{limit}");
            assert_eq!((&all[..12], &*all[12]), (&names(&(0..12).collect::<Vec<_>>())[..], "theirs"));
        }
        for (kind, expected) in [("Private", &[1, 5, 9][..]), ("Work", &[1, 5, 9]), ("ChatRoom", &[2, 6, 10]), ("Public", &[0, 4, 8])] {
            assert_eq!(listed(&api, kind, 2), (names(expected), 3), "{kind}");
        }
        let joined = |body: Value| {
            let mut body = body;
            body["Member_Account"] = "u1".into();
            api.group("get_joined_group_list", body)
        };
        let ids = |answer: &Value| {
            let list = answer["GroupIdList"].as_array().expect("a list");
            list.iter().map(|group| group["GroupId"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
        };
        let all = joined(json!({}));
        assert_eq!((ids(&all), &all["TotalCount"]), (names(&[0, 2, 4, 6, 8, 10]), &json!(6)));
        assert_eq!(all["GroupIdList"][0], json!({"GroupId": "g00"}), "without a filter the id alone");
        let page = joined(json!({"Limit": 2, "Offset": 3}));
        assert_eq!((ids(&page), &page["TotalCount"]), (names(&[6, 8]), &json!(6)));
        assert_eq!(ids(&joined(json!({"GroupType": "ChatRoom"}))), names(&[2, 6, 10]));
        let filtered = joined(json!({"Limit": 1, "ResponseFilter": {"GroupBaseInfoFilter": ["Type", "Name"], "SelfInfoFilter": ["Role", "MsgFlag"]}}));
        assert_eq!(
            filtered["GroupIdList"][0],
            json!({"GroupId": "g00", "Type": "Public", "Name": "n0", "SelfInfo": {"Role": "Member", "MsgFlag": "AcceptAndNotify"}})
        );
        world.server.restart();
    }
    // A room of which it is in while its session lives is told only when that is asked for.
    let _u1 = world.member("u1", "g03");
    let api = world.tencent();
    let joined = |more: Value| api.group("get_joined_group_list", more)["TotalCount"].clone();
    assert_eq!(joined(json!({"Member_Account": "u1"})), 6);
    assert_eq!(joined(json!({"Member_Account": "u1", "WithHugeGroups": 1})), 7);
    assert_eq!(joined(json!({"Member_Account": "administrator"})), 0);
    assert_eq!(api.group_fails("get_joined_group_list", json!({"Member_Account": "nobody"})), 10019);
}

#[test]
fn members_are_listed_by_the_page_in_the_order_in_which_they_joined() {
    let world = World::new();
    let api = world.tencent();
    let users: Vec<String> = (0..9).map(|n| format!("u{}", 9 - n)).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    for (id, kind) in [("g1", "Public"), ("@TGS#_c", "Community")] {
        api.make(id, kind, &users);
        let mut seen = Vec::new();
        let mut next = json!("");
        for n in 0..3 {
            let mut body = json!({"GroupId": id, "Limit": 4});
            if kind == "Community" {
                body["Next"] = next.clone();
            } else {
                body["Offset"] = (n * 4).into();
            }
            let page = api.group("get_group_member_info", body);
            assert_eq!(page["MemberNum"], 9);
            let list = page["MemberList"].as_array().unwrap();
            assert_eq!(list.len(), [4, 4, 1][n], "{page}");
            seen.extend(list.iter().map(|member| member["Member_Account"].as_str().unwrap().to_owned()));
            assert_eq!(page.get("Next").is_some(), kind == "Community", "{page}");
            next = page["Next"].clone();
        }
        assert_eq!(seen, users, "{kind}");
        if kind == "Community" {
            assert_eq!(next, "", "that was the last page");
        }
    }
}

#[test]
fn a_live_room_is_a_group_of_its_type_and_no_other_group_is_a_live_room() {
    let world = World::new();
    let api = world.tencent();
    api.import(&["host"]);
    api.live("create_room", json!({"RoomInfo": {"RoomId": "r1", "RoomType": "Live", "RoomName": "show", "Owner_Account": "host"}}));
    let told = api.group_info("r1");
    assert_eq!((&told["Type"], &told["Name"], &told["Owner_Account"]), (&json!("AVChatRoom"), &json!("show"), &json!("host")));
    api.group("create_group", json!({"GroupId": "a1", "Type": "AVChatRoom", "Name": "of the chat", "Owner_Account": "host"}));
    assert_eq!(api.live("get_room_info", json!({"RoomId": "a1"}))["RoomInfo"]["RoomName"], "of the chat");
    api.make("p1", "Public", &["host"]);
    for (command, more) in [
        ("get_room_info", json!({})),
        ("destroy_room", json!({})),
        ("mute_member", json!({"MemberList_Account": ["u"], "MuteTime": 1})),
        ("send_text_msg", json!({"Sender_Account": "host", "TextContent": "x"})),
    ] {
        let mut body = more;
        body["RoomId"] = "p1".into();
        assert_eq!(api.live_fails(command, body), 100004, "{command}");
    }
    let rooms = api.live("get_room_list", json!({}))["RoomList"].clone();
    let ids: Vec<&str> = rooms.as_array().unwrap().iter().map(|room| room["RoomId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a1", "r1"], "the newest first, and live rooms alone");
    // The other cloud's API sees all of them, and what it makes is a live room.
    let app = [("AppId", &*world.app.id)];
    let groups = world.api().ok("ListLiveMessageGroups", &[&app[..], &[("SortType", "1")]].concat());
    assert_eq!(groups["GroupList"].as_array().unwrap().len(), 3);
    world.groups(&["theirs"]);
    assert_eq!(api.group_info("theirs")["Type"], "AVChatRoom");
}

#[test]
fn how_many_groups_there_may_be() {
    let world = World::with(|settings| settings.rules.quotas.groups_per_app = 2);
    let api = world.tencent();
    api.make("g1", "Public", &[]);
    api.make("g2", "AVChatRoom", &[]);
    for (kind, expected) in [("Public", 10058), ("AVChatRoom", 10036)] {
        assert_eq!(api.group_fails("create_group", json!({"GroupId": "g3", "Type": kind, "Name": "n"})), expected, "{kind}");
    }
    api.group("destroy_group", json!({"GroupId": "g1"}));
    api.make("g3", "Public", &[]);
}
