//! The gateway in front of all operations (`alibaba.md` §1): reads a request, checks who signed it,
//! finds the operation and wraps its answer. Plain types on both sides; the HTTP library is the
//! door's. What an operation means is in the folder of its family.
//!
//! The order of the checks is fixed: decode, action and version present, known AccessKey, time
//! window, signature, replay, version, action, QPS, parameters, operation. A stranger learns nothing
//! about operations, and only a signed nonce is remembered.

use super::{
    error::RpcError,
    nonce::{Nonces, Seen, WINDOW},
    operation::{Call, OPERATIONS},
    params::Params,
    signature::{self, Authorization, V1Method, V3},
    stamp,
};
use crate::{
    clock::Clock,
    domain::{Millis, address::AllowList, ask::Ask, state::Rules},
    form::{self, Form},
    ids::Ids,
    throttle::Throttle,
    words::Words,
};
use serde_json::{Map, Value, json};
use std::{net::IpAddr, sync::Arc};

/// The only version of the product's API.
pub const VERSION: &str = "2016-11-01";
const HOST_ID: &str = "live.aliyuncs.com";

/// All that the operations share. One for all threads.
pub struct Gateway {
    pub(super) ask: Arc<dyn Ask>,
    pub(super) clock: Clock,
    pub(super) ids: Ids,
    pub(super) allow: AllowList,
    pub(super) rules: Rules,
    pub(super) words: Arc<Words>,
    nonces: Nonces,
    /// `None`: the limit `control_qps` is off.
    throttle: Option<Throttle>,
}

impl Gateway {
    pub fn new(parts: GatewayParts) -> Gateway {
        let GatewayParts { ask, clock, ids, allow, rules, words, nonces, control_qps } = parts;
        Gateway { ask, clock, ids, allow, rules, words, nonces: Nonces::new(nonces), throttle: control_qps.then(Throttle::default) }
    }
}

/// What a gateway is made of.
pub struct GatewayParts {
    pub ask: Arc<dyn Ask>,
    pub clock: Clock,
    pub ids: Ids,
    pub allow: AllowList,
    pub rules: Rules,
    /// The list of the built-in moderation.
    pub words: Arc<Words>,
    /// This and the next are the limits of that name.
    pub nonces: u32,
    pub control_qps: bool,
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
    /// Whose address the connection has.
    pub peer: IpAddr,
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

    /// Are the parameters, or some of them, in the body?
    pub(super) fn has_form(&self) -> bool {
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
            refuse(&id, &error)
        }
    }
}

/// The answer to what never became a request: too long, too slow, no HTTP. The SDKs read only JSON.
pub fn unreadable(ids: &Ids, status: u16, why: &str) -> RpcReply {
    refuse(&ids.request_id(), &RpcError::unreadable(status, why))
}

fn refuse(id: &str, error: &RpcError) -> RpcReply {
    let recommend = format!("https://api.aliyun.com/troubleshoot?q={}&product=live", error.code);
    let body = json!({"RequestId": id, "HostId": HOST_ID, "Code": error.code, "Message": error.message, "Recommend": recommend});
    reply(error.status, id, error.retry_after, &body)
}

fn reply(status: u16, id: &str, retry_after: Option<u64>, body: &Value) -> RpcReply {
    let mut headers = vec![("Content-Type".into(), "application/json;charset=utf-8".into()), ("x-acs-request-id".into(), id.into())];
    headers.extend(retry_after.map(|ms| ("x-acs-retry-after".into(), ms.to_string())));
    RpcReply { status, headers, body: body.to_string().into_bytes() }
}

fn answer(gateway: &Gateway, request: &RpcRequest) -> Result<Map<String, Value>, RpcError> {
    let call = Signed::read(request)?;
    let (action, version) = (call.named("Action")?, call.named("Version")?);
    let now = gateway.clock.now();
    let key = authenticate(gateway, &call, now)?;
    if version != VERSION {
        return Err(RpcError::unknown_version());
    }
    let operation = OPERATIONS.iter().find(|o| o.name == action).ok_or_else(RpcError::unknown_action)?;
    if let Some(throttle) = &gateway.throttle {
        throttle.admit(&key, operation.name, operation.qps.limit(&gateway.rules.quotas), gateway.clock.tick()).map_err(RpcError::throttled)?;
    }
    let params = Params::new(call.params);
    params.require(operation.required)?;
    (operation.run)(&Call { gateway, params: &params, peer: request.peer })
}

