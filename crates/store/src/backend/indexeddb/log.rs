//! The log of a database: its records, and the transactions that read and write them.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use js_sys::{Array, Object, Reflect, Uint8Array};
use minicbor::{
    Decode, Encode,
    bytes::{ByteArray, ByteVec},
};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{IdbDatabase, IdbKeyRange, IdbObjectStore, IdbTransaction};

use super::request::{finished, on_success, thrown};
use crate::{
    backend::{BackendError, Incarnation},
    image::Image,
    operation::Transition,
    record::Record,
};

/// The store of the log's records, under rising whole numbers.
pub const LOG: &str = "log";
/// The store of what is there once.
pub const META: &str = "meta";
pub const INCARNATION: &str = "incarnation";
/// The last snapshot, and the key of the last record that it covers.
const SNAPSHOT: &str = "snapshot";
const COVERED: &str = "covered";

/// One commit, or a snapshot of all before.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub struct LogRecord {
    /// The record's own key; of a snapshot, the last one that it covers.
    #[n(0)]
    pub key: u64,
    /// The update sequence afterwards.
    #[n(1)]
    seq: u64,
    /// Documents' records, each by itself, so that one that can't be read spoils no other.
    #[n(2)]
    records: Vec<ByteVec>,
    #[n(3)]
    locals: Vec<Local>,
    /// Bytes that the record takes.
    #[cbor(skip)]
    pub weight: usize,
}

#[derive(Debug, Encode, Decode)]
struct Local {
    #[n(0)]
    key: String,
    #[n(1)]
    value: Option<ByteVec>,
}

/// Where a tab is in the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Position {
    /// The last record that was read.
    pub key: u64,
    /// Bytes of the snapshot, and of the records after it.
    pub snapshot: usize,
    pub tail: usize,
}

/// Everything that is stored.
pub struct Stored {
    pub snapshot: Option<LogRecord>,
    pub tail: Vec<LogRecord>,
    pub position: Position,
    pub unreadable: usize,
}

pub struct Appended {
    pub transition: Transition,
    /// Bytes of the record, or 0 when there was nothing to write.
    pub weight: usize,
}

impl LogRecord {
    fn new(
        key: u64,
        seq: u64,
        records: &[Arc<Record>],
        locals: &[(String, Option<Vec<u8>>)],
    ) -> Self {
        let records = records.iter().map(|record| record.encode().into()).collect();
        let local = |(key, value): &(String, Option<Vec<u8>>)| Local {
            key: key.clone(),
            value: value.clone().map(ByteVec::from),
        };
        Self { key, seq, records, locals: locals.iter().map(local).collect(), weight: 0 }
    }

    pub fn snapshot(image: &Image, key: u64) -> Self {
        let (records, locals) = image.everything();
        Self::new(key, image.seq(), &records, &locals)
    }

    /// Puts what the record holds into the image. Tells how many documents can't be read.
    pub fn install(self, image: &mut Image) -> usize {
        let count = self.records.len();
        let records: Vec<Arc<Record>> = self
            .records
            .iter()
            .filter_map(|bytes| minicbor::decode(bytes).ok().map(Arc::new))
            .collect();
        let unreadable = count - records.len();
        let locals = self.locals.into_iter().map(|l| (l.key, l.value.map(Vec::from)));
        image.install(records, locals.collect(), self.seq);
        unreadable
    }

    fn encode(&self) -> Uint8Array {
        let bytes = minicbor::to_vec(self).expect("writing to memory doesn't fail");
        Uint8Array::from(bytes.as_slice())
    }

    fn decode(value: &JsValue) -> Option<Self> {
        let bytes = value.dyn_ref::<Uint8Array>()?.to_vec();
        let mut record: Self = minicbor::decode(&bytes).ok()?;
        record.weight = bytes.len();
        Some(record)
    }
}

