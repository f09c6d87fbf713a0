//! Callers that show wrong UserSigs again and again wait a minute (`tencent.md` §2.4): who guesses must not guess
//! fast. Counts by address and application. Knows no UserSig.

use crate::domain::{Tick, address};
use std::{collections::HashMap, net::IpAddr, sync::Mutex};

/// A minute, in which failures are counted, and for which who had too many waits.
const MINUTE: u64 = 60_000;
/// Callers that are counted at most. When there are more, those whose minute is over go, then the one whose
/// minute began first: who comes from that many addresses is not stopped by counting any of them.
const CALLERS: usize = 4_096;

/// Who had how many.
pub struct Failures {
    /// Failures a minute; 0: any number.
    most: u32,
    counts: Mutex<HashMap<Caller, Minute>>,
}

/// Host and SDKAppID.
type Caller = (IpAddr, u32);
/// When it began, and failures in it.
type Minute = (Tick, u32);

impl Failures {
    pub fn new(most: u32) -> Failures {
        Failures { most, counts: Mutex::default() }
    }

    /// Has to wait: had too many less than a minute ago.
    pub fn waits(&self, address: IpAddr, sdkappid: u32, now: Tick) -> bool {
        let counts = self.counts.lock().expect("no panic while held");
        counts.get(&(address::host(address), sdkappid)).is_some_and(|(began, n)| *n >= self.most && now.since(*began) < MINUTE)
    }

    /// Counts one. The one too many begins the minute of waiting.
    pub fn add(&self, address: IpAddr, sdkappid: u32, now: Tick) {
        if self.most == 0 {
            return;
        }
        let caller = (address::host(address), sdkappid);
        let mut counts = self.counts.lock().expect("no panic while held");
        if counts.len() >= CALLERS && !counts.contains_key(&caller) {
            counts.retain(|_, (began, _)| now.since(*began) < MINUTE);
            if counts.len() >= CALLERS
                && let Some(first) = counts.iter().min_by_key(|(_, (began, _))| *began).map(|(caller, _)| *caller)
            {
                counts.remove(&first);
            }
        }
        let (began, n) = counts.entry(caller).or_insert((now, 0));
        if now.since(*began) >= MINUTE {
            (*began, *n) = (now, 0);
        }
        *n += 1;
        if *n == self.most {
            *began = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: u32 = 1_400_000_001;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn too_many_wait_a_minute() {
        let failures = Failures::new(3);
        let t0 = Tick(5_000);
        for at in [0, 10_000, 59_000] {
            assert!(!failures.waits(ip("10.0.0.1"), APP, t0.after(at)));
            failures.add(ip("10.0.0.1"), APP, t0.after(at));
        }
        assert!(failures.waits(ip("10.0.0.1"), APP, t0.after(60_000)));
        assert!(failures.waits(ip("::ffff:10.0.0.1"), APP, t0.after(118_999)), "the same host, as a listener on [::] sees it");
        assert!(!failures.waits(ip("10.0.0.2"), APP, t0.after(60_000)));
        assert!(!failures.waits(ip("10.0.0.1"), APP + 1, t0.after(60_000)));
        assert!(!failures.waits(ip("10.0.0.1"), APP, t0.after(119_000)));
        failures.add(ip("10.0.0.1"), APP, t0.after(119_000));
        assert!(!failures.waits(ip("10.0.0.1"), APP, t0.after(119_000)), "counted anew");
    }

    #[test]
    fn two_in_a_minute_are_not_three() {
        let failures = Failures::new(3);
        for at in [0, 1, 60_000, 60_001] {
            failures.add(ip("10.0.0.1"), APP, Tick(at));
        }
        assert!(!failures.waits(ip("10.0.0.1"), APP, Tick(60_002)));
    }

    #[test]
    fn the_table_does_not_grow() {
        let failures = Failures::new(1);
        for n in 0..CALLERS as u32 + 10 {
            failures.add(std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into(), APP, Tick(n.into()));
        }
        assert_eq!(failures.counts.lock().unwrap().len(), CALLERS);
        assert!(!failures.waits(ip("10.0.0.0"), APP, Tick(5_000)), "the first is forgotten");
        assert!(failures.waits(ip("10.0.16.9"), APP, Tick(5_000)));
        let off = Failures::new(0);
        (0..1_000).for_each(|_| off.add(ip("10.0.0.1"), APP, Tick(0)));
        assert!(!off.waits(ip("10.0.0.1"), APP, Tick(0)));
    }
}
