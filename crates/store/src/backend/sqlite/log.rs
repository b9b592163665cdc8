//! The write-ahead log. It holds earlier states of the file until it is emptied, and nobody may read
//! just then.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::connection::BUSY_TIMEOUT;

/// A log of more bytes is emptied. SQLite begins it anew only when it happens that nobody reads, which
/// may never be so on a busy server.
pub const LONGEST: u64 = 64 * 1024 * 1024;
/// The number of transactions after which a busy writer empties the log, though others wait.
const PATIENCE: u32 = 64;
/// How long nothing is tried again after it has failed.
const REST: Duration = Duration::from_secs(1);
/// How long programs that still need the log are waited for.
const WAIT: Duration = Duration::from_millis(50);

/// The log of one file, for all who use the file in this program.
#[derive(Clone, Default)]
pub struct Log(Arc<State>);

#[derive(Default)]
struct State {
    /// A transaction has dropped text, which is in the log still.
    has_dropped_text: AtomicBool,
    /// Readers share it. Whoever empties the log has it alone.
    gate: RwLock<()>,
}

impl Log {
    /// Notes that a transaction has dropped text. It leaves the log soon.
    pub fn note_dropped_text(&self) {
        self.0.has_dropped_text.store(true, Ordering::Relaxed);
    }

    /// Waits while the log is being emptied. It isn't as long as the guard lives, so each read needs a
    /// new one.
    pub fn hold(&self) -> RwLockReadGuard<'_, ()> {
        self.0.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the log back to the file and cuts it off. Returns false if another program still needs it.
    fn empty(&self, connection: &Connection) -> rusqlite::Result<bool> {
        // Most of it is written back while others read.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        let _alone = self.0.gate.write().unwrap_or_else(PoisonError::into_inner);
        connection.busy_timeout(WAIT)?;
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_busy = connection.query_row(sql, [], |row| row.get::<_, bool>(0));
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(!is_busy?)
    }
}

/// Empties the log when it is long or holds dropped text: as soon as the writer is idle, and on a busy
/// one after some more transactions.
pub struct Emptying {
    log: Log,
    file: Option<PathBuf>,
    /// Since it was tried last.
    transactions: u32,
    /// When another program needed the log. All reads wait for an attempt, so the next one isn't soon.
    failed: Option<Instant>,
}

impl Emptying {
    pub fn new(log: Log, connection: &Connection) -> Self {
        let file = connection.path().map(|path| file_of(path.as_ref()));
        Self { log, file, transactions: 0, failed: None }
    }

    /// To be called after each transaction.
    pub fn work(&mut self, connection: &Connection, is_idle: bool, now: Instant) {
        self.transactions = self.transactions.saturating_add(1);
        let has_rested = self.failed.is_none_or(|failed| now.duration_since(failed) >= REST);
        let is_time = has_rested && (is_idle || self.transactions >= PATIENCE);
        let has_dropped_text = &self.log.0.has_dropped_text;
        if is_time && (has_dropped_text.load(Ordering::Relaxed) || self.is_long()) {
            self.transactions = 0;
            let is_empty = self.log.empty(connection).unwrap_or_default();
            self.failed = (!is_empty).then_some(now);
            if is_empty {
                has_dropped_text.store(false, Ordering::Relaxed);
            }
        }
    }

    fn is_long(&self) -> bool {
        let about = self.file.as_ref().and_then(|file| fs::metadata(file).ok());
        about.is_some_and(|about| about.len() > LONGEST)
    }
}

/// Where the log of a file of databases is.
pub fn file_of(databases: &Path) -> PathBuf {
    let mut log = databases.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_writer_waits_before_it_tries_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("settee.db");
        let [writer, other] = [(), ()].map(|()| Connection::open(&path).unwrap());
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        writer.execute_batch("CREATE TABLE texts (text TEXT)").unwrap();
        let has_log = || fs::metadata(file_of(&path)).is_ok_and(|log| log.len() > 0);

        other.execute_batch("BEGIN; SELECT count(*) FROM texts").unwrap();
        writer.execute_batch("INSERT INTO texts VALUES ('Bread')").unwrap();
        let log = Log::default();
        log.note_dropped_text();
        let mut emptying = Emptying::new(log, &writer);
        let now = Instant::now();
        emptying.work(&writer, true, now);
        assert!(has_log(), "the other program needs it");

        other.execute_batch("COMMIT").unwrap();
        emptying.work(&writer, true, now + REST / 2);
        assert!(has_log(), "it isn't time yet");
        emptying.work(&writer, true, now + REST);
        assert!(!has_log());
    }
}
