//! UserSigs that are worth nothing any more: those of a user that were made before it was kicked
//! (`tencent.md` §2.4). A newer one is good.

use super::{
    AppId, Millis, Refusal, UserId, session,
    state::{Change, State},
    tx::Tx,
};

/// What the user has until now is worth nothing, and its session ends.
pub fn revoke(tx: &mut Tx, app: &AppId, user: UserId) -> Result<(), Refusal> {
    let found = tx.state.app(app)?;
    if !tx.state.has_user(found, &user) {
        return Err(Refusal::NoSuchAccount(user.to_string()));
    }
    let most = tx.rules.quotas.revoked_users_per_app as usize;
    let kicked = tx.state.revoked.get(app);
    let surplus = if most > 0 && kicked.is_some_and(|kicked| kicked.len() >= most && !kicked.contains_key(&user)) {
        kicked.and_then(|kicked| kicked.iter().min_by_key(|(_, at)| **at)).map(|(user, _)| user.clone())
    } else {
        None
    };
    if let Some(oldest) = surplus {
        tx.change(Change::Revoked(app.clone(), oldest, None));
    }
    // A clock that was set back must not make good again what an earlier kick had taken.
    let at = tx.state.revoked.get(app).and_then(|kicked| kicked.get(&user)).map_or(tx.now.seconds(), |earlier| tx.now.seconds().max(*earlier));
    tx.change(Change::Revoked(app.clone(), user.clone(), Some(at)));
    session::force_off(tx, app, &user)
}

/// A business's clock may be ahead of ours by so much, in seconds.
const AHEAD: i64 = 600;

/// Is a UserSig worth nothing that was made then, when its user was kicked? All in unix seconds. One of the same second is
/// older than the kick, as far as anybody can tell; one from far ahead could be older than every kick.
pub fn revokes(kicked: i64, made: i64, now: i64) -> bool {
    made <= kicked || made > now.saturating_add(AHEAD)
}

impl State {
    /// Is a UserSig of the user worth nothing now that was made then, in unix seconds?
    pub fn is_revoked(&self, app: &AppId, user: &UserId, made: i64, now: Millis) -> bool {
        self.revoked.get(app).and_then(|kicked| kicked.get(user)).is_some_and(|kicked| revokes(*kicked, made, now.seconds()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Tick, account::Account, state::Rules},
        fake,
    };
    use std::sync::Arc;

    #[test]
    fn what_was_made_before_a_kick_is_worth_nothing_whatever_the_clock_does() {
        let (mut state, mut rules) = (State::default(), Rules::default());
        rules.quotas.revoked_users_per_app = 2;
        let (app, user) = (AppId::trusted("demo"), UserId::trusted);
        state.apply(Change::App(Arc::new(fake::app("demo"))));
        for name in ["ann", "bob", "carl"] {
            let account = Account { user: user(name), nick: String::new(), face_url: String::new() };
            state.apply(Change::Account(app.clone(), Arc::new(account)));
        }
        let mut kick = |name: &str, at: i64| revoke(&mut Tx::new(&mut state, &rules, Millis(at * 1_000), Tick(0)), &app, user(name)).unwrap();
        kick("ann", 1_000);
        kick("ann", 900); // the clock was set back
        kick("bob", 1_001);
        let revoked = |state: &State, name: &str, made: i64| state.is_revoked(&app, &user(name), made, Millis(1_100_000));
        let of_ann = [999, 1_000, 1_001, 1_700, 1_701, i64::MAX].map(|made| revoked(&state, "ann", made));
        assert_eq!(of_ann, [true, true, false, false, true, true]);
        assert!(!revoked(&state, "carl", 5) && !revoked(&state, "carl", i64::MAX), "nobody kicked it");
        revoke(&mut Tx::new(&mut state, &rules, Millis(1_002_000), Tick(0)), &app, user("carl")).unwrap();
        assert_eq!(["ann", "bob", "carl"].map(|name| revoked(&state, name, 500)), [false, true, true], "the oldest kick made room");
    }
}
