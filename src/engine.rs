//! One thread that owns all live state and the only write connection.

use crate::domain::{
    AppId, Refusal,
    app::{AccessKey, App},
    outbox::Outcome,
    request::{Answer, Request},
};
use std::{collections::HashMap, sync::Arc};

/// Applications and keys as last committed; what signatures and callbacks are made with.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub apps: HashMap<AppId, Arc<App>>,
    pub keys: HashMap<String, AccessKey>,
}

/// The way to the engine, for all other threads.
#[derive(Clone)]
pub struct Handle {}

impl Handle {
    /// Asks, and waits for the answer; it comes after the commit.
    pub fn call(&self, _request: Request) -> Result<Answer, Refusal> {
        Err(Refusal::Busy)
    }

    /// Applications and keys as last committed.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::default()
    }

    /// A try of a delivery has ended.
    pub fn outcome(&self, _outcome: Outcome) {}
}
