//! The name of the list on the screen, which can be edited in place.

use leptos::html::Input;
use leptos::prelude::*;

use crate::session::{Access, Command, SessionSlot};
use crate::{focus, keys};

#[component]
pub fn ListName(session: SessionSlot, access: Memo<Access>) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    let name = Memo::new(move |_| session.current(|list| list.name.clone()).unwrap_or_default());
    // A name that others have changed doesn't replace text that is being typed.
    Effect::new(move || {
        let name = name.get();
        if let Some(field) = field.get()
            && !focus::holds_focus(&field)
        {
            field.set_value(&name);
        }
    });
    let save = move || {
        let Some(field) = field.get_untracked() else { return };
        let (before, after) = (name.get_untracked(), field.value().trim().to_owned());
        if after.is_empty() || after == before {
            field.set_value(&before);
        } else if let Some(list) = untrack(|| session.current(|list| list.id.clone())) {
            session.ask(Command::Rename { list, name: after });
        }
    };
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
            maxlength="200"
            dir="auto"
            hidden=move || matches!(access.get(), Access::Loading | Access::Unknown)
            readonly=move || access.get() == Access::Read
            on:blur=move |_| save()
            on:keydown=move |event| {
                if keys::is_enter(&event) {
                    leave();
                } else if keys::is_key(&event, "Escape") {
                    if let Some(field) = field.get_untracked() {
                        field.set_value(&name.get_untracked());
                    }
                    leave();
                }
            }
        />
    }
}
