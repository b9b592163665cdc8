//! How much may be in flight at a time: little at first, and more as long as acknowledgements come
//! quickly.
//!
//! Everything that is sent later has to wait for what is in flight, and a browser doesn't notice a
//! frame before all of it has arrived. On a slow link a large batch would look like silence.

use crate::{limits::Limits, time::Time};

/// An acknowledgement within so many milliseconds shows that the link can carry more.
const QUICK: usize = 1000;
/// An acknowledgement after so many milliseconds or more shows that it should carry less.
const SLOW: usize = 4000;
/// The most that the window grows at once. A short burst may pass quickly over a link that can't
/// keep up that rate.
const GROWTH_LIMIT: usize = 16;
/// Each channel may use at least this part of the window, however much is in flight on others.
const LEAST_SHARE: usize = 16;
/// Batches that fit into the window, so that one is acknowledged while others are on their way.
const BATCHES: usize = 4;

/// The send window of a connection in one direction.
#[derive(Debug)]
pub struct SendWindow {
    /// In bytes.
    size: usize,
    /// When the window last shrank. Batches that were sent before don't make it shrink again.
    shrunk: Time,
}

impl SendWindow {
    pub fn new(limits: &Limits) -> Self {
        let (first, least) = limits.window;
        assert!(least <= first, "the first window is not smaller than the least one");
        Self { size: first, shrunk: Time::default() }
    }

    /// Begins another connection, whose link is not known yet.
    pub fn begin(&mut self, now: Time, limits: &Limits) {
        self.size = self.size.min(limits.window.0);
        self.shrunk = now;
    }

    /// Learns from an acknowledgement: `weight` was sent at `sent`, and `weight_in_flight` was in
    /// flight right after that.
    pub fn acknowledged(
        &mut self,
        weight: usize,
        weight_in_flight: usize,
        sent: Time,
        now: Time,
        limits: &Limits,
    ) {
        assert!(weight <= weight_in_flight, "a batch is part of what is in flight");
        if sent < self.shrunk {
            return;
        }
        let millis = usize::try_from(now.since(sent).as_millis()).unwrap_or(usize::MAX);
        if millis <= QUICK {
            // All of it has arrived by now, so this is what the link carries in a second, if what comes
            // next compresses as well.
            let proven = weight_in_flight.saturating_mul(QUICK) / millis.max(1);
            let ceiling = self.size.saturating_mul(GROWTH_LIMIT);
            self.size = self.size.max(proven.min(ceiling).min(limits.credit));
        } else if millis >= SLOW && weight <= self.size {
            // A batch that is larger than the window may take its time.
            self.shrink(now, limits);
        }
    }

    /// Halves the window, down to the least one.
    pub fn shrink(&mut self, now: Time, limits: &Limits) {
        self.size = (self.size / 2).max(limits.window.1);
        self.shrunk = now;
    }

    /// These limits, reduced to the room in the window beside the weight in flight on other channels.
    pub fn within(&self, limits: &Limits, others: usize) -> Limits {
        let room = self.size.saturating_sub(others).max(self.size / LEAST_SHARE).max(1);
        let batch = limits.batch.min((room / BATCHES).max(1));
        // Reading as many documents for a small batch as for a large one would be wasted.
        let documents = limits.batch_documents / (limits.batch / batch).max(1);
        Limits {
            batch,
            batch_documents: documents.max(1),
            credit: limits.credit.min(room),
            ..limits.clone()
        }
    }

    /// The length of the parts in which a long frame is sent, in bytes.
    pub fn part_length(&self) -> usize {
        (self.size / BATCHES).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn the_window_grows_to_what_the_link_carries_in_a_second() {
        let limits = Limits::default();
        let mut window = SendWindow::new(&limits);
        let first = limits.window.0;
        window.acknowledged(first / 4, first, at(0), at(500), &limits);
        assert_eq!(window.size, first * 2);
        window.acknowledged(first / 4, first * 2, at(0), at(1000), &limits);
        assert_eq!(window.size, first * 2, "the window has that size already");
    }

    #[test]
    fn small_batches_do_not_make_the_window_grow() {
        let limits = Limits::default();
        let mut window = SendWindow::new(&limits);
        for n in 0..10_000 {
            window.acknowledged(500, 500, at(n), at(n + 100), &limits);
        }
        assert_eq!(window.size, limits.window.0);
    }

    #[test]
    fn a_burst_grows_the_window_within_bounds() {
        let limits = Limits { credit: 1 << 30, ..Limits::default() };
        let mut window = SendWindow::new(&limits);
        let first = limits.window.0;
        window.acknowledged(first, first, at(0), at(1), &limits);
        assert_eq!(window.size, first * GROWTH_LIMIT);
        window.acknowledged(first, first * GROWTH_LIMIT, at(0), at(1), &Limits::default());
        assert_eq!(window.size, Limits::default().credit);
        assert_eq!(window.within(&Limits::default(), 0).batch, Limits::default().batch);
        let documents = window.within(&Limits::default(), 0).batch_documents;
        assert_eq!(documents, Limits::default().batch_documents);
    }

    #[test]
    fn the_window_shrinks_once_for_all_that_was_in_flight_and_not_below_the_least() {
        let limits = Limits::default();
        let mut window = SendWindow::new(&limits);
        let first = limits.window.0;
        for sent in [0, 1, 2] {
            window.acknowledged(first / 4, first, at(sent), at(5000 + sent), &limits);
        }
        assert_eq!(window.size, first / 2);
        for n in 1..100 {
            window.acknowledged(1, 1, at(n * 10_000), at(n * 10_000 + 5000), &limits);
        }
        assert_eq!(window.size, limits.window.1);
    }

    #[test]
    fn a_batch_larger_than_the_window_may_be_slow_but_makes_it_grow_when_quick() {
        let limits = Limits::default();
        let mut window = SendWindow::new(&limits);
        let large = limits.window.0 * 2;
        window.acknowledged(large, large, at(0), at(60_000), &limits);
        assert_eq!(window.size, limits.window.0);
        window.acknowledged(large, large, at(0), at(500), &limits);
        assert_eq!(window.size, large * 2);
    }

    #[test]
    fn fewer_documents_are_read_for_small_batches_and_channels_share_the_window() {
        let limits = Limits { batch: 1000, batch_documents: 8, ..Limits::default() };
        let mut window = SendWindow::new(&Limits { window: (1000, 10), ..limits.clone() });
        assert_eq!(window.within(&limits, 0).batch_documents, 2);
        assert_eq!(
            (window.within(&limits, 500).batch, window.within(&limits, 500).credit),
            (125, 500)
        );
        assert_eq!(window.within(&limits, 9000).credit, 62, "each channel has a least share");
        window.begin(at(0), &Limits { window: (100, 10), ..limits.clone() });
        assert_eq!(window.within(&limits, 0).batch_documents, 1);
        assert_eq!(window.within(&limits, 100_000).credit, 6);
    }
}
