//! What may be written to a database, by its kind.

use std::fmt::Display;

use futures_util::future::ready;
use settee_store::{backend::BoxFuture, replication::ReplicatedDocument};
use settee_sync::Role;

/// For each document nothing, or why it is refused: a sentence that its editor is shown.
pub type Verdicts = Vec<Result<(), String>>;

/// Decides what may be written to the databases of a kind. A refused document doesn't hold up the
/// others of its batch.
///
/// A function that checks one document is a validator. One that panics, or takes longer than the
/// commit may, ends the channel with [`Unavailable`](settee_sync::DenialCode::Unavailable), and
/// nothing of the batch is written.
pub trait Validator: Send + Sync {
    /// A verdict on each of the documents, in their order. The store has checked their history.
    fn validate<'a>(
        &'a self,
        role: Role,
        documents: &'a [ReplicatedDocument],
    ) -> BoxFuture<'a, Verdicts>;
}

impl<F, Invalid> Validator for F
where
    F: Fn(&ReplicatedDocument) -> Result<(), Invalid> + Send + Sync,
    Invalid: Display,
{
    fn validate<'a>(
        &'a self,
        _role: Role,
        documents: &'a [ReplicatedDocument],
    ) -> BoxFuture<'a, Verdicts> {
        let verdicts = documents.iter().map(|document| self(document).map_err(|e| e.to_string()));
        Box::pin(ready(verdicts.collect()))
    }
}

/// Takes any document that is within the store's limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnyDocument;

impl Validator for AnyDocument {
    fn validate<'a>(
        &'a self,
        _role: Role,
        documents: &'a [ReplicatedDocument],
    ) -> BoxFuture<'a, Verdicts> {
        Box::pin(ready(vec![Ok(()); documents.len()]))
    }
}
