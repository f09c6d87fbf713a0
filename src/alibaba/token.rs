//! The credentials that a business's own server makes for its clients (`alibaba.md` §5.1): the
//! login JSON of interactive messaging, made and verified, and the join token of an RTC channel, made.
//! Knows neither sockets nor sessions.

use super::signature::{same, sha256_hex};
use crate::domain::{AppId, Millis, UserId, app::App, id::BadId};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Longest nonce in bytes; the role has the same bound, because the cloud states none.
const MAX_NONCE: usize = 64;
/// What a login looks like, for those whose does not.
const LOGIN_SHAPE: &str = "JSON like {app_id, app_token, auth: {user_id, nonce, timestamp, role}}";
/// Longest credential text; a real one has about 300 bytes.
const MAX_TEXT: usize = 8 * 1024;

/// What is wrong with a credential, for the person who makes it. A client is told no more than [`LoginError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not readable, or a part of it is out of bounds; how.
    Form(String),
    /// It is for another application, or carries another one's AppSign.
    OtherApp,
    /// The token does not fit what it must be the hash of.
    Token,
    /// Rightly signed, but its time is over.
    Expired,
}

impl From<Flaw> for LoginError {
    fn from(flaw: Flaw) -> LoginError {
        match flaw {
            Flaw::Expired => LoginError::Expired,
            Flaw::Form(_) | Flaw::OtherApp | Flaw::Token => LoginError::Bad,
        }
    }
}

/// Why a credential is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// Malformed, of another application, or wrongly signed.
    Bad,
    /// Rightly signed, but its time is over: the client may fetch a new one.
    Expired,
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            LoginError::Bad => "the token is malformed or wrong",
            LoginError::Expired => "the token has expired",
        })
    }
}

impl std::error::Error for LoginError {}

/// Unix seconds, sent as a number or as decimal text. The text is what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    text: String,
    seconds: i64,
}

impl Expiry {
    /// In unix seconds.
    pub fn at(seconds: i64) -> Expiry {
        Expiry { text: seconds.to_string(), seconds }
    }

