//! IndexedDB's events as futures and callbacks, and its errors as a [`BackendError`].

use std::{cell::RefCell, rc::Rc};

use tokio::sync::oneshot;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DomException, Event, IdbRequest, IdbTransaction};

use super::open::after;
use crate::backend::BackendError;

/// How long a commit may take, or reading what other tabs have written, in milliseconds.
pub const COMMIT_LIMIT_MS: i32 = 8_000;
/// How long reading or replacing the whole database may take.
pub const WHOLE_LIMIT_MS: i32 = 60_000;

/// A listener for an event. It must be kept while it is registered.
pub type Listener = Closure<dyn FnMut(Event)>;

/// How the wait for a transaction has ended.
enum End {
    Complete,
    Aborted,
    Overdue,
}

/// Waits for a transaction's end. Nothing else may be awaited before: the browser would commit the
/// transaction.
///
/// A transaction that takes longer than `limit` milliseconds is aborted, and is a
/// [`BackendError::Failed`]. If the browser is committing it already, it may still be completed
/// later: then its record is read like another tab's. `listeners` are those of its requests. They are
/// kept until it has ended, even if the caller stops waiting.
pub async fn finished<L: 'static>(
    transaction: &IdbTransaction,
    limit: i32,
    listeners: L,
) -> Result<(), BackendError> {
    let (sender, ended) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let answer = move |end: End| {
        if let Some(sender) = sender.borrow_mut().take() {
            let _ = sender.send(end);
        }
    };
    let overdue = answer.clone();
    after(limit, move || overdue(End::Overdue));
    let settled = Closure::once_into_js(move |event: Event| {
        answer(if event.type_() == "complete" { End::Complete } else { End::Aborted });
        drop(listeners);
    });
    transaction.set_oncomplete(Some(settled.unchecked_ref()));
    transaction.set_onabort(Some(settled.unchecked_ref()));
    let end = ended.await.unwrap_or(End::Aborted);
    match end {
        End::Complete => Ok(()),
        End::Aborted => Err(reason(transaction.error())),
        End::Overdue => {
            // It fails if the browser is committing, or has ended, the transaction.
            let _ = transaction.abort();
            Err(BackendError::Failed("the browser's storage doesn't answer".to_owned()))
        }
    }
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
