//! What came over the wire of this cloud, in words for a person: callbacks and their signatures,
//! login tokens, signed requests. For `listen`, `dev` and `verify`; nothing is decided with it.
//! Knows no socket and no HTTP library. An AppKey or a secret never appears in a text made here.

use super::{
    error::RpcError,
    rpc::{RpcRequest, Scheme, Signed},
    signature::{self, same},
    token::{self, Flaw},
};
use crate::domain::{AppId, Millis};
use serde_json::Value;
use std::fmt::Write;

/// A callback's time of signing may be so far from ours, in seconds.
const TOLERANCE_S: i64 = 300;

/// What the headers of a callback say of who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Valid,
    /// What differs.
    Wrong(String),
    Unsigned,
}

/// The two features sign alike, with other names and another hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Interactive messaging.
    Live,
    /// Subscribed events of RTC channels.
    Rtc,
}

impl Kind {
    /// `live` or `rtc`.
    pub fn parse(text: &str) -> Option<Kind> {
        match text {
            "live" => Some(Kind::Live),
            "rtc" => Some(Kind::Rtc),
            _ => None,
        }
    }

    fn headers(self) -> (&'static str, &'static str) {
        match self {
            Kind::Live => ("Ali-Live-Timestamp", "Ali-Live-Signature"),
            Kind::Rtc => ("Ali-Rtc-Timestamp", "Ali-Rtc-Signature"),
        }
    }

    fn hash(self) -> &'static str {
        match self {
            Kind::Live => "sha256",
            Kind::Rtc => "md5",
        }
    }

    fn sign(self, host: &str, timestamp: &str, key: &str) -> String {
        match self {
            Kind::Live => signature::live_callback(host, timestamp, key),
            Kind::Rtc => signature::rtc_callback(host, timestamp, key),
        }
    }
}

/// Looks at a callback's headers as its receiver should. `keys`: the AppKeys that may have signed.
pub fn check_callback(headers: &[(String, String)], keys: &[String], now: Millis) -> Verdict {
    let header = |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
    let dialled = header("Host").unwrap_or_default();
    for kind in [Kind::Live, Kind::Rtc] {
        let (time_name, signature_name) = kind.headers();
        let (timestamp, signature) = match (header(time_name), header(signature_name)) {
            (None, None) => continue,
            (Some(timestamp), Some(signature)) => (timestamp, signature),
            (None, Some(_)) => return Verdict::Wrong(format!("{time_name} is missing")),
            (Some(_), None) => return Verdict::Wrong(format!("{signature_name} is missing")),
        };
        if keys.is_empty() {
            return Verdict::Wrong("there is no AppKey to check it with".into());
        }
        if !keys.iter().any(|key| same(&kind.sign(&domain(dialled), timestamp, key), signature)) {
            return Verdict::Wrong(why_wrong(kind, dialled, timestamp, &keys[0], signature));
        }
        return match timestamp.parse::<i64>().map(|then| now.seconds().saturating_sub(then)) {
            Ok(late) if late > TOLERANCE_S => Verdict::Wrong(format!("rightly signed, but {late} s ago: somebody sent it again, or a clock is wrong")),
            Ok(late) if late < -TOLERANCE_S => Verdict::Wrong(format!("rightly signed, but {} s in the future: a clock is wrong", -late)),
            Ok(_) => Verdict::Valid,
            Err(_) => Verdict::Wrong(format!("{time_name} is not a number of seconds")),
        };
    }
    Verdict::Unsigned
}

/// The domain of a `Host` header: no port, no brackets, lower case, as the sender signs it.
fn domain(host: &str) -> String {
    let bare = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => host.split(':').next().unwrap_or(host),
    };
    bare.to_ascii_lowercase()
}

/// The usual mistakes, tried one by one; else what was expected and what came.
fn why_wrong(kind: Kind, dialled: &str, timestamp: &str, key: &str, given: &str) -> String {
    let host = domain(dialled);
    let expected = kind.sign(&host, timestamp, key);
    if same(&expected, &given.to_ascii_lowercase()) {
        return "the digits are in upper case; they must be lower case".into();
    }
    if given.len() != expected.len() || !given.bytes().all(|b| b.is_ascii_hexdigit()) {
        return format!("it must be {} hex digits of {}, and is not", expected.len(), kind.hash());
    }
    for (text, what) in [(kind.sign(dialled, timestamp, key), "with the port"), (kind.sign(&format!("http://{host}"), timestamp, key), "with the scheme")] {
        if same(&text, given) {
            return format!("the host was signed {what}; it must be the domain alone: {host}");
        }
    }
    if same(&kind.sign(&host, timestamp, key.trim()), given) {
        return "the AppKey given here has a space or line end around it".into();
    }
    let start = |digits: &str| digits.get(..8).unwrap_or(digits).to_owned();
    format!("for host {host} and time {timestamp} this AppKey gives {}…, and {}… came: another AppKey, or another host", start(&expected), start(given))
}

