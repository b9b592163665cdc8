//! Who is here: what clients say of whoever uses a database now. Nothing of it is stored.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::stream;
use settee_sync::{Channel, limits::OTHERS_LIMIT};
use tokio::{sync::watch, time::sleep};

use crate::{
    news::{Sources, Subscription},
    shared::Shared,
};

/// How many may be here at a time. Nobody else is told of, or learns of anybody.
const PRESENT_LIMIT: usize = 256;
/// How soon a client is told of the next change, and how many more it takes for as long again.
const PACE: Duration = Duration::from_millis(250);
const CROWD: u32 = 16;

/// All who are here, on one database.
#[derive(Default)]
pub struct Presence {
    present: Mutex<Present>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Present {
    next: u64,
    states: BTreeMap<u64, Vec<u8>>,
}

/// Somebody is here as long as this lives.
pub struct Here {
    shared: Arc<Shared>,
    number: u64,
    /// What they have been told of the others.
    told: Option<Vec<Vec<u8>>>,
}

impl Presence {
    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a client waits for the next change. A change goes to all, so a crowd waits longer.
    fn pace(&self) -> Duration {
        let present = u32::try_from(self.present().states.len()).unwrap_or(u32::MAX);
        PACE.saturating_mul(1 + present / CROWD)
    }
}

impl Here {
    /// Somebody has come, and says this of themselves; `None` if there are too many.
    pub fn new(shared: Arc<Shared>, state: Vec<u8>) -> Option<Self> {
        let mut present = shared.presence.present();
        if present.states.len() >= PRESENT_LIMIT {
            return None;
        }
        present.next += 1;
        let number = present.next;
        present.states.insert(number, state);
        drop(present);
        shared.presence.changed.send_replace(());
        Some(Self { shared, number, told: None })
    }

    /// They say something else.
    pub fn say(&self, state: Vec<u8>) {
        let presence = &self.shared.presence;
        let before = presence.present().states.insert(self.number, state.clone());
        presence.changed.send_if_modified(|()| before != Some(state));
    }

    /// What the others have said of themselves, who came last in front; `None` if they were told so already.
    pub fn others(&mut self) -> Option<Vec<Vec<u8>>> {
        let present = self.shared.presence.present();
        let others = present.states.iter().rev().filter(|(number, _)| **number != self.number);
        let others = others.map(|(_, state)| state.clone()).take(OTHERS_LIMIT).collect();
        drop(present);
        let is_new = self.told.as_ref() != Some(&others);
        self.told = Some(others);
        self.told.clone().filter(|_| is_new)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let presence = &self.shared.presence;
        if presence.present().states.remove(&self.number).is_some() {
            presence.changed.send_replace(());
        }
    }
}

/// Word of those who come, change and go, on the channels of a connection.
pub type Arrivals = Sources<Channel>;

impl Arrivals {
    /// Notifies at once, and of each change, but not too often.
    pub fn follow(&mut self, channel: Channel, shared: Arc<Shared>) -> Subscription {
        let mut word = shared.presence.changed.subscribe();
        word.mark_changed();
        let first = (shared, word, false);
        let changes = stream::unfold(first, move |(shared, mut word, waits)| async move {
            if waits {
                sleep(shared.presence.pace()).await;
            }
            word.changed().await.ok()?;
            Some((channel, (shared, word, true)))
        });
        self.add(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_change_is_told_once_and_soon() {
        let shared = Arc::<Shared>::default();
        let mut anna = Here::new(shared.clone(), b"anna".to_vec()).unwrap();
        let mut arrivals = Arrivals::default();
        let _followed = arrivals.follow(7, shared.clone());
        assert_eq!(arrivals.next().await, 7);
        assert_eq!(anna.others(), Some(vec![]));
        let bert = Here::new(shared, b"looks".to_vec()).unwrap();
        bert.say(b"writes".to_vec());
        assert_eq!(arrivals.next().await, 7);
        assert_eq!(anna.others(), Some(vec![b"writes".to_vec()]));
        assert_eq!(anna.others(), None);
        bert.say(b"writes".to_vec());
        assert!(tokio::time::timeout(Duration::from_mins(1), arrivals.next()).await.is_err());
        drop(bert);
        assert_eq!(arrivals.next().await, 7);
        assert_eq!(anna.others(), Some(vec![]));
    }

    #[test]
    fn a_crowd_is_told_in_part() {
        let shared = Arc::<Shared>::default();
        let come = || Here::new(shared.clone(), b"looks".to_vec());
        let mut crowd: Vec<Here> = (0..PRESENT_LIMIT).filter_map(|_| come()).collect();
        assert!(crowd.len() == PRESENT_LIMIT && come().is_none());
        assert_eq!(crowd[0].others().map(|others| others.len()), Some(OTHERS_LIMIT));
        assert!(shared.presence.pace() > 16 * PACE);
        drop(crowd);
        assert!(shared.presence.present().states.is_empty());
    }
}
