//! A snapshot of the whole database, so that opening it doesn't require reading the whole log.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, IdbKeyRange, IdbObjectStore};

use super::{
    log::{Extent, INCARNATION, LOG, META, bytes, from_number, number, store, transaction},
    request::{WHOLE_LIMIT_MS, finished, on_success, result, thrown},
};
use crate::{
    backend::{BackendError, Incarnation, Unreadable, batch::Batch},
    memory_index::MemoryIndex,
};

/// The key of the snapshot's [`Cover`]. Its bytes are stored in pieces under `snapshot/…`.
const SNAPSHOT: &str = "snapshot";
/// The size of a piece, in bytes. Browsers limit a value to about 100 MB.
const PIECE: usize = 16 * 1024 * 1024;
/// Bytes that couldn't be read when a snapshot was written are kept under `unreadable/…`.
const UNREADABLE: &str = "unreadable";

/// What the snapshot covers: the log's records up to `last`; and its size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    pub last: u64,
    pub bytes: usize,
}

/// Everything that is stored.
pub struct Stored {
    pub incarnation: Incarnation,
    pub index: MemoryIndex,
    pub extent: Extent,
    /// Bytes in the log that can't be read.
    pub unreadable: Vec<Vec<u8>>,
    /// Unreadable bytes that an earlier snapshot has set aside.
    pub set_aside: Vec<Unreadable>,
    /// Whether there is text of documents that were deleted since it was written.
    pub erased: bool,
}

/// Reads the snapshot and the records after it, in one transaction.
pub async fn read(database: &IdbDatabase) -> Result<Stored, BackendError> {
    let transaction = transaction(database, &[LOG, META], "readonly")?;
    let (log, meta) = (store(&transaction, LOG)?, store(&transaction, META)?);
    let incarnation = meta.get(&INCARNATION.into()).map_err(thrown)?;
    let cover = meta.get(&SNAPSHOT.into()).map_err(thrown)?;
    let pieces = meta.get_all_with_key(&beneath(SNAPSHOT).map_err(thrown)?).map_err(thrown)?;
    let set_aside = meta.get_all_with_key(&beneath(UNREADABLE).map_err(thrown)?).map_err(thrown)?;
    let keys = log.get_all_keys().map_err(thrown)?;
    let values = log.get_all().map_err(thrown)?;
    finished(&transaction, WHOLE_LIMIT_MS, ()).await?;

    let mut stored = Stored {
        incarnation: bytes(&result(&incarnation)?)
            .try_into()
            .map_err(|_| BackendError::Corrupt("there is no incarnation".to_owned()))?,
        index: MemoryIndex::default(),
        extent: Extent::default(),
        unreadable: Vec::new(),
        set_aside: Vec::new(),
        erased: false,
    };
    let set_aside = result(&set_aside)?;
    for value in set_aside.unchecked_ref::<Array>().iter() {
        stored.set_aside.push(Unreadable::of(&bytes(&value)));
    }
    if let Some(cover) = Cover::from_value(&result(&cover)?) {
        stored.install(Batch::from_bytes(&joined(&result(&pieces)?, cover.bytes)?));
        stored.extent.cover(cover.last, cover.bytes);
    }
    let (keys, values) = (result(&keys)?, result(&values)?);
    let (keys, values): (&Array, &Array) = (keys.unchecked_ref(), values.unchecked_ref());
    for (key, value) in keys.iter().zip(values.iter()) {
        let key = number(&key);
        if key > stored.extent.last {
            let bytes = bytes(&value);
            stored.extent.append(key, bytes.len());
            stored.install(Batch::from_bytes(&bytes));
        }
    }
    Ok(stored)
}

impl Stored {
    fn install(&mut self, batch: Batch) {
        self.erased |= self.index.install(batch.records, batch.locals, batch.seq);
        self.unreadable.extend(batch.unreadable);
    }
}

