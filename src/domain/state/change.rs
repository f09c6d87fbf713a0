//! The one way to change the state. Every mutation is a [`Change`]; applying one gives its inverse, so a
//! [`crate::domain::Tx`] can take back a command or a whole batch, and the store writes the very same changes:
//! memory equals what a reload would give (`design.md` §4.1).

use super::{SessionState, State, put};
use crate::domain::{
    AppId, ChannelId, Cid, ConnRef, Gid, SessionId, SubscriptionId, Tick, Tid, Topic, UserId,
    account::Account,
    app::{AccessKey, App},
    channel::{Channel, ChannelState},
    deletion::FORGOTTEN,
    direct::Direct,
    endpoint::EndpointId,
    group::{Counters, Group, GroupState, Member, MemberKind},
    message::Message,
    outbox::Lane,
    participant::{Holder, Participant},
    request::Said,
    sending::Pace,
    session::{Link, Session},
    subscription::Subscription,
};
use std::{collections::VecDeque, sync::Arc};

/// One step from one state to the next; also the way back. The first block is stored, the second
/// lives in memory only.
#[derive(Clone, Debug)]
pub enum Change {
    App(Arc<App>),
    AppGone(AppId),
    Key(AccessKey),
    KeyGone(String),
    Group(Arc<Group>),
    GroupGone(Gid),
    Counters(Gid, Counters),
    SuperLarge(Gid, bool),
    Member(Gid, Arc<Member>),
    MemberGone(Gid, UserId),
    Session(Arc<Session>),
    SessionGone(SessionId),
    Message(Arc<Message>),
    /// The content of the message with this number goes.
    MessageDeleted(Gid, u64),
    Direct(Arc<Direct>),
    DirectGone(AppId, UserId, Tid),
    Channel(Arc<Channel>),
    ChannelGone(Cid),
    Participant(Cid, Arc<Participant>),
    ParticipantGone(Cid, UserId),
    Subscription(Arc<Subscription>),
    SubscriptionGone(AppId, SubscriptionId),
    /// Until when UserSigs of the user are worth nothing.
    Revoked(AppId, UserId, Option<i64>),
    Account(AppId, Arc<Account>),
    AccountGone(AppId, UserId),

    /// Counters that are saved with the next commit or within a second.
    CountersLater(Gid, Counters),
    Link(SessionId, Option<Link>),
    Attached(Topic, UserId, Option<ConnRef>),
    Recent(Gid, VecDeque<Said>),
    Pace(Gid, Pace),
    /// The inverse of a group's end.
    GroupBack(Box<GroupState>),
    /// The inverse of a channel's end.
    ChannelBack(Box<ChannelState>),
    /// Until when a reported user stays in the channel.
    HeardUntil(Cid, UserId, Option<Tick>),
    /// Until when a closed channel is said to exist.
    Lingers((AppId, ChannelId), Option<Tick>),
    Lane(EndpointId, Option<Lane>),
    /// The inverse of what concerns messages: there is nothing of them in memory.
    Nothing,
}

impl Change {
    /// Does it reach the store, now or later?
    pub fn is_saved(&self) -> bool {
        self.is_stored() || matches!(self, Change::CountersLater(..))
    }

    /// Does it change what the [`Directory`] says?
    pub fn is_listed(&self) -> bool {
        use Change::*;
        matches!(self, App(_) | AppGone(_) | Key(_) | KeyGone(_) | Subscription(_) | SubscriptionGone(..) | Revoked(..))
    }

    /// Does it have to be committed before anybody hears of it?
    pub fn is_stored(&self) -> bool {
        use Change::*;
        matches!(
            self,
            App(_)
                | AppGone(_)
                | Key(_)
                | KeyGone(_)
                | Group(_)
                | GroupGone(_)
                | Counters(..)
                | SuperLarge(..)
                | Member(..)
                | MemberGone(..)
                | Session(_)
                | SessionGone(_)
                | Message(_)
                | MessageDeleted(..)
                | Direct(_)
                | DirectGone(..)
                | Channel(_)
                | ChannelGone(_)
                | Participant(..)
                | ParticipantGone(..)
                | Subscription(_)
                | SubscriptionGone(..)
                | Revoked(..)
                | Account(..)
                | AccountGone(..)
        )
    }
}

