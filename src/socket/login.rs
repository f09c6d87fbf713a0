//! The credential of a connect (`session.md` §2), found in the token or in the data, and the join token of
//! an RTC channel (§4): checked against the directory. Nothing here waits; who may log in is decided without the engine.

use crate::{
    alibaba::token::{self, LoginError, LoginJson, NonceShape},
    domain::{
        AppId, ChannelId, Millis, UserId,
        app::{App, Directory},
        channel::Ticket,
        group::ADMIN,
        quota,
        session::Login,
    },
    tencent::usersig::{self, UserSigJson},
};
use serde::Deserialize;
use std::net::IpAddr;

/// Longest name of a device in bytes.
const MAX_DEVICE: usize = 64;

/// Why a connect is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No credential, or a wrong one.
    Invalid,
    /// It was right once: the client fetches a fresh one.
    Expired,
    Disabled,
    /// A field beside the credential is out of bounds.
    Bad(String),
}

#[derive(Default, Deserialize)]
struct Extras {
    #[serde(default)]
    device: Option<String>,
    #[serde(default)]
    user_info: Option<String>,
}

/// The two forms of a login.
#[derive(Deserialize)]
#[serde(untagged)]
enum Credential {
    Messaging(LoginJson),
    UserSig(UserSigJson),
}

/// `token`: the login JSON, plain or as base64; empty: `data` is the login JSON itself.
/// `most_info`: bytes that a user's extension may have. `address`: where it is connected from.
pub fn check(
    directory: &Directory,
    now: Millis,
    nonces: NonceShape,
    (token, data): (&str, Option<&str>),
    most_info: u32,
    address: IpAddr,
) -> Result<Login, Refused> {
    let text = match (token, data) {
        ("", None) => return Err(Refused::Invalid),
        ("", Some(data)) => data,
        (token, _) => token,
    };
    let Known { app, user, role, made } = match token::read(text, "a login").map_err(|_| Refused::Invalid)? {
        Credential::Messaging(login) => {
            let app = directory.apps.get(login.app_id.as_str()).ok_or(Refused::Invalid)?;
            let verified = token::verify(&login, app, nonces, now).map_err(|e| match e {
                LoginError::Expired => Refused::Expired,
                LoginError::Bad => Refused::Invalid,
            })?;
            Known { app, user: verified.user, role: verified.role, made: None }
        }
        Credential::UserSig(login) => by_usersig(directory, now, &login)?,
    };
    if app.disabled {
        return Err(Refused::Disabled);
    }
    // Data that is no object, or has these fields in another shape, is the client's own affair.
    let extras: Extras = data.and_then(|d| serde_json::from_str(d).ok()).unwrap_or_default();
    let (device, info) = (extras.device.unwrap_or_default(), extras.user_info.unwrap_or_default());
    if device.len() > MAX_DEVICE || device.chars().any(char::is_control) {
        return Err(Refused::Bad(format!("data.device has {} bytes; up to {MAX_DEVICE} without control characters are allowed", device.len())));
    }
    if !quota::fits(info.len(), most_info) {
        return Err(Refused::Bad(format!("data.user_info has {} bytes; {most_info} are allowed", info.len())));
    }
    Ok(Login { app: app.id.clone(), user, role, device, info, address: Some(address), made })
}

/// Whom a credential is of.
struct Known<'a> {
    app: &'a App,
    user: UserId,
    role: String,
    /// When it was made, in unix seconds, where it says so.
    made: Option<i64>,
}

/// An administrator of the application may what one with the login role of that name may.
fn by_usersig<'a>(directory: &'a Directory, now: Millis, login: &UserSigJson) -> Result<Known<'a>, Refused> {
    let app = directory.numbered(login.sdkappid).ok_or(Refused::Invalid)?;
    let user = UserId::new(&login.identifier).map_err(|_| Refused::Invalid)?;
    let verified = usersig::verify(&login.usersig, app.sdkappid, &app.key, user.as_str(), now).map_err(|flaw| match flaw {
        usersig::Flaw::Expired => Refused::Expired,
        _ => Refused::Invalid,
    })?;
    let role = if app.administrators.iter().any(|name| name == user.as_str()) { ADMIN } else { "" };
    Ok(Known { app, user, role: role.into(), made: Some(verified.made) })
}

/// What a join token is worth to this user now. It is asked for only where the session is not in yet.
pub fn ticket(directory: &Directory, now: Millis, nonces: NonceShape, of: (&AppId, &UserId), channel: &ChannelId, token: &str) -> Ticket {
    let (app, user) = of;
    let Some(app) = directory.apps.get(app) else { return Ticket::Wrong };
    match token::decode_rtc(token).and_then(|join| token::verify_rtc(&join, app, channel.as_str(), user, nonces, now)) {
        Ok(()) => Ticket::Good,
        Err(LoginError::Bad) => Ticket::Wrong,
        Err(LoginError::Expired) => Ticket::Expired,
    }
}
