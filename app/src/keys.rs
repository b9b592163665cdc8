//! Reading keys.

use leptos::wasm_bindgen::JsValue;
use leptos::web_sys::js_sys::Reflect;

const ENTER: f64 = 13.0;
/// What browsers report for a key that an input method has taken.
const PROCESSED: f64 = 229.0;

/// Whether it is the Enter that ends a line, and not the one that ends an input method's
/// composition. Browsers' autofill and test harnesses dispatch events with only some of the
/// properties of a real one, so none is taken for granted.
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

/// Whether text is typed there, so that keys are not for the page.
pub fn is_text_field(target: &JsValue) -> bool {
    let word = |name| property(target, name).as_string().unwrap_or_default();
    match word("tagName").as_str() {
        "TEXTAREA" => true,
        "INPUT" => !matches!(word("type").as_str(), "checkbox" | "radio" | "button"),
        _ => false,
    }
}