/// One line an event. The error says why it is none of the bodies of this cloud.
pub fn callback_in_words(body: &[u8]) -> Result<Vec<String>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|e| format!("the body is not JSON: {e}"))?;
    let mut lines = Vec::new();
    if let Some(eves) = body["eves"].as_array() {
        for eve in eves {
            for event in eve["events"].as_array().into_iter().flatten() {
                lines.push(live_event(text(&eve["uid"]), text(&eve["sid"]), event));
            }
        }
    } else if let Some(contents) = body["Contents"].as_array() {
        let channel = ["ChannelId", "ChannelID"].iter().find_map(|name| body[name].as_str()).unwrap_or("?");
        lines.extend(contents.iter().map(|content| rtc_event(channel, content)));
    } else if let Some(content) = body["content"].as_str() {
        lines.push(format!("may this be said? {content:?}"));
    } else {
        return Err("the body is none that is known here".into());
    }
    Ok(lines)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn live_event(user: &str, sid: &str, event: &Value) -> String {
    let group = text(&event["g"]);
    match event["e"].as_i64() {
        Some(1) => format!("{user} logged on (sid {sid})"),
        Some(2) => match event["r"].as_i64() {
            Some(1) => format!("{user} logged off"),
            Some(3) => format!("{user} was logged off: not heard of for too long"),
            Some(4) => format!("{user} was logged off: logged on from elsewhere"),
            other => format!("{user} logged off, reason {other:?}"),
        },
        Some(3) => format!("{user} joined {group}"),
        Some(4) => format!("{user} left {group}"),
        Some(5) => {
            let groups: Vec<&str> = event["gs"].as_array().into_iter().flatten().map(text).collect();
            if groups.is_empty() { format!("{user} came back (sid {sid})") } else { format!("{user} came back, still in {}", groups.join(", ")) }
        }
        _ => format!("{user}: an unknown event {event}"),
    }
}

fn rtc_event(channel: &str, content: &Value) -> String {
    if let Some(event) = content.get("ChannelEvent") {
        return match text(&event["EventTag"]) {
            "Open" => format!("channel {channel} opened"),
            "Close" => format!("channel {channel} closed"),
            tag => format!("channel {channel}: {tag}"),
        };
    }
    let event = &content["UserEvent"];
    let user = text(&event["UserId"]);
    match text(&event["EventTag"]) {
        "Join" if event["Reason"] == 2 => format!("{user} joined channel {channel} again"),
        "Join" => format!("{user} joined channel {channel}"),
        "Leave" => match event["Reason"].as_i64() {
            Some(4) => format!("{user} left channel {channel}: not heard of for too long"),
            Some(5) => format!("{user} left channel {channel}: joined from elsewhere"),
            Some(6) => format!("{user} left channel {channel}: removed"),
            Some(7) => format!("{user} left channel {channel}: it was closed"),
            _ => format!("{user} left channel {channel}"),
        },
        "Roleupdate" => format!("{user} is now {} in channel {channel}", if event["Role"] == 1 { "a streamer" } else { "a viewer" }),
        tag => match (tag.strip_prefix("Publish"), tag.strip_prefix("Unpublish")) {
            (Some(medium), _) => format!("{user} publishes {} in channel {channel}", medium.to_lowercase()),
            (_, Some(medium)) => format!("{user} stopped publishing {} in channel {channel}", medium.to_lowercase()),
            _ => format!("{user}: {tag} in channel {channel}"),
        },
    }
}

/// What `verify` prints, and whether the thing is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub good: bool,
    /// Whole lines.
    pub text: String,
}

/// Lines of a name and a value, aligned; the last line is the verdict.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn put(&mut self, name: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name:<12}{value}");
    }

    /// A value of several lines, indented under its name.
    fn block(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.0, "{name}");
        for line in value.split('\n') {
            let _ = writeln!(self.0, "    {line}");
        }
    }

    fn verdict(mut self, wrong: Option<String>) -> Explanation {
        let _ = match &wrong {
            None => writeln!(self.0, "✓ valid"),
            Some(why) => writeln!(self.0, "✗ {why}"),
        };
        Explanation { good: wrong.is_none(), text: self.0 }
    }
}

/// How a callback's signature is made; compared with `given` if there is one.
pub fn callback(kind: Kind, host: &str, timestamp: &str, key: &str, given: Option<&str>) -> Explanation {
    let mut lines = Lines::default();
    let host = host.split_once("://").map_or(host, |(_, rest)| rest);
    let dialled = host.split(['/', '?']).next().unwrap_or(host);
    let expected = kind.sign(&domain(dialled), timestamp, key);
    lines.put("hashed", format_args!("{}|{timestamp}|<AppKey>", domain(dialled)));
    lines.put(kind.hash(), &expected);
    let Some(given) = given else {
        lines.put("header", format_args!("{}: {timestamp}", kind.headers().0));
        lines.put("header", format_args!("{}: {expected}", kind.headers().1));
        return Explanation { good: true, text: lines.0 };
    };
    lines.put("given", given);
    let wrong = (!same(&expected, given.trim())).then(|| why_wrong(kind, dialled, timestamp, key, given.trim()));
    lines.verdict(wrong)
}

