//! A back end that reads asynchronously, as one on a database server would: it reads what a commit
//! needs before the transition runs. That [`Operation::reads`] says all of that is what this proves.
#![cfg(not(target_arch = "wasm32"))]

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use settee_store::{
    Backend, BackendError, Commit, Counts, Database, DocumentId, Memory, Operation, Record,
    Unreadable,
    backend::{BoxFuture, Incarnation},
    conformance,
    operation::{COMMIT_LIMIT, Place, Read, transition},
};
use tokio::sync::{Mutex, watch};

/// Takes its answers from a database in memory, over calls that don't answer at once. It keeps the
/// records of its own transitions in mind only to check them against that database's.
struct Remote {
    memory: Memory,
    /// One transaction at a time.
    transaction: Mutex<()>,
}

/// What was read before the transition.
#[derive(Default)]
struct Prefetched {
    records: HashMap<DocumentId, Option<Arc<Record>>>,
    locals: HashMap<String, Option<Vec<u8>>>,
}

impl Place for Prefetched {
    type Error = Infallible;

    fn record(&self, id: &DocumentId) -> Result<Option<Arc<Record>>, Infallible> {
        Ok(self.records.get(id).expect("the operation has said that it reads this record").clone())
    }

    fn local(&self, key: &str) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.locals.get(key).expect("the operation has said that it reads this").clone())
    }
}

impl Remote {
    fn new() -> Self {
        let memory = Memory::new([1; 16]);
        memory.suspend_calls(true);
        Self { memory, transaction: Mutex::default() }
    }

    async fn prefetch(&self, operations: &[Operation]) -> Result<Prefetched, BackendError> {
        let mut read = Prefetched::default();
        for needed in operations.iter().filter_map(Operation::reads) {
            match needed {
                Read::Record(id) => {
                    let record = self.memory.read(vec![id.clone()]).await?.remove(0);
                    read.records.insert(id.clone(), record);
                }
                Read::Local(key) => {
                    let value = self.memory.local(key.to_owned()).await?;
                    read.locals.insert(key.to_owned(), value);
                }
            }
        }
        Ok(read)
    }
}

impl Backend for Remote {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        Box::pin(async move {
            if operations.len() > COMMIT_LIMIT {
                return Err(BackendError::TooMany);
            }
            let _transaction = self.transaction.lock().await;
            let read = self.prefetch(&operations).await?;
            let from = *self.memory.watch().borrow();
            let Ok(expected) = transition(operations.clone(), from, &read);
            let commit = self.memory.commit(operations).await?;
            assert_eq!((&commit.outcomes, commit.seq), (&expected.outcomes, expected.seq));
            for record in expected.records {
                let stored = self.memory.read(vec![record.id.clone()]).await?.remove(0);
                assert_eq!(stored.as_ref(), Some(&record));
            }
            Ok(commit)
        })
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        self.memory.read(ids)
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.memory.changes(since, limit)
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.memory.pending(limit)
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        self.memory.counts()
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        self.memory.local(key)
    }

    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        self.memory.unreadable()
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.memory.watch()
    }

    fn incarnation(&self) -> Incarnation {
        self.memory.incarnation()
    }
}

#[tokio::test]
async fn a_back_end_that_prefetches_conforms() {
    conformance::all(async || Database::new(Remote::new())).await;
}