    fn parse(text: &str) -> Option<Expiry> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse().ok()).flatten().map(|seconds| Expiry { text: text.into(), seconds })
    }

    /// Has it the ten digits of a time between 2001 and 2286? What is hashed has no separators: a digit that
    /// moved in from the nonce, or out into the role, would make a token that never ends.
    fn is_whole(&self) -> bool {
        self.text.len() == 10 && !self.text.starts_with('0')
    }

    /// Seconds until it is over; 0 or less: it is.
    pub fn left(&self, now: Millis) -> i64 {
        self.seconds.saturating_sub(now.seconds())
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_i64(self.seconds)
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        let text = match Either::deserialize(from) {
            Ok(Either::Number(n)) => n.to_string(),
            Ok(Either::Text(text)) => text,
            Err(_) => String::new(),
        };
        Expiry::parse(&text).ok_or_else(|| de::Error::custom("timestamp must be a number of seconds since 1970"))
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What an AppServer hands to its client. The token is a secret: `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginJson {
    pub app_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_sign: Option<String>,
    pub app_token: String,
    pub auth: LoginAuth,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAuth {
    pub user_id: String,
    #[serde(default)]
    pub nonce: String,
    pub timestamp: Expiry,
    #[serde(default)]
    pub role: String,
}

impl fmt::Debug for LoginJson {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "LoginJson({} of {})", self.auth.user_id, self.app_id)
    }
}

/// Who has proved to be who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedLogin {
    pub app: AppId,
    pub user: UserId,
    /// `admin`, or anything else for an ordinary user.
    pub role: String,
}

/// `timestamp` is the expiry, as text, in unix seconds.
pub fn login_token(app_id: &str, app_key: &str, user: &str, nonce: &str, timestamp: &str, role: &str) -> String {
    sha256_hex([app_id, app_key, user, nonce, timestamp, role].concat().as_bytes())
}

/// Is this a login of `app` that is good now?
pub fn verify(login: &LoginJson, app: &App, now: Millis) -> Result<VerifiedLogin, LoginError> {
    Ok(examine(login, &app.id, &app.key, Some(&app.sign), now)?)
}

/// The same for one who knows only parts of the application, with the reason. `sign`: `None` leaves that
/// field unchecked. The token is checked before the expiry: a wrong one is never told that it is merely old.
pub fn examine(login: &LoginJson, app: &AppId, key: &str, sign: Option<&str>, now: Millis) -> Result<VerifiedLogin, Flaw> {
    let auth = &login.auth;
    let user = UserId::new(&auth.user_id).map_err(|BadId| Flaw::Form(format!("auth.user_id is none: {BadId}")))?;
    if login.app_id != app.as_str() || login.app_sign.as_deref().zip(sign).is_some_and(|(theirs, ours)| !same(theirs, ours)) {
        return Err(Flaw::OtherApp);
    }
    for (name, text) in [("nonce", &auth.nonce), ("role", &auth.role)] {
        if text.len() > MAX_NONCE {
            return Err(Flaw::Form(format!("auth.{name} has {} bytes; {MAX_NONCE} are allowed", text.len())));
        }
    }
    if !auth.timestamp.is_whole() {
        return Err(Flaw::Form(format!("auth.timestamp has {} digits; a time in seconds has ten", auth.timestamp.text.len())));
    }
    if auth.role.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Flaw::Form("auth.role begins with a digit, which could be the timestamp's".into()));
    }
    let token = login_token(app.as_str(), key, user.as_str(), &auth.nonce, &auth.timestamp.text, &auth.role);
    if !same(&token, &login.app_token) {
        return Err(Flaw::Token);
    }
    if auth.timestamp.left(now) <= 0 {
        return Err(Flaw::Expired);
    }
    Ok(VerifiedLogin { app: app.clone(), user, role: auth.role.clone() })
}

/// `key` and `sign` are the application's AppKey and AppSign, `expires` is in unix seconds.
pub fn make_login(app: &AppId, key: &str, sign: &str, user: &UserId, nonce: &str, expires: i64, role: &str) -> LoginJson {
    let timestamp = Expiry::at(expires);
    LoginJson {
        app_id: app.to_string(),
        app_sign: Some(sign.into()),
        app_token: login_token(app.as_str(), key, user.as_str(), nonce, &timestamp.text, role),
        auth: LoginAuth { user_id: user.to_string(), nonce: nonce.into(), timestamp, role: role.into() },
    }
}

/// The JSON text itself, or base64 of it: standard or URL alphabet, with or without padding (`session.md` §2).
pub fn decode_login(text: &str) -> Result<LoginJson, LoginError> {
    Ok(read_login(text)?)
}

/// The same, with the reason.
pub fn read_login(text: &str) -> Result<LoginJson, Flaw> {
    const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
    const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);
    let text = text.trim();
    if text.len() > MAX_TEXT {
        return Err(Flaw::Form(format!("it has {} bytes; {MAX_TEXT} are allowed", text.len())));
    }
    let json = match text.starts_with('{') {
        true => text.as_bytes().to_vec(),
        false => STANDARD.decode(text).or_else(|_| URL.decode(text)).map_err(|e| Flaw::Form(format!("it is neither JSON nor base64: {e}")))?,
    };
    serde_json::from_slice(&json).map_err(|e| Flaw::Form(format!("it is not {LOGIN_SHAPE}: {e}")))
}

/// What a client sends to join an RTC channel (`session.md` §4).
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct RtcJson {
    pub appid: String,
    pub channelid: String,
    pub userid: String,
    pub nonce: String,
    pub timestamp: Expiry,
    pub token: String,
}

impl fmt::Debug for RtcJson {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "RtcJson({} in {} of {})", self.userid, self.channelid, self.appid)
    }
}

/// `timestamp` as in [`login_token`].
pub fn rtc_token(app_id: &str, app_key: &str, channel: &str, user: &str, nonce: &str, timestamp: &str) -> String {
    sha256_hex([app_id, app_key, channel, user, nonce, timestamp].concat().as_bytes())
}

/// As [`make_login`].
pub fn make_rtc(app: &AppId, key: &str, channel: &str, user: &UserId, nonce: &str, expires: i64) -> RtcJson {
    let timestamp = Expiry::at(expires);
    RtcJson {
        token: rtc_token(app.as_str(), key, channel, user.as_str(), nonce, &timestamp.text),
        appid: app.to_string(),
        channelid: channel.into(),
        userid: user.to_string(),
        nonce: nonce.into(),
        timestamp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alibaba::fake;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

    #[test]
    fn documented_tokens() {
        for (token, expected) in [
            (login_token("demo", "appkey123", "u1", "AK-abc", "1700000000", "admin"), "15352408fec5f52d99554864de1de6feb8cfcd0abdb4cf7f2e1ae92d6c948830"),
            (login_token("demo", "appkey123", "u1", "", "1700000000", ""), "d8eb9a769f8abd8f5fbd116e84478c9654dcfa81e873c7c65abda38c5e5af0d8"),
            (rtc_token("abc", "abckey", "abcChannel", "abcUser", "", "1699423634"), "3c9ee8d9f8734f0b7560ed8022a0590659113955819724fc9345ab8eedf84f31"),
        ] {
            assert_eq!(token, expected);
        }
    }

    #[test]
    fn logins() {
        let app = fake::app("demo");
        let user = UserId::trusted("u1");
        let now = Millis(1_700_000_000_000);
        let make = |user: &UserId, nonce: &str, expires, role: &str| make_login(&app.id, &app.key, &app.sign, user, nonce, expires, role);
        let good = |expires| make(&user, "AK-abc", expires, "admin");
        let changed = |change: &dyn Fn(&mut LoginJson)| {
            let mut login = good(1_700_000_100);
            change(&mut login);
            verify(&login, &app, now).map(|v| v.user.to_string())
        };
        assert_eq!(changed(&|_| ()), Ok("u1".into()));
        assert_eq!(changed(&|l| l.app_sign = None), Ok("u1".into()));
        assert_eq!(changed(&|l| l.app_sign = Some("other".into())), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.app_id = "other".into()), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.app_token = l.app_token.to_uppercase()), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.auth.user_id = "u2".into()), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.auth.role = "".into()), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.auth.timestamp = Expiry::at(1_800_000_000)), Err(LoginError::Bad));
        assert_eq!(verify(&good(1_700_000_000), &app, now), Err(LoginError::Expired));
        assert_eq!(verify(&make(&user, "", 9_999_999_999, ""), &app, now).map(|v| v.role), Ok(String::new()));
        assert_eq!(verify(&make(&user, &"n".repeat(65), 9_999_999_999, ""), &app, now), Err(LoginError::Bad));
        assert_eq!(verify(&make(&UserId::trusted(""), "", 9_999_999_999, ""), &app, now), Err(LoginError::Bad));
        // Digits that moved between the fields hash the same, and are refused all the same.
        let moved = |nonce: &str, timestamp: i64, role: &str| {
            let mut login = make(&user, "AK-abc7", 1_700_000_000, "");
            login.auth = LoginAuth { user_id: "u1".into(), nonce: nonce.into(), timestamp: Expiry::at(timestamp), role: role.into() };
            verify(&login, &app, now)
        };
        assert_eq!(moved("AK-abc7", 1_700_000_000, ""), Err(LoginError::Expired));
        assert_eq!(moved("AK-abc", 71_700_000_000, ""), Err(LoginError::Bad));
        assert_eq!(moved("AK-abc", 7_170_000_000, "0"), Err(LoginError::Bad));
        // Wrong and old: wrong is what it is told.
        let mut wrong = good(1);
        wrong.app_token.clear();
        assert_eq!(verify(&wrong, &app, now), Err(LoginError::Bad));
    }

    #[test]
    fn login_texts() {
        let app = fake::app("demo");
        let login = make_login(&app.id, &app.key, &app.sign, &UserId::trusted("u>?\u{4e2d}"), "", 1_700_000_100, "");
        let json = serde_json::to_string(&login).unwrap();
        assert!(json.contains(r#""timestamp":1700000100"#));
        let as_text = json.replace("1700000100", "\"1700000100\"");
        let padded = format!(" {json}\n");
        for text in [&json, &as_text, &padded, &STANDARD.encode(&json), &STANDARD_NO_PAD.encode(&json), &URL_SAFE.encode(&json), &URL_SAFE_NO_PAD.encode(&json)]
        {
            let read = decode_login(text).unwrap();
            assert_eq!(read, login);
            assert!(verify(&read, &app, Millis(0)).is_ok());
        }
        for bad in ["", "{}", "????", "e30", "[]", &json.replace("1700000100", "-1"), &json.replace("1700000100", "1e9"), &"A".repeat(9000)] {
            assert_eq!(decode_login(bad), Err(LoginError::Bad), "{bad}");
        }
        for bad in ["\"\"", "\"1x\"", "\"+1\"", "99999999999999999999", "\"99999999999999999999\"", "null"] {
            assert_eq!(decode_login(&json.replace("1700000100", bad)), Err(LoginError::Bad), "{bad}");
        }
        assert!(!format!("{login:?}").contains(&login.app_token));
    }

    #[test]
    fn rtc_joins() {
        let join = make_rtc(&AppId::trusted("abc"), "abckey", "abcChannel", &UserId::trusted("abcUser"), "", 1_699_423_634);
        let token = rtc_token("abc", "abckey", "abcChannel", "abcUser", "", "1699423634");
        let json = format!(r#"{{"appid":"abc","channelid":"abcChannel","userid":"abcUser","nonce":"","timestamp":1699423634,"token":"{token}"}}"#);
        assert_eq!(serde_json::to_string(&join).unwrap(), json);
    }
}
