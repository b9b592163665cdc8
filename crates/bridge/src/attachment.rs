//! A collection's two directions: changes in, edits out.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use settee_store::{Applied, BackendError, Database, DocumentId, OperationError, Record};

use crate::{
    collection::Collection,
    health::{Health, Problem},
    model::Model,
    outbox::{Outgoing, Sent},
    row::renew,
};

impl<T: Model> Collection<T> {
    /// Loads the documents in one batch, and then follows the database. Edits made before are
    /// written then. A collection that has a database already leaves it for this one.
    pub fn attach(self, database: Database) {
        let attachment = self.inner.try_update_value(|inner| {
            inner.database = Some(database.clone());
            inner.attachment += 1;
            inner.attachment
        });
        let Some(attachment) = attachment else { return };
        self.set_health(Health::Healthy);
        spawn_local(async move {
            // It ends by itself only when nobody follows this database any more.
            if let Err(error) = self.follow(database, attachment).await
                && self.is_attached(attachment)
            {
                self.set_health(Health::of_read(&error));
            }
        });
        self.write_soon();
    }

    fn is_attached(self, attachment: u64) -> bool {
        self.inner.try_with_value(|inner| inner.attachment == attachment) == Some(true)
    }

    async fn follow(self, database: Database, attachment: u64) -> Result<(), BackendError> {
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
        self.change(|rows| rows.load(&first));
        self.ready.try_maybe_update(|ready| (renew(ready, true), ()));
        drop(first);
        loop {
            let records = feed.next().await?.ok_or(BackendError::Closed)?;
            if !self.is_attached(attachment) {
                return Ok(());
            }
            self.absorb(&records);
        }
    }

    fn absorb(self, records: &[Arc<Record>]) {
        self.run_hooks();
        self.change(|rows| rows.absorb(records));
    }

    /// Begins to write what was edited, unless that is under way. All edits of one turn of the
    /// event loop go together.
    pub(crate) fn write_soon(self) {
        let begins = self.inner.try_update_value(|inner| {
            inner.database.is_some() && !std::mem::replace(&mut inner.is_writing, true)
        });
        if begins == Some(true) {
            spawn_local(async move {
                while self.write().await {}
                self.inner.try_update_value(|inner| inner.is_writing = false);
            });
        }
    }

    /// Writes once. Tells whether there may be more to write.
    async fn write(self) -> bool {
        let taken = self
            .inner
            .try_update_value(|inner| (inner.database.clone(), inner.rows.take_outgoing()));
        let Some((Some(database), Outgoing { operations, sent, refused })) = taken else {
            return false;
        };
        let mut again: Vec<DocumentId> = Vec::new();
        for (id, error) in refused {
            self.report(Some(id.clone()), format!("A change was not saved: {error}."));
            again.push(id);
        }
        if operations.is_empty() && again.is_empty() {
            return false;
        }
        // Rows that could not become documents are gone.
        self.change(|_| ());
        match database.commit(operations).await {
            Ok(commit) => {
                again.extend(sent.iter().map(|sent| sent.id.clone()));
                self.settle(sent, commit.outcomes);
            }
            Err(error) => {
                self.inner.try_update_value(|inner| inner.rows.take_back(sent));
                self.set_health(Health::of_write(&error));
                return false;
            }
        }
        // The store may have merged what was written with what others did.
        if let Ok(records) = database.records(again).await {
            let records: Vec<Arc<Record>> = records.into_iter().flatten().collect();
            self.absorb(&records);
        }
        true
    }

    fn settle(self, sent: Vec<Sent>, outcomes: Vec<Result<Applied, OperationError>>) {
        let mut saved = std::collections::HashSet::new();
        let mut failed = Vec::new();
        self.inner.try_update_value(|inner| {
            for (sent, outcome) in sent.into_iter().zip(outcomes) {
                inner.rows.settle(&sent, &outcome);
                let id = sent.id;
                match outcome {
                    Ok(_) => drop(saved.insert(id)),
                    // Somebody else may have removed what was to be removed.
                    Err(OperationError::NotFound) => {}
                    Err(error) => failed.push((id, error)),
                }
            }
        });
        self.forget_problems(|problem| problem.id.as_ref().is_some_and(|id| saved.contains(id)));
        for (id, error) in failed {
            self.report(Some(id), format!("A change was not saved: {error}."));
        }
        // What waited for room is written with the rest.
        if self.health.try_with_untracked(|health| matches!(health, Health::Unsaved { .. }))
            == Some(true)
        {
            self.set_health(Health::Healthy);
        }
    }

    /// What is wrong with all documents is a problem for as long as it is.
    fn set_health(self, health: Health) {
        let text = health.text().map(str::to_owned);
        let old = self.health.try_maybe_update(|known| {
            let is_new = *known != health;
            let is_final =
                matches!((&*known, &health), (Health::Closed { .. }, Health::Unsaved { .. }));
            if is_final {
                return (false, None);
            }
            (is_new, Some(std::mem::replace(known, health)))
        });
        let Some(Some(old)) = old else { return };
        if let Some(old) = old.text() {
            let is_over = |problem: &Problem| problem.id.is_none() && problem.text == old;
            if text.as_deref() != Some(old) {
                self.forget_problems(is_over);
            }
        }
        if let Some(text) = text {
            self.report(None, text);
        }
    }
}
