//! Decides which of a browser's tabs syncs, from the view of one tab.
//!
//! The tab that holds a lock of the browser's leads. When that tab closes or crashes, the browser
//! grants the lock to the next one. But the leader may also be hidden, so that the browser slows it
//! down, or be frozen. So a leader tells the other tabs regularly that it is there and visible, and
//! a visible tab steals the lock from a leader that doesn't.
//!
//! The caller hands in the time: [`Election::poll`] says what to do, and [`Election::timeout`]
//! when to ask again.

use std::time::Duration;

use settee_sync::Time;

/// How often a leader sends a beat.
const BEAT: Duration = Duration::from_secs(1);
/// How long a leader may be silent: one beat may be lost or late.
const PATIENCE: Duration = Duration::from_millis(1750);
/// How long a leader may be hidden, so that the lead doesn't follow a user who only leafs through
/// tabs.
const GRACE: Duration = Duration::from_millis(400);
/// A tab that is so late has slept itself, and may have missed beats.
const LATE: Duration = Duration::from_secs(1);
/// The longest extra wait of a tab, in milliseconds. Each tab draws its own, so that tabs that miss
/// the leader don't all act at once.
const SPREAD: u64 = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Tell the other tabs that this one leads.
    Beat,
    /// Take the lock from the tab that holds it.
    Steal,
}

#[derive(Debug)]
pub struct Election {
    leads: bool,
    is_visible: bool,
    /// When the leader is to beat, or a visible tab that doesn't lead is to steal.
    due: Time,
    spread: Duration,
}

impl Election {
    /// `chance` is a random number.
    pub fn new(now: Time, is_visible: bool, chance: u64) -> Self {
        let spread = Duration::from_millis(chance % SPREAD);
        let mut election = Self { leads: false, is_visible, due: now, spread };
        election.wait(now, PATIENCE);
        election
    }

    pub fn leads(&self) -> bool {
        self.leads
    }

    pub fn is_visible(&self) -> bool {
        self.is_visible
    }

    /// This tab has got the lock.
    pub fn handle_granted(&mut self, now: Time) {
        self.leads = true;
        self.due = now;
    }

    /// This tab doesn't have the lock, or not any more.
    pub fn handle_lost(&mut self, now: Time) {
        self.leads = false;
        self.wait(now, PATIENCE);
    }

    /// Another tab has sent a beat as the leader.
    pub fn handle_beat(&mut self, now: Time, is_visible: bool) {
        // Two tabs lead until one hears that it has lost the lock. Only the lock decides.
        if self.leads {
            return;
        }
        let before = self.due;
        if is_visible {
            self.wait(now, PATIENCE);
        } else {
            self.wait(now, GRACE);
            self.due = self.due.min(before);
        }
    }

    /// Another tab asks whether there is a leader.
    pub fn handle_asked(&mut self, now: Time) {
        if self.leads {
            self.due = now;
        }
    }

    pub fn handle_visibility(&mut self, now: Time, is_visible: bool) {
        let appears = is_visible && !self.is_visible;
        self.is_visible = is_visible;
        if self.leads {
            self.due = now;
        } else if appears {
            self.wait(now, PATIENCE);
        }
    }

    pub fn timeout(&self) -> Option<Time> {
        (self.leads || self.is_visible).then_some(self.due)
    }

    pub fn poll(&mut self, now: Time) -> Option<Action> {
        if self.timeout().is_none_or(|due| now < due) {
            return None;
        }
        if self.leads {
            self.due = now + BEAT;
            return Some(Action::Beat);
        }
        let is_late = now.since(self.due) > LATE;
        self.wait(now, PATIENCE);
        (!is_late).then_some(Action::Steal)
    }

    fn wait(&mut self, now: Time, how_long: Duration) {
        self.due = now + how_long + self.spread;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    /// When the tab would steal, if it hears nothing more.
    fn steals(election: &Election) -> Option<u64> {
        (!election.leads()).then(|| election.timeout().map(Time::as_millis)).flatten()
    }

    #[test]
    fn a_leader_beats_at_once_and_every_second() {
        let mut leader = Election::new(at(0), true, 0);
        leader.handle_granted(at(10));
        assert_eq!(leader.poll(at(10)), Some(Action::Beat));
        assert_eq!(leader.poll(at(11)), None);
        assert_eq!(leader.timeout(), Some(at(1010)));
        leader.handle_asked(at(20));
        assert_eq!(leader.poll(at(20)), Some(Action::Beat));
        leader.handle_visibility(at(30), false);
        assert!(!leader.is_visible());
        assert_eq!(leader.poll(at(30)), Some(Action::Beat));
        // A hidden leader beats as well: other tabs wait to hear that it is hidden.
        assert_eq!(leader.poll(at(1030)), Some(Action::Beat));
    }

    #[test]
    fn a_silent_leader_is_replaced_within_two_seconds() {
        for chance in [0, 100, 249, u64::MAX] {
            let mut tab = Election::new(at(0), true, chance);
            tab.handle_beat(at(5000), true);
            let due = steals(&tab).expect("it is visible");
            assert!((6750..=7000).contains(&due), "{due}");
            assert_eq!(tab.poll(at(due - 1)), None);
            assert_eq!(tab.poll(at(due)), Some(Action::Steal));
            // It steals once, and then waits for the outcome.
            assert_eq!(tab.poll(at(due)), None);
        }
    }

    #[test]
    fn a_hidden_leader_is_replaced_soon_however_often_it_beats() {
        let mut tab = Election::new(at(0), true, 0);
        tab.handle_beat(at(1000), true);
        tab.handle_beat(at(1500), false);
        tab.handle_beat(at(1700), false);
        assert_eq!(steals(&tab), Some(1900));
        // It is visible again.
        tab.handle_beat(at(1800), true);
        assert_eq!(steals(&tab), Some(3550));
    }

    #[test]
    fn a_hidden_tab_steals_nothing() {
        let mut tab = Election::new(at(0), false, 0);
        tab.handle_beat(at(10), false);
        assert_eq!(tab.timeout(), None);
        assert_eq!(tab.poll(at(100_000)), None);
        // Once it is visible it gives the leader time to answer.
        tab.handle_visibility(at(200_000), true);
        assert_eq!(tab.poll(at(200_000)), None);
        tab.handle_beat(at(200_020), false);
        assert_eq!(steals(&tab), Some(200_420));
    }

    #[test]
    fn a_tab_that_has_slept_listens_first() {
        let mut tab = Election::new(at(0), true, 0);
        assert_eq!(tab.poll(at(60_000)), None);
        assert_eq!(steals(&tab), Some(61_750));
        assert_eq!(tab.poll(at(61_760)), Some(Action::Steal));
    }

    #[test]
    fn a_tab_that_has_lost_the_lock_gives_the_next_leader_time() {
        let mut tab = Election::new(at(0), true, 0);
        tab.handle_granted(at(0));
        tab.handle_lost(at(500));
        assert!(!tab.leads());
        assert_eq!(steals(&tab), Some(2250));
    }
}
