//! `IndexedDB`'s events as futures, and its errors as ours.

use std::{cell::RefCell, rc::Rc};

use tokio::sync::oneshot;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DomException, Event, IdbRequest, IdbTransaction};

use crate::backend::BackendError;

/// What the events of a transaction or a request are turned into.
pub type Listener = Closure<dyn FnMut(Event)>;

/// Waits for a transaction's end. Nothing else may be awaited while it is open.
pub async fn finished(transaction: &IdbTransaction) -> Result<(), BackendError> {
    let (sender, ended) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let end = |result: fn(&IdbTransaction) -> Result<(), BackendError>| -> Listener {
        let (sender, transaction) = (sender.clone(), transaction.clone());
        Closure::new(move |_| {
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(result(&transaction));
            }
        })
    };
    let completed = end(|_| Ok(()));
    let aborted = end(|transaction| Err(reason(transaction.error())));
    transaction.set_oncomplete(Some(completed.as_ref().unchecked_ref()));
    transaction.set_onabort(Some(aborted.as_ref().unchecked_ref()));
    let result = ended.await.unwrap_or(Err(BackendError::Closed));
    transaction.set_oncomplete(None);
    transaction.set_onabort(None);
    result
}

/// Calls back with a request's result, inside its transaction. The listener has to be kept until
/// the transaction has ended.
#[must_use]
pub fn on_success(request: &IdbRequest, mut react: impl FnMut(JsValue) + 'static) -> Listener {
    let source = request.clone();
    let listener = Listener::new(move |_| {
        if let Ok(result) = source.result() {
            react(result);
        }
    });
    request.set_onsuccess(Some(listener.as_ref().unchecked_ref()));
    listener
}

/// What a call that throws has thrown.
pub fn thrown(error: JsValue) -> BackendError {
    reason(error.dyn_into().ok())
}

pub fn reason(error: Option<DomException>) -> BackendError {
    let Some(error) = error else {
        // Aborted by ourselves, or by the browser when it takes the storage away.
        return BackendError::Closed;
    };
    match error.name().as_str() {
        "QuotaExceededError" => BackendError::Full,
        "SecurityError" | "NotAllowedError" => BackendError::Blocked,
        "InvalidStateError" | "AbortError" | "VersionError" => BackendError::Closed,
        name => BackendError::Failed(name.to_owned()),
    }
}
