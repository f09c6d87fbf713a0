//! A group: who is in it, what was counted, joining, leaving and sending.

use super::{
    AppId, ConnRef, Epoch, Gid, GroupId, Millis, Refusal, SessionId, Tid, UserId,
    event::What,
    message::{self, Draft, Message},
    push::{self, Push, Reply, Subscribed, Unsubscribed},
    quota,
    request::{Answer, GroupInfo, NewGroup},
    session::Session,
    state::{Change, Tx},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

/// What is stored of a group and seldom changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub gid: Gid,
    pub app: AppId,
    pub id: GroupId,
    pub name: String,
    pub info: String,
    /// Empty when nobody was named.
    pub creator: String,
    pub admins: Vec<UserId>,
    pub created: Millis,
    pub deleted: Option<(Millis, String)>,
    pub epoch: Epoch,
    pub muted_all: bool,
    pub muted: BTreeSet<UserId>,
    /// The white list of the group mute.
    pub unmuted: BTreeSet<UserId>,
}

impl Group {
    pub fn rules_over(&self, user: &UserId) -> bool {
        self.creator == user.as_str() || self.admins.contains(user)
    }

    /// Group mute and single mutes are independent; creator and administrators are never muted.
    pub fn is_muted(&self, user: &UserId) -> bool {
        !self.rules_over(user) && (self.muted.contains(user) || (self.muted_all && !self.unmuted.contains(user)))
    }
}

/// What changes with every message and join.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Number of the last message that took one.
    pub top: u64,
    /// All joins ever.
    pub joins: u64,
    /// Running total of each message type.
    pub amounts: BTreeMap<i32, i64>,
}

/// Whether a member stays while it is offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// In the group while its session lives.
    Live,
    /// In the group until it is removed; presence is apart.
    Kept,
}

/// A stored membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user: UserId,
    /// The session it belongs to; `None` for a kept member that is offline.
    pub sid: Option<SessionId>,
    pub kind: MemberKind,
    pub joined: Millis,
    /// Orders all joins of all groups.
    pub order: u64,
}

/// A group with all that lives in memory.
#[derive(Clone, Debug)]
pub struct GroupState {
    pub config: Arc<Group>,
    pub counters: Counters,
    pub members: HashMap<UserId, Arc<Member>>,
    /// Connections that get the group's pushes, by user; memory only.
    pub attached: HashMap<UserId, ConnRef>,
    /// How many of them each hub has.
    hub_counts: Vec<u32>,
    /// Over the limit once, and not empty since.
    pub super_large: bool,
    /// Ids that senders gave to messages that are not stored, newest last.
    pub recent_tids: VecDeque<Tid>,
}

/// So many ids of messages that are not stored are remembered a group: more than their rows are kept.
const RECENT_TIDS: usize = 64;
/// Least time between two counts of a super-large group, in ms (`session.md` §3).
pub const COUNT_EVERY: u64 = 5_000;

impl GroupState {
    pub fn new(config: Arc<Group>) -> Self {
        GroupState {
            config,
            counters: Counters::default(),
            members: HashMap::new(),
            attached: HashMap::new(),
            hub_counts: Vec::new(),
            super_large: false,
            recent_tids: VecDeque::new(),
        }
    }

    /// Sets or clears the user's connection; returns the one before.
    pub fn attach(&mut self, user: &UserId, conn: Option<ConnRef>) -> Option<ConnRef> {
        let old = match conn {
            Some(conn) => self.attached.insert(user.clone(), conn),
            None => self.attached.remove(user),
        };
        if let Some(conn) = conn {
            let hub = conn.hub as usize;
            if self.hub_counts.len() <= hub {
                self.hub_counts.resize(hub + 1, 0);
            }
            self.hub_counts[hub] += 1;
        }
        if let Some(old) = old {
            self.hub_counts[old.hub as usize] -= 1;
        }
        old
    }

    /// The hubs that have attached connections, as bits.
    pub fn on_hubs(&self) -> u64 {
        self.hub_counts.iter().enumerate().filter(|(_, n)| **n > 0).fold(0, |bits, (hub, _)| bits | 1 << hub)
    }