impl State {
    /// Makes one change and returns the one that takes it back.
    pub fn apply(&mut self, change: Change) -> Change {
        match change {
            Change::App(app) => {
                let id = app.id.clone();
                self.apps.insert(id.clone(), app).map_or(Change::AppGone(id), Change::App)
            }
            Change::AppGone(id) => self.apps.remove(&id).map_or(Change::Nothing, Change::App),
            Change::Key(key) => {
                let id = key.id.clone();
                self.had_keys = true;
                self.keys.insert(id.clone(), key).map_or(Change::KeyGone(id), Change::Key)
            }
            Change::KeyGone(id) => self.keys.remove(&id).map_or(Change::Nothing, Change::Key),
            Change::Group(group) => self.put_group(group),
            Change::GroupGone(gid) => match self.groups.remove(&gid) {
                Some(old) => {
                    let group = &old.config;
                    if let Some(names) = self.group_names.get_mut(&group.app) {
                        names.remove(&group.id);
                    }
                    self.count(group, -1);
                    Change::GroupBack(Box::new(old))
                }
                None => Change::Nothing,
            },
            Change::GroupBack(group) => {
                let (config, gid) = (group.config.clone(), group.config.gid);
                self.put_group(config);
                self.groups.insert(gid, *group);
                Change::GroupGone(gid)
            }
            Change::Counters(gid, counters) | Change::CountersLater(gid, counters) => match self.groups.get_mut(&gid) {
                Some(group) => Change::CountersLater(gid, std::mem::replace(&mut group.counters, counters)),
                None => Change::Nothing,
            },
            Change::Member(gid, member) => self.put_member(gid, member),
            Change::MemberGone(gid, user) => match self.groups.get_mut(&gid).and_then(|g| g.members.remove(&user)) {
                Some(old) => {
                    self.unlist(gid, &old);
                    Change::Member(gid, old)
                }
                None => Change::Nothing,
            },
            Change::Account(app, account) => {
                let user = account.user.clone();
                let old = self.accounts.entry(app.clone()).or_default().insert(user.clone(), account);
                old.map_or(Change::AccountGone(app.clone(), user), |old| Change::Account(app, old))
            }
            Change::AccountGone(app, user) => {
                let old = self.accounts.get_mut(&app).and_then(|accounts| accounts.remove(&user));
                old.map_or(Change::Nothing, |old| Change::Account(app, old))
            }
            Change::Session(session) => self.put_session(session),
            Change::SessionGone(sid) => match self.sessions.remove(&sid) {
                Some(old) => {
                    let users = self.users.get_mut(&old.session.app);
                    if let Some(users) = users
                        && users.get(&old.session.user) == Some(&sid)
                    {
                        users.remove(&old.session.user);
                    }
                    Change::Session(old.session)
                }
                None => Change::Nothing,
            },
            Change::Message(_) | Change::MessageDeleted(..) | Change::Direct(_) | Change::DirectGone(..) | Change::Nothing => Change::Nothing,
            Change::Link(sid, link) => {
                let old = put(&mut self.links, &sid, link);
                Change::Link(sid, old)
            }
            Change::Attached(topic, user, conn) => {
                let audience = match topic {
                    Topic::Group(gid) => self.groups.get_mut(&gid).map(|group| &mut group.audience),
                    Topic::Channel(cid) => self.channels.get_mut(cid).map(|channel| &mut channel.audience),
                };
                let Some(audience) = audience else { return Change::Nothing };
                let old = audience.set(&user, conn);
                Change::Attached(topic, user, old)
            }
            Change::Channel(channel) => {
                let cid = channel.cid;
                self.channels.put(ChannelState::new(channel));
                Change::ChannelGone(cid)
            }
            Change::ChannelGone(cid) => self.channels.remove(cid).map_or(Change::Nothing, |old| Change::ChannelBack(Box::new(old))),
            Change::ChannelBack(channel) => {
                let cid = channel.config.cid;
                self.channels.put(*channel);
                Change::ChannelGone(cid)
            }
            Change::Participant(cid, participant) => self.put_participant(cid, participant),
            Change::ParticipantGone(cid, user) => match self.channels.get_mut(cid).and_then(|channel| channel.participants.remove(&user)) {
                Some(old) => {
                    self.unlist_channel(cid, &old);
                    Change::Participant(cid, old)
                }
                None => Change::Nothing,
            },
            Change::HeardUntil(cid, user, until) => {
                let old = self.channels.set_heard_until(cid, &user, until);
                Change::HeardUntil(cid, user, old)
            }
            Change::Lingers(name, until) => {
                let old = self.channels.set_lingering(&name, until);
                Change::Lingers(name, old)
            }
            Change::Subscription(subscription) => self.put_subscription(subscription),
            Change::SubscriptionGone(app, id) => {
                let Some(all) = self.subscriptions.get_mut(&app) else { return Change::Nothing };
                match all.iter().position(|s| s.id == id) {
                    Some(at) => Change::Subscription(all.remove(at)),
                    None => Change::Nothing,
                }
            }
            Change::SuperLarge(gid, now) => match self.groups.get_mut(&gid) {
                Some(group) => Change::SuperLarge(gid, std::mem::replace(&mut group.super_large, now)),
                None => Change::Nothing,
            },
            Change::Recent(gid, recent) => match self.groups.get_mut(&gid) {
                Some(group) => Change::Recent(gid, std::mem::replace(&mut group.recent, recent)),
                None => Change::Nothing,
            },
            Change::Pace(gid, pace) => match self.groups.get_mut(&gid) {
                Some(group) => Change::Pace(gid, std::mem::replace(&mut group.pace, pace)),
                None => Change::Nothing,
            },
            Change::Revoked(app, user, at) => {
                let old = put(self.revoked.entry(app.clone()).or_default(), &user, at);
                Change::Revoked(app, user, old)
            }
            Change::Lane(endpoint, lane) => {
                let old = put(&mut self.lanes, &endpoint, lane);
                Change::Lane(endpoint, old)
            }
        }
    }

