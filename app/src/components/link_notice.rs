//! What there is to say of the link that the page was opened with.

use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::LinkState;

use super::share::to_clipboard;
use crate::focus;
use crate::session::SessionSlot;

#[component]
pub fn LinkNotice(session: SessionSlot) -> impl IntoView {
    let state = Memo::new(move |_| session.get().map_or(LinkState::Good, |it| it.link().get()));
    view! {
        <div class="problems" role="alert">
            {move || match state.get() {
                LinkState::Good => None,
                LinkState::Broken => {
                    let text = "This link is incomplete. Copy it again as a whole, or ask for it once more.";
                    Some(view! { <p data-link="broken">{text}</p> }.into_any())
                }
                LinkState::NotKept(link) => Some(view! { <LinkToKeep link /> }.into_any()),
            }}
        </div>
    }
}

#[component]
fn LinkToKeep(link: String) -> impl IntoView {
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
            "This device can’t keep the link to this list. Copy it before you close the page: "
            <input node_ref=field type="text" readonly aria-label="Link to this list" prop:value=link />
            " "
            <button type="button" data-action="copy-unkept-link" on:click=copy>
                {move || if copied.get() { "Copied" } else { "Copy link" }}
            </button>
        </p>
    }
}
