//! What the business is told of a message's fate: that it was said, that there were too many, or that it was refused
//! and why. Whether it wants to hear of it is the dialect's.

use super::{
    AppId, Refusal,
    app::App,
    event::{Content, DirectEvent, Event, Fate, MessageEvent},
    message::{self, Draft},
    request::Actor,
    tx::Tx,
};
use std::sync::Arc;

/// A message as the business is told of it.
#[derive(Clone, Debug)]
pub struct Telling {
    pub app: AppId,
    pub to: To,
    pub from: String,
    pub by: Actor,
    pub content: Arc<Content>,
}

/// Where it goes, as its sender named it.
#[derive(Clone, Debug)]
pub enum To {
    Group(String),
    /// `seq` as its sender counts.
    User {
        user: String,
        seq: u32,
    },
}

impl Telling {
    /// In the same commit as what is done.
    pub fn tell(self, tx: &mut Tx, fate: Fate) {
        let Telling { app, to, from, by, content } = self;
        let at = tx.now;
        tx.events.push(match to {
            To::Group(group) => {
                let found = super::GroupId::new(&group).ok().and_then(|name| tx.state.group_named(&app, &name));
                let kind = found.map(|group| group.config.kind);
                Event::Message(MessageEvent { app, group, kind, at, by, from, content, fate })
            }
            To::User { user, seq } => Event::Direct(DirectEvent { app, from, to: user, at, by, content, seq, fate }),
        });
    }

    /// A step of its own: what was refused left nothing behind.
    pub fn tell_refused(self, tx: &mut Tx, why: &Refusal) {
        if tx.state.apps.get(&self.app).is_some_and(|app| is_told(app, why)) {
            self.tell(tx, Fate::Rejected(why.clone()));
        }
    }
}

/// Is there anybody who could want to hear of messages, or be asked before something is done?
pub fn is_heard(app: &App) -> bool {
    app.chat_webhook.is_some() || app.live_webhook.is_some()
}

/// Troubles of ours, and what has to do with how it was sent and not with what it says, are told the sender alone.
fn is_told(app: &App, why: &Refusal) -> bool {
    match why {
        Refusal::Unavailable | Refusal::Busy | Refusal::Internal | Refusal::NoSession | Refusal::TooFast(_) | Refusal::GroupEmpty(_) => false,
        Refusal::HookRefused { .. } => app.chat.tell_refused,
        _ => true,
    }
}

impl Draft {
    /// As the business is told of it; `random` stands for the number that its sender did not give.
    pub fn content(&self, random: impl FnOnce() -> u32) -> Arc<Content> {
        let random = self.random.unwrap_or_else(|| self.tid.as_ref().map_or_else(random, message::number_of));
        Arc::new(Content {
            random,
            kind: self.kind,
            body: self.body.clone(),
            elements: self.elements.clone(),
            custom: self.custom.clone(),
            weight: self.weight,
            online_only: self.no_storage && self.no_cache,
        })
    }
}
