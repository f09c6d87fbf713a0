//! An application: one business's users, groups, keys and callback settings.

use super::{AppId, Change, Millis, Refusal, Tx, UserId, channel, endpoint::EndpointId, push::Closed, quota, session, subscription::Subscription};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

/// How messages of an application are looked at before they are committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audit {
    None,
    BuiltIn,
    /// The business's own moderation server.
    Custom(String),
}

/// How long messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeCycle {
    Days30,
    Days90,
    Days180,
}

impl LifeCycle {
    pub fn days(self) -> i64 {
        match self {
            LifeCycle::Days30 => 30,
            LifeCycle::Days90 => 90,
            LifeCycle::Days180 => 180,
        }
    }
}

/// Where an application's webhooks of one kind go, and of what they tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub url: String,
    /// The dialect's words for what is told, in the order given, each once.
    pub words: Vec<String>,
}

/// What webhooks are signed with. It is kept whether or not there is a webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookToken {
    pub token: String,
    pub enabled: bool,
}

impl fmt::Debug for WebhookToken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "WebhookToken(enabled: {})", self.enabled)
    }
}

/// How an application's chat goes where its documents leave a choice; each has a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatSettings {
    pub rate_mode: RateMode,
    /// A user whom somebody names, and who does not exist, is made.
    pub auto_import: bool,
    /// Webhooks tell the time of an event as text.
    pub event_time_as_string: bool,
    pub on_silence: OnSilence,
    /// What the business itself refused is told of as a message that failed.
    pub tell_refused: bool,
}

impl Default for ChatSettings {
    fn default() -> Self {
        ChatSettings { rate_mode: RateMode::default(), auto_import: false, event_time_as_string: false, on_silence: OnSilence::default(), tell_refused: true }
    }
}

/// What becomes of a message of which a group had too many within the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateMode {
    /// Its sender is answered as if it had been said.
    #[default]
    Drop,
    Reject,
}

/// What becomes of a message about which the business was asked, and gave no answer that can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnSilence {
    #[default]
    Deliver,
    Refuse,
}

/// One application. `key` is a secret: it is never printed, so `Debug` is by hand.
#[derive(Clone, PartialEq, Eq)]
pub struct App {
    pub id: AppId,
    /// Signs callbacks and login tokens.
    pub key: String,
    /// An opaque string that client SDKs of the cloud carry.
    pub sign: String,
    pub name: String,
    /// The number by which the other cloud's spelling knows this application.
    pub sdkappid: u32,
    /// Who may call the other cloud's API; there is at least one.
    pub administrators: Vec<String>,
    pub data_center: String,
    /// Where it is told of live rooms.
    pub live_webhook: Option<Webhook>,
    pub live_token: Option<WebhookToken>,
    /// Where it is told of its chat: groups and their members, messages, sessions; and is asked before.
    pub chat_webhook: Option<Webhook>,
    pub chat_token: Option<WebhookToken>,
    pub chat: ChatSettings,
    /// How often a failed webhook is repeated: 0 to [`super::retry::MOST_REPEATS`].
    pub after_retry: u8,
    /// Empty: event callbacks are off.
    pub event_callback_url: String,
    pub audit: Audit,
    pub life_cycle: LifeCycle,
    pub disabled: bool,
    pub created: Millis,
    pub modified: Millis,
    /// Grows with each application that is made; a clock may be set back, and a number be brought along.
    pub order: u64,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "App({})", self.id)
    }
}

/// What a new application is made of; ids and secrets come with it, because the domain makes none.
#[derive(Clone, PartialEq, Eq)]
pub struct NewApp {
    pub id: AppId,
    pub key: String,
    pub sign: String,
    pub name: String,
    /// `None`: the next free number.
    pub sdkappid: Option<u32>,
    pub administrators: Vec<String>,
    pub after_retry: u8,
    pub data_center: String,
    pub event_callback_url: String,
    pub audit: Audit,
    pub life_cycle: LifeCycle,
}

impl fmt::Debug for NewApp {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "NewApp({})", self.id)
    }
}

/// One change of an application's settings. A token in it is never printed, so `Debug` is by hand.
#[derive(Clone, PartialEq, Eq)]
pub enum AppChange {
    Audit(Audit),
    /// Empty turns event callbacks off.
    EventCallbackUrl(String),
    Disabled(bool),
    /// At least one.
    Administrators(Vec<String>),
    AfterRetry(u8),
    /// Refused when there is one.
    CreateLiveWebhook(Webhook),
    /// Refused when there is none.
    UpdateLiveWebhook(Webhook),
    /// No error when there is none.
    DeleteLiveWebhook,
    /// `None` stays as it is; the first time both are needed.
    LiveToken {
        token: Option<String>,
        enabled: Option<bool>,
    },
    /// Both as they are to be; `None` is none.
    ChatWebhook {
        webhook: Option<Webhook>,
        token: Option<WebhookToken>,
    },
    Chat(ChatSettings),
}

impl fmt::Debug for AppChange {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "AppChange")
    }
}

/// A pair with which a business's server signs its calls. `secret` is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
    pub created: Millis,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "AccessKey({})", self.id)
    }
}

/// Applications and keys as last committed; what signatures and callbacks are made with.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub apps: HashMap<AppId, Arc<App>>,
    pub keys: HashMap<String, AccessKey>,
    /// There is, or once was, a key.
    pub had_keys: bool,
    /// Of each application, the oldest first.
    pub subscriptions: HashMap<AppId, Vec<Arc<Subscription>>>,
    /// Until when UserSigs of an administrator are worth nothing, in unix seconds of their making.
    pub revoked_administrators: HashMap<(AppId, UserId), i64>,
}

