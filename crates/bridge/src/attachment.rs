//! The connection of a collection to its database: changes are read, edits are written.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use settee_store::{Applied, BackendError, Database, DocumentId, OperationError, Record};

use crate::{
    collection::Collection,
    health::{CollectionError, Health, Problem},
    model::Model,
    outbox::{Outgoing, Sent},
    row::replace,
};

impl<T: Model> Collection<T> {
    /// Loads the documents of a database in one batch, then follows its changes. Edits that were
    /// made before are written to it. A database that was attached before is detached.
    pub fn attach(self, database: Database) {
        self.attach_as(database, false);
    }

    /// Attaches the same database, opened again, after it was closed underneath. If it has lost what
    /// the server had not acknowledged, that is written to it again.
    pub fn reattach(self, database: Database) {
        self.attach_as(database, true);
    }

    fn attach_as(self, database: Database, is_same: bool) {
        let attachment = self.inner.try_update_value(|inner| {
            inner.database = Some(database.clone());
            inner.attachment += 1;
            inner.attachment
        });
        let Some(attachment) = attachment else { return };
        self.set_health(Health::Healthy);
        spawn_local(async move {
            // Without an error, `follow` returns only once another database is attached.
            if let Err(error) = self.follow(database, attachment, is_same).await
                && self.is_attached(attachment)
            {
                self.set_health(Health::after_read(error));
            }
        });
        self.write_soon();
    }

    fn is_attached(self, attachment: u64) -> bool {
        self.inner.try_with_value(|inner| inner.attachment == attachment) == Some(true)
    }

    async fn follow(
        self,
        database: Database,
        attachment: u64,
        is_same: bool,
    ) -> Result<(), BackendError> {
        let mut first = Vec::new();
        loop {
            let since = first.last().map_or(0, |record: &Arc<Record>| record.seq);
            let more = database.changes(since, usize::MAX).await?;
            if more.is_empty() {
                break;
            }
            first.extend(more);
        }
        let mut feed = database.follow(first.last().map_or(0, |record| record.seq));
        drop(database);
        if !self.is_attached(attachment) {
            return Ok(());
        }
        self.change(|rows| {
            if is_same {
                rows.rescue(&first);
            }
            rows.load(&first);
        });
        if is_same {
            self.write_soon();
        }
        self.ready.try_maybe_update(|ready| (replace(ready, true), ()));
        drop(first);
        loop {
            let records = feed.next().await?.ok_or(BackendError::Closed)?;
            if !self.is_attached(attachment) {
                return Ok(());
            }
            self.apply_records(&records);
        }
    }

    fn apply_records(self, records: &[Arc<Record>]) {
        self.run_hooks();
        self.change(|rows| rows.apply_records(records));
    }

    /// Starts to write edits, unless a write is in progress. The edits of one turn of the event
    /// loop are written together.
    pub(crate) fn write_soon(self) {
        let starts = self.inner.try_update_value(|inner| {
            inner.database.is_some() && !std::mem::replace(&mut inner.is_writing, true)
        });
        if starts == Some(true) {
            spawn_local(async move {
                while self.write().await {}
                self.inner.try_update_value(|inner| inner.is_writing = false);
                self.publish_saved();
            });
        }
    }

    /// Writes one commit. Returns whether there may be more to write.
    async fn write(self) -> bool {
        let taken = self.inner.try_update_value(|inner| {
            (inner.database.clone(), inner.attachment, inner.rows.take_outgoing())
        });
        let Some((Some(database), attachment, Outgoing { operations, sent, invalid })) = taken
        else {
            return false;
        };
        let mut stale: Vec<DocumentId> = Vec::new();
        for (id, error) in invalid {
            self.report(Some(id.clone()), CollectionError::InvalidEdit(error));
            stale.push(id);
        }
        if operations.is_empty() && stale.is_empty() {
            return false;
        }
        // New rows that make no valid document were removed.
        self.change(|_| ());
        match database.commit(operations).await {
            Ok(commit) => {
                stale.extend(sent.iter().map(|sent| sent.id.clone()));
                self.apply_outcomes(sent, commit.outcomes);
            }
            Err(error) => {
                self.inner.try_update_value(|inner| inner.rows.requeue(sent));
                if !self.is_attached(attachment) {
                    // Another database is there to write to.
                    return true;
                }
                self.set_health(Health::after_write(error));
                return false;
            }
        }
        // The store may have merged the edits with changes by others.
        if let Ok(records) = database.records(stale).await {
            let records: Vec<Arc<Record>> = records.into_iter().flatten().collect();
            self.apply_records(&records);
        }
        true
    }

    fn apply_outcomes(self, sent: Vec<Sent>, outcomes: Vec<Result<Applied, OperationError>>) {
        let mut saved = std::collections::HashSet::new();
        let mut failed = Vec::new();
        self.inner.try_update_value(|inner| {
            for (sent, outcome) in sent.into_iter().zip(outcomes) {
                inner.rows.apply_outcome(&sent, &outcome);
                let id = sent.id;
                match outcome {
                    Ok(_) => drop(saved.insert(id)),
                    // The document that was to be deleted is deleted already.
                    Err(OperationError::NotFound) => {}
                    Err(error) => failed.push((id, error)),
                }
            }
        });
        self.remove_problems(|problem| problem.id.as_ref().is_some_and(|id| saved.contains(id)));
        for (id, error) in failed {
            self.report(Some(id), CollectionError::Edit(error));
        }
        // The commit included all edits that an earlier commit could not write.
        if self.health.try_with_untracked(|health| matches!(health, Health::Unsaved { .. }))
            == Some(true)
        {
            self.set_health(Health::Healthy);
        }
    }

    /// Sets the health. Its error is listed as a problem until the health changes.
    fn set_health(self, health: Health) {
        let error = health.error().cloned();
        let old = self.health.try_maybe_update(|known| {
            // A closed database stays closed until one is attached.
            let stays =
                matches!((&*known, &health), (Health::Closed { .. }, Health::Unsaved { .. }));
            if stays {
                return (false, None);
            }
            let is_new = *known != health;
            (is_new, Some(std::mem::replace(known, health)))
        });
        let Some(Some(old)) = old else { return };
        if let Some(old) = old.error()
            && error.as_ref() != Some(old)
        {
            self.remove_problems(|problem: &Problem| problem.id.is_none() && problem.error == *old);
        }
        if let Some(error) = error {
            self.report(None, error);
        }
    }
}