impl Cover {
    fn from_value(value: &JsValue) -> Option<Self> {
        let pair: &Array = value.dyn_ref()?;
        let (last, bytes) = (number(&pair.get(0)), number(&pair.get(1)));
        Some(Self { last, bytes: usize::try_from(bytes).ok()? })
    }

    fn to_value(self) -> JsValue {
        Array::of2(&from_number(self.last), &from_number(self.bytes as u64)).into()
    }
}

/// Writes a snapshot that covers the log up to `last`, and deletes the records that it covers.
/// `unreadable` is set aside, because it would be lost with the log.
///
/// If there is a snapshot already that covers more than `known`, none is written. Returns which
/// snapshot is there.
pub async fn write(
    database: &IdbDatabase,
    last: u64,
    known: u64,
    make: impl FnOnce() -> Vec<u8> + 'static,
    unreadable: Vec<Vec<u8>>,
) -> Result<Cover, BackendError> {
    let transaction = transaction(database, &[LOG, META], "readwrite")?;
    let (log, meta) = (store(&transaction, LOG)?, store(&transaction, META)?);
    let present = meta.get(&SNAPSHOT.into()).map_err(thrown)?;
    let outcome = Rc::new(RefCell::new(None));
    let listener = on_success(&present, {
        let (outcome, transaction) = (outcome.clone(), transaction.clone());
        move |present| {
            let present = Cover::from_value(&present).filter(|present| present.last > known);
            let cover =
                present.map_or_else(|| replace(&log, &meta, last, &make(), &unreadable), Ok);
            if cover.is_err() {
                // A part of a snapshot can't be read.
                let _ = transaction.abort();
            }
            *outcome.borrow_mut() = Some(cover.map_err(thrown));
        }
    });
    let ended = finished(&transaction, WHOLE_LIMIT_MS, listener).await;
    match (outcome.take(), ended) {
        // The reason for the abort is more useful than the abort's own error.
        (Some(Err(error)), _) | (_, Err(error)) => Err(error),
        (outcome, Ok(())) => outcome.unwrap_or(Err(BackendError::Closed)),
    }
}

fn replace(
    log: &IdbObjectStore,
    meta: &IdbObjectStore,
    last: u64,
    snapshot: &[u8],
    unreadable: &[Vec<u8>],
) -> Result<Cover, JsValue> {
    let cover = Cover { last, bytes: snapshot.len() };
    meta.delete(&beneath(SNAPSHOT)?)?;
    for (number, piece) in snapshot.chunks(PIECE).enumerate() {
        meta.put_with_key(&Uint8Array::from(piece), &format!("{SNAPSHOT}/{number:06}").into())?;
    }
    meta.put_with_key(&cover.to_value(), &SNAPSHOT.into())?;
    for (number, bytes) in unreadable.iter().enumerate() {
        let key = format!("{UNREADABLE}/{last}/{number}");
        meta.put_with_key(&Uint8Array::from(bytes.as_slice()), &key.into())?;
    }
    let key = from_number(last);
    log.delete(IdbKeyRange::upper_bound_with_open(&key, true)?.as_ref())?;
    // The empty record: see the module `log`.
    log.put_with_key(&Uint8Array::new_with_length(0), &key)?;
    Ok(cover)
}

/// The range of the keys that begin with `path/`.
fn beneath(path: &str) -> Result<JsValue, JsValue> {
    // `0` is the character after `/`.
    let (from, to) = (format!("{path}/"), format!("{path}0"));
    IdbKeyRange::bound(&from.into(), &to.into()).map(JsValue::from)
}

fn joined(pieces: &JsValue, length: usize) -> Result<Vec<u8>, BackendError> {
    let pieces: &Array = pieces.unchecked_ref();
    let mut whole = Vec::with_capacity(length);
    for piece in pieces.iter() {
        whole.extend_from_slice(&bytes(&piece));
    }
    if whole.len() == length {
        Ok(whole)
    } else {
        Err(BackendError::Corrupt("a part of the snapshot is missing".to_owned()))
    }
}
