//! The clouds' QPS rule: so many calls a second of each operation and caller (`alibaba.md` §2, `tencent.md` §1.9).
//! A second begins with the first call after the one before, so it needs no timer. Knows no operation.

use crate::domain::Tick;
use std::{collections::HashMap, sync::Mutex};

/// The running seconds of all callers.
#[derive(Default)]
pub struct Throttle(Mutex<HashMap<Caller, Second>>);

/// Who calls (an AccessKey, an application) and what.
type Caller = (String, &'static str);
/// When it began, and calls in it.
type Second = (Tick, u32);

const SECOND: u64 = 1_000;
/// Above this many, counts of seconds that are over are thrown away; callers are few and verified.
const SWEEP_ABOVE: usize = 1_024;

impl Throttle {
    /// Books one call. `Err`: over `qps` (0: any number); come back in so many ms.
    pub fn admit(&self, key: &str, action: &'static str, qps: u32, now: Tick) -> Result<(), u64> {
        if qps == 0 {
            return Ok(());
        }
        let mut counts = self.0.lock().expect("no panic while held");
        if counts.len() > SWEEP_ABOVE {
            counts.retain(|_, (began, _)| now.since(*began) < SECOND);
        }
        let (began, calls) = counts.entry((key.to_string(), action)).or_insert((now, 0));
        if now.since(*began) >= SECOND {
            (*began, *calls) = (now, 0);
        }
        if *calls >= qps {
            return Err((SECOND - now.since(*began)).max(1));
        }
        *calls += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_second() {
        let throttle = Throttle::default();
        let t0 = Tick(5_000);
        for _ in 0..50 {
            assert_eq!(throttle.admit("k", "A", 50, t0.after(300)), Ok(()));
        }
        assert_eq!(throttle.admit("k", "A", 50, t0.after(301)), Err(999));
        assert_eq!(throttle.admit("k", "A", 50, t0.after(1_299)), Err(1));
        assert_eq!(throttle.admit("k", "B", 50, t0.after(301)), Ok(()));
        assert_eq!(throttle.admit("other", "A", 50, t0.after(301)), Ok(()));
        assert_eq!(throttle.admit("k", "A", 50, t0.after(1_300)), Ok(()));
        for _ in 0..100 {
            assert_eq!(throttle.admit("k", "C", 0, t0), Ok(()));
        }
    }
}
