//! The ladder of tries (`design.md` §4.6; `alibaba.md` §3.2, §4.1): a first try and seven more.

/// Waits in ms before the second and later tries, each counted from the end of the try before.
pub const LADDER: [u64; 7] = [1_000, 2_000, 5_000, 10_000, 60_000, 120_000, 300_000];

/// What to do after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try again in so many ms.
    Wait(u64),
    /// The ladder is used up: the delivery is dead.
    Dead,
}

/// `tries` failed tries were made, the last one just now.
pub fn after_failure(tries: u32) -> Next {
    match LADDER.get((tries as usize).saturating_sub(1)) {
        Some(ms) => Next::Wait(*ms),
        None => Next::Dead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instant_answers_give_the_documented_times() {
        let (mut at, mut times) = (0, vec![0]);
        for tries in 1.. {
            match after_failure(tries) {
                Next::Wait(ms) => at += ms,
                Next::Dead => break,
            }
            times.push(at / 1000);
        }
        assert_eq!(times, [0, 1, 3, 8, 18, 78, 198, 498]);
    }
}