    /// Members in the order in which they joined.
    pub fn in_order(&self) -> Vec<&Arc<Member>> {
        let mut members: Vec<_> = self.members.values().collect();
        members.sort_by_key(|m| m.order);
        members
    }

    pub fn describe(&self) -> GroupInfo {
        let g = &self.config;
        GroupInfo {
            group: g.id.clone(),
            name: g.name.clone(),
            info: g.info.clone(),
            creator: g.creator.clone(),
            admins: g.admins.clone(),
            created: g.created,
            deleted: g.deleted.clone(),
            online: self.members.len() as u64,
            total: self.counters.joins,
            super_large: self.super_large,
            muted_all: g.muted_all,
            muted: g.muted.iter().cloned().collect(),
            unmuted: g.unmuted.iter().cloned().collect(),
            amounts: self.counters.amounts.clone(),
        }
    }
}

/// Creating is idempotent; the name of a deleted group stays taken (`alibaba.md` §2.2).
pub fn create(tx: &mut Tx, new: NewGroup, epoch: Epoch) -> Result<Answer, Refusal> {
    tx.state.app(&new.app)?;
    if let Some(old) = tx.state.group_named(&new.app, &new.group) {
        return Ok(Answer::Created { already_exists: true, already_deleted: old.config.deleted.is_some() });
    }
    let most = tx.rules.quotas.groups_per_app;
    if !quota::room(tx.state.live_groups(&new.app), most) {
        return Err(Refusal::TooManyGroups(most));
    }
    let gid = tx.state.next_gid();
    let group = Group {
        gid,
        app: new.app,
        id: new.group,
        name: new.name,
        info: new.info,
        creator: new.creator,
        admins: new.admins,
        created: tx.now,
        deleted: None,
        epoch,
        muted_all: false,
        muted: BTreeSet::new(),
        unmuted: BTreeSet::new(),
    };
    tx.change(Change::Group(Arc::new(group)));
    Ok(Answer::Created { already_exists: false, already_deleted: false })
}

/// Every member is put out; messages stay readable. Deleting what is not there succeeds.
pub fn delete(tx: &mut Tx, app: &AppId, name: &GroupId, by: String) -> Result<(), Refusal> {
    tx.state.app(app)?;
    let Some(group) = tx.state.group_named(app, name) else { return Ok(()) };
    if group.config.deleted.is_some() {
        return Ok(());
    }
    let gid = group.config.gid;
    let config = Group { deleted: Some((tx.now, by)), ..(*group.config).clone() };
    let members: Vec<_> = group.in_order().into_iter().filter_map(|m| m.sid.clone()).collect();
    // All go at once: nobody is told of each of the others, which would be n² pushes.
    for sid in &members {
        if let Some(conn) = tx.state.attached(gid, sid) {
            detach(tx, sid, gid);
            tx.push(Push::Unsubscribe { conn, gid, group: name.clone(), why: Unsubscribed::GroupDeleted });
        }
    }
    members.iter().for_each(|sid| leave(tx, sid, gid));
    tx.change(Change::Group(Arc::new(config)));
    Ok(())
}

/// A subscribe: joins, or re-attaches a membership that the session already has. `recover` reads what
/// was missed, which lies in the store; it is asked when nothing else stands against it.
pub fn subscribe(
    tx: &mut Tx,
    sid: &SessionId,
    conn: ConnRef,
    command: u32,
    name: &GroupId,
    join_leave: bool,
    recover: impl FnOnce(&GroupState) -> Result<Recovery, Refusal>,
) -> Result<(), Refusal> {
    let session = tx.state.session(sid).ok_or(Refusal::NoSession)?.session.clone();
    let group = tx.state.live_group(&session.app, name)?;
    let gid = group.config.gid;
    if group.attached.get(&session.user) == Some(&conn) {
        return Err(Refusal::AlreadySubscribed(format!("group:{name}")));
    }
    let joined = !group.members.contains_key(&session.user);
    let most = tx.rules.quotas.channels_per_session;
    if joined && !quota::room(tx.state.groups_of(sid).len(), most) {
        return Err(Refusal::TooManyChannels(most));
    }
    let recovery = recover(group)?;
    if joined {
        let mut counters = group.counters.clone();
        counters.joins += 1;
        let member = Member { user: session.user.clone(), sid: Some(sid.clone()), kind: MemberKind::Live, joined: tx.now, order: tx.state.next_order() };
        tx.change(Change::Counters(gid, counters));
        tx.change(Change::Member(gid, Arc::new(member)));
        tx.event(&session, What::Joined(name.clone()));
        grew(tx, gid);
        announce(tx, gid, &session, true);
    }
    tx.change(Change::Attached(gid, session.user.clone(), Some(conn)));
    let group = tx.state.group(gid).expect("it was found above and nothing removes a group");
    let reply = Subscribed {
        epoch: group.config.epoch,
        offset: recovery.offset.unwrap_or(group.counters.top),
        recovered: recovery.messages,
        was_recovered: recovery.complete,
        group: group.describe(),
    };
    tx.push(Push::Attach { conn, gid, group: name.clone(), join_leave });
    tx.push(Push::Reply { conn, id: command, reply: Reply::Subscribed(Box::new(reply)) });
    Ok(())
}

