//! A message: what was said in a group, and its place in the group's stream.

use super::{
    Gid, Millis, Refusal, SessionId, Tid, UserId,
    group::{Counters, GroupState},
    quota::{self, Quotas},
};
use std::sync::Arc;

/// The last number that a stream has room for.
pub const LAST_SEQ: u64 = u32::MAX as u64;

/// A committed message of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub gid: Gid,
    /// Its number in the group, from 1 without gaps; `None` when it is neither stored nor cached.
    pub seq: Option<u64>,
    pub tid: Tid,
    pub kind: i32,
    pub body: String,
    /// The parts that it was said with, as a JSON array in the other cloud's words (`session.md` §3); `None`: a body alone.
    pub elements: Option<String>,
    /// What its sender added for clients to read; may be empty.
    pub custom: String,
    pub sender: UserId,
    pub sender_info: String,
    /// The session it came from; `None` when a server sent it.
    pub client: Option<SessionId>,
    pub weight: i32,
    /// The running total of its type after it.
    pub total: i64,
    pub at: Millis,
    /// Listed by the server API and by history.
    pub stored: bool,
    /// Recovered by those who come back.
    pub cached: bool,
    /// Its content was deleted; its place stays.
    pub deleted: bool,
}

impl Message {
    /// About its bytes on the wire: texts as JSON escapes them, and the fields around them.
    pub fn wire_size(&self) -> usize {
        let escaped = |text: &str| -> usize {
            text.bytes()
                .map(|b| match b {
                    b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
                    0..32 => 6,
                    _ => 1,
                })
                .sum()
        };
        250 + escaped(&self.body)
            + escaped(&self.custom)
            + self.elements.as_ref().map_or(0, String::len)
            + escaped(&self.sender_info)
            + self.tid.as_str().len()
            + 2 * self.sender.as_str().len()
    }
}

/// Who speaks.
#[derive(Clone, Debug)]
pub struct Sender {
    pub user: UserId,
    /// The user's extension, shown with the message.
    pub info: String,
    /// The session; `None` for a server.
    pub client: Option<SessionId>,
}

/// Which messages of a group a list asks for: stored ones that were not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePage {
    /// Oldest first.
    pub ascending: bool,
    pub kind: Option<i32>,
    /// Both ends inclusive.
    pub begin: Option<Millis>,
    pub end: Option<Millis>,
    /// Continue after this sequence number (in the direction asked).
    pub after: Option<u64>,
    pub limit: u32,
}

/// A page of messages.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub messages: Vec<Message>,
    /// Where to continue; `None` when there is nothing more. A page may be short and still have more.
    pub next: Option<u64>,
}

/// A message that somebody wants to send. Lengths are checked by [`Draft::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub kind: i32,
    pub body: String,
    /// See [`Message::elements`] …
    pub elements: Option<String>,
    /// … and [`Message::custom`].
    pub custom: String,
    /// Given by the sender: then it is idempotent in the group.
    pub tid: Option<Tid>,
    pub weight: i32,
    /// How much it adds to the running total of its type.
    pub increase: i64,
    pub no_storage: bool,
    pub no_cache: bool,
    /// The sender asks not to be moderated; heard of those who may.
    pub skip_audit: bool,
    /// The word list found something in the body. Looked at on the thread that took the message in,
    /// and meant only where an application's moderation is the built-in one.
    pub flagged: bool,
}

impl Draft {
    pub fn text(body: impl Into<String>) -> Draft {
        Draft {
            kind: 1,
            body: body.into(),
            elements: None,
            custom: String::new(),
            tid: None,
            weight: 1,
            increase: 1,
            no_storage: false,
            no_cache: false,
            skip_audit: false,
            flagged: false,
        }
    }

    pub fn check(&self, quotas: &Quotas) -> Result<(), Refusal> {
        let (what, bytes, most) = match &self.elements {
            Some(elements) => ("the message with its elements", elements.len() + self.custom.len(), quotas.element_bytes),
            None => ("body", self.body.len(), quotas.body_bytes),
        };
        if !quota::fits(bytes, most) {
            return Err(Refusal::MessageTooLong { what, bytes, most });
        }
        Ok(())
    }
}

/// Numbers the draft and books it in the group's counters; the caller commits both.
pub fn accept(group: &GroupState, draft: Draft, fresh: Tid, sender: Sender, now: Millis) -> (Arc<Message>, Counters) {
    let mut counters = group.counters.clone();
    let total = counters.amounts.entry(draft.kind).or_insert(0);
    *total = total.saturating_add(draft.increase);
    let total = *total;
    counters.last_said = Some(now);
    let counted = !(draft.no_storage && draft.no_cache);
    if counted {
        counters.top += 1;
    }
    let message = Message {
        gid: group.config.gid,
        seq: counted.then_some(counters.top),
        tid: draft.tid.unwrap_or(fresh),
        kind: draft.kind,
        body: draft.body,
        elements: draft.elements,
        custom: draft.custom,
        sender: sender.user,
        sender_info: sender.info,
        client: sender.client,
        weight: draft.weight,
        total,
        at: now,
        stored: !draft.no_storage,
        cached: !draft.no_cache,
        deleted: false,
    };
    (Arc::new(message), counters)
}
