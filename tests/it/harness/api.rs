//! Signed calls of the control API over plain TCP, right or wrong in every part.

use super::{App, SOON, unique};
use roomd::{
    alibaba::{
        signature::{V1Method, V3, V3_SIGNED, authorization_text, sha256_hex, v1_sign, v1_to_sign},
        stamp,
    },
    domain::Millis,
    form::{Form, encode},
};
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

/// An HTTP answer; the body as JSON, or as a string when it is none.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Status and error code.
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.body["Code"].as_str().unwrap_or(""))
    }
}

/// One request on a connection of its own. `None`: the server closed without an answer.
pub fn http(at: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(at).expect("the server listens");
    stream.set_read_timeout(Some(SOON)).unwrap();
    // A server that refuses early may close while we still write.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        if let Some(answer) = parse(&bytes) {
            return Some(answer);
        }
        match stream.read(&mut part) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&part[..n]),
            _ => return None,
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(at) = head.parse(bytes).expect("an HTTP answer") else {
        return None;
    };
    let headers: Vec<(String, String)> = head.headers.iter().map(|h| (h.name.to_owned(), String::from_utf8_lossy(h.value).into_owned())).collect();
    let length = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length")).map_or(0, |(_, v)| v.parse().unwrap());
    let body = bytes.get(at..at + length)?;
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    Some(Answer { status: head.code.unwrap(), headers, body: serde_json::from_slice(body).unwrap_or_else(|_| text()) })
}

/// The API as one AccessKey sees it.
#[derive(Clone)]
pub struct Api {
    pub at: SocketAddr,
    pub key_id: String,
    pub secret: String,
    /// The caller's wall time.
    pub now: Arc<dyn Fn() -> Millis + Send + Sync>,
}

/// A call that is about to be signed and sent; every part can be made wrong.
#[derive(Clone)]
pub struct Call {
    pub at: SocketAddr,
    pub method: &'static str,
    pub action: String,
    pub version: String,
    pub date: String,
    pub nonce: String,
    pub key_id: String,
    pub secret: String,
    pub params: Form,
}

impl Api {
    pub fn call(&self, action: &str, params: &[(&str, &str)]) -> Call {
        Call {
            at: self.at,
            method: "POST",
            action: action.into(),
            version: "2016-11-01".into(),
            date: stamp::format((self.now)()),
            nonce: format!("nonce-{}-{}", std::process::id(), unique()),
            key_id: self.key_id.clone(),
            secret: self.secret.clone(),
            params: params.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        }
    }

    /// A call that must succeed.
    pub fn ok(&self, action: &str, params: &[(&str, &str)]) -> Value {
        let answer = self.call(action, params).v3();
        assert_eq!(answer.status, 200, "{action} {params:?}: {}", answer.body);
        answer.body
    }

    /// A call that must fail: its status and code.
    pub fn fails(&self, action: &str, params: &[(&str, &str)]) -> (u16, String) {
        let answer = self.call(action, params).v3();
        let (status, code) = answer.error();
        (status, code.to_owned())
    }

    /// A new application whose callbacks go to `url`.
    pub fn app(&self, url: &str) -> App {
        let made = self.ok("CreateLiveMessageApp", &[("EventCallbackUrl", url)]);
        let text = |name: &str| made[name].as_str().expect("a string").to_owned();
        App { id: text("AppId"), key: text("AppKey") }
    }

    pub fn group(&self, app: &App, group: &str) {
        self.ok("CreateLiveMessageGroup", &[("AppId", &app.id), ("GroupId", group)]);
    }

    /// Number and body of all messages that are listed, oldest first, page by page.
    pub fn messages(&self, app: &App, group: &str) -> Vec<(u64, String)> {
        let (mut all, mut next) = (Vec::new(), "0".to_owned());
        loop {
            let params = [("AppId", &*app.id), ("GroupId", group), ("SortType", "1"), ("PageSize", "50"), ("NextPageToken", &next)];
            let page = self.ok("ListLiveMessageGroupMessages", &params);
            for m in page["MessageList"].as_array().expect("a list") {
                all.push((m["SeqNumber"].as_u64().unwrap(), m["Body"].as_str().unwrap().to_owned()));
            }
            if page["Hasmore"] != true {
                return all;
            }
            next = page["NextPageToken"].to_string();
        }
    }
}

impl Call {
    /// Signed with `ACS3-HMAC-SHA256`.
    pub fn v3(&self) -> Answer {
        self.v3_raw().expect("an answer")
    }

    fn v3_raw(&self) -> Option<Answer> {
        let headers: Vec<(String, Vec<u8>)> = [
            ("host", self.at.to_string()),
            ("x-acs-action", self.action.clone()),
            ("x-acs-version", self.version.clone()),
            ("x-acs-date", self.date.clone()),
            ("x-acs-signature-nonce", self.nonce.clone()),
            ("x-acs-content-sha256", sha256_hex(b"")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
        let signature = V3::new(self.method, &self.params, &headers, &V3_SIGNED, b"").sign(&self.secret);
        let mut head = format!("{} /?{} HTTP/1.1\r\n", self.method, query(&self.params));
        for (name, value) in &headers {
            head += &format!("{name}: {}\r\n", String::from_utf8_lossy(value));
        }
        head += &format!("Authorization: {}\r\n", authorization_text(&self.key_id, &V3_SIGNED, &signature));
        http(self.at, (head + "Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())
    }

    /// Signed with `HMAC-SHA1`, everything in the query.
    pub fn v1(&self) -> Answer {
        let mut params = self.params.clone();
        for (name, value) in [
            ("Action", &*self.action),
            ("Version", &self.version),
            ("Format", "JSON"),
            ("Timestamp", &self.date),
            ("SignatureNonce", &self.nonce),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureType", ""),
            ("SignatureVersion", "1.0"),
            ("AccessKeyId", &self.key_id),
        ] {
            params.insert(name.into(), value.into());
        }
        let signature = v1_sign(V1Method::HmacSha1, &self.secret, &v1_to_sign(self.method, &params));
        params.insert("Signature".into(), signature);
        let head = format!("{} /?{} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", self.method, query(&params), self.at);
        http(self.at, head.as_bytes()).expect("an answer")
    }
}

fn query(params: &Form) -> String {
    params.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect::<Vec<_>>().join("&")
}
