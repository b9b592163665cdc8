//! When devices that could not be reached are tried again.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// How long a device is left alone: the first time, and at most, whatever its push service says.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_hours(1));
/// After how many tries a device is given up: half a day.
const TRIES: u32 = 20;

/// By address. A device that isn't here is due.
#[derive(Default)]
pub struct Tries(HashMap<String, Failures>);

struct Failures {
    count: u32,
    due: Instant,
}

impl Tries {
    /// When a device is to be tried.
    pub fn due(&self, address: &str) -> Instant {
        self.0.get(address).map_or_else(Instant::now, |failures| failures.due)
    }

    /// A device could not be reached, and asks for that pause. Says whether it is tried again.
    pub fn failed(&mut self, address: &str, pause: Duration) -> bool {
        let now = Instant::now();
        let known = self.0.entry(address.to_owned()).or_insert(Failures { count: 0, due: now });
        let usual = PAUSE.0.saturating_mul(2_u32.saturating_pow(known.count)).min(PAUSE.1);
        known.count += 1;
        known.due = now + usual.max(pause.min(PAUSE.1));
        if known.count < TRIES {
            return true;
        }
        self.0.remove(address);
        false
    }

    /// It was reached, or is forgotten.
    pub fn forget(&mut self, address: &str) {
        self.0.remove(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_end() {
        let mut tries = Tries::default();
        let mut waited = Duration::ZERO;
        assert_eq!(tries.due("one"), Instant::now());
        while tries.failed("one", Duration::ZERO) {
            let pause = tries.due("one") - Instant::now();
            assert!(pause >= PAUSE.0 && pause <= PAUSE.1);
            waited += pause;
            tokio::time::advance(pause).await;
        }
        assert!(
            waited > Duration::from_hours(8) && waited < Duration::from_hours(16),
            "{waited:?}"
        );
        assert_eq!(tries.due("one"), Instant::now());
        assert!(tries.failed("one", Duration::from_hours(24)));
        assert_eq!(tries.due("one") - Instant::now(), PAUSE.1);
        tries.forget("one");
        assert_eq!(tries.due("one"), Instant::now());
    }
}
