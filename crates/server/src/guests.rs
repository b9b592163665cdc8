//! Who uses a database, by the names of their grants, for the clerk that hears of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::shared::Shared;

/// Most names of grants that are remembered for a clerk at a time. It doesn't hear of more.
const GUESTS: usize = 1_000;

/// The names under which channels are open. Who has left stays until the clerk has heard of them.
#[derive(Default)]
pub struct Guests {
    all: Mutex<HashMap<String, Stay>>,
    came: watch::Sender<()>,
}

#[derive(Default)]
struct Stay {
    channels: usize,
    is_heard: bool,
}

/// Somebody uses a database, as long as this lives.
pub struct Guest {
    shared: Arc<Shared>,
    name: String,
}

impl Guests {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Stay>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Word of those of whom the clerk hasn't heard.
    pub fn came(&self) -> watch::Receiver<()> {
        self.came.subscribe()
    }

    /// Of whom the clerk hasn't heard.
    pub fn unheard(&self) -> Vec<String> {
        let all = self.all();
        all.iter().filter(|(_, stay)| !stay.is_heard).map(|(name, _)| name.clone()).collect()
    }

    /// The clerk has heard of these.
    pub fn heard(&self, names: &[String]) {
        let mut all = self.all();
        for name in names {
            if let Some(stay) = all.get_mut(name) {
                stay.is_heard = true;
            }
        }
        all.retain(|_, stay| stay.is_here());
    }

    /// The clerk is to hear of all who are here once more.
    pub fn again(&self) {
        self.all().values_mut().for_each(|stay| stay.is_heard = false);
    }
}

impl Stay {
    /// Whether it is to be remembered.
    fn is_here(&self) -> bool {
        self.channels > 0 || !self.is_heard
    }
}

impl Guest {
    pub fn new(shared: Arc<Shared>, name: String) -> Option<Self> {
        let mut all = shared.guests.all();
        if all.len() >= GUESTS && !all.contains_key(&name) {
            tracing::warn!("a clerk doesn't hear of everybody");
            return None;
        }
        let stay = all.entry(name.clone()).or_default();
        stay.channels += 1;
        let is_news = !stay.is_heard;
        drop(all);
        if is_news {
            shared.guests.came.send_replace(());
        }
        Some(Self { shared, name })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut all = self.shared.guests.all();
        let Some(stay) = all.get_mut(&self.name) else { return };
        stay.channels -= 1;
        if !stay.is_here() {
            all.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(shared: &Arc<Shared>, name: &str) -> Option<Guest> {
        Guest::new(shared.clone(), name.to_owned())
    }

    fn unheard(shared: &Shared) -> Vec<String> {
        let mut names = shared.guests.unheard();
        names.sort();
        names
    }

    #[test]
    fn the_clerk_hears_of_everybody_once_also_of_who_has_left_already() {
        let shared = Arc::<Shared>::default();
        let mut came = shared.guests.came();
        let anna = guest(&shared, "anna");
        drop(guest(&shared, "bert"));
        assert!(came.has_changed().unwrap());
        came.borrow_and_update();
        assert_eq!(unheard(&shared), ["anna", "bert"]);
        shared.guests.heard(&["bert".to_owned()]);
        assert_eq!(unheard(&shared), ["anna"]);
        shared.guests.heard(&["anna".to_owned()]);
        assert!(unheard(&shared).is_empty());
        // Anna comes with another tab.
        drop(guest(&shared, "anna"));
        assert!(unheard(&shared).is_empty() && !came.has_changed().unwrap());
        shared.guests.again();
        assert_eq!(unheard(&shared), ["anna"]);
        shared.guests.heard(&unheard(&shared));
        drop(anna);
        assert!(shared.guests.all().is_empty());
        let _again = guest(&shared, "anna");
        assert!(came.has_changed().unwrap());
        assert_eq!(unheard(&shared), ["anna"]);
    }

    #[test]
    fn there_are_not_too_many() {
        let shared = Arc::<Shared>::default();
        let guests: Vec<_> =
            (0..=GUESTS).map(|number| guest(&shared, &number.to_string())).collect();
        assert_eq!(guests.iter().filter(|guest| guest.is_none()).count(), 1);
        assert!(guest(&shared, "0").is_some());
    }
}
