//! Opening and making a database of `IndexedDB`.

use std::{cell::RefCell, rc::Rc};

use js_sys::Uint8Array;
use tokio::sync::oneshot;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Event, IdbDatabase, IdbOpenDbRequest};

use super::{
    log::{INCARNATION, LOG, META},
    request::{reason, thrown},
};
use crate::backend::{BackendError, Incarnation};

/// The version of the stores' layout. Raising it is adding a step to [`upgrade`].
const VERSION: u32 = 1;

pub async fn open(name: &str, incarnation: Incarnation) -> Result<IdbDatabase, BackendError> {
    let factory = web_sys::window()
        .and_then(|window| window.indexed_db().ok().flatten())
        .ok_or(BackendError::Blocked)?;
    let request = factory.open_with_u32(name, VERSION).map_err(thrown)?;

    let (sender, opened) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let answer = |react: fn(&IdbOpenDbRequest) -> Result<IdbDatabase, BackendError>| {
        let (sender, request) = (sender.clone(), request.clone());
        Closure::<dyn FnMut(Event)>::new(move |_| {
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(react(&request));
            }
        })
    };
    let succeeded = answer(|request| request.result().map_err(thrown)?.dyn_into().map_err(thrown));
    let failed = answer(|request| Err(reason(request.error().ok().flatten())));
    // Another tab holds an older layout open and doesn't let go.
    let blocked = answer(|_| Err(BackendError::Closed));
    let upgraded = {
        let request = request.clone();
        Closure::<dyn FnMut(Event)>::new(move |_| {
            // A store that can't be made fails the request, which is waited for.
            let _ = upgrade(&request, incarnation);
        })
    };
    request.set_onsuccess(Some(succeeded.as_ref().unchecked_ref()));
    request.set_onerror(Some(failed.as_ref().unchecked_ref()));
    request.set_onblocked(Some(blocked.as_ref().unchecked_ref()));
    request.set_onupgradeneeded(Some(upgraded.as_ref().unchecked_ref()));
    let result = opened.await.unwrap_or(Err(BackendError::Closed));
    request.set_onsuccess(None);
    request.set_onerror(None);
    request.set_onblocked(None);
    request.set_onupgradeneeded(None);
    result
}

fn upgrade(request: &IdbOpenDbRequest, incarnation: Incarnation) -> Result<(), JsValue> {
    let database: IdbDatabase = request.result()?.dyn_into()?;
    database.create_object_store(LOG)?;
    let meta = database.create_object_store(META)?;
    meta.put_with_key(&Uint8Array::from(incarnation.as_slice()), &INCARNATION.into())?;
    Ok(())
}
