//! Messages to one user (`session.md` §6, `alibaba.md` §2.4). They reach a client that is connected at
//! this moment; there is no offline delivery. A reliable one is done when the client has confirmed it.

use super::{
    AppId, ConnRef, Millis, Refusal, SessionId, State, Tid, UserId, account,
    event::Fate,
    fate::{self, Telling, To},
    message::{self, Draft, Sender},
    moderation::{self, Review},
    push::Push,
    request::{Actor, Deleter, Said},
    sending::Passed,
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
    /// A message of the chat, which is kept for who is not connected as well.
    pub chat: Option<Chat>,
}

/// What the chat counts a message to one user by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chat {
    /// As its sender counts …
    pub seq: u32,
    /// … and a number by which it knows it.
    pub random: u32,
    /// The sender's own client gets it, too.
    pub sync: bool,
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
    /// As of a message to a group.
    pub elements: Option<String>,
    pub custom: String,
    pub options: Option<String>,
    /// See [`Chat`]; 0 where it is none.
    pub seq: u32,
    pub random: u32,
    pub sender: UserId,
    pub sender_info: String,
    pub at: Millis,
    pub stored: bool,
    /// What the client is to confirm it by.
    pub ack: Option<Tid>,
}

impl DirectDraft {
    /// As the business is told of it; `random` stands for the number that its sender did not give.
    pub fn telling(&self, app: &AppId, from: &UserId, by: Actor, random: impl FnOnce() -> u32) -> Telling {
        let chat = self.chat.unwrap_or_default();
        let content = self.draft.content(|| if self.chat.is_some() { chat.random } else { random() });
        Telling { app: app.clone(), to: To::User { user: self.receiver.to_string(), seq: chat.seq }, from: from.to_string(), by, content }
    }
}

impl Direct {
    /// What its sender is answered.
    pub fn said(&self) -> Said {
        Said { tid: self.tid.clone(), seq: None, at: self.at }
    }
}

/// What is to be done with a message to one user now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The business may want to be asked before it is said.
    AskHook,
    /// Its text is for the business's moderation server.
    AskModeration,
    Say,
}

/// The way of a message to one user; see [`super::sending::next`].
pub fn next(tx: &Tx, app: &AppId, sender: &Sender, direct: &DirectDraft, passed: Passed) -> Result<Next, Refusal> {
    let found = tx.state.app(app)?;
    let DirectDraft { receiver, draft, chat, .. } = direct;
    draft.check(&tx.rules.quotas)?;
    if chat.is_some() {
        for user in [&sender.user, receiver] {
            account::may_be(tx, found, user)?;
        }
    } else {
        // It is kept nowhere: nobody is asked about what nobody would hear.
        connection(tx.state, app, receiver)?;
    }
    if !passed.hook && !draft.forbid_before && fate::is_heard(found) {
        return Ok(Next::AskHook);
    }
    // What a business's server says by the other cloud's API is its own.
    let moderated = sender.client.is_some() || chat.is_some() || tx.rules.moderate_servers;
    if !passed.moderation && moderated {
        match moderation::review(&found.audit, draft, false) {
            Review::Pass => {}
            Review::Refuse(reason) => return Err(Refusal::Moderated(reason)),
            Review::Ask => return Ok(Next::AskModeration),
        }
    }
    Ok(Next::Say)
}

/// Sends it to the receiver's connection; returns the session, too. `fresh` names it if the sender did not; `ack` is what a
/// reliable one is confirmed by. Everybody who had to be asked was.
pub fn send(
    tx: &mut Tx,
    app: &AppId,
    sender: Sender,
    (direct, by): (DirectDraft, Actor),
    fresh: Tid,
    ack: Tid,
) -> Result<(Option<SessionId>, Arc<Direct>), Refusal> {
    next(tx, app, &sender, &direct, Passed::ALL)?;
    if direct.chat.is_some() {
        account::must_be(tx, app, &sender.user)?;
        account::must_be(tx, app, &direct.receiver)?;
    }
    let telling =
        (fate::is_heard(tx.state.app(app)?) && !direct.draft.forbid_after).then(|| direct.telling(app, &sender.user, by, || message::number_of(&fresh)));
    let DirectDraft { receiver, draft, reliable, chat } = direct;
    // Of the chat it is kept; its receiver may never see it.
    let to = connection(tx.state, app, &receiver).ok();
    let Chat { seq, random, sync } = chat.unwrap_or_default();
    let tid = chat.map(|chat| chat_tid(chat.seq, chat.random, tx.now.seconds(), &sender.user)).or(draft.tid).unwrap_or(fresh);
    let direct = Arc::new(Direct {
        app: app.clone(),
        receiver,
        tid,
        kind: draft.kind,
        body: draft.body,
        elements: draft.elements,
        custom: draft.custom,
        options: draft.options,
        seq,
        random,
        sender: sender.user,
        sender_info: sender.info,
        at: tx.now,
        stored: !draft.no_storage,
        ack: reliable.then_some(ack),
    });
    tx.change(Change::Direct(direct.clone()));
    let own = if sync { connection(tx.state, app, &direct.sender).ok() } else { None };
    for (_, conn) in to.iter().chain(&own) {
        tx.push(Push::Direct { conn: *conn, message: direct.clone() });
    }
    if let Some(telling) = telling {
        telling.tell(tx, Fate::Accepted { seq: None, at: direct.at });
    }
    Ok((to.map(|(sid, _)| sid), direct))
}

/// The id of a message of the chat, sent in this unix second: what is sent again within it is the same message.
pub fn chat_tid(seq: u32, random: u32, at: i64, sender: &UserId) -> Tid {
    let whose = message::number_of(&Tid::trusted(sender.as_str()));
    Tid::trusted(&format!("{seq}_{random}_{at}-{whose:08x}"))
}

/// Which messages between two users a list asks for, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectPage {
    pub app: AppId,
    pub one: UserId,
    pub other: UserId,
    /// Both included.
    pub from: Millis,
    pub to: Millis,
    /// Continue behind this message.
    pub before: Option<Tid>,
    pub limit: u32,
}

#[derive(Clone, Debug, Default)]
pub struct DirectsFound {
    pub messages: Vec<Direct>,
    /// There are more behind them.
    pub more: bool,
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