impl Directory {
    /// The endpoint's application and where it is now, if it is anywhere.
    pub fn target(&self, endpoint: &EndpointId) -> Option<(&Arc<App>, &str)> {
        let app = self.apps.get(endpoint.app())?;
        Some((app, endpoint.url(app, self.subscriptions.get(&app.id).map_or(&[], Vec::as_slice))?))
    }

    /// The application of this number.
    pub fn numbered(&self, sdkappid: u32) -> Option<&Arc<App>> {
        self.apps.values().find(|app| app.sdkappid == sdkappid)
    }

    /// A UserSig of this administrator that was made then (in unix seconds) or before is worth nothing.
    pub fn revoked(&self, app: &AppId, administrator: &str) -> Option<i64> {
        let user = UserId::new(administrator).ok()?;
        self.revoked_administrators.get(&(app.clone(), user)).copied()
    }
}

/// The administrator of an application that names none (`design.md` §5).
pub const ADMINISTRATOR: &str = "administrator";

/// Numbers of applications begin here, as the cloud's own have ten digits.
const FIRST_NUMBER: u32 = 1_400_000_001;

/// Behind the largest; when a business has brought the last one, the least that is free.
fn next_number(apps: &HashMap<AppId, Arc<App>>) -> u32 {
    let taken: HashSet<u32> = apps.values().map(|app| app.sdkappid).collect();
    let next = taken.iter().max().map_or(Some(FIRST_NUMBER), |last| last.checked_add(1)).map(|next| next.max(FIRST_NUMBER));
    next.or_else(|| (FIRST_NUMBER..u32::MAX).find(|n| !taken.contains(n))).expect("there are fewer applications than numbers")
}

/// A new application, whose id and number nobody has.
pub fn create(tx: &mut Tx, new: NewApp) -> Result<Arc<App>, Refusal> {
    let apps = &tx.state.apps;
    let most = tx.rules.quotas.apps;
    if !quota::room(apps.len(), most) {
        return Err(Refusal::TooManyApps(most));
    }
    if apps.contains_key(&new.id) {
        return Err(Refusal::Bad { what: "AppId", why: format!("{} is taken; choose another", new.id) });
    }
    let sdkappid = match new.sdkappid {
        Some(n) if apps.values().any(|a| a.sdkappid == n) => {
            return Err(Refusal::Bad { what: "SDKAppID", why: format!("{n} is taken; choose another") });
        }
        Some(n) => n,
        None => next_number(apps),
    };
    let order = apps.values().map(|app| app.order).max().unwrap_or(0) + 1;
    let app = Arc::new(App {
        id: new.id,
        key: new.key,
        sign: new.sign,
        name: new.name,
        sdkappid,
        administrators: new.administrators,
        data_center: new.data_center,
        live_webhook: None,
        live_token: None,
        chat_webhook: None,
        chat_token: None,
        chat: ChatSettings::default(),
        after_retry: new.after_retry,
        event_callback_url: new.event_callback_url,
        audit: new.audit,
        life_cycle: new.life_cycle,
        disabled: false,
        created: tx.now,
        modified: tx.now,
        order,
    });
    tx.change(Change::App(app.clone()));
    Ok(app)
}

/// Returns the application before and after. Disabling it sends everybody off.
pub fn change(tx: &mut Tx, id: &AppId, change: AppChange) -> Result<(Arc<App>, Arc<App>), Refusal> {
    let old = tx.state.app(id)?.clone();
    let mut app = App { modified: tx.now, ..(*old).clone() };
    match change {
        AppChange::Audit(audit) => app.audit = audit,
        AppChange::EventCallbackUrl(url) => app.event_callback_url = url,
        AppChange::Disabled(disabled) => app.disabled = disabled,
        AppChange::Administrators(names) => app.administrators = names,
        AppChange::AfterRetry(repeats) => app.after_retry = repeats,
        AppChange::CreateLiveWebhook(_) if app.live_webhook.is_some() => return Err(Refusal::WebhookExists),
        AppChange::UpdateLiveWebhook(_) if app.live_webhook.is_none() => return Err(Refusal::NoWebhook),
        AppChange::CreateLiveWebhook(webhook) | AppChange::UpdateLiveWebhook(webhook) => app.live_webhook = Some(webhook),
        AppChange::DeleteLiveWebhook => app.live_webhook = None,
        AppChange::LiveToken { token, enabled } => {
            let old = app.live_token.take();
            let token = token.or_else(|| old.as_ref().map(|old| old.token.clone()));
            let enabled = enabled.or(old.map(|old| old.enabled));
            let (Some(token), Some(enabled)) = (token, enabled) else { return Err(Refusal::TokenIncomplete) };
            app.live_token = Some(WebhookToken { token, enabled });
        }
        AppChange::ChatWebhook { webhook, token } => (app.chat_webhook, app.chat_token) = (webhook, token),
        AppChange::Chat(settings) => app.chat = settings,
    }
    let new = Arc::new(app);
    tx.change(Change::App(new.clone()));
    if new.disabled && !old.disabled {
        session::end_all(tx, id, Closed::AppDisabled);
        channel::close_all(tx, id);
    }
    Ok((old, new))
}
