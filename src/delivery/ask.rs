//! Asks a business's server one question, waits for the answer and hands it back. Silence, errors and
//! our own troubles let the message through; they are never somebody's fault here. Must not know what
//! hangs on an answer, nor how a cloud spells it.
//!
//! The queue needs no bound of its own: the engine keeps the messages that wait for their verdict, and
//! bounds them. No question stays for longer than it lives, so the queue drains by itself.

use super::{
    Patience,
    pool::{Pool, Size},
    post::{ANSWER_LIMIT, Client, NOT_BELIEVABLE},
    resolver::Vetted,
    sender,
};
use crate::{
    clock::Clock,
    domain::{
        AppId, Millis,
        address::AllowList,
        moderation::{Question, QuestionId, Verdict},
    },
};
use std::{
    collections::HashSet,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The questions under way at once.
const SIZE: Size = Size { threads: 64, crowded: 48, idle: 2 };
/// Of one application …
const SHARE: usize = 16;
/// … and of one whose server was silent when it was last asked: it takes little from the others, and is
/// asked again and again.
const SHARE_OF_SILENT: usize = 4;

/// A stopping server gives the questions under way the time that they have by default.
const STOP: Duration = Duration::from_secs(2);

/// Where a question goes at this moment, and how its answer is read.
pub struct Target {
    pub url: String,
    /// `Content-Type` and the signature, made for this very question.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Given the status and at most [`super::post::ANSWER_LIMIT`] bytes of the answer.
    pub read: fn(u16, &[u8]) -> Verdict,
}

pub type Verdicts = Arc<dyn Fn(QuestionId, Verdict) + Send + Sync>;
pub type Targets = Arc<dyn Fn(&Question) -> Option<Target> + Send + Sync>;

/// What the asking needs from the rest.
pub struct Config {
    /// Takes the verdict on each question, once, on an asker's thread; none of what a stop breaks off, and of
    /// what did not have its turn in time.
    /// Must neither block nor panic.
    pub verdict: Verdicts,
    /// Asked on an asker's thread, just before the question is sent. `None`: there is nobody to ask any
    /// more, and the message passes.
    pub target: Targets,
    pub allow: AllowList,
    pub clock: Clock,
}

/// Takes questions.
pub struct Asker {
    pool: Pool<AppId, Question>,
    asking: Arc<Asking>,
}

struct Asking {
    config: Config,
    client: Client,
    stopping: AtomicBool,
    silent: Mutex<HashSet<AppId>>,
}

impl Asker {
    pub fn start(config: Config) -> io::Result<Asker> {
        let (clock, client) = (config.clock.clone(), Client::new(Vetted::new(config.allow.clone(), config.clock.clone())));
        let asking = Arc::new(Asking { config, client, stopping: AtomicBool::new(false), silent: Mutex::default() });
        let (ask, shares) = (asking.clone(), asking.clone());
        let share = move |app: &AppId| if shares.silent.lock().expect("no panic while held").contains(app) { SHARE_OF_SILENT } else { SHARE };
        let pool = Pool::start("asker", SIZE, share, clock, move |question| ask.ask(question))?;
        Ok(Asker { pool, asking })
    }

    /// Hands over a question and returns at once. Questions of one application are asked at the same
    /// time; the order of their verdicts says nothing. A virtual clock counts each as work until then.
    pub fn ask(&self, question: Question) {
        // Refused only by a pool that stops.
        let _ = self.pool.add(question.app.clone(), question);
    }

    /// Asks nothing more, and gives what is under way a moment. What it breaks off has no verdict: a stop
    /// is no reason to let a message through, and its sender was not told yet that it was taken.
    pub fn stop(&self) {
        self.asking.stopping.store(true, Ordering::SeqCst);
        self.pool.stop(STOP, drop, || self.asking.client.cut());
    }
}

impl Asking {
    /// One question and its verdict, whatever happens in between.
    fn ask(&self, question: Question) {
        let began = self.config.clock.tick();
        let left = Duration::from_millis(question.until.since(began));
        if left.is_zero() {
            // Who waited for it has given it up.
            return;
        }
        question.asked.store(true, Ordering::SeqCst);
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(&question, left)));
        let verdict = match answer {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(error)) => {
                // No URL here: its query may carry the business's own secret.
                tracing::debug!(app = %question.app, error, took_ms = self.config.clock.tick().since(began), "let through: the moderation server gave no answer");
                Verdict::NoAnswer
            }
            Err(_) => {
                tracing::error!(app = %question.app, "a panic while asking a moderation server; the message was let through");
                Verdict::NoAnswer
            }
        };
        self.heard(&question.app, verdict != Verdict::NoAnswer);
        if verdict != Verdict::NoAnswer || !self.stopping.load(Ordering::SeqCst) {
            (self.config.verdict)(question.id, verdict);
        }
    }

    fn heard(&self, app: &AppId, answered: bool) {
        let mut silent = self.silent.lock().expect("no panic while held");
        if answered {
            silent.remove(app);
        } else {
            silent.insert(app.clone());
        }
    }

    /// The server's answer, or why there is none.
    fn answer(&self, question: &Question, left: Duration) -> Result<Verdict, String> {
        let Some(target) = (self.config.target)(question) else {
            return Ok(Verdict::Passed);
        };
        if self.config.clock.now() < Millis::BELIEVABLE {
            return Err(NOT_BELIEVABLE.into());
        }
        let headers = target.headers.iter().map(|(name, value)| (&**name, &**value));
        let patience = Patience { connect: left, whole: left };
        let (status, answer) = self.client.post(&target.url, headers, &target.body, &patience).map_err(|e| sender::judge(e, &patience).0)?;
        if answer.len() as u64 >= ANSWER_LIMIT {
            tracing::debug!(app = %question.app, "let through: the moderation server's answer has {ANSWER_LIMIT} bytes or more");
            return Ok(Verdict::LetThrough);
        }
        let verdict = (target.read)(status, &answer);
        tracing::debug!(app = %question.app, status, passed = verdict == Verdict::Passed, "the moderation server answered");
        Ok(verdict)
    }
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
