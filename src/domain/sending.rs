//! What is said in a group, by members and by the business's server: the way of a message through all that may stand
//! against it ([`next`]), what follows when it is said, and taking it back.

use super::{
    AppId, Gid, GroupId, Millis, Refusal, SessionId, Tick, Tid, UserId, account,
    app::{App, RateMode},
    event::{Fate, InGroup},
    fate::{self, Telling, To},
    group::{Group, GroupState},
    message::{self, Draft, Message, Sender},
    moderation::{self, Review},
    push::Push,
    quota, repeat,
    request::{Actor, Deleter, Said},
    roster,
    state::Change,
    tx::Tx,
};
use std::{collections::BTreeSet, sync::Arc};

/// So many messages of those that leave no row, or one that goes soon, are remembered a group.
const RECENT: usize = 64;

/// As what the business's server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// As itself: it bypasses mutes, but the group must have somebody in it (`alibaba.md` §2.4).
    Server,
    /// As the user it names, whose mutes count; also into an empty group, and no more than so many messages a second
    /// (`tencent.md` §5.3).
    User,
}

/// Who speaks, and by what right.
#[derive(Clone, Copy, Debug)]
pub enum Speaker<'a> {
    /// A member over its session.
    Member(&'a SessionId),
    /// The business's server, which needs no membership.
    Server(&'a Sender, Voice),
}

impl<'a> Speaker<'a> {
    pub fn user(self, tx: &'a Tx) -> Result<&'a UserId, Refusal> {
        match self {
            Speaker::Member(sid) => tx.state.session(sid).map(|state| &state.session.user).ok_or(Refusal::NoSession),
            Speaker::Server(sender, _) => Ok(&sender.user),
        }
    }
}

/// Who was asked about a message already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    pub hook: bool,
    pub moderation: bool,
}

impl Passed {
    pub const ALL: Passed = Passed { hook: true, moderation: true };
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Sending<'a> {
    pub app: &'a AppId,
    pub group: &'a GroupId,
    pub speaker: Speaker<'a>,
    pub draft: &'a Draft,
    /// The same message, where it was said before; see [`repeat::first`].
    pub first: Option<Said>,
    pub passed: Passed,
}

/// What is to be done with a message now.
#[derive(Clone, Debug)]
pub enum Next {
    /// The business may want to be asked before it is said in this group.
    AskHook(Arc<Group>),
    /// Its text is for the business's moderation server.
    AskModeration,
    /// Nobody needs to hear it again.
    Repeat(Said),
    Drop(Dropped),
    /// In this group, whose pace is then another one, if it is one of those that are counted.
    Say(Gid, Option<Pace>),
}

/// Why a message was neither refused nor said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The group had too many in this second.
    TooMany,
    /// The business wants it so.
    Discarded,
}

/// What became of a message that was not rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted(Said),
    Dropped(Dropped),
}

/// The way of a message, in the order of `tencent.md` §6.5. It is asked before somebody outside is, and again when it
/// is done: much may have changed meanwhile.
pub fn next(tx: &Tx, sending: &Sending) -> Result<Next, Refusal> {
    let Sending { draft, passed, .. } = sending;
    let app = tx.state.app(sending.app)?;
    let group = tx.state.live_group(sending.app, sending.group)?;
    let right = right(tx, app, group, sending)?;
    draft.check(&tx.rules.quotas)?;
    if let Some(first) = &sending.first {
        return Ok(Next::Repeat(first.clone()));
    }
    if right.needs_audience && group.present.is_empty() {
        return Err(Refusal::GroupEmpty(sending.group.to_string()));
    }
    if !passed.hook && !draft.forbid_before && fate::is_heard(app) {
        return Ok(Next::AskHook(group.config.clone()));
    }
    if !passed.moderation && right.moderated {
        match moderation::review(&app.audit, draft, right.rules) {
            Review::Pass => {}
            Review::Refuse(reason) => return Err(Refusal::Moderated(reason)),
            Review::Ask => return Ok(Next::AskModeration),
        }
    }
    if !right.counted {
        return Ok(Next::Say(group.config.gid, None));
    }
    match (group.pace.one_more(tx.tick, tx.rules.quotas.group_messages_per_second), app.chat.rate_mode) {
        (Some(pace), _) => Ok(Next::Say(group.config.gid, Some(pace))),
        (None, RateMode::Drop) => Ok(Next::Drop(Dropped::TooMany)),
        (None, RateMode::Reject) => Err(Refusal::GroupTooFast),
    }
}

