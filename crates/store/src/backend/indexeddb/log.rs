//! The log of a database: how far a tab has read it, and the transactions that read it and append
//! to it.
//!
//! A record's key is the number of its commit, so a missing record is noticed. A snapshot deletes
//! the records that it covers, except that it replaces the last one by an empty record. A tab that
//! hasn't read that far finds a gap or the empty record, and then reads the snapshot.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{IdbDatabase, IdbKeyRange, IdbObjectStore, IdbTransaction};

use super::request::{COMMIT_LIMIT_MS, finished, on_success, result, thrown};
use crate::backend::{BackendError, batch::Batch};

/// The store of the log's records.
pub const LOG: &str = "log";
/// The store of the incarnation and the snapshot.
pub const META: &str = "meta";
pub const INCARNATION: &str = "incarnation";

/// The cost of reading a record besides its bytes, as a number of bytes. It makes a snapshot of
/// many small records due sooner than one of a few big ones.
const RECORD_COST: usize = 4 * 1024;
/// The weight of the log below which a snapshot is never due.
const SNAPSHOT_FLOOR: usize = 64 * RECORD_COST;

/// How far this tab has read the log, and how much of it the snapshot covers.
#[derive(Debug, Default)]
pub struct Extent {
    /// The last record that was read.
    pub last: u64,
    /// The last record that the snapshot covers, and the snapshot's size.
    covered: u64,
    snapshot: usize,
    /// The records after that with their weights, and the sum of these.
    tail: VecDeque<(u64, usize)>,
    weight: usize,
    /// The weight below which a failed snapshot isn't tried again.
    retry_weight: usize,
}

impl Extent {
    pub fn append(&mut self, key: u64, bytes: usize) {
        let weight = bytes + RECORD_COST;
        self.last = key;
        self.tail.push_back((key, weight));
        self.weight += weight;
    }

    /// Notes a snapshot of `snapshot` bytes that covers the records up to `covered`.
    pub fn cover(&mut self, covered: u64, snapshot: usize) {
        (self.covered, self.snapshot) = (covered, snapshot);
        self.last = self.last.max(covered);
        while let Some((_, weight)) = self.tail.pop_front_if(|(key, _)| *key <= covered) {
            self.weight -= weight;
        }
        self.retry_weight = 0;
    }

    pub fn covered(&self) -> u64 {
        self.covered
    }

    pub fn is_snapshot_due(&self) -> bool {
        self.weight > self.snapshot.max(SNAPSHOT_FLOOR).max(self.retry_weight)
    }

    pub fn postpone_snapshot(&mut self) {
        self.retry_weight = 2 * self.weight;
    }
}

/// A snapshot has deleted records that this tab hasn't read, so it has to read everything again.
#[derive(Debug)]
pub struct Passed;

/// The key and the size of the record that was written; `None` if there was nothing to write.
pub type Appended = Option<(u64, usize)>;

/// Records of the log with their keys and sizes.
pub struct Tail(Vec<(u64, Batch, usize)>);

impl Tail {
    /// The records after `last`, of those that were read.
    pub fn new(keys: &JsValue, values: &JsValue, last: u64) -> Result<Self, Passed> {
        let (keys, values): (&Array, &Array) = (keys.unchecked_ref(), values.unchecked_ref());
        let mut next = last + 1;
        let mut tail = Vec::new();
        for (key, value) in keys.iter().zip(values.iter()) {
            let key = number(&key);
            if key < next {
                continue;
            }
            let bytes = bytes(&value);
            if key > next || bytes.is_empty() {
                return Err(Passed);
            }
            tail.push((key, Batch::from_bytes(&bytes), bytes.len()));
            next += 1;
        }
        Ok(Self(tail))
    }

    /// Adds the records to `extent`, and passes the batches to `install`, in their order.
    pub fn install(self, extent: &mut Extent, mut install: impl FnMut(Batch)) {
        for (key, batch, bytes) in self.0 {
            extent.append(key, bytes);
            install(batch);
        }
    }
}

/// Reads the records after `last`.
pub async fn read_tail(
    database: &IdbDatabase,
    last: u64,
) -> Result<Result<Tail, Passed>, BackendError> {
    let transaction = transaction(database, &[LOG], "readonly")?;
    let (log, range) = (store(&transaction, LOG)?, after(last)?);
    let keys = log.get_all_keys_with_key(&range).map_err(thrown)?;
    let values = log.get_all_with_key(&range).map_err(thrown)?;
    finished(&transaction, COMMIT_LIMIT_MS, ()).await?;
    Ok(Tail::new(&result(&keys)?, &result(&values)?, last))
}