pub async fn read_incarnation(database: &IdbDatabase) -> Result<Incarnation, BackendError> {
    let transaction = reading(database)?;
    let request = store(&transaction, META)?.get(&INCARNATION.into()).map_err(thrown)?;
    finished(&transaction).await?;
    let bytes: ByteArray<16> = request
        .result()
        .ok()
        .and_then(|value| value.dyn_into::<Uint8Array>().ok())
        .and_then(|bytes| <[u8; 16]>::try_from(bytes.to_vec()).ok())
        .ok_or_else(|| BackendError::Corrupt("there is no incarnation".into()))?
        .into();
    Ok(*bytes)
}

/// Reads the snapshot and the records after it, in one transaction.
pub async fn read_all(database: &IdbDatabase) -> Result<Stored, BackendError> {
    let transaction = reading(database)?;
    let snapshot = store(&transaction, META)?.get(&SNAPSHOT.into()).map_err(thrown)?;
    let records = store(&transaction, LOG)?.get_all().map_err(thrown)?;
    let keys = store(&transaction, LOG)?.get_all_keys().map_err(thrown)?;
    finished(&transaction).await?;

    let mut unreadable = 0;
    let stored = snapshot.result().map_err(thrown)?;
    let snapshot = LogRecord::decode(&stored);
    if snapshot.is_none() && !stored.is_undefined() {
        unreadable += 1;
    }
    let mut position = Position::default();
    if let Some(snapshot) = &snapshot {
        let (key, weight) = (snapshot.key, snapshot.weight);
        position = Position { key, snapshot: weight, tail: 0 };
    }
    let records: Array = records.result().map_err(thrown)?.dyn_into().map_err(thrown)?;
    let mut tail = Vec::new();
    for value in records.iter() {
        match LogRecord::decode(&value) {
            Some(record) => {
                position.tail += record.weight;
                tail.push(record);
            }
            None => unreadable += 1,
        }
    }
    let keys: Array = keys.result().map_err(thrown)?.dyn_into().map_err(thrown)?;
    position.key = position.key.max(keys.iter().filter_map(|key| number(&key)).max().unwrap_or(0));
    Ok(Stored { snapshot, tail, position, unreadable })
}

/// Reads the records after a position; `None` when a snapshot has passed it.
pub async fn read_tail(
    database: &IdbDatabase,
    position: Position,
) -> Result<Option<Vec<LogRecord>>, BackendError> {
    let transaction = reading(database)?;
    let covered = store(&transaction, META)?.get(&COVERED.into()).map_err(thrown)?;
    let records = store(&transaction, LOG)?;
    let records = records.get_all_with_key(&after(position.key)?).map_err(thrown)?;
    finished(&transaction).await?;
    if is_passed(&covered.result().map_err(thrown)?, position) {
        return Ok(None);
    }
    Ok(tail(&records.result().map_err(thrown)?, position))
}

/// Appends one commit: reads the records after the position, has `prepare` run on them, and
/// writes what comes of it; `None` when a snapshot has passed the position.
pub async fn append(
    database: &IdbDatabase,
    position: Position,
    prepare: impl FnOnce(Vec<LogRecord>) -> Transition + 'static,
) -> Result<Option<Appended>, BackendError> {
    let transaction = writing(database)?;
    let log = store(&transaction, LOG)?;
    let covered = store(&transaction, META)?.get(&COVERED.into()).map_err(thrown)?;
    let records = log.get_all_with_key(&after(position.key)?).map_err(thrown)?;

    let outcome = Rc::new(RefCell::new(None));
    let mut prepare = Some(prepare);
    let result = outcome.clone();
    // Requests end in their order, so when the second one does, both results are there.
    let listener = on_success(&records, move |records| {
        let covered = covered.result().unwrap_or(JsValue::UNDEFINED);
        let foreign = if is_passed(&covered, position) { None } else { tail(&records, position) };
        if let (Some(foreign), Some(prepare)) = (foreign, prepare.take()) {
            let key = foreign.last().map_or(position.key, |record| record.key) + 1;
            *result.borrow_mut() = Some(put(&log, key, prepare(foreign)));
        }
    });
    finished(&transaction).await?;
    drop(listener);
    outcome.take().transpose()
}

