//! How much is under way at a time: little at first, and more as long as answers come quickly.
//!
//! What is under way is what everything after it waits for, and no client hears that a frame is
//! coming before all of it is there. On a slow link a large batch would be taken for silence.

use crate::{limits::Limits, time::Time};

/// An answer within so many milliseconds says that the link takes more,
const QUICK: usize = 1000;
/// and one after so many that it takes less.
const SLOW: usize = 4000;
/// So many times as much at once, at most: a short burst may pass that the link doesn't carry on.
const LEAP: usize = 16;
/// The part of the window that each channel has, however much is under way on others.
const LEAST: usize = 16;
/// Batches of a window, so that one is answered while others are on their way.
const BATCHES: usize = 4;

/// The window of a connection in one direction, in bytes.
#[derive(Debug)]
pub struct Pace {
    window: usize,
    /// When it was last made smaller: what was sent before doesn't tell how it does.
    cut: Time,
}

impl Pace {
    pub fn new(limits: &Limits) -> Self {
        Self { window: limits.window.0, cut: Time::default() }
    }

    /// Another connection, of which nothing is known yet.
    pub fn begin(&mut self, now: Time, limits: &Limits) {
        self.window = self.window.min(limits.window.0);
        self.cut = now;
    }

    /// Something of this weight is answered that was sent then, when so much was under way with it.
    pub fn answered(
        &mut self,
        weight: usize,
        under_way: usize,
        sent: Time,
        now: Time,
        limits: &Limits,
    ) {
        if sent < self.cut {
            return;
        }
        let took = usize::try_from(now.since(sent).as_millis()).unwrap_or(usize::MAX);
        if took <= QUICK {
            // All of it has come through by now: so much would in the time of a quick answer.
            let proven = under_way.saturating_mul(QUICK) / took.max(1);
            let leap = self.window.saturating_mul(LEAP);
            self.window = self.window.max(proven.min(leap).min(limits.credit));
        } else if took >= SLOW && weight <= self.window {
            // What doesn't fit in the window takes as long as it takes.
            self.slow_down(now, limits);
        }
    }

    /// Less is sent at a time.
    pub fn slow_down(&mut self, now: Time, limits: &Limits) {
        self.window = (self.window / 2).max(limits.window.1);
        self.cut = now;
    }

    /// These limits, as far as there is room in the window beside what is under way on other channels.
    pub fn within(&self, limits: &Limits, others: usize) -> Limits {
        let room = self.window.saturating_sub(others).max(self.window / LEAST).max(1);
        let batch = limits.batch.min((room / BATCHES).max(1));
        // Small batches are not to be read for as large ones are.
        let documents = limits.batch_documents / (limits.batch / batch).max(1);
        Limits {
            batch,
            batch_documents: documents.max(1),
            credit: limits.credit.min(room),
            ..limits.clone()
        }
    }

    /// The length of a part of what is too long to travel whole.
    pub fn part(&self) -> usize {
        (self.window / BATCHES).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn the_window_grows_to_what_comes_through_in_a_second() {
        let limits = Limits::default();
        let mut pace = Pace::new(&limits);
        let first = limits.window.0;
        pace.answered(first / 4, first, at(0), at(500), &limits);
        assert_eq!(pace.window, first * 2);
        pace.answered(first / 4, first * 2, at(0), at(1000), &limits);
        assert_eq!(pace.window, first * 2, "it is as large as that");
    }

    #[test]
    fn little_that_is_answered_proves_little() {
        let limits = Limits::default();
        let mut pace = Pace::new(&limits);
        for n in 0..10_000 {
            pace.answered(500, 500, at(n), at(n + 100), &limits);
        }
        assert_eq!(pace.window, limits.window.0);
    }

    #[test]
    fn a_burst_makes_it_many_times_as_large_at_most_and_not_larger_than_the_credit() {
        let limits = Limits { credit: 1 << 30, ..Limits::default() };
        let mut pace = Pace::new(&limits);
        let first = limits.window.0;
        pace.answered(first, first, at(0), at(1), &limits);
        assert_eq!(pace.window, first * LEAP);
        pace.answered(first, first * LEAP, at(0), at(1), &Limits::default());
        assert_eq!(pace.window, Limits::default().credit);
        assert_eq!(pace.within(&Limits::default(), 0).batch, Limits::default().batch);
        let documents = pace.within(&Limits::default(), 0).batch_documents;
        assert_eq!(documents, Limits::default().batch_documents);
    }

    #[test]
    fn it_shrinks_once_for_all_that_was_under_way_and_not_without_end() {
        let limits = Limits::default();
        let mut pace = Pace::new(&limits);
        let first = limits.window.0;
        for sent in [0, 1, 2] {
            pace.answered(first / 4, first, at(sent), at(5000 + sent), &limits);
        }
        assert_eq!(pace.window, first / 2);
        for n in 1..100 {
            pace.answered(1, 1, at(n * 10_000), at(n * 10_000 + 5000), &limits);
        }
        assert_eq!(pace.window, limits.window.1);
    }

    #[test]
    fn what_is_larger_than_the_window_may_take_long_but_counts_when_it_is_quick() {
        let limits = Limits::default();
        let mut pace = Pace::new(&limits);
        let large = limits.window.0 * 2;
        pace.answered(large, large, at(0), at(60_000), &limits);
        assert_eq!(pace.window, limits.window.0);
        pace.answered(large, large, at(0), at(500), &limits);
        assert_eq!(pace.window, large * 2);
    }

    #[test]
    fn small_batches_are_read_for_in_proportion_and_channels_share_the_window() {
        let limits = Limits { batch: 1000, batch_documents: 8, ..Limits::default() };
        let mut pace = Pace::new(&Limits { window: (1000, 10), ..limits.clone() });
        assert_eq!(pace.within(&limits, 0).batch_documents, 2);
        assert_eq!((pace.within(&limits, 500).batch, pace.within(&limits, 500).credit), (125, 500));
        assert_eq!(pace.within(&limits, 9000).credit, 62, "each has a little");
        pace.begin(at(0), &Limits { window: (100, 10), ..limits.clone() });
        assert_eq!(pace.within(&limits, 0).batch_documents, 1);
        assert_eq!(pace.within(&limits, 100_000).credit, 6);
    }
}
