//! Commands that wait until a business's server has answered: a moderation server about a message, a hook about
//! anything that is to be done. Nobody else waits; what stands in one line keeps its order. It is nobody's promise yet: in
//! memory only, bounded, and unanswered. What is asked is `look.rs`, what comes of an answer `asking.rs`.

use super::look::{Incoming, Line};
use crate::domain::{
    AppId, Refusal, Tick, UserId,
    moderation::{About, Asked, QuestionId, Verdict},
    sending::Passed,
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Commands of one line that may wait: a client's …
const MOST_OF_ONE: usize = 16;
/// … and a business's server's, which may well say more than a second's messages at once. Each keeps a control call waiting.
const MOST_OF_SERVER: usize = 64;
/// Commands that may wait in one application, so that none can take the room of the others …
const MOST_OF_APP: usize = 1_024;
/// … of which, when half are taken, each line has so many.
const FEW_OF_ONE: usize = 2;
/// … and in all.
const MOST: usize = 4_096;
/// Their text, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// One that waits.
pub(super) struct Held {
    id: QuestionId,
    pub app: AppId,
    bytes: usize,
    /// Whose answer it waits for, or waited.
    pub server: Option<Asked>,
    /// The question's turn has come.
    asked: Arc<AtomicBool>,
    /// `None`: it waits for an answer.
    pub decision: Option<Decision>,
    pub incoming: Incoming,
    pub passed: Passed,
    /// Who is not to be brought into the group.
    pub without: Vec<UserId>,
}

/// What is to be done when nothing stands before it any more.
pub(super) enum Decision {
    Go,
    /// It is answered as if it had been done.
    Discard,
    Refuse(Refusal),
}

/// What became of a question.
pub(super) enum Ruling {
    Verdict(Verdict),
    /// Its turn did not come in time.
    NotAsked,
}

/// All that wait.
#[derive(Default)]
pub(super) struct Waiting {
    lines: HashMap<Line, VecDeque<Held>>,
    /// Whose question it is.
    questions: HashMap<QuestionId, Line>,
    of_app: HashMap<AppId, usize>,
    bytes: usize,
    last: QuestionId,
    /// Servers that did not answer when they were last asked.
    silent: HashSet<(AppId, Asked)>,
    /// The server stops: nothing is let through any more.
    pub closing: bool,
    /// What went on without an answer and was not yet warned of, and when the next warning may come.
    pub unanswered: u64,
    pub warn_from: Tick,
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Does something stand in this line?
    pub fn stands(&self, line: &Line) -> bool {
        self.lines.contains_key(line)
    }

    /// Is there room for one more in this line?
    pub fn room(&self, line: &Line, app: &AppId, bytes: usize) -> Result<(), Refusal> {
        let of_one = self.lines.get(line).map_or(0, VecDeque::len);
        let of_app = self.of_app.get(app).copied().unwrap_or(0);
        let most = match line {
            _ if of_app >= MOST_OF_APP / 2 => FEW_OF_ONE,
            Line::Session(_) | Line::Place(..) => MOST_OF_ONE,
            Line::Server(..) | Line::Group(..) => MOST_OF_SERVER,
        };
        if of_one >= most {
            return Err(Refusal::TooFast(match line {
                Line::Session(_) | Line::Server(..) => "earlier messages of this sender still wait for the business's answer",
                Line::Place(..) | Line::Group(..) => "earlier requests for this group still wait for the business's answer",
            }));
        }
        if of_app >= MOST_OF_APP || self.questions.len() >= MOST || self.bytes + bytes > MOST_BYTES {
            return Err(Refusal::TooFast("too much waits for answers of businesses"));
        }
        Ok(())
    }

    /// It stands behind all that stand there. Without a question it waits for them alone.
    pub fn add(&mut self, line: Line, app: AppId, incoming: Incoming, passed: Passed, about: Option<&About>) -> (QuestionId, Arc<AtomicBool>) {
        self.last += 1;
        let (asked, bytes) = (Arc::<AtomicBool>::default(), incoming.bytes());
        self.questions.insert(self.last, line.clone());
        *self.of_app.entry(app.clone()).or_default() += 1;
        self.bytes += bytes;
        let decision = about.is_none().then_some(Decision::Go);
        let server = about.map(About::asked);
        let held = Held { id: self.last, app, bytes, server, asked: asked.clone(), decision, incoming, passed, without: Vec::new() };
        self.lines.entry(line).or_default().push_back(held);
        (self.last, asked)
    }

    /// One that stands already has one more question.
    pub fn ask_again(&mut self, id: QuestionId, about: &About) -> Option<(QuestionId, Arc<AtomicBool>)> {
        let line = self.questions.remove(&id)?;
        let held = self.lines.get_mut(&line)?.iter_mut().find(|held| held.id == id)?;
        self.last += 1;
        self.questions.insert(self.last, line);
        (held.id, held.server, held.asked) = (self.last, Some(about.asked()), Arc::default());
        Some((self.last, held.asked.clone()))
    }

    /// The line of this question, and who waits for its answer there.
    pub fn undecided(&mut self, id: QuestionId) -> Option<(Line, &mut Held)> {
        let line = self.questions.get(&id)?.clone();
        let held = self.lines.get_mut(&line)?.iter_mut().find(|held| held.id == id && held.decision.is_none())?;
        Some((line, held))
    }

    /// What the end of a question's time means; `None`: nobody waits for it any more.
    pub fn out_of_time(&self, id: QuestionId) -> Option<Ruling> {
        let held = self.lines.get(self.questions.get(&id)?)?.iter().find(|held| held.id == id)?;
        let server = held.server?;
        // That its turn did not come is our own doing. Only where the server is silent anyway, it counts as asked:
        // or else a flood would carry everything past a server that answers.
        let in_vain = held.asked.load(Ordering::SeqCst) || self.silent.contains(&(held.app.clone(), server));
        Some(if in_vain { Ruling::Verdict(server.silence()) } else { Ruling::NotAsked })
    }

    /// Whether the server answered when it was last asked.
    pub fn heard(&mut self, app: AppId, server: Asked, answered: bool) {
        if answered {
            self.silent.remove(&(app, server));
        } else {
            self.silent.insert((app, server));
        }
    }

    pub fn take_first_decided(&mut self, line: &Line) -> Option<Held> {
        let standing = self.lines.get_mut(line)?;
        let first = standing.pop_front_if(|held| held.decision.is_some());
        if standing.is_empty() {
            self.lines.remove(line);
        }
        let first = first?;
        self.questions.remove(&first.id);
        self.bytes -= first.bytes;
        if let Some(n) = self.of_app.get_mut(&first.app) {
            *n -= 1;
            if *n == 0 {
                self.of_app.remove(&first.app);
            }
        }
        Some(first)
    }
}
