//! An application's chat in the other cloud's spelling, as that cloud's console sets it: `apps/{app}/webhooks`, where it
//! is told of it (`design.md` §5), and the settings where its documents leave a choice. The command line shares both.

use super::{Operator, Outcome, read, unfit};
use crate::{
    domain::{
        AppId, Refusal,
        address::AllowList,
        app::{App, AppChange, ChatSettings, OnSilence, RateMode, Webhook, WebhookToken},
        request::Request,
    },
    tencent::{
        destination::{MAX_TOKEN, MOST_WORDS, check_url, check_words},
        words::CHAT_WORDS,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// What is put and shown. An empty URL or token is none.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub url: String,
    /// What the URL is told of; each word once counts.
    #[serde(default)]
    pub commands: Vec<String>,
    #[serde(default)]
    pub token: String,
    /// `None`: if there is a token.
    pub token_enabled: Option<bool>,
}

impl Webhooks {
    pub fn of(app: &App) -> Webhooks {
        let Webhook { url, words } = app.chat_webhook.clone().unwrap_or(Webhook { url: String::new(), words: Vec::new() });
        let (token, enabled) = app.chat_token.as_ref().map_or(("", false), |token| (&token.token, token.enabled));
        Webhooks { url, commands: words, token: token.into(), token_enabled: Some(enabled) }
    }

    /// The change that brings it about. The error names the field.
    pub fn change(self, allow: &AllowList) -> Result<AppChange, String> {
        let Webhooks { url, mut commands, token, token_enabled } = self;
        if commands.len() > MOST_WORDS {
            return Err(format!("commands has {} words; {MOST_WORDS} are allowed", commands.len()));
        }
        check_words(&commands, CHAT_WORDS).map_err(|why| format!("commands {why}"))?;
        let mut seen = Vec::new();
        commands.retain(|word| {
            !seen.contains(word) && {
                seen.push(word.clone());
                true
            }
        });
        if url.is_empty() && !commands.is_empty() {
            return Err("commands must be empty where url is".into());
        }
        if !url.is_empty() {
            check_url(allow, &url).map_err(|why| format!("url {why}"))?;
        }
        if token.len() > MAX_TOKEN {
            return Err(format!("token has {} bytes; {MAX_TOKEN} are allowed", token.len()));
        }
        if token.is_empty() && token_enabled == Some(true) {
            return Err("token must be there if token_enabled is true".into());
        }
        let webhook = (!url.is_empty()).then_some(Webhook { url, words: commands });
        let token = (!token.is_empty()).then_some(WebhookToken { token, enabled: token_enabled.unwrap_or(true) });
        Ok(AppChange::ChatWebhook { webhook, token })
    }
}

/// The object of `design.md` §5.
pub fn webhooks_json(app: &App) -> Value {
    json!(Webhooks::of(app))
}

/// Settings that are to change; `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatDraft {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_mode: Option<RateMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_import: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time_as_string: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_silence: Option<OnSilence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tell_refused: Option<bool>,
}

impl ChatDraft {
    pub fn onto(self, old: ChatSettings) -> ChatSettings {
        ChatSettings {
            rate_mode: self.rate_mode.unwrap_or(old.rate_mode),
            auto_import: self.auto_import.unwrap_or(old.auto_import),
            event_time_as_string: self.event_time_as_string.unwrap_or(old.event_time_as_string),
            on_silence: self.on_silence.unwrap_or(old.on_silence),
            tell_refused: self.tell_refused.unwrap_or(old.tell_refused),
        }
    }
}

impl Operator {
    pub(super) fn app(&self, id: &str) -> Result<Arc<App>, Refusal> {
        self.ask.directory().apps.get(id).cloned().ok_or_else(|| Refusal::NoSuchApp(id.to_string()))
    }

    pub(super) fn show_webhooks(&self, app: &str) -> Outcome {
        Ok((200, webhooks_json(&*self.app(app)?)))
    }

    /// Replaces all of it.
    pub(super) fn put_webhooks(&self, app: &str, body: &[u8]) -> Outcome {
        let change = read::<Webhooks>(body)?.change(&self.allow).map_err(unfit)?;
        self.ask.call(Request::ChangeApp { app: AppId::trusted(app), change })?;
        self.show_webhooks(app)
    }

