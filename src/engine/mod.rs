//! One thread that owns all live state and the only write connection. It drains its queue, runs
//! every command through the domain, writes what they changed and the outbox rows of their events in
//! one transaction, commits, and only then answers, pushes and sends (group commit: no artificial
//! wait). A batch whose COMMIT fails is taken back from memory as well, and everybody in it gets a
//! retryable error. It is handed the renderers as functions: it knows no dialect and no door.

mod acks;
mod asking;
mod batch;
mod command;
mod execute;
mod lanes;
mod look;
mod purge;
mod queue;
mod socket;
mod start;
mod timers;
mod told;
mod waiting;

#[cfg(test)]
mod tests;

pub use command::{Position, SocketCommand, SocketOp};
pub use queue::{Handle, QUEUE_BYTES, QUEUE_COMMANDS};

use crate::{
    clock::{Alarm, Clock},
    domain::{
        Change, Gid, Millis, Refusal, State, Tick, Tx,
        app::App,
        deletion::FORGOTTEN,
        direct::ACK_WITHIN,
        endpoint::EndpointId,
        event::{ChannelEvent, Event, Rendered},
        hook::{Before, HookCall},
        moderation::Question,
        outbox::{DeliveryId, Freezing, Frozen, Job},
        push::Push,
        request::Actor,
        session,
        state::Rules,
        tx::Deadline,
    },
    ids::Ids,
    metrics::Metrics,
    store::Store,
};
use acks::{PendingAck, PendingAcks};
use batch::{Batch, Out, Step};
use lanes::Deaths;
use queue::{Command, Queue};
pub use start::{Running, Starting};
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};
use timers::{Timer, Timers};
use waiting::Waiting;

/// Commands of one batch at most, so that its answers do not wait for too many others.
const BATCH: usize = 2_048;
/// Messages read for recoveries and histories of one batch, in bytes on the wire.
const BATCH_READ: usize = 4 * 1024 * 1024;
/// Pause before what could not be committed, and nobody asks for again, is tried once more, in ms.
const REDO_AFTER: u64 = 200;

/// Makes one delivery out of several events of an endpoint.
pub type Freeze = Box<dyn Fn(&Freezing) -> Frozen + Send>;

/// What the engine calls and is not allowed to know.
pub struct Ports {
    /// An event of a session, of a group or of a message to one user as the application's endpoints will be told of it that want to hear of it now.
    pub render: fn(&Event, &App) -> Vec<Rendered>,
    /// What the business is to be asked before this is done; `None`: nothing.
    pub hook: fn(&Before, &Actor, &App, Millis) -> Option<HookCall>,
    /// An event in a channel, as each subscription of it will be told.
    pub render_channel: fn(&ChannelEvent) -> String,
    pub freeze: Freeze,
    /// Ways to the hubs, by their number; they never block. An empty list only wakes.
    pub hubs: Vec<Box<dyn Fn(Vec<Push>) + Send>>,
    /// Hands over a delivery to be sent; never blocks.
    pub dispatch: Box<dyn Fn(Job) + Send>,
    /// Hands over a question to a business's server; never blocks. Its verdict comes by [`Handle::verdict`].
    pub ask: Box<dyn Fn(Question) + Send>,
}

/// Limits and waits of the engine itself.
#[derive(Clone, Debug)]
pub struct Config {
    pub rules: Rules,
    pub metrics: Arc<Metrics>,
    /// Length of the retry ladder's waits in percent.
    pub retry_percent: u32,
}

/// What a batch works with and never replaces.
struct Core {
    state: State,
    store: Store,
    clock: Clock,
    ids: Ids,
    config: Config,
}

struct Engine {
    core: Core,
    queue: Arc<Queue>,
    handle: Handle,
    /// Set before the thread starts.
    ports: Option<Ports>,
    timers: Timers,
    alarm: Option<(Tick, Alarm)>,
    deaths: Deaths,
    /// When mutes and bans of a group are looked at next.
    ends: HashMap<Gid, Tick>,
    /// Deliveries whose wait is over and that found their lane full.
    due: HashMap<EndpointId, VecDeque<DeliveryId>>,
    /// Groups whose counters in the store are older than in memory.
    dirty: HashSet<Gid>,
    /// A timer that saves them is set.
    save_set: bool,
    /// Timers that purge are set; there is one of each.
    purges: Purges,
    /// Where the purge of old messages goes on.
    retention: Gid,
    waiting: Waiting,
    acks: PendingAcks,
    /// How long the machine had slept since its boot when that was last looked at, in ms.
    slept: u64,
    /// Super-large groups: when their counts were last pushed, and whether a push is set.
    counts: HashMap<Gid, (Tick, bool)>,
    /// What could not be committed and nobody would ask for again.
    redo: Vec<Step>,
}

