//! The browser's side: the service worker, and storage that the browser keeps.

use std::{cell::RefCell, rc::Rc};

use js_sys::Reflect;
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    EventTarget, Navigator, ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration,
    ServiceWorkerState, StorageManager,
};

/// Why there is no service worker. The app works all the same, as long as its server does.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Not a page, not a secure context, or a browser without service workers.
    #[error("there are no service workers here")]
    Unsupported,
    /// The browser didn't take the script.
    #[error("the browser refused the service worker: {0}")]
    Refused(String),
}

/// A newer build of the app, which is installed and waits until all tabs of the old one are closed.
#[derive(Debug, Clone)]
pub struct UpdateWaiting {
    worker: ServiceWorker,
    container: ServiceWorkerContainer,
}

impl UpdateWaiting {
    /// Switches to the newer build now and reloads this page. Other tabs go on with what they have
    /// loaded until they are reloaded.
    pub fn activate(&self) {
        if self.worker.state() != ServiceWorkerState::Installed {
            // Another tab was faster, or a still newer build has replaced it.
            reload();
            return;
        }
        listen(&self.container, "controllerchange", reload);
        // Only an object that can't be copied is refused.
        let _ = self.worker.post_message(&JsValue::from_str("skip-waiting"));
    }
}

/// Registers the service worker at `/sw.js`: from then on the app opens without its server.
///
/// `on_update` is called with each newer build that waits: at once if there is one, or when the
/// browser finds one. Browsers look on navigation, or after a day.
pub async fn register(on_update: impl Fn(UpdateWaiting) + 'static) -> Result<(), RegisterError> {
    let container: ServiceWorkerContainer =
        part_of_navigator("serviceWorker").ok_or(RegisterError::Unsupported)?;
    let registration = JsFuture::from(container.register("/sw.js"))
        .await
        .map_err(|error| RegisterError::Refused(message(&error)))?
        .unchecked_into::<ServiceWorkerRegistration>();
    let announced = RefCell::new(None);
    let updates = registration.clone();
    let announce: Rc<dyn Fn()> = Rc::new(move || {
        // Without an active one, the waiting one is the first and becomes active by itself.
        if let (Some(worker), Some(_)) = (updates.waiting(), updates.active())
            && announced.replace(Some(worker.clone())).as_ref() != Some(&worker)
        {
            on_update(UpdateWaiting { worker, container: container.clone() });
        }
    });
    announce();
    let found = {
        let registration = registration.clone();
        move || {
            if let Some(worker) = registration.installing() {
                let announce = announce.clone();
                listen(&worker, "statechange", move || announce());
            }
        }
    };
    // One may have been found before anybody listened.
    found();
    listen(&registration, "updatefound", found);
    Ok(())
}

/// Asks the browser not to clear what the app has stored when room gets scarce. Says whether the
/// browser promises it; some ask the person first.
pub async fn ask_to_persist() -> bool {
    let Some(storage) = part_of_navigator::<StorageManager>("storage") else { return false };
    let Ok(asked) = storage.persist() else { return false };
    JsFuture::from(asked).await.is_ok_and(|answer| answer.is_truthy())
}

/// A property of the navigator, which can be missing in any browser.
fn part_of_navigator<T: JsCast>(name: &str) -> Option<T> {
    let navigator = navigator()?;
    let part = Reflect::get(&navigator, &JsValue::from_str(name)).ok()?;
    part.is_object().then(|| part.unchecked_into())
}

fn navigator() -> Option<Navigator> {
    // Outside of wasm, any call into the browser panics.
    if cfg!(target_arch = "wasm32") {
        web_sys::window().map(|window| window.navigator())
    } else {
        None
    }
}

fn reload() {
    if let Some(window) = web_sys::window() {
        // It fails in a document that isn't shown any more.
        let _ = window.location().reload();
    }
}

/// Listens for as long as the page lives.
fn listen(target: &EventTarget, event: &str, heard: impl Fn() + 'static) {
    let heard = Closure::<dyn Fn()>::new(heard).into_js_value();
    // It fails without a listener alone.
    let _ = target.add_event_listener_with_callback(event, heard.unchecked_ref());
}

fn message(error: &JsValue) -> String {
    let message = Reflect::get(error, &JsValue::from_str("message")).unwrap_or_default();
    message.as_string().unwrap_or_default()
}
