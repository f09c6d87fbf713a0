//! The two times: [`Millis`] stamps and expires, [`Tick`] waits. They never mix. [`Utc`] is how a
//! stamp reads on a calendar.

use serde::{Deserialize, Serialize};

/// Wall time in milliseconds since 1970. For stamps, tokens and retention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub i64);

impl Millis {
    /// The start of 2026. A box without a battery clock starts in 1970: before this, no wall clock is right.
    pub const BELIEVABLE: Millis = Millis(1_767_225_600_000);
    /// Is this a stamp from which an age can be told? Not from before any clock was right, nor from tomorrow.
    pub fn is_credible(self, now: Millis) -> bool {
        self >= Millis::BELIEVABLE && self.0 <= now.0 + Millis::DAY
    }

    /// Milliseconds of a day.
    pub const DAY: i64 = DAY * 1000;

    /// Whole seconds since 1970, as both clouds stamp.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub fn utc(self) -> Utc {
        let (days, second) = (self.seconds().div_euclid(DAY), self.seconds().rem_euclid(DAY));
        let (year, month, day) = date(days);
        Utc { year, month, day, hour: second / 3600, minute: second / 60 % 60, second: second % 60 }
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A moment on the Gregorian calendar and the clock of Greenwich, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc {
    pub year: i64,
    /// From 1, as the day.
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
}

impl Utc {
    /// `None` when the calendar or the clock has no such moment.
    pub fn millis(self) -> Option<Millis> {
        let Utc { year, month, day, hour, minute, second } = self;
        let days = days(year, month, day);
        // A day that its month does not have comes back as another one.
        let real = (1..=12).contains(&month) && date(days) == (year, month, day);
        let in_day = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
        (real && in_day).then(|| Millis((days * DAY + hour * 3600 + minute * 60 + second) * 1000))
    }

    /// 0 is Sunday.
    pub fn weekday(self) -> usize {
        (days(self.year, self.month, self.day) + 4).rem_euclid(7) as usize
    }
}

/// Days since 1970. Howard Hinnant's `days_from_civil`: years begin in March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let m = (month + 9) % 12;
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1 - 719_468
}

/// The other way: year, month and day.
fn date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, in_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let y = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * y + y / 4 - y / 100);
    let m = (5 * in_year + 2) / 153;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (y + era * 400 + i64::from(month <= 2), month, in_year - (153 * m + 2) / 5 + 1)
}

/// Milliseconds since boot, suspend included. For waits; it dies with the boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    pub fn after(self, ms: u64) -> Tick {
        Tick(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this tick; 0 when it lies ahead.
    pub fn since(self, earlier: Tick) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_on_the_calendar() {
        for (seconds, (year, month, day), (hour, minute, second), weekday) in [
            (0, (1970, 1, 1), (0, 0, 0), 4),
            (-1, (1969, 12, 31), (23, 59, 59), 3),
            (951_782_400, (2000, 2, 29), (0, 0, 0), 2),
            (1_709_251_199, (2024, 2, 29), (23, 59, 59), 4),
            (1_767_225_599, (2025, 12, 31), (23, 59, 59), 3),
            (4_107_542_400, (2100, 3, 1), (0, 0, 0), 1),
        ] {
            let utc = Utc { year, month, day, hour, minute, second };
            assert_eq!(Millis(seconds * 1000).utc(), utc);
            assert_eq!((utc.millis(), utc.weekday()), (Some(Millis(seconds * 1000)), weekday), "{utc:?}");
        }
        let noon = Utc { year: 2023, month: 2, day: 28, hour: 12, minute: 0, second: 0 };
        for none in [
            Utc { day: 29, ..noon },
            Utc { day: 0, ..noon },
            Utc { month: 0, ..noon },
            Utc { month: 13, ..noon },
            Utc { hour: 24, ..noon },
            Utc { second: 60, ..noon },
        ] {
            assert_eq!(none.millis(), None, "{none:?}");
        }
    }
}
