//! Members of groups that keep them (`tencent.md` §5.1, `session.md` §3): they stay while they are offline, over logoffs,
//! restarts and crashes; who is there is another matter. And what a group keeps of each of them.

use crate::{
    crash::QUICK,
    harness::{Client, Folder, Process, Tencent, World, operator, wall},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

fn refused(client: &mut Client, group: &str) -> u64 {
    client.code("subscribe", json!({"channel": format!("group:{group}")}))
}

fn users(api: &Tencent, group: &str) -> Vec<String> {
    api.members(group).into_iter().map(|(user, _)| user).collect()
}

/// Who is there, as one of them sees it.
fn present(client: &mut Client, group: &str) -> BTreeSet<String> {
    let found = client.ok("presence", json!({"channel": format!("group:{group}")}));
    found["presence"].as_object().expect("who is there").values().map(|who| who["user"].as_str().expect("a user").to_owned()).collect()
}

fn set(users: &[&str]) -> BTreeSet<String> {
    users.iter().map(|user| user.to_string()).collect()
}

fn add(api: &Tencent, group: &str, users: &[&str]) -> Vec<i64> {
    let list: Vec<Value> = users.iter().map(|user| json!({"Member_Account": user})).collect();
    let added = api.group("add_group_member", json!({"GroupId": group, "MemberList": list}));
    let added = added["MemberList"].as_array().expect("a list").clone();
    assert_eq!(added.iter().map(|one| one["Member_Account"].as_str().unwrap()).collect::<Vec<_>>(), users);
    added.iter().map(|one| one["Result"].as_i64().expect("a number")).collect()
}

fn rpc(client: &mut Client, method: &str, data: Value) -> Value {
    client.ok("rpc", json!({"method": method, "data": data}))
}

#[test]
fn members_stay_while_they_are_offline_over_logoffs_restarts_and_crashes() {
    let mut world = World::new();
    let api = world.tencent();
    api.make("g1", "Public", &["owner", "u1", "u2"]);
    let all = ["owner", "u1", "u2"];
    assert_eq!(users(&api, "g1"), all, "nobody was ever there");
    let (mut u1, mut u2) = (world.member("u1", "g1"), world.member("u2", "g1"));
    assert_eq!(present(&mut u1, "g1"), set(&["u1", "u2"]));
    let group = rpc(&mut u1, "group.query", json!({"group_id": "g1"}))["data"].clone();
    assert_eq!((&group["online"], &group["members"]), (&json!(2), &json!(3)), "{group}");
    // Each way of not being there any more.
    u1.leave("g1");
    assert_eq!(users(&api, "g1"), all);
    assert_eq!(present(&mut u2, "g1"), set(&["u2"]));
    u1.join("g1");
    rpc(&mut u1, "session.logoff", json!({}));
    assert_eq!(u1.closed().0, 4502);
    assert_eq!((users(&api, "g1"), present(&mut u2, "g1")), (all.map(String::from).into(), set(&["u2"])));
    u2.vanish();
    world.advance(91_000);
    assert_eq!(users(&api, "g1"), all);
    let mut u1 = world.member("u1", "g1");
    assert_eq!(present(&mut u1, "g1"), set(&["u1"]));
    u1.close(1000);
    world.advance(2_000);
    assert_eq!(users(&api, "g1"), all);
    let joined = api.member("g1", "u1")["JoinTime"].clone();
    for how in ["restart", "crash"] {
        if how == "restart" {
            world.server.restart();
        } else {
            world.server.crash();
        }
        let api = world.tencent();
        assert_eq!(users(&api, "g1"), all, "{how}");
        assert_eq!(api.member("g1", "u1")["JoinTime"], joined, "{how}");
        let mut u1 = world.member("u1", "g1");
        assert_eq!(present(&mut u1, "g1"), set(&["u1"]), "{how}");
        u1.tell("g1", how);
        let expected: i64 = all.len() as i64;
        let rows: i64 = world.sql().query_row("SELECT count(*) FROM member", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, expected, "{how}");
    }
}

#[test]
fn who_was_told_to_be_a_member_is_one_after_a_kill() {
    let folder = Folder::new();
    let data = folder.join("data");
    let mut process = Process::start(&data, QUICK);
    let app = process.api().app("http://127.0.0.1:1/");
    let sdkappid = operator(process.control, &data, "GET", &format!("apps/{}", app.id), "").body["sdkappid"].as_u64().expect("a number") as u32;
    let api = |process: &Process| Tencent {
        at: process.control,
        sdkappid,
        key: app.key.clone(),
        identifier: "administrator".into(),
        now: Arc::new(|| wall().seconds()),
    };
    api(&process).make("g1", "Meeting", &["owner"]);
    let mut all = vec!["owner".to_owned()];
    for n in 0..5 {
        let (invited, came) = (format!("invited-{n}"), format!("came-{n}"));
        api(&process).import(&[&invited]);
        assert_eq!(add(&api(&process), "g1", &[&invited]), [1]);
        let mut client = Client::login(process.sessions, &app.login(&came, wall().seconds() + 600, ""), "d");
        client.join("g1");
        process.kill();
        all.extend([invited, came]);
        process = Process::start(&data, QUICK);
        assert_eq!(users(&api(&process), "g1"), all, "round {n}");
    }
}

#[test]
fn who_comes_and_goes_by_itself_is_as_the_type_says() {
    let world = World::new();
    let api = world.tencent();
    api.import(&["owner", "u1"]);
    let mut expected = BTreeSet::new();
    for (id, kind, option, comes) in [
        ("w", "Work", "FreeAccess", false),
        ("p", "Public", "NeedPermission", false),
        ("pf", "Public", "FreeAccess", true),
        ("pd", "Public", "DisableApply", false),
        ("m", "Meeting", "NeedPermission", true),
        ("@TGS#_c", "Community", "FreeAccess", true),
        ("a", "AVChatRoom", "FreeAccess", true),
    ] {
        api.group("create_group", json!({"GroupId": id, "Type": kind, "Name": "n", "Owner_Account": "owner", "ApplyJoinOption": option}));
        let mut u1 = world.on("u1");
        for method in ["group.query", "group.mutes"] {
            let reply = u1.ask("rpc", json!({"method": method, "data": {"group_id": id}}));
            assert_eq!(reply["error"]["code"] == 403, kind == "Work", "{method} of {kind} by somebody who is no member: {reply}");
        }
        if !comes {
            assert_eq!(refused(&mut u1, id), 403, "{kind} {option}");
            // By invitation it can.
            assert_eq!(add(&api, id, &["u1"]), [1]);
            u1.join(id);
        } else {
            u1.join(id);
        }
        if kind != "AVChatRoom" {
            expected.insert(id.to_owned());
            assert_eq!(api.members(id).last(), Some(&("u1".into(), "Member".into())), "{kind} {option}");
        }
        rpc(&mut u1, "session.logoff", json!({}));
        u1.closed();
    }
    let joined = api.group("get_joined_group_list", json!({"Member_Account": "u1"}));
    let ids: BTreeSet<String> = joined["GroupIdList"].as_array().unwrap().iter().map(|group| group["GroupId"].as_str().unwrap().into()).collect();
    assert_eq!(ids, expected, "and of the live room it is no member any more");
}

#[test]
fn to_quit_is_for_good_and_not_for_the_owner() {
    let mut world = World::new();
    let api = world.tencent();
    api.make("g1", "Work", &["owner", "u1", "u2"]);
    let (mut owner, mut u1) = (world.member("owner", "g1"), world.member("u1", "g1"));
    rpc(&mut u1, "group.quit", json!({"group_id": "g1"}));
    assert_eq!(users(&api, "g1"), ["owner", "u2"]);
    assert_eq!(refused(&mut u1, "g1"), 403, "it is invited, or stays out");
    assert_eq!(owner.code("rpc", json!({"method": "group.quit", "data": {"group_id": "g1"}})), 403);
    assert_eq!(u1.code("rpc", json!({"method": "group.quit", "data": {"group_id": "g1"}})), 425);
    world.server.crash();
    let api = world.tencent();
    assert_eq!(users(&api, "g1"), ["owner", "u2"]);
    // Once somebody else owns it, the former owner may go.
    api.group("change_group_owner", json!({"GroupId": "g1", "NewOwner_Account": "u2"}));
    let mut owner = world.member("owner", "g1");
    rpc(&mut owner, "group.quit", json!({"group_id": "g1"}));
    assert_eq!(api.members("g1"), [("u2".to_string(), "Owner".to_string())]);
}

#[test]
fn members_are_added_and_put_out_by_the_business() {
    let mut world = World::new();
    let api = world.tencent();
    api.make("g1", "Public", &["owner", "u1"]);
    api.import(&["u2", "u3"]);
    let mut u3 = world.on("u3");
    assert_eq!(add(&api, "g1", &["u2", "u1", "u3", "stranger"]), [1, 2, 1, 0]);
    assert_eq!(users(&api, "g1"), ["owner", "u1", "u2", "u3"]);
    u3.join("g1");
    api.group("delete_group_member", json!({"GroupId": "g1", "MemberToDel_Account": ["u3", "u1", "stranger", "u3"], "Silence": 1, "Reason": "r"}));
    let pushes = u3.heard();
    assert!(pushes.iter().any(|push| push.get("unsubscribe").is_some()), "{pushes:?}");
    assert_eq!((users(&api, "g1"), refused(&mut u3, "g1")), (["owner", "u2"].map(String::from).into(), 403));
    let joined = |user: &str| api.group("get_joined_group_list", json!({"Member_Account": user}))["TotalCount"].clone();
    assert_eq!((joined("u1"), joined("u2")), (json!(0), json!(1)));
    world.server.restart();
    assert_eq!(users(&world.tencent(), "g1"), ["owner", "u2"]);
}

#[test]
fn a_group_is_full_at_its_size() {
    let world = World::new();
    let api = world.tencent();
    api.import(&["owner", "u1", "u2", "u3", "u4"]);
    api.group("create_group", json!({"GroupId": "g1", "Type": "Meeting", "Name": "n", "Owner_Account": "owner", "MaxMemberCount": 3}));
    assert_eq!(add(&api, "g1", &["u1"]), [1]);
    assert_eq!(add(&api, "g1", &["u2", "u1", "u3"]), [1, 2, 0], "whom there is room for, in this order");
    let list = json!([{"Member_Account": "u3"}, {"Member_Account": "u4"}]);
    assert_eq!(api.group_fails("add_group_member", json!({"GroupId": "g1", "MemberList": list})), 10014);
    assert_eq!(users(&api, "g1"), ["owner", "u1", "u2"]);
    let (mut u2, mut u3) = (world.member("u2", "g1"), world.on("u3"));
    assert_eq!(refused(&mut u3, "g1"), 443);
    // Who is in it already may always be there.
    u2.leave("g1");
    assert_eq!(refused(&mut u3, "g1"), 443);
    u2.join("g1");
    rpc(&mut u2, "group.quit", json!({"group_id": "g1"}));
    u3.join("g1");
    assert_eq!(users(&api, "g1"), ["owner", "u1", "u3"]);
    let body = json!({"GroupId": "g2", "Type": "Public", "Name": "n", "Owner_Account": "owner", "MaxMemberCount": 2,
        "MemberList": [{"Member_Account": "u1"}, {"Member_Account": "u2"}]});
    assert_ne!(api.group_fails("create_group", body), 0);
    assert_eq!(api.group_info("g2")["ErrorCode"], 10015, "it was not made");
}

#[test]
fn what_a_group_keeps_of_a_member_is_changed_and_outlives_everything_but_its_leaving() {
    let mut world = World::new();
    let api = world.tencent();
    api.make("g1", "Public", &["owner", "u1"]);
    api.say("g1", "owner", "before u2 came");
    world.advance(7_000);
    api.import(&["u2"]);
    add(&api, "g1", &["u2"]);
    let now = world.seconds();
    let change = |api: &Tencent, more: Value| {
        let mut body = more;
        (body["GroupId"], body["Member_Account"]) = ("g1".into(), "u2".into());
        api.group("modify_group_member_info", body);
    };
    let mut expected = json!({
        "Member_Account": "u2", "Role": "Member", "JoinTime": now, "MsgSeq": 1, "MsgFlag": "AcceptAndNotify", "LastSendMsgTime": 0, "MuteUntil": 0,
        "ShutUpUntil": 0, "NameCard": "", "AppMemberDefinedData": [],
    });
    assert_eq!(api.member("g1", "u2"), expected);
    change(
        &api,
        json!({"Role": "Admin", "MsgFlag": "Discard", "NameCard": "课代表", "AppMemberDefinedData": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}),
    );
    change(&api, json!({"AppMemberDefinedData": [{"Key": "a", "Value": ""}]}));
    api.say("g1", "u2", "hello");
    for (field, value) in [
        ("Role", json!("Admin")),
        ("MsgFlag", json!("Discard")),
        ("NameCard", json!("课代表")),
        ("AppMemberDefinedData", json!([{"Key": "b", "Value": "2"}])),
        ("LastSendMsgTime", json!(now)),
    ] {
        expected[field] = value;
    }
    assert_eq!(api.member("g1", "u2"), expected);
    change(&api, json!({"ShutUpTime": 60}));
    (expected["MuteUntil"], expected["ShutUpUntil"]) = (json!(now + 60), json!(now + 60));
    for how in ["nothing", "restart", "crash"] {
        match how {
            "restart" => world.server.restart(),
            "crash" => world.server.crash(),
            _ => (),
        }
        assert_eq!(world.tencent().member("g1", "u2"), expected, "{how}");
    }
    let api = world.tencent();
    change(&api, json!({"MuteTime": 0, "Role": "Member"}));
    let told = api.member("g1", "u2");
    assert_eq!((&told["MuteUntil"], &told["Role"]), (&json!(0), &json!("Member")));
    // Who owns it is changed in another way, and a member there must be.
    assert_eq!(api.group_fails("modify_group_member_info", json!({"GroupId": "g1", "Member_Account": "u2", "Role": "Owner"})), 10004);
    assert_eq!(api.group_fails("modify_group_member_info", json!({"GroupId": "g1", "Member_Account": "nobody", "NameCard": "x"})), 10004);
    assert_eq!(api.group_fails("change_group_owner", json!({"GroupId": "g1", "NewOwner_Account": "nobody"})), 10004);
    api.group("delete_group_member", json!({"GroupId": "g1", "MemberToDel_Account": ["u2"]}));
    add(&api, "g1", &["u2"]);
    let told = api.member("g1", "u2");
    assert_eq!((&told["NameCard"], &told["MsgSeq"]), (&json!(""), &json!(2)), "it begins anew");
}

#[test]
fn roles_are_told_of_everybody_who_is_asked_about() {
    let world = World::new();
    let api = world.tencent();
    api.make("g1", "Public", &["owner", "u1", "u2"]);
    api.group("modify_group_member_info", json!({"GroupId": "g1", "Member_Account": "u1", "Role": "Admin"}));
    let roles = |api: &Tencent| {
        let found = api.group("get_role_in_group", json!({"GroupId": "g1", "User_Account": ["u2", "owner", "stranger", "u1"]}));
        let list = found["UserIdList"].as_array().unwrap().clone();
        list.iter().map(|one| format!("{} {}", one["Member_Account"].as_str().unwrap(), one["Role"].as_str().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(roles(&api), ["u2 Member", "owner Owner", "stranger NotMember", "u1 Admin"]);
    api.group("change_group_owner", json!({"GroupId": "g1", "NewOwner_Account": "u2"}));
    assert_eq!(roles(&api), ["u2 Owner", "owner Member", "stranger NotMember", "u1 Admin"]);
    assert_eq!(api.group_info("g1")["Owner_Account"], "u2");
}

#[test]
fn a_mute_survives_leaving_and_coming_back_and_ends_to_the_second_also_over_a_restart() {
    let mut world = World::new();
    let api = world.tencent();
    api.make("g1", "Meeting", &["owner", "u1"]);
    let now = world.seconds();
    api.group("forbid_send_msg", json!({"GroupId": "g1", "Members_Account": ["u1", "u2"], "ShutUpTime": 100}));
    api.group("forbid_send_msg", json!({"GroupId": "g1", "Members_Account": ["u3"], "MuteTime": 4_294_967_295u32}));
    let expected = [("u1", now + 100), ("u2", now + 100), ("u3", 4_294_967_295)];
    let muted = |api: &Tencent, command: &str, list: &str, field: &str| {
        let found = api.group(command, json!({"GroupId": "g1"}));
        assert_eq!(found["GroupId"], "g1");
        let items = found[list].as_array().unwrap_or_else(|| panic!("{found}")).clone();
        items.iter().map(|item| (item["Member_Account"].as_str().unwrap().to_owned(), item[field].as_i64().unwrap())).collect::<Vec<_>>()
    };
    let both = |api: &Tencent| {
        let new = muted(api, "get_group_muted_account", "MutedAccountList", "MutedUntil");
        assert_eq!(muted(api, "get_group_shutted_uin", "ShuttedUinList", "ShuttedUntil"), new);
        new
    };
    assert_eq!(both(&api), expected.map(|(user, until)| (user.to_string(), until)));
    let mut u1 = world.member("u1", "g1");
    let silenced = |client: &mut Client| client.code("publish", json!({"channel": "group:g1", "data": "psst"}));
    assert_eq!(silenced(&mut u1), 442);
    rpc(&mut u1, "group.quit", json!({"group_id": "g1"}));
    u1.join("g1");
    assert_eq!(silenced(&mut u1), 442, "it came back");
    world.server.restart();
    let api = world.tencent();
    let mut u1 = world.member("u1", "g1");
    assert_eq!((silenced(&mut u1), api.group_fails("send_group_msg", crate::harness::saying("g1", "u1", "x"))), (442, 10017));
    world.advance(99_999);
    assert_eq!(silenced(&mut u1), 442);
    world.advance(1);
    u1.tell("g1", "at last");
    assert_eq!(both(&api), [("u3".to_string(), 4_294_967_295)]);
    api.group("forbid_send_msg", json!({"GroupId": "g1", "Members_Account": ["u3"], "MuteTime": 0}));
    assert_eq!(both(&api), []);
    // A mute of all spares those who rule over it.
    api.group("modify_group_base_info", json!({"GroupId": "g1", "MuteAllMember": "On"}));
    assert_eq!(silenced(&mut u1), 442);
    api.say("g1", "owner", "the owner may");
    api.say("g1", "administrator", "the administrator may");
    assert_eq!(api.group_fails("send_group_msg", crate::harness::saying("g1", "u1", "x")), 10017);
}

#[test]
fn what_ends_with_a_live_room_s_session_does_not_end_with_a_member_s() {
    let world = World::new();
    let api = world.tencent();
    api.make("g1", "Meeting", &["owner"]);
    api.group("create_group", json!({"GroupId": "a1", "Type": "AVChatRoom", "Name": "n", "Owner_Account": "owner"}));
    let mut u1 = world.on("u1");
    u1.join("g1");
    u1.join("a1");
    assert_eq!(api.group("get_online_member_num", json!({"GroupId": "a1"}))["OnlineMemberNum"], 1);
    assert_eq!(api.group_info("a1")["MemberNum"], 1);
    let members = api.ok("group_open_avchatroom_http_svc/get_members", json!({"GroupId": "a1", "Timestamp": 0}));
    assert_eq!((&members["MemberList"][0]["Member_Account"], &members["NextTimestamp"]), (&json!("u1"), &json!(0)));
    world.told(&["u1 on", "u1 join a1"]);
    rpc(&mut u1, "session.logoff", json!({}));
    u1.closed();
    assert_eq!(api.group("get_online_member_num", json!({"GroupId": "a1"}))["OnlineMemberNum"], 0);
    assert_eq!(users(&api, "g1"), ["owner", "u1"]);
}