fn put(log: &IdbObjectStore, key: u64, transition: Transition) -> Result<Appended, BackendError> {
    let Transition { records, locals, seq, .. } = &transition;
    if records.is_empty() && locals.is_empty() {
        return Ok(Appended { transition, weight: 0 });
    }
    let bytes = LogRecord::new(key, *seq, records, locals).encode();
    log.put_with_key(&bytes, &from_key(key)).map_err(thrown)?;
    Ok(Appended { transition, weight: bytes.length() as usize })
}

/// Writes a snapshot and deletes what it covers, unless another tab has written in the meantime.
/// Tells how many bytes it takes.
pub async fn write_snapshot(
    database: &IdbDatabase,
    snapshot: LogRecord,
) -> Result<Option<usize>, BackendError> {
    let bytes = snapshot.encode();
    let weight = bytes.length() as usize;
    let position = Position { key: snapshot.key, ..Position::default() };
    let transaction = writing(database)?;
    let (log, meta) = (store(&transaction, LOG)?, store(&transaction, META)?);
    let covered = meta.get(&COVERED.into()).map_err(thrown)?;
    let newer = log.get_all_keys_with_key(&after(position.key)?).map_err(thrown)?;

    let is_written = Rc::new(Cell::new(false));
    let result = is_written.clone();
    let listener = on_success(&newer, move |newer| {
        let covered = covered.result().unwrap_or(JsValue::UNDEFINED);
        let is_latest = newer.dyn_ref::<Array>().is_some_and(|newer| newer.length() == 0);
        if is_latest && !is_passed(&covered, position) {
            let key = from_key(position.key);
            let written = meta
                .put_with_key(&bytes, &SNAPSHOT.into())
                .and_then(|_| meta.put_with_key(&key, &COVERED.into()))
                .and_then(|_| IdbKeyRange::upper_bound(&key))
                .and_then(|covered| log.delete(&covered));
            result.set(written.is_ok());
        }
    });
    finished(&transaction).await?;
    drop(listener);
    Ok(is_written.get().then_some(weight))
}

fn tail(records: &JsValue, position: Position) -> Option<Vec<LogRecord>> {
    let mut key = position.key;
    let mut tail = Vec::new();
    for value in records.dyn_ref::<Array>()?.iter() {
        // Without one of its records the rest of the log can't be followed, only read anew.
        let record = LogRecord::decode(&value)?;
        key += 1;
        if record.key != key {
            return None;
        }
        tail.push(record);
    }
    Some(tail)
}

fn is_passed(covered: &JsValue, position: Position) -> bool {
    number(covered).is_some_and(|covered| covered > position.key)
}

fn reading(database: &IdbDatabase) -> Result<IdbTransaction, BackendError> {
    transaction(database, "readonly")
}

/// A transaction that has reached the disk when it is complete.
fn writing(database: &IdbDatabase) -> Result<IdbTransaction, BackendError> {
    transaction(database, "readwrite")
}

fn transaction(database: &IdbDatabase, mode: &str) -> Result<IdbTransaction, BackendError> {
    let stores = Array::of2(&LOG.into(), &META.into());
    let options = Object::new();
    Reflect::set(&options, &"durability".into(), &"strict".into()).map_err(thrown)?;
    let database: &DurableDatabase = database.unchecked_ref();
    database.transaction(&stores, mode, &options).map_err(thrown)
}

#[wasm_bindgen]
extern "C" {
    /// web-sys has the options of a transaction behind a flag for unstable interfaces alone.
    type DurableDatabase;

    #[wasm_bindgen(catch, method)]
    fn transaction(
        this: &DurableDatabase,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}

fn store(transaction: &IdbTransaction, name: &str) -> Result<IdbObjectStore, BackendError> {
    transaction.object_store(name).map_err(thrown)
}

fn after(key: u64) -> Result<JsValue, BackendError> {
    IdbKeyRange::lower_bound_with_open(&from_key(key), true).map(JsValue::from).map_err(thrown)
}

#[expect(clippy::cast_precision_loss, reason = "keys are counted, far below 2⁵³")]
fn from_key(key: u64) -> JsValue {
    JsValue::from_f64(key as f64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "keys are counted")]
fn number(value: &JsValue) -> Option<u64> {
    value.as_f64().map(|number| number as u64)
}
