//! One thread that owns all live state and the only write connection. It drains its queue, runs
//! every command through the domain, writes what they changed and the outbox rows of their events in
//! one transaction, commits, and only then answers, pushes and sends (group commit: no artificial
//! wait). A batch whose COMMIT fails is taken back from memory as well, and everybody in it gets a
//! retryable error. It is handed the renderers as functions: it knows no dialect and no door.

mod execute;
mod lanes;
mod queue;
mod timers;

#[cfg(test)]
mod tests;

pub use queue::{Directory, Handle, Position, QUEUE_BYTES, QUEUE_COMMANDS, SocketCommand, SocketOp};

use crate::{
    clock::{Alarm, Clock},
    domain::{
        Change, Gid, Refusal, State, Tick, Tx,
        app::App,
        endpoint::EndpointId,
        event::{Event, LogoffReason, Rendered},
        outbox::{DeliveryId, Job},
        push::Push,
        request::Answer,
        retry,
        session::Link,
        state::Rules,
    },
    fatal,
    ids::Ids,
    store::{self, Store},
};
use queue::{Answering, Command, Queue};
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
    thread::JoinHandle,
};
use timers::{Timer, Timers};

/// Commands of one batch at most, so that its answers do not wait for too many others.
const BATCH: usize = 2_048;
/// Messages read for recoveries and histories of one batch, in bytes on the wire.
const BATCH_READ: usize = 4 * 1024 * 1024;
/// Pause before what could not be committed, and nobody asks for again, is tried once more, in ms.
const REDO_AFTER: u64 = 200;
/// Counters of messages that are not stored are saved within this many ms (`design.md` §1).
const SAVE_COUNTERS_AFTER: u64 = 1_000;
/// A machine that slept longer than this, in ms, starts everybody's grace anew (`session.md` §2).
const SUSPENDED: u64 = 30_000;
/// Old callbacks are looked for this often, in ms, and sooner when there were many.
const PURGE_EVERY: u64 = 60_000;
const PURGE_AGAIN: u64 = 200;

/// Makes one body out of several events of an endpoint.
pub type Freeze = fn(&EndpointId, &[String]) -> Vec<u8>;

/// What the engine calls and is not allowed to know.
pub struct Ports {
    /// An event as its application's endpoint will be told; `None` when nobody is told.
    pub render: fn(&Event, &App) -> Option<Rendered>,
    pub freeze: Freeze,
    /// Ways to the hubs, by their number; they never block. An empty list only wakes.
    pub hubs: Vec<Box<dyn Fn(Vec<Push>) + Send>>,
    /// Hands over a delivery to be sent; never blocks.
    pub dispatch: Box<dyn Fn(Job) + Send>,
}

/// Limits and waits of the engine itself.
#[derive(Clone, Debug)]
pub struct Config {
    pub rules: Rules,
    /// Length of the retry ladder's waits in percent.
    pub retry_percent: u32,
}

/// The engine's thread; dropping it does not stop it, [`Running::stop`] does.
pub struct Running {
    pub handle: Handle,
    thread: JoinHandle<()>,
}

impl Running {
    /// Answers what is queued, saves, checkpoints and ends.
    pub fn stop(self) {
        self.handle.stop();
        let _ = self.thread.join();
    }
}

/// Makes the handle first, because hubs and senders need it before the engine can run.
pub struct Starting {
    engine: Engine,
    pub handle: Handle,
}

impl Starting {
    /// Loads the state; every open session comes back lost, with a fresh time to return.
    pub fn new(store: Store, clock: Clock, ids: Ids, config: Config) -> store::Result<Starting> {
        let mut state = store.load()?;
        let mut timers = Timers::default();
        let until = clock.tick().after(config.rules.lifetimes.silence);
        let sids: Vec<_> = state.sessions.keys().cloned().collect();
        for sid in sids {
            timers.at(until, Timer::Session(sid.clone()));
            state.apply(Change::Link(sid, Some(Link::Lost { until, reason: LogoffReason::Timeout })));
        }
        let mut due: HashMap<EndpointId, VecDeque<DeliveryId>> = HashMap::new();
        for frozen in store.frozen(None)? {
            // Ticks died with the last boot: the wait of the present rung begins anew.
            match frozen.tries {
                0 => due.entry(frozen.endpoint).or_default().push_back(frozen.id),
                tries => {
                    let wait = match retry::after_failure(tries) {
                        retry::Next::Wait(ms) => ms * config.retry_percent as u64 / 100,
                        retry::Next::Dead => 0,
                    };
                    timers.at(clock.tick().after(wait), Timer::Retry(frozen.endpoint, frozen.id));
                }
            }
        }
        timers.at(clock.tick().after(PURGE_EVERY), Timer::Purge);
        let slept = clock.slept();
        let directory = Directory { apps: state.apps.clone(), keys: state.keys.clone() };
        let queue = Queue::new(clock.clone());
        let handle = Handle::new(queue.clone(), directory);
        let engine = Engine {
            core: Core { state, store, clock, ids, config },
            queue,
            handle: handle.clone(),
            ports: None,
            timers,
            alarm: None,
            due,
            dirty: HashSet::new(),
            save_set: false,
            purge_set: true,
            slept,
            counts: HashMap::new(),
            redo: Vec::new(),
        };
        Ok(Starting { engine, handle })
    }

