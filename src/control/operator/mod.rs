//! The operator's own API, `/operator/v1/…` (`design.md` §5): keys, applications, what media servers
//! report of channels, and the virtual clock, as plain JSON behind a bearer token. No cloud's spelling but
//! what the applications share with the dialect. Errors are `{"error":{"code","message"}}`.

mod apps;
mod channels;
mod chat;

pub use apps::{AppPatch, apps_json};
pub use chat::{ChatDraft, Webhooks, webhooks_json};

use super::{ControlRequest, Reply};
pub use crate::alibaba::messaging::apps::{AppDraft, app_json, new_app};
use crate::{
    alibaba::{error::RpcError, signature::same},
    clock::Clock,
    domain::{
        AppId, Refusal,
        address::AllowList,
        app::{AccessKey, Directory},
        ask::Ask,
        request::{Answer, Request},
    },
    form,
    ids::{ALNUM, Ids},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const ROOT: &str = "/operator/v1/";
/// What stands below it, for those who look for it.
const PATHS: &str = "keys, keys/{id}, apps, apps/{app}, apps/{app}/webhooks, apps/{app}/chat, apps/{app}/sessions/{user}, channels/{app}/{channel}/events and clock, below /operator/v1/";
/// The furthest that one call moves a virtual clock: a year and a bit.
const MAX_ADVANCE: u64 = 400 * 24 * 3_600 * 1_000;

/// Answers the operator.
pub struct Operator {
    ask: Arc<dyn Ask>,
    clock: Clock,
    ids: Ids,
    allow: AllowList,
    token: String,
    /// Two who change settings at once would take back each other's.
    changing: Mutex<()>,
    /// Two who advance the clock at once would step over each other's timers.
    advancing: Mutex<()>,
}

/// An error on its way out.
struct Fault {
    status: u16,
    code: String,
    message: String,
    header: Option<(&'static str, &'static str)>,
}

type Outcome = Result<(u16, Value), Fault>;

impl Operator {
    /// `token` is the text of `DIR/operator.token`; an empty one lets nobody in.
    pub fn new(ask: Arc<dyn Ask>, clock: Clock, ids: Ids, allow: AllowList, token: String) -> Operator {
        Operator { ask, clock, ids, allow, token, changing: Mutex::default(), advancing: Mutex::default() }
    }

    /// `request.path` begins with `/operator/v1`; HEAD comes as GET.
    pub fn answer(&self, request: &ControlRequest) -> Reply {
        match self.dispatch(request) {
            Ok((status, value)) => reply(status, None, &value),
            Err(fault) => error(fault.status, &fault.code, &fault.message, fault.header),
        }
    }

    fn dispatch(&self, request: &ControlRequest) -> Outcome {
        if !self.admits(request) {
            let message = "send the header Authorization: Bearer with the text of the file operator.token";
            return Err(Fault { header: Some(("WWW-Authenticate", "Bearer")), ..fault(401, "Unauthorized", message) });
        }
        let path: Vec<&str> = request.path.strip_prefix(ROOT).unwrap_or_default().split('/').collect();
        match (path.as_slice(), request.method.as_str()) {
            (["keys"], "GET") => Ok((200, keys_json(&self.ask.directory()))),
            (["keys"], "POST") => self.create_key(),
            (["keys"], _) => Err(only("GET, POST")),
            (["keys", id], "DELETE") => self.delete_key(&segment(id)?),
            (["keys", _], _) => Err(only("DELETE")),
            (["apps"], "GET") => Ok((200, apps_json(&self.ask.directory()))),
            (["apps"], "POST") => self.create_app(&request.body),
            (["apps"], _) => Err(only("GET, POST")),
            (["apps", id], "GET") => self.show_app(&segment(id)?),
            (["apps", id], "PATCH") => self.change_app(&segment(id)?, &request.body),
            (["apps", _], _) => Err(only("GET, PATCH")),
            (["apps", app, "webhooks"], "GET") => self.show_webhooks(&segment(app)?),
            (["apps", app, "webhooks"], "PUT") => self.put_webhooks(&segment(app)?, &request.body),
            (["apps", _, "webhooks"], _) => Err(only("GET, PUT")),
            (["apps", app, "chat"], "GET") => self.show_chat(&segment(app)?),
            (["apps", _, "chat"], _) => Err(only("GET")),
            (["apps", app, "sessions", user], "DELETE") => self.force_off(&segment(app)?, &segment(user)?),
            (["apps", _, "sessions", _], _) => Err(only("DELETE")),
            (["channels", app, channel, "events"], "POST") => self.report(&segment(app)?, &segment(channel)?, &request.body),
            (["channels", _, _, "events"], _) => Err(only("POST")),
            (["clock"], "POST") => self.advance(&request.body),
            (["clock"], _) => Err(only("POST")),
            _ => Err(fault(404, "NotFound", format!("there is no such path; there are {PATHS}"))),
        }
    }

    fn admits(&self, request: &ControlRequest) -> bool {
        let mut values = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let (Some((_, value)), None) = (values.next(), values.next()) else {
            return false;
        };
        let token = std::str::from_utf8(value).ok().and_then(|text| text.trim().split_once(' '));
        let Some((scheme, token)) = token else { return false };
        !self.token.is_empty() && scheme.eq_ignore_ascii_case("bearer") && same(token.trim(), &self.token)
    }

    fn create_key(&self) -> Outcome {
        let key = new_key(&self.ids, self.clock.now());
        self.ask.call(Request::CreateKey(key.clone()))?;
        Ok((200, key_json(&key)))
    }

    fn delete_key(&self, id: &str) -> Outcome {
        self.ask.call(Request::DeleteKey { id: id.to_string() })?;
        Ok((200, json!({})))
    }

    fn advance(&self, body: &[u8]) -> Outcome {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            advance_ms: u64,
        }
        let Body { advance_ms } = read(body)?;
        if !self.clock.is_virtual() {
            return Err(fault(409, "ClockIsReal", "the clock is the machine's own; start with --clock virtual to move it"));
        }
        if advance_ms > MAX_ADVANCE {
            return Err(fault(400, "BadRequest", format!("advance_ms is at most {MAX_ADVANCE}")));
        }
        let _turn = self.advancing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let now = self.clock.advance(advance_ms).map_err(|why| fault(500, "ServerError", why))?;
        Ok((200, json!({"now": now})))
    }
}

