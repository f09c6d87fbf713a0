//! What is told of a user's session (`tencent.md` §6.3): it began, it ended, its connection went.

use super::{Body, Told, endpoint, query};
use crate::{
    domain::{
        app::App,
        event::{LogoffReason, Rendered, SessionEvent, What},
    },
    tencent::{names, words},
};
use serde::Serialize;

/// Action and Reason, and the device that was put out. `None`: nothing of it is told.
fn change(what: &What) -> Option<(&'static str, &'static str, Option<&str>)> {
    match what {
        What::LoggedOn { displaced } => Some(("Login", "Register", displaced.as_deref())),
        What::LoggedOff(reason) => match reason {
            LogoffReason::Normal | LogoffReason::ForcedOff | LogoffReason::AppDisabled => Some(("Logout", "Unregister", None)),
            LogoffReason::Timeout => Some(("Disconnect", "TimeOut", None)),
            LogoffReason::LinkLost => Some(("Disconnect", "LinkClose", None)),
            // The login from elsewhere tells it.
            LogoffReason::Displaced => None,
        },
        What::Joined(_) | What::Left(_) | What::Reconnected(_) => None,
    }
}

/// `None`: the application does not want to hear of it, or there is no word for it.
pub fn render(event: &SessionEvent, app: &App) -> Option<Rendered> {
    let (action, reason, displaced) = change(&event.what)?;
    let word = words::STATE_CHANGE;
    let endpoint = endpoint(word, app)?;
    let body = Body::new(word).with("Info", Info { action, reason, user: event.user.as_str() }).at(event.at, app);
    let body = match displaced {
        Some(device) => body.with("KickedDevice", [Device { platform: names::platform(device) }]),
        None => body,
    };
    let told = Told { query: spelled(query(word, app, Some(&event.by.from))), body };
    Some(told.rendered(endpoint, event.user.to_string()))
}

/// This word alone has one platform in capitals (§6.1).
fn spelled(query: String) -> String {
    query.strip_suffix("=iOS").map(|rest| format!("{rest}=IOS")).unwrap_or(query)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Info<'a> {
    action: &'a str,
    reason: &'a str,
    #[serde(rename = "To_Account")]
    user: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Device<'a> {
    platform: &'a str,
}
