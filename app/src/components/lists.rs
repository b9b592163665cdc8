//! The place for the lists of this device: a side bar, or on phones a drawer.

use leptos::prelude::*;
use leptos::web_sys::FocusEvent;

use crate::later::Later;
use crate::opened::Opened;
use crate::session::SessionSlot;
use crate::{focus, keys};

#[component]
pub fn ListsButton(drawer: RwSignal<bool>) -> impl IntoView {
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
pub fn Lists(
    session: SessionSlot,
    opened: Opened,
    later: Later,
    drawer: RwSignal<bool>,
) -> impl IntoView {
    Effect::new(move || {
        if drawer.get() {
            focus::to_first(".lists");
        }
    });
    let fill = later.fills(move |parts, place| (parts.lists)(place, session, opened, drawer));
    let left = move |event: FocusEvent| {
        if focus::leaves(&event) {
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
