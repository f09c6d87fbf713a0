//! `YYYY-MM-DDThh:mm:ssZ`, the only form in which this cloud's requests carry their time
//! (`alibaba.md` §1.1, §1.2). Always UTC, always whole seconds.

use crate::domain::Millis;

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
    let days = days_since_1970(year, month, day);
    // A day that its month does not have comes back as another one.
    if !(1..=12).contains(&month) || date(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(Millis(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000))
}

pub fn format(at: Millis) -> String {
    let seconds = at.seconds();
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let s = seconds.rem_euclid(86_400);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60)
}

/// Gregorian, with years that begin in March, so that the leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let m = (month + 9) % 12;
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1 - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let in_era = z.rem_euclid(146_097);
    let y = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * y + y / 4 - y / 100);
    let m = (5 * in_year + 2) / 153;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (y + era * 400 + i64::from(month <= 2), month, in_year - (153 * m + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

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
