//! The database of what a device keeps.
//!
//! What can't be written down is kept in memory, as long as the program runs, and is tried again by
//! itself.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use settee_client::runtime::{sleep, spawn};
use settee_keys::Token;
use settee_store::{
    BackendError, Body, Change, Database, Document, DocumentId, Edit, Record, Revision, WriteError,
};
use tokio::sync::watch;

use super::{
    device::Opened,
    kept::{Credentials, Kept},
};
use crate::Error;

/// The home's own name among the device's databases.
pub const HOME: &str = "home";
/// Ids of entries begin with this; the key follows.
const PREFIX: &str = "kept/";
/// Ids of what was set aside begin with this; the database's name follows.
const ASIDE: &str = "aside/";
/// The id of the permit.
const PERMIT: &str = "permit";
/// How long after a failure writing is tried again. The time doubles up to [`RETRY_LIMIT`].
const RETRY: Duration = Duration::from_secs(1);
const RETRY_LIMIT: Duration = Duration::from_secs(30);

/// What a server asks of those who bring it a database.
#[derive(Serialize, Deserialize)]
struct Permit {
    token: Credentials,
}

/// All databases that a device keeps, each under a key: mostly its name.
#[derive(Clone)]
pub struct Home {
    database: Database,
    opened: Arc<Opened>,
    /// What could not be written down yet, by key.
    unsaved: Arc<watch::Sender<BTreeMap<String, Kept>>>,
    is_retrying: Arc<AtomicBool>,
}

impl Home {
    pub fn new(opened: Arc<Opened>) -> Self {
        Self {
            database: opened.database.clone(),
            opened,
            unsaved: Arc::new(watch::Sender::new(BTreeMap::new())),
            is_retrying: Arc::default(),
        }
    }

    /// What could not be written down yet, by key, and word of each change.
    pub fn unsaved(&self) -> watch::Receiver<BTreeMap<String, Kept>> {
        self.unsaved.subscribe()
    }

    /// Whether what is kept of the database of that name outlives the program.
    pub fn is_saved(&self, name: &str) -> bool {
        self.opened.is_saved && self.unsaved.borrow().values().all(|kept| kept.name != name)
    }

    /// Whether nothing that is kept outlives the program.
    pub fn is_in_memory(&self) -> bool {
        !self.opened.is_saved
    }

    pub fn watch(&self) -> watch::Receiver<u64> {
        self.database.watch()
    }

    /// Looks for what other tabs have written.
    pub fn refresh(&self) {
        self.database.refresh();
    }

    pub async fn all(&self) -> Result<BTreeMap<String, Kept>, BackendError> {
        let records = self.database.changes(0, usize::MAX).await?;
        let mut all = BTreeMap::new();
        // One by one: a browser's download would have another sort for a whole map.
        for (key, kept) in records.iter().filter_map(|record| read(record)) {
            all.insert(key, kept);
        }
        all.extend(self.unsaved.borrow().clone());
        Ok(all)
    }

    /// All that is kept, and word of each change. It ends when the database is closed underneath,
    /// with what was kept then.
    pub async fn watch_all(&self) -> Result<watch::Receiver<BTreeMap<String, Kept>>, BackendError> {
        let (mut news, mut unsaved) = (self.watch(), self.unsaved());
        let (sender, receiver) = watch::channel(self.all().await?);
        let home = self.clone();
        spawn(async move {
            let mut is_open = true;
            while is_open {
                tokio::select! {
                    () = sender.closed() => return,
                    changed = news.changed() => is_open = changed.is_ok(),
                    _ = unsaved.changed() => {}
                }
                if let Ok(all) = home.all().await {
                    sender.send_if_modified(|known| {
                        let is_new = *known != all;
                        *known = all;
                        is_new
                    });
                }
            }
        });
        Ok(receiver)
    }

    /// Keeps what the server asks of those who bring it a database.
    pub async fn keep_permit(&self, permit: &Token) -> Result<(), Error> {
        let token = Credentials(permit.as_bytes().to_vec());
        Ok(self.database.put(PERMIT, &Permit { token }).await.map(drop)?)
    }

    /// What is kept so.
    pub async fn permit(&self) -> Option<Credentials> {
        Some(self.database.find::<Permit>(PERMIT).await.ok()??.token)
    }

    /// Notes a database that has lost its key to another one. It is no longer kept, but not lost either.
    pub async fn set_aside(&self, kept: &Kept) -> Result<(), Error> {
        self.database.put(&format!("{ASIDE}{}", kept.name), kept).await?;
        Ok(())
    }

    /// All that are noted so.
    pub async fn aside(&self) -> Result<Vec<Kept>, Error> {
        let records = self.database.changes(0, usize::MAX).await?;
        let documents = records.iter().filter_map(|record| record.document());
        let aside = documents.filter(|it| !it.deleted && it.id.as_str().starts_with(ASIDE));
        Ok(aside.filter_map(|document| entry(&document)).collect())
    }

    /// Ends that.
    pub async fn end_aside(&self, name: &str) -> Result<(), Error> {
        let id = DocumentId::new(&format!("{ASIDE}{name}")).map_err(WriteError::from)?;
        self.database.remove(&id).await?;
        Ok(())
    }

    /// What the server is shown of these credentials: with the permit, where it may not have the
    /// database.
    pub async fn shown(&self, kept: &Kept, credentials: &Credentials) -> Vec<u8> {
        let mut shown = match kept.home_token() {
            Some(token) => token.home_access().as_bytes().to_vec(),
            None => credentials.0.clone(),
        };
        if kept.is_own
            && let Some(permit) = self.permit().await
        {
            shown.extend(permit.0);
        }
        shown
    }

