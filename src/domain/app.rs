//! An application: one business's users, groups, keys and callback settings.

use super::{AppId, Change, Millis, Refusal, Tx, channel, endpoint::EndpointId, push::Closed, quota, session, subscription::Subscription};
use std::{collections::HashMap, fmt, sync::Arc};

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
    pub administrators: Vec<String>,
    pub data_center: String,
    /// Empty: event callbacks are off.
    pub event_callback_url: String,
    pub audit: Audit,
    pub life_cycle: LifeCycle,
    pub disabled: bool,
    pub created: Millis,
    pub modified: Millis,
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

/// One change of an application's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppChange {
    Audit(Audit),
    /// Empty turns event callbacks off.
    EventCallbackUrl(String),
    Disabled(bool),
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
}

impl Directory {
    /// The endpoint's application and where it is now, if it is anywhere.
    pub fn target(&self, endpoint: &EndpointId) -> Option<(&Arc<App>, &str)> {
        let app = self.apps.get(endpoint.app())?;
        Some((app, endpoint.url(app, self.subscriptions.get(&app.id).map_or(&[], Vec::as_slice))?))
    }
}

/// Numbers of applications begin here, as the cloud's own have ten digits.
const FIRST_NUMBER: u32 = 1_400_000_001;

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
        None => apps.values().map(|a| a.sdkappid.saturating_add(1)).max().unwrap_or(0).max(FIRST_NUMBER),
    };
    let app = Arc::new(App {
        id: new.id,
        key: new.key,
        sign: new.sign,
        name: new.name,
        sdkappid,
        administrators: vec!["administrator".into()],
        data_center: new.data_center,
        event_callback_url: new.event_callback_url,
        audit: new.audit,
        life_cycle: new.life_cycle,
        disabled: false,
        created: tx.now,
        modified: tx.now,
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
    }
    let new = Arc::new(app);
    tx.change(Change::App(new.clone()));
    if new.disabled && !old.disabled {
        session::end_all(tx, id, Closed::AppDisabled);
        channel::close_all(tx, id);
    }
    Ok((old, new))
}
