//! A group: what is stored of it, what lives in memory, and its own life: made, changed, deleted,
//! recovered. Who is in it is `membership.rs`, who may speak `mute.rs`, what is said `sending.rs`.

use super::{
    AppId, Epoch, Gid, GroupId, Millis, Named, Refusal, SessionId, Tid, Topic, UserId,
    audience::{self, Audience},
    membership,
    mute::{self, Mutes},
    push::{Push, Unsubscribed},
    quota,
    request::{Answer, GroupInfo, GroupRequest, NewGroup},
    session::Session,
    state::Change,
    tx::Tx,
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
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
    pub mutes: Mutes,
}

impl Group {
    /// Creator or administrator.
    pub fn rules_over(&self, user: &UserId) -> bool {
        self.creator == user.as_str() || self.admins.contains(user)
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
    pub audience: Audience,
    /// Over the limit once, and not empty since.
    pub super_large: bool,
    /// Ids that senders gave to messages that are not stored, newest last.
    pub recent_tids: VecDeque<Tid>,
}

impl GroupState {
    pub fn new(config: Arc<Group>) -> Self {
        GroupState {
            config,
            counters: Counters::default(),
            members: HashMap::new(),
            audience: Audience::default(),
            super_large: false,
            recent_tids: VecDeque::new(),
        }
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
            mutes: g.mutes.clone(),
            amounts: self.counters.amounts.clone(),
        }
    }
}

/// Does what is asked of a group but what needs the store. `fresh` is the epoch of a new group.
pub fn perform(tx: &mut Tx, app: &AppId, name: &GroupId, what: GroupRequest, fresh: Epoch) -> Result<Answer, Refusal> {
    tx.state.app(app)?;
    let gid = |tx: &Tx| Ok(tx.state.live_group(app, name)?.config.gid);
    match what {
        GroupRequest::Create(new) => create(tx, app, name, new, fresh),
        GroupRequest::Describe => {
            let group = tx.state.group_named(app, name).ok_or_else(|| Refusal::NoSuchGroup(name.to_string()))?;
            Ok(Answer::Group(Box::new(group.describe())))
        }
        GroupRequest::Modify { info, admins } => modify(tx, gid(tx)?, info, admins).map(|()| Answer::Done),
        GroupRequest::Delete { by } => {
            delete(tx, app, name, by);
            Ok(Answer::Done)
        }
        GroupRequest::Recover => recover(tx, app, name).map(|()| Answer::Done),
        GroupRequest::ChangeMutes(change) => mute::change(tx, gid(tx)?, change).map(|()| Answer::Done),
        GroupRequest::Mutes => Ok(Answer::Mutes(tx.state.live_group(app, name)?.config.mutes.clone())),
        GroupRequest::Kick { user } => membership::kick(tx, gid(tx)?, &user).map(|()| Answer::Done),
        GroupRequest::Members(page) => Ok(Answer::Members(membership::page(tx, gid(tx)?, &page))),
        GroupRequest::Contains { users } => {
            let members = &tx.state.live_group(app, name)?.members;
            Ok(Answer::Users(users.into_iter().map(|user| (user.clone(), members.contains_key(&user))).collect()))
        }
        // These read the store first.
        GroupRequest::DeleteMessage { .. } | GroupRequest::Messages(_) => Err(Refusal::Internal),
    }
}

/// May this user's client ask for it? Servers may all (`alibaba.md` §5.1, `session.md` §5).
pub fn permit(tx: &Tx, session: &Session, name: &GroupId, what: &GroupRequest) -> Result<(), Refusal> {
    let refused = |what: &str, who: &str| Err(Refusal::NotAllowed(format!("{what} {name}; {who} may")));
    match what {
        GroupRequest::Create(_) if session.role == ADMIN => Ok(()),
        GroupRequest::Create(_) => refused("create group", "a login of the role admin"),
        // Of a message that is its own, the sender decides as well: that is looked at with the message.
        GroupRequest::Describe | GroupRequest::Mutes | GroupRequest::DeleteMessage { .. } => tx.state.live_group(&session.app, name).map(drop),
        _ => {
            let group = &tx.state.live_group(&session.app, name)?.config;
            match what {
                _ if !group.rules_over(&session.user) => refused("manage group", "its creator and administrators"),
                GroupRequest::Kick { user } if group.creator == user.as_str() => refused("put the creator out of group", "nobody"),
                _ => Ok(()),
            }
        }
    }
}

/// The login role that may make groups.
pub const ADMIN: &str = "admin";

