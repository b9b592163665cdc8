//! Word of rows that come onto the page, for parts of it that put something into rows without their knowing.

use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, closure::Closure};
use leptos::web_sys::{Element, js_sys::Array};
use web_sys::{MutationObserver, MutationObserverInit, MutationRecord};

/// Calls back whenever rows come or go, as long as the component lives.
pub fn on_change(react: impl Fn() + 'static) {
    let changed = Closure::<dyn Fn(Array)>::new(move |changes: Array| {
        let is_list = |change: MutationRecord| {
            let target = change.target().and_then(|target| target.dyn_into::<Element>().ok());
            target.is_some_and(|target| target.matches(".todo-list, main") == Ok(true))
        };
        if changes.iter().any(|change| is_list(change.unchecked_into())) {
            react();
        }
    });
    let observer = MutationObserver::new(changed.as_ref().unchecked_ref()).ok();
    let main = document().query_selector("main").ok().flatten();
    if let Some((observer, main)) = observer.as_ref().zip(main) {
        let options = MutationObserverInit::new();
        options.set_child_list(true);
        options.set_subtree(true);
        // It fails only without anything to observe.
        let _ = observer.observe_with_options(&main, &options);
    }
    let kept = StoredValue::new_local(Some((observer, changed)));
    on_cleanup(move || {
        if let Some(Some((Some(observer), _))) = kept.try_update_value(Option::take) {
            observer.disconnect();
        }
    });
}

/// The row of a todo, if it is on the page.
pub fn row_of(todo: &str) -> Option<Element> {
    document().get_element_by_id(todo)?.closest(".todo-list li").ok()?
}
