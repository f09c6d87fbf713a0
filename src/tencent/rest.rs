//! The gateway in front of all commands (`tencent.md` §1): reads `/v4/{service}/{command}`, checks who calls,
//! finds the command and wraps its answer in the service's envelope. The HTTP status is always 200, and no
//! Content-Type is asked for. What a command means is in the file of its service.
//!
//! The order of the checks is fixed: request, command, application, UserSig, administrator, QPS, body, parameters.
//! A stranger's JSON is not parsed. `random` is not looked at: nothing says that it is used once.

use super::{
    body::{self, Body},
    command::{Call, Command},
    error::{Code, RestError},
    failures::Failures,
    usersig::{self, Flaw},
};
use crate::{
    clock::Clock,
    domain::{
        address::AllowList,
        app::{App, Directory},
        ask::Ask,
        revocation::revokes,
        state::Rules,
    },
    form::{self, Form},
    ids::Ids,
    throttle::Throttle,
    words::Words,
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a path of this cloud begins with.
pub const PREFIX: &str = "/v4/";

/// What a command returns beyond the common fields: a JSON object, its keys in the cloud's order, or nothing.
pub type Outcome = Result<Option<Box<RawValue>>, RestError>;

/// All that the commands share. One for all threads.
pub struct Gateway {
    pub(super) ask: Arc<dyn Ask>,
    pub(super) clock: Clock,
    pub(super) allow: AllowList,
    pub(super) rules: Rules,
    pub(super) words: Arc<Words>,
    pub(super) addresses: fn() -> Vec<IpAddr>,
    pub(super) ids: Ids,
    failures: Failures,
    /// `None`: the limit `control_qps` is off.
    throttle: Option<Throttle>,
    /// Numbers the requests of this run, also those whose answers do not say it.
    count: AtomicU64,
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
    /// From which this server calls others.
    pub addresses: fn() -> Vec<IpAddr>,
    /// This and the next are the limits of that name.
    pub usersig_failures_per_minute: u32,
    pub control_qps: bool,
}

impl Gateway {
    pub fn new(parts: GatewayParts) -> Gateway {
        let GatewayParts { ask, clock, ids, allow, rules, words, addresses, usersig_failures_per_minute, control_qps } = parts;
        let failures = Failures::new(usersig_failures_per_minute);
        Gateway { ask, clock, allow, rules, words, addresses, ids, failures, throttle: control_qps.then(Throttle::default), count: AtomicU64::default() }
    }
}

/// A request below `/v4/`, as it came.
#[derive(Clone, Copy, Debug)]
pub struct RestRequest<'a> {
    pub method: &'a str,
    /// What follows [`PREFIX`].
    pub path: &'a str,
    /// What stands after the `?`, still encoded.
    pub query: &'a str,
    pub body: &'a [u8],
    /// Whose address the connection has.
    pub peer: IpAddr,
}

/// What is to be sent back, with status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestReply {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Answers one request. Errors are answers, too.
pub fn handle(gateway: &Gateway, request: &RestRequest) -> RestReply {
    let decoded = form::decode(request.path.as_bytes());
    let path = decoded.as_deref().unwrap_or(request.path);
    let (service, command) = path.split_once('/').unwrap_or((path, ""));
    let outcome = match &decoded {
        Ok(_) => answer(gateway, request, service, command),
        Err(bad) => Err(bad.clone().into()),
    };
    let (code, info, result) = match &outcome {
        Ok(result) => (0, "", result.as_deref()),
        Err(error) => (error.number, error.info.as_str(), None),
    };
    let id = request_id(&gateway.ids, gateway.count.fetch_add(1, Ordering::Relaxed) + 1);
    if code != 0 {
        tracing::debug!(request = id, path = request.path, code, info, "request refused");
    }
    reply(service, code, info, &id, result)
}

/// The answer to what never became a request: too long, too slow, no HTTP. `path` is as far as it could be read, and
/// `status` what another cloud's callers would see.
pub fn unreadable(ids: &Ids, path: &str, status: u16, why: &str) -> RestReply {
    let code = if status < 500 { Code::BadHttp } else { Code::Overloaded };
    reply(path.split('/').next().unwrap_or_default(), code as u32, why, &request_id(ids, 0), None)
}

fn request_id(ids: &Ids, count: u64) -> String {
    format!("Id-{}-O-Seq-{count}", ids.hex32())
}

fn reply(service: &str, code: u32, info: &str, id: &str, result: Option<&RawValue>) -> RestReply {
    let body = if is_live(service) { live(code, info, id, result) } else { flat(code, info, result) };
    let headers = [
        ("Content-Type", "application/json"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Headers", "X-Requested-With"),
        ("Access-Control-Allow-Methods", "POST"),
    ];
    RestReply { headers: headers.map(|(name, value)| (name.into(), value.into())).into(), body: body.into_bytes() }
}

/// Has the service the envelope of live rooms? Known by its name, so that also an unknown one has the right one.
fn is_live(service: &str) -> bool {
    service.starts_with("live_") || service.starts_with("room_")
}

fn status(code: u32) -> &'static str {
    if code == 0 { "OK" } else { "FAIL" }
}

