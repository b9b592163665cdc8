//! Sharing the list: a button, and a dialog with the links and the people.

use leptos::html::Dialog;
use leptos::prelude::*;
use settee::keys::{Keyring, Role};
use settee::store::Database;

use crate::later::Later;
use crate::mounted::{Mounted, Place};
use crate::session::SessionSlot;
use crate::sharing::Sharing;

mod code;
mod link;
mod links;
mod people;

pub use link::to_clipboard;

const SHARE: &str = "Share";

/// The place for it, as it looks before there is a link.
#[component]
pub fn Share(session: SessionSlot, later: Later) -> impl IntoView {
    let fill = later.fills(move |parts, place| (parts.share)(place, session));
    view! {
        <div class="share" use:fill>
            <button type="button" disabled="">
                {SHARE}
            </button>
        </div>
    }
}

pub fn contents(place: &Place, session: SessionSlot) -> Mounted {
    place.mount(|| {
        let dialog = NodeRef::<Dialog>::new();
        let shared = RwSignal::new_local(None::<Shared>);
        let is_there = move || session.current(|_| ()).is_some();
        let list = Memo::new(move |_| session.current(|list| list.id.clone()));
        Effect::new(move || {
            list.track();
            shared.set(None);
        });
        Effect::new(move || {
            let Some(dialog) = dialog.get() else { return };
            if shared.with(Option::is_some) {
                // It fails if it is open already.
                let _ = dialog.show_modal();
            } else {
                dialog.close();
            }
        });
        let open = move |_| shared.set(untrack(|| Shared::now(session)));
        view! {
            <button
                type="button"
                data-action="share"
                aria-haspopup="dialog"
                disabled=move || !is_there()
                on:click=open
            >
                {SHARE}
            </button>
            <dialog
                node_ref=dialog
                class="sharing"
                aria-labelledby="share-title"
                on:close=move |_| shared.set(None)
            >
                {move || {
                    shared.get().map(|it| view! { <Contents shared=it on_done=move || shared.set(None) /> })
                }}
            </dialog>
        }
    })
}

/// The list that is being shared.
#[derive(Clone)]
struct Shared {
    name: String,
    list: Database,
    keys: Keyring,
}

impl Shared {
    fn now(session: SessionSlot) -> Option<Self> {
        let keys = session.get()?.keys()?;
        session.current(|list| Self { name: list.name.clone(), list: list.database.clone(), keys })
    }
}

#[component]
fn Contents(shared: Shared, on_done: impl Fn() + 'static) -> impl IntoView {
    let Shared { name, list, keys } = shared;
    let sharing = Sharing::follow(list.clone());
    let keys = StoredValue::new(keys);
    let code = RwSignal::new(None);
    let is_owner = keys.with_value(|keys| keys.owner().is_some());
    view! {
        <h2 id="share-title">
            "Share "
            {if name.is_empty() { "this list".to_owned() } else { format!("“{name}”") }}
        </h2>
        <links::Links list=list.clone() sharing keys code />
        {is_owner.then(|| view! { <people::People list sharing keys code /> })}
        <code::Code code />
        <div class="choices">
            <button type="button" data-action="close-share" on:click=move |_| on_done()>
                "Done"
            </button>
        </div>
    }
}

/// What a role allows, as a choice for others.
fn allows(role: Role) -> &'static str {
    match role {
        Role::Viewer => "can look",
        _ => "can change it",
    }
}
