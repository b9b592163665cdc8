//! What may be done with the todos of a list.

use leptos::prelude::*;
use leptos::web_sys::{Element, HtmlInputElement};
use settee::store::DocumentId;

use crate::session::Access;
use crate::todos::Todos;

/// Follows what the list allows.
#[derive(Clone, Copy)]
pub struct Rights {
    pub todos: Todos,
    pub access: Memo<Access>,
}

impl Rights {
    /// Whether a todo may be changed and removed.
    pub fn may_edit(self, id: &DocumentId) -> bool {
        match self.access.get() {
            Access::Help => self.todos.is_own(id),
            access => access != Access::Read,
        }
    }

    /// Follows all that rows are marked by.
    pub fn track(self) {
        self.access.track();
        self.todos.track_tag();
    }

    /// Shows in a row what may be done with its todo now. The style sheet hides the rest.
    pub fn mark(self, item: &Element, toggle: &HtmlInputElement, id: &DocumentId) {
        toggle.set_disabled(self.access.get_untracked() == Access::Read);
        // It fails on names with a space alone.
        let _ = item.class_list().toggle_with_force("own", untrack(|| self.todos.is_own(id)));
    }
}
