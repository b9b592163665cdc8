//! The name of the list on the screen, which can be edited in place.

use leptos::html::Input;
use leptos::prelude::*;
use settee_todo::limits::NAME_PATTERN;

use crate::session::{Access, Command, SessionSlot};
use crate::{focus, keys};

#[component]
pub fn ListName(session: SessionSlot, access: Memo<Access>) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    // The list that the field's text is of, and the name that it was last filled with.
    let (list, filled) = (RwSignal::new(None::<String>), RwSignal::new(None::<String>));
    let name = move || session.current(|list| list.name.clone()).unwrap_or_default();
    let save = move || {
        let Some(field) = field.get_untracked() else { return };
        // The browser says so, and the text stays to be shortened.
        if !field.report_validity() {
            return;
        }
        let (before, after) = (filled.get_untracked(), field.value().trim().to_owned());
        let is_new = !after.is_empty() && before.as_ref() != Some(&after);
        match list.get_untracked().filter(|_| is_new) {
            Some(list) => {
                filled.set(Some(after.clone()));
                session.ask(Command::Rename { list, name: after });
            }
            None => field.set_value(&untrack(name)),
        }
    };
    // A name that others have changed doesn't replace text that is being typed. When another list comes,
    // what is typed is still the name of the one before.
    Effect::new(move || {
        let (now, name) = (session.current(|list| list.id.clone()), name());
        let Some(element) = field.get() else { return };
        let is_other = list.get_untracked() != now;
        if is_other {
            save();
            list.set(now);
        }
        if is_other || !focus::holds_focus(&element) {
            element.set_value(&name);
            filled.set(Some(name));
        }
    });
    let leave = move || {
        if let Some(field) = field.get_untracked() {
            let _ = field.blur();
        }
    };

    view! {
        <input
            node_ref=field
            class="list-name"
            type="text"
            aria-label="Name of this list"
            autocomplete="off"
            enterkeyhint="done"
            dir="auto"
            hidden=move || matches!(access.get(), Access::Loading | Access::Unknown)
            readonly=move || access.get() != Access::Write
            on:blur=move |_| save()
            on:keydown=move |event| {
                if keys::is_enter(&event) {
                    leave();
                } else if keys::is_key(&event, "Escape") {
                    if let Some(field) = field.get_untracked() {
                        field.set_value(&untrack(name));
                    }
                    leave();
                }
            }
        />
    }
}

/// Limits the field. The code for that comes later, and the server has the same limit.
pub fn limit_name() {
    if let Ok(Some(field)) = document().query_selector(".list-name") {
        // They fail on names of attributes that are none.
        let _ = field.set_attribute("pattern", NAME_PATTERN);
        let _ = field.set_attribute("title", "At most 1,024 characters");
    }
}