    /// Waits until the database is closed underneath.
    pub async fn closed(&self) {
        let mut news = self.watch();
        while news.changed().await.is_ok() {}
    }

    pub async fn get(&self, key: &str) -> Result<Option<Kept>, Error> {
        let unsaved = self.unsaved.borrow().get(key).cloned();
        match unsaved {
            Some(kept) => Ok(Some(kept)),
            None => Ok(self.find(key).await?.map(|(kept, _)| kept)),
        }
    }

    /// Keeps a database, unless there is one under that key. Returns what is there then.
    pub async fn keep(&self, key: &str, kept: Kept) -> Result<Kept, Error> {
        if let Some(there) = self.get(key).await? {
            return Ok(there);
        }
        let written = self.write(key, Vec::new(), &kept).await;
        self.or_hold(key, &kept, written)?;
        // Another tab may have been faster; then its entry is the one that both read.
        Ok(self.get(key).await?.unwrap_or(kept))
    }

    /// Keeps what was kept before the database was closed underneath, as far as that is gone. What
    /// another tab has forgotten since isn't kept again.
    pub async fn keep_again(&self, known: &BTreeMap<String, Kept>) -> Result<(), Error> {
        for (key, kept) in known {
            if self.database.get(&id(key)?).await?.is_none() {
                self.keep(key, kept.clone()).await?;
            }
        }
        Ok(())
    }

    /// Changes what is kept. `change` tells whether it has changed anything; the same is returned.
    pub async fn change(
        &self,
        key: &str,
        change: impl FnOnce(&mut Kept) -> bool,
    ) -> Result<bool, Error> {
        let unsaved = self.unsaved.borrow().get(key).cloned();
        if let Some(mut kept) = unsaved {
            let is_changed = change(&mut kept);
            if is_changed {
                self.unsaved.send_modify(|unsaved| drop(unsaved.insert(key.to_owned(), kept)));
            }
            return Ok(is_changed);
        }
        let Some((mut kept, document)) = self.find(key).await? else { return Ok(false) };
        let is_changed = change(&mut kept);
        if is_changed {
            let written = self.write(key, document.leaves, &kept).await;
            self.or_hold(key, &kept, written)?;
        }
        Ok(is_changed)
    }

    /// Keeps in memory what could not be written now, and tries again by itself.
    fn or_hold(&self, key: &str, kept: &Kept, written: Result<(), Error>) -> Result<(), Error> {
        match written {
            Err(Error::Backend(BackendError::Full | BackendError::Failed(_))) => {}
            other => return other,
        }
        self.unsaved.send_modify(|unsaved| drop(unsaved.insert(key.to_owned(), kept.clone())));
        if !self.is_retrying.swap(true, Ordering::AcqRel) {
            let home = self.clone();
            spawn(async move { home.write_held().await });
        }
        Ok(())
    }

    async fn write_held(self) {
        let mut wait = RETRY;
        loop {
            sleep(wait).await;
            wait = (2 * wait).min(RETRY_LIMIT);
            let held = self.unsaved.borrow().clone();
            for (key, kept) in held {
                if self.write_merged(&key, &kept).await.is_ok() {
                    self.unsaved.send_if_modified(|unsaved| {
                        let is_written = unsaved.get(&key) == Some(&kept);
                        if is_written {
                            unsaved.remove(&key);
                        }
                        is_written
                    });
                }
            }
            // Nothing is awaited in between, so that no new one is overlooked.
            if self.unsaved.borrow().is_empty() {
                self.is_retrying.store(false, Ordering::Release);
                return;
            }
        }
    }

    /// Writes an entry over what other tabs have written meanwhile, but for the credentials: those are
    /// all good for something.
    async fn write_merged(&self, key: &str, kept: &Kept) -> Result<(), Error> {
        let Some((there, document)) = self.find(key).await? else {
            return self.write(key, Vec::new(), kept).await;
        };
        if there.name != kept.name {
            return self.keep(&kept.name, kept.clone()).await.map(drop);
        }
        let mut kept = kept.clone();
        let others = there.credentials.into_iter();
        let missing: Vec<_> = others.filter(|one| !kept.credentials.contains(one)).collect();
        kept.credentials.extend(missing);
        self.write(key, document.leaves, &kept).await
    }

    /// Keeps it no more. Tells whether it was kept.
    pub async fn forget(&self, key: &str) -> Result<bool, Error> {
        self.unsaved.send_if_modified(|unsaved| unsaved.remove(key).is_some());
        Ok(self.database.remove(&id(key)?).await?)
    }

    async fn find(&self, key: &str) -> Result<Option<(Kept, Document)>, Error> {
        let document = self.database.get(&id(key)?).await?.filter(|document| !document.deleted);
        let kept = document.as_ref().and_then(entry);
        Ok(kept.zip(document))
    }

    async fn write(&self, key: &str, seen: Vec<Revision>, kept: &Kept) -> Result<(), Error> {
        let body = Body::from_serialize(kept).map_err(WriteError::from)?;
        let edit = Edit { id: id(key)?, seen, change: Change::Put(body) };
        for outcome in self.database.write(vec![edit]).await? {
            outcome.map_err(WriteError::from)?;
        }
        Ok(())
    }
}

pub fn id(key: &str) -> Result<DocumentId, Error> {
    let id = DocumentId::new(&format!("{PREFIX}{key}"));
    Ok(id.map_err(WriteError::from)?)
}

fn read(record: &Record) -> Option<(String, Kept)> {
    let document = record.document().filter(|document| !document.deleted)?;
    let key = document.id.as_str().strip_prefix(PREFIX)?.to_owned();
    Some((key, entry(&document)?))
}

fn entry(document: &Document) -> Option<Kept> {
    document.body.read().ok()
}
