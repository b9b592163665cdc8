//! What all who use a database share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::{
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, watch},
    task::JoinHandle,
};

use crate::{guests::Guests, presence::Presence, room::Usage};

/// What all who use a database share. It lasts as long as one of them.
#[derive(Default)]
pub struct Shared {
    pub usage: Usage,
    pub presence: Presence,
    /// Who uses it, for the clerk.
    pub guests: Guests,
    /// For the clerk that works on it.
    pub clerk: Post,
    /// For whoever tells devices of changes.
    pub notices: Post,
    /// Held by whoever changes which devices those are, and what they have been told.
    pub devices: tokio::sync::Mutex<()>,
    /// Counts how often somebody has come to use it.
    pub users: watch::Sender<u64>,
    /// Counts how often a device has said that it wants to be told.
    pub wanted: watch::Sender<u64>,
    commits: Arc<RwLock<()>>,
    /// Counts the rulings. While one is being written, the number is odd.
    rulings: watch::Sender<u64>,
}

/// A place for one task.
#[derive(Default)]
pub struct Post(Mutex<Option<JoinHandle<()>>>);

impl Post {
    /// Begins the task, unless one is under way.
    pub fn fill<T: Future<Output = ()> + Send + 'static>(&self, task: impl FnOnce() -> T) {
        let mut post = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if post.as_ref().is_none_or(JoinHandle::is_finished) {
            *post = Some(tokio::spawn(task()));
        }
    }
}

/// The turn of a commit among those to the same database.
pub enum Turn {
    /// Beside others.
    Beside { _held: OwnedRwLockReadGuard<()> },
    /// Alone, for it says who may do what: what was decided on before it is done before it.
    Alone { _writing: Writing },
}

/// A new ruling is being written, as long as this lives.
pub struct Writing {
    shared: Arc<Shared>,
    _held: OwnedRwLockWriteGuard<()>,
}

/// The ruling that a decision on access goes by.
#[derive(Clone)]
pub struct Ruling {
    shared: Arc<Shared>,
    number: u64,
}

impl Shared {
    /// Waits for the turn of a commit. `rules` if it says who may do what.
    pub async fn turn(self: Arc<Self>, rules: bool) -> Turn {
        let commits = self.commits.clone();
        if !rules {
            return Turn::Beside { _held: commits.read_owned().await };
        }
        let held = commits.write_owned().await;
        self.count();
        Turn::Alone { _writing: Writing { shared: self, _held: held } }
    }

    fn count(&self) {
        self.rulings.send_modify(|number| *number += 1);
    }

    /// The ruling of now. To be taken before one decides.
    pub fn ruling(self: Arc<Self>) -> Ruling {
        let number = *self.rulings.borrow();
        Ruling { shared: self, number }
    }
}

impl Ruling {
    /// Whether there is none after it, not even one that is being written.
    pub fn holds(&self) -> bool {
        self.number.is_multiple_of(2) && *self.shared.rulings.borrow() == self.number
    }

    /// Waits until there is one after it.
    pub async fn ends(self) {
        let mut rulings = self.shared.rulings.subscribe();
        // It lives as long as this.
        let _ = rulings.wait_for(|number| *number != self.number).await;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.shared.count();
    }
}

/// By the names of databases.
#[derive(Default)]
pub struct SharedByName(Mutex<HashMap<String, Weak<Shared>>>);

impl SharedByName {
    pub fn of(&self, name: &str) -> Arc<Shared> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = all.get(name).and_then(Weak::upgrade) {
            return shared;
        }
        // Names of databases that were closed go when there are as many of them as of others.
        if all.len() == all.capacity() {
            all.retain(|_, shared| shared.strong_count() > 0);
        }
        let shared = Arc::<Shared>::default();
        all.insert(name.to_owned(), Arc::downgrade(&shared));
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn who_uses_the_same_database_shares() {
        let all = SharedByName::default();
        let (one, other) = (all.of("one"), all.of("other"));
        let ruling = one.clone().ruling();
        drop(other.turn(true).await);
        drop(one.clone().turn(false).await);
        assert!(ruling.holds() && ruling.clone().ends().now_or_never().is_none());
        let writing = all.of("one").turn(true).await;
        assert!(!ruling.holds() && ruling.ends().now_or_never().is_some());
        let during = one.clone().ruling();
        assert!(one.clone().turn(false).now_or_never().is_none());
        drop(writing);
        assert!(!during.holds() && during.ends().now_or_never().is_some());
        assert!(one.clone().ruling().holds() && one.turn(false).now_or_never().is_some());
    }
}
