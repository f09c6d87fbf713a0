//! How a command comes to wait for a business's server, and what becomes of it: it goes on, perhaps with something else
//! in it, or is refused. After the question's time that is decided, whatever the server does (`alibaba.md` §4.3,
//! `tencent.md` §6.2).

use super::{
    SocketCommand, SocketOp,
    batch::{Batch, Step},
    execute::guarded,
    look::{Incoming, Line, Look},
    waiting::{Decision, Held, Ruling},
};
use crate::domain::{
    AppId, Refusal,
    app::{Audit, OnSilence},
    fate,
    hook::HookAnswer,
    moderation::{ANSWER_WITHIN, About, Asked, Question, QuestionId, Verdict},
    push::{Push, Reply},
    request::{Answer, Said},
    sending::{Dropped, Passed},
};
use std::sync::{Arc, atomic::AtomicBool};

/// Between two warnings that something went on without an answer, in ms.
const WARN_EVERY: u64 = 60_000;

impl Batch<'_> {
    /// Looks at what is asked before anything is done. `None`: it waits, or was refused and has its answer.
    pub(super) fn admit(&mut self, mut incoming: Incoming) -> Option<Incoming> {
        let look = Look { tx: &self.tx, store: self.store, ids: self.ids, ports: self.ports };
        let Some((line, app)) = look.line(&incoming) else { return Some(incoming) };
        // Most applications ask nobody.
        if app.audit == Audit::None && !fate::is_heard(&app) && self.waiting.is_empty() {
            return Some(incoming);
        }
        let mut passed = Passed::default();
        match guarded(|| look.at(&mut incoming, &mut passed)) {
            Ok(None) if !self.waiting.stands(&line) => Some(incoming),
            Ok(about) => {
                self.hold(line, app.id.clone(), incoming, passed, about);
                None
            }
            Err(why) => {
                if matches!(why, Refusal::Moderated(_)) {
                    self.config.metrics.listed();
                }
                self.refuse(incoming, why);
                None
            }
        }
    }

    /// What needs no question has others of its line before it.
    fn hold(&mut self, line: Line, app: AppId, incoming: Incoming, passed: Passed, about: Option<About>) {
        if let Err(why) = self.waiting.room(&line, &app, incoming.bytes()) {
            return self.refuse(incoming, why);
        }
        let (id, asked) = self.waiting.add(line, app.clone(), incoming, passed, about.as_ref());
        if let Some(about) = about {
            self.question(id, app, about, asked);
        }
    }

    fn question(&mut self, id: QuestionId, app: AppId, about: About, asked: Arc<AtomicBool>) {
        self.out.questions.push(Question { id, app, about, until: self.tx.tick.after(ANSWER_WITHIN), asked });
    }

    /// The command has its answer, and the business hears of it if it was a message.
    fn refuse(&mut self, incoming: Incoming, why: Refusal) {
        let noted = self.noted(&incoming);
        match incoming {
            Incoming::Socket(SocketCommand { conn, id, .. }) => {
                self.out.owed.push((conn, id));
                self.tx.push(Push::Refuse { conn, id, why: why.clone() });
            }
            Incoming::Call(_, answer) => self.out.answers.push((answer, Err(why.clone()))),
        }
        self.tell_refused(noted, &why);
    }

    /// A message is answered as if it had been said.
    fn discard(&mut self, incoming: Incoming) {
        let at = self.tx.now;
        match incoming {
            Incoming::Socket(SocketCommand { conn, id, op }) => {
                let reply = match op {
                    SocketOp::SendDirect { .. } => Reply::Rpc(Box::new(Answer::Sent(Said { tid: self.ids.tid(), seq: None, at }))),
                    _ => Reply::Published,
                };
                self.out.owed.push((conn, id));
                self.tx.push(Push::Reply { conn, id, reply });
            }
            Incoming::Call(_, answer) => self.out.answers.push((answer, Ok(Answer::Dropped { why: Dropped::Discarded, at }))),
        }
    }

    /// A verdict came. What of its line can go on now, goes on.
    pub(super) fn decide(&mut self, id: QuestionId, verdict: Verdict) {
        self.rule(id, Ruling::Verdict(verdict));
    }

    /// The time for a verdict is over.
    pub(super) fn out_of_time(&mut self, id: QuestionId) {
        if let Some(ruling) = self.waiting.out_of_time(id).filter(|_| !self.waiting.closing) {
            self.rule(id, ruling);
        }
    }

    fn rule(&mut self, id: QuestionId, ruling: Ruling) {
        let look = Look { tx: &self.tx, store: self.store, ids: self.ids, ports: self.ports };
        let Some((line, held)) = self.waiting.undecided(id) else { return };
        let (app, mut more) = (held.app.clone(), None);
        let verdict = match &ruling {
            Ruling::Verdict(verdict) => Some(verdict.clone()),
            Ruling::NotAsked => None,
        };
        match decision(held, ruling, &look) {
            Ok(None) => held.decision = Some(Decision::Go),
            Ok(Some(about)) => more = Some(about),
            Err(decision) => held.decision = Some(decision),
        }
        if let Some(verdict) = verdict {
            self.heard(&app, &verdict);
        }
        if let Some(about) = more
            && let Some((id, asked)) = self.waiting.ask_again(id, &about)
        {
            self.question(id, app, about, asked);
        }
        while let Some(held) = self.waiting.take_first_decided(&line) {
            self.go_on(held);
        }
    }

    fn go_on(&mut self, held: Held) {
        match (held.decision, held.incoming) {
            (Some(Decision::Refuse(why)), incoming) => self.refuse(incoming, why),
            (Some(Decision::Discard), incoming) => self.discard(incoming),
            // The connection may be another one by now, and who comes into a group is there with its connection.
            (_, Incoming::Socket(command)) if matches!(command.op, SocketOp::Publish { .. } | SocketOp::SendDirect { .. }) => self.run(Step::Cleared(command)),
            (_, Incoming::Socket(command)) => self.run(Step::Socket(command)),
            (_, Incoming::Call(request, answer)) => self.perform(*request, answer, &held.without),
        }
    }

    /// Counts an answer, or that there was none, and warns: seldom, however many there are.
    fn heard(&mut self, app: &AppId, verdict: &Verdict) {
        let (server, answered, went_on) = match verdict {
            Verdict::Passed | Verdict::Refused(_) => (Asked::Moderation, true, false),
            Verdict::LetThrough => (Asked::Moderation, true, true),
            Verdict::NoAnswer => (Asked::Moderation, false, true),
            Verdict::Hook(answer) => (Asked::Hooks, *answer != HookAnswer::NoAnswer, *answer == HookAnswer::NoAnswer),
        };
        self.config.metrics.verdict(verdict);
        self.waiting.heard(app.clone(), server, answered);
        let waiting = &mut *self.waiting;
        waiting.unanswered += u64::from(went_on);
        if waiting.unanswered > 0 && waiting.warn_from <= self.tx.tick {
            let questions = waiting.unanswered;
            tracing::warn!(
                questions,
                "a business's moderation server or webhook did not answer 200 within {ANSWER_WITHIN} ms; what was asked about went on without it, unless the application wants it refused"
            );
            waiting.unanswered = 0;
            waiting.warn_from = self.tx.tick.after(WARN_EVERY);
        }
    }
}

