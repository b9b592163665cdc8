//! Documents as values of the program's own types.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{
    backend::BackendError,
    body::{Body, BodyError},
    database::Database,
    document_id::{DocumentId, IdError},
    operation::{Change, Edit, OperationError},
    revision::Revision,
};

/// Why a document could not be written or read.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The storage has failed. Nothing was written.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The edit was not accepted.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The text is no document id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The value is no JSON object, or too large.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The document is not of the type that was asked for.
    #[error("the document is of another type: {0}")]
    Type(#[from] serde_json::Error),
}

impl Database {
    /// Writes a document, whatever was there before: it closes the leaves that are there now. On
    /// return it is durable.
    pub async fn put<T: Serialize>(&self, id: &str, value: &T) -> Result<Revision, WriteError> {
        let change = Change::Put(Body::from_serialize(value)?);
        let made = self.change(&DocumentId::new(id)?, change).await?;
        Ok(made.expect("an edit makes a revision"))
    }

    /// The document of that id; `None` if there is none, or if it is deleted.
    pub async fn find<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, WriteError> {
        let document = self.get(&DocumentId::new(id)?).await?;
        let live = document.filter(|document| !document.deleted);
        Ok(live.map(|document| serde_json::from_str(document.body.as_str())).transpose()?)
    }

    /// Deletes the document of that id. Tells whether there was one.
    pub async fn remove(&self, id: &DocumentId) -> Result<bool, WriteError> {
        let is_there = self.get(id).await?.is_some_and(|document| !document.deleted);
        if is_there {
            self.change(id, Change::Delete).await?;
        }
        Ok(is_there)
    }

    async fn change(
        &self,
        id: &DocumentId,
        change: Change,
    ) -> Result<Option<Revision>, WriteError> {
        let seen = self.get(id).await?.map(|document| document.leaves).unwrap_or_default();
        let edit = Edit { id: id.clone(), seen, change };
        let outcome = self.write(vec![edit]).await?.pop();
        Ok(outcome.expect("one edit has one outcome")?.revision)
    }
}
