//! Messages to one user (`session.md` §6, `alibaba.md` §2.4). They reach a client that is connected at
//! this moment; there is no offline delivery. A reliable one is done when the client has confirmed it.

use super::{
    AppId, ConnRef, Millis, Refusal, SessionId, State, Tid, UserId,
    message::{Draft, Sender},
    push::Push,
    request::{Deleter, Said},
    session::Link,
    state::Change,
    tx::Tx,
};
use std::sync::Arc;

/// A reliable message that is not confirmed within this, in ms, has failed (`alibaba.md` §2.4).
pub const ACK_WITHIN: u64 = 3_000;
/// A message that is not to be stored leaves a row without its body for so long, in ms: deleting it finds it by that.
pub const TRACE_KEPT: i64 = 24 * 3_600_000;

/// What somebody wants to say to one user. Of the draft, weight and increase mean nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectDraft {
    pub receiver: UserId,
    pub draft: Draft,
    /// Done only when the receiver's client has confirmed it.
    pub reliable: bool,
}

/// A committed message to one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direct {
    pub app: AppId,
    pub receiver: UserId,
    /// Unique for the receiver: sent again with the same id, it replaces the one before.
    pub tid: Tid,
    pub kind: i32,
    pub body: String,
    pub sender: UserId,
    pub sender_info: String,
    pub at: Millis,
    pub stored: bool,
    /// What the client is to confirm it by.
    pub ack: Option<Tid>,
}

impl Direct {
    /// What its sender is answered.
    pub fn said(&self) -> Said {
        Said { tid: self.tid.clone(), seq: None, at: self.at, dropped: false }
    }
}

/// Sends it to the receiver's connection; returns the session, too. `fresh` names it if the sender did not; `ack` is what a
/// reliable one is confirmed by.
pub fn send(tx: &mut Tx, app: &AppId, sender: Sender, draft: DirectDraft, fresh: Tid, ack: Tid) -> Result<(SessionId, Arc<Direct>), Refusal> {
    tx.state.app(app)?;
    let DirectDraft { receiver, draft, reliable } = draft;
    draft.check(&tx.rules.quotas)?;
    let (sid, conn) = connection(tx.state, app, &receiver)?;
    let direct = Arc::new(Direct {
        app: app.clone(),
        receiver,
        tid: draft.tid.unwrap_or(fresh),
        kind: draft.kind,
        body: draft.body,
        sender: sender.user,
        sender_info: sender.info,
        at: tx.now,
        stored: !draft.no_storage,
        ack: reliable.then_some(ack),
    });
    tx.change(Change::Direct(direct.clone()));
    tx.push(Push::Direct { conn, message: direct.clone() });
    Ok((sid, direct))
}

/// The user's session and the connection it has at this moment.
pub fn connection(state: &State, app: &AppId, user: &UserId) -> Result<(SessionId, ConnRef), Refusal> {
    let sid = state.session_of(app, user).map(|s| s.session.sid.clone());
    match sid.and_then(|sid| Some((state.link(&sid)?, sid))) {
        Some((Link::Attached { conn, .. }, sid)) => Ok((sid, conn)),
        _ => Err(Refusal::NotConnected(user.to_string())),
    }
}

/// Forgets a message that the caller found in the store, and tells the receiver's client.
pub fn delete(tx: &mut Tx, app: &AppId, receiver: &UserId, tid: Tid, by: Deleter) {
    tx.change(Change::DirectGone(app.clone(), receiver.clone(), tid.clone()));
    if let Ok((_, conn)) = connection(tx.state, app, receiver) {
        tx.push(Push::DirectDeleted { conn, tid, by: Arc::new(by), at: tx.now });
    }
}
