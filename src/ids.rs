//! Makes ids and secrets: from the machine's randomness, or from a seed in tests.

use crate::domain::{Epoch, SessionId, StayId, SubscriptionId, Tid, outbox::DeliveryId};
use std::sync::{Arc, Mutex};

/// A source of random numbers; clones share it.
#[derive(Clone)]
pub struct Ids(Arc<Mutex<Source>>);

enum Source {
    /// The kernel's generator, read in blocks.
    Machine { block: Box<[u8; 512]>, at: usize },
    /// SplitMix64: the same ids for the same seed.
    Seeded(u64),
}

impl Ids {
    pub fn random() -> Ids {
        Ids(Arc::new(Mutex::new(Source::Machine { block: Box::new([0; 512]), at: 512 })))
    }

    pub fn seeded(seed: u64) -> Ids {
        Ids(Arc::new(Mutex::new(Source::Seeded(seed))))
    }

    pub fn number(&self) -> u64 {
        match &mut *self.0.lock().expect("no panic while held") {
            Source::Machine { block, at } => {
                if *at == block.len() {
                    let mut filled = 0;
                    while filled < block.len() {
                        filled += rustix::rand::getrandom(&mut block[filled..], rustix::rand::GetRandomFlags::empty()).unwrap_or(0);
                    }
                    *at = 0;
                }
                let bytes = block[*at..*at + 8].try_into().expect("8 bytes");
                *at += 8;
                u64::from_le_bytes(bytes)
            }
            Source::Seeded(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^ (z >> 31)
            }
        }
    }

    /// 32 hex digits, lower case.
    pub fn hex32(&self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }

    /// `n` letters and digits of `alphabet`, which has at most 64 characters of one byte.
    pub fn text(&self, n: usize, alphabet: &[u8]) -> String {
        (0..n).map(|_| alphabet[(self.number() % alphabet.len() as u64) as usize] as char).collect()
    }

    /// An upper-case UUID (8-4-4-4-12), as both clouds name a request.
    pub fn request_id(&self) -> String {
        let h = self.hex32().to_ascii_uppercase();
        format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
    }

    pub fn session(&self) -> SessionId {
        SessionId::trusted(&format!("{:016x}", self.number()))
    }

    pub fn stay(&self) -> StayId {
        StayId::trusted(&self.hex32())
    }

    pub fn subscription(&self) -> SubscriptionId {
        SubscriptionId::trusted(&self.hex32())
    }

    pub fn tid(&self) -> Tid {
        Tid::trusted(&self.hex32())
    }

    pub fn delivery(&self) -> DeliveryId {
        DeliveryId(self.hex32().into())
    }

    pub fn epoch(&self) -> Epoch {
        Epoch(self.number())
    }
}

/// Letters and digits for keys and secrets.
pub const ALNUM: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Lower-case letters and digits, for ids that people read aloud.
pub const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// Upper-case letters and digits.
pub const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_ids_and_the_machine_does_not() {
        assert_eq!(Ids::seeded(7).hex32(), Ids::seeded(7).hex32());
        assert_ne!(Ids::random().hex32(), Ids::random().hex32());
        assert_eq!(Ids::seeded(1).request_id().len(), 36);
    }
}
