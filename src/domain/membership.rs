//! Who is in a group: joining, leaving, being put out, and who is shown. Membership belongs to the
//! session, subscription to the connection (`session.md` §2, §3).

use super::{
    AppId, ConnRef, Gid, GroupId, Named, Refusal, SessionId, Topic, UserId, audience,
    event::{InGroup, Joining, OfflineCause, OnlineCause, What},
    group::{Group, GroupState, Member, MemberKind},
    message::Message,
    push::{self, Push, Reply, Subscribed, Unsubscribed},
    quota,
    request::{Actor, MemberFound, MemberPage, MembersFound},
    roster,
    session::Session,
    state::Change,
    tx::Tx,
};
use std::{collections::BTreeMap, sync::Arc};

/// Least time between two counts of a super-large group, in ms (`session.md` §3).
pub const COUNT_EVERY: u64 = 5_000;

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
    let joined = applies(tx, sid, conn, name)?.is_some();
    let session = tx.state.session(sid).ok_or(Refusal::NoSession)?.session.clone();
    let group = tx.state.live_group(&session.app, name)?;
    let (gid, keeps) = (group.config.gid, group.config.kind.keeps_members());
    let member = group.members.get(&session.user).cloned();
    let arrives = member.as_ref().is_none_or(|m| m.sid.is_none());
    let recovery = recover(group)?;
    match &member {
        None => roster::put_new(tx, gid, &session.user, Some(&session), BTreeMap::new()),
        Some(member) if arrives => tx.change(Change::Member(gid, Arc::new(Member { sid: Some(sid.clone()), ..(**member).clone() }))),
        Some(_) => {}
    }
    if joined {
        if !keeps {
            tx.event(&session, What::Joined(name.clone()));
            tx.group_event(gid, session.actor(), InGroup::Online { user: session.user.clone(), cause: OnlineCause::Entered });
        }
        tx.group_event(gid, session.actor(), InGroup::Joined { users: vec![session.user.clone()], how: Joining::Applied });
        roster::tell_full(tx, gid, &session.actor());
    }
    if arrives {
        grew(tx, gid);
        announce(tx, gid, &session, true);
    }
    let topic = Topic::Group(gid);
    tx.change(Change::Attached(topic, session.user.clone(), Some(conn)));
    let group = tx.state.group(gid).expect("it was found above and nothing removes a group");
    let reply = Subscribed {
        epoch: group.config.epoch,
        offset: recovery.offset.unwrap_or(group.counters.top),
        recovered: recovery.messages,
        was_recovered: recovery.complete,
        group: group.describe(tx.now),
    };
    tx.push(Push::Attach { conn, topic, name: Named::Group(name.clone()), join_leave });
    tx.push(Push::Reply { conn, id: command, reply: Reply::Subscribed(Box::new(reply)) });
    Ok(())
}

