//! IndexedDB's events as futures and callbacks, and its errors as a [`BackendError`].

use tokio::sync::oneshot;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DomException, Event, IdbRequest, IdbTransaction};

use crate::backend::BackendError;

/// A listener for an event. It must be kept while it is registered.
pub type Listener = Closure<dyn FnMut(Event)>;

/// Waits for a transaction's end. Nothing else may be awaited before: the browser would commit the
/// transaction.
pub async fn finished(transaction: &IdbTransaction) -> Result<(), BackendError> {
    let (sender, ended) = oneshot::channel();
    let mut sender = Some(sender);
    let listener = Listener::new(move |event: Event| {
        if let Some(sender) = sender.take() {
            let _ = sender.send(event.type_() == "complete");
        }
    });
    transaction.set_oncomplete(Some(listener.as_ref().unchecked_ref()));
    transaction.set_onabort(Some(listener.as_ref().unchecked_ref()));
    let is_complete = ended.await.unwrap_or(false);
    transaction.set_oncomplete(None);
    transaction.set_onabort(None);
    if is_complete { Ok(()) } else { Err(reason(transaction.error())) }
}

/// Calls `react` with a request's result, inside its transaction. The listener must be kept until
/// the transaction has ended.
#[must_use]
pub fn on_success(request: &IdbRequest, react: impl FnOnce(JsValue) + 'static) -> Listener {
    let source = request.clone();
    let mut react = Some(react);
    let listener = Listener::new(move |_| {
        if let (Some(react), Ok(result)) = (react.take(), source.result()) {
            react(result);
        }
    });
    request.set_onsuccess(Some(listener.as_ref().unchecked_ref()));
    listener
}

/// A request's result, once its transaction is complete.
pub fn result(request: &IdbRequest) -> Result<JsValue, BackendError> {
    request.result().map_err(thrown)
}

/// Translates an exception.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` passes a value")]
pub fn thrown(error: JsValue) -> BackendError {
    reason(error.dyn_ref::<DomException>().cloned())
}

pub fn reason(error: Option<DomException>) -> BackendError {
    let Some(error) = error else {
        // The browser aborts transactions without an error when it deletes the storage.
        return BackendError::Closed;
    };
    match error.name().as_str() {
        "QuotaExceededError" => BackendError::Full,
        "SecurityError" | "NotAllowedError" => BackendError::Blocked,
        "VersionError" => BackendError::Newer,
        "InvalidStateError" | "AbortError" => BackendError::Closed,
        name => BackendError::Failed(name.to_owned()),
    }
}