    fn put_group(&mut self, group: Arc<Group>) -> Change {
        let gid = group.gid;
        self.last_gid = self.last_gid.max(gid.0);
        self.count(&group, 1);
        match self.groups.get_mut(&gid) {
            Some(state) => {
                let old = std::mem::replace(&mut state.config, group.clone());
                self.count(&old, -1);
                if old.id != group.id {
                    let names = self.group_names.entry(group.app.clone()).or_default();
                    if names.get(&old.id) == Some(&gid) {
                        names.remove(&old.id);
                    }
                    names.insert(group.id.clone(), gid);
                }
                Change::Group(old)
            }
            None => {
                self.group_names.entry(group.app.clone()).or_default().insert(group.id.clone(), gid);
                self.groups.insert(gid, GroupState::new(group));
                Change::GroupGone(gid)
            }
        }
    }

    /// Counts a group as one more, or one less (`by` -1), of its application's.
    fn count(&mut self, group: &Group, by: isize) {
        match &group.deleted {
            None => {
                let n = self.live_groups.entry(group.app.clone()).or_default();
                *n = n.saturating_add_signed(by);
            }
            // It is on its way out.
            Some((FORGOTTEN, _)) => {}
            Some((at, _)) => {
                let deleted = self.deleted_groups.entry(group.app.clone()).or_default();
                if by > 0 {
                    deleted.insert((*at, group.gid));
                } else {
                    deleted.remove(&(*at, group.gid));
                }
            }
        }
    }

