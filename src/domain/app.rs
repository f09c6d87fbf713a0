//! An application: one business's users, groups, keys and callback settings.

use super::{AppId, Millis};
use std::fmt;

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
