//! What a client shows to be let in: the login, and the join token of an RTC channel. Read and checked as
//! the server does, but for what only the server knows.

use crate::{
    alibaba::{
        signature::{same, sha256_hex},
        token::{self, Expiry, Flaw, NonceShape},
    },
    domain::{AppId, Millis},
    explanation::{Explanation, Lines, span},
};

/// A login: JSON, or base64 of it, as a client puts it into its connect. Its `app_sign` is not checked.
pub fn login(credential: &str, key: &str, now: Millis) -> Explanation {
    let mut lines = Lines::default();
    let login = match token::read_login(credential) {
        Ok(login) => login,
        Err(flaw) => return lines.verdict(Some(why_refused(&flaw))),
    };
    let auth = &login.auth;
    let timestamp = auth.timestamp.to_string();
    let parts = |key: &str| [&*login.app_id, key, &auth.user_id, &auth.nonce, &timestamp, &auth.role].concat();
    lines.put("application", &login.app_id);
    lines.put("user", &auth.user_id);
    lines.put("role", if auth.role.is_empty() { "(none: an ordinary user)" } else { &auth.role });
    let expected = put_hash(&mut lines, parts, key);
    lines.put("app_token", &login.app_token);
    put_expiry(&mut lines, &auth.timestamp, now);
    let examine = |app: AppId| token::examine(&login, &app, key, None, NonceShape::Documented, now).map(drop);
    lines.verdict(why("app_id", &login.app_id, examine, &expected, &login.app_token))
}

/// The join of an RTC channel: JSON, or base64 of it, as a client puts it into its subscribe.
pub fn channel(credential: &str, key: &str, now: Millis) -> Explanation {
    let mut lines = Lines::default();
    let join = match token::read_rtc(credential) {
        Ok(join) => join,
        Err(flaw) => return lines.verdict(Some(why_refused(&flaw))),
    };
    let timestamp = join.timestamp.to_string();
    let parts = |key: &str| [&*join.appid, key, &join.channelid, &join.userid, &join.nonce, &timestamp].concat();
    lines.put("application", &join.appid);
    lines.put("channel", &join.channelid);
    lines.put("user", &join.userid);
    let expected = put_hash(&mut lines, parts, key);
    lines.put("token", &join.token);
    put_expiry(&mut lines, &join.timestamp, now);
    let examine = |app: AppId| token::examine_rtc(&join, &app, key, NonceShape::Documented, now);
    lines.verdict(why("appid", &join.appid, examine, &expected, &join.token))
}

/// What is hashed, and the hash, which is returned.
fn put_hash(lines: &mut Lines, parts: impl Fn(&str) -> String, key: &str) -> String {
    let expected = sha256_hex(parts(key).as_bytes());
    lines.put("hashed", parts("<AppKey>"));
    lines.put("sha256", &expected);
    expected
}

fn put_expiry(lines: &mut Lines, expiry: &Expiry, now: Millis) {
    let left = expiry.left(now);
    lines.put("expires", if left > 0 { format!("in {}", span(left)) } else { format!("{} ago", span(left.saturating_neg())) });
    // Ten times too long a number is milliseconds, the usual slip.
    if left > 100 * 365 * 86_400 {
        lines.put("note", "the expiry looks like milliseconds; it is seconds");
    }
}

/// Why it is refused, if it is. `name`: the field that holds the application's id.
fn why(name: &str, app: &str, examine: impl Fn(AppId) -> Result<(), Flaw>, expected: &str, token: &str) -> Option<String> {
    match AppId::new(app) {
        Err(bad) => Some(format!("{name} is none: {bad}")),
        Ok(app) => examine(app).err().map(|flaw| match flaw {
            Flaw::Token if same(expected, &token.to_ascii_lowercase()) => "the token is in upper case; it must be lower case".into(),
            flaw => why_refused(&flaw),
        }),
    }
}

fn why_refused(flaw: &Flaw) -> String {
    match flaw {
        Flaw::Form(how) => how.clone(),
        Flaw::OtherApp => "it is for another application".into(),
        Flaw::Token => "the token is wrong: another AppKey, or one of the hashed parts differs".into(),
        Flaw::Expired => "rightly signed, but expired: make a new one with a later timestamp".into(),
    }
}
