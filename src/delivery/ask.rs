//! Asks a business's server one question, waits for the answer and hands it back: a moderation server about a
//! text, or one that wants to hear before something is done. Silence, errors and our own troubles are never
//! somebody's fault here. Must not know what hangs on an answer, nor how a cloud spells it.
//!
//! The queue needs no bound of its own: the engine keeps what waits for its verdict, and bounds it. No question stays for longer than it lives, so the queue drains by itself.

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
        hook::{HookAnswer, Rewritten},
        moderation::{Asked, Question, QuestionId, Verdict},
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
/// Of one server of an application …
const SHARE: usize = 16;
/// … and of one that was silent when it was last asked: it takes little from the others, and is
/// asked again and again.
const SHARE_OF_SILENT: usize = 4;

/// A stopping server gives the questions under way the time that they have by default.
const STOP: Duration = Duration::from_secs(2);

/// Where a question goes at this moment, and how its answer is read.
pub struct Target {
    /// What is called; the signature may be in it.
    pub url: String,
    /// `Content-Type`, and the signature if it is here, made for this very question.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// A public host may have a port that is not in the allow-list.
    pub any_port: bool,
    /// Given the status and fewer than [`super::post::ANSWER_LIMIT`] bytes of the answer.
    pub read: Reading,
}

pub type Reading = Box<dyn Fn(u16, &[u8]) -> Verdict>;

pub type Verdicts = Arc<dyn Fn(QuestionId, Verdict) + Send + Sync>;
pub type Targets = Arc<dyn Fn(&Question) -> Option<Target> + Send + Sync>;

/// What the asking needs from the rest.
pub struct Config {
    /// Takes the verdict on each question, once, on an asker's thread; none of what a stop breaks off, and of
    /// what did not have its turn in time.
    /// Must neither block nor panic.
    pub verdict: Verdicts,
    /// Asked on an asker's thread, just before the question is sent. `None`: there is nobody to ask any
    /// more, and nothing stands against what was asked about.
    pub target: Targets,
    pub allow: AllowList,
    pub clock: Clock,
}

/// Takes questions.
pub struct Asker {
    pool: Pool<Server, Question>,
    asking: Arc<Asking>,
}

/// Who is asked.
type Server = (AppId, Asked);

struct Asking {
    config: Config,
    client: Client,
    /// For those whose cloud lets a public host have a port.
    any_port: Client,
    stopping: AtomicBool,
    silent: Mutex<HashSet<Server>>,
}

impl Asker {
    pub fn start(config: Config) -> io::Result<Asker> {
        let clock = config.clock.clone();
        let client = |allow: AllowList| Client::new(Vetted::new(allow, clock.clone()));
        let (client, any_port) = (client(config.allow.clone()), client(config.allow.with_any_port()));
        let asking = Arc::new(Asking { config, client, any_port, stopping: AtomicBool::new(false), silent: Mutex::default() });
        let (ask, shares) = (asking.clone(), asking.clone());
        let share = move |server: &Server| if shares.silent.lock().expect("no panic while held").contains(server) { SHARE_OF_SILENT } else { SHARE };
        let pool = Pool::start("asker", SIZE, share, clock, move |question| ask.ask(question))?;
        Ok(Asker { pool, asking })
    }

    /// Hands over a question and returns at once. Questions to one server are asked at the same
    /// time; the order of their verdicts says nothing. A virtual clock counts each as work until then.
    pub fn ask(&self, question: Question) {
        // Refused only by a pool that stops.
        let _ = self.pool.add((question.app.clone(), question.about.asked()), question);
    }

    /// Asks nothing more, and gives what is under way a moment. What it breaks off has no verdict: a stop
    /// is no reason to let a message through, and its sender was not told yet that it was taken.
    pub fn stop(&self) {
        self.asking.stopping.store(true, Ordering::SeqCst);
        self.pool.stop(STOP, drop, || {
            self.asking.client.cut();
            self.asking.any_port.cut();
        });
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
        let (app, asked) = (&question.app, question.about.asked());
        let answer = match catch_unwind(AssertUnwindSafe(|| self.answer(&question, left))) {
            Ok(Ok(verdict)) => Some(verdict),
            Ok(Err(error)) => {
                // No URL here: its query may carry the business's own secret.
                tracing::debug!(%app, ?asked, error, took_ms = self.config.clock.tick().since(began), "the business's server gave no answer");
                None
            }
            Err(_) => {
                tracing::error!(%app, ?asked, "a panic while asking a business's server; it counts as one that gave no answer");
                None
            }
        };
        self.heard((app.clone(), asked), answer.is_some());
        if answer.is_some() || !self.stopping.load(Ordering::SeqCst) {
            (self.config.verdict)(question.id, answer.unwrap_or_else(|| asked.silence()));
        }
    }

    fn heard(&self, server: Server, answered: bool) {
        let mut silent = self.silent.lock().expect("no panic while held");
        if answered {
            silent.remove(&server);
        } else {
            silent.insert(server);
        }
    }

    /// The server's answer, or why there is none.
    fn answer(&self, question: &Question, left: Duration) -> Result<Verdict, String> {
        let asked = question.about.asked();
        let Some(target) = (self.config.target)(question) else {
            return Ok(match asked {
                Asked::Moderation => Verdict::Passed,
                Asked::Hooks => Verdict::Hook(HookAnswer::Proceed { rewritten: Rewritten::default(), without: Vec::new() }),
            });
        };
        if self.config.clock.now() < Millis::BELIEVABLE {
            return Err(NOT_BELIEVABLE.into());
        }
        let headers = target.headers.iter().map(|(name, value)| (&**name, &**value));
        let patience = Patience { connect: left, whole: left };
        let client = if target.any_port { &self.any_port } else { &self.client };
        let (status, answer) = client.post(&target.url, headers, &target.body, &patience).map_err(|e| sender::judge(e, &patience).0)?;
        if answer.len() as u64 >= ANSWER_LIMIT {
            tracing::debug!(app = %question.app, ?asked, "the answer has {ANSWER_LIMIT} bytes or more, and is none");
            return Ok(match asked {
                Asked::Moderation => Verdict::LetThrough,
                Asked::Hooks => Verdict::Hook(HookAnswer::NoAnswer),
            });
        }
        let verdict = (target.read)(status, &answer);
        tracing::debug!(app = %question.app, ?asked, status, "the business's server answered");
        Ok(verdict)
    }
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
