//! The link that lets others in.

use std::time::Duration;

use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use settee_todo::Role;
use wasm_bindgen_futures::JsFuture;

use crate::focus;
use crate::session::SessionSlot;

const THANKS: Duration = Duration::from_secs(4);

#[derive(Clone, PartialEq)]
enum Outcome {
    None,
    Copied,
    /// The browser keeps the clipboard to itself: people copy the link themselves.
    ByHand(String),
}

#[component]
pub fn Share(session: SessionSlot) -> impl IntoView {
    let outcome = RwSignal::new(Outcome::None);
    let link = move || {
        session.current(|_| ())?;
        let session = session.get()?;
        session.share_link(Role::Editor).or_else(|| session.share_link(Role::Viewer))
    };
    let copy = move |_| {
        let Some(link) = untrack(link) else { return };
        spawn_local(async move {
            if !to_clipboard(&link).await {
                outcome.try_set(Outcome::ByHand(link));
                return;
            }
            outcome.try_set(Outcome::Copied);
            let forget = move || {
                if outcome.try_get_untracked() == Some(Outcome::Copied) {
                    outcome.try_set(Outcome::None);
                }
            };
            set_timeout(forget, THANKS);
        });
    };
    let label = move || match outcome.get() {
        Outcome::Copied => "Link copied",
        Outcome::None | Outcome::ByHand(_) => "Copy link",
    };
    let by_hand = move || match outcome.get() {
        Outcome::ByHand(link) => Some(view! { <LinkField link outcome /> }),
        Outcome::None | Outcome::Copied => None,
    };

    view! {
        <div class="share">
            <button
                type="button"
                data-action="copy-link"
                disabled=move || link().is_none()
                on:click=copy
            >
                <span aria-live="polite">{label}</span>
            </button>
            {by_hand}
        </div>
    }
}

#[component]
fn LinkField(link: String, outcome: RwSignal<Outcome>) -> impl IntoView {
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
            <button type="button" on:click=move |_| outcome.set(Outcome::None)>
                "Done"
            </button>
        </div>
    }
}

async fn to_clipboard(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Pages that came over plain HTTP have none.
    !clipboard.is_undefined() && JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
