//! The page's events.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventTarget, VisibilityState};

/// Listens to one kind of event until it is dropped.
pub struct Listener {
    target: EventTarget,
    event: &'static str,
    react: Closure<dyn FnMut(Event)>,
}

impl Listener {
    pub fn new(
        target: &EventTarget,
        event: &'static str,
        react: impl FnMut(Event) + 'static,
    ) -> Self {
        let react = Closure::<dyn FnMut(Event)>::new(react);
        // It fails only where there are no listeners at all.
        let _ = target.add_event_listener_with_callback(event, react.as_ref().unchecked_ref());
        Self { target: target.clone(), event, react }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let react = self.react.as_ref().unchecked_ref();
        let _ = self.target.remove_event_listener_with_callback(self.event, react);
    }
}

pub fn is_visible() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}
