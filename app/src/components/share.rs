//! Links that invite others to the list.

use std::time::Duration;

use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::keys::Role;
use wasm_bindgen_futures::JsFuture;

use crate::focus;
use crate::later::Later;
use crate::mounted::{Mounted, Place};
use crate::session::SessionSlot;

const THANKS: Duration = Duration::from_secs(4);

const COPY: &str = "Copy link";
const COPY_VIEW_ONLY: &str = "Copy view-only link";

/// The place for it, as it looks before there is a link.
#[component]
pub fn Share(session: SessionSlot, later: Later) -> impl IntoView {
    let fill = later.fills(move |parts, place| (parts.share)(place, session));
    view! {
        <div class="share" use:fill>
            <button type="button" disabled="">
                <span>{COPY}</span>
            </button>
            <button type="button" disabled="">
                <span>{COPY_VIEW_ONLY}</span>
            </button>
        </div>
    }
}

pub fn contents(place: &Place, session: SessionSlot) -> Mounted {
    place.mount(|| {
        // A link that could not be written to the clipboard, for the user to copy.
        let by_hand = RwSignal::new(None::<String>);
        let list = Memo::new(move |_| session.current(|list| list.id.clone()));
        Effect::new(move || {
            list.track();
            by_hand.set(None);
        });
        view! {
            <CopyLink session by_hand role=Role::Editor action="copy-link" label=COPY />
            <CopyLink
                session
                by_hand
                role=Role::Viewer
                action="copy-viewer-link"
                label=COPY_VIEW_ONLY
            />
            {move || by_hand.get().map(|link| view! { <LinkField link by_hand /> })}
        }
    })
}

/// A button that copies the link of a role. Hidden if this device doesn't have that link.
#[component]
fn CopyLink(
    session: SessionSlot,
    by_hand: RwSignal<Option<String>>,
    role: Role,
    action: &'static str,
    label: &'static str,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let link = move || {
        session.current(|_| ())?;
        session.get()?.share_link(role)
    };
    let is_missing = move || session.get().is_some() && link().is_none();
    let copy = move |_| {
        let Some(link) = untrack(link) else { return };
        spawn_local(async move {
            if to_clipboard(&link).await {
                by_hand.try_set(None);
                copied.try_set(true);
                let forget = move || {
                    copied.try_set(false);
                };
                set_timeout(forget, THANKS);
            } else {
                by_hand.try_set(Some(link));
            }
        });
    };

    view! {
        <button
            type="button"
            data-action=action
            disabled=move || link().is_none()
            hidden=is_missing
            on:click=copy
        >
            <span aria-live="polite">
                {move || if copied.get() { "Link copied" } else { label }}
            </span>
        </button>
    }
}

#[component]
fn LinkField(link: String, by_hand: RwSignal<Option<String>>) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            focus::to(&field);
            field.select();
        }
    });
    view! {
        <div class="by-hand">
            <label for="share-link">"Copy this link and send it:"</label>
            <input id="share-link" node_ref=field type="text" readonly prop:value=link />
            <button type="button" on:click=move |_| by_hand.set(None)>
                "Done"
            </button>
        </div>
    }
}

pub(super) async fn to_clipboard(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Pages that were loaded over plain HTTP have no clipboard.
    !clipboard.is_undefined() && JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