/// When the next purge of each kind is; a timer that comes earlier was set before that was changed.
#[derive(Default)]
struct Purges {
    callbacks: Option<Tick>,
    messages: Option<Tick>,
}

impl Purges {
    /// The place of this timer, if it is one that purges.
    fn next(&mut self, timer: &Timer) -> Option<&mut Option<Tick>> {
        match timer {
            Timer::PurgeCallbacks => Some(&mut self.callbacks),
            Timer::PurgeMessages => Some(&mut self.messages),
            _ => None,
        }
    }
}

impl Engine {
    fn run(mut self) {
        self.timers.at(self.core.clock.tick(), Timer::Pump);
        loop {
            self.set_alarm();
            let drained = self.queue.drain(BATCH);
            let mut stop = false;
            let mut works = Vec::with_capacity(drained.commands.len());
            let mut commands = VecDeque::with_capacity(drained.commands.len());
            for (command, work) in drained.commands {
                works.push(work);
                match command {
                    Command::Stop => stop = true,
                    Command::Closing => self.waiting.closing = true,
                    command => commands.push_back(command),
                }
            }
            // Once also when only a timer came, and again for what one batch left.
            loop {
                self.batch(&mut commands);
                if commands.is_empty() {
                    break;
                }
            }
            for hub in drained.hungry {
                self.ports().hubs[hub as usize](Vec::new());
            }
            drop(works);
            if stop {
                break;
            }
        }
        self.queue.close();
        self.save_counters();
        if let Err(error) = self.core.store.checkpoint() {
            tracing::warn!(%error, "no checkpoint at the end; the next start reads the log instead");
        }
    }

    fn ports(&self) -> &Ports {
        self.ports.as_ref().expect("set before the thread starts")
    }

    fn set_alarm(&mut self) {
        let next = self.timers.next();
        if self.alarm.as_ref().map(|(at, _)| *at) != next {
            self.alarm = next.map(|at| (at, self.core.clock.wake_at(at, self.queue.clone().into())));
        }
    }

    /// Runs due timers and commands as one transaction. Commands are left when those before them read
    /// much: many who come back at once must not have all their recoveries in memory together.
    fn batch(&mut self, commands: &mut VecDeque<Command>) {
        let (now, tick) = (self.core.clock.now(), self.core.clock.tick());
        let asleep = self.core.clock.slept();
        let slept = asleep.saturating_sub(self.slept) > session::SUSPENDED;
        let (steps, save) = self.due_steps(tick);
        let Core { state, store, ids, config, .. } = &mut self.core;
        store.new_batch();
        let mut batch = Batch {
            tx: Tx::new(state, &config.rules, now, tick),
            store,
            ids,
            config,
            ports: self.ports.as_ref().expect("set before the thread starts"),
            waiting: &mut self.waiting,
            acks: &mut self.acks,
            retention: &mut self.retention,
            due: &mut self.due,
            deaths: &mut self.deaths,
            dirty: &mut self.dirty,
            touched: BTreeSet::new(),
            broken: false,
            read: 0,
            out: Out::default(),
        };
        if slept {
            session::woke_up(&mut batch.tx);
        }
        for step in steps {
            batch.step(step);
        }
        while let Some(command) = commands.pop_front() {
            match command {
                Command::Call(request, answer) => batch.call(request, answer),
                Command::Socket(command) => batch.step(Step::Socket(command)),
                Command::Outcome(outcome) => batch.step(Step::Outcome(outcome)),
                Command::Verdict(id, verdict) => batch.step(Step::Verdict(id, verdict)),
                Command::Closing | Command::Stop => {}
            }
            if batch.read > BATCH_READ {
                break;
            }
        }
        batch.pump_touched();
        // Counters are saved with any commit; when nothing else was written, a transaction for them alone.
        if save && let Err(error) = batch.store.begin() {
            tracing::error!(%error, "counters could not be saved; they are kept in memory");
        }
        let committed = batch.commit();
        let Batch { mut tx, out, .. } = batch;
        match committed {
            Ok(()) => {
                if slept {
                    self.slept = asleep;
                }
                let Tx { stored, pushes, deadlines, counts, .. } = tx;
                self.after_commit(tick, stored, out, deadlines, counts, pushes);
            }
            Err(error) => {
                tracing::error!(%error, "COMMIT failed; nothing of the batch was done, its senders are told to try again");
                tx.back_to_start();
                self.after_loss(tick, out);
            }
        }
        self.set_upkeep(tick, save);
    }

