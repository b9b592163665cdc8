//! Keyboard events.

use leptos::wasm_bindgen::JsValue;
use leptos::web_sys::js_sys::Reflect;

const ENTER: f64 = 13.0;
/// The key code that browsers report for a key that an input method has processed.
const PROCESSED: f64 = 229.0;

/// Whether the key is Enter, and doesn't end the composition of an input method. Autofill and test
/// tools dispatch events that lack some properties, so every property may be missing.
pub fn is_enter(event: &JsValue) -> bool {
    let code = property(event, "keyCode").as_f64();
    let composing = code == Some(PROCESSED) || property(event, "isComposing").is_truthy();
    !composing && (code == Some(ENTER) || is_key(event, "Enter"))
}

pub fn is_key(event: &JsValue, name: &str) -> bool {
    property(event, "key").as_string().as_deref() == Some(name)
}

fn property(event: &JsValue, name: &str) -> JsValue {
    Reflect::get(event, &name.into()).unwrap_or_default()
}

/// The Latin letter of a key with Ctrl or Cmd: by what it writes, or by its place on the keyboard where
/// the layout isn't Latin.
pub fn letter(event: &JsValue) -> Option<char> {
    let word = |name| property(event, name).as_string().unwrap_or_default();
    let only = |text: &str| {
        let mut letters = text.chars();
        letters.next().filter(|_| letters.next().is_none())
    };
    let written = only(&word("key"))?.to_ascii_lowercase();
    if written.is_ascii() {
        Some(written)
    } else {
        only(&word("code").strip_prefix("Key")?.to_ascii_lowercase())
    }
}

/// Whether text can be typed into the target, where the page must not handle keys.
pub fn is_editable(target: &JsValue) -> bool {
    let word = |name| property(target, name).as_string().unwrap_or_default();
    match word("tagName").as_str() {
        "TEXTAREA" | "SELECT" => true,
        "INPUT" => !matches!(word("type").as_str(), "checkbox" | "radio" | "button"),
        _ => property(target, "isContentEditable").is_truthy(),
    }
}
