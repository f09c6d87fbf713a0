//! All open channels, by number and by name, and those that were closed a moment ago. Changed by
//! [`super::State::apply`] only.

use super::{
    AppId, ChannelId, Cid, Tick, UserId,
    channel::{Channel, ChannelState},
    participant::{Holder, Participant},
    state::put,
};
use std::{collections::HashMap, sync::Arc};

#[derive(Clone, Debug, Default)]
pub struct Channels {
    open: HashMap<Cid, ChannelState>,
    names: HashMap<AppId, HashMap<ChannelId, Cid>>,
    /// Until when a closed channel is still said to exist.
    lingering: HashMap<(AppId, ChannelId), Tick>,
    last: i64,
}

impl Channels {
    pub fn get(&self, cid: Cid) -> Option<&ChannelState> {
        self.open.get(&cid)
    }

    pub fn named(&self, app: &AppId, id: &ChannelId) -> Option<&ChannelState> {
        self.open.get(self.names.get(app)?.get(id)?)
    }

    /// The application's open channels, the oldest first.
    pub fn of(&self, app: &AppId) -> Vec<Cid> {
        let mut all: Vec<Cid> = self.names.get(app).into_iter().flat_map(HashMap::values).copied().collect();
        all.sort();
        all
    }

    /// The number of the next channel. One that was closed before the last start may be given again.
    pub fn next(&self) -> Cid {
        Cid(self.last + 1)
    }

    pub fn lingers(&self, app: &AppId, id: &ChannelId) -> Option<Tick> {
        self.lingering.get(&(app.clone(), id.clone())).copied()
    }

    /// Who is in a channel by a media server's word.
    pub fn reported(&self) -> Vec<(Cid, Arc<Participant>)> {
        let of = |state: &ChannelState| state.participants.values().filter(|p| p.holder == Holder::Reported).cloned().collect::<Vec<_>>();
        self.open.iter().flat_map(|(cid, state)| of(state).into_iter().map(|p| (*cid, p))).collect()
    }

    pub(super) fn get_mut(&mut self, cid: Cid) -> Option<&mut ChannelState> {
        self.open.get_mut(&cid)
    }

    /// With whoever is in it.
    pub(super) fn put(&mut self, state: ChannelState) {
        let config = &state.config;
        self.last = self.last.max(config.cid.0);
        self.names.entry(config.app.clone()).or_default().insert(config.id.clone(), config.cid);
        self.open.insert(config.cid, state);
    }

    pub(super) fn remove(&mut self, cid: Cid) -> Option<ChannelState> {
        let state = self.open.remove(&cid)?;
        let Channel { app, id, .. } = &*state.config;
        if let Some(names) = self.names.get_mut(app) {
            names.remove(id);
            if names.is_empty() {
                self.names.remove(app);
            }
        }
        Some(state)
    }

    pub(super) fn set_lingering(&mut self, name: &(AppId, ChannelId), until: Option<Tick>) -> Option<Tick> {
        put(&mut self.lingering, name, until)
    }

    pub(super) fn set_heard_until(&mut self, cid: Cid, user: &UserId, until: Option<Tick>) -> Option<Tick> {
        put(&mut self.open.get_mut(&cid)?.heard_until, user, until)
    }
}
