//! Digests of whole databases, to be compared with clients' ones.
//!
//! Anybody with access to a database may ask for its digests, as often as they want. So each database is
//! read for one of them at a time, what was read is kept for the next, and small databases don't wait
//! for large ones.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use settee_store::backend::Incarnation;
use settee_sync::digest::Digests;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use crate::{databases::Handle, guard::Failure};

/// How many documents are read at once.
const PAGE: usize = 1000;
/// Most documents of a small database.
const SMALL: usize = 10_000;
/// How many databases are read at a time, large ones and small ones.
const LARGE_AT_A_TIME: usize = 2;
const SMALL_AT_A_TIME: usize = 4;
/// Most databases whose digests are kept, and most documents of these together, but for one database.
const KEPT_DATABASES: usize = 64;
const KEPT_DOCUMENTS: usize = 500_000;

pub struct Comparisons {
    large: Semaphore,
    small: Semaphore,
    /// The database that was asked for last comes last.
    kept: Mutex<VecDeque<Arc<Kept>>>,
}

/// What was last read of a database.
struct Kept {
    name: String,
    incarnation: Incarnation,
    digests: AsyncMutex<Arc<Digests>>,
}

impl Default for Comparisons {
    fn default() -> Self {
        let (large, small) = (Semaphore::new(LARGE_AT_A_TIME), Semaphore::new(SMALL_AT_A_TIME));
        Self { large, small, kept: Mutex::default() }
    }
}

impl Comparisons {
    /// The digests of all documents.
    pub async fn digests(&self, database: &Handle) -> Result<Arc<Digests>, Failure> {
        let kept = self.kept(database);
        let mut known = kept.digests.lock().await;
        let changed = database.store().changes(known.seq(), 1).await?;
        if !changed.is_empty() {
            let count = database.store().counts().await?.documents;
            let turns = if count > SMALL { &self.large } else { &self.small };
            // The semaphores are never closed.
            let _turn = turns.acquire().await;
            // Whoever still looks at the earlier ones keeps a copy.
            let digests = Arc::make_mut(&mut *known);
            while digests.add_page(&database.store().changes(digests.seq(), PAGE).await?) {
                tokio::task::yield_now().await;
            }
        }
        let read = known.clone();
        drop(known);
        self.make_room();
        Ok(read)
    }

    fn kept(&self, database: &Handle) -> Arc<Kept> {
        let incarnation = *database.position().incarnation;
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |kept: &Arc<Kept>| kept.name == database.name() && kept.incarnation == incarnation;
        let found = all.iter().position(is_it).and_then(|at| all.remove(at));
        let kept = found.unwrap_or_else(|| {
            let (name, digests) = (database.name().to_owned(), AsyncMutex::default());
            Arc::new(Kept { name, incarnation, digests })
        });
        all.push_back(kept.clone());
        kept
    }

    /// Forgets what was asked for the longest time ago, unless it is in use.
    fn make_room(&self) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut documents = 0;
        let mut databases = 0;
        // The latest come first, and the very latest stays.
        let mut stays = |kept: &Arc<Kept>| {
            let Ok(digests) = kept.digests.try_lock() else { return true };
            documents += digests.len();
            databases += 1;
            databases == 1 || (documents <= KEPT_DOCUMENTS && databases <= KEPT_DATABASES)
        };
        let mut staying: VecDeque<_> = all.drain(..).rev().filter(|kept| stays(kept)).collect();
        staying.make_contiguous().reverse();
        *all = staying;
    }
}