/// An array of all keys, oldest first: ids and times. Secrets are shown once, when they are made.
pub fn keys_json(directory: &Directory) -> Value {
    let mut keys: Vec<&AccessKey> = directory.keys.values().collect();
    keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    keys.into_iter().map(|key| json!({"access_key_id": key.id, "created": key.created})).collect()
}

/// A new AccessKey pair.
pub fn new_key(ids: &Ids, now: crate::domain::Millis) -> AccessKey {
    AccessKey { id: ids.text(24, ALNUM), secret: ids.text(32, ALNUM), created: now }
}

/// The shape of `DIR/access-key.json` and of `roomd key create --json`.
pub fn key_json(key: &AccessKey) -> Value {
    json!({"access_key_id": key.id, "access_key_secret": key.secret})
}

/// An id out of a path; `%` stands before two hex digits.
fn segment(text: &str) -> Result<String, Fault> {
    let id = form::decode(text.as_bytes()).map_err(|why| fault(400, "BadRequest", format!("the path is not readable: {why}")))?;
    match AppId::new(&id) {
        Ok(_) => Ok(id),
        Err(why) => Err(fault(400, "BadRequest", format!("the path has no id in {text:?}: {why}"))),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(unfit)
}

/// The body does not fit what the path takes.
fn unfit(why: impl std::fmt::Display) -> Fault {
    fault(400, "BadRequest", format!("the body does not fit: {why}"))
}

/// The engine answered something else than was asked: a fault of ours.
fn defect(answer: &Answer) -> Fault {
    tracing::error!(?answer, "the answer does not fit its request");
    RpcError::server().into()
}

fn fault(status: u16, code: &str, message: impl Into<String>) -> Fault {
    Fault { status, code: code.into(), message: message.into(), header: None }
}

fn only(allow: &'static str) -> Fault {
    Fault { header: Some(("Allow", allow)), ..fault(405, "MethodNotAllowed", format!("this path takes {allow}")) }
}

impl From<RpcError> for Fault {
    fn from(error: RpcError) -> Fault {
        fault(error.status, &error.code, error.message)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        RpcError::from(refusal).into()
    }
}

/// An error answer of this API and of the paths beside it.
pub fn error(status: u16, code: &str, message: &str, header: Option<(&'static str, &'static str)>) -> Reply {
    reply(status, header, &json!({"error": {"code": code, "message": message}}))
}

fn reply(status: u16, header: Option<(&'static str, &'static str)>, value: &Value) -> Reply {
    // Keys and tokens must not stay in anybody's cache.
    let mut headers = vec![("Content-Type".to_string(), "application/json".to_string()), ("Cache-Control".to_string(), "no-store".to_string())];
    headers.extend(header.map(|(name, value)| (name.to_string(), value.to_string())));
    Reply { status, headers, body: value.to_string().into_bytes() }
}