    fn put_member(&mut self, gid: Gid, member: Arc<Member>) -> Change {
        let Some(group) = self.groups.get_mut(&gid) else { return Change::Nothing };
        let old = group.members.insert(member.user.clone(), member.clone());
        let app = group.config.app.clone();
        if let Some(old) = &old {
            self.unlist(gid, old);
        }
        if let Some(group) = self.groups.get_mut(&gid).filter(|_| member.sid.is_some()) {
            group.present.insert((member.order, member.user.clone()));
        }
        self.last_order = self.last_order.max(member.order);
        // In the order of joining, also when an undo puts a member back.
        let list = |groups: &mut Vec<(u64, Gid)>| {
            let at = groups.partition_point(|(order, _)| *order < member.order);
            groups.insert(at, (member.order, gid));
        };
        if let Some(state) = member.sid.as_ref().and_then(|sid| self.sessions.get_mut(sid)) {
            list(&mut state.groups);
        }
        if let MemberKind::Kept(_) = member.kind {
            list(self.kept.entry(app).or_default().entry(member.user.clone()).or_default());
        }
        match old {
            Some(old) => Change::Member(gid, old),
            None => Change::MemberGone(gid, member.user.clone()),
        }
    }

    fn unlist(&mut self, gid: Gid, member: &Member) {
        let Some(group) = self.groups.get_mut(&gid) else { return };
        group.present.remove(&(member.order, member.user.clone()));
        if let MemberKind::Kept(_) = member.kind
            && let Some(users) = self.kept.get_mut(&group.config.app)
            && let Some(groups) = users.get_mut(&member.user)
        {
            groups.retain(|(_, g)| *g != gid);
            if groups.is_empty() {
                users.remove(&member.user);
            }
        }
        if let Some(state) = member.sid.as_ref().and_then(|sid| self.sessions.get_mut(sid)) {
            state.groups.retain(|(_, g)| *g != gid);
        }
    }

    fn put_participant(&mut self, cid: Cid, participant: Arc<Participant>) -> Change {
        let Some(channel) = self.channels.get_mut(cid) else { return Change::Nothing };
        let old = channel.participants.insert(participant.user.clone(), participant.clone());
        if let Some(old) = &old {
            self.unlist_channel(cid, old);
        }
        self.last_order = self.last_order.max(participant.order);
        if let Some(state) = self.session_holding(&participant) {
            let at = state.channels.partition_point(|(order, _)| *order < participant.order);
            state.channels.insert(at, (participant.order, cid));
        }
        match old {
            Some(old) => Change::Participant(cid, old),
            None => Change::ParticipantGone(cid, participant.user.clone()),
        }
    }

    fn unlist_channel(&mut self, cid: Cid, participant: &Participant) {
        if let Some(state) = self.session_holding(participant) {
            state.channels.retain(|(_, c)| *c != cid);
        }
    }

    fn session_holding(&mut self, participant: &Participant) -> Option<&mut SessionState> {
        match &participant.holder {
            Holder::Session(sid) => self.sessions.get_mut(sid),
            Holder::Reported => None,
        }
    }

    fn put_subscription(&mut self, subscription: Arc<Subscription>) -> Change {
        self.last_order = self.last_order.max(subscription.order);
        let all = self.subscriptions.entry(subscription.app.clone()).or_default();
        if let Some(old) = all.iter_mut().find(|s| s.id == subscription.id) {
            return Change::Subscription(std::mem::replace(old, subscription));
        }
        let back = Change::SubscriptionGone(subscription.app.clone(), subscription.id.clone());
        // In the order of making, also when an undo puts one back.
        let at = all.partition_point(|s| s.order < subscription.order);
        all.insert(at, subscription);
        back
    }

    fn put_session(&mut self, session: Arc<Session>) -> Change {
        let sid = session.sid.clone();
        self.users.entry(session.app.clone()).or_default().insert(session.user.clone(), sid.clone());
        match self.sessions.get_mut(&sid) {
            Some(state) => Change::Session(std::mem::replace(&mut state.session, session)),
            None => {
                self.sessions.insert(sid.clone(), SessionState { session, groups: Vec::new(), channels: Vec::new() });
                Change::SessionGone(sid)
            }
        }
    }
}
