//! The two times: [`Millis`] stamps and expires, [`Tick`] waits. They never mix.

use serde::{Deserialize, Serialize};

/// Wall time in milliseconds since 1970. For stamps, tokens and retention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub i64);

impl Millis {
    /// Whole seconds since 1970, as both clouds stamp.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
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