/// Returns the id of the AccessKey that signed the request.
fn authenticate(gateway: &Gateway, call: &Signed, now: Millis) -> Result<String, RpcError> {
    let scheme = call.scheme()?;
    let key = gateway.ask.directory().keys.get(scheme.key_id()).cloned().ok_or_else(RpcError::unknown_key)?;
    let stamp = call.stamp(&scheme)?;
    if (stamp.0 - now.0).abs() > WINDOW {
        return Err(RpcError::expired_timestamp());
    }
    let nonce = call.nonce(&scheme)?;
    call.check(&scheme, &key.secret)?;
    match gateway.nonces.see(&key.id, nonce, stamp, now) {
        Seen::Fresh => Ok(key.id),
        Seen::Replayed => Err(RpcError::used_nonce()),
        Seen::Forgotten => Err(RpcError::expired_timestamp()),
    }
}

/// A request with its parameters, and what it says of its signature. What needs neither keys nor clock
/// nor memory is checked here, for [`handle`] and for `explain` alike.
pub(super) struct Signed<'a> {
    request: &'a RpcRequest<'a>,
    query: Form,
    /// The query's, and those of a form in the body.
    pub(super) params: Form,
}

/// How a request is signed.
pub(super) enum Scheme<'a> {
    V3(Authorization<'a>),
    V1 { method: V1Method, key_id: &'a str, signature: &'a str },
}

impl Scheme<'_> {
    pub(super) fn key_id(&self) -> &str {
        match self {
            Scheme::V3(authorization) => authorization.key_id,
            Scheme::V1 { key_id, .. } => key_id,
        }
    }
}

/// V3 signs the body's bytes, and what they mean only with `content-type` among its signed headers: without
/// it, anybody on the way could turn a body into parameters. Signature 1.0 covers the parameters.
fn form_is_signed(request: &RpcRequest) -> Result<bool, RpcError> {
    Ok(match request.header("authorization")?.filter(|text| text.starts_with("ACS3-")) {
        Some(text) => {
            let names = text.split(',').find_map(|part| part.trim().strip_prefix("SignedHeaders="));
            names.is_some_and(|names| names.split(';').any(|name| name.eq_ignore_ascii_case("content-type")))
        }
        None => true,
    })
}

impl<'a> Signed<'a> {
    pub(super) fn read(request: &'a RpcRequest) -> Result<Signed<'a>, RpcError> {
        if !matches!(request.method, "GET" | "POST") {
            return Err(RpcError::unsupported_method());
        }
        let mut query = Form::new();
        form::read(&mut query, request.query.as_bytes())?;
        let mut params = query.clone();
        if request.has_form() && form_is_signed(request)? {
            form::read(&mut params, request.body)?;
        }
        Ok(Signed { request, query, params })
    }

    /// `Action` and `Version`: signature V3 sends them as headers, 1.0 as parameters, some as both. They
    /// must agree, because 1.0 does not sign headers.
    pub(super) fn named(&self, name: &str) -> Result<String, RpcError> {
        let param = self.params.get(name).map(String::as_str);
        let header = self.request.header(&format!("x-acs-{}", name.to_ascii_lowercase()))?;
        if header.zip(param).is_some_and(|(header, param)| header != param) {
            return Err(RpcError::invalid(name, "differs between header and parameter"));
        }
        header.or(param).filter(|text| !text.is_empty()).map(str::to_string).ok_or_else(|| RpcError::missing(name))
    }

    /// A foreign `Authorization`, such as a proxy's, does not stand in the way of signature 1.0.
    pub(super) fn scheme(&self) -> Result<Scheme<'_>, RpcError> {
        match self.request.header("authorization")? {
            Some(text) if text.starts_with("ACS3-") || !self.params.contains_key("Signature") => {
                if text.split_ascii_whitespace().next() != Some(signature::V3_SCHEME) {
                    return Err(RpcError::unsupported_signature());
                }
                signature::authorization(text).map(Scheme::V3).ok_or_else(RpcError::incomplete_signature)
            }
            _ => {
                self.param("Action")?;
                self.param("Version")?;
                let (key_id, signature) = (self.param("AccessKeyId")?, self.param("Signature")?);
                let method = self.params.get("SignatureMethod").map_or("HMAC-SHA1", String::as_str);
                let method = V1Method::parse(method).ok_or_else(RpcError::unsupported_signature)?;
                // Empty is what the old SDK sends; anything else is a scheme without a secret of ours.
                if self.params.get("SignatureType").is_some_and(|kind| !kind.is_empty()) {
                    return Err(RpcError::unsupported_signature());
                }
                Ok(Scheme::V1 { method, key_id, signature })
            }
        }
    }

