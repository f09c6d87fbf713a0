//! Who may not speak in a group (`alibaba.md` §2.3). The mute of the whole group, with its white list,
//! and the mute of single users are independent; creator and administrators are never muted.

use super::{
    Gid, Millis, Refusal, UserId,
    event::InGroup,
    group::{self, Group},
    push::Push,
    quota::{self, MUTES_PUSHED},
    request::Actor,
    tx::{Deadline, Tx},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How long a mute or a ban lasts, by the wall clock: it outlives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    At(Millis),
    Forever,
}

impl Until {
    pub fn is_over(self, now: Millis) -> bool {
        matches!(self, Until::At(at) if at <= now)
    }
}

/// Is the user among them, and its time not over?
pub(super) fn in_force(users: &BTreeMap<UserId, Until>, user: &UserId, now: Millis) -> bool {
    users.get(user).is_some_and(|until| !until.is_over(now))
}

/// The mute state of a group, stored with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mutes {
    pub all: bool,
    pub users: BTreeMap<UserId, Until>,
    /// The white list of the group mute; it ends with it.
    pub except: BTreeSet<UserId>,
}

impl Mutes {
    /// Without the mutes that are over by then.
    pub fn at(&self, now: Millis) -> Mutes {
        let mut mutes = self.clone();
        mutes.users.retain(|_, until| !until.is_over(now));
        mutes
    }
}

impl Group {
    pub fn is_muted(&self, user: &UserId, now: Millis) -> bool {
        let mutes = &self.mutes;
        let single = in_force(&mutes.users, user, now);
        !self.rules_over(user) && (single || (mutes.all && !mutes.except.contains(user)))
    }
}

/// One change of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MuteChange {
    /// Everybody but these; a later one replaces the white list.
    MuteAll {
        except: Vec<UserId>,
    },
    UnmuteAll,
    /// Until they are unmuted.
    Mute(Vec<UserId>),
    /// A later mute of a user replaces an earlier one.
    MuteUntil(Vec<UserId>, Millis),
    Unmute(Vec<UserId>),
    /// What is given replaces what was; `None` stays as it is.
    Set {
        all: Option<bool>,
        users: Option<Vec<UserId>>,
        except: Option<Vec<UserId>>,
    },
}

/// Changes the mutes of a live group and tells its members; what changes nothing is told nobody.
pub fn change(tx: &mut Tx, gid: Gid, by: Actor, change: MuteChange) -> Result<(), Refusal> {
    let before = tx.state.group(gid).expect("the caller found it").config.clone();
    let old = before.mutes.clone();
    let mut mutes = old.at(tx.now);
    let mute = |mutes: &mut Mutes, users: Vec<UserId>, until: Until| mutes.users.extend(users.into_iter().map(|user| (user, until)));
    match change {
        MuteChange::MuteAll { except } => {
            mutes.all = true;
            mutes.except = except.into_iter().collect();
        }
        MuteChange::UnmuteAll => mutes.all = false,
        MuteChange::Mute(users) => mute(&mut mutes, users, Until::Forever),
        MuteChange::MuteUntil(users, at) => mute(&mut mutes, users, Until::At(at)),
        MuteChange::Unmute(users) => mutes.users.retain(|user, _| !users.contains(user)),
        MuteChange::Set { all, users, except } => {
            mutes.all = all.unwrap_or(mutes.all);
            if let Some(users) = users {
                mutes.users.clear();
                mute(&mut mutes, users, Until::Forever);
            }
            if let Some(except) = except {
                mutes.except = except.into_iter().collect();
            }
        }
    }
    let most = tx.rules.quotas.mutes_per_group;
    if !quota::fits(mutes.users.len(), most) || !quota::fits(mutes.except.len(), most) {
        return Err(Refusal::TooManyMutes(most));
    }
    let all = mutes.all;
    put(tx, gid, mutes);
    if all != old.all {
        tx.group_event(gid, by, InGroup::Changed { before });
    }
    Ok(())
}

/// Mutes everybody, or no more; who is excepted stays so. True: it was otherwise before.
pub fn set_all(tx: &mut Tx, gid: Gid, all: bool) -> bool {
    let Some(old) = tx.state.group(gid).map(|group| group.config.mutes.clone()) else { return false };
    let changes = old.all != all;
    put(tx, gid, Mutes { all, ..old });
    changes
}

/// Takes out the mutes that are over.
pub fn end(tx: &mut Tx, gid: Gid) {
    if let Some(mutes) = tx.state.group(gid).map(|group| group.config.mutes.at(tx.now)) {
        put(tx, gid, mutes);
    }
}

