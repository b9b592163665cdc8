//! The browser's entry: it brings the server's page to life, opens what this device keeps, and
//! starts to sync.
//!
//! # Layout
//!
//! - `page`: the page's address, its service worker, and the banner for when the app breaks.
//! - `storage`: opening databases, in memory where nothing can be saved.
//! - `home`: the lists that this device knows.
//! - `sync`: syncing, in the one tab that does it for all; `lists`: the lists that it syncs;
//!   `report`: what it tells the others of that.
//! - `session`: what the user interface asks for.
//! - `settings`: what has to be known before a database is open.
//! - `status`: what the line at the bottom says.
#![cfg(target_arch = "wasm32")]

mod home;
mod lists;
mod page;
mod report;
mod session;
mod settings;
mod status;
mod storage;
mod sync;

use std::rc::Rc;

use leptos::prelude::*;
use settee_app::{App, SessionSlot};
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page once the module is loaded.
#[wasm_bindgen]
pub fn hydrate() {
    page::explain_panics();
    page::show_theme(settings::theme());
    let address = page::take_address();
    let slot = StoredValue::new_local(None);
    leptos::mount::hydrate_body(move || {
        let session = SessionSlot::empty();
        slot.set_value(Some((session, Owner::current())));
        view! { <App session /> }
    });
    let Some((session, owner)) = slot.get_value() else { return };
    wasm_bindgen_futures::spawn_local(async move {
        let started = session::Session::start(address, owner.unwrap_or_default()).await;
        session.fill(Rc::new(started));
        page::register_service_worker();
        page::ask_to_persist();
    });
}
