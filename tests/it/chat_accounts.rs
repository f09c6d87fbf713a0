//! Accounts (`tencent.md` §5.5): who exists, who does not any more, and whose UserSigs are worth nothing.

use crate::harness::{Tencent, World, text_body};
use roomd::{domain::UserId, tencent::usersig};
use serde_json::{Value, json};

fn check(api: &Tencent, users: &[&str]) -> String {
    let items: Vec<Value> = users.iter().map(|user| json!({"UserID": user})).collect();
    let found = api.ok("im_open_login_svc/account_check", json!({"CheckItem": items}));
    let found = found["ResultItem"].as_array().expect("a list").clone();
    assert_eq!(found.iter().map(|item| item["UserID"].as_str().unwrap()).collect::<Vec<_>>(), users);
    found.iter().map(|item| if item["AccountStatus"] == "Imported" { '+' } else { '-' }).collect()
}

fn delete(api: &Tencent, users: &[&str]) -> Vec<(i64, String)> {
    let items: Vec<Value> = users.iter().map(|user| json!({"UserID": user})).collect();
    let done = api.ok("im_open_login_svc/account_delete", json!({"DeleteItem": items}));
    let item = |item: &Value| (item["ResultCode"].as_i64().expect("a code"), item["ResultInfo"].as_str().expect("a text").to_owned());
    done["ResultItem"].as_array().expect("a list").iter().map(item).collect()
}

/// A login with a UserSig of that second: is it good?
fn logs_in(world: &World, user: &str, made: i64) -> bool {
    let usersig = usersig::make(world.sdkappid(), &world.app.key, &UserId::trusted(user), made, 86_400, None);
    let token = json!({"sdkappid": world.sdkappid(), "identifier": user, "usersig": usersig}).to_string();
    let mut client = world.open();
    client.ask("connect", json!({"token": token, "data": {"device": "d"}})).get("connect").is_some()
}

#[test]
fn an_account_is_imported_checked_and_deleted_and_stays_over_restarts() {
    let mut world = World::new();
    let api = world.tencent();
    let all = ["u1", "u2", "u3", "nobody", "administrator"];
    assert_eq!(check(&api, &all), "----+", "administrators are there by themselves");
    for nick in ["One", "Another"] {
        api.ok("im_open_login_svc/account_import", json!({"UserID": "u1", "Nick": nick, "FaceUrl": "http://a/1.png"}));
    }
    let many = api.ok("im_open_login_svc/multiaccount_import", json!({"Accounts": ["u2", "u1", "u2", "x".repeat(33)]}));
    assert_eq!(many["FailAccounts"], json!(["x".repeat(33)]), "what is too long fails alone");
    api.ok("im_open_login_svc/multiaccount_import", json!({"AccountList": [{"UserID": "u3", "Nick": "Three"}]}));
    world.server.restart();
    let api = world.tencent();
    assert_eq!(check(&api, &all), "+++-+");
    world.server.crash();
    let api = world.tencent();
    assert_eq!(check(&api, &all), "+++-+");
    let missing = "Err_TLS_PT_Open_Login_Account_Not_Exist";
    assert_eq!(delete(&api, &["u1", "nobody", "u1"]), [(0, String::new()), (70107, missing.into()), (70107, missing.into())]);
    assert_eq!(check(&api, &all), "-++-+");
    world.server.restart();
    assert_eq!(check(&world.tencent(), &all), "-++-+");
}

#[test]
fn whose_account_is_deleted_is_off_is_nowhere_a_member_and_its_usersigs_are_worth_nothing() {
    let mut world = World::new();
    let api = world.tencent();
    api.make("g1", "Public", &["owner", "u1", "u2"]);
    let mut u1 = world.by_usersig("u1", "web");
    u1.join("g1");
    let then = world.seconds();
    assert_eq!(delete(&api, &["u1"]), [(0, String::new())]);
    assert_eq!(u1.closed().0, 4502);
    let users = |api: &Tencent| api.members("g1").into_iter().map(|(user, _)| user).collect::<Vec<_>>();
    assert_eq!(users(&api), ["owner", "u2"]);
    assert!(!logs_in(&world, "u1", then));
    world.server.crash();
    assert_eq!(users(&world.tencent()), ["owner", "u2"]);
    assert!(!logs_in(&world, "u1", then), "also after a crash");
    // It can come back as somebody new.
    world.advance(1_000);
    assert!(logs_in(&world, "u1", world.seconds()));
    assert_eq!(check(&world.tencent(), &["u1"]), "+");
    assert_eq!(users(&world.tencent()), ["owner", "u2"]);
}

#[test]
fn a_kick_makes_the_usersigs_until_then_worthless_and_a_later_one_works() {
    let mut world = World::new();
    let api = world.tencent();
    assert_eq!(api.fails("im_open_login_svc/kick", json!({"UserID": "u1"})), 70107);
    api.import(&["u1"]);
    let then = world.seconds();
    let mut u1 = world.by_usersig("u1", "web");
    world.advance(500);
    api.ok("im_open_login_svc/kick", json!({"UserID": "u1"}));
    assert_eq!(u1.closed().0, 4502);
    assert!(!logs_in(&world, "u1", then), "made in the second of the kick");
    world.server.restart();
    assert!(!logs_in(&world, "u1", then));
    world.advance(1_000);
    assert!(logs_in(&world, "u1", world.seconds()));
    assert_eq!(check(&world.tencent(), &["u1"]), "+", "it is still there");
}

