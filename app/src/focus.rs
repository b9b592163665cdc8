//! Where the focus is when rows are moved and removed.

use std::cell::Cell;

use leptos::prelude::{document, queue_microtask, request_animation_frame};
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{
    Element, EventTarget, FocusEvent, FocusOptions, HtmlElement, HtmlInputElement, Node,
};

thread_local! {
    /// Whether the list of rows is changing now.
    static IS_HELD: Cell<bool> = const { Cell::new(false) };
}

/// Call this before the rows on the page change, in the same turn. Moving a row in the document
/// takes the focus from it, and it gets it back in the same turn, with its selection. If it was
/// removed, the row in its place gets the focus.
pub fn hold() {
    // There is no document on the server.
    if !cfg!(target_arch = "wasm32") || is_held() {
        return;
    }
    let Some(focused) = document().active_element() else { return };
    let Ok(Some(row)) = focused.closest(".todo-list li, .lists li") else { return };
    let Some(list) = row.parent_element() else { return };
    let place = siblings(&row).position(|other| other == row).unwrap_or_default();
    let field = focused.dyn_ref::<HtmlInputElement>().cloned();
    let selection = field.as_ref().and_then(|field| {
        // Checkboxes have none.
        Some((field.selection_start().ok()??, field.selection_end().ok()??))
    });
    IS_HELD.set(true);
    queue_microtask(move || {
        let is_lost = document().active_element().is_none_or(|now| now.tag_name() == "BODY");
        if is_lost && focused.is_connected() {
            to_in_place(&focused);
            if let (Some(field), Some((start, end))) = (field, selection) {
                // It fails on checkboxes alone.
                let _ = field.set_selection_range(start, end);
            }
        } else if is_lost {
            to_row_at(&list, place);
        }
        IS_HELD.set(false);
    });
}

/// Whether the focus is only away because the rows change.
pub fn is_held() -> bool {
    IS_HELD.get()
}

fn siblings(row: &Element) -> impl Iterator<Item = Element> {
    let first = row.parent_element().and_then(|list| list.first_element_child());
    std::iter::successors(first, Element::next_element_sibling)
}

fn to_row_at(list: &Element, place: usize) {
    let first = list.first_element_child();
    let rows = first.iter().flat_map(siblings).take(place + 1);
    match rows.last().and_then(|row| row.query_selector(".toggle, a").ok().flatten()) {
        Some(control) => to_in_place(&control),
        None => to_first(".new-todo"),
    }
}

/// Focuses an element, and doesn't scroll to it: the person may look at something else.
fn to_in_place(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = element.focus_with_options(&options);
    }
}

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

/// Whether the focus goes from the element that has heard of it to one outside of that.
pub fn leaves(event: &FocusEvent) -> bool {
    let node = |target: Option<EventTarget>| target.and_then(|it| it.dyn_into::<Node>().ok());
    let from = node(event.current_target());
    node(event.related_target()).zip(from).is_some_and(|(to, from)| !from.contains(Some(&to)))
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

/// Focuses the checkbox of a row in the next frame: until then it is hidden by the field, or the row is
/// being moved.
pub fn return_to(row: &Element) {
    let row = row.clone();
    request_animation_frame(move || {
        if let Ok(Some(toggle)) = row.query_selector(".toggle") {
            to(&toggle);
        }
    });
}
