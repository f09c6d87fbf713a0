//! The threads that send. Jobs come in from the engine, which is never made to wait; outcomes go back.
//! Must not decide anything about a job but on which thread it runs.
//!
//! The queue needs no bound of its own: the engine has at most `outbox::IN_FLIGHT` jobs an endpoint
//! with us. A job that was not sent when we stop is dropped; it is still in the store.

use super::{Config, sender::Sender};
use crate::{
    clock::Work,
    domain::{
        endpoint::EndpointId,
        outbox::{Attempt, Job, Outcome, Verdict},
    },
};
use std::{
    collections::{HashMap, VecDeque},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    task::Wake,
};

/// So many tries at once, over all endpoints.
const THREADS: usize = 64;
/// When so many tries are under way, an endpoint gets no second one: a few that hang must not take all
/// threads from the others.
const CROWDED: usize = THREADS / 2;
/// So many threads stay when there is nothing to send; the others end at once.
const IDLE: usize = 4;
/// ureq with rustls needs about 60 KiB when optimised, and several times that when not.
const STACK: usize = if cfg!(debug_assertions) { 1024 * 1024 } else { 128 * 1024 };

/// Takes jobs. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Dispatcher(Arc<Shared>);

struct Shared {
    config: Config,
    sender: Sender,
    state: Mutex<State>,
    /// Notified when there is a job, when the last busy thread is done, and when patience is over.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<(Job, Work)>,
    /// Tries under way, by endpoint.
    sending: HashMap<EndpointId, usize>,
    threads: usize,
    idle: usize,
    busy: usize,
    /// Names threads.
    spawned: usize,
    stopping: bool,
    /// The stopping server waits no longer.
    impatient: bool,
}

impl Dispatcher {
    /// Starts the first thread; while it lives, every job is sent some time, even when no other starts.
    pub fn start(config: Config) -> io::Result<Dispatcher> {
        let sender = Sender::new(config.clone());
        let shared = Arc::new(Shared { config, sender, state: Mutex::default(), changed: Condvar::new() });
        shared.spawn(&mut shared.lock())?;
        Ok(Dispatcher(shared))
    }

    /// Hands over a job and returns at once. Its outcome comes on another thread. A virtual clock
    /// counts it as work until then.
    pub fn send(&self, job: Job) {
        let work = self.0.config.clock.work();
        let mut state = self.0.lock();
        if state.stopping {
            return;
        }
        state.jobs.push_back((job, work));
        if state.jobs.len() > state.idle && state.threads < THREADS {
            // Without a new thread the job waits for one that is busy now.
            if let Err(e) = self.0.spawn(&mut state) {
                tracing::warn!(error = %e, "no thread for a callback");
            }
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// Sends nothing more, waits for the tries under way (`patience.stop`, then cuts them off), and
    /// returns when the last outcome was handed over. The taker of outcomes must still be alive.
    pub fn stop(&self) {
        let clock = &self.0.config.clock;
        let until = clock.tick().after(self.0.config.patience.stop.as_millis() as u64);
        let _alarm = clock.wake_at(until, Arc::new(Impatience(self.0.clone())).into());
        let mut state = self.0.lock();
        state.stopping = true;
        // A guard's drop takes no lock of ours.
        state.jobs.clear();
        self.0.changed.notify_all();
        let mut cut = false;
        // A virtual clock stands still here; then the tries end by their own time-outs.
        while state.busy > 0 {
            if state.impatient && !cut {
                cut = true;
                drop(state);
                self.0.sender.cut();
                state = self.0.lock();
                continue;
            }
            state = self.0.changed.wait(state).expect("no panic while held");
        }
    }
}

impl State {
    /// The oldest job that may go now. What is left behind goes when a thread is done.
    fn next(&mut self) -> Option<(Job, Work)> {
        let crowded = self.busy >= CROWDED;
        let at = self.jobs.iter().position(|(job, _)| !crowded || !self.sending.contains_key(&job.endpoint))?;
        self.jobs.remove(at)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    fn spawn(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let shared = self.clone();
        std::thread::Builder::new().name(format!("sender-{}", state.spawned)).stack_size(STACK).spawn(move || shared.run())?;
        state.threads += 1;
        state.spawned += 1;
        Ok(())
    }

    fn run(self: Arc<Self>) {
        let mut state = self.lock();
        while !state.stopping {
            if let Some((job, work)) = state.next() {
                let endpoint = job.endpoint.clone();
                *state.sending.entry(endpoint.clone()).or_default() += 1;
                state.busy += 1;
                drop(state);
                self.send(job);
                drop(work);
                state = self.lock();
                state.busy -= 1;
                match state.sending.get_mut(&endpoint) {
                    Some(n) if *n > 1 => *n -= 1,
                    _ => drop(state.sending.remove(&endpoint)),
                }
                if state.busy == 0 {
                    self.changed.notify_all();
                }
            } else if state.idle >= IDLE {
                break;
            } else {
                state.idle += 1;
                state = self.changed.wait(state).expect("no panic while held");
                state.idle -= 1;
            }
        }
        state.threads -= 1;
    }

    /// One try and its outcome. A panic in the HTTP client costs the delivery a try, not its outcome.
    fn send(&self, job: Job) {
        let at = self.config.clock.now();
        let tried = catch_unwind(AssertUnwindSafe(|| self.sender.attempt(&job)));
        let (mut attempt, mut verdict) = tried.unwrap_or_else(|_| {
            tracing::error!(delivery = %job.delivery, endpoint = %job.endpoint, "a panic while sending");
            (Attempt { at, url: String::new(), result: Err("a fault of roomd while sending".into()), took_ms: 0, answer: Vec::new() }, Verdict::Failed)
        });
        // What we cut off ourselves is not the endpoint's fault.
        if verdict == Verdict::Failed && attempt.result.is_err() && self.lock().impatient {
            (attempt.result, verdict) = (Err("cut off, because roomd stops".into()), Verdict::NotSpent);
        }
        (self.config.outcome)(Outcome { delivery: job.delivery, endpoint: job.endpoint, attempt, verdict });
    }
}

/// Wakes a stopping dispatcher when its patience is over.
struct Impatience(Arc<Shared>);

impl Wake for Impatience {
    fn wake(self: Arc<Self>) {
        self.0.lock().impatient = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
#[path = "dispatcher_tests.rs"]
mod tests;
