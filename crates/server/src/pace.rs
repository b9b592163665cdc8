//! How fast a connection may send.

use std::time::Duration;

use tokio::time::Instant;

/// Two allowances that fill up again, one of frames and one of bytes. Each holds what a second brings,
/// so bursts are fine.
#[derive(Debug)]
pub struct Pace {
    frames: Allowance,
    bytes: Allowance,
    /// When they were filled last.
    at: Instant,
}

#[derive(Debug)]
struct Allowance {
    per_second: f64,
    /// What is left. It is below zero after a frame that was too long for it.
    left: f64,
}

impl Allowance {
    fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self { per_second, left: per_second }
    }

    fn fill(&mut self, passed: Duration) {
        self.left = (self.left + passed.as_secs_f64() * self.per_second).min(self.per_second);
    }

    /// How long until there is something left.
    fn wait(&self) -> Duration {
        Duration::from_secs_f64((-self.left / self.per_second).max(0.0))
    }
}

impl Pace {
    pub fn new(frames_per_second: u32, bytes_per_second: u32) -> Self {
        Self {
            frames: Allowance::new(frames_per_second),
            bytes: Allowance::new(bytes_per_second),
            at: Instant::now(),
        }
    }

    /// A frame of this length has come.
    pub fn count(&mut self, length: usize) {
        let now = Instant::now();
        let passed = now.duration_since(self.at);
        self.at = now;
        self.frames.fill(passed);
        self.bytes.fill(passed);
        self.frames.left -= 1.0;
        self.bytes.left -= f64::from(u32::try_from(length).unwrap_or(u32::MAX));
    }

    /// When the next frame may be read, if it has to wait.
    pub fn resumes(&self) -> Option<Instant> {
        let at = self.at + self.frames.wait().max(self.bytes.wait());
        (at > self.at).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_brings_what_is_allowed() {
        let mut pace = Pace::new(10, 1000);
        for _ in 0..10 {
            pace.count(1);
            assert_eq!(pace.resumes(), None);
        }
        pace.count(1);
        let wait = pace.resumes().unwrap().duration_since(Instant::now());
        assert!((90..=110).contains(&wait.as_millis()), "{wait:?}");
        tokio::time::advance(Duration::from_secs(5)).await;
        pace.count(3000);
        let wait = pace.resumes().unwrap().duration_since(Instant::now());
        assert!((1900..=2100).contains(&wait.as_millis()), "{wait:?}");
    }
}
