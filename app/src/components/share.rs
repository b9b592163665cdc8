//! Sharing the list: a button, and a dialog with the links and the people.

use leptos::html::Dialog;
use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::keys::{Keyring, Role};
use settee::store::Database;
use settee_todo::access::AccessChange;

use super::here::Here;
use crate::dialog;
use crate::later::Later;
use crate::mounted::{Mounted, Place};
use crate::opened::Opened;
use crate::session::{SessionSlot, quoted};
use crate::sharing::Sharing;
use crate::{presence, settings};

mod code;
mod helpers;
mod link;
mod links;
mod name;
mod notices;
mod people;

pub use code::Code;
pub use link::{LinkButtons, to_clipboard};
use name::YourName;
use notices::TellMe;

const SHARE: &str = "Share";
const NOT_SAVED: &str = "This can’t be saved on this device.";

/// The place for it, as it looks before there is a link.
#[component]
pub fn Share(session: SessionSlot, later: Later, opened: Opened) -> impl IntoView {
    let fill = later.fills(move |parts, place| (parts.share)(place, session, opened));
    view! {
        <div class="share" use:fill>
            <button type="button" disabled="">
                {SHARE}
            </button>
        </div>
    }
}

pub fn contents(place: &Place, session: SessionSlot, opened: Opened) -> Mounted {
    place.mount(|| {
        let dialog = NodeRef::<Dialog>::new();
        let shared = RwSignal::new_local(None::<Shared>);
        let can_share = move || session.current(|list| !list.is_revoked) == Some(true);
        // What the dialog is about: a list, and what may be done with it.
        let about = Memo::new(move |_| {
            session.current(|list| (list.id.clone(), list.role, list.is_revoked))
        });
        Effect::new(move || {
            about.track();
            // The device's storage may have been opened anew.
            session.get();
            shared.set(None);
        });
        dialog::follow(dialog, move || shared.with(Option::is_some));
        let open = move |_| shared.set(untrack(|| Shared::now(session)));
        let name = RwSignal::new(settings::name());
        helpers::follow(session);
        let people = presence::follow(session, opened, name);
        view! {
            <Here people />
            <button
                type="button"
                data-action="share"
                aria-haspopup="dialog"
                disabled=move || !can_share()
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
                {move || shared.get().map(|shared| contents_of(session, shared, name))}
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
        session.current(|list| Self {
            name: list.name.clone(),
            list: list.database.clone(),
            keys: list.keys.clone(),
        })
    }
}

fn contents_of(session: SessionSlot, shared: Shared, your_name: RwSignal<String>) -> impl IntoView {
    let Shared { name, list, keys } = shared;
    let id = keys.id().to_string();
    let sharing = Sharing::follow(list.clone());
    let said = RwSignal::new(String::new());
    let (list, keys) = (StoredValue::new_local(list), StoredValue::new(keys));
    let parts = Parts { list, keys, sharing, code: RwSignal::new(None), said };
    let is_owner = parts.is_owner();
    view! {
        <h2 id="share-title">
            "Share " <bdi>{quoted(&name)}</bdi>
        </h2>
        <links::Links parts />
        {is_owner.then(|| view! { <people::People parts /> })}
        <YourName session name=your_name />
        <TellMe session list=id said />
        <p role="status">{said}</p>
        <Code code=parts.code />
        <form method="dialog" class="choices">
            <button data-action="close-share">"Done"</button>
        </form>
    }
}

/// What the parts of the dialog work with.
#[derive(Clone, Copy)]
struct Parts {
    list: StoredValue<Database, LocalStorage>,
    keys: StoredValue<Keyring>,
    sharing: RwSignal<Sharing>,
    /// The link that is shown as a code.
    code: RwSignal<Option<code::Shown>>,
    /// What became of what was done last.
    said: RwSignal<String>,
}

impl Parts {
    fn is_owner(self) -> bool {
        self.keys.with_value(|keys| keys.owner().is_some())
    }

    /// Writes down what an owner says of access, and then says this.
    fn write(self, change: AccessChange, done: String) {
        let Some(owner) = self.keys.with_value(|keys| keys.owner().cloned()) else { return };
        let list = self.list.get_value();
        // A link that is shown may not be good any more. What is said twice is read aloud twice.
        self.code.set(None);
        self.said.set(String::new());
        spawn_local(async move {
            let is_saved = change.write(&list, &owner).await.is_ok();
            self.said.try_set(if is_saved { done } else { NOT_SAVED.to_owned() });
        });
    }
}

/// What a role allows.
fn allows(role: Role) -> &'static str {
    match role {
        Role::Viewer => "can view",
        Role::Helper => "can tick",
        _ => "can edit",
    }
}
