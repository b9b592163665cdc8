//! What there is to say of the link that the page was opened with.

use leptos::either::Either;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::LinkState;

use super::share::to_clipboard;
use crate::focus;
use crate::mounted::{Mounted, Place};
use crate::session::SessionSlot;

pub fn contents(place: &Place, session: SessionSlot) -> Mounted {
    place.mount(|| {
        let state = Memo::new(move |_| session.get().map_or(LinkState::Good, |it| it.link().get()));
        move || match state.get() {
            LinkState::Good => None,
            LinkState::Broken => {
                let text =
                    "This link is incomplete. Copy it again as a whole, or ask for it once more.";
                Some(Either::Left(view! { <p data-link="broken">{text}</p> }))
            }
            LinkState::NotKept(link) => {
                let name = "link to this list";
                Some(Either::Right(view! { <LinkToKeep link name /> }))
            }
            LinkState::PermitNotKept(link) => {
                let name = "link that lets you bring lists to this server";
                Some(Either::Right(view! { <LinkToKeep link name /> }))
            }
        }
    })
}

/// The name says what the link is for.
#[component]
fn LinkToKeep(link: String, name: &'static str) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    let copied = RwSignal::new(false);
    let text = StoredValue::new(link.clone());
    let copy = move |_| {
        spawn_local(async move {
            if to_clipboard(&text.get_value()).await {
                copied.try_set(true);
            } else if let Some(field) = field.try_get_untracked().flatten() {
                focus::to(&field);
                field.select();
            }
        });
    };
    view! {
        <p data-link="not-kept">
            {format!("This device can’t keep the {name}. Copy it before you close the page: ")}
            <input node_ref=field type="text" readonly aria-label=name prop:value=link />
            " "
            <button type="button" data-action="copy-unkept-link" on:click=copy>
                {move || if copied.get() { "Copied" } else { "Copy link" }}
            </button>
        </p>
    }
}
