//! Threads that call out, shared fairly: whoever hangs must not take all of them from the others. Who is
//! who is the job's key. Must not know what a job does, nor how it ended.
//!
//! The queue has no bound of its own: whoever puts jobs in says beside it what bounds them.

use crate::clock::{Clock, Work};
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    task::Wake,
    time::Duration,
};

/// ureq with rustls needs about 60 KiB when optimised, and several times that when not.
const STACK: usize = if cfg!(debug_assertions) { 1024 * 1024 } else { 128 * 1024 };

/// The size of a pool.
#[derive(Clone, Copy)]
pub struct Size {
    /// So many jobs at once, over all keys.
    pub threads: usize,
    /// When so many jobs are under way, a key gets no second one.
    pub crowded: usize,
    /// So many threads stay when there is nothing to do; the others end at once.
    pub idle: usize,
}

/// Takes jobs `J`, each under its key `K`. Dropping it does not end its threads: [`Pool::stop`] does.
pub struct Pool<K, J>(Arc<Shared<K, J>>);

struct Shared<K, J> {
    /// Threads are called so, with a number.
    name: &'static str,
    size: Size,
    /// How many jobs of a key may be under way at once.
    share: Box<dyn Fn(&K) -> usize + Send + Sync>,
    clock: Clock,
    run: Box<dyn Fn(J) + Send + Sync>,
    state: Mutex<State<K, J>>,
    /// Notified when there is a job, when the last busy thread is done, and when patience is over.
    changed: Condvar,
}

struct State<K, J> {
    jobs: VecDeque<(K, J, Work)>,
    /// Jobs under way, by key.
    running: HashMap<K, usize>,
    threads: usize,
    idle: usize,
    busy: usize,
    /// Names threads.
    spawned: usize,
    stopping: bool,
    /// Who stops the pool waits no longer.
    impatient: bool,
}

impl<K: Clone + Eq + Hash + Send + 'static, J: Send + 'static> Pool<K, J> {
    /// Starts the first thread; while it lives, every job is run some time, even when no other starts.
    /// `run` must not panic. `share`: how many jobs of a key may be under way at once; asked under a lock.
    pub fn start(
        name: &'static str,
        size: Size,
        share: impl Fn(&K) -> usize + Send + Sync + 'static,
        clock: Clock,
        run: impl Fn(J) + Send + Sync + 'static,
    ) -> io::Result<Pool<K, J>> {
        let state = State { jobs: VecDeque::new(), running: HashMap::new(), threads: 0, idle: 0, busy: 0, spawned: 0, stopping: false, impatient: false };
        let shared = Arc::new(Shared { name, size, share: Box::new(share), clock, run: Box::new(run), state: Mutex::new(state), changed: Condvar::new() });
        shared.spawn(&mut shared.lock())?;
        Ok(Pool(shared))
    }

    /// Queues a job and returns at once; a stopping pool gives it back. A virtual clock counts it as
    /// work until it was run.
    pub fn add(&self, key: K, job: J) -> Result<(), J> {
        let work = self.0.clock.work();
        let mut state = self.0.lock();
        if state.stopping {
            return Err(job);
        }
        state.jobs.push_back((key, job, work));
        if state.jobs.len() > state.idle && state.threads < self.0.size.threads {
            // Without a new thread the job waits for one that is busy now.
            if let Err(e) = self.0.spawn(&mut state) {
                tracing::warn!(error = %e, pool = self.0.name, "no new thread");
            }
        }
        drop(state);
        self.0.changed.notify_one();
        Ok(())
    }

    /// Runs nothing more: what waits is given to `leave`. Waits for the jobs under way, and calls `cut`,
    /// which should end them, when that takes longer than `patience`. Returns when none is left.
    pub fn stop(&self, patience: Duration, leave: impl Fn(J), cut: impl FnOnce()) {
        let clock = &self.0.clock;
        let until = clock.tick().after(patience.as_millis() as u64);
        let _alarm = clock.wake_at(until, Arc::new(Impatience(self.0.clone())).into());
        let mut state = self.0.lock();
        state.stopping = true;
        let left = std::mem::take(&mut state.jobs);
        self.0.changed.notify_all();
        drop(state);
        for (_, job, work) in left {
            leave(job);
            drop(work);
        }
        let mut cut = Some(cut);
        let mut state = self.0.lock();
        // A virtual clock stands still here; then the jobs end by their own time-outs.
        while state.busy > 0 {
            if state.impatient
                && let Some(cut) = cut.take()
            {
                drop(state);
                cut();
                state = self.0.lock();
                continue;
            }
            state = self.0.changed.wait(state).expect("no panic while held");
        }
    }

    /// Jobs under way, threads alive, threads ever started.
    #[cfg(test)]
    pub fn counts(&self) -> (usize, usize, usize) {
        let state = self.0.lock();
        (state.busy, state.threads, state.spawned)
    }
}

impl<K: Eq + Hash, J> State<K, J> {
    /// The oldest job that may go now. What is left behind goes when a thread is done.
    fn next(&mut self, crowded: usize, share: &dyn Fn(&K) -> usize) -> Option<(K, J, Work)> {
        let crowded = self.busy >= crowded;
        let may = |key: &K| match self.running.get(key) {
            None => true,
            Some(n) => !crowded && *n < share(key),
        };
        let at = self.jobs.iter().position(|(key, ..)| may(key))?;
        self.jobs.remove(at)
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, J: Send + 'static> Shared<K, J> {
    fn lock(&self) -> MutexGuard<'_, State<K, J>> {
        self.state.lock().expect("no panic while held")
    }

    fn spawn(self: &Arc<Self>, state: &mut State<K, J>) -> io::Result<()> {
        let shared = self.clone();
        std::thread::Builder::new().name(format!("{}-{}", self.name, state.spawned)).stack_size(STACK).spawn(move || shared.run())?;
        state.threads += 1;
        state.spawned += 1;
        Ok(())
    }

    fn run(self: Arc<Self>) {
        let mut state = self.lock();
        while !state.stopping {
            if let Some((key, job, work)) = state.next(self.size.crowded, &*self.share) {
                *state.running.entry(key.clone()).or_default() += 1;
                state.busy += 1;
                drop(state);
                (self.run)(job);
                drop(work);
                state = self.lock();
                state.busy -= 1;
                match state.running.get_mut(&key) {
                    Some(n) if *n > 1 => *n -= 1,
                    _ => drop(state.running.remove(&key)),
                }
                if state.busy == 0 {
                    self.changed.notify_all();
                }
            } else if state.idle >= self.size.idle {
                break;
            } else {
                state.idle += 1;
                state = self.changed.wait(state).expect("no panic while held");
                state.idle -= 1;
            }
        }
        state.threads -= 1;
    }
}

/// Wakes who stops a pool when their patience is over.
struct Impatience<K, J>(Arc<Shared<K, J>>);

impl<K: Clone + Eq + Hash + Send + 'static, J: Send + 'static> Wake for Impatience<K, J> {
    fn wake(self: Arc<Self>) {
        self.0.lock().impatient = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
