//! What is on the page beside the app, and going elsewhere.

use settee_app::Theme;
use wasm_bindgen::JsValue;

/// After a failure of the device's storage: a page of its own tells what is in the way. Not as long as
/// something would be lost with this one.
pub fn start_anew() {
    if !has_unsaved() {
        reload();
    }
}

fn reload() {
    // It fails where the page may not be left.
    let _ = window().location().reload();
}

/// Changes the address, and stays on the page.
pub fn go_to(path: &str) {
    if let Ok(history) = window().history() {
        // It fails on addresses of other sites alone.
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(path));
    }
}

/// Leaves for another page of the site.
pub fn leave_for(link: &str) {
    // It fails on a malformed address alone.
    let _ = window().location().assign(link);
}

/// Light or dark; what the device says where nothing was chosen.
pub fn show_theme(theme: Theme) {
    if let Some(root) = window().document().and_then(|page| page.document_element()) {
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
    let unsaved = ".new-todo:not(:placeholder-shown), .edit, .list-name:focus, [data-sync=unsaved], \
                   [data-drafts]";
    let document = window().document();
    document.is_some_and(|document| matches!(document.query_selector(unsaved), Ok(Some(_))))
}

/// Whether the page can be seen.
pub fn is_visible() -> bool {
    window().document().is_some_and(|document| !document.hidden())
}

fn window() -> web_sys::Window {
    web_sys::window().expect("the app runs in a page")
}
