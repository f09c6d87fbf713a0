//! Log lines: to stderr, one a line, without a time, because clocks are read in one place and journald
//! stamps them itself. Under systemd each begins with its level as `sd-daemon(3)` spells it.

use super::Failure;
use std::fmt;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{DefaultFields, Writer},
    },
    registry::LookupSpan,
};

/// How much is logged: one of these, or info.
const VARIABLE: &str = "ROOMD_LOG";
const LEVELS: [(&str, Level); 5] = [("error", Level::ERROR), ("warn", Level::WARN), ("info", Level::INFO), ("debug", Level::DEBUG), ("trace", Level::TRACE)];

struct Lines {
    journald: bool,
}

/// From here on, everything that is logged is written. Doing it again changes nothing.
pub fn start() -> Result<(), Failure> {
    let level = level(&std::env::var_os(VARIABLE).unwrap_or_default().to_string_lossy())?;
    let journald = std::env::var_os("JOURNAL_STREAM").is_some();
    // A line that cannot be written is lost: to say so would be another one, and end the thread that it came from.
    let lines = tracing_subscriber::fmt().log_internal_errors(false).with_max_level(level).with_writer(std::io::stderr).fmt_fields(DefaultFields::new());
    let _ = lines.event_format(Lines { journald }).try_init();
    Ok(())
}

fn level(text: &str) -> Result<Level, Failure> {
    let named = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, level)| *level);
    match named {
        None if text.is_empty() => Ok(Level::INFO),
        None => Err(Failure::Use(format!("{VARIABLE} = {text:?} is not a level; write one of {}", LEVELS.map(|(name, _)| name).join(", ")))),
        Some(level) => Ok(level),
    }
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
