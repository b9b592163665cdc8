//! What a device keeps of its person's wishes, as plain texts in localStorage: it has to be there before the
//! database is open.
//!
//! A browser may block it, or have no room: then a setting lasts as long as the page.

use gloo_storage::{LocalStorage, Storage};
use leptos::web_sys;
use settee::keys::random::random_number;

use crate::session::Theme;

const THEME: &str = "settee/theme";
const NAME: &str = "settee/name";
const DEVICE: &str = "settee/device";

pub fn theme() -> Theme {
    get(THEME).map_or_else(Theme::default, |name| Theme::from_name(&name))
}

pub fn keep_theme(theme: Theme) {
    set(THEME, theme.name());
}

/// What the person wants to be called by those who are on the same list; empty before they have said.
pub fn name() -> String {
    get(NAME).unwrap_or_default()
}

pub fn keep_name(name: &str) {
    set(NAME, name);
}

/// A number by which others tell this device from others. It is drawn when it is first asked for.
pub fn device() -> u64 {
    let known = get(DEVICE).and_then(|number| number.parse().ok());
    known.unwrap_or_else(|| {
        let number = random_number();
        set(DEVICE, &number.to_string());
        number
    })
}

fn get(key: &str) -> Option<String> {
    storage()?.get_item(key).ok()?
}

fn set(key: &str, value: &str) {
    // Without room it holds for this page.
    let _ = storage().map(|storage| storage.set_item(key, value));
}

/// gloo-storage panics where a browser blocks its storage, so that is asked first.
fn storage() -> Option<web_sys::Storage> {
    let is_allowed = matches!(web_sys::window()?.local_storage(), Ok(Some(_)));
    is_allowed.then(LocalStorage::raw)
}
