//! The queries on the tables, one function for each.

use std::{num::TryFromIntError, sync::Arc};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    backend::{BackendError, Counts, Incarnation, Run, Unreadable},
    document_id::DocumentId,
    record::Record,
};

/// Most runs that are kept for a database. A checkpoint of an older run is unknown, so its replica
/// has to compare all documents.
const RUNS_LIMIT: u32 = 1000;

/// A database's key in the file.
pub type Key = i64;

/// A row of `databases`.
#[derive(Clone, Copy)]
pub struct DatabaseRow {
    pub key: Key,
    pub incarnation: Incarnation,
    pub seq: u64,
}

pub fn find_database(
    connection: &Connection,
    name: &str,
) -> Result<Option<DatabaseRow>, BackendError> {
    let sql = "SELECT key, incarnation, seq FROM databases WHERE name = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row([name], |row| {
        Ok(DatabaseRow { key: row.get(0)?, incarnation: row.get(1)?, seq: unsigned(row, 2)? })
    });
    Ok(row.optional()?)
}

/// Creates the database, unless there is one of that name.
pub fn create_database(
    connection: &Connection,
    name: &str,
    incarnation: Incarnation,
    meta: &[u8],
) -> Result<(), BackendError> {
    let sql = "INSERT INTO databases (name, incarnation, meta) VALUES (?1, ?2, ?3)
               ON CONFLICT (name) DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![name, incarnation, meta])?;
    Ok(())
}