/// How somebody may speak in a group.
struct Right {
    /// Creator or administrator of the group.
    rules: bool,
    moderated: bool,
    /// It counts to the group's messages of a second.
    counted: bool,
    needs_audience: bool,
}

fn right(tx: &Tx, app: &App, group: &GroupState, sending: &Sending) -> Result<Right, Refusal> {
    let config = &group.config;
    // Who speaks for the whole application is never muted, as those who rule over the group.
    let spared = |user: &UserId| app.administrators.iter().any(|name| name == user.as_str());
    let heard = |user: &UserId| if config.is_muted(user, tx.now) && !spared(user) { Err(Refusal::Muted) } else { Ok(()) };
    match sending.speaker {
        Speaker::Member(sid) => {
            let session = &tx.state.session(sid).ok_or(Refusal::NoSession)?.session;
            if group.members.get(&session.user).and_then(|m| m.sid.as_ref()) != Some(sid) {
                return Err(Refusal::NotInGroup(sending.group.to_string()));
            }
            heard(&session.user)?;
            Ok(Right { rules: config.rules_over(&session.user), moderated: true, counted: session.usersig, needs_audience: false })
        }
        Speaker::Server(_, Voice::Server) => Ok(Right { rules: false, moderated: tx.rules.moderate_servers, counted: false, needs_audience: true }),
        Speaker::Server(sender, Voice::User) => {
            account::may_be(tx, app, &sender.user)?;
            heard(&sender.user)?;
            Ok(Right { rules: false, moderated: true, counted: true, needs_audience: false })
        }
    }
}

/// Does what is to be done with a message that has passed everybody who had to be asked. `fresh` names it if nothing
/// else does.
pub fn send(tx: &mut Tx, sending: &Sending, by: Actor, fresh: Tid) -> Result<Outcome, Refusal> {
    let (gid, pace) = match next(tx, sending)? {
        Next::Say(gid, pace) => (gid, pace),
        Next::Repeat(first) => return Ok(Outcome::Accepted(first)),
        Next::Drop(why) => {
            tell(tx, sending, by, fresh, Fate::Dropped(why));
            return Ok(Outcome::Dropped(why));
        }
        Next::AskHook(_) | Next::AskModeration => return Err(Refusal::Internal),
    };
    let sender = match sending.speaker {
        Speaker::Member(sid) => tx.state.session(sid).ok_or(Refusal::NoSession)?.session.sender(),
        Speaker::Server(sender, voice) => {
            if voice == Voice::User {
                account::must_be(tx, sending.app, &sender.user)?;
            }
            sender.clone()
        }
    };
    if let Some(pace) = pace {
        tx.change(Change::Pace(gid, pace));
    }
    let name = repeat::name(tx.state.app(sending.app)?, sending.draft, &sender.user, tx.now);
    let message = say(tx, gid, sending.draft.clone(), name.unwrap_or(fresh), sender)?;
    if !sending.draft.forbid_after {
        let fate = Fate::Accepted { seq: message.seq, at: message.at };
        tell(tx, sending, by, message.tid.clone(), fate);
    }
    Ok(Outcome::Accepted(said(&message)))
}

/// Tells the business, if there is anybody who could want to hear it.
fn tell(tx: &mut Tx, sending: &Sending, by: Actor, tid: Tid, fate: Fate) {
    if !tx.state.app(sending.app).is_ok_and(|app| fate::is_heard(app)) {
        return;
    }
    let from = match sending.speaker {
        Speaker::Member(_) => by.user.clone(),
        Speaker::Server(sender, _) => sender.user.to_string(),
    };
    let content = sending.draft.content(|| message::number_of(&tid));
    Telling { app: sending.app.clone(), to: To::Group(sending.group.to_string()), from, by, content }.tell(tx, fate);
}

