//! Reliable messages to one user: their senders are answered when the receiver's client has confirmed
//! them, or when its time is over (`session.md` §6). The messages themselves were committed before.

use super::{batch::Batch, queue::Answering};
use crate::domain::{ConnRef, Refusal, SessionId, Tid, direct::Direct, push::Push, request::Answer};
use std::{collections::HashMap, sync::Arc};

/// A message on its way, and who waits for it.
pub(super) struct PendingAck {
    /// What the client confirms it by.
    pub ack: Tid,
    /// The session it was sent to: nobody else can confirm it.
    pub sid: SessionId,
    pub message: Arc<Direct>,
    pub answer: Answering,
}

/// All of them, by what their clients confirm them by. Each keeps a control call waiting, and of those there
/// are as many as the door's workers allow.
#[derive(Default)]
pub(super) struct PendingAcks(HashMap<String, PendingAck>);

/// Of one receiver: a client that never confirms must not take the callers' places from all others.
const MOST_OF_ONE: usize = 64;

impl PendingAcks {
    /// May one more wait for this session?
    pub fn room(&self, sid: &SessionId) -> Result<(), Refusal> {
        let waiting = self.0.values().filter(|pending| pending.sid == *sid).count();
        if waiting < MOST_OF_ONE { Ok(()) } else { Err(Refusal::TooFast("earlier messages to this user still wait to be confirmed")) }
    }

    pub fn add(&mut self, unacked: PendingAck) {
        self.0.insert(unacked.ack.to_string(), unacked);
    }
}

impl Batch<'_> {
    /// The client has read these.
    pub(super) fn acked(&mut self, sid: &SessionId, acks: &[String]) {
        for ack in acks {
            if self.acks.0.get(ack).is_some_and(|waiting| waiting.sid == *sid)
                && let Some(PendingAck { message, answer, .. }) = self.acks.0.remove(ack)
            {
                self.out.told.push((answer, Ok(Answer::Sent(message.said()))));
            }
        }
    }

    /// The time for a confirmation is over.
    pub(super) fn unacked(&mut self, ack: &str) {
        if let Some(PendingAck { message, answer, .. }) = self.acks.0.remove(ack) {
            self.out.told.push((answer, Err(Refusal::NotConfirmed(message.receiver.to_string()))));
        }
    }

    /// The session has a new connection: what it may not have read comes again.
    pub(super) fn repeat_unacked(&mut self, sid: &SessionId, conn: ConnRef) {
        for waiting in self.acks.0.values().filter(|waiting| waiting.sid == *sid) {
            self.tx.push(Push::Direct { conn, message: waiting.message.clone() });
        }
    }
}
