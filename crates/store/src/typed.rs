//! Documents as values of the program's own types.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{
    backend::BackendError,
    body::{Body, BodyError},
    database::Database,
    document_id::{DocumentId, IdError},
    operation::{Change, Edit, OperationError},
    record::Document,
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
        self.put_body(id, Body::from_serialize(value)?).await
    }

    /// Writes the fields of a value over those of a document, which is made if there is none. Its other
    /// fields stay: a later version of the program may know more of them.
    pub async fn patch<T: Serialize>(&self, id: &str, value: &T) -> Result<Revision, WriteError> {
        match serde_json::to_value(value)? {
            Value::Object(new) => self.patch_fields(id, new).await,
            _ => Err(BodyError::NotAnObject.into()),
        }
    }

    /// The same for the fields themselves.
    pub async fn patch_fields(
        &self,
        id: &str,
        new: Map<String, Value>,
    ) -> Result<Revision, WriteError> {
        let mut fields = self.live(id).await?.map(|known| known.body.fields()).unwrap_or_default();
        fields.extend(new);
        self.put_body(id, Body::new(fields)?).await
    }

    /// The document of that id; `None` if there is none, or if it is deleted.
    pub async fn find<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, WriteError> {
        Ok(self.live(id).await?.map(|document| document.body.read()).transpose()?)
    }

    /// Deletes the document of that id. Tells whether there was one.
    pub async fn remove(&self, id: &DocumentId) -> Result<bool, WriteError> {
        let is_there = self.get(id).await?.is_some_and(|document| !document.deleted);
        if is_there {
            self.change(id, Change::Delete).await?;
        }
        Ok(is_there)
    }

    async fn live(&self, id: &str) -> Result<Option<Document>, WriteError> {
        let document = self.get(&DocumentId::new(id)?).await?;
        Ok(document.filter(|document| !document.deleted))
    }

    async fn put_body(&self, id: &str, body: Body) -> Result<Revision, WriteError> {
        let made = self.change(&DocumentId::new(id)?, Change::Put(body)).await?;
        Ok(made.expect("an edit makes a revision"))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Memory;

    #[tokio::test]
    async fn a_patch_keeps_the_fields_that_it_does_not_name() {
        let database = Database::new(Memory::new([1; 16]));
        database.patch("note", &json!({ "text": "milk" })).await.unwrap();
        database.put("note", &json!({ "text": "milk", "colour": "red" })).await.unwrap();
        database.patch("note", &json!({ "text": "bread" })).await.unwrap();
        let note: Option<Value> = database.find("note").await.unwrap();
        assert_eq!(note, Some(json!({ "text": "bread", "colour": "red" })));
        let error = database.patch("note", &json!(["bread"])).await.unwrap_err();
        assert!(matches!(error, WriteError::Body(_)), "{error}");
    }
}
