//! The browser's entry: it brings the server's page to life, opens what this device keeps, and
//! answers what the page asks.
//!
//! - `start`: keeping a session open.
//! - `session`: what the user interface asks for; `shown`: the list on the screen; `lists`: the lists that
//!   this device keeps.
//! - `keeper`: what is done with lists besides showing one; `counts`: how many open todos each has; `later`:
//!   the code of both, which is loaded after the first screen.
//! - `presence`: who else has the list on the screen.
//! - `page`: what is on the page beside the app.
#![cfg(target_arch = "wasm32")]

mod counts;
mod device;
mod keeper;
mod later;
mod lists;
mod notices;
mod page;
mod presence;
mod session;
mod shown;
mod start;
mod transfer;

use leptos::prelude::*;
use settee_app::{App, SessionSlot};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

/// Called by the page once the module is loaded.
#[wasm_bindgen]
pub fn hydrate() {
    // The place in the code, and the message: none of ours holds what people have written.
    settee_shell::explain_panics();
    page::show_theme(settee_app::settings::theme());
    let slot = StoredValue::new_local(None);
    leptos::mount::hydrate_body(move || {
        let session = SessionSlot::empty();
        slot.set_value(Some((session, session::Signals::new())));
        view! { <App session /> }
    });
    let Some((slot, signals)) = slot.get_value() else { return };
    settee_shell::started(page::has_unsaved);
    spawn_local(start::keep_open(slot, signals));
    spawn_local(async {
        // Without the browser's promise its data stays until room gets scarce.
        settee_shell::ask_to_persist().await;
    });
}
