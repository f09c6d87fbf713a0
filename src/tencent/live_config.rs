//! Where an application is told of its live rooms (`tencent.md` §3): one URL with the words it wants, and the
//! token that signs what is sent there. The webhooks themselves are in `webhook/`.

use super::{
    command::{Call, told},
    destination::{MAX_TOKEN, MOST_WORDS, check_url, check_words},
    error::{Code, RestError},
    rest::Outcome,
    words::LIVE_WORDS,
};
use crate::domain::{
    app::{AppChange, Webhook},
    endpoint::MAX_URL,
    request::{Answer, Request},
};
use serde::Serialize;

/// Refused where there is one already (§8, A1).
pub fn set(call: &Call) -> Outcome {
    change(call, AppChange::CreateLiveWebhook(webhook(call)?))
}

pub fn get(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Configured<'a> {
        url: &'a str,
        callback_command_list: &'a [String],
    }
    let Some(Webhook { url, words }) = &call.app.live_webhook else {
        return Err(none());
    };
    told(&Configured { url, callback_command_list: words })
}

/// Both fields are mandatory (§8, A2), and there must be a configuration.
pub fn update(call: &Call) -> Outcome {
    change(call, AppChange::UpdateLiveWebhook(webhook(call)?))
}

/// Succeeds where there is none (§8, A3).
pub fn delete(call: &Call) -> Outcome {
    change(call, AppChange::DeleteLiveWebhook)
}

/// The first time both fields are needed, later only what changes.
pub fn set_token(call: &Call) -> Outcome {
    let token = match call.body.text("Token", MAX_TOKEN)? {
        Some("") => return Err(call.body.bad("Token", "is empty")),
        token => token.map(String::from),
    };
    let enabled = call.body.flag("IsTokenEnable")?;
    change(call, AppChange::LiveToken { token, enabled })
}

pub fn get_token(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Token<'a> {
        token: &'a str,
        is_token_enable: bool,
    }
    match &call.app.live_token {
        Some(live) => told(&Token { token: &live.token, is_token_enable: live.enabled }),
        None => Err(RestError::new(Code::NoWebhookToken, "there is no callback token; create it with set_callback_token")),
    }
}

fn change(call: &Call, change: AppChange) -> Outcome {
    match call.ask(Request::ChangeApp { app: call.app.id.clone(), change }) {
        Ok(Answer::App(_)) => Ok(None),
        Ok(other) => Err(call.unexpected(&other)),
        // The rules do not know which command helps.
        Err(RestError { code: Code::WebhookExists, .. }) => {
            Err(RestError::new(Code::WebhookExists, "there is a callback configuration already; change it with update_callback"))
        }
        Err(RestError { code: Code::NoWebhook, .. }) => Err(none()),
        Err(error) => Err(error),
    }
}

fn none() -> RestError {
    RestError::new(Code::NoWebhook, "there is no callback configuration; create it with set_callback")
}

fn webhook(call: &Call) -> Result<Webhook, RestError> {
    let url = call.body.some_text("Url", MAX_URL)?;
    if let Err(why) = check_url(&call.gateway.allow, url) {
        return Err(call.body.bad("Url", why));
    }
    const LIST: &str = "CallbackCommandList";
    // An empty list turns all off.
    let list = call.body.list(LIST, MOST_WORDS)?.ok_or_else(|| call.body.missing(LIST))?;
    let words = call.body.texts(LIST, list, MAX_TOKEN)?;
    check_words(&words, LIVE_WORDS).map_err(|why| call.body.bad(LIST, why))?;
    Ok(Webhook { url: url.into(), words: words.into_iter().map(String::from).collect() })
}
