//! How long to wait before the next try: exponential with jitter, as a function of the try's number and a seed.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// A growing delay between a least and a greatest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The delay after the first failure, before jitter.
    pub least: Duration,
    /// No delay is longer than this, before jitter.
    pub most: Duration,
}

impl Backoff {
    /// The delay after failure number `failures`, counted from 1; `seed` decides the jitter.
    ///
    /// Jitter only adds, and at most the delay itself, so that a crowd of failures spreads out.
    pub fn delay(&self, failures: u32, seed: u64) -> Duration {
        let tries = usize::try_from(failures.max(1)).unwrap_or(usize::MAX);
        ExponentialBuilder::default()
            .with_min_delay(self.least)
            .with_max_delay(self.most)
            .with_factor(2.0)
            .with_jitter()
            .with_jitter_seed(seed)
            .without_max_times()
            .build()
            .nth(tries.min(64) - 1)
            .unwrap_or(self.most)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    const BACKOFF: Backoff = Backoff {
        least: Duration::from_secs(1),
        most: Duration::from_secs(60),
    };

    #[test]
    fn delays_grow_from_the_least_and_stay_under_twice_the_most() {
        let delay = |failures| BACKOFF.delay(failures, 7);
        assert!((1..2).contains(&delay(1).as_secs()));
        assert!(delay(5) >= Duration::from_secs(16));
        assert!(delay(1000) >= BACKOFF.most && delay(1000) <= BACKOFF.most * 2);
    }

    #[test]
    fn different_seeds_spread_a_crowd() {
        assert_ne!(BACKOFF.delay(4, 1), BACKOFF.delay(4, 2));
    }
}
