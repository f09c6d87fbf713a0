//! Ladders of tries (`design.md` §4.6; `alibaba.md` §3.2, §4.1; `tencent.md` §6.1): how often a failed delivery
//! is tried again, and after which waits, each counted from the end of the try before.

use super::{app::App, endpoint::EndpointId};
use std::sync::Arc;

/// Waits in ms before the second and later tries: a first try and seven more.
pub const LADDER: [u64; 7] = [1_000, 2_000, 5_000, 10_000, 60_000, 120_000, 300_000];

/// Those of the webhooks that are repeated only when their application wants it: the first
/// [`App::after_retry`] of them, none by default.
pub const AFTER_LADDER: [u64; MOST_REPEATS as usize] = [1_000, 5_000, 30_000];

/// The most that [`App::after_retry`] may be.
pub const MOST_REPEATS: u8 = 3;

/// The waits of an endpoint, as its application is set now.
pub fn ladder(endpoint: &EndpointId, app: Option<&Arc<App>>) -> &'static [u64] {
    let after: &'static [u64] = &AFTER_LADDER;
    match endpoint {
        EndpointId::LiveEvents(_) | EndpointId::Subscription(..) => &LADDER,
        EndpointId::LiveRooms(_) | EndpointId::Chat(_) => &after[..app.map_or(0, |app| app.after_retry.min(MOST_REPEATS)).into()],
    }
}

/// What to do after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try again in so many ms.
    Wait(u64),
    /// The ladder is used up: the delivery is dead.
    Dead,
}

/// `tries` failed tries were made, the last one just now.
pub fn after_failure(tries: u32, ladder: &[u64]) -> Next {
    match ladder.get((tries as usize).saturating_sub(1)) {
        Some(ms) => Next::Wait(*ms),
        None => Next::Dead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the tries are made, in seconds, if each is answered at once.
    fn times(ladder: &[u64]) -> Vec<u64> {
        let (mut at, mut times) = (0, vec![0]);
        for tries in 1.. {
            match after_failure(tries, ladder) {
                Next::Wait(ms) => at += ms,
                Next::Dead => break,
            }
            times.push(at / 1000);
        }
        times
    }

    #[test]
    fn instant_answers_give_the_documented_times() {
        assert_eq!(times(&LADDER), [0, 1, 3, 8, 18, 78, 198, 498]);
        for (repeats, expected) in [&[0][..], &[0, 1], &[0, 1, 6], &[0, 1, 6, 36]].into_iter().enumerate() {
            assert_eq!(times(&AFTER_LADDER[..repeats]), expected);
        }
    }
}