/// The envelope of live rooms, its keys in the order of the documents' samples.
fn live(code: u32, info: &str, id: &str, result: Option<&RawValue>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Envelope<'a> {
        error_code: u32,
        error_info: &'a str,
        action_status: &'static str,
        request_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<&'a RawValue>,
    }
    let envelope = Envelope { error_code: code, error_info: info, action_status: status(code), request_id: id, response: result };
    serde_json::to_string(&envelope).expect("strings and numbers")
}

/// The envelope of the chat: the result's fields stand beside the common ones.
fn flat(code: u32, info: &str, result: Option<&RawValue>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Envelope<'a> {
        action_status: &'static str,
        error_info: &'a str,
        error_code: u32,
    }
    let mut text = serde_json::to_string(&Envelope { action_status: status(code), error_info: info, error_code: code }).expect("strings and numbers");
    if let Some(result) = result {
        // Both are objects, and neither is empty.
        text.pop();
        text.push(',');
        text += &result.get()[1..];
    }
    text
}

fn answer(gateway: &Gateway, request: &RestRequest, service: &str, command: &str) -> Outcome {
    if request.method != "POST" {
        return Err(RestError::new(Code::BadHttp, format!("the method is {}; send a POST", request.method)));
    }
    let mut params = Form::new();
    form::read(&mut params, request.query.as_bytes())?;
    let command = Command::find(service, command)?;
    let directory = gateway.ask.directory();
    let app = application(&directory, &params)?;
    let caller = authenticate(gateway, &directory, &app, &params, request.peer)?;
    if let Some(throttle) = &gateway.throttle {
        let key = format!("{}/{service}", app.sdkappid);
        let too_many =
            |ms| RestError::new(Code::TooManyCalls, format!("{service}/{} may be called {} times a second; come back in {ms} ms", command.name, command.qps));
        throttle.admit(&key, command.name, command.qps, gateway.clock.tick()).map_err(too_many)?;
    }
    let fields = body::parse(request.body, command.family)?;
    let body = Body::new(&fields, command.family);
    (command.run)(&Call { gateway, app, caller, peer: request.peer, family: command.family, body, text: request.body })
}

/// A parameter of the URL, present and not empty.
fn filled<'a>(params: &'a Form, name: &str) -> Option<&'a str> {
    params.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn application(directory: &Directory, params: &Form) -> Result<Arc<App>, RestError> {
    let text = filled(params, "sdkappid").ok_or_else(|| RestError::new(Code::NoSdkAppId, "sdkappid is missing in the URL"))?;
    let unknown = || RestError::new(Code::BadSdkAppId, format!("sdkappid {text:.20} is no application's number; roomd app list shows them"));
    let number = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())).ok_or_else(unknown)?;
    let app = directory.numbered(number).cloned().ok_or_else(unknown)?;
    if app.disabled { Err(RestError::new(Code::AppDisabled, format!("the application of sdkappid {number} is disabled"))) } else { Ok(app) }
}

/// Returns the administrator who calls.
fn authenticate<'a>(gateway: &Gateway, directory: &Directory, app: &App, params: &'a Form, peer: IpAddr) -> Result<&'a str, RestError> {
    let identifier = filled(params, "identifier").ok_or_else(|| RestError::new(Code::NoIdentifier, "identifier is missing in the URL"))?;
    let usersig = filled(params, "usersig").ok_or_else(|| RestError::new(Code::NoUserSig, "usersig is missing in the URL"))?;
    let now = gateway.clock.tick();
    if gateway.failures.waits(peer, app.sdkappid, now) {
        return Err(RestError::new(Code::TooManyFailures, "too many UserSigs from this address were wrong; wait a minute"));
    }
    let verified = usersig::verify(usersig, app.sdkappid, &app.key, identifier, gateway.clock.now()).map_err(|flaw| {
        let code = match flaw {
            Flaw::Malformed => Code::UserSigMalformed,
            Flaw::WrongSignature => Code::WrongSignature,
            Flaw::OtherApp => Code::OtherApp,
            Flaw::OtherUser => Code::OtherUser,
            Flaw::Expired => Code::UserSigExpired,
        };
        // Who has an old one once had the key: nothing is guessed with it.
        if flaw != Flaw::Expired {
            gateway.failures.add(peer, app.sdkappid, now);
        }
        let next = if flaw == Flaw::Expired { "make a new one" } else { "roomd verify usersig explains it" };
        RestError::new(code, format!("{flaw}; {next}"))
    })?;
    if directory.revoked(&app.id, identifier).is_some_and(|kicked| revokes(kicked, verified.made, gateway.clock.now().seconds())) {
        return Err(RestError::new(Code::UserSigExpired, "the UserSig is from before its user was kicked; make a new one"));
    }
    if !app.administrators.iter().any(|name| name == identifier) {
        // Any user of the application comes this far: who the administrators are is not for them.
        let info = format!("{identifier} is no administrator of this application; roomd app show tells who is");
        return Err(RestError::new(Code::NotAdministrator, info));
    }
    Ok(identifier)
}
