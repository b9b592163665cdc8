//! A database of at most one document.

use std::{convert::Infallible, sync::Arc};

use settee_store::{
    DocumentId, Operation, Record,
    operation::{Place, Transition, transition},
};

pub struct Only(pub Option<Arc<Record>>);

impl Place for Only {
    type Error = Infallible;

    fn record(&self, _: &DocumentId) -> Result<Option<Arc<Record>>, Infallible> {
        Ok(self.0.clone())
    }

    fn local(&self, _: &str) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(None)
    }
}

impl Only {
    pub fn after(&self, operations: Vec<Operation>, seq: u64) -> Transition {
        let Ok(done) = transition(operations, seq, self);
        done
    }
}