/// Appends a record after `last`. If other tabs have appended records in the meantime, `follow` is
/// called with them. Then `prepare` returns the new record. Both run inside the transaction.
///
/// When this returns, the record is durable.
pub async fn append(
    database: &IdbDatabase,
    last: u64,
    follow: impl FnOnce(Tail) + 'static,
    prepare: impl FnOnce() -> Option<Vec<u8>> + 'static,
) -> Result<Result<Appended, Passed>, BackendError> {
    let transaction = transaction(database, &[LOG], "readwrite")?;
    let (log, range) = (store(&transaction, LOG)?, after(last)?);
    let outcome = Rc::new(RefCell::new(Ok(Err(Passed))));
    let nested = Rc::new(RefCell::new(None));

    let keys = log.get_all_keys_with_key(&range).map_err(thrown)?;
    let listener = on_success(&keys, {
        let (outcome, nested, transaction) = (outcome.clone(), nested.clone(), transaction.clone());
        move |keys| {
            let count = u64::from(keys.unchecked_ref::<Array>().length());
            let write = {
                let log = log.clone();
                move || write(&transaction, &log, last + count + 1, prepare())
            };
            if count == 0 {
                *outcome.borrow_mut() = write().map(Ok);
                return;
            }
            let values = match log.get_all_with_key(&range) {
                Ok(values) => values,
                Err(error) => return *outcome.borrow_mut() = Err(thrown(error)),
            };
            let listener = on_success(&values, move |values| {
                if let Ok(tail) = Tail::new(&keys, &values, last) {
                    follow(tail);
                    *outcome.borrow_mut() = write().map(Ok);
                }
            });
            *nested.borrow_mut() = Some(listener);
        }
    });
    finished(&transaction, COMMIT_LIMIT_MS, (listener, nested)).await?;
    outcome.replace(Ok(Err(Passed)))
}

fn write(
    transaction: &IdbTransaction,
    log: &IdbObjectStore,
    key: u64,
    bytes: Option<Vec<u8>>,
) -> Result<Appended, BackendError> {
    if let Some(bytes) = &bytes {
        // `add` fails if the key exists, where `put` would overwrite another tab's record.
        let value = Uint8Array::from(bytes.as_slice());
        log.add_with_key(&value, &from_number(key)).map_err(thrown)?;
    }
    // Commits without waiting for the last request's event. In browsers that lack this call, the
    // transaction commits after that event.
    let _ = transaction.unchecked_ref::<ExplicitTransaction>().commit();
    Ok(bytes.map(|bytes| (key, bytes.len())))
}

/// Begins a transaction whose changes are on the disk when it is complete.
pub fn transaction(
    database: &IdbDatabase,
    stores: &[&str],
    mode: &str,
) -> Result<IdbTransaction, BackendError> {
    let stores: Array = stores.iter().map(|name| JsValue::from_str(name)).collect();
    let options = Object::new();
    Reflect::set(&options, &"durability".into(), &"strict".into()).map_err(thrown)?;
    let database: &DurableDatabase = database.unchecked_ref();
    database.transaction(&stores, mode, &options).map_err(thrown)
}

#[wasm_bindgen]
extern "C" {
    /// web-sys has the options of a transaction only behind its flag for unstable interfaces.
    type DurableDatabase;

    #[wasm_bindgen(catch, method)]
    fn transaction(
        this: &DurableDatabase,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;

    /// The same is true of `commit`.
    type ExplicitTransaction;

    #[wasm_bindgen(catch, method)]
    fn commit(this: &ExplicitTransaction) -> Result<(), JsValue>;
}

pub fn store(transaction: &IdbTransaction, name: &str) -> Result<IdbObjectStore, BackendError> {
    transaction.object_store(name).map_err(thrown)
}

fn after(key: u64) -> Result<JsValue, BackendError> {
    IdbKeyRange::lower_bound_with_open(&from_number(key), true).map(JsValue::from).map_err(thrown)
}

/// The bytes of a stored value; empty if it isn't a byte array.
pub fn bytes(value: &JsValue) -> Vec<u8> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "keys are counted, far below 2⁵³")]
pub fn from_number(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "keys are counted")]
pub fn number(value: &JsValue) -> u64 {
    value.as_f64().unwrap_or_default() as u64
}