/// A login credential: JSON, or base64 of it, as a client puts it into its connect. Read and checked as
/// the server does, but for `app_sign`, which only the server knows.
pub fn login(credential: &str, key: &str, now: Millis) -> Explanation {
    let mut lines = Lines::default();
    let login = match token::read_login(credential) {
        Ok(login) => login,
        Err(flaw) => return lines.verdict(Some(why_refused(&flaw))),
    };
    let auth = &login.auth;
    let timestamp = auth.timestamp.to_string();
    let parts = |key: &str| [&*login.app_id, key, &auth.user_id, &auth.nonce, &timestamp, &auth.role].concat();
    let expected = signature::sha256_hex(parts(key).as_bytes());
    lines.put("application", &login.app_id);
    lines.put("user", &auth.user_id);
    lines.put("role", if auth.role.is_empty() { "(none: an ordinary user)" } else { &auth.role });
    lines.put("hashed", parts("<AppKey>"));
    lines.put("sha256", &expected);
    lines.put("app_token", &login.app_token);
    let left = auth.timestamp.left(now);
    lines.put("expires", if left > 0 { format!("in {}", span(left)) } else { format!("{} ago", span(left.saturating_neg())) });
    // Ten times too long a number is milliseconds, the usual slip.
    if left > 100 * 365 * 86_400 {
        lines.put("note", "the expiry looks like milliseconds; it is seconds");
    }
    let wrong = match AppId::new(&login.app_id) {
        Err(bad) => Some(format!("app_id is none: {bad}")),
        Ok(app) => token::examine(&login, &app, key, None, now).err().map(|flaw| match flaw {
            Flaw::Token if same(&expected, &login.app_token.to_ascii_lowercase()) => "the token is in upper case; it must be lower case".into(),
            flaw => why_refused(&flaw),
        }),
    };
    lines.verdict(wrong)
}

fn why_refused(flaw: &Flaw) -> String {
    match flaw {
        Flaw::Form(how) => how.clone(),
        Flaw::OtherApp => "it is for another application".into(),
        Flaw::Token => "the token is wrong: another AppKey, or one of the hashed parts differs".into(),
        Flaw::Expired => "rightly signed, but expired: make a new one with a later timestamp".into(),
    }
}

/// 93784 → "1 d 2 h".
fn span(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7_200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        s => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

/// A captured request of a server SDK. `target` is the path with its query as sent. Checked as the server
/// does, but for what it knows of keys, of the time and of earlier requests.
pub fn request(method: &str, target: &str, headers: &[(String, Vec<u8>)], body: &[u8], secret: &str) -> Explanation {
    let mut lines = Lines::default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path != "/" {
        lines.put("note", format_args!("the path is {path}; this API has only /"));
    }
    let mut request = RpcRequest { method, query, headers, body };
    if request.has_form() {
        // The line end of the file that it was pasted into.
        request.body = body.trim_ascii_end();
    }
    let wrong = explain_request(&mut lines, &request, secret).unwrap_or_else(|e| Some(e.to_string()));
    lines.verdict(wrong)
}

/// What is wrong with the signature. The error is the server's own, where it does not come so far.
fn explain_request(lines: &mut Lines, request: &RpcRequest, secret: &str) -> Result<Option<String>, RpcError> {
    let call = Signed::read(request)?;
    let is_v3 = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if !is_v3 && !call.params.contains_key("Signature") {
        return Ok(Some("not signed: there is neither an Authorization header nor a parameter Signature".into()));
    }
    let scheme = call.scheme()?;
    match &scheme {
        Scheme::V3(authorization) => {
            let v3 = call.v3(authorization);
            lines.put("signature", format_args!("V3, AccessKey {}", authorization.key_id));
            lines.block("canonical request", &String::from_utf8_lossy(&v3.canonical));
            lines.block("string to sign", &v3.to_sign);
            lines.put("expected", v3.sign(secret));
            lines.put("given", authorization.signature);
        }
        Scheme::V1 { method, key_id, signature } => {
            let to_sign = call.v1_to_sign();
            lines.put("signature", format_args!("1.0, {}, AccessKey {key_id}", method.name()));
            lines.block("string to sign", &to_sign);
            lines.put("expected", signature::v1_sign(*method, secret, &to_sign));
            lines.put("given", signature);
        }
    }
    call.named("Action")?;
    call.named("Version")?;
    call.stamp(&scheme)?;
    call.nonce(&scheme)?;
    if call.check(&scheme, secret).is_ok() {
        return Ok(None);
    }
    let other = "the signature is wrong: another secret, or something above was changed on its way";
    Ok(Some(match &scheme {
        Scheme::V3(authorization) if !call.unsigned(authorization).is_empty() => {
            format!("not signed, but must be: {}", call.unsigned(authorization).join(", "))
        }
        Scheme::V3(_) if !call.has_body_hash()? => format!("x-acs-content-sha256 is not the hash of the {} bytes of body given here", request.body.len()),
        _ => other.into(),
    }))
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
