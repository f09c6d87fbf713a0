//! Who may not come into a group, and until when (`tencent.md` §4). A ban puts its user out; what becomes of a
//! ban or a mute whose time is over is here as well.

use super::{
    Gid, Millis, Refusal, UserId,
    group::{self, Group},
    membership,
    mute::{self, Until},
    quota,
    request::Actor,
    state::State,
    tx::{Deadline, Tx},
};
use std::collections::BTreeMap;

/// A later ban replaces an earlier one of the same user. The owner cannot be banned.
pub fn ban(tx: &mut Tx, gid: Gid, by: Actor, users: Vec<UserId>, until: Until) -> Result<(), Refusal> {
    let old = tx.state.group(gid).expect("the caller found it").config.clone();
    if users.iter().any(|user| old.owner == user.as_str()) {
        return Err(Refusal::NotAllowed(format!("ban {}, who owns group {}; change the owner first", old.owner, old.id)));
    }
    let mut bans: BTreeMap<UserId, Until> = list(&old, tx.now).into_iter().collect();
    bans.extend(users.iter().map(|user| (user.clone(), until)));
    let most = tx.rules.quotas.bans_per_group;
    if !quota::fits(bans.len(), most) {
        return Err(Refusal::TooManyBans(most));
    }
    if bans != old.bans {
        group::put(tx, Group { bans, ..(*old).clone() });
        tx.deadlines.push(Deadline::Group(gid));
    }
    users.iter().for_each(|user| membership::put_out(tx, gid, by.clone(), user));
    Ok(())
}

/// Who is not banned is no error.
pub fn lift(tx: &mut Tx, gid: Gid, users: &[UserId]) {
    let old = tx.state.group(gid).expect("the caller found it").config.clone();
    let bans: BTreeMap<UserId, Until> = old.bans.iter().filter(|(user, _)| !users.contains(user)).map(|(user, until)| (user.clone(), *until)).collect();
    if bans != old.bans {
        group::put(tx, Group { bans, ..(*old).clone() });
    }
}

/// The bans that are not over, by user.
pub fn list(group: &Group, now: Millis) -> Vec<(UserId, Until)> {
    group.bans.iter().filter(|(_, until)| !until.is_over(now)).map(|(user, until)| (user.clone(), *until)).collect()
}

/// When the next mute or ban of a group ends by itself, by the wall clock.
pub fn next_end(state: &State, gid: Gid) -> Option<Millis> {
    let group = &state.group(gid)?.config;
    let ends = group.mutes.users.values().chain(group.bans.values());
    ends.filter_map(|until| match until {
        Until::At(at) => Some(*at),
        Until::Forever => None,
    })
    .min()
}

/// Takes out the mutes and bans of a group that are over. Nobody depends on the moment: what is over counts no more.
pub fn due(tx: &mut Tx, gid: Gid) {
    let Some(group) = tx.state.group(gid).map(|group| group.config.clone()) else { return };
    if group.deleted.is_some() {
        return;
    }
    if group.bans.values().any(|until| until.is_over(tx.now)) {
        let bans = list(&group, tx.now).into_iter().collect();
        group::put(tx, Group { bans, ..(*group).clone() });
    }
    mute::end(tx, gid);
    // The wall clock may have been set back since: then it is looked at again.
    tx.deadlines.push(Deadline::Group(gid));
}
