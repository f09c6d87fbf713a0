//! The users that an application knows: those it imported, and those who logged in by a UserSig (`tencent.md`
//! §5.5). One who has a session is a user whatever its login; an administrator is one always.

use super::{
    AppId, Refusal, UserId,
    app::App,
    event::Leaving,
    quota,
    request::Actor,
    revocation, roster,
    session::Link,
    state::{Change, State},
    tx::Tx,
};
use std::sync::Arc;

/// A user, as its application describes it. Lengths were checked by the dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub user: UserId,
    pub nick: String,
    pub face_url: String,
}

/// Whether somebody can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserState {
    /// `None`: it has no session.
    pub linked: Option<Linked>,
    /// As its login named it.
    pub device: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    Online,
    /// Its connection is lost, and it may come back.
    Lost,
}

impl State {
    /// Is there such a user?
    pub fn has_user(&self, app: &App, user: &UserId) -> bool {
        self.accounts.get(&app.id).is_some_and(|accounts| accounts.contains_key(user))
            || self.session_of(&app.id, user).is_some()
            || app.administrators.iter().any(|name| name == user.as_str())
    }
}

/// For each whether there was room. Who is there already is described anew.
pub fn import(tx: &mut Tx, app: &AppId, accounts: Vec<Account>) -> Result<Vec<(UserId, bool)>, Refusal> {
    tx.state.app(app)?;
    let most = tx.rules.quotas.accounts_per_app;
    let mut done = Vec::with_capacity(accounts.len());
    for account in accounts {
        let known = tx.state.accounts.get(app);
        let there = known.and_then(|known| known.get(&account.user)).cloned();
        let room = there.is_some() || quota::room(known.map_or(0, |known| known.len()), most);
        done.push((account.user.clone(), room));
        if room && there.as_deref() != Some(&account) {
            tx.change(Change::Account(app.clone(), Arc::new(account)));
        }
    }
    Ok(done)
}

/// It is a user from now on, if it was none and there is room.
pub fn import_plain(tx: &mut Tx, app: &AppId, user: &UserId) -> Result<(), Refusal> {
    if tx.state.accounts.get(app).is_some_and(|accounts| accounts.contains_key(user)) {
        return Ok(());
    }
    let account = Account { user: user.clone(), nick: String::new(), face_url: String::new() };
    let done = import(tx, app, vec![account])?;
    if done.iter().all(|(_, room)| *room) { Ok(()) } else { Err(Refusal::TooManyAccounts(tx.rules.quotas.accounts_per_app)) }
}

/// Will [`must_be`] find it, or make it, unless there is no room?
pub fn may_be(tx: &Tx, app: &App, user: &UserId) -> Result<(), Refusal> {
    if app.chat.auto_import || tx.state.has_user(app, user) { Ok(()) } else { Err(Refusal::NoSuchAccount(user.to_string())) }
}

/// The user has to be there, or, where the application wants that, becomes one by being named.
pub fn must_be(tx: &mut Tx, app: &AppId, user: &UserId) -> Result<(), Refusal> {
    let found = tx.state.app(app)?.clone();
    may_be(tx, &found, user)?;
    if tx.state.has_user(&found, user) { Ok(()) } else { import_plain(tx, app, user) }
}

/// For each whether there was one. Nothing of what it has is worth anything afterwards.
pub fn delete(tx: &mut Tx, app: &AppId, users: Vec<UserId>, by: &Actor) -> Result<Vec<(UserId, bool)>, Refusal> {
    tx.state.app(app)?;
    let mut done = Vec::with_capacity(users.len());
    for user in users {
        let there = tx.state.accounts.get(app).is_some_and(|accounts| accounts.contains_key(&user));
        if there {
            revocation::revoke(tx, app, user.clone())?;
            for gid in tx.state.kept_groups_of(app, &user) {
                roster::dismiss(tx, gid, by.clone(), std::slice::from_ref(&user), Leaving::Quit);
            }
            tx.change(Change::AccountGone(app.clone(), user.clone()));
        }
        done.push((user, there));
    }
    Ok(done)
}

/// For each how it is to be reached; `None`: there is no such user.
pub fn states(tx: &Tx, app: &AppId, users: Vec<UserId>) -> Result<Vec<(UserId, Option<UserState>)>, Refusal> {
    let found = tx.state.app(app)?;
    let state = |user: &UserId| {
        if !tx.state.has_user(found, user) {
            return None;
        }
        let session = tx.state.session_of(app, user).map(|s| &s.session);
        let linked = session.and_then(|session| tx.state.link(&session.sid)).map(|link| match link {
            Link::Attached { .. } => Linked::Online,
            Link::Lost { .. } => Linked::Lost,
        });
        Some(UserState { linked, device: session.map_or_else(String::new, |session| session.device.clone()) })
    };
    Ok(users.into_iter().map(|user| (user.clone(), state(&user))).collect())
}