/// What the store could give to a subscriber who asked for what it missed.
#[derive(Debug, Default)]
pub struct Recovery {
    pub messages: Vec<Arc<Message>>,
    /// `None`: not asked for.
    pub complete: Option<bool>,
    /// The position the messages reach to; `None`: the top.
    pub offset: Option<u64>,
}

/// The session leaves; tells the business and the others. Not being in the group is no error.
pub fn leave(tx: &mut Tx, sid: &SessionId, gid: Gid) {
    let Some(session) = tx.state.session(sid).map(|s| s.session.clone()) else {
        return;
    };
    let Some(name) = tx.state.group(gid).map(|g| g.config.id.clone()) else {
        return;
    };
    if remove(tx, &session, gid) {
        tx.event(&session, What::Left(name));
    }
}

/// Takes the member out and tells the others, but not the business. False when it was not in.
pub fn remove(tx: &mut Tx, session: &Arc<Session>, gid: Gid) -> bool {
    let Some(group) = tx.state.group(gid) else { return false };
    match group.members.get(&session.user) {
        Some(member) if member.sid.as_ref() == Some(&session.sid) => {}
        _ => return false,
    }
    detach(tx, &session.sid, gid);
    announce(tx, gid, session, false);
    tx.change(Change::MemberGone(gid, session.user.clone()));
    if tx.state.group(gid).is_some_and(|g| g.super_large && g.members.is_empty()) {
        tx.change(Change::SuperLarge(gid, false));
    }
    true
}

/// The connection gets no more pushes of the group; the member stays.
pub fn detach(tx: &mut Tx, sid: &SessionId, gid: Gid) {
    if let Some(conn) = tx.state.attached(gid, sid) {
        let user = tx.state.session(sid).expect("an attached session exists").session.user.clone();
        tx.change(Change::Attached(gid, user, None));
        tx.push(Push::Detach { conn, gid });
    }
}

/// A member's message.
pub fn publish(tx: &mut Tx, sid: &SessionId, name: &GroupId, draft: Draft, fresh: Tid, known: Known) -> Result<Tid, Refusal> {
    let session = tx.state.session(sid).ok_or(Refusal::NoSession)?.session.clone();
    let group = tx.state.live_group(&session.app, name)?;
    if group.members.get(&session.user).and_then(|m| m.sid.as_ref()) != Some(sid) {
        return Err(Refusal::NotInGroup(name.to_string()));
    }
    if group.config.is_muted(&session.user) {
        return Err(Refusal::Muted);
    }
    let gid = group.config.gid;
    let sender = Sender { user: session.user.clone(), info: session.info.clone(), client: Some(sid.clone()) };
    say(tx, gid, draft, fresh, sender, known)
}

/// A message of the business's server: it bypasses mute and needs no membership, but the group
/// must have somebody in it (`alibaba.md` §2.4).
pub fn send(tx: &mut Tx, app: &AppId, name: &GroupId, sender: Sender, draft: Draft, fresh: Tid, known: Known) -> Result<Tid, Refusal> {
    let group = tx.state.live_group(app, name)?;
    // What was said already needs nobody to hear it again.
    if group.members.is_empty() && said_already(group, &draft, known).is_none() {
        return Err(Refusal::GroupEmpty(name.to_string()));
    }
    let gid = group.config.gid;
    say(tx, gid, draft, fresh, sender, known)
}