fn put(tx: &mut Tx, gid: Gid, mut mutes: Mutes) {
    if !mutes.all {
        mutes.except.clear();
    }
    let Some(found) = tx.state.group(gid) else { return };
    let (group, super_large) = (found.config.clone(), found.super_large);
    if mutes == group.mutes {
        return;
    }
    group::put(tx, Group { mutes: mutes.clone(), ..(*group).clone() });
    let lists = !super_large && mutes.users.len() + mutes.except.len() <= MUTES_PUSHED;
    tx.push(Push::Mutes { gid, mutes: Arc::new(mutes), lists, at: tx.now });
    tx.deadlines.push(Deadline::Group(gid));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change, State, Tick, state::Rules};

    fn ids(text: &str) -> Vec<UserId> {
        text.split_whitespace().map(UserId::trusted).collect()
    }

    /// The group `g`, made by `c` with the administrator `a`.
    fn state() -> State {
        let mut state = State::default();
        let group = Group { owner: "c".into(), admins: ids("a"), ..crate::fake::group(1, "demo", "g") };
        state.apply(Change::Group(Arc::new(group)));
        state
    }

    #[test]
    fn the_two_kinds_of_mute_are_independent() {
        use MuteChange::*;
        let set = |all, users: Option<&str>, except: Option<&str>| Set { all, users: users.map(ids), except: except.map(ids) };
        // Each step goes on from the one before: the change, and who of c a u1 u2 u3 is muted then.
        let steps = [
            (Mute(ids("u1 c a")), "u1"),
            (MuteAll { except: ids("u1 u2") }, "u1 u3"),
            (Unmute(ids("u1")), "u3"),
            (MuteAll { except: ids("u3") }, "u1 u2"),
            (Mute(ids("u3")), "u1 u2 u3"),
            (UnmuteAll, "u3"),
            (set(Some(true), None, None), "u1 u2 u3"),
            (set(None, Some("u1"), Some("u1 u2")), "u1 u3"),
            (set(Some(false), None, Some("u2")), "u1"),
            (set(Some(true), Some(""), None), "u1 u2 u3"),
            (UnmuteAll, ""),
        ];
        let (mut state, rules) = (state(), Rules::default());
        for (step, muted) in steps {
            let mut tx = Tx::new(&mut state, &rules, Millis(0), Tick(0));
            change(&mut tx, Gid(1), Actor::system(), step.clone()).unwrap();
            let group = &state.group(Gid(1)).unwrap().config;
            let got: Vec<UserId> = ids("c a u1 u2 u3").into_iter().filter(|user| group.is_muted(user, Millis(0))).collect();
            assert_eq!(got, ids(muted), "{step:?}");
        }
    }

    #[test]
    fn a_mute_ends_by_itself() {
        use MuteChange::*;
        let (mut state, rules) = (state(), Rules::default());
        for step in [MuteUntil(ids("u1 u2"), Millis(10)), MuteUntil(ids("u1"), Millis(5)), Mute(ids("u3"))] {
            change(&mut Tx::new(&mut state, &rules, Millis(0), Tick(0)), Gid(1), Actor::system(), step).unwrap();
        }
        for (now, muted) in [(0, "u1 u2 u3"), (4, "u1 u2 u3"), (5, "u2 u3"), (10, "u3")] {
            let group = state.group(Gid(1)).unwrap().config.clone();
            assert_eq!(ids("u1 u2 u3").into_iter().filter(|user| group.is_muted(user, Millis(now))).collect::<Vec<_>>(), ids(muted), "{now}");
            assert_eq!(group.mutes.at(Millis(now)).users.into_keys().collect::<Vec<_>>(), ids(muted), "{now}");
            end(&mut Tx::new(&mut state, &rules, Millis(now), Tick(0)), Gid(1));
            assert_eq!(state.group(Gid(1)).unwrap().config.mutes.users.keys().cloned().collect::<Vec<_>>(), ids(muted), "{now}");
        }
    }

    #[test]
    fn a_group_mutes_only_so_many() {
        let (mut state, mut rules) = (state(), Rules::default());
        rules.quotas.mutes_per_group = 2;
        let mut tx = Tx::new(&mut state, &rules, Millis(0), Tick(0));
        change(&mut tx, Gid(1), Actor::system(), MuteChange::Mute(ids("u1 u2"))).unwrap();
        assert_eq!(change(&mut tx, Gid(1), Actor::system(), MuteChange::Mute(ids("u3"))), Err(Refusal::TooManyMutes(2)));
        assert_eq!(change(&mut tx, Gid(1), Actor::system(), MuteChange::MuteAll { except: ids("u1 u2 u3") }), Err(Refusal::TooManyMutes(2)));
    }

    #[test]
    fn who_is_told_of_long_lists_asks_for_them() {
        let (mut state, rules) = (state(), Rules::default());
        let conn = crate::domain::ConnRef { hub: 0, slot: 0, generation: 0 };
        state.apply(Change::Attached(crate::domain::Topic::Group(Gid(1)), UserId::trusted("u1"), Some(conn)));
        let told = |state: &mut State, users: std::ops::Range<usize>| {
            let mut tx = Tx::new(state, &rules, Millis(0), Tick(0));
            change(&mut tx, Gid(1), Actor::system(), MuteChange::Mute(users.map(|n| UserId::trusted(&format!("u{n}"))).collect())).unwrap();
            tx.pushes.iter().map(|(_, push)| matches!(push, Push::Mutes { lists: true, .. })).collect::<Vec<_>>()
        };
        assert_eq!(told(&mut state, 0..MUTES_PUSHED), [true]);
        assert_eq!(told(&mut state, 0..1), [false; 0], "nothing changed");
        assert_eq!(told(&mut state, 0..MUTES_PUSHED + 1), [false]);
        state.apply(Change::Group(Arc::new(Group { mutes: Mutes::default(), ..(*state.group(Gid(1)).unwrap().config).clone() })));
        state.apply(Change::SuperLarge(Gid(1), true));
        assert_eq!(told(&mut state, 0..1), [false]);
    }
}
