//! Waits for changes of the databases. Several changes during one wait are reported once.

use std::{collections::HashMap, time::Duration};

use futures_util::{
    StreamExt,
    stream::{AbortHandle, Abortable, FuturesUnordered},
};
use settee_store::backend::BoxFuture;
use settee_sync::client::Replica;
use tokio::sync::watch;

use crate::platform::sleep;

/// At most one wait for each database.
#[derive(Default)]
pub(crate) struct News {
    waits: FuturesUnordered<Abortable<BoxFuture<'static, Replica>>>,
    handles: HashMap<Replica, AbortHandle>,
}

impl News {
    /// Begins to wait for the next change. This replaces the database's wait before.
    pub fn wait_for_change(&mut self, replica: Replica, mut seq: watch::Receiver<u64>) {
        self.wait(
            replica,
            Box::pin(async move {
                if seq.changed().await.is_err() {
                    // The database is closed, so it never changes again.
                    std::future::pending::<()>().await;
                }
                replica
            }),
        );
    }

    /// Begins to wait for some time. This replaces the database's wait before.
    pub fn wait_for_time(&mut self, replica: Replica, time: Duration) {
        self.wait(
            replica,
            Box::pin(async move {
                sleep(time).await;
                replica
            }),
        );
    }

    /// Ends the database's wait.
    pub fn forget(&mut self, replica: Replica) {
        if let Some(handle) = self.handles.remove(&replica) {
            handle.abort();
        }
    }

    /// The next database whose wait is over. Nothing is lost by dropping the future.
    pub async fn next(&mut self) -> Replica {
        loop {
            match self.waits.next().await {
                Some(Ok(replica)) => return replica,
                // An aborted wait.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    fn wait(&mut self, replica: Replica, wait: BoxFuture<'static, Replica>) {
        let (handle, registration) = AbortHandle::new_pair();
        self.forget(replica);
        self.handles.insert(replica, handle);
        self.waits.push(Abortable::new(wait, registration));
    }
}
