//! What came over the wire of this cloud, in words for a person: callbacks and their signatures,
//! logins and join tokens, signed requests. For `listen`, `dev` and `verify`; nothing is decided with it.
//! Knows no socket and no HTTP library. An AppKey or a secret never appears in a text made here.

mod callback;
mod credential;
mod request;
mod words;

pub use callback::{Kind, Verdict, callback, check_callback};
pub use credential::{channel, login};
pub use request::request;
pub use words::callback_in_words;

use std::fmt::Write;

/// What `verify` prints, and whether the thing is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub good: bool,
    /// Whole lines.
    pub text: String,
}

/// Lines of a name and a value, aligned; the last line is the verdict.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn put(&mut self, name: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name:<12}{value}");
    }

    /// A value of several lines, indented under its name.
    fn block(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.0, "{name}");
        for line in value.split('\n') {
            let _ = writeln!(self.0, "    {line}");
        }
    }

    fn verdict(mut self, wrong: Option<String>) -> Explanation {
        let _ = match &wrong {
            None => writeln!(self.0, "✓ valid"),
            Some(why) => writeln!(self.0, "✗ {why}"),
        };
        Explanation { good: wrong.is_none(), text: self.0 }
    }
}

#[cfg(test)]
mod tests;
