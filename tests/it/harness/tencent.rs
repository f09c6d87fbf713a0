//! Signed calls of the other cloud's API over plain TCP, right or wrong in every part. Each answer is looked at
//! for its form: HTTP 200, the three common fields, and what the service's renderer adds.

use super::{Answer, World, http, unique};
use roomd::{domain::UserId, tencent::usersig};
use serde_json::{Value, json};
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

/// The API as one administrator sees it. `now`: unix seconds.
#[derive(Clone)]
pub struct Tencent {
    pub at: SocketAddr,
    pub sdkappid: u32,
    pub key: String,
    pub identifier: String,
    pub now: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// A call that is about to be sent; every part can be made wrong.
#[derive(Clone, Debug)]
pub struct Post {
    pub at: SocketAddr,
    pub method: &'static str,
    /// `/v4/service/command`.
    pub path: String,
    /// In the order in which they are sent, values encoded as they stand here.
    pub query: Vec<(String, String)>,
    /// Whole lines, without their ends.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Tencent {
    /// Good for an hour.
    pub fn usersig(&self) -> String {
        usersig::make(self.sdkappid, &self.key, &UserId::trusted(&self.identifier), (self.now)(), 3_600, None)
    }

    /// `command`: `service/command`.
    pub fn post(&self, command: &str, body: &Value) -> Post {
        let query = [
            ("sdkappid", self.sdkappid.to_string()),
            ("identifier", roomd::form::encode(&self.identifier)),
            ("usersig", self.usersig()),
            ("random", unique().to_string()),
            ("contenttype", "json".into()),
        ];
        let query = query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Post { at: self.at, method: "POST", path: format!("/v4/{command}"), query, headers: vec![], body: body.to_string().into_bytes() }
    }

    /// A call that must succeed: what is under `Response`, and of the chat API the whole answer.
    #[track_caller]
    pub fn ok(&self, command: &str, body: Value) -> Value {
        let answer = self.post(command, &body).send();
        assert_eq!(code(&answer), 0, "{command} {body}: {}", answer.body);
        match is_live(command) {
            true => answer.body.get("Response").cloned().unwrap_or(Value::Null),
            false => answer.body,
        }
    }

    /// The code of a call that must fail.
    #[track_caller]
    pub fn fails(&self, command: &str, body: Value) -> i64 {
        let answer = self.post(command, &body).send();
        let code = code(&answer);
        assert_ne!(code, 0, "{command} {body} succeeded: {}", answer.body);
        code
    }

    /// [`Tencent::ok`] of the service of live rooms.
    #[track_caller]
    pub fn live(&self, command: &str, body: Value) -> Value {
        self.ok(&format!("live_engine_http_srv/{command}"), body)
    }

    /// [`Tencent::fails`] of the service of live rooms.
    #[track_caller]
    pub fn live_fails(&self, command: &str, body: Value) -> i64 {
        self.fails(&format!("live_engine_http_srv/{command}"), body)
    }

    /// A new live room.
    #[track_caller]
    pub fn room(&self, id: &str) -> Value {
        self.live("create_room", json!({"RoomInfo": {"RoomId": id, "RoomType": "Live"}}))
    }

    /// The room's webhook: where to, and all words of the rooms and users that there are.
    #[track_caller]
    pub fn hook(&self, url: &str, words: &[&str]) {
        self.ok("live_config/set_callback", json!({"Url": url, "CallbackCommandList": words}));
    }
}

impl Post {
    /// With another value of a parameter of the query, or a new one.
    pub fn with(mut self, name: &str, value: &str) -> Post {
        match self.query.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value.into(),
            None => self.query.push((name.into(), value.into())),
        }
        self
    }

    pub fn without(mut self, name: &str) -> Post {
        self.query.retain(|(n, _)| n != name);
        self
    }

    pub fn header(mut self, line: &str) -> Post {
        self.headers.push(line.into());
        self
    }

    pub fn body(mut self, body: &[u8]) -> Post {
        self.body = body.into();
        self
    }

    pub fn send(&self) -> Answer {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = format!("{} {}?{} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, query.join("&"), self.at).into_bytes();
        for line in &self.headers {
            request.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
        request.extend_from_slice(format!("Content-Length: {}\r\nConnection: close\r\n\r\n", self.body.len()).as_bytes());
        request.extend_from_slice(&self.body);
        http(self.at, &request).expect("an answer")
    }

    /// The error code of the answer, whose form is looked at.
    #[track_caller]
    pub fn code(&self) -> i64 {
        let answer = self.send();
        if is_live(self.path.trim_start_matches("/v4/")) {
            assert!(is_request_id(&answer.body["RequestId"]), "{}: {}", self.path, answer.body);
        }
        code(&answer)
    }
}

/// Does the service answer with `RequestId` and `Response`?
pub fn is_live(command: &str) -> bool {
    ["live_config/", "live_engine_http_srv/", "room_engine_http_srv/"].iter().any(|service| command.starts_with(service))
}

/// `Id-<32 hex digits>-O-Seq-<number>`.
fn is_request_id(id: &Value) -> bool {
    let parts = id.as_str().and_then(|id| id.strip_prefix("Id-")?.split_once("-O-Seq-"));
    let hex = |text: &str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    parts.is_some_and(|(hash, n)| hex(hash) && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// The error code; fails on an answer that has not the form of this API.
#[track_caller]
pub fn code(answer: &Answer) -> i64 {
    let body = &answer.body;
    assert_eq!(answer.status, 200, "any answer is HTTP 200: {body}");
    let code = body["ErrorCode"].as_i64().unwrap_or_else(|| panic!("no ErrorCode: {body}"));
    let (status, info) = (body["ActionStatus"].as_str(), body["ErrorInfo"].as_str());
    match code {
        0 => assert_eq!((status, info), (Some("OK"), Some("")), "{body}"),
        _ => {
            assert!(status == Some("FAIL") && info.is_some_and(|why| !why.is_empty()), "a failure says so and why: {body}");
            let fields: BTreeSet<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
            let common = BTreeSet::from(["ActionStatus", "ErrorCode", "ErrorInfo", "RequestId"]);
            assert!(fields.is_subset(&common), "a failure has nothing else: {body}");
        }
    }
    if body.get("RequestId").is_some() {
        assert!(is_request_id(&body["RequestId"]), "{body}");
    }
    code
}

impl World {
    /// The other cloud's API, as the application's first administrator.
    pub fn tencent(&self) -> Tencent {
        let clock = self.server.clock.clone();
        Tencent {
            at: self.server.running().control,
            sdkappid: self.sdkappid(),
            key: self.app.key.clone(),
            identifier: "administrator".into(),
            now: Arc::new(move || clock.now().seconds()),
        }
    }
}
