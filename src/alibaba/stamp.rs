//! Times as this cloud writes them: `YYYY-MM-DDThh:mm:ssZ` in requests, always UTC and whole seconds
//! (`alibaba.md` §1.1, §1.2); `YYYY-MM-DD hh:mm:ss` of UTC+8 in answers about subscriptions (§3.1).

use crate::domain::{Millis, time::Utc};

/// `None` when the text is not exactly of that form, or names no real day or second.
pub fn parse(text: &str) -> Option<Millis> {
    let b = text.as_bytes();
    if b.len() != 20 {
        return None;
    }
    for (at, c) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')] {
        if b[at] != c {
            return None;
        }
    }
    let number = |from: usize, to: usize| {
        let digits = &b[from..to];
        digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0i64, |n, d| n * 10 + i64::from(d - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    Utc { year, month, day, hour, minute, second }.millis()
}

/// The text that [`parse`] reads; what is less than a second is cut off.
pub fn format(at: Millis) -> String {
    let Utc { year, month, day, hour, minute, second } = at.utc();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// One offset all year.
const BEIJING_MS: i64 = 8 * 3_600 * 1_000;

/// The time of day in UTC+8, 24 hours, without saying so; what is less than a second is cut off.
pub fn beijing(at: Millis) -> String {
    let Utc { year, month, day, hour, minute, second } = Millis(at.0 + BEIJING_MS).utc();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// The same with milliseconds.
pub fn beijing_millis(at: Millis) -> String {
    format!("{}.{:03}", beijing(at), at.0.rem_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_beijing() {
        for (at, expected) in [
            (0, "1970-01-01 08:00:00.000"),
            (1_700_000_000_007, "2023-11-15 06:13:20.007"),
            (1_700_000_000_999, "2023-11-15 06:13:20.999"),
            // The day changes at 16:00 UTC; the afternoon is 20:26 and not 08:26.
            (1_709_222_399_999, "2024-02-29 23:59:59.999"),
            (1_709_222_400_000, "2024-03-01 00:00:00.000"),
            (1_697_545_591_050, "2023-10-17 20:26:31.050"),
        ] {
            assert_eq!(beijing_millis(Millis(at)), expected);
            assert_eq!(beijing(Millis(at)), expected[..19]);
        }
    }

    #[test]
    fn stamps() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2023-11-14T22:13:20Z", Some(1_700_000_000)),
            ("2024-02-29T23:59:59Z", Some(1_709_251_199)),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2023-02-29T00:00:00Z", None),
            ("1900-02-29T00:00:00Z", None),
            ("2023-13-01T00:00:00Z", None),
            ("2023-00-01T00:00:00Z", None),
            ("2023-01-00T00:00:00Z", None),
            ("2023-01-01T24:00:00Z", None),
            ("2023-01-01T00:60:00Z", None),
            ("2023-01-01 00:00:00Z", None),
            ("2023-01-01T00:00:00", None),
            ("+023-01-01T00:00:00Z", None),
            ("2023-01-01T00:00:00.5Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected.map(|s: i64| Millis(s * 1000)), "{text}");
            if let Some(seconds) = expected {
                assert_eq!(format(Millis(seconds * 1000)), text);
            }
        }
    }
}
