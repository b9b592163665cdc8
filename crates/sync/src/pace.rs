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

    /// Something of this weight is answered that was sent then.
    pub fn answered(&mut self, weight: usize, sent: Time, now: Time, limits: &Limits) {
        // What doesn't fit in the window takes as long as it takes.
        if sent < self.cut || weight > self.window {
            return;
        }
        let took = usize::try_from(now.since(sent).as_millis()).unwrap_or(usize::MAX);
        if took <= QUICK {
            // So much comes through in the time of a quick answer, if no more than this came in this.
            let proven = weight.saturating_mul(QUICK) / took.max(1);
            let most = limits.credit.max(self.window);
            let leap = proven.min(self.window.saturating_mul(LEAP));
            self.window = (self.window + weight).max(leap).min(most);
        } else if took >= SLOW {
            self.window = (self.window / 2).max(limits.window.1);
            self.cut = now;
        }
    }

    /// These limits, as far as the window reaches.
    pub fn within(&self, limits: &Limits) -> Limits {
        let batch = limits.batch.min(self.part());
        // Small batches are not to be read for as large ones are.
        let documents = limits.batch_documents.saturating_mul(batch) / limits.batch.max(1);
        Limits {
            batch,
            batch_documents: documents.max(1),
            credit: limits.credit.min(self.window),
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
    fn the_window_grows_with_quick_answers_up_to_the_credit() {
        let limits = Limits::default();
        let mut pace = Pace::new(&limits);
        let first = limits.window.0;
        pace.answered(first / 4, at(0), at(900), &limits);
        assert_eq!(pace.window, first + first / 4);
        for n in 1..1000 {
            pace.answered(pace.part(), at(n), at(n + 900), &limits);
        }
        assert_eq!(pace.window, limits.credit);
        assert_eq!(pace.within(&limits).batch, limits.batch);
        assert_eq!(pace.within(&limits).batch_documents, limits.batch_documents);
    }

    #[test]
    fn it_leaps_where_answers_are_so_quick_that_more_would_come_through_in_a_second() {
        let limits = Limits::default();
        let mut pace = Pace::new(&limits);
        let first = limits.window.0;
        pace.answered(first / 4, at(0), at(100), &limits);
        assert_eq!(pace.window, first * 10 / 4);
        pace.answered(first / 4, at(0), at(1), &limits);
        assert_eq!(pace.window, limits.credit, "and not past the credit");
    }

    #[test]
    fn it_shrinks_once_for_all_that_was_under_way_and_not_without_end() {
        let limits = Limits::default();
        let mut pace = Pace::new(&limits);
        let first = limits.window.0;
        for sent in [0, 1, 2] {
            pace.answered(first / 4, at(sent), at(5000 + sent), &limits);
        }
        assert_eq!(pace.window, first / 2);
        for n in 1..100 {
            pace.answered(1, at(n * 10_000), at(n * 10_000 + 5000), &limits);
        }
        assert_eq!(pace.window, limits.window.1);
    }

    #[test]
    fn neither_quick_nor_slow_answers_leave_it_as_it_is_and_so_does_what_is_larger() {
        let limits = Limits::default();
        let mut pace = Pace::new(&limits);
        pace.answered(100, at(0), at(2000), &limits);
        pace.answered(limits.window.0 + 1, at(0), at(60_000), &limits);
        assert_eq!(pace.window, limits.window.0);
    }

    #[test]
    fn small_batches_are_read_for_in_proportion() {
        let limits = Limits { batch: 1000, batch_documents: 8, ..Limits::default() };
        let mut pace = Pace::new(&Limits { window: (1000, 10), ..limits.clone() });
        assert_eq!(pace.within(&limits).batch_documents, 2);
        pace.begin(at(0), &Limits { window: (100, 10), ..limits.clone() });
        assert_eq!(pace.within(&limits).batch_documents, 1);
    }
}
