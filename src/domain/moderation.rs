//! Questions to a business's own moderation server, as data: what is asked about a message before it
//! is committed, and what comes of it. Who asks, and how, is not known here.

use super::{AppId, Tick};

/// Names a question; made by the engine, never used twice while it runs.
pub type QuestionId = u64;

/// May this be said?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub id: QuestionId,
    pub app: AppId,
    pub text: String,
    /// An answer that comes later is none.
    pub until: Tick,
}

/// What comes of a question; each has exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// Why, in the moderator's words; may be empty.
    Refused(String),
    /// Nobody gave an answer that counts, and silence does not hold a message up.
    LetThrough,
}