    /// Starts the thread.
    pub fn run(mut self, ports: Ports) -> std::io::Result<Running> {
        self.engine.ports = Some(ports);
        let handle = self.handle;
        let thread = std::thread::Builder::new().name("engine".into()).spawn(move || fatal::or_abort("engine", || self.engine.run()))?;
        Ok(Running { handle, thread })
    }
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
    /// Deliveries whose wait is over and that found their lane full.
    due: HashMap<EndpointId, VecDeque<DeliveryId>>,
    /// Groups whose counters in the store are older than in memory.
    dirty: HashSet<Gid>,
    /// A timer that saves them is set.
    save_set: bool,
    /// A timer that purges old callbacks is set; there is one of it.
    purge_set: bool,
    /// How long the machine had slept since its boot when that was last looked at, in ms.
    slept: u64,
    /// Super-large groups: when their counts were last pushed, and whether a push is set.
    counts: HashMap<Gid, (Tick, bool)>,
    /// What could not be committed and nobody would ask for again.
    redo: Vec<Step>,
}

/// One unit of a batch.
#[derive(Clone)]
enum Step {
    Socket(SocketCommand),
    Outcome(Box<crate::domain::outbox::Outcome>),
    Timer(Timer),
}

/// A batch under way: everything in it becomes true together, or not at all.
struct Batch<'a> {
    tx: Tx<'a>,
    store: &'a Store,
    ids: &'a Ids,
    config: &'a Config,
    ports: &'a Ports,
    due: &'a mut HashMap<EndpointId, VecDeque<DeliveryId>>,
    dirty: &'a mut HashSet<Gid>,
    answers: Vec<(Answering, Result<Answer, Refusal>)>,
    /// Connections that wait for an answer, should the batch be lost.
    asked: Vec<(crate::domain::ConnRef, u32)>,
    jobs: Vec<Job>,
    /// Deliveries taken out of `due`; a lost batch puts them back.
    popped: Vec<(EndpointId, DeliveryId)>,
    /// An endpoint whose URL the present command took away.
    emptied: Option<EndpointId>,
    timers: Vec<(Tick, Timer)>,
    /// Lanes in which something changed.
    touched: BTreeSet<EndpointId>,
    /// Steps that must not get lost with the batch.
    precious: Vec<Step>,
    /// Steps that failed alone and are tried again.
    failed: Vec<Step>,
    /// A command met a defect: the transaction is not to be trusted.
    broken: bool,
    /// Bytes of messages that were read for answers.
    read: usize,
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
                    command => commands.push_back(command),
                }
            }
            while {
                self.batch(&mut commands);
                !commands.is_empty()
            } {}
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
        let slept = self.core.clock.slept().saturating_sub(self.slept) > SUSPENDED;
        if slept {
            self.slept = self.core.clock.slept();
        }
        if self.alarm.as_ref().is_some_and(|(at, _)| *at <= tick) {
            self.alarm = None;
        }
        let ripe = self.timers.ripe(tick);
        let mut save = false;
        let mut steps: Vec<Step> = std::mem::take(&mut self.redo);
        for timer in ripe {
            match timer {
                Timer::Redo => {}
                Timer::SaveCounters => save = true,
                Timer::Count(gid) => {
                    self.counts.insert(gid, (tick, false));
                    steps.push(Step::Timer(Timer::Count(gid)));
                }
                Timer::Purge => {
                    self.purge_set = false;
                    steps.push(Step::Timer(Timer::Purge));
                }
                timer => steps.push(Step::Timer(timer)),
            }
        }
        let Core { state, store, ids, config, .. } = &mut self.core;
        store.new_batch();
        let mut batch = Batch {
            tx: Tx::new(state, &config.rules, now, tick),
            store,
            ids,
            config,
            ports: self.ports.as_ref().expect("set before the thread starts"),
            due: &mut self.due,
            dirty: &mut self.dirty,
            answers: Vec::new(),
            asked: Vec::new(),
            jobs: Vec::new(),
            popped: Vec::new(),
            emptied: None,
            timers: Vec::new(),
            touched: BTreeSet::new(),
            precious: Vec::new(),
            failed: Vec::new(),
            broken: false,
            read: 0,
        };
        if slept {
            crate::domain::session::woke_up(&mut batch.tx);
        }
        for step in steps {
            batch.step(step);
        }
        while let Some(command) = commands.pop_front() {
            match command {
                Command::Call(request, answer) => batch.call(*request, answer),
                Command::Socket(command) => batch.step(Step::Socket(command)),
                Command::Outcome(outcome) => batch.step(Step::Outcome(outcome)),
                Command::Stop => {}
            }
            if batch.read > BATCH_READ {
                break;
            }
        }
        batch.pump_touched();
        if save && let Err(error) = batch.store.begin() {
            tracing::error!(%error, "counters could not be saved; they are kept in memory");
        }
        let committed = batch.commit();
        let Batch { tx, answers, asked, jobs, popped, timers, precious, failed, .. } = batch;
        match committed {
            Ok(()) => {
                let configured = tx.stored.iter().any(|c| matches!(c, Change::App(_) | Change::AppGone(_) | Change::Key(_) | Change::KeyGone(_)));
                let (pushes, relinked, counts) = (tx.pushes, tx.relinked, tx.counts);
                self.redo = failed;
                if configured {
                    let state = &self.core.state;
                    self.handle.publish_directory(Directory { apps: state.apps.clone(), keys: state.keys.clone() });
                }
                self.set_deadlines(relinked);
                self.set_counts(counts, tick);
                for (at, timer) in timers {
                    self.purge_set |= matches!(timer, Timer::Purge);
                    self.timers.at(at, timer);
                }
                self.push(pushes);
                for (answer, result) in answers {
                    // A caller that gave up is no concern of ours.
                    let _ = answer.send(result);
                }
                for job in jobs {
                    (self.ports().dispatch)(job);
                }
            }
            Err(error) => {
                tracing::error!(%error, "COMMIT failed; nothing of the batch was done, its senders are told to try again");
                let mut tx = tx;
                tx.back_to_start();
                self.core.store.roll_back();
                self.redo = precious;
                self.redo.extend(failed);
                for (endpoint, delivery) in popped.into_iter().rev() {
                    self.due.entry(endpoint).or_default().push_front(delivery);
                }
                let lost = asked.into_iter().map(|(conn, id)| (1 << conn.hub, Push::Refuse { conn, id, why: Refusal::Unavailable }));
                self.push(lost.collect());
                for (answer, result) in answers {
                    let _ = answer.send(result.and(Err(Refusal::Unavailable)));
                }
                self.timers.at(tick.after(REDO_AFTER), Timer::Pump);
            }
        }
        if !self.redo.is_empty() {
            self.timers.at(tick.after(REDO_AFTER), Timer::Redo);
        }
        if !self.purge_set {
            self.purge_set = true;
            self.timers.at(tick.after(PURGE_EVERY), Timer::Purge);
        }
        if save {
            self.save_set = false;
        }
        if !self.dirty.is_empty() && !self.save_set {
            self.save_set = true;
            self.timers.at(tick.after(SAVE_COUNTERS_AFTER), Timer::SaveCounters);
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

    fn set_deadlines(&mut self, relinked: Vec<crate::domain::SessionId>) {
        for sid in relinked {
            match self.core.state.link(&sid) {
                Some(Link::Lost { until, .. }) => self.timers.at(until, Timer::Session(sid)),
                Some(Link::Attached { resubscribe_by: Some(by), .. }) => self.timers.at(by, Timer::Session(sid)),
                _ => {}
            }
        }
    }

    fn set_counts(&mut self, gids: Vec<Gid>, tick: Tick) {
        for gid in gids {
            let (last, set) = self.counts.entry(gid).or_insert((Tick(0), false));
            if !*set {
                *set = true;
                let at = last.after(crate::domain::group::COUNT_EVERY).max(tick);
                self.timers.at(at, Timer::Count(gid));
            }
        }
    }

    fn save_counters(&mut self) {
        let store = &self.core.store;
        let saved = store.begin().and_then(|()| {
            for gid in &self.dirty {
                if let Some(group) = self.core.state.group(*gid) {
                    store.write_counters(*gid, &group.counters)?;
                }
            }
            store.commit()
        });
        if let Err(error) = saved {
            store.roll_back();
            tracing::error!(%error, "the last second's counters could not be saved");
        }
    }
}

impl Batch<'_> {
    /// Counters of the groups that changed, then COMMIT; nothing to do when nothing was written.
    fn commit(&mut self) -> store::Result<()> {
        if !self.store.in_transaction() {
            return Ok(());
        }
        if self.broken {
            return Err(store::StoreError::Lost);
        }
        for gid in self.dirty.iter() {
            if let Some(group) = self.tx.state.group(*gid) {
                self.store.write_counters(*gid, &group.counters)?;
            }
        }
        self.store.commit()?;
        self.dirty.clear();
        Ok(())
    }
}
