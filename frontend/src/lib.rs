//! The browser's entry: it brings the server's page to life, opens what this device keeps, and
//! answers what the page asks.
//!
//! - `session`: what the user interface asks for; `lists`: the lists that this device keeps.
//! - `page`: the page's address, and what is written on it.
//! - `settings`: what has to be known before a database is open.
#![cfg(target_arch = "wasm32")]

mod lists;
mod page;
mod session;
mod settings;

use std::rc::Rc;

use leptos::prelude::*;
use settee_app::{App, SessionSlot};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

/// Called by the page once the module is loaded.
#[wasm_bindgen]
pub fn hydrate() {
    // The place in the code, and the message: none of ours holds what people have written.
    settee_shell::explain_panics();
    page::show_theme(settings::theme());
    let address = page::take_address();
    let slot = StoredValue::new_local(None);
    leptos::mount::hydrate_body(move || {
        let session = SessionSlot::empty();
        slot.set_value(Some((session, Owner::current())));
        view! { <App session /> }
    });
    let Some((session, owner)) = slot.get_value() else { return };
    settee_shell::started(move || page::has_draft() || session.is_unsaved());
    spawn_local(async move {
        match session::Session::start(address, owner.unwrap_or_default()).await {
            Ok(started) => session.fill(Rc::new(started)),
            Err(error) => page::break_down(&error),
        }
        // Without the browser's promise its data stays until room gets scarce.
        settee_shell::ask_to_persist().await;
    });
}
