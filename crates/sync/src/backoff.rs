//! How long to wait before the next attempt: exponential backoff with full jitter, so that the clients
//! of a server that comes back don't all connect at once.

use std::time::Duration;

/// The least wait, so that a server that refuses at once is not asked in a tight loop.
const SHORTEST: Duration = Duration::from_millis(100);

/// A source of waiting times, all of which follow from a random seed.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempt: u32,
    state: u64,
}

impl Backoff {
    /// Begins with waits of up to `first`, which grow to up to `longest`.
    pub fn new((first, longest): (Duration, Duration), seed: u64) -> Self {
        Self { first, longest, attempt: 0, state: seed }
    }

    /// Another source with the same limits and a seed of its own.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self { first: self.first, longest: self.longest, attempt: 0, state: self.draw() }
    }

    /// How long to wait now: a random time up to a ceiling, which doubles with each call.
    pub fn draw_wait(&mut self) -> Duration {
        let ceiling = self.first.saturating_mul(1 << self.attempt.min(16)).min(self.longest);
        self.attempt = self.attempt.saturating_add(1);
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX).max(1);
        Duration::from_millis(self.draw() % millis).max(SHORTEST)
    }

    /// An attempt succeeded, so the next wait is a first one again.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// SplitMix64. It is good enough to make clients wait for different times.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_begin_anew() {
        let limits = (Duration::from_millis(500), Duration::from_secs(30));
        let mut backoff = Backoff::new(limits, 7);
        for attempt in 0..100 {
            let ceiling = Duration::from_millis(500 << attempt.min(6)).min(limits.1);
            let wait = backoff.draw_wait();
            assert!(wait >= SHORTEST && wait <= ceiling.max(SHORTEST), "{attempt}: {wait:?}");
        }
        backoff.reset();
        assert!(backoff.draw_wait() <= Duration::from_millis(500));
    }
}
