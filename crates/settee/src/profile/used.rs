//! The databases that are open in this program, and how many use each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use settee_store::backend::BoxFuture;
use tokio::sync::watch;

use super::{
    device::{Device, Opened},
    tabs::Uses,
};
use crate::Error;

/// Opens each database once, as long as somebody has it.
pub struct OpenDatabases {
    device: Device,
    state: Mutex<State>,
    /// Word that somebody has begun or ended using one.
    changed: watch::Sender<()>,
    /// Whether one was closed underneath somebody who used it.
    closed: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    open: HashMap<String, Weak<Opened>>,
    /// How many use each database.
    uses: HashMap<String, usize>,
    /// What others on a database may know of whoever is here, if somebody is.
    here: Uses,
}

/// Somebody's use of a database. It ends with this value.
pub struct Use {
    name: String,
    opened: Arc<Opened>,
    databases: Arc<OpenDatabases>,
}

impl OpenDatabases {
    pub fn new(device: Device) -> Self {
        let (changed, closed) = (watch::Sender::new(()), watch::Sender::new(false));
        Self { device, state: Mutex::default(), changed, closed }
    }

    /// The database of that name, shared with all that have it open.
    pub fn open<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<Opened>, Error>> {
        // Many call it, from both of the files that a browser loads.
        Box::pin(self.open_or_share(name))
    }

    async fn open_or_share(&self, name: &str) -> Result<Arc<Opened>, Error> {
        if let Some(opened) = self.opened(name) {
            return Ok(opened);
        }
        let opened = Arc::new(self.device.open(name).await?);
        let mut state = self.state();
        // Somebody else may have been faster.
        let other = state.open.get(name).and_then(Weak::upgrade);
        if let Some(other) = other.filter(|other| !other.is_closed()) {
            return Ok(other);
        }
        state.open.retain(|_, opened| opened.strong_count() > 0);
        state.open.insert(name.to_owned(), Arc::downgrade(&opened));
        Ok(opened)
    }

    /// The same for somebody who uses it.
    pub async fn use_database(self: &Arc<Self>, name: &str) -> Result<Arc<Use>, Error> {
        let opened = self.open(name).await?;
        *self.state().uses.entry(name.to_owned()).or_default() += 1;
        self.changed.send_replace(());
        Ok(Arc::new(Use { name: name.to_owned(), opened, databases: self.clone() }))
    }

    pub fn is_used(&self, name: &str) -> bool {
        self.state().uses.contains_key(name)
    }

    /// All that are used here, and what others may know of whoever is.
    pub fn used(&self) -> Uses {
        let state = self.state();
        let here = |name: &String| state.here.iter().find(|(known, _)| known == name);
        let used = |name| here(name).cloned().unwrap_or_else(|| (name.clone(), Vec::new()));
        state.uses.keys().map(used).collect()
    }

    pub fn watch_uses(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Waits until one is closed underneath somebody who uses it.
    pub async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender is gone with this.
        let _ = closed.wait_for(|is_closed| *is_closed).await;
    }

    /// Deletes the device's copy of a database. Whoever uses it is meant to lose it.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.state().open.remove(name);
        self.device.delete(name).await
    }

    /// Looks for what other tabs have written to the databases that are open here.
    pub fn refresh(&self) {
        let opened: Vec<_> = self.state().open.values().filter_map(Weak::upgrade).collect();
        for opened in opened {
            opened.database.refresh();
        }
    }

    fn opened(&self, name: &str) -> Option<Arc<Opened>> {
        let opened = self.state().open.get(name).and_then(Weak::upgrade);
        // One that was closed underneath is opened anew.
        opened.filter(|opened| !opened.is_closed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Use {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn opened(&self) -> &Arc<Opened> {
        &self.opened
    }

    /// Says what others on the database may know of whoever is here; nothing if nobody is.
    pub fn show(&self, here: Vec<u8>) {
        let mut state = self.databases.state();
        state.here.retain(|(name, _)| *name != self.name);
        if !here.is_empty() {
            state.here.push((self.name.clone(), here));
        }
        drop(state);
        self.databases.changed.send_replace(());
    }

    /// Gives word if the database was closed underneath. One that was deleted on purpose wasn't.
    pub fn tell_closed(&self) {
        let state = self.databases.state();
        let known = state.open.get(&self.name);
        let is_known = known.is_some_and(|known| known.as_ptr() == Arc::as_ptr(&self.opened));
        drop(state);
        if is_known && self.opened.is_closed() {
            self.databases.closed.send_replace(true);
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut state = self.databases.state();
        if let Some(uses) = state.uses.get_mut(&self.name) {
            *uses -= 1;
            if *uses == 0 {
                state.uses.remove(&self.name);
                state.here.retain(|(name, _)| *name != self.name);
            }
        }
        drop(state);
        self.databases.changed.send_replace(());
    }
}
