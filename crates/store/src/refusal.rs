//! Edits that the server has refused. They are kept outside the tree until the user retries,
//! replaces or discards them.

use crate::{
    backend::BackendError,
    body::{Body, BodyError},
    database::Database,
    document_id::DocumentId,
    node::{Node, sort_by_rank},
    operation::{Applied, Change, Edit, Operation, OperationError},
    record::{Record, Refused},
    revision::Revision,
    view::{rebase, view_of},
};
use thiserror::Error;

/// Most refused edits that are kept for one document; with more, the earliest is dropped.
pub const REFUSED_LIMIT: usize = 100;
/// The number of records that are read at a time to find refused edits.
const PAGE: usize = 1000;

/// Why a refused edit can't be retried or replaced. It stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RefusalError {
    /// No refused edit of that revision is kept.
    #[error("there is no such refused edit")]
    NotFound,
    /// The edit, applied to the document as it is now, exceeds the limits of a [`Body`].
    #[error(transparent)]
    Body(#[from] BodyError),
    /// See [`Database::write`].
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The store could not read or write.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl Refused {
    /// The body that the edit was based on. If it isn't known any more, an empty body, so that
    /// every field of the edit counts as a change.
    pub fn base(&self, record: &Record) -> Body {
        let known = self.based_on.iter().map(|base| record.tree.get(*base));
        let known = known.map(|node| node.filter(|node| node.body.is_some()));
        match known.collect::<Option<Vec<&Node>>>() {
            Some(mut nodes) if !nodes.is_empty() => {
                sort_by_rank(&mut nodes);
                view_of(&record.tree, &nodes).body
            }
            _ => Body::empty(),
        }
    }
}

impl Record {
    /// The edits that the server has refused, the latest first.
    pub fn refusals(&self) -> impl Iterator<Item = &Refused> {
        self.refused.iter().chain(self.refused_before.iter().rev())
    }

    /// The refused edits as they would be [retried](Database::retry), the earliest first. One that has become too
    /// large for that is left out.
    pub fn retries(&self) -> impl Iterator<Item = Edit> {
        let earliest_first = self.refused_before.iter().chain(&self.refused);
        earliest_first.filter_map(|refused| self.retried(refused).ok())
    }

    /// A refused edit, rebased on the document as it is now.
    fn retried(&self, refused: &Refused) -> Result<Edit, BodyError> {
        let document = self.document();
        let seen = document.as_ref().map_or_else(Vec::new, |document| document.leaves.clone());
        let change = match (&refused.body, document) {
            (Some(body), Some(document)) if !refused.deleted => {
                Change::Put(Body::new(rebase(&refused.base(self), body, &document.body))?)
            }
            (Some(body), None) if !refused.deleted => Change::Put(body.clone()),
            _ => Change::Delete,
        };
        Ok(Edit { id: self.id.clone(), seen, change })
    }

    /// Keeps a refused edit as the latest one.
    pub(crate) fn keep_refused(&mut self, refused: Refused) {
        self.refused_before.extend(self.refused.replace(refused));
        if self.refused_before.len() >= REFUSED_LIMIT {
            self.refused_before.remove(0);
        }
    }

    /// Drops a refused edit. Returns whether it was there.
    pub(crate) fn discard(&mut self, revision: Revision) -> bool {
        if self.refused.as_ref().is_some_and(|refused| refused.revision == revision) {
            self.refused = self.refused_before.pop();
            return true;
        }
        let before = self.refused_before.len();
        self.refused_before.retain(|refused| refused.revision != revision);
        self.refused_before.len() < before
    }
}

impl Database {
    /// The documents with edits that the server has refused, in the order of their `seq`.
    pub async fn refused(&self) -> Result<Vec<(DocumentId, Vec<Refused>)>, BackendError> {
        let mut found = Vec::new();
        let mut since = 0;
        let mut remaining = self.counts().await?.refused;
        while remaining > 0 {
            let records = self.changes(since, PAGE).await?;
            let Some(last) = records.last() else { break };
            since = last.seq;
            for record in records.iter().filter(|record| record.refused.is_some()) {
                found.push((record.id.clone(), record.refusals().cloned().collect()));
                remaining = remaining.saturating_sub(1);
            }
        }
        Ok(found)
    }

    /// Applies a refused edit to the document as it is now, field by field, and drops the refused
    /// one.
    pub async fn retry(&self, id: &DocumentId, refused: Revision) -> Result<Applied, RefusalError> {
        let record = self.refused_record(id, refused).await?;
        let found = record.refusals().find(|kept| kept.revision == refused);
        let edit = record.retried(found.ok_or(RefusalError::NotFound)?)?;
        self.settle(edit, refused).await
    }

    /// Edits the document as it is now, and drops the refused edit that this one replaces.
    pub async fn replace(
        &self,
        id: &DocumentId,
        refused: Revision,
        change: Change,
    ) -> Result<Applied, RefusalError> {
        let record = self.refused_record(id, refused).await?;
        let seen = record.document().map_or_else(Vec::new, |document| document.leaves);
        self.settle(Edit { id: id.clone(), seen, change }, refused).await
    }

    /// Discards a refused edit. Returns whether it was there.
    pub async fn discard(&self, id: &DocumentId, refused: Revision) -> Result<bool, BackendError> {
        let operation = Operation::Discard { id: id.clone(), revision: refused };
        let commit = self.commit(vec![operation]).await?;
        Ok(commit.outcomes.iter().any(|outcome| outcome.is_ok_and(|applied| applied.changed)))
    }

    /// Gives up all edits that wait for the server, as who may not write any more does. For this reason they are
    /// refused first, and then discarded; after a crash in between they are refused. Returns how many documents had
    /// some.
    pub async fn give_up_pending(&self, reason: &str) -> Result<usize, BackendError> {
        let mut given_up = 0;
        for _ in 0..=self.counts().await?.pending / PAGE {
            let records = self.pending(PAGE).await?;
            let ids: Vec<DocumentId> = records.iter().map(|record| record.id.clone()).collect();
            let refuse = records.iter().map(|record| Operation::Refuse {
                id: record.id.clone(),
                revisions: record.tree.pending(),
                reason: reason.to_owned(),
            });
            self.commit(refuse.collect()).await?;
            let records = self.records(ids).await?;
            let discard = records.iter().flatten().flat_map(|record| {
                let refused = record.refusals().filter(|refused| refused.reason == reason);
                let id = &record.id;
                refused.map(|it| Operation::Discard { id: id.clone(), revision: it.revision })
            });
            self.commit(discard.collect()).await?;
            given_up += records.len();
        }
        Ok(given_up)
    }

    async fn refused_record(
        &self,
        id: &DocumentId,
        refused: Revision,
    ) -> Result<std::sync::Arc<Record>, RefusalError> {
        let found = self.records(vec![id.clone()]).await?.into_iter().next().flatten();
        let is_kept = |record: &Record| record.refusals().any(|kept| kept.revision == refused);
        found.filter(|record| is_kept(record)).ok_or(RefusalError::NotFound)
    }

    /// Writes the edit, and then drops the refused one: until the edit is durable, the refused one
    /// is the only copy of its changes. After a crash in between, both are there.
    async fn settle(&self, edit: Edit, refused: Revision) -> Result<Applied, RefusalError> {
        let id = edit.id.clone();
        let outcome = self.write(vec![edit]).await?.into_iter().next();
        let applied = outcome.unwrap_or(Err(OperationError::NotFound))?;
        self.discard(&id, refused).await?;
        Ok(applied)
    }
}
