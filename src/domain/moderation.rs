//! Who looks at a message before it is committed, and what may come of it (`alibaba.md` §4.3).

use super::{
    AppId, Tick,
    app::Audit,
    hook::{HookAnswer, HookCall},
    message::Draft,
};
use std::sync::{Arc, atomic::AtomicBool};

/// How long a business's server may think, in ms; then the message is let through.
pub const ANSWER_WITHIN: u64 = 2_000;
/// What the sender of a message reads that the word list found something in.
const LISTED: &str = "it contains a forbidden word";

/// What is to be done with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Review {
    Pass,
    /// Refused at once, with the reason.
    Refuse(String),
    /// The business's server is to be asked.
    Ask,
}

/// `excused`: the sender need not be moderated if it says so, as those who rule over a group.
pub fn review(audit: &Audit, draft: &Draft, excused: bool) -> Review {
    let skips = excused && draft.skip_audit;
    match audit {
        Audit::BuiltIn if draft.flagged && !skips => Review::Refuse(LISTED.into()),
        // Nothing was said, as with a like.
        Audit::Custom(_) if !skips && !draft.body.is_empty() => Review::Ask,
        _ => Review::Pass,
    }
}

/// Names a question; made by the engine, never used twice while it runs.
pub type QuestionId = u64;

/// What a business's server is asked about.
#[derive(Clone, Debug)]
pub enum About {
    /// A message's text, for the moderation server of its application.
    Text(String),
    Hook(Box<HookCall>),
}

/// The servers of an application that may be asked: the silence of one says nothing of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    Moderation,
    Hooks,
}

impl About {
    pub fn asked(&self) -> Asked {
        match self {
            About::Text(_) => Asked::Moderation,
            About::Hook(_) => Asked::Hooks,
        }
    }
}

impl Asked {
    /// What comes of a question that nobody answered.
    pub fn silence(self) -> Verdict {
        match self {
            Asked::Moderation => Verdict::NoAnswer,
            Asked::Hooks => Verdict::Hook(HookAnswer::NoAnswer),
        }
    }
}

/// One question to a business's server.
#[derive(Clone, Debug)]
pub struct Question {
    pub id: QuestionId,
    pub app: AppId,
    pub about: About,
    /// Nobody waits for the answer any more.
    pub until: Tick,
    /// Set when its turn has come: only then its server's silence says anything.
    pub asked: Arc<AtomicBool>,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// In the moderator's words, which may be none.
    Refused(String),
    /// The server answered, but not with 200: the message is let through.
    LetThrough,
    /// There was no server, or it was silent: the message is let through as well.
    NoAnswer,
    /// Of a hook.
    Hook(HookAnswer),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_at_what() {
        let custom = Audit::Custom("http://a.example/".into());
        let refused = || Review::Refuse(LISTED.into());
        let draft = |body: &str, flagged, skip_audit| Draft { flagged, skip_audit, ..Draft::text(body) };
        for (audit, draft, excused, expected) in [
            (&Audit::None, draft("x", true, false), false, Review::Pass),
            (&Audit::BuiltIn, draft("x", false, false), false, Review::Pass),
            (&Audit::BuiltIn, draft("x", true, false), false, refused()),
            (&Audit::BuiltIn, draft("x", true, true), false, refused()),
            (&Audit::BuiltIn, draft("x", true, true), true, Review::Pass),
            (&Audit::BuiltIn, draft("x", true, false), true, refused()),
            (&custom, draft("x", false, false), false, Review::Ask),
            (&custom, draft("x", true, true), false, Review::Ask),
            (&custom, draft("x", true, true), true, Review::Pass),
            (&custom, draft("", false, false), false, Review::Pass),
        ] {
            assert_eq!(review(audit, &draft, excused), expected, "{audit:?} {draft:?} {excused}");
        }
    }
}