/// What an answer means for the one that waited for it: it goes on, or has one more question, or not.
fn decision(held: &mut Held, ruling: Ruling, look: &Look) -> Result<Option<About>, Decision> {
    let says = held.incoming.says();
    let refuse = |why| Err(Decision::Refuse(why));
    let answer = match ruling {
        Ruling::NotAsked if held.server == Some(Asked::Moderation) => {
            return refuse(Refusal::TooFast("the moderation has too many messages to look at; try again"));
        }
        Ruling::NotAsked => return refuse(Refusal::TooFast("the business's webhook has too many questions to answer; try again")),
        Ruling::Verdict(Verdict::Refused(reason)) => return refuse(Refusal::Moderated(reason)),
        // The moderation is the last that is asked.
        Ruling::Verdict(Verdict::Passed | Verdict::LetThrough | Verdict::NoAnswer) => return Ok(None),
        Ruling::Verdict(Verdict::Hook(answer)) => answer,
    };
    match answer {
        HookAnswer::Refuse { code, info } => return refuse(Refusal::HookRefused { code, info }),
        HookAnswer::Discard if says => return Err(Decision::Discard),
        HookAnswer::Discard => return refuse(Refusal::HookRefused { code: None, info: String::new() }),
        HookAnswer::NoAnswer => {
            let silent = look.tx.state.apps.get(&held.app).map(|app| app.chat.on_silence);
            if says && silent == Some(OnSilence::Refuse) {
                return refuse(Refusal::HookSilent);
            }
        }
        HookAnswer::Proceed { rewritten, without } => {
            held.without = without;
            if let Some(draft) = held.incoming.draft_mut() {
                draft.rewrite(rewritten);
            }
        }
    }
    guarded(|| look.at(&mut held.incoming, &mut held.passed)).map_err(Decision::Refuse)
}
