//! What the engine has to do later. A timer that has lost its reason is ignored when it comes: it
//! names a subject, and the state says whether anything is due for it.

use crate::domain::{Gid, Tick, Tid, endpoint::EndpointId, moderation::QuestionId, outbox::DeliveryId, tx::Deadline};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub enum Timer {
    /// Something may be due; the state says whether it is.
    Deadline(Deadline),
    /// The wait before a delivery's next try is over.
    Retry(EndpointId, DeliveryId),
    /// The counts of a super-large group may be pushed again.
    Count(Gid),
    SaveCounters,
    /// A moderation server has had its time for this question.
    Verdict(QuestionId),
    /// A client has had its time to confirm the message with this ack.
    Ack(Tid),
    /// Look at every lane.
    Pump,
    PurgeCallbacks,
    PurgeMessages,
    Redo,
}

#[derive(Default)]
pub struct Timers {
    due: BTreeMap<(Tick, u64), Timer>,
    count: u64,
}

impl Timers {
    pub fn at(&mut self, at: Tick, timer: Timer) {
        self.count += 1;
        self.due.insert((at, self.count), timer);
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.due.len()
    }

    pub fn next(&self) -> Option<Tick> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Takes out all whose time has come, in order.
    pub fn ripe(&mut self, now: Tick) -> Vec<Timer> {
        let mut ripe = Vec::new();
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                break;
            }
            ripe.push(entry.remove());
        }
        ripe
    }
}
