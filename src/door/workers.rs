//! The control workers: a few threads that take finished requests from the door, have them handled,
//! print the answers and give them back. A handler that panics costs its request, not its thread; one that
//! waits for somebody outside is stood in for. Must not know sockets, nor what a request means.

use super::{Handler, Job, Reply, http};
use crate::clock::Clock;
use smol::channel::Receiver;
use std::{
    io, panic,
    sync::{Arc, Mutex, MutexGuard},
};

/// Handlers read the store and hash bodies; nothing of theirs recurses.
const STACK: usize = 512 * 1024;
/// Each waits for commits most of its time, so there are more than cores.
pub const WORKERS: usize = 8;
/// So many stay that stood in, or each call that may wait would start a thread and end one.
const SPARE: usize = 8;
/// So many more may wait for a client or a moderation server, seconds long.
const MOST_WAITING: usize = 128;

/// The threads, and how many of them wait for somebody outside.
#[derive(Default)]
pub struct Workers(Mutex<Crew>);

/// Starts one more thread, of this number.
type Spawn = Box<dyn Fn(Arc<Workers>, usize) -> io::Result<()> + Send>;

#[derive(Default)]
struct Crew {
    threads: usize,
    waiting: usize,
    /// Names threads.
    started: usize,
    /// `None` before the start and after the end: it holds what in turn holds us.
    spawn: Option<Spawn>,
}

impl Workers {
    /// Does what may wait for seconds on a worker's thread; meanwhile another one stands in for it. `None`:
    /// too many wait already.
    pub fn patiently<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> Option<T> {
        {
            let mut crew = self.lock();
            if crew.waiting == MOST_WAITING {
                return None;
            }
            crew.waiting += 1;
            // Without it the others have more to do.
            if let Err(error) = self.fill(&mut crew) {
                tracing::warn!(%error, "no thread stands in for a worker that waits");
            }
        }
        let _back = Back(self);
        Some(work())
    }

    fn fill(self: &Arc<Self>, crew: &mut Crew) -> io::Result<()> {
        while crew.threads < WORKERS + crew.waiting {
            let Some(spawn) = &crew.spawn else { return Ok(()) };
            spawn(self.clone(), crew.started)?;
            crew.threads += 1;
            crew.started += 1;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Crew> {
        self.0.lock().expect("no panic while held")
    }

    /// Is there one too many, now that those who waited are back? Then the caller goes.
    fn is_spare(&self) -> bool {
        let mut crew = self.lock();
        let spare = crew.threads > WORKERS + SPARE + crew.waiting;
        crew.threads -= usize::from(spare);
        spare
    }
}

/// A wait that ends, also by a panic.
struct Back<'a>(&'a Workers);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

/// Starts the threads; they end when the queue is closed and empty.
pub fn start(workers: &Arc<Workers>, queue: Receiver<Job>, clock: Clock, handler: Handler) -> io::Result<()> {
    let spawn: Spawn = Box::new(move |workers, n| {
        let (queue, clock, handler) = (queue.clone(), clock.clone(), handler.clone());
        std::thread::Builder::new().name(format!("control-{n}")).stack_size(STACK).spawn(move || work(&workers, &queue, &clock, &handler))?;
        Ok(())
    });
    let mut crew = workers.lock();
    crew.spawn = Some(spawn);
    workers.fill(&mut crew)
}

fn work(workers: &Workers, queue: &Receiver<Job>, clock: &Clock, handler: &Handler) {
    while let Ok(Job { request, head_only, answer }) = queue.recv_blocking() {
        let handled = panic::catch_unwind(panic::AssertUnwindSafe(|| handler(&request)));
        let reply = handled.unwrap_or_else(|_| {
            tracing::error!(method = request.method, path = request.path, "a handler panicked");
            Reply::text(500, "the server failed at this request; its log says more")
        });
        // The client may be gone; then nobody takes the answer.
        let _ = answer.try_send(http::print(reply, head_only, clock.now()));
        if workers.is_spare() {
            return;
        }
    }
    workers.lock().spawn = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::Request;
    use smol::channel;
    use std::sync::{Barrier, mpsc};

    fn job(path: &str) -> (Job, channel::Receiver<Vec<u8>>) {
        let request =
            Request { method: "GET".into(), path: path.into(), query: String::new(), headers: Vec::new(), body: Vec::new(), peer: ([127, 0, 0, 1], 1).into() };
        let (answer, answered) = channel::bounded(1);
        (Job { request, head_only: false, answer }, answered)
    }

    #[test]
    fn who_waits_for_somebody_outside_keeps_nobody_from_being_served() {
        let workers = Arc::<Workers>::default();
        let (jobs, queue) = channel::unbounded();
        let (entered, enters) = mpsc::channel();
        let end = Arc::new(Barrier::new(MOST_WAITING + 1));
        let (theirs, gate) = (workers.clone(), end.clone());
        let handler: Handler = Arc::new(move |request| match request.path.as_str() {
            "/wait" => {
                let waited = theirs.patiently(|| {
                    entered.send(()).unwrap();
                    gate.wait();
                });
                Reply::text(if waited.is_some() { 200 } else { 503 }, "")
            }
            _ => Reply::text(200, ""),
        });
        start(&workers, queue, Clock::standing(), handler).unwrap();
        let waits: Vec<_> = (0..MOST_WAITING).map(|_| job("/wait")).map(|(job, answered)| (jobs.send_blocking(job), answered).1).collect();
        waits.iter().for_each(|_| enters.recv().unwrap());
        for (path, status) in [("/", "200"), ("/wait", "503"), ("/", "200")] {
            let (job, answered) = job(path);
            jobs.send_blocking(job).unwrap();
            let answer = answered.recv_blocking().unwrap();
            assert!(answer.starts_with(format!("HTTP/1.1 {status} ").as_bytes()), "{path}");
        }
        assert_eq!(workers.lock().threads, WORKERS + MOST_WAITING);
        end.wait();
        waits.into_iter().for_each(|answered| drop(answered.recv_blocking().unwrap()));
        // Those who are back go, one a request; a request each keeps them from waiting for one.
        while workers.lock().threads > WORKERS + SPARE {
            let (job, answered) = job("/");
            jobs.send_blocking(job).unwrap();
            answered.recv_blocking().unwrap();
        }
        jobs.close();
    }
}
