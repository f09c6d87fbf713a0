//! The join token of an RTC channel: made, read and verified.

use super::{Expiry, Flaw, LoginError, NonceShape, read};
use crate::{
    alibaba::signature::{same, sha256_hex},
    domain::{AppId, ChannelId, Millis, UserId, app::App, id::BadId},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a join looks like, for those whose does not.
const SHAPE: &str = "JSON like {appid, channelid, userid, nonce, timestamp, token}";

/// What a client sends to join an RTC channel (`session.md` §4).
/// The token is a secret: `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtcJson {
    pub appid: String,
    pub channelid: String,
    pub userid: String,
    #[serde(default)]
    pub nonce: String,
    pub timestamp: Expiry,
    pub token: String,
}

impl fmt::Debug for RtcJson {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "RtcJson({} in {} of {})", self.userid, self.channelid, self.appid)
    }
}

/// `timestamp` is the expiry, as text, in unix seconds.
pub fn rtc_token(app_id: &str, app_key: &str, channel: &str, user: &str, nonce: &str, timestamp: &str) -> String {
    sha256_hex([app_id, app_key, channel, user, nonce, timestamp].concat().as_bytes())
}

/// `key` is the application's AppKey, `expires` is in unix seconds.
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

/// May `user` join `channel` of `app` with it now?
pub fn verify_rtc(join: &RtcJson, app: &App, channel: &str, user: &UserId, nonces: NonceShape, now: Millis) -> Result<(), LoginError> {
    if join.channelid != channel || join.userid != user.as_str() {
        return Err(LoginError::Bad);
    }
    Ok(examine_rtc(join, &app.id, &app.key, nonces, now)?)
}

/// Is it good now for whom and what it names, and if not, why? The token is checked before the expiry, as that of a login.
pub fn examine_rtc(join: &RtcJson, app: &AppId, key: &str, nonces: NonceShape, now: Millis) -> Result<(), Flaw> {
    let bad = |name: &'static str| move |BadId| Flaw::Form(format!("{name} is none: {BadId}"));
    let channel = ChannelId::new(&join.channelid).map_err(bad("channelid"))?;
    let user = UserId::new(&join.userid).map_err(bad("userid"))?;
    if join.appid != app.as_str() {
        return Err(Flaw::OtherApp);
    }
    nonces.check("nonce", &join.nonce)?;
    join.timestamp.check("timestamp")?;
    let token = rtc_token(app.as_str(), key, channel.as_str(), user.as_str(), &join.nonce, &join.timestamp.text);
    if !same(&token, &join.token) {
        return Err(Flaw::Token);
    }
    if join.timestamp.left(now) <= 0 { Err(Flaw::Expired) } else { Ok(()) }
}

/// The JSON text itself, or base64 of it.
pub fn decode_rtc(text: &str) -> Result<RtcJson, LoginError> {
    Ok(read_rtc(text)?)
}

/// The same, with the reason.
pub fn read_rtc(text: &str) -> Result<RtcJson, Flaw> {
    read(text, SHAPE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    /// The official vector (`alibaba.md` §5.1).
    const JSON: &str = r#"{"appid":"abc","channelid":"abcChannel","userid":"abcUser","nonce":"","timestamp":1699423634,"token":"3c9ee8d9f8734f0b7560ed8022a0590659113955819724fc9345ab8eedf84f31"}"#;
    const BEFORE: Millis = Millis(1_699_423_633_999);

    fn app() -> App {
        App { key: "abckey".into(), ..fake::app("abc") }
    }

    #[test]
    fn the_documented_join_is_made_read_and_verified() {
        let user = UserId::trusted("abcUser");
        let join = make_rtc(&AppId::trusted("abc"), "abckey", "abcChannel", &user, "", 1_699_423_634);
        assert_eq!(serde_json::to_string(&join).unwrap(), JSON);
        for text in [JSON, &JSON.replace("1699423634", "\"1699423634\""), &JSON.replace(r#""nonce":"","#, ""), &URL_SAFE_NO_PAD.encode(JSON)] {
            let read = decode_rtc(text).unwrap();
            assert_eq!(read, join);
            assert_eq!(verify_rtc(&read, &app(), "abcChannel", &user, NonceShape::Documented, BEFORE), Ok(()));
            assert_eq!(verify_rtc(&read, &app(), "abcChannel", &user, NonceShape::Documented, Millis(1_699_423_634_000)), Err(LoginError::Expired));
        }
        assert!(!format!("{join:?}").contains(&join.token));
        for bad in ["", "{}", "e30", "x", &JSON.replace("userid", "user"), &JSON.replace("1699423634", "-1")] {
            assert_eq!(decode_rtc(bad), Err(LoginError::Bad), "{bad}");
        }
    }

    #[test]
    fn a_join_is_good_for_one_user_of_one_channel() {
        let (user, other) = (UserId::trusted("abcUser"), UserId::trusted("other"));
        let good: RtcJson = serde_json::from_str(JSON).unwrap();
        let check = |channel: &str, user: &UserId, change: &dyn Fn(&mut RtcJson)| {
            let mut join = good.clone();
            change(&mut join);
            verify_rtc(&join, &app(), channel, user, NonceShape::Any, BEFORE)
        };
        assert_eq!(check("abcChannel", &user, &|_| ()), Ok(()));
        let signed = |channel: &str, user: &UserId, nonce: &str, expires| make_rtc(&AppId::trusted("abc"), "abckey", channel, user, nonce, expires);
        for (name, got) in [
            ("another channel", check("other", &user, &|_| ())),
            ("another channel in it", check("other", &user, &|j| j.channelid = "other".into())),
            ("another user", check("abcChannel", &other, &|_| ())),
            ("another user in it", check("abcChannel", &other, &|j| j.userid = "other".into())),
            ("another application", check("abcChannel", &user, &|j| j.appid = "other".into())),
            ("another nonce", check("abcChannel", &user, &|j| j.nonce = "n".into())),
            ("a later end", check("abcChannel", &user, &|j| j.timestamp = Expiry::at(1_799_423_634))),
            ("upper case", check("abcChannel", &user, &|j| j.token = j.token.to_uppercase())),
            ("no token", check("abcChannel", &user, &|j| j.token.clear())),
            ("a long nonce", check("abcChannel", &user, &|j| *j = signed("abcChannel", &user, &"n".repeat(65), 1_799_423_634))),
            ("milliseconds", check("abcChannel", &user, &|j| *j = signed("abcChannel", &user, "", 1_799_423_634_000))),
            ("no channel", check("", &user, &|j| *j = signed("", &user, "", 1_799_423_634))),
            // Digits that moved between nonce and end hash the same.
            ("a digit moved in", check("abcChannel", &user, &|j| (j.nonce, j.timestamp) = ("1".into(), Expiry::at(699_423_634)))),
            // Wrong and old: wrong is what it is told.
            ("wrong and old", check("abcChannel", &user, &|j| (j.timestamp, j.token) = (Expiry::at(1_000_000_000), "x".into()))),
        ] {
            assert_eq!(got, Err(LoginError::Bad), "{name}");
        }
    }
}
