//! Messages that wait for a moderation server. The question goes out, the engine goes on: nobody else
//! waits. What one sender said keeps its order: a message is done when its verdict is there and none of
//! the same sender stands before it. After the question's time it is let through, whatever the server
//! does (`alibaba.md` §4.3). What waits is nobody's promise yet: it is in memory only, and unanswered.

use super::{
    SocketCommand, SocketOp,
    batch::{Batch, Step},
    execute::guarded,
    queue::Answering,
    socket::linked,
};
use crate::domain::{
    AppId, Refusal, SessionId, Tick, UserId,
    app::Audit,
    direct,
    moderation::{self, ANSWER_WITHIN, About, Question, QuestionId, Review, Verdict},
    push::Push,
    request::Request,
    sending::{self, Known},
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Messages of one sender that may wait.
const MOST_OF_ONE: usize = 16;
/// Messages that may wait in one application, so that none can take the room of the others …
const MOST_OF_APP: usize = 1_024;
/// … of which, when half are taken, each sender has so many.
const FEW_OF_ONE: usize = 2;
/// … and in all.
const MOST: usize = 4_096;
/// Their text, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Between two warnings that messages were let through, in ms.
const WARN_EVERY: u64 = 60_000;

/// Whose messages keep their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum SenderKey {
    Session(SessionId),
    /// A business's server that speaks as this user.
    Server(AppId, UserId),
}

/// Who waits for the answer, and what was asked.
pub(super) enum Incoming {
    Socket(SocketCommand),
    Call(Box<Request>, Answering),
}

struct Held {
    id: QuestionId,
    app: AppId,
    bytes: usize,
    ruling: Option<Ruling>,
    /// The question's turn has come.
    asked: Arc<AtomicBool>,
    incoming: Incoming,
}

/// What became of a question.
enum Ruling {
    Verdict(Verdict),
    /// Its turn did not come in time.
    NotAsked,
}

/// All that wait.
#[derive(Default)]
pub(super) struct Moderation {
    waiting: HashMap<SenderKey, VecDeque<Held>>,
    /// Whose question it is.
    questions: HashMap<QuestionId, SenderKey>,
    of_app: HashMap<AppId, usize>,
    bytes: usize,
    last: QuestionId,
    /// Applications whose server did not answer when it was last asked.
    silent: HashSet<AppId>,
    /// The server stops: nothing is let through any more.
    pub closing: bool,
    /// Messages that were let through and not yet warned of, and when the next warning may come.
    let_through: u64,
    warn_from: Tick,
}

impl Moderation {
    /// Is there room for one more message of this line?
    fn room(&self, line: &SenderKey, app: &AppId, bytes: usize) -> Result<(), Refusal> {
        let of_one = self.waiting.get(line).map_or(0, VecDeque::len);
        let of_app = self.of_app.get(app).copied().unwrap_or(0);
        if of_one >= if of_app < MOST_OF_APP / 2 { MOST_OF_ONE } else { FEW_OF_ONE } {
            return Err(Refusal::TooFast("earlier messages of this sender still wait for moderation"));
        }
        if of_app >= MOST_OF_APP || self.questions.len() >= MOST || self.bytes + bytes > MOST_BYTES {
            return Err(Refusal::TooFast("too many messages wait for moderation"));
        }
        Ok(())
    }

    fn add(&mut self, line: SenderKey, app: AppId, bytes: usize, ruling: Option<Ruling>, incoming: Incoming) -> (QuestionId, Arc<AtomicBool>) {
        self.last += 1;
        let asked = Arc::<AtomicBool>::default();
        self.questions.insert(self.last, line.clone());
        *self.of_app.entry(app.clone()).or_default() += 1;
        self.bytes += bytes;
        self.waiting.entry(line).or_default().push_back(Held { id: self.last, app, bytes, ruling, asked: asked.clone(), incoming });
        (self.last, asked)
    }

