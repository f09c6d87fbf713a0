//! The gateway and its commands as a caller sees them: signed requests in, JSON out.

mod accounts;
mod c2c;
mod config;
mod coverage;
mod gateway;
mod group;
mod history;
mod life;
mod members;
mod messages;
mod rooms;
mod roster;
mod said;

use super::{
    rest::{Gateway, GatewayParts, RestReply, RestRequest, handle},
    usersig,
};
use crate::{
    clock::Clock,
    domain::{AppId, Change, UserId, account::Account, address::AllowList, app::App, ask::Ask, request::Request, state::Rules},
    fake::{self, Fake},
    form,
    ids::Ids,
    words::Words,
};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

const SDKAPPID: u32 = 1_400_000_001;
const KEY: &str = "appkey123";
const ADMINISTRATOR: &str = "administrator";
/// Where the calls come from.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Server {
    fake: Arc<Fake>,
    gateway: Gateway,
    clock: Clock,
}

/// The parameters of a call's URL; each may be spoilt.
struct Query(Vec<(&'static str, String)>);

impl Query {
    /// With another value of one.
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Query {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value.into()));
        self
    }

    fn without(mut self, name: &str) -> Query {
        self.0.retain(|(known, _)| *known != name);
        self
    }

    fn text(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={}", form::encode(value))).collect::<Vec<_>>().join("&")
    }
}

impl Server {
    /// A user of the application.
    fn account(&self, user: &str) {
        let account = Account { user: UserId::trusted(user), nick: String::new(), face_url: String::new() };
        self.fake.put(Change::Account(AppId::trusted("demo"), Arc::new(account)));
    }

    fn new() -> Server {
        Server::with(Rules::default(), false)
    }

    fn with(rules: Rules, control_qps: bool) -> Server {
        let clock = Clock::standing();
        let fake = Arc::new(Fake::with(rules.clone()));
        fake.put(Change::App(Arc::new(fake::app("demo"))));
        let accounts = ["owner", "ann", "bob"].map(|user| Account { user: UserId::trusted(user), nick: String::new(), face_url: String::new() });
        fake.call(Request::ImportAccounts { app: AppId::trusted("demo"), accounts: accounts.into() }).unwrap();
        let words = Arc::new(Words::none(&clock));
        let gateway = Gateway::new(GatewayParts {
            ask: fake.clone(),
            clock: clock.clone(),
            ids: Ids::seeded(3),
            allow: AllowList::parse(&["10.0.0.1:9000".into()]).unwrap(),
            rules,
            words,
            addresses: || vec![PEER],
            usersig_failures_per_minute: 5,
            control_qps,
        });
        Server { fake, gateway, clock }
    }

    /// The application with other settings.
    fn app(&self, app: App) {
        self.fake.put(Change::App(Arc::new(app)));
    }

    fn usersig(&self, sdkappid: u32, key: &str, user: &str, made: i64) -> String {
        usersig::make(sdkappid, key, &UserId::trusted(user), self.clock.now().seconds() + made, 3_600, None)
    }

    fn query(&self) -> Query {
        Query(vec![
            ("sdkappid", SDKAPPID.to_string()),
            ("identifier", ADMINISTRATOR.into()),
            ("usersig", self.usersig(SDKAPPID, KEY, ADMINISTRATOR, 0)),
            ("random", "99999999".into()),
            ("contenttype", "json".into()),
        ])
    }

    fn raw(&self, method: &str, path: &str, query: &str, body: &[u8]) -> RestReply {
        handle(&self.gateway, &RestRequest { method, path, query, body, peer: PEER })
    }

    fn send(&self, path: &str, query: &str, body: &[u8]) -> Value {
        serde_json::from_slice(&self.raw("POST", path, query, body).body).unwrap()
    }

    /// A call as it should be.
    fn call(&self, path: &str, body: Value) -> Value {
        self.send(path, &self.query().text(), body.to_string().as_bytes())
    }

    /// The code of a call's answer.
    fn code(&self, path: &str, body: Value) -> u64 {
        code(&self.call(path, body))
    }

    /// The code of a call of a command of live rooms.
    fn live(&self, command: &str, body: Value) -> u64 {
        self.code(&format!("live_engine_http_srv/{command}"), body)
    }

    /// What a command of live rooms returns; null is nothing.
    fn response(&self, command: &str, body: Value) -> Value {
        let answer = self.call(&format!("live_engine_http_srv/{command}"), body);
        assert_eq!(code(&answer), 0, "{command}: {answer}");
        answer["Response"].clone()
    }

    /// The answer of a command of the chat's groups, which has to be a good one.
    fn group(&self, command: &str, body: Value) -> Value {
        let answer = self.call(&format!("group_open_http_svc/{command}"), body.clone());
        assert_eq!(code(&answer), 0, "{command} {body}: {answer}");
        answer
    }

    /// The code of a call of one.
    fn group_code(&self, command: &str, body: Value) -> u64 {
        self.code(&format!("group_open_http_svc/{command}"), body)
    }

    /// A group of a type, owned by `owner`, with these members.
    fn make(&self, id: &str, kind: &str, members: &[&str]) {
        let members: Vec<Value> = members.iter().map(|user| json!({"Member_Account": user})).collect();
        let body = json!({"Type": kind, "Name": id, "GroupId": id, "Owner_Account": "owner", "MemberList": members});
        self.group("create_group", body);
    }

    fn import(&self, users: &[&str]) {
        for user in users {
            assert_eq!(self.code("im_open_login_svc/account_import", json!({"UserID": user})), 0);
        }
    }

    fn room(&self, id: &str) {
        self.response("create_room", json!({"RoomInfo": {"RoomId": id, "RoomType": "Live"}}));
    }

    /// Each of these bodies is refused with `code`, and nothing is changed.
    fn refuses(&self, path: &str, code: u64, bodies: impl IntoIterator<Item = Value>) {
        let before = self.fake.snapshot();
        for body in bodies {
            let answer = self.call(path, body.clone());
            assert_eq!(self::code(&answer), code, "{path} {body}: {answer}");
            assert!(answer["ActionStatus"] == "FAIL" && !answer["ErrorInfo"].as_str().unwrap().is_empty(), "{answer}");
            assert_eq!(self.fake.snapshot(), before, "{path} {body}");
        }
    }
}

fn code(answer: &Value) -> u64 {
    answer["ErrorCode"].as_u64().unwrap_or_else(|| panic!("no code in {answer}"))
}

/// `base` with the fields of `other`; null takes one out.
fn but(base: &Value, other: Value) -> Value {
    let mut fields = base.as_object().unwrap().clone();
    for (name, value) in other.as_object().unwrap().clone() {
        fields.insert(name, value);
    }
    fields.retain(|_, value| !value.is_null());
    Value::Object(fields)
}