/// The group, if a subscribe would make the user a member of it; `None`: it is one already.
pub fn applies(tx: &Tx, sid: &SessionId, conn: ConnRef, name: &GroupId) -> Result<Option<Arc<Group>>, Refusal> {
    let session = &tx.state.session(sid).ok_or(Refusal::NoSession)?.session;
    let group = tx.state.live_group(&session.app, name)?;
    if group.audience.get(&session.user) == Some(conn) {
        return Err(Refusal::AlreadySubscribed(format!("group:{name}")));
    }
    let (config, member) = (&group.config, group.members.get(&session.user));
    let most = tx.rules.quotas.channels_per_session;
    if member.is_none_or(|member| member.sid.is_none()) && !quota::room(tx.state.places_of(sid), most) {
        return Err(Refusal::TooManyChannels(most));
    }
    if member.is_some() {
        return Ok(None);
    }
    if config.is_banned(&session.user, tx.now) {
        return Err(Refusal::Banned { user: session.user.to_string(), group: name.to_string() });
    }
    roster::may_apply(tx, config, &session.user)?;
    // Who rules over it is never locked out.
    if roster::is_full(tx, group) && !config.rules_over(&session.user) {
        return Err(Refusal::GroupFull(name.to_string()));
    }
    Ok(Some(config.clone()))
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

/// Why a member is not in any more, and who brought it about.
pub type Leaving = (OfflineCause, Actor);

/// The session leaves; tells the business and the others. Not being in the group is no error. `why` is `None` where the
/// group itself goes.
pub fn leave(tx: &mut Tx, sid: &SessionId, gid: Gid, why: Option<Leaving>) {
    let Some(session) = tx.state.session(sid).map(|s| s.session.clone()) else {
        return;
    };
    let Some(name) = tx.state.group(gid).map(|g| g.config.id.clone()) else {
        return;
    };
    if remove(tx, &session, gid, why) {
        tx.event(&session, What::Left(name));
    }
}

/// Takes the member out and tells the others; of the business, who looks at the group, but not who looks at the user.
/// False when it was not in, or stays a member.
pub fn remove(tx: &mut Tx, session: &Arc<Session>, gid: Gid, why: Option<Leaving>) -> bool {
    let Some(group) = tx.state.group(gid) else { return false };
    match group.members.get(&session.user) {
        Some(member) if member.sid.as_ref() == Some(&session.sid) => {}
        _ => return false,
    }
    let keeps = group.config.kind.keeps_members();
    audience::detach(tx, Topic::Group(gid), &session.user);
    go(tx, session, gid);
    if keeps {
        return false;
    }
    tx.change(Change::MemberGone(gid, session.user.clone()));
    if let Some((cause, by)) = why {
        // Of who is away it was told already.
        if !session.away {
            tx.group_event(gid, by.clone(), InGroup::Offline { user: session.user.clone(), cause });
        }
        tx.group_event(gid, by, InGroup::Left { users: vec![session.user.clone()], how: cause.into() });
    }
    true
}

/// A member is not there any more; the others are told. Its membership is left to the caller.
pub(super) fn go(tx: &mut Tx, session: &Session, gid: Gid) {
    announce(tx, gid, session, false);
    let Some(member) = tx.state.group(gid).and_then(|group| group.members.get(&session.user)).cloned() else { return };
    if let MemberKind::Kept(_) = member.kind {
        tx.change(Change::Member(gid, Arc::new(Member { sid: None, ..(*member).clone() })));
    }
    let last = tx.state.group(gid).is_some_and(|g| g.super_large && g.present.len() == usize::from(member.kind == MemberKind::Live));
    if last {
        tx.change(Change::SuperLarge(gid, false));
    }
}

/// Puts a member out; it keeps its session and may join again (`alibaba.md` §2.3).
pub fn kick(tx: &mut Tx, gid: Gid, by: Actor, user: &UserId) -> Result<(), Refusal> {
    let group = tx.state.group(gid).expect("the caller found it");
    if !group.members.contains_key(user) {
        return Err(Refusal::NoSuchMember { user: user.to_string(), group: group.config.id.to_string() });
    }
    if group.config.kind.keeps_members() {
        return roster::put_out(tx, gid, by, std::slice::from_ref(user));
    }
    put_out(tx, gid, by, user);
    Ok(())
}

/// The same of a live room; who is not in is no error.
pub fn put_out(tx: &mut Tx, gid: Gid, by: Actor, user: &UserId) {
    let Some(group) = tx.state.group(gid) else { return };
    let Some(member) = group.members.get(user) else { return };
    let name = group.config.id.clone();
    let Some(sid) = member.sid.clone() else { return };
    audience::put_out(tx, Topic::Group(gid), Named::Group(name), user, Unsubscribed::Removed);
    leave(tx, &sid, gid, Some((OfflineCause::Removed, by)));
}

/// A page of members with their sessions' info; nothing of a super-large group, or one that keeps so many.
pub fn page(tx: &Tx, gid: Gid, page: &MemberPage) -> MembersFound {
    let group = tx.state.group(gid).expect("the caller found it");
    // Also where most of them are not there: a client may ask.
    if group.super_large || !quota::fits(group.members.len(), tx.rules.quotas.super_large_above) {
        return MembersFound { super_large: true, ..MembersFound::default() };
    }
    let beyond = |m: &&Arc<Member>| page.after.is_none_or(|after| if page.ascending { m.order > after } else { m.order < after });
    let mut members: Vec<_> = group.members.values().filter(beyond).collect();
    members.sort_unstable_by_key(|m| m.order);
    if !page.ascending {
        members.reverse();
    }
    let more = members.len() > page.limit as usize;
    members.truncate(page.limit as usize);
    let next = members.last().filter(|_| more).map(|m| m.order);
    let info = |m: &Member| m.sid.as_ref().and_then(|sid| tx.state.session(sid)).map_or_else(String::new, |s| s.session.info.clone());
    let members = members.into_iter().map(|m| MemberFound { user: m.user.clone(), info: info(m), joined: m.joined }).collect();
    MembersFound { members, next, super_large: false }
}

/// A group that grew over the limit keeps no lists until it was empty.
fn grew(tx: &mut Tx, gid: Gid) {
    let above = tx.rules.quotas.super_large_above;
    if tx.state.group(gid).is_some_and(|g| !g.super_large && !quota::fits(g.present.len(), above)) {
        tx.change(Change::SuperLarge(gid, true));
    }
}

/// Tells the others who came or went; of a super-large group only the counts, and seldom.
fn announce(tx: &mut Tx, gid: Gid, session: &Session, joined: bool) {
    let Some(group) = tx.state.group(gid) else { return };
    if !group.super_large {
        let who = push::Present::of(session);
        tx.push(Push::Presence { topic: Topic::Group(gid), joined, who: Arc::new(who) });
        return;
    }
    tx.count_later(gid);
}

/// The counts of a super-large group, now that their time has come.
pub fn push_count(tx: &mut Tx, gid: Gid) {
    let Some(group) = tx.state.group(gid) else { return };
    let (online, total) = (group.present.len() as u64, group.counters.joins);
    tx.push(Push::Count { gid, online, total, at: tx.now });
}

/// The members with their sessions' info, as `presence` shows them.
pub fn presence(tx: &Tx, app: &AppId, name: &GroupId) -> Result<Vec<push::Present>, Refusal> {
    let group = tx.state.live_group(app, name)?;
    if group.super_large {
        return Err(Refusal::TooLarge(name.to_string()));
    }
    let member = |m: &Arc<Member>| Some(push::Present::of(&tx.state.session(m.sid.as_ref()?)?.session));
    let there = group.present.iter().filter_map(|(_, user)| group.members.get(user));
    let members: Vec<push::Present> = there.filter_map(member).collect();
    // With long extensions the list alone would fill a connection's budget.
    if members.iter().map(push::Present::wire_size).sum::<usize>() > quota::MAX_RECOVERED_BYTES {
        return Err(Refusal::TooLarge(name.to_string()));
    }
    Ok(members)
}
