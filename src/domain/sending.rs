//! What is said in a group: by members, by the business's server; and taking it back.

use super::{
    AppId, Gid, GroupId, Refusal, SessionId, Tick, Tid, UserId,
    event::InGroup,
    group::GroupState,
    message::{self, Draft, Sender},
    push::Push,
    quota,
    request::{Actor, Deleter, Said},
    roster,
    state::Change,
    tx::Tx,
};
use std::sync::Arc;

/// So many ids of messages that are not stored are remembered a group: more than their rows are kept.
const RECENT_TIDS: usize = 64;

/// A member that may speak at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaker {
    pub gid: Gid,
    /// Creator or administrator of the group.
    pub rules: bool,
}

/// Is the session in the group, and not muted?
pub fn speaker(tx: &Tx, sid: &SessionId, name: &GroupId) -> Result<Speaker, Refusal> {
    let session = &tx.state.session(sid).ok_or(Refusal::NoSession)?.session;
    let group = tx.state.live_group(&session.app, name)?;
    if group.members.get(&session.user).and_then(|m| m.sid.as_ref()) != Some(sid) {
        return Err(Refusal::NotInGroup(name.to_string()));
    }
    if group.config.is_muted(&session.user, tx.now) {
        return Err(Refusal::Muted);
    }
    Ok(Speaker { gid: group.config.gid, rules: group.config.rules_over(&session.user) })
}

/// A member's message. Whether it passes moderation was decided before.
pub fn publish(tx: &mut Tx, sid: &SessionId, name: &GroupId, draft: Draft, fresh: Tid, known: Known) -> Result<Said, Refusal> {
    let speaker = speaker(tx, sid, name)?;
    let session = &tx.state.session(sid).ok_or(Refusal::NoSession)?.session;
    let sender = Sender { user: session.user.clone(), info: session.info.clone(), client: Some(sid.clone()) };
    say(tx, speaker.gid, draft, fresh, sender, known)
}

/// As what the business's server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// As itself: it bypasses mutes, but the group must have somebody in it (`alibaba.md` §2.4).
    Server,
    /// As the user it names, whose mutes count; also into an empty group, and no more than so many messages a second
    /// (`tencent.md` §5.3).
    User,
}

/// A message of the business's server, which needs no membership.
pub fn send(
    tx: &mut Tx,
    app: &AppId,
    name: &GroupId,
    (sender, voice): (Sender, Voice),
    draft: Draft,
    fresh: Tid,
    known: Known,
) -> Result<Result<Said, Dropped>, Refusal> {
    let group = tx.state.live_group(app, name)?;
    let (gid, pace) = (group.config.gid, group.pace);
    match voice {
        // What was said already needs nobody to hear it again.
        Voice::Server if group.members.is_empty() && said_already(group, &draft, known).is_none() => return Err(Refusal::GroupEmpty(name.to_string())),
        Voice::Server => {}
        Voice::User => {
            if group.config.is_muted(&sender.user, tx.now) {
                return Err(Refusal::Muted);
            }
            draft.check(&tx.rules.quotas)?;
            let Some(pace) = pace.one_more(tx.tick, tx.rules.quotas.group_messages_per_second) else {
                return Ok(Err(Dropped::TooMany));
            };
            tx.change(Change::Pace(gid, pace));
        }
    }
    say(tx, gid, draft, fresh, sender, known).map(Ok)
}

/// Why a message was neither refused nor said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The group had too many in this second.
    TooMany,
    /// The business wants it so.
    Discarded,
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

/// Whether the store has a message of this id already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Yes,
    No,
}

fn say(tx: &mut Tx, gid: Gid, draft: Draft, fresh: Tid, sender: Sender, known: Known) -> Result<Said, Refusal> {
    draft.check(&tx.rules.quotas)?;
    let group = tx.state.group(gid).expect("the caller found it");
    if let Some(tid) = said_already(group, &draft, known) {
        return Ok(Said { tid, seq: None, at: tx.now });
    }
    if group.counters.top >= message::LAST_SEQ {
        return Err(Refusal::StreamFull(group.config.id.to_string()));
    }
    let most = tx.rules.quotas.types_per_group;
    if !group.counters.amounts.contains_key(&draft.kind) && !quota::room(group.counters.amounts.len(), most) {
        return Err(Refusal::TooManyTypes(most));
    }
    // What is not stored leaves no row, or one that goes soon.
    let remembered = draft.tid.is_some() && draft.no_storage;
    let (message, counters) = message::accept(group, draft, fresh, sender, tx.now);
    if remembered {
        let mut tids = group.recent_tids.clone();
        if tids.len() == RECENT_TIDS {
            tids.pop_front();
        }
        tids.push_back(message.tid.clone());
        tx.change(Change::RecentTids(gid, tids));
    }
    if message.seq.is_some() {
        tx.change(Change::Counters(gid, counters));
        tx.change(Change::Message(message.clone()));
    } else {
        tx.change(Change::CountersLater(gid, counters));
    }
    tx.push(Push::Message { gid, message: message.clone() });
    roster::said(tx, gid, &message.sender);
    Ok(Said { tid: message.tid.clone(), seq: message.seq, at: message.at })
}

/// The id that the sender gave, if a message has it already.
fn said_already(group: &GroupState, draft: &Draft, known: Known) -> Option<Tid> {
    draft.tid.clone().filter(|tid| known == Known::Yes || group.recent_tids.contains(tid))
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

/// Takes these back, as the caller found them; who hears of it is told of those that were not gone already.
pub fn recall(tx: &mut Tx, gid: Gid, messages: Vec<StoredMessage>, by: Actor) {
    let messages: Vec<StoredMessage> = messages.into_iter().filter(|message| !message.deleted).collect();
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
