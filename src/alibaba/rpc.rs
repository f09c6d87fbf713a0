//! The gateway in front of all operations (`alibaba.md` §1): reads a request, checks who signed it,
//! finds the operation and wraps its answer. Plain types on both sides; the HTTP library is the
//! door's. What an operation means is in `messaging/`.
//!
//! The order of the checks is fixed: decode, action and version present, known AccessKey, time
//! window, signature, replay, version, action, QPS, parameters, operation. A stranger learns nothing
//! about operations, and only a signed nonce is remembered.

use super::{
    error::RpcError,
    form::{self, Form},
    messaging::{self, Call, Params},
    nonce::{Nonces, Seen, WINDOW},
    signature::{self, V1Method, V3},
    stamp,
    throttle::Throttle,
};
use crate::{
    clock::Clock,
    domain::{
        Millis, Refusal,
        address::AllowList,
        app::AccessKey,
        message::Message,
        request::{Answer, Request},
    },
    engine::Directory,
    ids::Ids,
    store::MessagePage,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The only version of the product's API.
pub const VERSION: &str = "2016-11-01";
const HOST_ID: &str = "live.aliyuncs.com";

/// What operations ask of the rest of the server; tests stand in for it.
pub trait Ask: Send + Sync {
    /// Does it, and answers after the commit.
    fn call(&self, request: Request) -> Result<Answer, Refusal>;
    /// Applications and keys as last committed.
    fn directory(&self) -> Arc<Directory>;
    /// See [`crate::store::Reader::messages`].
    fn messages(&self, page: &MessagePage) -> Result<Option<Vec<Message>>, String>;
}

/// All that the operations share. One for all threads.
pub struct Gateway {
    pub(super) ask: Arc<dyn Ask>,
    clock: Clock,
    pub(super) ids: Ids,
    pub(super) allow: AllowList,
    nonces: Nonces,
    /// `None`: the limit `control_qps` is off.
    throttle: Option<Throttle>,
}

impl Gateway {
    /// `nonces` and `control_qps` are the limits of that name.
    pub fn new(ask: Arc<dyn Ask>, clock: Clock, ids: Ids, allow: AllowList, nonces: u32, control_qps: bool) -> Gateway {
        Gateway { ask, clock, ids, allow, nonces: Nonces::new(nonces), throttle: control_qps.then(Throttle::default) }
    }
}

/// A request to `/`, as it came.
#[derive(Clone, Copy, Debug)]
pub struct RpcRequest<'a> {
    pub method: &'a str,
    /// What stands after the `?`, still encoded.
    pub query: &'a str,
    /// In the order sent, duplicates included; names in any case.
    pub headers: &'a [(String, Vec<u8>)],
    pub body: &'a [u8],
}

impl<'a> RpcRequest<'a> {
    /// The one value of a header. Twice, or not text: refused, because whoever signed may have meant the other.
    fn header(&self, name: &str) -> Result<Option<&'a str>, RpcError> {
        let mut values = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        let first = values.next();
        if values.next().is_some() {
            return Err(RpcError::invalid(name, "is given more than once"));
        }
        match first {
            Some(value) => std::str::from_utf8(value).map(|v| Some(v.trim())).map_err(|_| RpcError::invalid(name, "is not UTF-8")),
            None => Ok(None),
        }
    }

    fn has_form(&self) -> bool {
        let kind = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-type")).map(|(_, v)| v.as_slice());
        let kind = kind.map(|k| k.split(|b| *b == b';').next().unwrap_or(k).trim_ascii());
        !self.body.is_empty() && kind.is_some_and(|k| k.eq_ignore_ascii_case(b"application/x-www-form-urlencoded"))
    }
}

/// What is to be sent back; always JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcReply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Answers one request. Errors are answers, too.
pub fn handle(gateway: &Gateway, request: &RpcRequest) -> RpcReply {
    let id = gateway.ids.request_id();
    match answer(gateway, request) {
        Ok(mut fields) => {
            fields.insert("RequestId".into(), id.clone().into());
            reply(200, &id, None, &Value::Object(fields))
        }
        Err(error) => {
            tracing::debug!(request = id, status = error.status, code = error.code, "request refused");
            let recommend = format!("https://api.aliyun.com/troubleshoot?q={}&product=live", error.code);
            let body = json!({"RequestId": id, "HostId": HOST_ID, "Code": error.code, "Message": error.message, "Recommend": recommend});
            reply(error.status, &id, error.retry_after, &body)
        }
    }
}

fn reply(status: u16, id: &str, retry_after: Option<u64>, body: &Value) -> RpcReply {
    let mut headers = vec![("Content-Type".into(), "application/json;charset=utf-8".into()), ("x-acs-request-id".into(), id.into())];
    headers.extend(retry_after.map(|ms| ("x-acs-retry-after".into(), ms.to_string())));
    RpcReply { status, headers, body: body.to_string().into_bytes() }
}

