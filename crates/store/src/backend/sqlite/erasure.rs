//! The text of deleted documents in the write-ahead log, which keeps earlier states of the file
//! until they are overwritten.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;

use super::connection::BUSY_TIMEOUT;

/// The number of transactions after which the log is emptied, though others wait.
const PATIENCE: u32 = 64;
/// How long readers that still need the log are waited for.
const WAIT: Duration = Duration::from_millis(50);

/// Notes that a transaction has dropped text, which is in the log still.
#[derive(Clone, Default)]
pub struct Erasure(Arc<AtomicBool>);

impl Erasure {
    pub fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Empties the log when it holds dropped text: as soon as the writer is idle, and on a busy one
/// after some more transactions.
pub struct Emptying {
    erasure: Erasure,
    transactions: u32,
}

impl Emptying {
    pub fn new(erasure: Erasure) -> Self {
        Self { erasure, transactions: 0 }
    }

    /// To be called after each transaction. If readers still need the log, a later call tries again.
    pub fn work(&mut self, connection: &Connection, is_idle: bool) {
        if !self.erasure.0.load(Ordering::Relaxed) {
            return;
        }
        self.transactions += 1;
        if is_idle || self.transactions >= PATIENCE {
            self.transactions = 0;
            let is_empty = empty(connection).unwrap_or_default();
            self.erasure.0.store(!is_empty, Ordering::Relaxed);
        }
    }
}

/// Writes the log back to the file and cuts it off. Returns false if readers still need it.
fn empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(WAIT)?;
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy = connection.query_row(sql, [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!is_busy?)
}
