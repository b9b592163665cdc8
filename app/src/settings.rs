//! The few settings that have to be there before the database is open, as plain texts in localStorage.
//!
//! A browser may block it, or have no room: then a setting lasts as long as the page.

use gloo_storage::{LocalStorage, Storage};
use settee_app::Theme;

const THEME: &str = "settee/theme";

pub fn theme() -> Theme {
    let name = storage().and_then(|storage| storage.get_item(THEME).ok().flatten());
    name.map_or_else(Theme::default, |name| Theme::from_name(&name))
}

pub fn keep_theme(theme: Theme) {
    // Without room the choice holds for this page.
    let _ = storage().map(|storage| storage.set_item(THEME, theme.name()));
}

/// gloo-storage panics where a browser blocks its storage, so that is asked first.
fn storage() -> Option<web_sys::Storage> {
    let is_allowed = matches!(web_sys::window()?.local_storage(), Ok(Some(_)));
    is_allowed.then(LocalStorage::raw)
}