/// Creating is idempotent; the name of a deleted group stays taken (`alibaba.md` §2.2).
fn create(tx: &mut Tx, app: &AppId, name: &GroupId, new: NewGroup, epoch: Epoch) -> Result<Answer, Refusal> {
    if let Some(old) = tx.state.group_named(app, name) {
        return Ok(Answer::Created { group: name.clone(), already_exists: true, already_deleted: old.config.deleted.is_some() });
    }
    room_for_one_more(tx, app)?;
    let gid = tx.state.next_gid();
    let group = Group {
        gid,
        app: app.clone(),
        id: name.clone(),
        name: new.name,
        info: new.info,
        creator: new.creator,
        admins: new.admins,
        created: tx.now,
        deleted: None,
        epoch,
        mutes: Mutes::default(),
    };
    tx.change(Change::Group(Arc::new(group)));
    Ok(Answer::Created { group: name.clone(), already_exists: false, already_deleted: false })
}

/// Every member is put out; messages stay readable. Deleting what is not there succeeds.
fn delete(tx: &mut Tx, app: &AppId, name: &GroupId, by: String) {
    let Some(group) = tx.state.group_named(app, name).filter(|group| group.config.deleted.is_none()) else {
        return;
    };
    let gid = group.config.gid;
    let config = Group { deleted: Some((tx.now, by)), ..(*group.config).clone() };
    let members: Vec<_> = group.in_order().into_iter().filter_map(|m| Some((m.user.clone(), m.sid.clone()?))).collect();
    // All go at once: nobody is told of each of the others, which would be n² pushes.
    for (user, _) in &members {
        audience::put_out(tx, Topic::Group(gid), Named::Group(name.clone()), user, Unsubscribed::GroupDeleted);
    }
    members.iter().for_each(|(_, sid)| membership::leave(tx, sid, gid));
    tx.change(Change::Group(Arc::new(config)));
    for gid in tx.state.surplus_deleted(app, tx.rules.quotas.deleted_groups_per_app) {
        forget(tx, gid);
    }
}

/// Stands for the time of deletion of a group that is to be forgotten at once. No clock says it.
pub const FORGOTTEN: Millis = Millis(i64::MIN);

/// The purge takes it at its next step, and nobody can recover it.
fn forget(tx: &mut Tx, gid: Gid) {
    if let Some(group) = tx.state.group(gid).map(|group| group.config.clone())
        && let Some((_, by)) = &group.deleted
    {
        tx.change(Change::Group(Arc::new(Group { deleted: Some((FORGOTTEN, by.clone())), ..(*group).clone() })));
    }
}

fn room_for_one_more(tx: &Tx, app: &AppId) -> Result<(), Refusal> {
    let most = tx.rules.quotas.groups_per_app;
    if quota::room(tx.state.live_groups(app), most) { Ok(()) } else { Err(Refusal::TooManyGroups(most)) }
}

/// What changes nothing is told nobody.
fn modify(tx: &mut Tx, gid: Gid, info: Option<String>, admins: Option<Vec<UserId>>) -> Result<(), Refusal> {
    let old = &tx.state.group(gid).expect("the caller found it").config;
    let new = Group { info: info.unwrap_or_else(|| old.info.clone()), admins: admins.unwrap_or_else(|| old.admins.clone()), ..(**old).clone() };
    if new != **old {
        let new = Arc::new(new);
        tx.change(Change::Group(new.clone()));
        tx.push(Push::Info { gid, group: new, at: tx.now });
    }
    Ok(())
}

/// A deleted group lives again, empty, with its messages and its stream. One that lives stays as it is.
fn recover(tx: &mut Tx, app: &AppId, name: &GroupId) -> Result<(), Refusal> {
    let gone = || Refusal::NoSuchGroup(name.to_string());
    let group = tx.state.group_named(app, name).ok_or_else(gone)?.config.clone();
    let Some((at, _)) = group.deleted else { return Ok(()) };
    if is_forgotten(at, tx.now, tx.rules.quotas.deleted_group_days) {
        return Err(gone());
    }
    room_for_one_more(tx, app)?;
    tx.change(Change::Group(Arc::new(Group { deleted: None, ..(*group).clone() })));
    Ok(())
}

/// It was deleted when the machine had no clock: the time until it is forgotten begins now.
pub fn redate(tx: &mut Tx, gid: Gid) {
    let Some(group) = tx.state.group(gid).map(|group| group.config.clone()) else { return };
    if let Some((_, by)) = &group.deleted {
        tx.change(Change::Group(Arc::new(Group { deleted: Some((tx.now, by.clone())), ..(*group).clone() })));
    }
}

/// A group that was deleted so long ago cannot be recovered, and is purged. `days` 0: never.
pub fn is_forgotten(deleted: Millis, now: Millis, days: u32) -> bool {
    deleted == FORGOTTEN || days > 0 && deleted.is_credible(now) && now.0 - deleted.0 > i64::from(days) * Millis::DAY
}