    /// What the end of a question's time means; `None`: nobody waits for it any more.
    fn out_of_time(&self, id: QuestionId) -> Option<Ruling> {
        let held = self.waiting.get(self.questions.get(&id)?)?.iter().find(|held| held.id == id)?;
        // That its turn did not come is our own doing. Only where the server is silent anyway, the message is let
        // through: or else a flood would carry everything past a server that answers.
        let let_through = held.asked.load(Ordering::SeqCst) || self.silent.contains(&held.app);
        Some(if let_through { Ruling::Verdict(Verdict::NoAnswer) } else { Ruling::NotAsked })
    }

    fn take_first_decided(&mut self, line: &SenderKey) -> Option<Held> {
        let held = self.waiting.get_mut(line)?;
        let first = held.pop_front_if(|held| held.ruling.is_some());
        if held.is_empty() {
            self.waiting.remove(line);
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

/// A message and what its review said.
struct Reviewed {
    line: SenderKey,
    app: AppId,
    bytes: usize,
    /// For the question, if there is one.
    text: Option<String>,
    review: Review,
}

impl Batch<'_> {
    /// Looks at what is asked before anything is done. `None`: it is a message that waits, or that was
    /// refused and has its answer.
    pub(super) fn moderate(&mut self, incoming: Incoming) -> Option<Incoming> {
        match guarded(|| self.review(&incoming)) {
            Ok(None) => Some(incoming),
            Ok(Some(reviewed)) => self.hold(reviewed, incoming),
            Err(why) => {
                self.refuse(incoming, why);
                None
            }
        }
    }

    /// `None`: nobody has to look at it.
    fn review(&self, incoming: &Incoming) -> Result<Option<Reviewed>, Refusal> {
        let (line, app, draft, excused) = match incoming {
            Incoming::Socket(SocketCommand { conn, op, .. }) => {
                let (sid, draft, group, receiver) = match op {
                    SocketOp::Publish { sid, group, draft } => (sid, &**draft, Some(group), None),
                    SocketOp::SendDirect { sid, draft } => (sid, &draft.draft, None, Some(&draft.receiver)),
                    _ => return Ok(None),
                };
                let app = self.tx.state.app(&self.tx.state.session(sid).ok_or(Refusal::NoSession)?.session.app)?;
                if app.audit == Audit::None && self.moderation.waiting.is_empty() {
                    return Ok(None);
                }
                linked(&self.tx, *conn, sid)?;
                self.is_reachable(&app.id, receiver)?;
                // Who may not speak is told that, and what was said already needs no second look.
                let speaker = group.map(|group| sending::speaker(&self.tx, sid, group)).transpose()?;
                if let Some(speaker) = speaker
                    && self.known(Some(speaker.gid), draft)? == Known::Yes
                {
                    return Ok(None);
                }
                (SenderKey::Session(sid.clone()), app, draft, speaker.is_some_and(|speaker| speaker.rules))
            }
            Incoming::Call(request, _) => {
                let (app, sender, draft, receiver) = match &**request {
                    Request::Send { app, sender, draft, .. } => (app, sender, &**draft, None),
                    Request::SendDirect { app, sender, draft, .. } => (app, sender, &draft.draft, Some(&draft.receiver)),
                    _ => return Ok(None),
                };
                if !self.tx.rules.moderate_servers {
                    return Ok(None);
                }
                self.is_reachable(app, receiver)?;
                (SenderKey::Server(app.clone(), sender.user.clone()), self.tx.state.app(app)?, draft, false)
            }
        };
        let review = moderation::review(&app.audit, draft, excused);
        // Only a question takes the text along.
        let text = (review == Review::Ask).then(|| draft.body.clone());
        Ok(Some(Reviewed { line, app: app.id.clone(), bytes: draft.body.len(), text, review }))
    }

    /// Nobody is asked about what nobody would hear. A message to a group has no `receiver`.
    fn is_reachable(&self, app: &AppId, receiver: Option<&UserId>) -> Result<(), Refusal> {
        receiver.map_or(Ok(()), |user| direct::connection(self.tx.state, app, user).map(drop))
    }

    /// Returns what need not wait.
    fn hold(&mut self, reviewed: Reviewed, incoming: Incoming) -> Option<Incoming> {
        let Reviewed { line, app, bytes, text, review } = reviewed;
        let ruling = match review {
            Review::Refuse(reason) => {
                self.config.metrics.listed();
                self.refuse(incoming, Refusal::Moderated(reason));
                return None;
            }
            Review::Pass if !self.moderation.waiting.contains_key(&line) => return Some(incoming),
            // It needs no question, but its sender's earlier messages stand before it.
            Review::Pass => Some(Ruling::Verdict(Verdict::Passed)),
            Review::Ask => None,
        };
        if let Err(why) = self.moderation.room(&line, &app, bytes) {
            self.refuse(incoming, why);
            return None;
        }
        let (id, asked) = self.moderation.add(line, app.clone(), bytes, ruling, incoming);
        if let Some(text) = text {
            self.out.questions.push(Question { id, app, about: About::Text(text), until: self.tx.tick.after(ANSWER_WITHIN), asked });
        }
        None
    }

    fn refuse(&mut self, incoming: Incoming, why: Refusal) {
        match incoming {
            Incoming::Socket(SocketCommand { conn, id, .. }) => {
                self.out.owed.push((conn, id));
                self.tx.push(Push::Refuse { conn, id, why });
            }
            Incoming::Call(_, answer) => self.out.answers.push((answer, Err(why))),
        }
    }

    /// A verdict came. What of its sender can go on now, goes on.
    pub(super) fn decide(&mut self, id: QuestionId, verdict: Verdict) {
        self.rule(id, Ruling::Verdict(verdict));
    }

    /// The time for a verdict is over.
    pub(super) fn out_of_time(&mut self, id: QuestionId) {
        if let Some(ruling) = self.moderation.out_of_time(id).filter(|_| !self.moderation.closing) {
            self.rule(id, ruling);
        }
    }

    fn rule(&mut self, id: QuestionId, ruling: Ruling) {
        let Some(key) = self.moderation.questions.get(&id).cloned() else { return };
        let held = self.moderation.waiting.get_mut(&key).and_then(|line| line.iter_mut().find(|held| held.id == id));
        if let Some(held) = held.filter(|held| held.ruling.is_none()) {
            if let Ruling::Verdict(verdict) = &ruling {
                self.config.metrics.moderation(verdict);
                match verdict {
                    Verdict::NoAnswer => drop(self.moderation.silent.insert(held.app.clone())),
                    _ => drop(self.moderation.silent.remove(&held.app)),
                }
                self.moderation.let_through += u64::from(matches!(verdict, Verdict::NoAnswer | Verdict::LetThrough));
            }
            held.ruling = Some(ruling);
        }
        self.warn();
        while let Some(held) = self.moderation.take_first_decided(&key) {
            let refused = match held.ruling {
                Some(Ruling::Verdict(Verdict::Refused(reason))) => Some(Refusal::Moderated(reason)),
                Some(Ruling::NotAsked) => Some(Refusal::TooFast("the moderation has too many messages to look at; try again")),
                _ => None,
            };
            match (held.incoming, refused) {
                (incoming, Some(why)) => self.refuse(incoming, why),
                (Incoming::Socket(command), None) => self.run(Step::Cleared(command)),
                (Incoming::Call(request, answer), None) => self.perform(*request, answer),
            }
        }
    }

    /// Seldom, however many there are.
    fn warn(&mut self) {
        let moderation = &mut *self.moderation;
        if moderation.let_through > 0 && moderation.warn_from <= self.tx.tick {
            let messages = moderation.let_through;
            tracing::warn!(messages, "let through unmoderated: their moderation server did not answer 200 within {ANSWER_WITHIN} ms");
            moderation.let_through = 0;
            moderation.warn_from = self.tx.tick.after(WARN_EVERY);
        }
    }
}
