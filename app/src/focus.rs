//! Moving the focus when the focused element is removed.

use leptos::prelude::document;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{Element, HtmlElement};

/// Call this before a row is removed. If the row has the focus, the next row gets it, or else the
/// previous row, or else the field for a new todo.
pub fn pass_on(row: &Element) {
    if !holds_focus(row) {
        return;
    }
    let neighbour = row.next_element_sibling().or_else(|| row.previous_element_sibling());
    match neighbour.and_then(|row| row.query_selector(".toggle").ok().flatten()) {
        Some(toggle) => to(&toggle),
        None => to_first(".new-todo"),
    }
}

/// Focuses the first element that matches the selector, if there is one.
pub fn to_first(selector: &str) {
    if let Ok(Some(element)) = document().query_selector(selector) {
        to(&element);
    }
}

pub fn holds_focus(element: &Element) -> bool {
    document().active_element().is_some_and(|active| element.contains(Some(&active)))
}

pub fn to(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // If the element can't be focused, the focus stays where it is.
        let _ = element.focus();
    }
}
