//! What a person is told of a signature by `roomd verify`, and by the receiver: lines of a name and a value, and
//! a verdict. Knows no cloud; each dialect says what the lines are.

use crate::domain::Millis;
use std::fmt::{Display, Write};

/// What `verify` prints, and whether the thing is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub good: bool,
    /// Whole lines.
    pub text: String,
}

/// What a callback says of who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Valid,
    /// What differs.
    Wrong(String),
    Unsigned,
}

impl Verdict {
    /// Of a signature that is right: was it made within `tolerance` seconds of now? `name` is what the `time` is called.
    pub fn of_age(name: &str, time: &str, tolerance: i64, now: Millis) -> Verdict {
        match time.parse::<i64>().map(|then| now.seconds().saturating_sub(then)) {
            Ok(late) if late > tolerance => Verdict::Wrong(format!("rightly signed, but {late} s ago: somebody sent it again, or a clock is wrong")),
            Ok(late) if late < -tolerance => Verdict::Wrong(format!("rightly signed, but {} s in the future: a clock is wrong", late.saturating_neg())),
            Ok(_) => Verdict::Valid,
            Err(_) => Verdict::Wrong(format!("{name} is not a number of seconds")),
        }
    }
}

/// Lines of a name and a value, aligned; the last line is the verdict.
#[derive(Default)]
pub struct Lines(String);

impl Lines {
    pub fn put(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name:<12}{value}");
    }

    /// A value of several lines, indented under its name.
    pub fn block(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.0, "{name}");
        for line in value.split('\n') {
            let _ = writeln!(self.0, "    {line}");
        }
    }

    /// When nothing was given to be judged.
    pub fn unjudged(self) -> Explanation {
        Explanation { good: true, text: self.0 }
    }

    pub fn verdict(mut self, wrong: Option<String>) -> Explanation {
        let _ = match &wrong {
            None => writeln!(self.0, "✓ valid"),
            Some(why) => writeln!(self.0, "✗ {why}"),
        };
        Explanation { good: wrong.is_none(), text: self.0 }
    }
}

/// 93784 → "1 d 2 h".
pub fn span(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7_200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        s => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}