    /// When it says that it was signed.
    pub(super) fn stamp(&self, scheme: &Scheme) -> Result<Millis, RpcError> {
        let text = match scheme {
            Scheme::V3(_) => self.request.header("x-acs-date")?.ok_or_else(|| RpcError::missing("Timestamp"))?,
            Scheme::V1 { .. } => self.param("Timestamp")?,
        };
        stamp::parse(text).ok_or_else(RpcError::bad_timestamp)
    }

    pub(super) fn nonce(&self, scheme: &Scheme) -> Result<&str, RpcError> {
        match scheme {
            Scheme::V3(_) => self.request.header("x-acs-signature-nonce")?.filter(|n| !n.is_empty()).ok_or_else(|| RpcError::missing("SignatureNonce")),
            Scheme::V1 { .. } => self.param("SignatureNonce"),
        }
    }

    /// Is it signed with `secret`, and all that must be?
    pub(super) fn check(&self, scheme: &Scheme, secret: &str) -> Result<(), RpcError> {
        match scheme {
            Scheme::V3(authorization) => {
                let v3 = self.v3(authorization);
                if !self.unsigned(authorization).is_empty() || !self.has_body_hash()? || !v3.check(secret, authorization.signature) {
                    let canonical = String::from_utf8_lossy(&v3.canonical);
                    return Err(RpcError::wrong_signature(&format!("{}, server canonical request is:{canonical}", v3.to_sign)));
                }
            }
            Scheme::V1 { method, signature, .. } => {
                let to_sign = self.v1_to_sign();
                if !signature::v1_check(*method, secret, &to_sign, signature) {
                    return Err(RpcError::wrong_signature(&to_sign));
                }
            }
        }
        Ok(())
    }

    pub(super) fn v3(&self, authorization: &Authorization) -> V3 {
        V3::new(self.request.method, &self.query, self.request.headers, &authorization.signed, self.request.body)
    }

    pub(super) fn v1_to_sign(&self) -> String {
        signature::v1_to_sign(self.request.method, &self.params)
    }

    /// Headers that must be signed and are not.
    pub(super) fn unsigned(&self, authorization: &Authorization) -> Vec<&'static str> {
        let signs = |name: &str| authorization.signed.iter().any(|s| s.eq_ignore_ascii_case(name));
        signature::V3_SIGNED.into_iter().filter(|name| !signs(name)).collect()
    }

    /// Is the hash that V3 signs the body's?
    pub(super) fn has_body_hash(&self) -> Result<bool, RpcError> {
        let said = self.request.header("x-acs-content-sha256")?.unwrap_or_default();
        Ok(said.eq_ignore_ascii_case(&signature::sha256_hex(self.request.body)))
    }

    fn param(&self, name: &str) -> Result<&str, RpcError> {
        self.params.get(name).map(String::as_str).filter(|v| !v.is_empty()).ok_or_else(|| RpcError::missing(name))
    }
}
