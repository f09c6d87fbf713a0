//! The live state, and what commands ask of it. It is changed by [`State::apply`] only.

mod change;

pub use change::Change;

use super::{
    AppId, ChannelId, Cid, ConnRef, Gid, GroupId, Millis, Refusal, SessionId, SubscriptionId, Topic, UserId,
    account::Account,
    app::{AccessKey, App, Directory},
    audience::Audience,
    channels::Channels,
    endpoint::EndpointId,
    group::GroupState,
    outbox::Lane,
    quota::Quotas,
    session::{Lifetimes, Link, Session},
    subscription::Subscription,
};
use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::Arc,
};

/// The bounds and waits that commands run under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub quotas: Quotas,
    pub lifetimes: Lifetimes,
    /// Messages that a business's server sends are moderated like its users' (`alibaba.md` §2.4: they are not).
    pub moderate_servers: bool,
}

/// A session with its groups and channels, each in the order in which it joined them.
#[derive(Clone, Debug)]
pub struct SessionState {
    pub session: Arc<Session>,
    pub groups: Vec<(u64, Gid)>,
    pub channels: Vec<(u64, Cid)>,
}

/// All live state. Only the engine holds one.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub apps: HashMap<AppId, Arc<App>>,
    pub keys: HashMap<String, AccessKey>,
    /// There is, or once was, a key.
    pub had_keys: bool,
    pub groups: HashMap<Gid, GroupState>,
    pub sessions: HashMap<SessionId, SessionState>,
    pub links: HashMap<SessionId, Link>,
    pub lanes: HashMap<EndpointId, Lane>,
    pub channels: Channels,
    /// Until when, in unix seconds of their making, UserSigs of a user are worth nothing.
    pub revoked: HashMap<AppId, HashMap<UserId, i64>>,
    /// The users that each application knows beside those who have sessions.
    pub accounts: HashMap<AppId, HashMap<UserId, Arc<Account>>>,
    /// Groups that keep a user, in the order in which it joined them.
    kept: HashMap<AppId, HashMap<UserId, Vec<(u64, Gid)>>>,
    /// In the order in which they were made.
    subscriptions: HashMap<AppId, Vec<Arc<Subscription>>>,
    group_names: HashMap<AppId, HashMap<GroupId, Gid>>,
    users: HashMap<AppId, HashMap<UserId, SessionId>>,
    live_groups: HashMap<AppId, usize>,
    /// By when they were deleted.
    deleted_groups: HashMap<AppId, BTreeSet<(Millis, Gid)>>,
    last_gid: i64,
    last_order: u64,
}

/// What commands ask of the state.
impl State {
    pub fn app(&self, id: &AppId) -> Result<&Arc<App>, Refusal> {
        self.apps.get(id).ok_or_else(|| Refusal::NoSuchApp(id.to_string()))
    }

    pub fn group(&self, gid: Gid) -> Option<&GroupState> {
        self.groups.get(&gid)
    }

    pub fn group_named(&self, app: &AppId, name: &GroupId) -> Option<&GroupState> {
        self.groups.get(self.group_names.get(app)?.get(name)?)
    }

    /// The group, if its application and itself exist and it was not deleted.
    pub fn live_group(&self, app: &AppId, name: &GroupId) -> Result<&GroupState, Refusal> {
        self.app(app)?;
        let group = self.group_named(app, name).ok_or_else(|| Refusal::NoSuchGroup(name.to_string()))?;
        match group.config.deleted {
            Some(_) => Err(Refusal::GroupDeleted(name.to_string())),
            None => Ok(group),
        }
    }

    /// All of an application, deleted ones too; in no order.
    pub fn groups_in(&self, app: &AppId) -> impl Iterator<Item = &Gid> {
        self.group_names.get(app).into_iter().flat_map(HashMap::values)
    }

    pub fn live_groups(&self, app: &AppId) -> usize {
        self.live_groups.get(app).copied().unwrap_or(0)
    }

    /// The application's deleted groups beyond so many: those that were deleted first.
    pub fn surplus_deleted(&self, app: &AppId, most: u32) -> Vec<Gid> {
        let deleted = self.deleted_groups.get(app);
        let surplus = deleted.map_or(0, BTreeSet::len).saturating_sub(most as usize);
        deleted.into_iter().flatten().take(if most == 0 { 0 } else { surplus }).map(|(_, gid)| *gid).collect()
    }

    pub fn session(&self, sid: &SessionId) -> Option<&SessionState> {
        self.sessions.get(sid)
    }

