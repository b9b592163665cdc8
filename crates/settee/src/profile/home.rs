//! The database of what a device keeps.

use std::{collections::BTreeMap, sync::Arc};

use settee_store::{
    BackendError, Body, Change, Database, Document, DocumentId, Edit, Record, Revision, WriteError,
};
use tokio::sync::watch;

use super::{device::Opened, kept::Kept};
use crate::Error;

/// The home's own name among the device's databases.
pub const HOME: &str = "home";
/// Ids of entries begin with this; the key follows.
const PREFIX: &str = "kept/";

/// All databases that a device keeps, each under a key: mostly its name.
#[derive(Clone)]
pub struct Home {
    database: Database,
    _opened: Arc<Opened>,
}

impl Home {
    pub fn new(opened: Arc<Opened>) -> Self {
        Self { database: opened.database.clone(), _opened: opened }
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
        Ok(records.iter().filter_map(|record| read(record)).collect())
    }

    pub async fn get(&self, key: &str) -> Result<Option<Kept>, Error> {
        Ok(self.find(key).await?.map(|(kept, _)| kept))
    }

    /// Keeps a database, unless there is one under that key. Returns what is there then.
    pub async fn keep(&self, key: &str, kept: Kept) -> Result<Kept, Error> {
        if let Some((there, _)) = self.find(key).await? {
            return Ok(there);
        }
        self.write(key, Vec::new(), &kept).await?;
        // Another tab may have been faster; then its entry is the one that both read.
        Ok(self.get(key).await?.unwrap_or(kept))
    }

    /// Changes what is kept. `change` tells whether it has changed anything; the same is returned.
    pub async fn change(
        &self,
        key: &str,
        change: impl FnOnce(&mut Kept) -> bool,
    ) -> Result<bool, Error> {
        let Some((mut kept, document)) = self.find(key).await? else { return Ok(false) };
        let is_changed = change(&mut kept);
        if is_changed {
            self.write(key, document.leaves, &kept).await?;
        }
        Ok(is_changed)
    }

    /// Keeps it no more. Tells whether it was kept.
    pub async fn forget(&self, key: &str) -> Result<bool, Error> {
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

fn id(key: &str) -> Result<DocumentId, Error> {
    let id = DocumentId::new(&format!("{PREFIX}{key}"));
    Ok(id.map_err(WriteError::from)?)
}

fn read(record: &Record) -> Option<(String, Kept)> {
    let document = record.document().filter(|document| !document.deleted)?;
    let key = document.id.as_str().strip_prefix(PREFIX)?.to_owned();
    Some((key, entry(&document)?))
}

fn entry(document: &Document) -> Option<Kept> {
    serde_json::from_str(document.body.as_str()).ok()
}
