//! The chat of the other cloud as tests use it: accounts, groups and messages by its API, clients by its UserSigs, and
//! golden bodies of what is told of them.

use super::{Client, Tencent, World};
use roomd::{domain::UserId, tencent::usersig};
use serde_json::{Value, json};

impl Tencent {
    /// [`Tencent::ok`] of the service of groups.
    #[track_caller]
    pub fn group(&self, command: &str, body: Value) -> Value {
        self.ok(&format!("group_open_http_svc/{command}"), body)
    }

    /// [`Tencent::fails`] of the service of groups.
    #[track_caller]
    pub fn group_fails(&self, command: &str, body: Value) -> i64 {
        self.fails(&format!("group_open_http_svc/{command}"), body)
    }

    /// [`Tencent::ok`] of the service of messages from one user to another.
    #[track_caller]
    pub fn c2c(&self, command: &str, body: Value) -> Value {
        self.ok(&format!("openim/{command}"), body)
    }

    /// These users exist from now on.
    #[track_caller]
    pub fn import(&self, users: &[&str]) {
        for hundred in users.chunks(100) {
            let answer = self.ok("im_open_login_svc/multiaccount_import", json!({"Accounts": hundred}));
            assert_eq!(answer["FailAccounts"], json!([]), "{answer}");
        }
    }

    /// A new group of this type. The first of its members, who all exist, is the owner.
    #[track_caller]
    pub fn make(&self, id: &str, kind: &str, members: &[&str]) {
        let mut group = json!({"GroupId": id, "Type": kind, "Name": id});
        if let Some((owner, members)) = members.split_first() {
            self.import(&[&[*owner], members].concat());
            group["Owner_Account"] = (*owner).into();
            group["MemberList"] = members.iter().map(|user| json!({"Member_Account": user})).collect();
        }
        assert_eq!(self.group("create_group", group)["GroupId"], id);
    }

    /// Says a text in a user's name: what is answered.
    #[track_caller]
    pub fn say(&self, group: &str, from: &str, text: &str) -> Value {
        self.group("send_group_msg", saying(group, from, text))
    }

    /// The members of a group with their roles, in the order in which they joined.
    #[track_caller]
    pub fn members(&self, group: &str) -> Vec<(String, String)> {
        let found = self.group("get_group_member_info", json!({"GroupId": group}));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let members: Vec<_> = found["MemberList"].as_array().expect("a list").iter().map(|m| (text(&m["Member_Account"]), text(&m["Role"]))).collect();
        assert_eq!(found["MemberNum"], members.len(), "{found}");
        members
    }

    /// One member, as it is told.
    #[track_caller]
    pub fn member(&self, group: &str, user: &str) -> Value {
        let found = self.group("get_group_member_info", json!({"GroupId": group}));
        let list = found["MemberList"].as_array().expect("a list");
        list.iter().find(|member| member["Member_Account"] == user).unwrap_or_else(|| panic!("{user} is not in {found}")).clone()
    }

    /// What `get_group_info` tells of one group.
    #[track_caller]
    pub fn group_info(&self, group: &str) -> Value {
        self.group("get_group_info", json!({"GroupIdList": [group]}))["GroupInfo"][0].clone()
    }

    /// Number and text of the group's messages, the newest first.
    #[track_caller]
    pub fn history(&self, group: &str) -> Vec<(u64, String)> {
        let found = self.group("group_msg_get_simple", json!({"GroupId": group, "ReqMsgNumber": 20}));
        let said = |m: &Value| (m["MsgSeq"].as_u64().expect("a number"), m["MsgBody"][0]["MsgContent"]["Text"].as_str().unwrap_or("?").to_owned());
        found["RspMsgList"].as_array().expect("a list").iter().map(said).collect()
    }
}

/// The body of a call that says a text in a user's name, each time another message.
pub fn saying(group: &str, from: &str, text: &str) -> Value {
    json!({"GroupId": group, "From_Account": from, "Random": super::unique(), "MsgBody": text_body(text)})
}

pub fn text_body(text: &str) -> Value {
    json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}])
}

impl World {
    /// `user`, logged in with a UserSig on a device.
    pub fn by_usersig(&self, user: &str, device: &str) -> Client {
        let usersig = usersig::make(self.sdkappid(), &self.app.key, &UserId::trusted(user), self.seconds(), 86_400, None);
        let login = json!({"sdkappid": self.sdkappid(), "identifier": user, "usersig": usersig});
        Client::login(self.server.running().sessions, &login.to_string(), device)
    }
}

/// The body in a file of `tests/wire/tencent`, with other values in the place of some of its fields.
#[track_caller]
pub fn golden(name: &str, other: Value) -> Value {
    let path = format!("{}/tests/wire/tencent/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
    // Some files say more than the body.
    let mut body = file.get("body").unwrap_or(&file).clone();
    for (field, value) in other.as_object().expect("an object") {
        assert!(body.get(field).is_some(), "{name} has no {field}");
        body[field] = value.clone();
    }
    body
}
