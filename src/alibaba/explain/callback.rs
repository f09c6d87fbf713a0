//! The signature of a callback, checked as its receiver should.

use crate::{
    alibaba::signature::{self, same},
    domain::Millis,
    explanation::{Explanation, Lines, Verdict},
};

/// A callback's time of signing may be so far from ours, in seconds.
const TOLERANCE_S: i64 = 300;

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

    /// The inverse of [`Kind::parse`].
    fn name(self) -> &'static str {
        match self {
            Kind::Live => "live",
            Kind::Rtc => "rtc",
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
        return Verdict::of_age(time_name, timestamp, TOLERANCE_S, now);
    }
    Verdict::Unsigned
}

/// The domain of a `Host` header: no port, no brackets, lower case, as the sender signs it.
pub(super) fn domain(host: &str) -> String {
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
        let other = [Kind::Live, Kind::Rtc].into_iter().find(|other| same(&other.sign(&host, timestamp, key), given));
        if let Some(other) = other {
            return format!("it is a right {}, made with {}: say --kind {}, or look at that header", other.headers().1, other.hash(), other.name());
        }
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
        return lines.unjudged();
    };
    lines.put("given", given);
    let wrong = (!same(&expected, given.trim())).then(|| why_wrong(kind, dialled, timestamp, key, given.trim()));
    lines.verdict(wrong)
}
