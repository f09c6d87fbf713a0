//! Reliable messages to one user: their senders are answered when the receiver's client has confirmed
//! them, or when its time is over (`session.md` §6). The messages themselves were committed before.

use super::{batch::Batch, queue::Answering};
use crate::domain::{ConnRef, Refusal, SessionId, direct::Direct, push::Push, request::Answer};
use std::{collections::HashMap, sync::Arc};

/// A message on its way, and who waits for it.
pub(super) struct Unconfirmed {
    /// The session it was sent to: nobody else can confirm it.
    pub sid: SessionId,
    pub message: Arc<Direct>,
    pub answer: Answering,
}

/// All of them, by what the client confirms them with. Each keeps a caller waiting, and those are few.
#[derive(Default)]
pub(super) struct Confirms(HashMap<String, Unconfirmed>);

impl Confirms {
    pub fn add(&mut self, unconfirmed: Unconfirmed) {
        if let Some(ack) = &unconfirmed.message.ack {
            self.0.insert(ack.to_string(), unconfirmed);
        }
    }
}

impl Batch<'_> {
    /// The client has read these.
    pub(super) fn confirmed(&mut self, sid: &SessionId, acks: &[String]) {
        for ack in acks {
            if self.confirms.0.get(ack).is_some_and(|waiting| waiting.sid == *sid)
                && let Some(Unconfirmed { message, answer, .. }) = self.confirms.0.remove(ack)
            {
                self.out.told.push((answer, Ok(Answer::Sent { tid: message.tid.clone() })));
            }
        }
    }

    /// The time for a confirmation is over.
    pub(super) fn unconfirmed(&mut self, ack: &str) {
        if let Some(Unconfirmed { message, answer, .. }) = self.confirms.0.remove(ack) {
            self.out.told.push((answer, Err(Refusal::NotConfirmed(message.receiver.to_string()))));
        }
    }

    /// The session has a new connection: what it may not have read comes again.
    pub(super) fn repeat_unconfirmed(&mut self, sid: &SessionId, conn: ConnRef) {
        for waiting in self.confirms.0.values().filter(|waiting| waiting.sid == *sid) {
            self.tx.push(Push::Direct { conn, message: waiting.message.clone() });
        }
    }
}