fn say(tx: &mut Tx, gid: Gid, draft: Draft, tid: Tid, sender: Sender) -> Result<Arc<Message>, Refusal> {
    let group = tx.state.group(gid).expect("the caller found it");
    if group.counters.top >= message::LAST_SEQ {
        return Err(Refusal::StreamFull(group.config.id.to_string()));
    }
    let most = tx.rules.quotas.types_per_group;
    if !group.counters.amounts.contains_key(&draft.kind) && !quota::room(group.counters.amounts.len(), most) {
        return Err(Refusal::TooManyTypes(most));
    }
    if !draft.to.is_empty() {
        return Ok(say_to(tx, gid, draft, tid, sender));
    }
    // What is not stored leaves no row, or one that goes soon.
    let remembered = (draft.tid.is_some() || draft.random.is_some()) && draft.no_storage;
    let (message, counters) = message::accept(group, draft, tid, sender, tx.now);
    if remembered {
        let mut recent = group.recent.clone();
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(said(&message));
        tx.change(Change::Recent(gid, recent));
    }
    if message.seq.is_some() {
        tx.change(Change::Counters(gid, counters));
        tx.change(Change::Message(message.clone()));
    } else {
        tx.change(Change::CountersLater(gid, counters));
    }
    tx.push(Push::Message { gid, message: message.clone() });
    roster::said(tx, gid, &message.sender);
    Ok(message)
}

/// To some of those who are there. The group's stream has nothing of it.
fn say_to(tx: &mut Tx, gid: Gid, mut draft: Draft, tid: Tid, sender: Sender) -> Arc<Message> {
    let group = tx.state.group(gid).expect("the caller found it");
    let to = std::mem::take(&mut draft.to);
    (draft.no_storage, draft.no_cache) = (true, true);
    let conns: Vec<_> = to.iter().filter(|user| group.members.contains_key(*user)).filter_map(|user| group.audience.get(user)).collect();
    let (message, _) = message::accept(group, draft, tid, sender, tx.now);
    for conn in conns {
        tx.push(Push::Aimed { conn, push: Box::new(Push::Message { gid, message: message.clone() }) });
    }
    message
}

fn said(message: &Message) -> Said {
    Said { tid: message.tid.clone(), seq: message.seq, at: message.at }
}

/// The running second of a group, and messages in it. A second begins with the first message after the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    began: Tick,
    messages: u32,
}

impl Pace {
    /// `None`: there were `most` already (0: any number).
    fn one_more(self, now: Tick, most: u32) -> Option<Pace> {
        let fresh = self.messages == 0 || now.since(self.began) >= 1_000;
        let pace = if fresh { Pace { began: now, messages: 0 } } else { self };
        (most == 0 || pace.messages < most).then_some(Pace { messages: pace.messages.saturating_add(1), ..pace })
    }
}

/// The business tells those who are there, or these of them; nothing of it is kept, and no limit counts it.
pub fn notify(tx: &mut Tx, gid: Gid, content: String, to: &[UserId]) {
    let notice = Push::Notice { gid, content: content.into(), at: tx.now };
    if to.is_empty() {
        return tx.push(notice);
    }
    for user in to {
        if let Some(conn) = tx.state.group(gid).and_then(|group| group.audience.get(user)) {
            tx.push(Push::Aimed { conn, push: Box::new(notice.clone()) });
        }
    }
}

/// Takes these back, as the caller found them; who hears of it is told of those that were not gone already, of each once.
pub fn recall(tx: &mut Tx, gid: Gid, messages: Vec<StoredMessage>, by: Actor) {
    let mut seen = BTreeSet::new();
    let messages: Vec<StoredMessage> = messages.into_iter().filter(|message| !message.deleted && seen.insert(message.seq)).collect();
    if messages.is_empty() {
        return;
    }
    let seqs = messages.iter().map(|message| message.seq).collect();
    messages.into_iter().for_each(|message| delete(tx, gid, message, Deleter { user: by.user.clone(), info: String::new() }));
    tx.group_event(gid, by, InGroup::Recalled { seqs });
}

/// A stored message that somebody wants to take back, as the caller found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    pub seq: u64,
    pub tid: Tid,
    pub sender: UserId,
    pub at: Millis,
    pub deleted: bool,
}

/// Its content goes, its place stays (`session.md` §3). A second time changes nothing.
pub fn delete(tx: &mut Tx, gid: Gid, message: StoredMessage, by: Deleter) {
    if message.deleted {
        return;
    }
    tx.change(Change::MessageDeleted(gid, message.seq));
    tx.push(Push::MessageDeleted { gid, seq: message.seq, tid: message.tid, by: Arc::new(by), at: tx.now });
}

#[cfg(test)]
#[path = "sending_tests.rs"]
mod tests;
