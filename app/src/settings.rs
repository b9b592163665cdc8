//! What a device keeps of its person's wishes, as plain texts in localStorage: it has to be there before the
//! database is open.
//!
//! A browser may block it, or have no room: then a setting lasts as long as the page.

use gloo_storage::{LocalStorage, Storage};
use leptos::web_sys;
use settee::keys::Token;

use crate::session::Theme;

const THEME: &str = "settee/theme";
const NAME: &str = "settee/name";
const DEVICE: &str = "settee/device";
/// There once somebody has answered the offer to keep what opens this device's lists in a safe place.
const KEPT_SAFE: &str = "settee/kept-safe";
/// There as long as this device is being forgotten. Other tabs hear of it.
const FORGETTING: &str = "settee/forgetting";

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

/// A number by which others on a list tell this device from others. On another list it has another one.
pub fn device(list: &str) -> u64 {
    let known = get(DEVICE).and_then(|secret| secret.parse().ok());
    let secret: Token = known.unwrap_or_else(|| {
        let secret = Token::generate();
        set(DEVICE, &secret.to_string());
        secret
    });
    let number = *secret.named(list).as_bytes();
    u64::from_be_bytes(*number.first_chunk().expect("it is longer"))
}

/// Whether somebody has a link or a file that brings this device's lists back, or wants none.
pub fn has_kept_safe() -> bool {
    get(KEPT_SAFE).is_some()
}

pub fn keep_safe() {
    set(KEPT_SAFE, "yes");
}

/// Whether this device is about to be forgotten: nothing of it may be opened until that is done.
pub fn is_forgetting() -> bool {
    get(FORGETTING).is_some()
}

/// Has this device be forgotten, by this tab or, if that is closed, by the next. Tells whether others will know.
pub fn begin_forgetting() -> bool {
    set(FORGETTING, "yes");
    is_forgetting()
}

/// Removes all that is kept here, and last the wish to be forgotten.
pub fn forget() {
    let Some(storage) = storage() else { return };
    for key in [THEME, NAME, DEVICE, KEPT_SAFE, FORGETTING] {
        // It fails where nothing can be kept.
        let _ = storage.remove_item(key);
    }
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
