//! Start and stop of the engine: the state is loaded, every open session comes back lost, every frozen
//! delivery waits for its present rung anew.

use super::{
    Config, Core, Engine, Handle, PendingAcks, Ports, Purges, Waiting,
    lanes::Deaths,
    queue::Queue,
    timers::{Timer, Timers},
};
use crate::{
    clock::Clock,
    domain::{Change, Gid, ban, endpoint::EndpointId, event::LogoffReason, outbox::DeliveryId, retry, session::Link, tx::Deadline},
    fatal,
    ids::Ids,
    store::{self, Store},
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    thread::JoinHandle,
};

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
    pub(super) engine: Engine,
    pub handle: Handle,
}

impl Starting {
    /// Loads the state; every open session comes back lost, with a fresh time to return.
    pub fn new(store: Store, clock: Clock, ids: Ids, config: Config) -> store::Result<Starting> {
        let mut state = store.load()?;
        let mut timers = Timers::default();
        let until = clock.tick().after(config.rules.lifetimes.silence);
        let away_from = clock.tick().after(config.rules.lifetimes.interrupt);
        let sids: Vec<_> = state.sessions.values().map(|s| (s.session.sid.clone(), s.session.away)).collect();
        for (sid, away) in sids {
            let link = Link::Lost { until, reason: LogoffReason::LinkLost, interrupt: (!away).then_some(away_from) };
            timers.at(link.due().unwrap_or(until), Timer::Deadline(Deadline::Session(sid.clone())));
            state.apply(Change::Link(sid, Some(link)));
        }
        // What has ended meanwhile is taken out at once.
        for gid in state.groups.keys().filter(|gid| ban::next_end(&state, **gid).is_some()) {
            timers.at(clock.tick(), Timer::Deadline(Deadline::Group(*gid)));
        }
        // So do those of whom only media servers know.
        for (cid, participant) in state.channels.reported() {
            timers.at(until, Timer::Deadline(Deadline::Stay(cid, participant.user.clone(), participant.stay.clone())));
            state.apply(Change::HeardUntil(cid, participant.user.clone(), Some(until)));
        }
        let mut due: HashMap<EndpointId, VecDeque<DeliveryId>> = HashMap::new();
        for unfinished in store.frozen(None)? {
            // Ticks died with the last boot: the wait of the present rung begins anew.
            match unfinished.tries {
                0 => due.entry(unfinished.endpoint).or_default().push_back(unfinished.id),
                tries => {
                    let ladder = retry::ladder(&unfinished.endpoint, state.apps.get(unfinished.endpoint.app()));
                    let wait = match retry::after_failure(tries, ladder) {
                        retry::Next::Wait(ms) => ms * config.retry_percent as u64 / 100,
                        retry::Next::Dead => 0,
                    };
                    timers.at(clock.tick().after(wait), Timer::Retry(unfinished.endpoint, unfinished.id));
                }
            }
        }
        let slept = clock.slept();
        let queue = Queue::new(clock.clone());
        let handle = Handle::new(queue.clone(), state.directory());
        let engine = Engine {
            core: Core { state, store, clock, ids, config },
            queue,
            handle: handle.clone(),
            ports: None,
            timers,
            alarm: None,
            deaths: Deaths::default(),
            ends: HashMap::new(),
            due,
            dirty: HashSet::new(),
            save_set: false,
            purges: Purges::default(),
            retention: Gid(0),
            waiting: Waiting::default(),
            acks: PendingAcks::default(),
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
