//! Which databases are synced now, when there are more than a connection should have at a time.
//!
//! Databases that somebody uses come first. The others take turns: each stays until it is at rest,
//! and makes room for the one that has waited longest.

use std::time::Duration;

use settee_sync::Time;

/// How long a turn lasts at least: what others write meanwhile comes at once.
const LEAST: Duration = Duration::from_secs(10);
/// How long a turn of a database that doesn't come to rest lasts at most, while others wait.
const MOST: Duration = Duration::from_mins(1);

/// A database that may be synced.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub name: String,
    /// Somebody uses it.
    pub is_used: bool,
    pub state: State,
}

#[derive(Debug, Clone, Copy)]
pub enum State {
    /// It has its turn.
    Synced { since: Time, is_at_rest: bool },
    /// It waits since the end of its last turn, or has had none.
    Waits { since: Option<Time> },
}

/// How many may be synced at a time.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// In all.
    pub all: usize,
    /// Of those that nobody uses.
    pub hidden: usize,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub open: Vec<String>,
    pub close: Vec<String>,
}

pub fn plan(now: Time, candidates: Vec<Candidate>, places: Places) -> Plan {
    let (used, hidden): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|one| one.is_used);
    let left = places.all.saturating_sub(used.len());
    let mut plan = Plan::default();
    plan.share(now, used, places.all);
    plan.share(now, hidden, places.hidden.min(left));
    plan
}

impl Plan {
    /// Gives so many places to these databases.
    fn share(&mut self, now: Time, candidates: Vec<Candidate>, places: usize) {
        let (mut waiting, mut synced) = (Vec::new(), Vec::new());
        for Candidate { name, state, .. } in candidates {
            match state {
                State::Waits { since } => waiting.push((since, name)),
                State::Synced { since, is_at_rest } => {
                    let age = now.since(since);
                    let may_end = age >= MOST || (is_at_rest && age >= LEAST);
                    synced.push((!may_end, since, name));
                }
            }
        }
        let free = places.saturating_sub(synced.len());
        let excess = synced.len().saturating_sub(places);
        let wanted = (waiting.len() + synced.len()).saturating_sub(places);
        self.open.extend(least(&mut waiting, free).map(|(_, name)| name));
        let ending = least(&mut synced, wanted).enumerate();
        let ending = ending.filter(|(at, (stays, ..))| *at < excess || !stays);
        self.close.extend(ending.map(|(_, (_, _, name))| name));
    }
}

/// Takes out so many of the least, in their order. There are few, and a browser's build is smaller
/// without another instance of sorting.
fn least<T: Ord>(all: &mut Vec<T>, count: usize) -> impl Iterator<Item = T> {
    std::iter::from_fn(move || {
        let (at, _) = all.iter().enumerate().min_by_key(|(_, one)| *one)?;
        Some(all.swap_remove(at))
    })
    .take(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    const PLACES: Places = Places { all: 5, hidden: 3 };

    /// Databases by name, with the state of each.
    struct World {
        now: Time,
        states: BTreeMap<String, (bool, State)>,
    }

    impl World {
        fn new(used: usize, hidden: usize) -> Self {
            let name = |n| if n < used { format!("used {n}") } else { format!("hidden {n}") };
            let states = (0..used + hidden)
                .map(|n| (name(n), (n < used, State::Waits { since: None })))
                .collect();
            Self { now: Time::from_millis(0), states }
        }

        fn step(&mut self, after: Duration, is_at_rest: bool) -> BTreeSet<String> {
            self.now = self.now + after;
            let candidates = self.states.iter_mut().map(|(name, (is_used, state))| {
                if let State::Synced { is_at_rest: rests, .. } = state {
                    *rests = is_at_rest;
                }
                Candidate { name: name.clone(), is_used: *is_used, state: *state }
            });
            let plan = plan(self.now, candidates.collect(), PLACES);
            for name in plan.close {
                self.states.get_mut(&name).unwrap().1 = State::Waits { since: Some(self.now) };
            }
            for name in plan.open {
                self.states.get_mut(&name).unwrap().1 =
                    State::Synced { since: self.now, is_at_rest: false };
            }
            self.synced()
        }

        fn synced(&self) -> BTreeSet<String> {
            let synced = |(_, state): &(bool, State)| matches!(state, State::Synced { .. });
            self.states
                .iter()
                .filter(|(_, one)| synced(one))
                .map(|(name, _)| name.clone())
                .collect()
        }
    }

    #[test]
    fn all_are_synced_where_there_is_room() {
        let mut world = World::new(2, 3);
        assert_eq!(world.step(Duration::ZERO, false).len(), 5);
        for _ in 0..10 {
            assert_eq!(world.step(MOST, true).len(), 5);
        }
    }

    #[test]
    fn hidden_ones_take_turns_and_used_ones_stay() {
        let mut world = World::new(2, 10);
        let mut seen = BTreeSet::new();
        for _ in 0..20 {
            let synced = world.step(LEAST, true);
            assert!(synced.len() <= PLACES.all);
            assert!(synced.contains("used 0") && synced.contains("used 1"));
            seen.extend(synced);
        }
        assert_eq!(seen.len(), 12, "each had its turn");
    }

    #[test]
    fn a_turn_ends_at_rest_or_after_a_while() {
        let mut world = World::new(0, 4);
        let first = world.step(Duration::ZERO, false);
        assert_eq!(first.len(), 3);
        assert_eq!(world.step(LEAST, false), first, "there is still something to do");
        world.step(MOST, false);
        world.step(Duration::ZERO, false);
        assert!(world.synced().contains("hidden 3"));
    }

    #[test]
    fn more_used_ones_than_there_are_places_take_turns() {
        let mut world = World::new(8, 2);
        let mut seen = BTreeSet::new();
        for _ in 0..20 {
            let synced = world.step(LEAST, true);
            assert!(synced.len() <= PLACES.all);
            seen.extend(synced);
        }
        assert_eq!(seen.iter().filter(|name| name.starts_with("used")).count(), 8);
    }

    #[test]
    fn who_is_used_now_has_a_place_at_once() {
        let mut world = World::new(0, 6);
        assert_eq!(world.step(Duration::ZERO, false).len(), 3);
        for name in ["hidden 3", "hidden 4", "hidden 5"] {
            world.states.get_mut(name).unwrap().0 = true;
        }
        world.step(Duration::ZERO, false);
        let synced = world.step(Duration::ZERO, false);
        assert!(["hidden 3", "hidden 4", "hidden 5"].iter().all(|name| synced.contains(*name)));
        assert!(synced.len() <= PLACES.all);
    }
}
