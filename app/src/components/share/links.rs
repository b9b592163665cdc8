//! Links that let in everybody who has them, and new ones in their place.

use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::keys::{Keyring, Role};
use settee::store::Database;

use super::code::Shown;
use super::link::LinkButtons;
use crate::sharing::{Sharing, renew};

#[component]
pub fn Links(
    list: Database,
    sharing: RwSignal<Sharing>,
    keys: StoredValue<Keyring>,
    code: RwSignal<Option<Shown>>,
) -> impl IntoView {
    let link = move |role| {
        Memo::new(move |_| keys.with_value(|keys| sharing.with(|it| it.link(keys, role))))
    };
    let (editor, viewer) = (link(Role::Editor), link(Role::Viewer));
    let is_nobody = move || editor.with(Option::is_none) && viewer.with(Option::is_none);
    let is_owner = keys.with_value(|keys| keys.owner().is_some());
    view! {
        <p hidden=is_nobody>"Whoever has a link gets in with it, without signing up."</p>
        <p hidden=move || !is_nobody()>
            "You were invited alone, and your link is for you. To bring in somebody else, ask whoever invited you."
        </p>
        <ul class="links">
            <LinkRow text="To change it" link=editor action="copy-link" code />
            <LinkRow text="Only to look" link=viewer action="copy-viewer-link" code />
        </ul>
        {is_owner.then(|| view! { <Renew list sharing keys /> })}
    }
}

#[component]
fn LinkRow(
    text: &'static str,
    link: Memo<Option<String>>,
    action: &'static str,
    code: RwSignal<Option<Shown>>,
) -> impl IntoView {
    view! {
        <li hidden=move || link.with(Option::is_none)>
            <span class="what">{text}</span>
            <LinkButtons link=link name=text.to_owned() action code />
        </li>
    }
}

#[component]
fn Renew(list: Database, sharing: RwSignal<Sharing>, keys: StoredValue<Keyring>) -> impl IntoView {
    let said = RwSignal::new("");
    let renewed = move |_| {
        let Some(owner) = keys.with_value(|keys| keys.owner().cloned()) else { return };
        let (list, epoch) = (list.clone(), sharing.with_untracked(|sharing| sharing.epoch));
        spawn_local(async move {
            let is_saved = renew(&list, &owner, epoch).await.is_ok();
            said.try_set(if is_saved {
                "The links are new. Those before open nothing any more, as soon as you’re online."
            } else {
                "This can’t be saved on this device. The links are as they were."
            });
        });
    };
    view! {
        <details class="renew">
            <summary>"Has a link come into wrong hands?"</summary>
            <p>
                "New links take the place of these. Everybody who came in by one of them is out then, and needs a "
                "new one. People with an invitation of their own stay."
            </p>
            <button type="button" data-action="renew-links" on:click=renewed>
                "Make new links"
            </button>
            <p role="status">{said}</p>
        </details>
    }
}
