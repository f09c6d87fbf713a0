//! Accounts (`tencent.md` §5.5).

use super::*;
use crate::domain::Refusal;

const IMPORT: &str = "im_open_login_svc/account_import";
const MANY: &str = "im_open_login_svc/multiaccount_import";
const CHECK: &str = "im_open_login_svc/account_check";
const DELETE: &str = "im_open_login_svc/account_delete";
const KICK: &str = "im_open_login_svc/kick";

/// Which of these are there.
fn there(server: &Server, users: &[&str]) -> Vec<bool> {
    let items: Vec<Value> = users.iter().map(|user| json!({"UserID": user})).collect();
    let answer = server.call(CHECK, json!({"CheckItem": items}));
    let items = answer["ResultItem"].as_array().unwrap_or_else(|| panic!("{answer}"));
    for (item, user) in items.iter().zip(users) {
        assert_eq!((&item["UserID"], &item["ResultCode"], &item["ResultInfo"]), (&json!(user), &json!(0), &json!("")));
    }
    items.iter().map(|item| item["AccountStatus"] == "Imported").collect()
}

#[test]
fn who_is_imported_is_there() {
    let server = Server::new();
    assert_eq!(there(&server, &["u1", "u2", "u3", ADMINISTRATOR]), [false, false, false, true]);
    for _ in 0..2 {
        let answer = server.call(IMPORT, json!({"UserID": "u1", "Nick": "One", "FaceUrl": "http://a.example/1"}));
        assert_eq!(answer, json!({"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0}));
    }
    let long = "x".repeat(33);
    let answer = server.call(MANY, json!({"Accounts": ["u2", long, "a\n", "u2"]}));
    assert_eq!((code(&answer), &answer["FailAccounts"]), (0, &json!([long, "a\n"])));
    assert_eq!(there(&server, &["u1", "u2", "u3"]), [true, true, false]);
    let newer = json!({"AccountList": [{"UserID": "u3", "Nick": "Three"}, {"UserID": "u4", "FaceUrl": ""}]});
    assert_eq!(server.call(MANY, newer)["FailAccounts"], json!([]));
    assert_eq!(there(&server, &["u3", "u4"]), [true, true]);
}

#[test]
fn who_is_deleted_is_gone() {
    let server = Server::new();
    server.import(&["u1"]);
    let answer = server.call(DELETE, json!({"DeleteItem": [{"UserID": "u1"}, {"UserID": "nobody"}]}));
    let missing = json!({"UserID": "nobody", "ResultCode": 70107, "ResultInfo": "Err_TLS_PT_Open_Login_Account_Not_Exist"});
    assert_eq!(answer["ResultItem"], json!([{"UserID": "u1", "ResultCode": 0, "ResultInfo": ""}, missing]));
    assert_eq!((code(&answer), there(&server, &["u1"])), (0, vec![false]));
}

#[test]
fn bad_accounts_are_refused() {
    let server = Server::new();
    let (long, many) = ("x".repeat(33), vec!["u"; 101]);
    server.refuses(
        IMPORT,
        70402,
        [
            json!({}),
            json!({"UserID": ""}),
            json!({"UserID": 1}),
            json!({"UserID": long}),
            json!({"UserID": "a\n"}),
            json!({"UserID": "u", "Nick": 1}),
            json!({"UserID": "u", "Nick": "x".repeat(501)}),
            json!({"UserID": "u", "FaceUrl": []}),
        ],
    );
    server.refuses(
        MANY,
        70402,
        [
            json!({}),
            json!({"Accounts": []}),
            json!({"Accounts": "u"}),
            json!({"Accounts": [1]}),
            json!({"Accounts": many}),
            json!({"AccountList": ["u"]}),
            json!({"AccountList": [{"UserID": long}]}),
        ],
    );
    let items: Vec<Value> = many.iter().map(|user| json!({"UserID": user})).collect();
    for (path, list) in [(CHECK, "CheckItem"), (DELETE, "DeleteItem")] {
        server.refuses(path, 70402, [json!({}), json!({list: []}), json!({list: ["u"]}), json!({list: [{}]}), json!({list: items.clone()})]);
    }
    server.refuses(KICK, 70402, [json!({}), json!({"UserID": ""})]);
}

#[test]
fn there_is_room_for_so_many() {
    let mut rules = Rules::default();
    rules.quotas.accounts_per_app = 4;
    let server = Server::with(rules, false);
    assert_eq!(server.call(MANY, json!({"Accounts": ["u1", "u2"]}))["FailAccounts"], json!(["u2"]), "three are there from the beginning");
    assert_eq!(server.code(IMPORT, json!({"UserID": "u3"})), 70398);
    assert_eq!(server.code(IMPORT, json!({"UserID": "u1"})), 0);
    *server.fake.refuse.lock().unwrap() = Some(Refusal::NoSuchAccount("u".into()));
    assert_eq!(server.code(KICK, json!({"UserID": "u"})), 70107);
}
