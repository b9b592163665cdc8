//! Views that are put into an element of the page when they are needed, and taken out again.

use leptos::prelude::*;
use leptos::tachys::view::any_view::AnyViewState;
use leptos::web_sys::{Element, Node};

/// A view on the page. It goes when this is dropped. If the reactive owner that it was made under is
/// cleaned up before, it stays and no longer changes.
pub struct Mounted {
    state: AnyViewState,
    owner: Owner,
}

impl Mounted {
    /// Puts a view into an element: before one of its children, or after them all.
    pub fn new(
        owner: &Owner,
        parent: &Element,
        before: Option<&Node>,
        view: impl FnOnce() -> AnyView,
    ) -> Self {
        let owner = owner.with(Owner::new);
        let mut state = owner.with(|| untrack(|| view().build()));
        state.mount(parent, before);
        Self { state, owner }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.state.unmount();
        self.owner.cleanup();
    }
}
