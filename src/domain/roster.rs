//! The members of a group that keeps them (`tencent.md` §5): added, changed, listed, dismissed. Whether one of them is
//! there at a moment is `membership.rs`; so is everything about groups whose members are in it while they are there.

use super::{
    AppId, Gid, Named, Refusal, Topic, UserId, account, audience,
    event::{InGroup, Joining, Leaving},
    group::{self, Group, GroupState, Member, MemberKind},
    kind::{Card, GroupKind, JoinOption, MemberChange, MemberInfo, NewMember, Rank, merge},
    membership,
    mute::{self, MuteChange, Until},
    push::Unsubscribed,
    quota,
    request::{Actor, Added, JoinedFound, JoinedPage, RosterFound, RosterPage},
    ruling,
    session::Session,
    state::{Change, State},
    tx::Tx,
};
use std::{collections::BTreeMap, sync::Arc};

/// Administrators that a group may have which keeps its members: so many may come with a new one. Undocumented; they go
/// with the group object, and are looked through for each member.
const MOST_ADMINS: u32 = 100;

impl Group {
    pub fn rank_of(&self, user: &UserId) -> Rank {
        if self.owner == user.as_str() {
            Rank::Owner
        } else if self.admins.contains(user) {
            Rank::Admin
        } else {
            Rank::Member
        }
    }
}

/// Members that the group may have; 0: any number.
fn most_members(tx: &Tx, group: &Group) -> u32 {
    let quotas = &tx.rules.quotas;
    let most = match group.kind {
        GroupKind::AvChatRoom => return group.room.max_members,
        GroupKind::Community => quotas.members_per_community,
        GroupKind::Work | GroupKind::Public | GroupKind::Meeting => quotas.members_per_group,
    };
    [most, group.room.max_members].into_iter().filter(|most| *most > 0).min().unwrap_or(0)
}

/// Is there no room for one more?
pub(super) fn is_full(tx: &Tx, group: &GroupState) -> bool {
    !quota::room(group.members.len(), most_members(tx, &group.config))
}

/// May the user join by itself?
pub(super) fn may_apply(tx: &Tx, group: &Group, user: &UserId) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::NotAllowed(format!("join group {}: {why}", group.id)));
    if !group.kind.keeps_members() || group.rules_over(user) {
        return Ok(());
    }
    match (group.kind, group.join_option) {
        (GroupKind::Work, _) => refused("its members are invited"),
        (_, JoinOption::NeedPermission) => refused("the business has to let a user in"),
        (_, JoinOption::Disabled) => refused("it takes nobody in"),
        (_, JoinOption::Free) => room_for_user(tx, &group.app, user),
    }
}

fn room_for_user(tx: &Tx, app: &AppId, user: &UserId) -> Result<(), Refusal> {
    let most = tx.rules.quotas.kept_groups_per_user;
    if quota::room(tx.state.kept_groups_of(app, user).len(), most) { Ok(()) } else { Err(Refusal::TooManyJoined(most)) }
}

/// A new member, who is there with this session, or not.
pub(super) fn put_new(tx: &mut Tx, gid: Gid, user: &UserId, session: Option<&Session>, data: BTreeMap<String, String>) {
    let Some(group) = tx.state.group(gid) else { return };
    let mut counters = group.counters.clone();
    counters.joins += 1;
    let card = Card { seen: counters.top, data, ..Card::default() };
    let kind = if group.config.kind.keeps_members() { MemberKind::Kept(Box::new(card)) } else { MemberKind::Live };
    let member = Member { user: user.clone(), sid: session.map(|session| session.sid.clone()), kind, joined: tx.now, order: tx.state.next_order() };
    tx.change(Change::Counters(gid, counters));
    tx.change(Change::Member(gid, Arc::new(member)));
}

/// The group has a member more.
pub(super) fn tell_full(tx: &mut Tx, gid: Gid, by: &Actor) {
    if tx.state.group(gid).is_some_and(|group| is_full(tx, group)) {
        tx.group_event(gid, by.clone(), InGroup::Full);
    }
}

/// The first members of a group that was just made.
pub(super) fn found(tx: &mut Tx, gid: Gid, members: Vec<NewMember>) -> Result<(), Refusal> {
    let Some(group) = tx.state.group(gid).map(|group| group.config.clone()) else { return Ok(()) };
    let admins: Vec<UserId> = members.iter().filter(|member| member.admin).map(|member| member.user.clone()).collect();
    let owner = UserId::new(&group.owner).ok().map(|user| NewMember { user, admin: false, data: BTreeMap::new() });
    for NewMember { user, data, .. } in owner.into_iter().chain(members) {
        let there = tx.state.group(gid).is_some_and(|group| group.members.contains_key(&user));
        if !there {
            account::must_be(tx, &group.app, &user)?;
            room_for_user(tx, &group.app, &user)?;
            if tx.state.group(gid).is_some_and(|group| is_full(tx, group)) {
                return Err(Refusal::GroupFull(group.id.to_string()));
            }
            put_new(tx, gid, &user, None, data);
        }
    }
    let admins = admins.into_iter().filter(|user| group.owner != user.as_str()).collect::<Vec<_>>();
    if !admins.is_empty() {
        group::put(tx, Group { admins, ..(*group).clone() });
    }
    Ok(())
}

