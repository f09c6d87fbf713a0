//! A message: what was said in a group, and its place in the group's stream.

use super::{
    Gid, Millis, Refusal, SessionId, Tid, UserId,
    group::{Counters, GroupState},
    hook::Rewritten,
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
    /// How clients are to treat it, as a JSON object in the words of `session.md` §3; `None`: as usual.
    pub options: Option<String>,
    /// A number that its sender gave it.
    pub random: Option<u32>,
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
    /// The number that its sender gave it, or one that is made of its id.
    pub fn random(&self) -> u32 {
        self.random.unwrap_or_else(|| number_of(&self.tid))
    }

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
            + self.options.as_ref().map_or(0, String::len)
            + escaped(&self.sender_info)
            + self.tid.as_str().len()
            + 2 * self.sender.as_str().len()
    }
}

/// A number that hangs on the id alone (FNV-1a).
pub fn number_of(tid: &Tid) -> u32 {
    tid.as_str().bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Which kept messages of a group a list asks for, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// Up to the one with this number; `None`: from the newest.
    pub up_to: Option<u64>,
    pub limit: u32,
    /// Also those whose content was deleted.
    pub deleted: bool,
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
    /// … [`Message::custom`] …
    pub custom: String,
    /// … and [`Message::options`].
    pub options: Option<String>,
    /// Given by a sender that may say the same again: for a while it is the same message (`tencent.md` §8, A25).
    pub random: Option<u32>,
    /// Only these members get it, if they are there; it is kept nowhere and has no number. Empty: all.
    pub to: Vec<UserId>,
    /// The business is not asked about it …
    pub forbid_before: bool,
    /// … and not told that it was said.
    pub forbid_after: bool,
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
            options: None,
            random: None,
            to: Vec::new(),
            forbid_before: false,
            forbid_after: false,
            tid: None,
            weight: 1,
            increase: 1,
            no_storage: false,
            no_cache: false,
            skip_audit: false,
            flagged: false,
        }
    }

    /// Bytes of text that it carries, as far as they count.
    pub fn bytes(&self) -> usize {
        let ids: usize = self.to.iter().map(|user| user.as_str().len()).sum();
        self.body.len() + self.elements.as_ref().map_or(0, String::len) + self.custom.len() + self.options.as_ref().map_or(0, String::len) + ids
    }

    /// It says something else now. What the business itself put there is not on anybody's list of words.
    pub fn rewrite(&mut self, rewritten: Rewritten) {
        if let Some((elements, body)) = rewritten.elements {
            (self.kind, self.body, self.elements, self.flagged) = (1, body, Some(elements), false);
        }
        if let Some(custom) = rewritten.custom {
            self.custom = custom;
        }
    }

    pub fn check(&self, quotas: &Quotas) -> Result<(), Refusal> {
        let (what, bytes, most) = match &self.elements {
            Some(elements) => ("the message with its elements", elements.len() + self.custom.len(), quotas.element_bytes),
            None => ("body", self.body.len(), quotas.body_bytes),
        };
        // A business may add to what has no elements.
        let own = ("what the sender added", self.custom.len(), quotas.element_bytes);
        match [(what, bytes, most), own].into_iter().find(|(_, bytes, most)| !quota::fits(*bytes, *most)) {
            Some((what, bytes, most)) => Err(Refusal::MessageTooLong { what, bytes, most }),
            None => Ok(()),
        }
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
        options: draft.options,
        random: draft.random,
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