    pub(super) fn show_chat(&self, app: &str) -> Outcome {
        Ok((200, json!(self.app(app)?.chat)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        control::ControlRequest,
        domain::Change,
        fake::{self, Fake},
        ids::Ids,
    };

    fn operator() -> Operator {
        let fake = Fake::new();
        fake.put(Change::App(Arc::new(fake::app("demo"))));
        Operator::new(Arc::new(fake), Clock::standing(), Ids::seeded(1), AllowList::parse(&["10.0.0.0/8".into()]).unwrap(), "t".into())
    }

    fn ask(operator: &Operator, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let headers = vec![("authorization".to_string(), b"Bearer t".to_vec())];
        let request = ControlRequest {
            method: method.into(),
            path: format!("/operator/v1/{path}"),
            headers,
            body: body.to_string().into_bytes(),
            query: String::new(),
            peer: ([127, 0, 0, 1], 1).into(),
        };
        let reply = operator.answer(&request);
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    #[test]
    fn webhooks_are_replaced_as_a_whole() {
        let operator = operator();
        let path = "apps/demo/webhooks";
        let none = json!({"url": "", "commands": [], "token": "", "token_enabled": false});
        assert_eq!(ask(&operator, "GET", path, &json!({})), (200, none.clone()));
        let whole =
            |url: &str, commands: &[&str], token: &str, enabled: bool| json!({"url": url, "commands": commands, "token": token, "token_enabled": enabled});
        let (state, after) = ("State.StateChange", "Group.CallbackAfterSendMsg");
        for (put, shown) in [
            (whole("http://10.1.2.3:9000/cb", &[after, state, after], "secret", true), whole("http://10.1.2.3:9000/cb", &[after, state], "secret", true)),
            (json!({"url": "http://a.example:81/", "commands": [state], "token": "t"}), whole("http://a.example:81/", &[state], "t", true)),
            (json!({"url": "http://a.example/"}), whole("http://a.example/", &[], "", false)),
            (whole("http://a.example/", &[state], "t", false), whole("http://a.example/", &[state], "t", false)),
            (json!({"url": "", "token": "kept"}), whole("", &[], "kept", true)),
            (json!({"url": "", "commands": []}), none.clone()),
        ] {
            assert_eq!(ask(&operator, "PUT", path, &put), (200, shown.clone()), "{put}");
            assert_eq!(ask(&operator, "GET", path, &json!({})).1, shown);
        }
    }

    #[test]
    fn what_cannot_be_a_webhook_is_told_and_changes_nothing() {
        let operator = operator();
        let path = "apps/demo/webhooks";
        let good = json!({"url": "http://a.example/", "commands": [], "token": "", "token_enabled": false});
        ask(&operator, "PUT", path, &good);
        let url = |url: &str| json!({"url": url});
        for (put, why) in [
            (json!({}), "missing field `url`"),
            (json!({"url": "http://a.example/", "command": []}), "unknown field `command`"),
            (url("ftp://a.example/"), "url must be http:// or https://"),
            (url("http://a.example/?q=1"), "url has '?'"),
            (url("http://192.168.0.1/"), "url 192.168.0.1 is a private address; allow it with --allow-callback 192.168.0.1"),
            (
                json!({"url": "http://a.example/", "commands": ["Live.CallbackAfterCreateRoom"]}),
                "commands has Live.CallbackAfterCreateRoom, which is none of: State.StateChange, ",
            ),
            (json!({"url": "http://a.example/", "commands": vec!["State.StateChange"; 101]}), "commands has 101 words; 100 are allowed"),
            (json!({"url": "", "commands": ["State.StateChange"]}), "commands must be empty where url is"),
            (json!({"url": "http://a.example/", "token": "x".repeat(129)}), "token has 129 bytes; 128 are allowed"),
            (json!({"url": "http://a.example/", "token_enabled": true}), "token must be there"),
        ] {
            let (status, answer) = ask(&operator, "PUT", path, &put);
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(status == 400 && message.contains(why), "{why}: {message}");
            assert_eq!(ask(&operator, "GET", path, &json!({})), (200, good.clone()));
        }
        for (method, path, status) in [
            ("GET", "apps/none/webhooks", 404),
            ("PUT", "apps/none/webhooks", 404),
            ("POST", path, 405),
            ("GET", "apps/none/chat", 404),
            ("PUT", "apps/demo/chat", 405),
        ] {
            assert_eq!(ask(&operator, method, path, &json!({"url": ""})).0, status, "{method} {path}");
        }
    }

    #[test]
    fn settings_of_the_chat_are_changed_one_by_one() {
        let operator = operator();
        let mut expected = json!({"rate_mode": "drop", "auto_import": false, "event_time_as_string": false, "on_silence": "deliver", "tell_refused": true});
        assert_eq!(ask(&operator, "GET", "apps/demo/chat", &json!({})), (200, expected.clone()));
        for (name, value) in [
            ("rate_mode", json!("reject")),
            ("auto_import", json!(true)),
            ("event_time_as_string", json!(true)),
            ("on_silence", json!("refuse")),
            ("tell_refused", json!(false)),
            ("rate_mode", json!("drop")),
        ] {
            let (status, app) = ask(&operator, "PATCH", "apps/demo", &json!({"chat": {name: value}}));
            assert_eq!((status, &app["app_id"]), (200, &json!("demo")), "{name}: {app}");
            expected[name] = value;
            assert_eq!(ask(&operator, "GET", "apps/demo/chat", &json!({})).1, expected);
        }
        for bad in [json!({"chat": {"rate_mode": "maybe"}}), json!({"chat": {"other": 1}}), json!({"chat": {"tell_refused": true}, "after_retry": 9})] {
            assert_eq!(ask(&operator, "PATCH", "apps/demo", &bad).0, 400, "{bad}");
            assert_eq!(ask(&operator, "GET", "apps/demo/chat", &json!({})).1, expected, "all is checked before the first change");
        }
    }
}
