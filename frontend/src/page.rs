//! The page around the app: its address, and what is on it that only it knows.

use settee::keys::link::{self, Address};
use settee_app::Theme;
use settee_todo::document::LINKS;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// Reads the page's address. A secret stays in it until [`clear_secret`] takes it out.
pub fn address() -> Address {
    let location = window().location();
    let path = location.pathname().unwrap_or_default();
    LINKS.read(&path, &location.hash().unwrap_or_default())
}

/// The page's address as a whole, which may hold a secret.
pub fn link() -> String {
    window().location().href().unwrap_or_default()
}

/// Whether the address holds a secret.
pub fn has_secret() -> bool {
    link::has_secret(&window().location().hash().unwrap_or_default())
}

/// Takes a secret out of the address: it must not be seen over a shoulder, nor stay in the history.
pub fn clear_secret() {
    let location = window().location();
    if has_secret()
        && let (Ok(path), Ok(history)) = (location.pathname(), window().history())
    {
        // It fails on pages without an address of their own, which have no secret either.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
    }
}

/// Calls `react` whenever another fragment comes into the address, such as that of a pasted link.
pub fn on_other_fragment(react: impl Fn() + 'static) {
    let listener = Closure::<dyn Fn()>::new(react).into_js_value();
    // It lasts as long as the page.
    let _ = window().add_event_listener_with_callback("hashchange", listener.unchecked_ref());
}

pub fn reload() {
    // It fails where the page may not be left.
    let _ = window().location().reload();
}

pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Where the server's end of the sync protocol is.
pub fn sync_url() -> String {
    format!("{}/sync", origin().replacen("http", "ws", 1))
}

pub fn go_to(path: &str) {
    // It fails on malformed addresses alone.
    let _ = window().location().set_href(path);
}

/// Light or dark; what the device says where nothing was chosen.
pub fn show_theme(theme: Theme) {
    let root = window().document().and_then(|document| document.document_element());
    if let Some(root) = root {
        // It fails on a malformed name alone.
        let _ = root.set_attribute("data-theme", theme.name());
    }
}

/// Says, to tools and tests, whether it is this tab that syncs.
pub fn show_leader(leads: bool) {
    if let Some(body) = window().document().and_then(|document| document.body()) {
        // It fails on a malformed name alone.
        let _ = body.toggle_attribute_with_force("data-leader", leads);
    }
}

/// Whether something is on the page that isn't kept anywhere yet: a draft, or a change.
pub fn has_unsaved() -> bool {
    let unsaved = ".new-todo:not(:placeholder-shown), .edit, .list-name:focus, [data-sync=unsaved]";
    let document = window().document();
    document.is_some_and(|document| matches!(document.query_selector(unsaved), Ok(Some(_))))
}

fn window() -> web_sys::Window {
    web_sys::window().expect("the app runs in a page")
}