    pub fn session_of(&self, app: &AppId, user: &UserId) -> Option<&SessionState> {
        self.sessions.get(self.users.get(app)?.get(user)?)
    }

    pub fn sessions_in(&self, app: &AppId) -> Vec<SessionId> {
        self.users.get(app).map(|users| users.values().cloned().collect()).unwrap_or_default()
    }

    pub fn link(&self, sid: &SessionId) -> Option<Link> {
        self.links.get(sid).copied()
    }

    /// The session's groups in the order in which it joined them.
    pub fn groups_of(&self, sid: &SessionId) -> Vec<(Gid, GroupId)> {
        let Some(state) = self.sessions.get(sid) else { return Vec::new() };
        state.groups.iter().filter_map(|(_, gid)| Some((*gid, self.groups.get(gid)?.config.id.clone()))).collect()
    }

    /// Is it a group whose members are in it while they are there?
    pub fn is_live_room(&self, gid: Gid) -> bool {
        self.group(gid).is_some_and(|group| !group.config.kind.keeps_members())
    }

    /// The groups that keep the user, in the order in which it joined them.
    pub fn kept_groups_of(&self, app: &AppId, user: &UserId) -> Vec<Gid> {
        self.kept.get(app).and_then(|users| users.get(user)).into_iter().flatten().map(|(_, gid)| *gid).collect()
    }

    /// The session's channels in the order in which it joined them.
    pub fn channels_of(&self, sid: &SessionId) -> Vec<(Cid, ChannelId)> {
        let Some(state) = self.sessions.get(sid) else { return Vec::new() };
        state.channels.iter().filter_map(|(_, cid)| Some((*cid, self.channels.get(*cid)?.config.id.clone()))).collect()
    }

    /// Groups and channels that the session is in.
    pub fn places_of(&self, sid: &SessionId) -> usize {
        self.sessions.get(sid).map_or(0, |state| state.groups.len() + state.channels.len())
    }

    pub fn audience(&self, topic: Topic) -> Option<&Audience> {
        match topic {
            Topic::Group(gid) => self.groups.get(&gid).map(|group| &group.audience),
            Topic::Channel(cid) => self.channels.get(cid).map(|channel| &channel.audience),
        }
    }

    /// The session's connection, if it gets the pushes of the group or channel.
    pub fn attached(&self, topic: Topic, sid: &SessionId) -> Option<ConnRef> {
        let user = &self.sessions.get(sid)?.session.user;
        self.audience(topic)?.get(user)
    }

    /// An application's subscriptions, the oldest first.
    pub fn subscriptions_of(&self, app: &AppId) -> &[Arc<Subscription>] {
        self.subscriptions.get(app).map_or(&[], Vec::as_slice)
    }

    pub fn subscription(&self, app: &AppId, id: &SubscriptionId) -> Option<&Arc<Subscription>> {
        self.subscriptions_of(app).iter().find(|s| s.id == *id)
    }

    /// Where the endpoint is now, if anywhere.
    pub fn url(&self, endpoint: &EndpointId) -> Option<&str> {
        endpoint.url(self.apps.get(endpoint.app())?, self.subscriptions_of(endpoint.app()))
    }

    /// What signatures and callbacks are made with.
    pub fn directory(&self) -> Directory {
        let revoked = |app: &Arc<App>, name: &String| {
            let user = UserId::new(name).ok()?;
            let at = *self.revoked.get(&app.id)?.get(&user)?;
            Some(((app.id.clone(), user), at))
        };
        let administrators = self.apps.values().flat_map(|app| app.administrators.iter().map(move |name| (app, name)));
        Directory {
            apps: self.apps.clone(),
            keys: self.keys.clone(),
            had_keys: self.had_keys,
            subscriptions: self.subscriptions.clone(),
            revoked_administrators: administrators.filter_map(|(app, name)| revoked(app, name)).collect(),
        }
    }

    /// Numbers up to this one were given to groups; some of those may be gone.
    pub fn numbers_given(&mut self, last: Gid) {
        self.last_gid = self.last_gid.max(last.0);
    }

    pub fn next_gid(&self) -> Gid {
        Gid(self.last_gid + 1)
    }

    pub fn next_order(&self) -> u64 {
        self.last_order + 1
    }
}

/// Sets or clears the value of a key; returns the one before.
pub(super) fn put<K: Clone + Eq + Hash, V>(map: &mut HashMap<K, V>, key: &K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(key.clone(), value),
        None => map.remove(key),
    }
}
