//! UserSigs that are worth nothing any more: those of a user that were made before it was kicked
//! (`tencent.md` §2.4). A newer one is good.

use super::{
    AppId, Refusal, UserId, session,
    state::{Change, State},
    tx::Tx,
};

/// What the user has until now is worth nothing, and its session ends.
pub fn revoke(tx: &mut Tx, app: &AppId, user: UserId) -> Result<(), Refusal> {
    tx.state.app(app)?;
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
    tx.change(Change::Revoked(app.clone(), user.clone(), Some(tx.now.seconds())));
    session::force_off(tx, app, &user)
}

impl State {
    /// Is a UserSig of the user worth nothing that was made then, in unix seconds? One of the same second is older
    /// than the kick, as far as anybody can tell.
    pub fn is_revoked(&self, app: &AppId, user: &UserId, made: i64) -> bool {
        self.revoked.get(app).and_then(|kicked| kicked.get(user)).is_some_and(|at| made <= *at)
    }
}
