//! Log lines: to stderr, one a line, without a time, because clocks are read in one place and journald
//! stamps them itself. Under systemd each begins with its level as `sd-daemon(3)` spells it.

use std::fmt;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{DefaultFields, Writer},
    },
    registry::LookupSpan,
};

/// How much is logged: error, warn, info (the default), debug or trace.
const LEVEL: &str = "ROOMD_LOG";

struct Lines {
    journald: bool,
}

/// From here on, everything that is logged is written. Doing it again changes nothing.
pub fn start() {
    let level = std::env::var(LEVEL).ok().and_then(|text| text.parse().ok()).unwrap_or(Level::INFO);
    let journald = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).fmt_fields(DefaultFields::new());
    let _ = lines.event_format(Lines { journald }).try_init();
}

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N> for Lines {
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (priority, name) = words(*event.metadata().level());
        if self.journald {
            write!(out, "<{priority}>")?;
        } else {
            write!(out, "{name} ")?;
        }
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

fn words(level: Level) -> (u8, &'static str) {
    match level {
        Level::ERROR => (3, "error"),
        Level::WARN => (4, "warn"),
        Level::INFO => (6, "info"),
        _ => (7, "debug"),
    }
}
