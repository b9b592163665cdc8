//! Where the focus goes when what holds it vanishes.

use leptos::prelude::document;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{Element, HtmlElement};

/// To be called before a row leaves the list: hands the focus, if it is inside, to the next row,
/// else to the previous one, else to the field for a new todo.
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

/// The focus to the first element that the selector finds; nothing happens when there is none.
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
        // An element that can't take the focus leaves it where it is: nothing to be done.
        let _ = element.focus();
    }
}
