//! The login JSON of interactive messaging: made, read and verified.

use super::{Expiry, Flaw, LoginError, NonceShape, check_length, read};
use crate::{
    alibaba::signature::{same, sha256_hex},
    domain::{AppId, Millis, UserId, app::App, id::BadId},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a login looks like, for those whose does not.
const SHAPE: &str = "JSON like {app_id, app_token, auth: {user_id, nonce, timestamp, role}}";

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
pub fn verify(login: &LoginJson, app: &App, nonces: NonceShape, now: Millis) -> Result<VerifiedLogin, LoginError> {
    Ok(examine(login, &app.id, &app.key, Some(&app.sign), nonces, now)?)
}

/// The same for one who knows only parts of the application, with the reason. `sign`: `None` leaves that
/// field unchecked. The token is checked before the expiry: a wrong one is never told that it is merely old.
pub fn examine(login: &LoginJson, app: &AppId, key: &str, sign: Option<&str>, nonces: NonceShape, now: Millis) -> Result<VerifiedLogin, Flaw> {
    let auth = &login.auth;
    let user = UserId::new(&auth.user_id).map_err(|BadId| Flaw::Form(format!("auth.user_id is none: {BadId}")))?;
    if login.app_id != app.as_str() || login.app_sign.as_deref().zip(sign).is_some_and(|(theirs, ours)| !same(theirs, ours)) {
        return Err(Flaw::OtherApp);
    }
    nonces.check("auth.nonce", &auth.nonce)?;
    check_length("auth.role", &auth.role)?;
    auth.timestamp.check("auth.timestamp")?;
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

/// The JSON text itself, or base64 of it.
pub fn read_login(text: &str) -> Result<LoginJson, Flaw> {
    read(text, SHAPE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;
    use base64::{
        Engine,
        engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
    };

    #[test]
    fn documented_tokens() {
        for (token, expected) in [
            (login_token("demo", "appkey123", "u1", "AK-abc", "1700000000", "admin"), "15352408fec5f52d99554864de1de6feb8cfcd0abdb4cf7f2e1ae92d6c948830"),
            (login_token("demo", "appkey123", "u1", "", "1700000000", ""), "d8eb9a769f8abd8f5fbd116e84478c9654dcfa81e873c7c65abda38c5e5af0d8"),
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
            verify(&login, &app, NonceShape::Any, now).map(|v| v.user.to_string())
        };
        assert_eq!(changed(&|_| ()), Ok("u1".into()));
        assert_eq!(changed(&|l| l.app_sign = None), Ok("u1".into()));
        assert_eq!(changed(&|l| l.app_sign = Some("other".into())), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.app_id = "other".into()), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.app_token = l.app_token.to_uppercase()), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.auth.user_id = "u2".into()), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.auth.role = "".into()), Err(LoginError::Bad));
        assert_eq!(changed(&|l| l.auth.timestamp = Expiry::at(1_800_000_000)), Err(LoginError::Bad));
        assert_eq!(verify(&good(1_700_000_000), &app, NonceShape::Any, now), Err(LoginError::Expired));
        assert_eq!(verify(&make(&user, "", 9_999_999_999, ""), &app, NonceShape::Any, now).map(|v| v.role), Ok(String::new()));
        assert_eq!(verify(&make(&user, &"n".repeat(65), 9_999_999_999, ""), &app, NonceShape::Any, now), Err(LoginError::Bad));
        assert_eq!(verify(&make(&UserId::trusted(""), "", 9_999_999_999, ""), &app, NonceShape::Any, now), Err(LoginError::Bad));
        // Digits that moved between the fields hash the same, and are refused all the same.
        let moved = |nonce: &str, timestamp: i64, role: &str| {
            let mut login = make(&user, "AK-abc7", 1_700_000_000, "");
            login.auth = LoginAuth { user_id: "u1".into(), nonce: nonce.into(), timestamp: Expiry::at(timestamp), role: role.into() };
            verify(&login, &app, NonceShape::Any, now)
        };
        assert_eq!(moved("AK-abc7", 1_700_000_000, ""), Err(LoginError::Expired));
        assert_eq!(moved("AK-abc", 71_700_000_000, ""), Err(LoginError::Bad));
        assert_eq!(moved("AK-abc", 7_170_000_000, "0"), Err(LoginError::Bad));
        // Wrong and old: wrong is what it is told.
        let mut wrong = good(1);
        wrong.app_token.clear();
        assert_eq!(verify(&wrong, &app, NonceShape::Any, now), Err(LoginError::Bad));
    }

    #[test]
    fn login_texts() {
        let decode_login = |text: &str| read_login(text).map_err(LoginError::from);
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
            assert!(verify(&read, &app, NonceShape::Any, Millis(0)).is_ok());
        }
        for bad in ["", "{}", "????", "e30", "[]", &json.replace("1700000100", "-1"), &json.replace("1700000100", "1e9"), &"A".repeat(9000)] {
            assert_eq!(decode_login(bad), Err(LoginError::Bad), "{bad}");
        }
        for bad in ["\"\"", "\"1x\"", "\"+1\"", "99999999999999999999", "\"99999999999999999999\"", "null"] {
            assert_eq!(decode_login(&json.replace("1700000100", bad)), Err(LoginError::Bad), "{bad}");
        }
        assert!(!format!("{login:?}").contains(&login.app_token));
    }
}
