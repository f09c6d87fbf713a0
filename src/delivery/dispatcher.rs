//! The threads that send callbacks. Jobs come in from the engine, which is never made to wait; outcomes
//! go back. Must not decide anything about a job but on which thread it runs.
//!
//! The queue needs no bound of its own: the engine has at most `outbox::IN_FLIGHT` jobs an endpoint
//! with us. A job that was not sent when we stop is dropped; it is still in the store.

use super::{
    Config,
    pool::{Pool, Size},
    sender::Sender,
};
use crate::domain::{
    endpoint::EndpointId,
    outbox::{Attempt, Job, Outcome, TryEnd},
};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The tries at once; half of them stay with the endpoints that answer.
const SIZE: Size = Size { threads: 64, crowded: 32, idle: 4 };

/// Takes jobs.
pub struct Dispatcher {
    pool: Pool<EndpointId, Job>,
    sending: Arc<Sending>,
}

struct Sending {
    config: Config,
    sender: Sender,
    /// We end the tries under way ourselves.
    cut: AtomicBool,
}

impl Dispatcher {
    pub fn start(config: Config) -> io::Result<Dispatcher> {
        let clock = config.clock.clone();
        let sending = Arc::new(Sending { sender: Sender::new(config.clone()), config, cut: AtomicBool::new(false) });
        let send = sending.clone();
        let pool = Pool::start("sender", SIZE, |_| usize::MAX, clock, move |job| send.send(job))?;
        Ok(Dispatcher { pool, sending })
    }

    /// Hands over a job and returns at once. Its outcome comes on another thread. A virtual clock
    /// counts it as work until then.
    pub fn send(&self, job: Job) {
        // A stopping pool gives it back: it is still in the store.
        let _ = self.pool.add(job.endpoint.clone(), job);
    }

    /// Sends nothing more, waits for the tries under way ([`Config::stop`], then cuts them off), and
    /// returns when the last outcome was handed over. The taker of outcomes must still be alive.
    pub fn stop(&self) {
        let cut = || {
            self.sending.cut.store(true, Ordering::SeqCst);
            self.sending.sender.cut();
        };
        self.pool.stop(self.sending.config.stop, drop, cut);
    }
}

impl Sending {
    /// One try and its outcome. A panic in the HTTP client costs the delivery a try, not its outcome.
    fn send(&self, job: Job) {
        let at = self.config.clock.now();
        let tried = catch_unwind(AssertUnwindSafe(|| self.sender.attempt(&job)));
        let (mut attempt, mut end) = tried.unwrap_or_else(|_| {
            tracing::error!(delivery = %job.delivery, endpoint = %job.endpoint, "a panic while sending");
            (Attempt { at, url: String::new(), result: Err("a fault of roomd while sending".into()), took_ms: 0, answer: Vec::new() }, TryEnd::Failed)
        });
        // What we cut off ourselves is not the endpoint's fault.
        if end == TryEnd::Failed && attempt.result.is_err() && self.cut.load(Ordering::SeqCst) {
            (attempt.result, end) = (Err("cut off, because roomd stops".into()), TryEnd::NotSpent);
        }
        (self.config.outcome)(Outcome { delivery: job.delivery, endpoint: job.endpoint, attempt, end });
    }
}

#[cfg(test)]
#[path = "dispatcher_tests.rs"]
mod tests;
