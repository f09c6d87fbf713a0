//! Who rules over a group: its owner and its administrators, and how they become others (`tencent.md` §4).

use super::{
    AppId, Gid, Refusal, UserId,
    event::InGroup,
    group::{self, Group},
    kind::GroupKind,
    push::Push,
    quota,
    request::Actor,
    tx::Tx,
};

/// `most`: administrators that a group may have, as its asker's cloud counts; 0: any number. Who is one already,
/// or is none, is no error.
pub fn change_admins(tx: &mut Tx, gid: Gid, by: Actor, users: Vec<UserId>, add: bool, most: u32) -> Result<(), Refusal> {
    let old = tx.state.group(gid).expect("the caller found it").config.clone();
    let mut admins = old.admins.clone();
    if add {
        for user in users {
            if !admins.contains(&user) {
                admins.push(user);
            }
        }
        if admins.len() > old.admins.len() && !quota::fits(admins.len(), most) {
            return Err(Refusal::TooManyAdmins(most));
        }
    } else {
        admins.retain(|admin| !users.contains(admin));
    }
    if admins != old.admins {
        let group = group::put(tx, Group { admins, modified: tx.now, ..(*old).clone() });
        tx.push(Push::Info { gid, group, at: tx.now });
        tell_admins(tx, gid, &by, &old.admins);
    }
    Ok(())
}

/// Of the administrators, who is one now and was not before, and the other way round.
pub(super) fn tell_admins(tx: &mut Tx, gid: Gid, by: &Actor, before: &[UserId]) {
    let Some(now) = tx.state.group(gid).map(|group| group.config.admins.clone()) else { return };
    let without = |users: &[UserId], others: &[UserId]| -> Vec<UserId> { users.iter().filter(|user| !others.contains(user)).cloned().collect() };
    for (users, added) in [(without(before, &now), false), (without(&now, before), true)] {
        if !users.is_empty() {
            tx.group_event(gid, by.clone(), InGroup::AdminsChanged { users, added });
        }
    }
}

/// Hands the group over to a member. The owner so far becomes an ordinary one.
pub fn change_owner(tx: &mut Tx, gid: Gid, by: Actor, user: UserId) -> Result<(), Refusal> {
    let found = tx.state.group(gid).expect("the caller found it");
    let old = found.config.clone();
    if old.owner == user.as_str() {
        return Ok(());
    }
    if old.is_banned(&user, tx.now) {
        return Err(Refusal::Banned { user: user.to_string(), group: old.id.to_string() });
    }
    if !found.members.contains_key(&user) {
        return Err(Refusal::NoSuchMember { user: user.to_string(), group: old.id.to_string() });
    }
    let admins = old.admins.iter().filter(|admin| **admin != user).cloned().collect();
    let group = group::put(tx, Group { owner: user.to_string(), admins, modified: tx.now, ..(*old).clone() });
    tx.push(Push::Info { gid, group, at: tx.now });
    tx.group_event(gid, by, InGroup::OwnerChanged { from: old.owner.clone(), to: user });
    Ok(())
}

/// Groups of this kind that a user owns.
pub fn owned(tx: &Tx, app: &AppId, owner: &str, kind: GroupKind) -> u64 {
    let is_owned = |gid: &&Gid| tx.state.group(**gid).is_some_and(|g| g.config.owner == owner && g.config.kind == kind && g.config.deleted.is_none());
    tx.state.groups_in(app).filter(is_owned).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            Change, Millis, SessionId, State, Tick,
            event::Event,
            group::{Member, MemberKind},
            mute::Until,
            state::Rules,
        },
        fake,
    };
    use std::sync::Arc;

    fn user(name: &str) -> UserId {
        UserId::trusted(name)
    }

    fn ids(text: &str) -> Vec<UserId> {
        text.split_whitespace().map(user).collect()
    }

    /// The group 1, owned by `o`, with the members `m` and `a`, of whom `a` is an administrator.
    fn state() -> State {
        let mut state = State::default();
        state.apply(Change::Group(Arc::new(Group { owner: "o".into(), admins: ids("a"), ..fake::group(1, "demo", "g") })));
        for (order, name) in ["m", "a"].into_iter().enumerate() {
            let member = Member { user: user(name), sid: Some(SessionId::trusted(name)), kind: MemberKind::Live, joined: Millis(0), order: order as u64 };
            state.apply(Change::Member(Gid(1), Arc::new(member)));
        }
        state
    }

    /// What is told of it, and who rules then.
    fn ruled(state: &mut State, what: impl FnOnce(&mut Tx) -> Result<(), Refusal>) -> Result<(Vec<InGroup>, String), Refusal> {
        let rules = Rules::default();
        let mut tx = Tx::new(state, &rules, Millis(9), Tick(0));
        what(&mut tx)?;
        let told = tx.events.iter().map(|event| match event {
            Event::Group(event) => event.what.clone(),
            other => panic!("{other:?}"),
        });
        let told = told.collect();
        let group = &state.group(Gid(1)).unwrap().config;
        let admins: Vec<&str> = group.admins.iter().map(UserId::as_str).collect();
        Ok((told, format!("{}: {}", group.owner, admins.join(" "))))
    }

    #[test]
    fn administrators_are_added_and_deleted() {
        let mut state = state();
        let mut change = |users: &str, add, most| {
            let users = ids(users);
            ruled(&mut state, |tx| change_admins(tx, Gid(1), Actor::system(), users, add, most))
        };
        let told = |users: &str, added| vec![InGroup::AdminsChanged { users: ids(users), added }];
        assert_eq!(change("a b c", true, 3), Ok((told("b c", true), "o: a b c".into())));
        assert_eq!(change("d", true, 3), Err(Refusal::TooManyAdmins(3)));
        assert_eq!(change("a", true, 2), Ok((vec![], "o: a b c".into())), "who is one already needs no room");
        assert_eq!(change("b x", false, 1), Ok((told("b", false), "o: a c".into())));
        assert_eq!(change("d", true, 0), Ok((told("d", true), "o: a c d".into())));
    }

    #[test]
    fn a_group_is_handed_over_to_a_member_who_may_come() {
        let mut state = state();
        let hand = |state: &mut State, to: &str| ruled(state, |tx| change_owner(tx, Gid(1), Actor::system(), user(to)));
        assert!(matches!(hand(&mut state, "stranger"), Err(Refusal::NoSuchMember { .. })));
        assert_eq!(hand(&mut state, "o"), Ok((vec![], "o: a".into())));
        let told = |from: &str, to: &str| vec![InGroup::OwnerChanged { from: from.into(), to: user(to) }];
        assert_eq!(hand(&mut state, "a"), Ok((told("o", "a"), "a: ".into())), "it is no administrator any more");
        let group = state.group(Gid(1)).unwrap().config.clone();
        let bans = [(user("m"), Until::At(Millis(10))), (user("o"), Until::At(Millis(9)))].into();
        state.apply(Change::Group(Arc::new(Group { bans, ..(*group).clone() })));
        assert!(matches!(hand(&mut state, "m"), Err(Refusal::Banned { .. })));
        assert!(matches!(hand(&mut state, "o"), Err(Refusal::NoSuchMember { .. })), "its ban is over, but it is not there");
    }
}
