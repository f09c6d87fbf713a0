//! A webhook as its receiver sees it (`tencent.md` §6.1): the signature in its query, checked as a receiver
//! should, and (`told`) what it tells, in words for a person. For `listen`, `dev` and `verify`; nothing is decided
//! with it. A token never appears in a text made here.

mod told;

pub use told::in_words;

use super::webhook;
use crate::{
    domain::Millis,
    explanation::{Explanation, Lines, Verdict, span},
};
use subtle::ConstantTimeEq;

/// A webhook's time of signing may be so far from ours, in seconds.
const TOLERANCE_S: i64 = 60;

/// What to answer with, which says to those who asked before they do something that they may.
pub const ANSWER: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#;

/// The query of a URL or of a path.
fn query(url: &str) -> &str {
    url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or(query))
}

/// What we look for needs no percent-decoding.
fn parameter<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    query(url).split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Is it a webhook of this cloud? `path` with its query.
pub fn is_webhook(path: &str) -> bool {
    parameter(path, "CallbackCommand").is_some() && parameter(path, "SdkAppid").is_some()
}

/// Looks at the query as a receiver should. `tokens`: those that may have signed.
pub fn check(path: &str, tokens: &[String], now: Millis) -> Verdict {
    let (time, given) = match (parameter(path, "RequestTime"), parameter(path, "Sign")) {
        (None, None) => return Verdict::Unsigned,
        (Some(time), Some(given)) => (time, given),
        (None, Some(_)) => return Verdict::Wrong("RequestTime is missing".into()),
        (Some(_), None) => return Verdict::Wrong("Sign is missing".into()),
    };
    let Some(first) = tokens.first() else {
        return Verdict::Wrong("there is no token to check it with".into());
    };
    if !tokens.iter().any(|token| same(&webhook::sign(token, time), given)) {
        return Verdict::Wrong(why_wrong(first, time, given));
    }
    Verdict::of_age("RequestTime", time, TOLERANCE_S, now)
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The usual mistakes, tried one by one; else what was expected and what came.
fn why_wrong(token: &str, time: &str, given: &str) -> String {
    let expected = webhook::sign(token, time);
    if same(&expected, &given.to_ascii_lowercase()) {
        return "the digits are in upper case; they must be lower case".into();
    }
    if given.len() != expected.len() || !given.bytes().all(|b| b.is_ascii_hexdigit()) {
        return format!("Sign must be {} hex digits of SHA-256, and is not", expected.len());
    }
    if same(&webhook::sign(time, token), given) {
        return "the time was hashed before the token; the token comes first".into();
    }
    if same(&webhook::sign(token.trim(), time), given) {
        return "the token given here has a space or line end around it".into();
    }
    format!("for time {time} this token gives {}…, and {}… came: another token", &expected[..8], &given[..8])
}

/// How the signature in a webhook's URL is made, and whether the one in it is right, however old it is. The path and
/// query alone will do.
pub fn explain(url: &str, token: &str, now: Millis) -> Explanation {
    let mut lines = Lines::default();
    for (name, parameter_name) in [("SDKAppID", "SdkAppid"), ("command", "CallbackCommand"), ("delivery", "RequestID")] {
        if let Some(value) = parameter(url, parameter_name) {
            lines.put(name, value);
        }
    }
    let (time, given) = match (parameter(url, "RequestTime"), parameter(url, "Sign")) {
        (Some(time), Some(given)) => (time, given),
        (None, None) => {
            return lines
                .verdict(Some("it is not signed: the application's token is not set, or not enabled (set_callback_token, or roomd app webhooks)".into()));
        }
        (None, _) => return lines.verdict(Some("RequestTime is missing".into())),
        (_, None) => return lines.verdict(Some("Sign is missing".into())),
    };
    lines.put("RequestTime", time);
    if let Ok(then) = time.parse::<i64>() {
        let late = now.seconds().saturating_sub(then);
        let when = if late >= 0 { format!("{} ago", span(late)) } else { format!("in {}", span(late.saturating_neg())) };
        lines.put("made", format_args!("{when}; a receiver should refuse what is more than {TOLERANCE_S} s off"));
    }
    lines.put("hashed", format_args!("<token>{time}"));
    let expected = webhook::sign(token, time);
    lines.put("sha256", &expected);
    lines.put("Sign", given);
    lines.verdict((!same(&expected, given)).then(|| why_wrong(token, time, given)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Millis = Millis(1_669_872_112_000);
    const SIGN: &str = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061";

    #[test]
    fn verdicts() {
        let before = webhook::sign("1669872112", "xxxxyyyy");
        let then = format!("RequestTime=1669872112&Sign={SIGN}");
        let letters = format!("RequestTime=soon&Sign={}", webhook::sign("xxxxyyyy", "soon"));
        for (query, token, late, expected) in [
            (then.as_str(), "xxxxyyyy", 0, Ok(true)),
            (&then, "xxxxyyyy", 60, Ok(true)),
            (&then, "xxxxyyyy", -60, Ok(true)),
            ("SdkAppid=1", "xxxxyyyy", 0, Ok(false)),
            ("", "xxxxyyyy", 0, Ok(false)),
            (&then, "xxxxyyyy", 61, Err("61 s ago")),
            (&then, "xxxxyyyy", -61, Err("61 s in the future")),
            (&then, "xxxyyy", 0, Err("this token gives e78a8547…, and 17773bc3… came")),
            (&then, "xxxxyyyy\n", 0, Err("a space or line end around it")),
            (&format!("RequestTime=1669872112&Sign={}", SIGN.to_uppercase()), "xxxxyyyy", 0, Err("upper case")),
            (&format!("RequestTime=1669872112&Sign={before}"), "xxxxyyyy", 0, Err("the token comes first")),
            ("RequestTime=1669872112&Sign=17773bc3", "xxxxyyyy", 0, Err("must be 64 hex digits")),
            (&format!("RequestTime=1669872112&Sign={}", "é".repeat(32)), "xxxxyyyy", 0, Err("must be 64 hex digits")),
            ("RequestTime=1669872112", "xxxxyyyy", 0, Err("Sign is missing")),
            ("Sign=17773bc3", "xxxxyyyy", 0, Err("RequestTime is missing")),
            (&letters, "xxxxyyyy", 0, Err("not a number of seconds")),
        ] {
            let path = format!("/cb?{query}");
            let now = Millis(AT.0 + late * 1_000);
            match (check(&path, &[token.into()], now), expected) {
                (Verdict::Valid, Ok(true)) | (Verdict::Unsigned, Ok(false)) => {}
                (Verdict::Wrong(why), Err(expected)) => assert!(why.contains(expected), "{expected}: {why}"),
                (got, _) => panic!("{query} {token}: {got:?}"),
            }
        }
        assert_eq!(check(&format!("/?{then}"), &["other".into(), "xxxxyyyy".into()], AT), Verdict::Valid);
        assert_eq!(check(&format!("/?{then}"), &[], AT), Verdict::Wrong("there is no token to check it with".into()));
    }

    #[test]
    fn what_is_one() {
        for (path, expected) in [
            ("/cb?SdkAppid=1&CallbackCommand=x", true),
            ("/cb?k=v&CallbackCommand=x&SdkAppid=1#f", true),
            ("/cb?CallbackCommand=x", false),
            ("/cb#?SdkAppid=1&CallbackCommand=x", true),
            ("/CallbackCommand=x&SdkAppid=1", false),
        ] {
            assert_eq!(is_webhook(path), expected, "{path}");
        }
    }

    #[test]
    fn explanations() {
        let url = format!("http://h/cb?SdkAppid=7&CallbackCommand=Live.X&RequestID=d1&Sign={SIGN}&RequestTime=1669872112");
        for (url, token, expected) in [
            (url.as_str(), "xxxxyyyy", "SDKAppID    7\ncommand     Live.X\ndelivery    d1\nRequestTime 1669872112\nmade        24 h 0 min ago; a receiver"),
            (&url, "xxxxyyyy", "hashed      <token>1669872112\nsha256      17773bc3"),
            (&url, "xxxxyyyy", "✓ valid"),
            (&url, "xxxyyy", "✗ for time 1669872112 this token gives e78a8547…"),
            ("/cb?SdkAppid=7", "xxxxyyyy", "✗ it is not signed"),
            ("/cb?Sign=1", "xxxxyyyy", "✗ RequestTime is missing"),
        ] {
            let told = explain(url, token, Millis(AT.0 + 86_400_000));
            assert!(told.text.contains(expected), "{expected}: {}", told.text);
            assert_eq!(told.good, told.text.ends_with("✓ valid\n"));
            assert!(!told.text.contains(token));
        }
    }
}
