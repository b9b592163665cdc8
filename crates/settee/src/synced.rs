//! A database of this device that somebody uses.

use std::{ops::Deref, sync::Arc};

use settee_store::{Database, Document};
use tokio::sync::watch;

use crate::{
    Error, Presence,
    profile::{tabs::Tabs, used::Use},
    status::DatabaseStatus,
};

/// How many records are read at once.
const PAGE: usize = 1000;

/// A database of this device, kept in sync. It is used like any other [`Database`]: what is written
/// is durable on return, and goes to the server when there is one.
///
/// Clones are handles on the same database. While there is one, the database has precedence over
/// those that nobody uses.
#[derive(Clone)]
pub struct Synced {
    used: Arc<Use>,
    tabs: Tabs,
    status: watch::Receiver<DatabaseStatus>,
}

impl Synced {
    pub(crate) fn new(used: Arc<Use>, tabs: Tabs, status: watch::Receiver<DatabaseStatus>) -> Self {
        Self { used, tabs, status }
    }

    /// Its name, on the server as on this device.
    pub fn name(&self) -> &str {
        self.used.name()
    }

    /// The database itself.
    pub fn database(&self) -> &Database {
        &self.used.opened().database
    }

    /// Whether what is written to it stays: a browser may let nothing be saved.
    pub fn is_saved(&self) -> bool {
        self.used.opened().is_saved
    }

    /// How it is now, and word of each change.
    pub fn status(&self) -> watch::Receiver<DatabaseStatus> {
        self.status.clone()
    }

    /// Who else uses it now.
    pub fn presence(&self) -> Presence {
        Presence::new(self.used.clone(), self.tabs.clone())
    }

    /// The documents with edits that the server doesn't have, as they are here: what somebody takes along
    /// who has lost access. Each has its [`body`](Document::body) as JSON. Edits that the server has
    /// refused are not among them.
    pub async fn unsent(&self) -> Result<Vec<Document>, Error> {
        let (mut since, mut unsent) = (0, Vec::new());
        loop {
            let records = self.database().changes(since, PAGE).await?;
            let Some(last) = records.last() else { return Ok(unsent) };
            since = last.seq;
            let documents = records.iter().filter_map(|record| record.document());
            unsent.extend(documents.filter(|document| document.pending));
        }
    }

    /// Waits until the server has acknowledged all that was written here before, and this has all
    /// that the server is known to have. While there is no connection, or no access, it waits.
    pub async fn up_to_date(&self) -> Result<(), Error> {
        let mut status = self.status();
        loop {
            // What was just written may not be in the status yet.
            let counts = self.database().counts().await?;
            if counts.pending == 0 && status.borrow_and_update().is_up_to_date() {
                return Ok(());
            }
            status.changed().await.map_err(|_| Error::Stopped)?;
        }
    }
}

impl Deref for Synced {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database()
    }
}