/// Each by itself: who is in already, who is no user and for whom there is no room is told so.
pub fn add(tx: &mut Tx, gid: Gid, by: Actor, members: Vec<NewMember>) -> Result<Vec<(UserId, Added)>, Refusal> {
    let group = tx.state.group(gid).expect("the caller found it").config.clone();
    if !group.kind.keeps_members() {
        return Err(Refusal::NotAllowed(format!("add members to group {}: users come into a live room by themselves", group.id)));
    }
    let (mut done, mut came, mut no_room) = (Vec::with_capacity(members.len()), Vec::new(), false);
    for NewMember { user, data, .. } in members {
        let found = tx.state.group(gid).expect("it was found above");
        let added = if found.members.contains_key(&user) {
            Added::Already
        } else if is_full(tx, found) {
            no_room = true;
            Added::Refused
        } else if account::must_be(tx, &group.app, &user).and_then(|()| room_for_user(tx, &group.app, &user)).is_err() {
            Added::Refused
        } else {
            put_new(tx, gid, &user, None, data);
            came.push(user.clone());
            Added::Now
        };
        done.push((user, added));
    }
    if came.is_empty() && no_room {
        tx.group_event(gid, by, InGroup::Full);
        return if done.iter().all(|(_, added)| *added == Added::Refused) { Err(Refusal::GroupFull(group.id.to_string())) } else { Ok(done) };
    }
    if !came.is_empty() {
        tx.group_event(gid, by.clone(), InGroup::Joined { users: came, how: Joining::Invited });
        tell_full(tx, gid, &by);
    }
    Ok(done)
}

/// They are members no more. Who is none is no error.
pub fn dismiss(tx: &mut Tx, gid: Gid, by: Actor, users: &[UserId], how: Leaving) {
    let Some(group) = tx.state.group(gid).map(|group| group.config.clone()) else { return };
    let mut gone = Vec::new();
    for user in users {
        let Some(member) = tx.state.group(gid).and_then(|group| group.members.get(user)).cloned() else { continue };
        if let Some(session) = member.sid.as_ref().and_then(|sid| tx.state.session(sid)).map(|state| state.session.clone()) {
            audience::put_out(tx, Topic::Group(gid), Named::Group(group.id.clone()), user, Unsubscribed::Removed);
            membership::go(tx, &session, gid);
        }
        tx.change(Change::MemberGone(gid, user.clone()));
        gone.push(user.clone());
    }
    if gone.is_empty() {
        return;
    }
    if gone.iter().any(|user| group.rules_over(user)) {
        let owner = if gone.iter().any(|user| group.owner == user.as_str()) { String::new() } else { group.owner.clone() };
        let admins = group.admins.iter().filter(|admin| !gone.contains(admin)).cloned().collect();
        group::put(tx, Group { owner, admins, ..(*group).clone() });
    }
    tx.group_event(gid, by, InGroup::Left { users: gone, how });
}

/// The business puts them out. Its owner has to hand the group over first.
pub fn put_out(tx: &mut Tx, gid: Gid, by: Actor, users: &[UserId]) -> Result<(), Refusal> {
    let group = &tx.state.group(gid).expect("the caller found it").config;
    if users.iter().any(|user| group.owner == user.as_str()) {
        return Err(Refusal::NotAllowed(format!("put {}, who owns group {}, out of it; change the owner first", group.owner, group.id)));
    }
    dismiss(tx, gid, by, users, Leaving::Kicked);
    Ok(())
}

/// A user leaves for good.
pub fn quit(tx: &mut Tx, gid: Gid, by: Actor, user: &UserId) -> Result<(), Refusal> {
    let group = tx.state.group(gid).expect("the caller found it");
    let name = group.config.id.to_string();
    if !group.members.contains_key(user) {
        return Err(Refusal::NotInGroup(name));
    }
    match group.config.kind.keeps_members() {
        true if group.config.owner == user.as_str() => return Err(Refusal::OwnerCannotQuit(name)),
        true => dismiss(tx, gid, by, std::slice::from_ref(user), Leaving::Quit),
        false => membership::put_out(tx, gid, by, user),
    }
    Ok(())
}