pub fn names(
    connection: &Connection,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, BackendError> {
    let sql = "SELECT name FROM databases WHERE ?1 IS NULL OR name > ?1 ORDER BY name LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let names: Result<_, _> =
        statement.query_map(params![after, limit], |row| row.get(0))?.collect();
    Ok(names?)
}

/// Deletes a database with all that is kept of it. Tells whether there was one.
pub fn delete_database(connection: &Connection, name: &str) -> Result<bool, BackendError> {
    let Some(DatabaseRow { key, .. }) = find_database(connection, name)? else { return Ok(false) };
    for table in ["documents", "set_aside", "locals", "runs"] {
        let sql = format!("DELETE FROM {table} WHERE database = ?1");
        connection.prepare_cached(&sql)?.execute([key])?;
    }
    connection.prepare_cached("DELETE FROM databases WHERE key = ?1")?.execute([key])?;
    Ok(true)
}

pub fn meta(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, BackendError> {
    let mut statement = connection.prepare_cached("SELECT meta FROM databases WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// Returns whether there is such a database.
pub fn set_meta(connection: &Connection, name: &str, meta: &[u8]) -> Result<bool, BackendError> {
    let sql = "UPDATE databases SET meta = ?2 WHERE name = ?1";
    Ok(connection.prepare_cached(sql)?.execute(params![name, meta])? > 0)
}

/// Fails if the file can't be written to, for a reason that is known before the write.
pub fn write_nothing(connection: &Connection) -> Result<(), BackendError> {
    // No database has this key.
    connection.prepare_cached("UPDATE databases SET seq = seq WHERE key = -1")?.execute([])?;
    Ok(())
}

pub fn seq(connection: &Connection, database: Key) -> Result<u64, BackendError> {
    let mut statement = connection.prepare_cached("SELECT seq FROM databases WHERE key = ?1")?;
    Ok(statement.query_row([database], |row| unsigned(row, 0))?)
}

pub fn set_seq(connection: &Connection, database: Key, seq: u64) -> Result<(), BackendError> {
    let sql = "UPDATE databases SET seq = ?2 WHERE key = ?1";
    connection.prepare_cached(sql)?.execute(params![database, signed(seq)?])?;
    Ok(())
}

/// Every recorded run with the `seq` at which it began, the earliest first.
pub fn runs(connection: &Connection, database: Key) -> Result<Vec<(Run, u64)>, BackendError> {
    let sql = "SELECT run, seq FROM runs WHERE database = ?1 ORDER BY key";
    let mut statement = connection.prepare_cached(sql)?;
    let runs = statement.query_map([database], |row| Ok((row.get(0)?, unsigned(row, 1)?)))?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// Records the `seq` at which the run begins, unless it is recorded already.
pub fn record_run(
    connection: &Connection,
    database: Key,
    run: Run,
    seq: u64,
) -> Result<(), BackendError> {
    let sql = "INSERT INTO runs (database, run, seq) VALUES (?1, ?2, ?3)
               ON CONFLICT (database, run) DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![database, run, signed(seq)?])?;
    let sql = "DELETE FROM runs WHERE database = ?1 AND key <= (
                   SELECT key FROM runs WHERE database = ?1
                   ORDER BY key DESC LIMIT 1 OFFSET ?2)";
    connection.prepare_cached(sql)?.execute(params![database, RUNS_LIMIT])?;
    Ok(())
}

/// A document's record, for a write. A damaged record is moved to `set_aside`, so that the document
/// can be written and replicated again.
pub fn load(
    connection: &Connection,
    database: Key,
    id: &DocumentId,
) -> Result<Option<Arc<Record>>, BackendError> {
    let Some(bytes) = record_bytes(connection, database, id)? else { return Ok(None) };
    if let Some(record) = decode(&bytes) {
        return Ok(Some(record));
    }
    let sql = "INSERT INTO set_aside (database, id, seq, record)
               SELECT database, id, seq, record FROM documents WHERE database = ?1 AND id = ?2";
    connection.prepare_cached(sql)?.execute(params![database, id.as_str()])?;
    let sql = "DELETE FROM documents WHERE database = ?1 AND id = ?2";
    connection.prepare_cached(sql)?.execute(params![database, id.as_str()])?;
    Ok(None)
}

/// A document's record, for reading; `None` if it is damaged.
pub fn read(
    connection: &Connection,
    database: Key,
    id: &DocumentId,
) -> Result<Option<Arc<Record>>, BackendError> {
    Ok(record_bytes(connection, database, id)?.and_then(|bytes| decode(&bytes)))
}

fn record_bytes(
    connection: &Connection,
    database: Key,
    id: &DocumentId,
) -> Result<Option<Vec<u8>>, BackendError> {
    let sql = "SELECT record FROM documents WHERE database = ?1 AND id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![database, id.as_str()], |row| row.get(0)).optional()?)
}

/// Stores a record, and returns its size in bytes.
pub fn store(
    connection: &Connection,
    database: Key,
    record: &Record,
) -> Result<usize, BackendError> {
    let sql = "INSERT INTO documents (database, id, seq, pending, refused, record)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (database, id) DO UPDATE SET
                   seq = excluded.seq, pending = excluded.pending,
                   refused = excluded.refused, record = excluded.record";
    let bytes = record.encode();
    connection.prepare_cached(sql)?.execute(params![
        database,
        record.id.as_str(),
        signed(record.seq)?,
        record.tree.is_pending(),
        record.refused.is_some(),
        bytes,
    ])?;
    Ok(bytes.len())
}

/// The size of records in bytes after which a read stops. Without it, each of many readers could
/// hold many large documents in memory.
const READ_WEIGHT: usize = 4 * 1024 * 1024;

pub fn changes(
    connection: &Connection,
    database: Key,
    since: u64,
    limit: usize,
) -> Result<Vec<Arc<Record>>, BackendError> {
    let sql = "SELECT record FROM documents WHERE database = ?1 AND seq > ?2 ORDER BY seq";
    readable(connection, sql, database, since, limit)
}

pub fn pending(
    connection: &Connection,
    database: Key,
    limit: usize,
) -> Result<Vec<Arc<Record>>, BackendError> {
    let sql = "SELECT record FROM documents INDEXED BY documents_pending
               WHERE database = ?1 AND seq > ?2 AND pending ORDER BY seq";
    readable(connection, sql, database, 0, limit)
}

/// The first readable records, up to `limit` or [`READ_WEIGHT`]. Damaged records don't count: an
/// empty answer means that there are no more.
fn readable(
    connection: &Connection,
    sql: &str,
    database: Key,
    since: u64,
    limit: usize,
) -> Result<Vec<Arc<Record>>, BackendError> {
    let Ok(since) = signed(since) else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![database, since])?;
    let mut records = Vec::new();
    let mut weight = 0;
    while records.len() < limit
        && weight < READ_WEIGHT
        && let Some(row) = rows.next()?
    {
        let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        if let Some(record) = decode(bytes) {
            weight += bytes.len();
            records.push(record);
        }
    }
    Ok(records)
}

/// What waits or was refused in `unreadable` records doesn't count.
pub fn counts(
    connection: &Connection,
    database: Key,
    unreadable: &[Unreadable],
) -> Result<Counts, BackendError> {
    let count = |sql: &str| -> Result<usize, BackendError> {
        let count =
            connection.prepare_cached(sql)?.query_row([database], |row| unsigned(row, 0))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    };
    let mut counts = Counts {
        documents: count("SELECT count(*) FROM documents WHERE database = ?1")?,
        pending: count("SELECT count(*) FROM documents WHERE database = ?1 AND pending")?,
        refused: count("SELECT count(*) FROM documents WHERE database = ?1 AND refused")?,
    };
    let sql = "SELECT pending, refused FROM documents WHERE database = ?1 AND id = ?2 AND seq = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    for Unreadable { id, seq, .. } in unreadable {
        let found = statement.query_row(params![database, id, signed(*seq)?], |row| {
            Ok((row.get::<_, bool>(0)?, row.get::<_, bool>(1)?))
        });
        let (pending, refused) = found.optional()?.unwrap_or_default();
        counts.pending = counts.pending.saturating_sub(usize::from(pending));
        counts.refused = counts.refused.saturating_sub(usize::from(refused));
    }
    Ok(counts)
}

/// How many databases there are, and how many bytes of the file are in use.
pub fn space(connection: &Connection) -> Result<(u64, u64), BackendError> {
    let number = |sql: &str| connection.prepare_cached(sql)?.query_row([], |row| unsigned(row, 0));
    let databases = number("SELECT count(*) FROM databases")?;
    let pages = number("PRAGMA page_count")?.saturating_sub(number("PRAGMA freelist_count")?);
    Ok((databases, pages.saturating_mul(number("PRAGMA page_size")?)))
}

/// What the records of a database take, in bytes.
pub fn size(connection: &Connection, database: Key) -> Result<u64, BackendError> {
    let sql = "SELECT coalesce(sum(length(id) + length(record)), 0) FROM documents
               WHERE database = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([database], |row| unsigned(row, 0))?)
}

