//! The browser's side: what the app and the page's script tell each other, and storage that the
//! browser keeps.
//!
//! The script, which the server puts into the page, registers the service worker and brings in the
//! next build. It isn't part of the app, so it works where the app doesn't.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Navigator, StorageManager};

#[wasm_bindgen]
extern "C" {
    // A page that no `Shell` has made doesn't have the script, so each of these can fail.
    #[wasm_bindgen(catch, js_namespace = setteeShell, js_name = started)]
    fn tell_started(is_unsaved: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(catch, js_namespace = setteeShell, js_name = broken)]
    fn tell_broken() -> Result<(), JsValue>;
    #[wasm_bindgen(catch, js_namespace = setteeShell)]
    fn look(build: Option<&str>) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = setteeShell)]
    async fn ask(worker: &JsValue, question: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = Notification, js_name = requestPermission)]
    async fn request_permission() -> Result<JsValue, JsValue>;
}

/// Tells the page that the app runs. Call this as soon as it has hydrated.
///
/// `is_unsaved` says whether a reload would lose something: text in a field, or a change that isn't
/// stored yet. It is asked before the page is reloaded for a newer build, unless a person has asked
/// for that.
pub fn started(is_unsaved: impl Fn() -> bool + 'static) {
    let is_unsaved = Closure::<dyn Fn() -> bool>::new(is_unsaved).into_js_value();
    let _ = tell_started(&is_unsaved);
}

/// Looks whether the server has a newer build, as the page does when it is loaded, shown, or back
/// online, and once an hour.
pub fn look_for_update() {
    let _ = look(None);
}

/// Looks for a newer build if the server's is another one than the page's. `agent` is what
/// `Ready::agent` is on the server; one that names no build says nothing of it.
pub fn server_is(agent: &str) {
    if let Some((_, build)) = agent.rsplit_once('+') {
        let _ = look(Some(build));
    }
}

/// Has this device be told of changes while no page is open, or not any more: by Web Push, through the route
/// `/notices` of `settee-axum`, which is told the database's name, what opens it as base64url, and what the person is
/// called, if it isn't empty. `is_pressed` if somebody has just asked for it, so that the browser may ask them.
///
/// Returns `done`; `denied` by the person or the browser; `unsupported` by the browser; `none` from a server that
/// tells nothing; `refused` by the server; or `failed`, which may be tried again.
pub async fn notices(
    is_wanted: bool,
    is_pressed: bool,
    database: &str,
    credentials: &str,
    who: &str,
) -> String {
    let page = js_sys::global();
    if !Reflect::has(&page, &JsValue::from_str("PushManager")).unwrap_or_default() {
        return "unsupported".to_owned();
    }
    let is_allowed = || member(&member(&page, "Notification"), "permission") == "granted";
    if is_wanted && is_pressed && !is_allowed() {
        // What came of it is read below.
        let _ = request_permission().await;
    }
    if is_wanted && !is_allowed() {
        return "denied".to_owned();
    }
    let said = object(&[("database", database), ("credentials", credentials), ("who", who)]);
    let question = object(&[("method", if is_wanted { "POST" } else { "DELETE" })]);
    set(&question, "said", &said);
    let outcome = ask(&worker(), &question).await.ok();
    outcome.and_then(|outcome| outcome.as_string()).unwrap_or_else(|| "failed".to_owned())
}

/// Ends all notices to this device, and takes away those that are shown. Without the server, too, which learns of it
/// when it next tells something.
pub async fn end_notices() {
    // Without a service worker there are none.
    let _ = ask(&worker(), &JsValue::from_str("end-notices")).await;
}

/// The service worker in charge of the page.
fn worker() -> JsValue {
    let navigator = member(&js_sys::global(), "navigator");
    member(&member(&navigator, "serviceWorker"), "controller")
}

/// An object of these texts, without those that are empty.
fn object(texts: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (name, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
        set(&object, name, &JsValue::from_str(text));
    }
    object
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // It fails on frozen objects alone.
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}

fn member(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// Shows what the page has for an app that doesn't work any more, and fetches a newer build if there
/// is one.
pub fn break_down() {
    let _ = tell_broken();
}

/// Makes a panic of a debug build throw its message, so that it is in the browser's console. The app
/// [breaks down](break_down) then, as the page does by itself whenever WebAssembly traps, which is how
/// panics end in every build. A release build is lighter without the messages.
pub fn explain_panics() {
    if cfg!(debug_assertions) {
        std::panic::set_hook(Box::new(|panic| {
            break_down();
            wasm_bindgen::throw_str(&panic.to_string());
        }));
    }
}

/// Asks the browser not to clear what the app has stored when room gets scarce. Says whether the
/// browser promises it; some ask the person first.
pub async fn ask_to_persist() -> bool {
    let Some(storage) = storage() else { return false };
    let Ok(asked) = storage.persist() else { return false };
    JsFuture::from(asked).await.is_ok_and(|answer| answer.is_truthy())
}

/// Missing in pages that aren't secure.
fn storage() -> Option<StorageManager> {
    let storage = Reflect::get(navigator()?.as_ref(), &JsValue::from_str("storage")).ok()?;
    storage.is_object().then(|| storage.unchecked_into())
}

fn navigator() -> Option<Navigator> {
    // Outside of wasm, any call into the browser panics.
    if cfg!(target_arch = "wasm32") {
        web_sys::window().map(|window| window.navigator())
    } else {
        None
    }
}
