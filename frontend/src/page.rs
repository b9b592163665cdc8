//! The page around the app: its address, and what is on it that only it knows.

use settee::keys::link::{Address, has_secret};
use settee_app::Theme;
use settee_todo::document::LINKS;
use wasm_bindgen::JsValue;

/// Reads the page's address, and takes a secret out of it at once: it must not be seen over a
/// shoulder, nor stay in the history.
pub fn take_address() -> Address {
    let location = window().location();
    let path = location.pathname().unwrap_or_default();
    let fragment = location.hash().unwrap_or_default();
    if has_secret(&fragment)
        && let Ok(history) = window().history()
    {
        // It fails on pages without an address of their own, which have no secret either.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
    }
    LINKS.read(&path, &fragment)
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

/// The app can't start.
pub fn break_down(error: &impl std::fmt::Display) {
    settee_shell::break_down();
    wasm_bindgen::throw_str(&error.to_string());
}

/// Whether somebody has begun to write something that isn't kept anywhere yet.
pub fn has_draft() -> bool {
    let drafts = ".new-todo:not(:placeholder-shown), .edit, .list-name:focus";
    let document = window().document();
    document.is_some_and(|document| matches!(document.query_selector(drafts), Ok(Some(_))))
}

fn window() -> web_sys::Window {
    web_sys::window().expect("the app runs in a page")
}
