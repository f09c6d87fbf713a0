//! What a server counts, as Prometheus reads it. Counters only; who counts is not known here.

use crate::domain::{hook::HookAnswer, moderation::Verdict};
use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Counted since the process began.
#[derive(Debug, Default)]
pub struct Metrics {
    passed: AtomicU64,
    refused: AtomicU64,
    let_through: AtomicU64,
    listed: AtomicU64,
    proceeded: AtomicU64,
    rejected: AtomicU64,
    discarded: AtomicU64,
    unanswered: AtomicU64,
}

impl Metrics {
    /// A business's server was asked.
    pub fn verdict(&self, verdict: &Verdict) {
        let counter = match verdict {
            Verdict::Passed => &self.passed,
            Verdict::Refused(_) => &self.refused,
            Verdict::LetThrough | Verdict::NoAnswer => &self.let_through,
            Verdict::Hook(HookAnswer::Proceed { .. }) => &self.proceeded,
            Verdict::Hook(HookAnswer::Refuse { .. }) => &self.rejected,
            Verdict::Hook(HookAnswer::Discard) => &self.discarded,
            Verdict::Hook(HookAnswer::NoAnswer) => &self.unanswered,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// The list of words found something.
    pub fn listed(&self) {
        self.listed.fetch_add(1, Relaxed);
    }

    /// The text format, version 0.0.4.
    pub fn render(&self) -> String {
        let mut out = String::from("# HELP roomd_moderation_total Messages a moderation server was asked about.\n# TYPE roomd_moderation_total counter\n");
        for (verdict, counter) in [("passed", &self.passed), ("refused", &self.refused), ("let_through", &self.let_through)] {
            let _ = writeln!(out, "roomd_moderation_total{{verdict=\"{verdict}\"}} {}", counter.load(Relaxed));
        }
        let _ = write!(
            out,
            "# HELP roomd_listed_total Messages refused for a word of the list.\n# TYPE roomd_listed_total counter\nroomd_listed_total {}\n",
            self.listed.load(Relaxed)
        );
        out += "# HELP roomd_hooks_total Before-webhooks by their answers.\n# TYPE roomd_hooks_total counter\n";
        for (answer, counter) in [("proceed", &self.proceeded), ("refuse", &self.rejected), ("discard", &self.discarded), ("none", &self.unanswered)] {
            let _ = writeln!(out, "roomd_hooks_total{{answer=\"{answer}\"}} {}", counter.load(Relaxed));
        }
        out
    }
}