#[test]
fn a_login_with_a_usersig_makes_an_account_and_a_login_of_the_other_cloud_lasts_as_long_as_it() {
    let mut world = World::new();
    let api = world.tencent();
    let (u1, mut u2) = (world.by_usersig("u1", "web"), world.on("u2"));
    assert_eq!(check(&api, &["u1", "u2"]), "++");
    drop(u1);
    u2.ok("rpc", json!({"method": "session.logoff"}));
    u2.closed();
    assert_eq!(check(&api, &["u1", "u2"]), "+-");
    world.server.restart();
    assert_eq!(check(&world.tencent(), &["u1", "u2"]), "+-");
}

#[test]
fn a_user_who_does_not_exist_is_nobody_unless_the_application_imports_by_itself() {
    let world = World::new();
    let api = world.tencent();
    api.make("g1", "Public", &["owner"]);
    let tried = |n: usize| {
        let new = |name: &str| format!("{name}{n}");
        [
            ("group_open_http_svc/create_group", json!({"GroupId": new("made-"), "Type": "Public", "Name": "n", "Owner_Account": new("a")}), 10019, new("a")),
            (
                "group_open_http_svc/create_group",
                json!({"GroupId": new("other-"), "Type": "Public", "Name": "n", "MemberList": [{"Member_Account": new("b")}]}),
                10019,
                new("b"),
            ),
            ("group_open_http_svc/send_group_msg", crate::harness::saying("g1", &new("c"), "hi"), 10019, new("c")),
            ("openim/sendmsg", json!({"From_Account": "owner", "To_Account": new("d"), "MsgRandom": 1, "MsgBody": text_body("hi")}), 90012, new("d")),
            ("openim/sendmsg", json!({"From_Account": new("e"), "To_Account": "owner", "MsgRandom": 1, "MsgBody": text_body("hi")}), 90008, new("e")),
            ("live_engine_http_srv/create_room", json!({"RoomInfo": {"RoomId": new("r"), "RoomType": "Live", "Owner_Account": new("f")}}), 100002, new("f")),
        ]
    };
    for (command, body, expected, user) in tried(1) {
        assert_eq!(api.fails(command, body.clone()), expected, "{command} {body}");
        assert_eq!(check(&api, &[&user]), "-", "{command}");
    }
    let added =
        |user: &str| api.group("add_group_member", json!({"GroupId": "g1", "MemberList": [{"Member_Account": user}]}))["MemberList"][0]["Result"].clone();
    assert_eq!((added("z"), check(&api, &["z"])), (json!(0), "-".into()));
    world.chat(json!({"auto_import": true}));
    for (command, body, _, user) in tried(2) {
        assert_eq!(api.post(command, &body).code(), 0, "{command} {body}");
        assert_eq!(check(&api, &[&user]), "+", "{command}");
    }
    assert_eq!((added("z"), check(&api, &["z"])), (json!(1), "+".into()));
}

#[test]
fn there_are_only_so_many_accounts() {
    let world = World::with(|settings| settings.rules.quotas.accounts_per_app = 3);
    let api = world.tencent();
    let many = api.ok("im_open_login_svc/multiaccount_import", json!({"Accounts": ["u1", "u2", "u3", "u4"]}));
    assert_eq!(many["FailAccounts"], json!(["u4"]));
    assert_eq!(api.fails("im_open_login_svc/account_import", json!({"UserID": "u5"})), 70398);
    api.ok("im_open_login_svc/account_import", json!({"UserID": "u1", "Nick": "again"}));
    delete(&api, &["u1"]);
    api.import(&["u5"]);
}

#[test]
fn who_is_there_is_told_with_the_device() {
    let world = World::new();
    let api = world.tencent();
    api.import(&["off", "u1", "u2"]);
    let _u1 = world.by_usersig("u1", "iPhone 15");
    let u2 = world.by_usersig("u2", "windows");
    u2.vanish();
    world.server.settle();
    let ask = |detail: bool| {
        let mut body = json!({"To_Account": ["u1", "off", "u2", "nobody"]});
        if detail {
            body["IsNeedDetail"] = 1.into();
        }
        api.c2c("query_online_status", body)
    };
    let found = ask(false);
    let state = |user: &str, state: &str| json!({"To_Account": user, "State": state});
    assert_eq!(found["QueryResult"], json!([state("u1", "Online"), state("off", "Offline"), state("u2", "PushOnline")]));
    assert_eq!(found["ErrorList"], json!([{"To_Account": "nobody", "ErrorCode": 70107}]));
    let found = ask(true)["QueryResult"].clone();
    assert_eq!(found[2]["Detail"][0]["Status"], "PushOnline", "{found}");
    assert_eq!(found[1].get("Detail"), None, "{found}");
}
