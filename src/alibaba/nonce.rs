//! Replay check: a nonce is accepted once within the window of 15 minutes (`design.md` §4.8). Kept
//! as keyed 64-bit hashes in buckets of one minute of the signed stamp, and bounded: when full, the
//! oldest bucket of the key that holds most goes, and that key's stamps of that minute and before
//! are refused as expired. So one key's flood never shuts another key out.

use crate::domain::Millis;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::Mutex,
};

/// How far a request's stamp may be from our clock, in ms (`alibaba.md` §1.3).
pub const WINDOW: i64 = 15 * 60_000;

/// What is known of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Fresh,
    Replayed,
    /// Too old to be sure that it is fresh.
    Forgotten,
}

/// The nonces of all keys.
pub struct Nonces {
    most: usize,
    hasher: RandomState,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    count: usize,
    keys: HashMap<String, Key>,
    /// The minute in which stale buckets were last thrown away.
    swept: i64,
}

struct Key {
    minutes: BTreeMap<i64, HashSet<u64>>,
    /// Stamps of earlier minutes are refused.
    floor: i64,
}

impl Nonces {
    /// Keeps at most `most`; 0 checks nothing.
    pub fn new(most: u32) -> Nonces {
        Nonces { most: most as usize, hasher: RandomState::new(), kept: Mutex::default() }
    }

    /// To be called only when the signature is right and `stamp` within the window of `now`.
    pub fn see(&self, key: &str, nonce: &str, stamp: Millis, now: Millis) -> Seen {
        if self.most == 0 {
            return Seen::Fresh;
        }
        let hash = self.hasher.hash_one(nonce);
        let minute = stamp.0.div_euclid(60_000);
        let mut kept = self.kept.lock().expect("no panic while held");
        kept.sweep((now.0 - WINDOW).div_euclid(60_000), now.0.div_euclid(60_000));
        let of_key = kept.keys.entry(key.to_string()).or_insert_with(|| Key { minutes: BTreeMap::new(), floor: i64::MIN });
        if minute < of_key.floor {
            return Seen::Forgotten;
        }
        // The same nonce under another stamp is another request to the signature, but not to the rule.
        if of_key.minutes.values().any(|bucket| bucket.contains(&hash)) {
            return Seen::Replayed;
        }
        of_key.minutes.entry(minute).or_default().insert(hash);
        kept.count += 1;
        while kept.count > self.most {
            kept.forget_most();
        }
        Seen::Fresh
    }
}

impl Kept {
    /// Stamps before `oldest` are refused by the window anyway.
    fn sweep(&mut self, oldest: i64, minute: i64) {
        if self.swept == minute {
            return;
        }
        self.swept = minute;
        let mut gone = 0;
        for key in self.keys.values_mut() {
            let stays = key.minutes.split_off(&oldest);
            gone += std::mem::replace(&mut key.minutes, stays).values().map(HashSet::len).sum::<usize>();
        }
        self.count -= gone;
        self.keys.retain(|_, key| !key.minutes.is_empty() || key.floor > oldest);
    }

    fn forget_most(&mut self) {
        let held = |key: &Key| key.minutes.values().map(HashSet::len).sum::<usize>();
        let Some(key) = self.keys.values_mut().max_by_key(|key| held(key)) else {
            return;
        };
        if let Some((minute, bucket)) = key.minutes.pop_first() {
            key.floor = minute + 1;
            self.count -= bucket.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(60_000 * 1_000);

    fn at(minutes: i64) -> Millis {
        Millis(NOW.0 + minutes * 60_000)
    }

    #[test]
    fn a_nonce_counts_once_a_key() {
        let nonces = Nonces::new(100);
        for (key, nonce, stamp, expected) in [
            ("k1", "a", 0, Seen::Fresh),
            ("k1", "a", 0, Seen::Replayed),
            ("k1", "a", 3, Seen::Replayed),
            ("k2", "a", 0, Seen::Fresh),
            ("k1", "b", -14, Seen::Fresh),
        ] {
            assert_eq!(nonces.see(key, nonce, at(stamp), NOW), expected, "{key} {nonce} {stamp}");
        }
        assert_eq!(Nonces::new(0).see("k", "a", NOW, NOW), Seen::Fresh);
    }

    #[test]
    fn old_buckets_go_with_the_window() {
        let nonces = Nonces::new(100);
        nonces.see("k", "a", at(0), at(0));
        nonces.see("k", "b", at(15), at(0));
        nonces.see("k", "c", at(16), at(16));
        assert_eq!(nonces.kept.lock().unwrap().count, 2);
        assert_eq!(nonces.see("k", "b", at(16), at(16)), Seen::Replayed);
    }

    #[test]
    fn when_full_the_oldest_bucket_goes_and_its_stamps_are_refused() {
        let nonces = Nonces::new(4);
        nonces.see("quiet", "a", at(-5), NOW);
        for (nonce, stamp) in [("a", -3), ("b", -2), ("c", -2), ("d", 0)] {
            assert_eq!(nonces.see("loud", nonce, at(stamp), NOW), Seen::Fresh);
        }
        assert_eq!(nonces.see("loud", "a", at(-3), NOW), Seen::Forgotten);
        assert_eq!(nonces.see("loud", "b", at(-2), NOW), Seen::Replayed);
        assert_eq!(nonces.see("quiet", "a", at(-5), NOW), Seen::Replayed);
        assert_eq!(nonces.see("quiet", "b", at(-5), NOW), Seen::Fresh);
    }

    #[test]
    fn a_flood_in_one_minute_stays_bounded() {
        let nonces = Nonces::new(1_000);
        for n in 0..5_000 {
            nonces.see("k", &n.to_string(), NOW, NOW);
        }
        assert!(nonces.kept.lock().unwrap().count <= 1_000);
    }
}