/// Whether the store has a message of this id already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Yes,
    No,
}

/// Who speaks.
pub struct Sender {
    pub user: UserId,
    /// The user's extension, shown with the message.
    pub info: String,
    /// The session; `None` for a server.
    pub client: Option<SessionId>,
}

fn say(tx: &mut Tx, gid: Gid, draft: Draft, fresh: Tid, sender: Sender, known: Known) -> Result<Tid, Refusal> {
    draft.check()?;
    let group = tx.state.group(gid).expect("the caller found it");
    if let Some(tid) = said_already(group, &draft, known) {
        return Ok(tid);
    }
    if group.counters.top >= message::LAST_SEQ {
        return Err(Refusal::StreamFull(group.config.id.to_string()));
    }
    let most = tx.rules.quotas.types_per_group;
    if !group.counters.amounts.contains_key(&draft.kind) && !quota::room(group.counters.amounts.len(), most) {
        return Err(Refusal::TooManyTypes(most));
    }
    // What is not stored leaves no row, or one that goes soon.
    let remembered = draft.tid.is_some() && draft.no_storage;
    let (message, counters) = message::accept(group, draft, fresh, sender, tx.now);
    if remembered {
        let mut tids = group.recent_tids.clone();
        if tids.len() == RECENT_TIDS {
            tids.pop_front();
        }
        tids.push_back(message.tid.clone());
        tx.change(Change::RecentTids(gid, tids));
    }
    if message.seq.is_some() {
        tx.change(Change::Counters(gid, counters));
        tx.change(Change::Message(message.clone()));
    } else {
        tx.change(Change::CountersLater(gid, counters));
    }
    tx.push(Push::Message { gid, message: message.clone() });
    Ok(message.tid.clone())
}

/// The id that the sender gave, if a message has it already.
fn said_already(group: &GroupState, draft: &Draft, known: Known) -> Option<Tid> {
    draft.tid.clone().filter(|tid| known == Known::Yes || group.recent_tids.contains(tid))
}

/// A group that grew over the limit keeps no lists until it was empty.
fn grew(tx: &mut Tx, gid: Gid) {
    let above = tx.rules.quotas.super_large_above as usize;
    if above > 0 && tx.state.group(gid).is_some_and(|g| !g.super_large && g.members.len() > above) {
        tx.change(Change::SuperLarge(gid, true));
    }
}

/// Tells the others who came or went; of a super-large group only the counts, and seldom.
fn announce(tx: &mut Tx, gid: Gid, session: &Session, joined: bool) {
    let Some(group) = tx.state.group(gid) else { return };
    if !group.super_large {
        let who = push::Present { user: session.user.clone(), sid: session.sid.clone(), info: session.info.clone() };
        tx.push(Push::Presence { gid, joined, who: Arc::new(who) });
        return;
    }
    tx.count_later(gid);
}

/// The counts of a super-large group, now that their time has come.
pub fn push_count(tx: &mut Tx, gid: Gid) {
    let Some(group) = tx.state.group(gid) else { return };
    let (online, total) = (group.members.len() as u64, group.counters.joins);
    tx.push(Push::Count { gid, online, total, at: tx.now });
}

/// The members with their sessions' info, as `presence` shows them.
pub fn presence(tx: &Tx, app: &AppId, name: &GroupId) -> Result<Vec<push::Present>, Refusal> {
    let group = tx.state.live_group(app, name)?;
    if group.super_large {
        return Err(Refusal::TooLarge(name.to_string()));
    }
    let member = |m: &Arc<Member>| {
        let session = &tx.state.session(m.sid.as_ref()?)?.session;
        Some(push::Present { user: m.user.clone(), sid: session.sid.clone(), info: session.info.clone() })
    };
    let members: Vec<push::Present> = group.in_order().into_iter().filter_map(member).collect();
    // With long extensions the list alone would fill a connection's budget.
    if members.iter().map(push::Present::wire_size).sum::<usize>() > quota::MAX_RECOVERED_BYTES {
        return Err(Refusal::TooLarge(name.to_string()));
    }
    Ok(members)
}
