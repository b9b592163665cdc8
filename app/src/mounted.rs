//! Views that are put into an element of the page when they are needed, and taken out again.

use leptos::prelude::*;
use leptos::tachys::view::{Mountable, Render};
use leptos::web_sys::{Element, Node};

/// A view on the page. It goes when this is dropped. If the reactive owner that it was made under is
/// cleaned up before, it stays and no longer changes.
pub struct Mounted {
    // Views of all types, of which nothing is asked but mounting.
    state: Box<dyn Mountable>,
    owner: Owner,
}

impl Mounted {
    /// Puts a view into an element: before one of its children, or after them all.
    pub fn new<V: Render<State: 'static>>(
        owner: &Owner,
        parent: &Element,
        before: Option<&Node>,
        view: impl FnOnce() -> V,
    ) -> Self {
        let owner = owner.with(Owner::new);
        let mut state = owner.with(|| untrack(|| view().build()));
        state.mount(parent, before);
        Self { state: Box::new(state), owner }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.state.unmount();
        self.owner.cleanup();
    }
}

/// An element that something is to be put into.
pub struct Place {
    pub element: Element,
    pub owner: Owner,
}

impl Place {
    /// Puts a view behind what the element has.
    pub fn mount<V: Render<State: 'static>>(&self, view: impl FnOnce() -> V) -> Mounted {
        Mounted::new(&self.owner, &self.element, None, view)
    }
}
