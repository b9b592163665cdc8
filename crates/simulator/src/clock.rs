//! Wrong clocks: each device has a time of its own, which goes too fast or too slowly.
//!
//! A machine knows no other time than that of its device's clock. The clock never goes back, because
//! drivers promise that: they read monotonic clocks, which may leap while a device sleeps, but never go
//! back. Documents have no times at all.

use std::time::Duration;

use settee_sync::Time;

use crate::random::Random;

/// The slowest and the fastest pace, in percent of the world's.
const PACES: (u64, u64) = (50, 200);
/// The latest time that a clock begins with, in milliseconds: some days.
const LATEST: u64 = 5 * 24 * 60 * 60 * 1000;

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// A moment of the world, and what the clock showed at it.
    moment: Time,
    shown: Time,
    /// In percent of the world's.
    pace: u64,
}

impl Clock {
    pub fn draw(random: &mut Random) -> Self {
        let (slowest, fastest) = PACES;
        let pace = if random.one_in(3) { 100 } else { random.between(slowest, fastest) };
        let shown = Time::from_millis(random.between(0, LATEST));
        Self { moment: Time::default(), shown, pace }
    }

    /// What it shows at a moment of the world.
    pub fn at(self, now: Time) -> Time {
        let passed = now.as_millis().saturating_sub(self.moment.as_millis());
        self.shown + Duration::from_millis(passed * self.pace / 100)
    }

    /// The first moment of the world at which it shows this time, or a later one.
    pub fn moment_of(self, shown: Time) -> Time {
        let left = shown.as_millis().saturating_sub(self.shown.as_millis());
        self.moment + Duration::from_millis((left * 100).div_ceil(self.pace))
    }

    pub fn jump(&mut self, gap: Duration) {
        self.shown = self.shown + gap;
    }

    /// Sets the pace to the world's. The time that it shows stays.
    pub fn set_right(&mut self, now: Time) {
        *self = Self { moment: now, shown: self.at(now), pace: 100 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_due_when_the_clock_shows_its_time_and_not_before() {
        let at = Time::from_millis;
        for pace in [50, 73, 100, 133, 200] {
            let mut clock = Clock { moment: at(10), shown: at(5000), pace };
            for shown in 5001..5200 {
                let moment = clock.moment_of(at(shown));
                assert!(clock.at(moment) >= at(shown), "{pace} {shown}");
                assert!(clock.at(at(moment.as_millis() - 1)) < at(shown), "{pace} {shown}");
            }
            let before = clock.at(at(1000));
            clock.set_right(at(1000));
            assert_eq!(clock.at(at(1000)), before);
            clock.jump(Duration::from_secs(1));
            assert_eq!(clock.at(at(1001)), before + Duration::from_millis(1001));
        }
    }
}
