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

impl Group {
    pub fn is_banned(&self, user: &UserId, now: Millis) -> bool {
        mute::in_force(&self.bans, user, now)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Change, Tick, state::Rules},
        fake,
    };
    use std::sync::Arc;

    fn ids(text: &str) -> Vec<UserId> {
        text.split_whitespace().map(UserId::trusted).collect()
    }

    /// The group 1, owned by `o`.
    fn state() -> State {
        let mut state = State::default();
        state.apply(Change::Group(Arc::new(Group { owner: "o".into(), ..fake::group(1, "demo", "g") })));
        state
    }

    fn banned(state: &State, now: i64) -> Vec<String> {
        list(&state.group(Gid(1)).unwrap().config, Millis(now)).into_iter().map(|(user, _)| user.to_string()).collect()
    }

    #[test]
    fn bans_end_by_themselves_and_are_lifted() {
        let (mut state, rules) = (state(), Rules::default());
        let mut step = |now: i64, what: &dyn Fn(&mut Tx)| {
            let mut tx = Tx::new(&mut state, &rules, Millis(now), Tick(0));
            what(&mut tx);
            (banned(&state, now), next_end(&state, Gid(1)))
        };
        let ban_of = |tx: &mut Tx, users: &str, until| ban(tx, Gid(1), Actor::system(), ids(users), until).unwrap();
        assert_eq!(step(0, &|tx| ban_of(tx, "a b", Until::At(Millis(10)))), (vec!["a".into(), "b".into()], Some(Millis(10))));
        assert_eq!(step(1, &|tx| ban_of(tx, "b", Until::At(Millis(5)))), (vec!["a".into(), "b".into()], Some(Millis(5))), "the later counts");
        assert_eq!(step(5, &|_| {}), (vec!["a".into()], Some(Millis(5))), "over, and not yet taken out");
        assert_eq!(step(5, &|tx| due(tx, Gid(1))), (vec!["a".into()], Some(Millis(10))));
        assert_eq!(step(6, &|tx| ban_of(tx, "c", Until::Forever)), (vec!["a".into(), "c".into()], Some(Millis(10))));
        assert_eq!(step(7, &|tx| lift(tx, Gid(1), &ids("a x"))), (vec!["c".into()], None));
        assert_eq!(step(i64::MAX, &|tx| due(tx, Gid(1))), (vec!["c".into()], None));
    }

    #[test]
    fn the_owner_cannot_be_banned_nor_too_many() {
        let (mut state, mut rules) = (state(), Rules::default());
        rules.quotas.bans_per_group = 2;
        let mut tx = Tx::new(&mut state, &rules, Millis(0), Tick(0));
        let mut ban_of = |users: &str| ban(&mut tx, Gid(1), Actor::system(), ids(users), Until::Forever);
        assert!(matches!(ban_of("a o"), Err(Refusal::NotAllowed(_))));
        assert_eq!(ban_of("a b"), Ok(()));
        assert_eq!(ban_of("b"), Ok(()));
        assert_eq!(ban_of("c"), Err(Refusal::TooManyBans(2)));
        assert_eq!(banned(&state, 0), ["a", "b"]);
    }
}