    /// The batch is true: now the others may hear of it.
    fn after_commit(&mut self, tick: Tick, stored: Vec<Change>, out: Out, deadlines: Vec<Deadline>, counts: Vec<Gid>, pushes: Vec<(u64, Push)>) {
        self.redo = out.failed;
        if stored.iter().any(Change::is_listed) {
            self.handle.publish_directory(self.core.state.directory());
        }
        self.set_deadlines(deadlines, tick);
        self.set_counts(counts, tick);
        if stored.iter().any(|c| matches!(c, Change::Group(group) if group.deleted.as_ref().is_some_and(|(at, _)| *at == FORGOTTEN))) {
            self.set_timer(tick.after(purge::AGAIN), Timer::PurgeMessages);
        }
        for (at, timer) in out.timers {
            self.set_timer(at, timer);
        }
        for unacked in out.unacked {
            self.timers.at(tick.after(ACK_WITHIN), Timer::Ack(unacked.ack.clone()));
            self.acks.add(unacked);
        }
        self.ask(out.questions);
        self.push(pushes);
        for (answer, result) in out.answers.into_iter().chain(out.told) {
            // A caller that gave up is no concern of ours.
            let _ = answer.send(result);
        }
        for job in out.jobs {
            (self.ports().dispatch)(job);
        }
    }

    /// The batch never was: memory was taken back, everybody is told, and what nobody would ask for
    /// again is done again.
    fn after_loss(&mut self, tick: Tick, out: Out) {
        self.core.store.roll_back();
        self.redo = out.precious;
        self.redo.extend(out.failed);
        for (endpoint, delivery) in out.popped.into_iter().rev() {
            self.due.entry(endpoint).or_default().push_front(delivery);
        }
        let lost = out.owed.into_iter().map(|(conn, id)| (1 << conn.hub, Push::Refuse { conn, id, why: Refusal::Unavailable }));
        self.push(lost.collect());
        for (answer, result) in out.answers {
            let _ = answer.send(result.and(Err(Refusal::Unavailable)));
        }
        for PendingAck { answer, .. } in out.unacked {
            let _ = answer.send(Err(Refusal::Unavailable));
        }
        for (answer, result) in out.told {
            let _ = answer.send(result);
        }
        self.ask(out.questions);
        self.timers.at(tick.after(REDO_AFTER), Timer::Pump);
    }

    /// Each question has its time, whatever the business's server does.
    fn ask(&mut self, questions: Vec<Question>) {
        for question in questions {
            self.timers.at(question.until, Timer::Verdict(question.id));
            (self.ports().ask)(question);
        }
    }

    /// To each hub what is for it, in order, in one piece.
    fn push(&self, pushes: Vec<(u64, Push)>) {
        let hubs = &self.ports().hubs;
        let mut lists: Vec<Vec<Push>> = hubs.iter().map(|_| Vec::new()).collect();
        for (mut bits, push) in pushes {
            while bits != 0 {
                let hub = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if bits == 0 {
                    lists[hub].push(push);
                    break;
                }
                lists[hub].push(push.clone());
            }
        }
        for (deliver, list) in hubs.iter().zip(lists) {
            if !list.is_empty() {
                deliver(list);
            }
        }
    }

    fn save_counters(&mut self) {
        let store = &self.core.store;
        let saved = store.begin().and_then(|()| batch::write_counters(store, &self.core.state, &self.dirty)).and_then(|()| store.commit());
        if let Err(error) = saved {
            store.roll_back();
            tracing::error!(%error, "the last second's counters could not be saved");
        }
    }
}
