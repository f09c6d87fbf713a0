//! How fast a session may be: a bucket of tokens that fills with time. Who asks says what a token is.

use crate::domain::Tick;

/// Tokens for a rate of so many a second, of which twice as many fit.
pub struct Bucket {
    /// In thousandths.
    tokens: u64,
    counted: Tick,
}

impl Bucket {
    pub fn full(now: Tick) -> Bucket {
        Bucket { tokens: u64::MAX, counted: now }
    }

    /// Takes one token, if there is one. `rate`: tokens a second; 0 is off.
    pub fn take(&mut self, rate: u32, now: Tick) -> bool {
        let rate = u64::from(rate);
        if rate == 0 {
            return true;
        }
        let earned = now.since(self.counted).saturating_mul(rate);
        self.tokens = self.tokens.saturating_add(earned).min(rate * 2 * 1000);
        self.counted = now;
        let enough = self.tokens >= 1000;
        if enough {
            self.tokens -= 1000;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_two_seconds_and_fills_with_time() {
        let mut bucket = Bucket::full(Tick(0));
        let mut taken = |rate, now| (0..50).take_while(|_| bucket.take(rate, Tick(now))).count();
        assert_eq!(taken(10, 0), 20, "the burst");
        assert_eq!(taken(10, 99), 0);
        assert_eq!(taken(10, 100), 1);
        assert_eq!(taken(10, 1_100), 10);
        assert_eq!(taken(10, 1_000_000), 20, "never more than the burst");
        assert_eq!(taken(0, 1_000_000), 50, "off");
    }
}
