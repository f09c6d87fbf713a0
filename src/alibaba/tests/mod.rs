//! The gateway and its operations as a caller sees them: signed requests in, status and JSON out.

mod channels;
mod gateway;
mod members;
mod messages;
mod operations;
mod subscriptions;

use super::{
    rpc::{Gateway, GatewayParts, RpcReply, RpcRequest, handle},
    signature::{V1Method, V3, V3_SIGNED, authorization_text, sha256_hex, v1_sign, v1_to_sign},
    stamp,
};
use crate::{
    clock::Clock,
    domain::{
        Change, Millis,
        address::AllowList,
        app::{AccessKey, App},
        quota::Quotas,
        state::Rules,
    },
    fake::{self, Fake},
    form::{self, Form},
    ids::Ids,
    words::Words,
};
use serde_json::{Value, json};
use std::{
    cell::Cell,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

const KEY: &str = "testAccessKeyId";
/// Where the calls come from.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SECRET: &str = "testAccessKeySecret";

/// Dresses a call up as signature 1.0; each field may be spoilt.
struct Signer {
    key: &'static str,
    secret: &'static str,
    version: &'static str,
    method: &'static str,
    nonce: String,
    /// Milliseconds by which the client's clock is wrong.
    skew: i64,
}

struct Server {
    fake: Arc<Fake>,
    gateway: Gateway,
    clock: Clock,
    nonce: Cell<u32>,
}

type Headers = Vec<(String, Vec<u8>)>;

impl Server {
    fn new() -> Server {
        Server::with(1_000, false, Quotas::default())
    }

    fn with(nonces: u32, qps: bool, quotas: Quotas) -> Server {
        let (rules, clock) = (Rules { quotas, ..Rules::default() }, Clock::standing());
        let fake = Arc::new(Fake::with(rules.clone()));
        fake.put(Change::App(Arc::new(fake::app("demo"))));
        let words = Arc::new(Words::none(&clock));
        let (ask, clock_too) = (fake.clone(), clock.clone());
        let (ids, allow) = (Ids::seeded(3), AllowList::default());
        let gateway = Gateway::new(GatewayParts { ask, clock: clock_too, ids, allow, rules, words, nonces, control_qps: qps });
        Server { fake, gateway, clock, nonce: Cell::new(0) }
    }

    fn signer(&self) -> Signer {
        self.nonce.set(self.nonce.get() + 1);
        Signer { key: KEY, secret: SECRET, version: "2016-11-01", method: "POST", nonce: format!("nonce-{}", self.nonce.get()), skew: 0 }
    }

    /// A call as the old SDK makes it.
    fn call(&self, action: &str, params: &[(&str, &str)]) -> (u16, Value) {
        self.signed(&self.signer(), action, params)
    }

    fn signed(&self, signer: &Signer, action: &str, params: &[(&str, &str)]) -> (u16, Value) {
        let stamp = stamp::format(Millis(self.clock.now().0 + signer.skew));
        let mut form = form(params);
        let common = [
            ("Action", action),
            ("Version", signer.version),
            ("Format", "JSON"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureType", ""),
            ("SignatureNonce", &signer.nonce),
            ("Timestamp", &stamp),
            ("AccessKeyId", signer.key),
        ];
        for (name, value) in common {
            form.entry(name.into()).or_insert(value.into());
        }
        let signature = v1_sign(V1Method::HmacSha1, signer.secret, &v1_to_sign(signer.method, &form));
        form.insert("Signature".into(), signature);
        self.send(signer.method, &form::canonical(&form), &vec![], b"")
    }

    fn send(&self, method: &str, query: &str, headers: &Headers, body: &[u8]) -> (u16, Value) {
        let reply = self.raw(method, query, headers, body);
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    fn raw(&self, method: &str, query: &str, headers: &Headers, body: &[u8]) -> RpcReply {
        handle(&self.gateway, &RpcRequest { method, query, headers, body, peer: PEER })
    }

    /// Headers of a V3 request, rightly signed.
    fn v3(&self, action: &str, query: &Form, body: &[u8], signed: &[&str]) -> Headers {
        let nonce = self.signer().nonce;
        let mut headers: Headers = [
            ("Host", "127.0.0.1:8780"),
            ("x-acs-action", action),
            ("x-acs-version", "2016-11-01"),
            ("x-acs-date", &stamp::format(self.clock.now())),
            ("x-acs-signature-nonce", &nonce),
            ("x-acs-content-sha256", &sha256_hex(body)),
            ("content-type", "application/x-www-form-urlencoded"),
        ]
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .into();
        let signature = V3::new("POST", query, &headers, signed, body).sign(SECRET);
        headers.push(("Authorization".into(), authorization_text(KEY, signed, &signature).into()));
        headers
    }

    fn group(&self, id: &str) {
        let (status, answer) = self.call("CreateLiveMessageGroup", &[("AppId", "demo"), ("GroupId", id)]);
        assert_eq!((status, &answer["AlreadyExists"]), (200, &json!(false)), "{answer}");
    }
}

fn form(params: &[(&str, &str)]) -> Form {
    params.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect()
}

/// Status and code.
fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["Code"].as_str().unwrap_or(""))
}

/// The answer without its request id.
fn fields(answer: (u16, Value)) -> Value {
    let (status, mut value) = answer;
    assert_eq!(status, 200, "{value}");
    assert_eq!(value["RequestId"].as_str().map(str::len), Some(36));
    value.as_object_mut().unwrap().remove("RequestId");
    value
}