fn answer(gateway: &Gateway, request: &RpcRequest) -> Result<Map<String, Value>, RpcError> {
    if !matches!(request.method, "GET" | "POST") {
        return Err(RpcError::unsupported_method());
    }
    let mut query = Form::new();
    form::read(&mut query, request.query.as_bytes())?;
    let mut params = query.clone();
    if request.has_form() {
        form::read(&mut params, request.body)?;
    }
    let (action, version) = (named(request, &params, "Action")?, named(request, &params, "Version")?);
    let now = gateway.clock.now();
    let key = authenticate(gateway, request, &query, &params, now)?;
    if version != VERSION {
        return Err(RpcError::unknown_version());
    }
    let operation = messaging::OPERATIONS.iter().find(|o| o.name == action).ok_or_else(RpcError::unknown_action)?;
    if let Some(throttle) = &gateway.throttle {
        throttle.admit(&key, operation.name, operation.qps, gateway.clock.tick()).map_err(RpcError::throttled)?;
    }
    let params = Params::new(params);
    params.require(operation.required)?;
    (operation.run)(&Call { gateway, params: &params })
}

/// `Action` and `Version`: signature V3 sends them as headers, 1.0 as parameters, some as both. They
/// must agree, because 1.0 does not sign headers.
fn named(request: &RpcRequest, params: &Form, name: &str) -> Result<String, RpcError> {
    let param = params.get(name).map(String::as_str);
    let header = request.header(&format!("x-acs-{}", name.to_ascii_lowercase()))?;
    if header.zip(param).is_some_and(|(header, param)| header != param) {
        return Err(RpcError::invalid(name, "differs between header and parameter"));
    }
    header.or(param).filter(|text| !text.is_empty()).map(str::to_string).ok_or_else(|| RpcError::missing(name))
}

/// Returns the id of the AccessKey that signed the request. A foreign `Authorization`, such as a
/// proxy's, does not stand in the way of signature 1.0.
fn authenticate(gateway: &Gateway, request: &RpcRequest, query: &Form, params: &Form, now: Millis) -> Result<String, RpcError> {
    match request.header("authorization")? {
        Some(text) if text.starts_with("ACS3-") || !params.contains_key("Signature") => v3(gateway, request, query, text, now),
        _ => v1(gateway, request, params, now),
    }
}

fn v3(gateway: &Gateway, request: &RpcRequest, query: &Form, text: &str, now: Millis) -> Result<String, RpcError> {
    if text.split_ascii_whitespace().next() != Some(signature::V3_SCHEME) {
        return Err(RpcError::unsupported_signature());
    }
    let authorization = signature::authorization(text).ok_or_else(RpcError::incomplete_signature)?;
    let key = known(gateway, authorization.key_id)?;
    let stamp = in_window(request.header("x-acs-date")?.ok_or_else(|| RpcError::missing("Timestamp"))?, now)?;
    let nonce = request.header("x-acs-signature-nonce")?.filter(|n| !n.is_empty()).ok_or_else(|| RpcError::missing("SignatureNonce"))?;
    let v3 = V3::new(request.method, query, request.headers, &authorization.signed, request.body);
    let signs = |name: &&str| authorization.signed.iter().any(|s| s.eq_ignore_ascii_case(name));
    let body_hash = request.header("x-acs-content-sha256")?.unwrap_or_default();
    let whole = signature::V3_SIGNED.iter().all(signs) && body_hash.eq_ignore_ascii_case(&signature::sha256_hex(request.body));
    if !whole || !v3.check(&key.secret, authorization.signature) {
        return Err(RpcError::wrong_signature(&format!("{}, server canonical request is:{}", v3.to_sign, String::from_utf8_lossy(&v3.canonical))));
    }
    once(gateway, &key, nonce, stamp, now)
}

fn v1(gateway: &Gateway, request: &RpcRequest, params: &Form, now: Millis) -> Result<String, RpcError> {
    let param = |name: &str| params.get(name).map(String::as_str).filter(|v| !v.is_empty()).ok_or_else(|| RpcError::missing(name));
    param("Action")?;
    param("Version")?;
    let key_id = param("AccessKeyId")?;
    let signature = param("Signature")?;
    let method = params.get("SignatureMethod").map_or("HMAC-SHA1", String::as_str);
    let method = V1Method::parse(method).ok_or_else(RpcError::unsupported_signature)?;
    // Empty is what the old SDK sends; anything else is a scheme without a secret of ours.
    if params.get("SignatureType").is_some_and(|kind| !kind.is_empty()) {
        return Err(RpcError::unsupported_signature());
    }
    let key = known(gateway, key_id)?;
    let stamp = in_window(param("Timestamp")?, now)?;
    let nonce = param("SignatureNonce")?;
    let to_sign = signature::v1_to_sign(request.method, params);
    if !signature::v1_check(method, &key.secret, &to_sign, signature) {
        return Err(RpcError::wrong_signature(&to_sign));
    }
    once(gateway, &key, nonce, stamp, now)
}

fn known(gateway: &Gateway, id: &str) -> Result<AccessKey, RpcError> {
    gateway.ask.directory().keys.get(id).cloned().ok_or_else(RpcError::unknown_key)
}

fn in_window(text: &str, now: Millis) -> Result<Millis, RpcError> {
    let stamp = stamp::parse(text).ok_or_else(RpcError::bad_timestamp)?;
    if (stamp.0 - now.0).abs() > WINDOW {
        return Err(RpcError::expired_timestamp());
    }
    Ok(stamp)
}

fn once(gateway: &Gateway, key: &AccessKey, nonce: &str, stamp: Millis, now: Millis) -> Result<String, RpcError> {
    match gateway.nonces.see(&key.id, nonce, stamp, now) {
        Seen::Fresh => Ok(key.id.clone()),
        Seen::Replayed => Err(RpcError::used_nonce()),
        Seen::Forgotten => Err(RpcError::expired_timestamp()),
    }
}
