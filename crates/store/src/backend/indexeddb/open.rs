//! Opening, creating and deleting a database of IndexedDB.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use tokio::sync::oneshot;
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, IdbDatabase, IdbFactory, IdbOpenDbRequest, IdbVersionChangeEvent};

use super::{
    log::{INCARNATION, LOG, META},
    request::{reason, thrown},
};
use crate::backend::{BackendError, Incarnation};

/// The version of the stored format. A new version needs a step in [`upgrade`].
///
/// 1: the stores. 2: records may contain the names of forgotten revisions, which a program for
/// version 1 can't read. Records of version 1 are read without a conversion.
const VERSION: u32 = 2;
/// How long another tab may take to close the database.
const BLOCKED_LIMIT_MS: i32 = 2_000;

#[wasm_bindgen]
extern "C" {
    /// The global function, in pages and in workers.
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: i32) -> JsValue;
}

/// Calls `callback` once after that time.
pub fn after(milliseconds: i32, callback: impl FnOnce() + 'static) {
    set_timeout(Closure::once_into_js(callback).unchecked_ref(), milliseconds);
}

pub async fn open(name: &str, incarnation: Incarnation) -> Result<IdbDatabase, BackendError> {
    let request = factory()?.open_with_u32(name, VERSION).map_err(thrown)?;
    let upgraded = {
        let request = request.clone();
        Closure::once_into_js(move |event: Event| {
            let before = event
                .dyn_ref::<IdbVersionChangeEvent>()
                .map_or(0.0, IdbVersionChangeEvent::old_version);
            // If a store can't be created, the request fails, which `ended` reports.
            let _ = upgrade(&request, before, incarnation);
        })
    };
    request.set_onupgradeneeded(Some(upgraded.unchecked_ref()));
    ended(&request).await?;
    request.result().map_err(thrown)?.dyn_into().map_err(thrown)
}

/// Deletes a database. Open connections in this tab and in others are closed.
pub async fn delete(name: &str) -> Result<(), BackendError> {
    ended(&factory()?.delete_database(name).map_err(thrown)?).await
}

/// The names of this origin's databases, in any order. Fails with [`BackendError::Failed`] in browsers before 2024,
/// which don't tell.
pub async fn names() -> Result<Vec<String>, BackendError> {
    let factory = factory()?;
    let ask = Reflect::get(&factory, &"databases".into()).map_err(thrown)?;
    let asked = ask.dyn_ref::<Function>().map(|ask| ask.call0(&factory));
    let asked = asked.ok_or_else(|| BackendError::Failed("it doesn't tell what it has".into()))?;
    let asked: Promise = asked.map_err(thrown)?.unchecked_into();
    let told = JsFuture::from(asked).await.map_err(thrown)?;
    let name = |told: JsValue| Reflect::get(&told, &"name".into()).ok()?.as_string();
    Ok(told.unchecked_ref::<Array>().iter().filter_map(name).collect())
}

fn factory() -> Result<IdbFactory, BackendError> {
    // The property is missing, or reading it throws, if the browser blocks storage.
    let factory = Reflect::get(&js_sys::global(), &"indexedDB".into());
    factory.ok().and_then(|factory| factory.dyn_into().ok()).ok_or(BackendError::Blocked)
}

fn upgrade(
    request: &IdbOpenDbRequest,
    before: f64,
    incarnation: Incarnation,
) -> Result<(), JsValue> {
    if before >= 1.0 {
        return Ok(());
    }
    let database: IdbDatabase = request.result()?.dyn_into()?;
    database.create_object_store(LOG)?;
    let meta = database.create_object_store(META)?;
    meta.put_with_key(&Uint8Array::from(incarnation.as_slice()), &INCARNATION.into())?;
    Ok(())
}

/// Waits for the request's end. Fails with [`BackendError::Closed`] if another tab blocks it for
/// [`BLOCKED_LIMIT_MS`].
///
/// The caller may stop waiting at any time, and the request goes on, so the browser owns what listens.
async fn ended(request: &IdbOpenDbRequest) -> Result<(), BackendError> {
    let (sender, ended) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let answer = {
        let sender = sender.clone();
        move |result: Result<(), BackendError>| {
            sender.borrow_mut().take().is_some_and(|sender| sender.send(result).is_ok())
        }
    };
    let settled = {
        let (answer, request) = (answer.clone(), request.clone());
        Closure::once(move |event: Event| {
            request.set_onsuccess(None);
            request.set_onerror(None);
            let is_success = event.type_() == "success";
            let result = match request.error() {
                Ok(error) if !is_success => Err(reason(error)),
                _ => Ok(()),
            };
            // The caller has stopped waiting, so the connection is closed here.
            if !answer(result)
                && let Ok(database) = request.result()
                && let Ok(database) = database.dyn_into::<IdbDatabase>()
            {
                database.close();
            }
        })
    };
    let settled = settled.into_js_value();
    request.set_onsuccess(Some(settled.unchecked_ref()));
    request.set_onerror(Some(settled.unchecked_ref()));
    let blocked = Closure::once_into_js(move |_: Event| {
        after(BLOCKED_LIMIT_MS, move || {
            answer(Err(BackendError::Closed));
        });
    });
    request.set_onblocked(Some(blocked.unchecked_ref()));
    ended.await.unwrap_or(Err(BackendError::Closed))
}
