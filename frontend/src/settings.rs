//! The few settings that have to be there before the database is open, in localStorage.
//!
//! They are plain texts, not JSON, which the app has no other use for.
//!
//! A browser may block it, or have no room: then a setting lasts as long as the page.

use gloo_storage::{LocalStorage, Storage};
use settee_app::Theme;

const THEME: &str = "settee/theme";

pub fn theme() -> Theme {
    if !is_allowed() {
        return Theme::default();
    }
    let name = LocalStorage::raw().get_item(THEME).ok().flatten();
    name.map_or_else(Theme::default, |name| Theme::from_name(&name))
}

pub fn keep_theme(theme: Theme) {
    if is_allowed() {
        // Without room the choice holds for this page.
        let _ = LocalStorage::raw().set_item(THEME, theme.name());
    }
}

/// gloo-storage panics where a browser blocks its storage, so that is asked first.
fn is_allowed() -> bool {
    web_sys::window().is_some_and(|window| matches!(window.local_storage(), Ok(Some(_))))
}