/// The records that can't be read: those in `documents`, and those in `set_aside`.
pub fn unreadable(connection: &Connection, database: Key) -> Result<Vec<Unreadable>, BackendError> {
    let mut found = Vec::new();
    let sql = "SELECT id, record, seq, pending OR refused FROM documents WHERE database = ?1
               ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([database])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if decode(bytes).is_none() {
            let (size, seq) = (bytes.len(), unsigned(row, 2)?);
            found.push(Unreadable { id: Some(row.get(0)?), size, seq, has_edits: row.get(3)? });
        }
    }
    let sql = "SELECT id, record, seq FROM set_aside WHERE database = ?1 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let set_aside = statement.query_map([database], |row| {
        let remains = Unreadable::of(row.get_ref(1)?.as_blob()?);
        Ok(Unreadable { id: Some(row.get(0)?), seq: unsigned(row, 2)?, ..remains })
    })?;
    for unreadable in set_aside {
        found.push(unreadable?);
    }
    Ok(found)
}

pub fn local(
    connection: &Connection,
    database: Key,
    name: &str,
) -> Result<Option<Vec<u8>>, BackendError> {
    let sql = "SELECT value FROM locals WHERE database = ?1 AND name = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![database, name], |row| row.get(0)).optional()?)
}

pub fn set_local(
    connection: &Connection,
    database: Key,
    name: &str,
    value: Option<&[u8]>,
) -> Result<(), BackendError> {
    if let Some(value) = value {
        let sql = "INSERT OR REPLACE INTO locals (database, name, value) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(sql)?.execute(params![database, name, value])?;
    } else {
        let sql = "DELETE FROM locals WHERE database = ?1 AND name = ?2";
        connection.prepare_cached(sql)?.execute(params![database, name])?;
    }
    Ok(())
}

fn decode(bytes: &[u8]) -> Option<Arc<Record>> {
    minicbor::decode(bytes).ok().map(Arc::new)
}

/// SQLite's integers are signed. No database reaches the end of them.
fn signed(seq: u64) -> Result<i64, BackendError> {
    i64::try_from(seq).map_err(|error: TryFromIntError| BackendError::Failed(error.to_string()))
}

fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}
