//! Opening the file: settings, migrations, and the translation of SQLite's errors.

use std::{fs, io, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::log;
use crate::backend::BackendError;

/// Before version 3.51.3, resetting the write-ahead log could corrupt the file.
const LEAST_SQLITE: i32 = 3_051_003;
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than the number of different statements, so that each is prepared once per connection.
const CACHED_STATEMENTS: usize = 32;

/// The migration at each position takes the file from that version to the next one. Migrations are
/// never edited.
const MIGRATIONS: &[&str] = &[include_str!("schema-1.sql"), include_str!("schema-2.sql")];

/// Whether the SQLite at hand is fit for use.
pub fn check_version() -> Result<(), BackendError> {
    if rusqlite::version_number() < LEAST_SQLITE {
        let version = rusqlite::version();
        return Err(BackendError::Failed(format!(
            "SQLite {version} may corrupt the file: version 3.51.3 is required"
        )));
    }
    Ok(())
}

/// Opens the connection that writes. Creates the file if necessary, and migrates it.
pub fn open_writer(path: &Path) -> Result<Connection, BackendError> {
    let mut connection = Connection::open(path)?;
    configure(&connection)?;
    // With NORMAL instead of FULL, a crash of the machine could undo acknowledged commits. What is
    // deleted is overwritten with zeros.
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -8000;
         PRAGMA journal_size_limit = {};",
        log::LONGEST
    ))?;
    migrate(&mut connection)?;
    Ok(connection)
}

pub fn open_reader(path: &Path) -> Result<Connection, BackendError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    Ok(connection)
}

/// Opens a connection to a file that can't be written to, not even to share it with other
/// connections. `None` if it isn't all in one piece, or not of the present version.
pub fn open_settled(path: &Path) -> Result<Option<Connection>, BackendError> {
    let is_settled = fs::metadata(log::file_of(path)).map_or(true, |log| log.len() == 0);
    if !is_settled || !path.is_file() {
        return Ok(None);
    }
    let absolute = fs::canonicalize(path).map_err(|error| failed(&error))?;
    // These have a meaning in the address of a file.
    let name = absolute.to_string_lossy().replace('%', "%25").replace('?', "%3f");
    let address = format!("file:{}?immutable=1", name.replace('#', "%23"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(address, flags)?;
    configure(&connection)?;
    let is_present = is_present(version(&connection)?);
    Ok(is_present.then_some(connection))
}

fn failed(error: &io::Error) -> BackendError {
    BackendError::Failed(error.to_string())
}

fn configure(connection: &Connection) -> Result<(), BackendError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;")?;
    Ok(())
}

fn version(connection: &Connection) -> Result<u16, BackendError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn is_present(version: u16) -> bool {
    usize::from(version) == MIGRATIONS.len()
}

fn migrate(connection: &mut Connection) -> Result<(), BackendError> {
    // A file of the present version needs no transaction, which it may not allow.
    if is_present(version(connection)?) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction)?;
    let Some(missing) = MIGRATIONS.get(usize::from(version)..) else {
        return Err(BackendError::Newer);
    };
    for (migration, version) in missing.iter().zip(version + 1..) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()?;
    Ok(())
}

impl From<rusqlite::Error> for BackendError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::Blocked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}
