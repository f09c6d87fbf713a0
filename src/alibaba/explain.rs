//! What came over the wire of this cloud, in words for a person: callbacks and their signatures,
//! login tokens, signed requests. For `listen`, `dev` and `verify`; nothing is decided with it.
//! Knows no socket and no HTTP library. An AppKey or a secret never appears in a text made here.

use super::{
    form::{self, Form},
    signature::{self, V1Method, V3, same},
};
use crate::domain::Millis;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
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
    Live,
    Rtc,
}

impl Kind {
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

/// A login credential: JSON, or base64 of it, as a client puts it into its connect.
pub fn login(credential: &str, key: &str, now: Millis) -> Explanation {
    let mut lines = Lines::default();
    let credential = credential.trim();
    let json = if credential.starts_with('{') {
        credential.as_bytes().to_vec()
    } else {
        // Both alphabets, with padding or without.
        let standard = credential.trim_end_matches('=').replace('-', "+").replace('_', "/");
        match STANDARD_NO_PAD.decode(standard) {
            Ok(json) => json,
            Err(e) => return lines.verdict(Some(format!("this is neither JSON nor base64: {e}"))),
        }
    };
    let login: Value = match serde_json::from_slice(&json) {
        Ok(login) => login,
        Err(e) => return lines.verdict(Some(format!("this is not JSON: {e}"))),
    };
    // Text or a number: what is hashed is the text of it.
    let field = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let auth = &login["auth"];
    let needed = [("app_id", &login["app_id"]), ("app_token", &login["app_token"]), ("auth.user_id", &auth["user_id"]), ("auth.timestamp", &auth["timestamp"])];
    if let Some((name, _)) = needed.iter().find(|(_, value)| field(value).is_none_or(|text| text.is_empty())) {
        return lines.verdict(Some(format!("{name} is missing; a login is {{app_id, app_token, auth: {{user_id, nonce, timestamp, role}}}}")));
    }
    let [app, token, user, timestamp] = needed.map(|(_, value)| field(value).unwrap_or_default());
    let (nonce, role) = (field(&auth["nonce"]).unwrap_or_default(), field(&auth["role"]).unwrap_or_default());
    let parts = |key: &str| [&app, key, &user, &nonce, &timestamp, &role].concat();
    let expected = signature::sha256_hex(parts(key).as_bytes());
    lines.put("application", &app);
    lines.put("user", &user);
    lines.put("role", if role.is_empty() { "(none: an ordinary user)" } else { &role });
    lines.put("hashed", parts("<AppKey>"));
    lines.put("sha256", &expected);
    lines.put("app_token", &token);
    let left = match timestamp.parse::<i64>() {
        Ok(expires) => expires.saturating_sub(now.seconds()),
        Err(_) => return lines.verdict(Some("auth.timestamp is not a number of seconds since 1970".into())),
    };
    lines.put("expires", if left > 0 { format!("in {}", span(left)) } else { format!("{} ago", span(-left)) });
    if !same(&expected, &token) {
        let upper = same(&expected, &token.to_ascii_lowercase());
        let why =
            if upper { "the token is in upper case; it must be lower case" } else { "the token is wrong: another AppKey, or one of the hashed parts differs" };
        return lines.verdict(Some(why.into()));
    }
    // Ten times too long a number is milliseconds, the usual slip.
    let note = left > 100 * 365 * 86_400;
    if note {
        lines.put("note", "the expiry looks like milliseconds; it is seconds");
    }
    lines.verdict((left <= 0).then(|| "rightly signed, but expired: make a new one with a later timestamp".into()))
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

/// A captured request of a server SDK. `target` is the path with its query as sent.
pub fn request(method: &str, target: &str, headers: &[(String, String)], body: &[u8], secret: &str) -> Explanation {
    let mut lines = Lines::default();
    let header = |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut params = Form::new();
    if let Err(e) = form::read(&mut params, query.as_bytes()) {
        return lines.verdict(Some(format!("the query cannot be read: {e}")));
    }
    if path != "/" {
        lines.put("note", format_args!("the path is {path}; this API has only /"));
    }
    match header("Authorization") {
        Some(authorization) => {
            let Some(auth) = signature::authorization(authorization) else {
                return lines.verdict(Some(format!("Authorization is not {} Credential=…,SignedHeaders=…,Signature=…", signature::V3_SCHEME)));
            };
            let all: Vec<(String, Vec<u8>)> = headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
            let v3 = V3::new(method, &params, &all, &auth.signed, body);
            lines.put("signature", format_args!("V3, AccessKey {}", auth.key_id));
            lines.block("canonical request", &String::from_utf8_lossy(&v3.canonical));
            lines.block("string to sign", &v3.to_sign);
            lines.put("expected", v3.sign(secret));
            lines.put("given", auth.signature);
            let missing: Vec<&str> = signature::V3_SIGNED.into_iter().filter(|name| !auth.signed.iter().any(|s| s.eq_ignore_ascii_case(name))).collect();
            let hashed = header("x-acs-content-sha256").unwrap_or_default();
            lines.verdict(if !missing.is_empty() {
                Some(format!("not signed, but must be: {}", missing.join(", ")))
            } else if hashed != signature::sha256_hex(body) {
                Some(format!("x-acs-content-sha256 is not the hash of the {} bytes of body given here", body.len()))
            } else {
                (!v3.check(secret, auth.signature)).then(|| "the signature is wrong: another secret, or something above was changed on its way".into())
            })
        }
        None => {
            let is_form = header("Content-Type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
            if is_form && let Err(e) = form::read(&mut params, body.trim_ascii_end()) {
                return lines.verdict(Some(format!("the form in the body cannot be read: {e}")));
            }
            let Some(given) = params.get("Signature").cloned() else {
                return lines.verdict(Some("not signed: there is neither an Authorization header nor a parameter Signature".into()));
            };
            let named = params.get("SignatureMethod").map_or("HMAC-SHA1", String::as_str);
            let Some(how) = V1Method::parse(named) else {
                return lines.verdict(Some(format!("SignatureMethod {named} is not known; HMAC-SHA1 and HMAC-SHA256 are")));
            };
            let to_sign = signature::v1_to_sign(method, &params);
            lines.put("signature", format_args!("1.0, {named}, AccessKey {}", params.get("AccessKeyId").map_or("(none)", String::as_str)));
            lines.block("string to sign", &to_sign);
            lines.put("expected", signature::v1_sign(how, secret, &to_sign));
            lines.put("given", &given);
            lines.verdict(
                (!signature::v1_check(how, secret, &to_sign, &given))
                    .then(|| "the signature is wrong: another secret, or a parameter was changed on its way".into()),
            )
        }
    }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
