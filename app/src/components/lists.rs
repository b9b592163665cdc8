//! The lists of this device, in a side bar or on phones in a drawer.

use leptos::html::Input;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{FocusEvent, Node};

use super::theme::ThemeChoice;
use crate::later::Later;
use crate::mounted::{Mounted, Place};
use crate::session::{Access, ListSummary, SessionSlot};
use crate::{focus, keys};

const NEW_LIST: &str = "New list";

#[component]
pub fn OpenLists(drawer: RwSignal<bool>) -> impl IntoView {
    // When the drawer is closed, the focus returns to its button.
    Effect::new(move |was_open: Option<bool>| {
        let open = drawer.get();
        if was_open == Some(true) && !open {
            focus::to_first(".menu");
        }
        open
    });
    view! {
        <button
            type="button"
            class="menu"
            data-action="open-lists"
            aria-label="Lists"
            aria-controls="lists"
            aria-expanded=move || drawer.get().to_string()
            on:click=move |_| drawer.update(|open| *open = !*open)
        ></button>
    }
}

#[component]
pub fn Lists(session: SessionSlot, later: Later, drawer: RwSignal<bool>) -> impl IntoView {
    Effect::new(move || {
        if drawer.get() {
            focus::to_first(".lists");
        }
    });
    let fill = later.fills(move |parts, place| (parts.lists)(place, session));
    let left = move |event: FocusEvent| {
        let nav = event.current_target().and_then(|it| it.dyn_into::<Node>().ok());
        let next = event.related_target().and_then(|it| it.dyn_into::<Node>().ok());
        if let (Some(nav), Some(next)) = (nav, next)
            && !nav.contains(Some(&next))
        {
            drawer.set(false);
        }
    };

    view! {
        <nav
            use:fill
            id="lists"
            class="lists"
            class:open=drawer
            aria-label="Lists"
            tabindex="-1"
            on:focusout=left
            on:keydown=move |event| {
                if keys::is_key(&event, "Escape") {
                    drawer.set(false);
                }
            }
        ></nav>
        <div class="backdrop" on:click=move |_| drawer.set(false)></div>
    }
}

pub fn contents(place: &Place, session: SessionSlot) -> Mounted {
    place.mount(|| {
        let lists = move || session.get().map_or_else(Vec::new, |session| session.lists().get());
        let create = move |_| {
            if let Some(session) = session.get_untracked() {
                session.create_list(NEW_LIST.to_owned());
            }
        };
        view! {
            <ul role="list">
                <For each=lists key=Clone::clone let(list)>
                    <ListLink list />
                </For>
            </ul>
            <button
                type="button"
                data-action="new-list"
                disabled=move || session.get().is_none()
                on:click=create
            >
                {NEW_LIST}
            </button>
            <ThemeChoice session />
        }
    })
}

#[component]
fn ListLink(list: ListSummary) -> impl IntoView {
    view! {
        <li>
            <a
                href=list.href
                rel="external"
                dir="auto"
                aria-current=list.current.then_some("page")
            >
                {list.name}
            </a>
        </li>
    }
}

/// The name of the current list, which can be edited in place.
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
        } else if let Some(session) = session.get_untracked() {
            session.rename_list(after);
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