/// All or nothing.
pub fn change(tx: &mut Tx, gid: Gid, by: Actor, user: UserId, change: MemberChange) -> Result<(), Refusal> {
    let group = tx.state.group(gid).expect("the caller found it");
    let (config, MemberChange { admin, flag, name_card, data, mute }) = (group.config.clone(), change);
    let Some(member) = group.members.get(&user).cloned() else {
        return Err(Refusal::NoSuchMember { user: user.to_string(), group: config.id.to_string() });
    };
    if let Some(add) = admin {
        if config.owner == user.as_str() {
            return Err(Refusal::NotAllowed(format!("change the role of {user}, who owns group {}; change the owner instead", config.id)));
        }
        ruling::change_admins(tx, gid, by.clone(), vec![user.clone()], add, MOST_ADMINS)?;
    }
    if let Some(mute) = mute {
        let users = vec![user.clone()];
        mute::change(
            tx,
            gid,
            by,
            match mute {
                None => MuteChange::Unmute(users),
                Some(Until::Forever) => MuteChange::Mute(users),
                Some(Until::At(at)) => MuteChange::MuteUntil(users, at),
            },
        )?;
    }
    if let MemberKind::Kept(old) = &member.kind {
        let mut card = old.clone();
        card.flag = flag.unwrap_or(card.flag);
        card.name = name_card.unwrap_or(card.name);
        merge(&mut card.data, data.unwrap_or_default(), tx.rules.quotas.member_data_keys)?;
        put_card(tx, gid, &member, card);
    }
    Ok(())
}

/// The member has said something.
pub(super) fn said(tx: &mut Tx, gid: Gid, user: &UserId) {
    if let Some(member) = tx.state.group(gid).and_then(|group| group.members.get(user)).cloned()
        && let MemberKind::Kept(old) = &member.kind
    {
        let card = Card { last_said: Some(tx.now), ..(**old).clone() };
        put_card(tx, gid, &member, Box::new(card));
    }
}

fn put_card(tx: &mut Tx, gid: Gid, member: &Arc<Member>, card: Box<Card>) {
    let kind = MemberKind::Kept(card);
    if kind != member.kind {
        tx.change(Change::Member(gid, Arc::new(Member { kind, ..(**member).clone() })));
    }
}

fn describe(tx: &Tx, group: &Group, member: &Member) -> MemberInfo {
    let muted = group.mutes.users.get(&member.user).copied().filter(|until| !until.is_over(tx.now));
    let card = match &member.kind {
        MemberKind::Kept(card) => (**card).clone(),
        MemberKind::Live => Card::default(),
    };
    let Card { name, flag, data, seen, last_said } = card;
    MemberInfo { user: member.user.clone(), rank: group.rank_of(&member.user), joined: member.joined, seen, flag, last_said, muted, name_card: name, data }
}

pub fn page(tx: &Tx, gid: Gid, page: &RosterPage) -> RosterFound {
    let group = tx.state.group(gid).expect("the caller found it");
    let fits =
        |m: &&Arc<Member>| page.after.is_none_or(|after| m.order > after) && (page.ranks.is_empty() || page.ranks.contains(&group.config.rank_of(&m.user)));
    let mut members: Vec<_> = group.members.values().filter(fits).collect();
    let (skip, limit) = (usize::try_from(page.skip).unwrap_or(usize::MAX), page.limit as usize);
    let end = skip.saturating_add(limit);
    let more = members.len() > end;
    if more {
        // A community has many, and a page few: those behind it need no order.
        members.select_nth_unstable_by_key(end, |m| m.order);
        members.truncate(end);
    }
    members.sort_unstable_by_key(|m| m.order);
    let shown: Vec<_> = members.into_iter().skip(skip).collect();
    let next = shown.last().filter(|_| more).map(|m| m.order);
    let members = shown.into_iter().map(|m| describe(tx, &group.config, m)).collect();
    RosterFound { members, total: group.members.len() as u64, next }
}

pub fn ranks(tx: &Tx, gid: Gid, users: Vec<UserId>) -> Vec<(UserId, Option<Rank>)> {
    let group = tx.state.group(gid).expect("the caller found it");
    users.into_iter().map(|user| (user.clone(), group.members.contains_key(&user).then(|| group.config.rank_of(&user)))).collect()
}

/// The groups of a user, those that keep it first.
pub fn joined(tx: &Tx, page: &JoinedPage) -> Result<JoinedFound, Refusal> {
    let app = tx.state.app(&page.app)?;
    if !tx.state.has_user(app, &page.user) {
        return Err(Refusal::NoSuchAccount(page.user.to_string()));
    }
    let mut gids = tx.state.kept_groups_of(&page.app, &page.user);
    if page.live {
        gids.extend(live_groups_of(tx.state, &page.app, &page.user));
    }
    let groups: Vec<_> =
        gids.into_iter().filter_map(|gid| tx.state.group(gid)).filter(|group| page.kind.is_none_or(|kind| group.config.kind == kind)).collect();
    let total = groups.len() as u64;
    let shown = groups.into_iter().skip(usize::try_from(page.skip).unwrap_or(usize::MAX)).take(page.limit as usize);
    let groups = shown.filter_map(|group| Some((group.describe(tx.now), describe(tx, &group.config, group.members.get(&page.user)?)))).collect();
    Ok(JoinedFound { groups, total })
}

fn live_groups_of(state: &State, app: &AppId, user: &UserId) -> Vec<Gid> {
    let session = state.session_of(app, user).map(|s| s.session.sid.clone());
    let groups = session.map(|sid| state.groups_of(&sid)).unwrap_or_default();
    groups.into_iter().map(|(gid, _)| gid).filter(|gid| state.is_live_room(*gid)).collect()
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
