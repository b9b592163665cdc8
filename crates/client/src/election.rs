//! Which of a browser's tabs is to sync, as one of them sees it.
//!
//! A lock that the browser keeps says who leads; it passes on by itself when the leader closes or
//! crashes. What it can't tell is that the leader is hidden, so that the browser slows it down, or
//! that it is frozen. So a leader says every now and then that it is there and seen, and a tab that
//! is seen takes the lock from one that doesn't.
//!
//! As everywhere, time is handed in: [`Election::poll`] says what to do, and
//! [`Election::timeout`] when to ask again.

use std::time::Duration;

use settee_sync::Time;

/// How often a leader says that it is there.
const BEAT: Duration = Duration::from_secs(1);
/// How long a leader may say nothing: one beat may be lost, or be late.
const PATIENCE: Duration = Duration::from_millis(1750);
/// How long a leader may be hidden: somebody who leafs through tabs isn't followed by the lead.
const GRACE: Duration = Duration::from_millis(400);
/// A tab that is so late has slept itself, and doesn't know who has spoken meanwhile.
const LATE: Duration = Duration::from_secs(1);
/// Tabs that miss the leader at the same time don't all move at once: each has a wait of its own
/// up to this.
const SPREAD: u64 = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Say to all that this tab leads.
    Beat,
    /// Take the lock from whoever holds it.
    Steal,
}

#[derive(Debug)]
pub struct Election {
    leads: bool,
    is_visible: bool,
    /// When to beat, of who leads; when to steal, of who doesn't and is seen.
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

    /// The lock is this tab's.
    pub fn handle_granted(&mut self, now: Time) {
        self.leads = true;
        self.due = now;
    }

    /// The lock is another's, or nobody's.
    pub fn handle_lost(&mut self, now: Time) {
        self.leads = false;
        self.wait(now, PATIENCE);
    }

    /// A leader's beat.
    pub fn handle_beat(&mut self, now: Time, is_visible: bool) {
        // Two lead for as long as it takes to hear of a loss. The lock decides, not who is louder.
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

    /// Somebody asks who is there.
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

    /// When it would steal, if it hears nothing more.
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
        // Hidden ones do, too: others wait to hear that.
        assert_eq!(leader.poll(at(1030)), Some(Action::Beat));
    }

    #[test]
    fn a_silent_leader_is_followed_within_two_seconds() {
        for chance in [0, 100, 249, u64::MAX] {
            let mut tab = Election::new(at(0), true, chance);
            tab.handle_beat(at(5000), true);
            let due = steals(&tab).expect("it is seen");
            assert!((6750..=7000).contains(&due), "{due}");
            assert_eq!(tab.poll(at(due - 1)), None);
            assert_eq!(tab.poll(at(due)), Some(Action::Steal));
            // Once, and then it waits for what comes of it.
            assert_eq!(tab.poll(at(due)), None);
        }
    }

    #[test]
    fn a_hidden_leader_is_followed_soon_however_often_it_beats() {
        let mut tab = Election::new(at(0), true, 0);
        tab.handle_beat(at(1000), true);
        tab.handle_beat(at(1500), false);
        tab.handle_beat(at(1700), false);
        assert_eq!(steals(&tab), Some(1900));
        // It is seen again.
        tab.handle_beat(at(1800), true);
        assert_eq!(steals(&tab), Some(3550));
    }

    #[test]
    fn a_hidden_tab_takes_nothing() {
        let mut tab = Election::new(at(0), false, 0);
        tab.handle_beat(at(10), false);
        assert_eq!(tab.timeout(), None);
        assert_eq!(tab.poll(at(100_000)), None);
        // As soon as it is seen it gives the leader time to answer.
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
    fn who_has_lost_the_lock_gives_the_next_one_time() {
        let mut tab = Election::new(at(0), true, 0);
        tab.handle_granted(at(0));
        tab.handle_lost(at(500));
        assert!(!tab.leads());
        assert_eq!(steals(&tab), Some(2250));
    }
}
