//! Who rules over a group: its owner and its administrators, and how they become others (`tencent.md` §4).

use super::{
    Gid, Refusal, UserId,
    event::InGroup,
    group::{self, Group},
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
    if old.bans.get(&user).is_some_and(|until| !until.is_over(tx.now)) {
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
