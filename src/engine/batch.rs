//! A batch under way: everything in it becomes true together, or not at all. What runs in it is in
//! `execute.rs` and `lanes.rs`; what follows from its end, in `mod.rs`.

use super::{
    Config, Ports, SocketCommand,
    acks::{PendingAck, PendingAcks},
    lanes::Deaths,
    queue::Answering,
    timers::Timer,
    waiting::Waiting,
};
use crate::{
    domain::{
        ConnRef, Gid, Refusal, State, Tick, Tx,
        endpoint::EndpointId,
        moderation::{Question, QuestionId, Verdict},
        outbox::{DeliveryId, Job, Outcome},
        request::Answer,
    },
    ids::Ids,
    store::{self, Store},
};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

/// One unit of a batch.
#[derive(Clone)]
pub(super) enum Step {
    Socket(SocketCommand),
    /// A message that has passed all who had to be asked.
    Cleared(SocketCommand),
    Outcome(Box<Outcome>),
    Verdict(QuestionId, Verdict),
    Timer(Timer),
}

pub(super) struct Batch<'a> {
    pub tx: Tx<'a>,
    pub store: &'a Store,
    pub ids: &'a Ids,
    pub config: &'a Config,
    pub ports: &'a Ports,
    pub waiting: &'a mut Waiting,
    pub acks: &'a mut PendingAcks,
    /// Where the purge of old messages goes on.
    pub retention: &'a mut Gid,
    pub due: &'a mut HashMap<EndpointId, VecDeque<DeliveryId>>,
    pub deaths: &'a mut Deaths,
    pub dirty: &'a mut HashSet<Gid>,
    /// Lanes in which something changed.
    pub touched: BTreeSet<EndpointId>,
    /// A command met a defect: the transaction is not to be trusted.
    pub broken: bool,
    /// Bytes of messages that were read for answers.
    pub read: usize,
    pub out: Out,
}

/// What leaves a batch once it is committed, and what is needed should it be lost.
#[derive(Default)]
pub(super) struct Out {
    pub answers: Vec<(Answering, Result<Answer, Refusal>)>,
    pub jobs: Vec<Job>,
    /// Reliable messages that their receivers have to confirm.
    pub unacked: Vec<PendingAck>,
    /// Answers that do not hang on the batch: what they tell was committed before.
    pub told: Vec<(Answering, Result<Answer, Refusal>)>,
    /// Nor do these: what is asked about waits in memory.
    pub questions: Vec<Question>,
    pub timers: Vec<(Tick, Timer)>,
    /// Connections that wait for an answer, should the batch be lost.
    pub owed: Vec<(ConnRef, u32)>,
    /// Deliveries taken out of `due`; a lost batch puts them back.
    pub popped: Vec<(EndpointId, DeliveryId)>,
    /// Steps that must not get lost with the batch.
    pub precious: Vec<Step>,
    /// Steps that failed alone and are tried again.
    pub failed: Vec<Step>,
}

impl Batch<'_> {
    /// Counters of the groups that changed, then COMMIT; nothing to do when nothing was written.
    pub fn commit(&mut self) -> store::Result<()> {
        if !self.store.in_transaction() {
            return Ok(());
        }
        if self.broken {
            return Err(store::StoreError::Lost);
        }
        write_counters(self.store, self.tx.state, self.dirty)?;
        self.store.commit()?;
        self.dirty.clear();
        Ok(())
    }
}

pub(super) fn write_counters(store: &Store, state: &State, dirty: &HashSet<Gid>) -> store::Result<()> {
    for gid in dirty {
        if let Some(group) = state.group(*gid) {
            store.write_counters(*gid, &group.counters)?;
        }
    }
    Ok(())
}
