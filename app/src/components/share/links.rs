//! Links that let in everybody who has them, and new ones in their place.

use leptos::prelude::*;
use settee::keys::Role;
use settee_todo::access::AccessChange;

use super::helpers::HelpersAdd;
use super::link::LinkButtons;
use super::{Parts, allows};
use crate::sharing::owner_link;

#[component]
pub fn Links(parts: Parts) -> impl IntoView {
    let Parts { sharing, keys, .. } = parts;
    let link = move |role| {
        Memo::new(move |_| keys.with_value(|keys| sharing.with(|it| it.link(keys, role))))
    };
    let [editor, helper, viewer] = [Role::Editor, Role::Helper, Role::Viewer].map(link);
    let is_invited = move || keys.with_value(|keys| sharing.with(|it| it.is_invited(keys)));
    let has_links = move || viewer.with(Option::is_some);
    view! {
        <p hidden=move || !has_links()>
            "Whoever has one of these links can join with it, without signing up."
        </p>
        <p hidden=move || !is_invited()>
            "Your link to this list is personal. To bring in somebody else, ask whoever invited you."
        </p>
        <ul class="links" role="list">
            <LinkRow parts link=editor role=Role::Editor action="copy-link" />
            <LinkRow parts link=helper role=Role::Helper action="copy-helper-link" />
            <LinkRow parts link=viewer role=Role::Viewer action="copy-viewer-link" />
        </ul>
        {parts.is_owner().then(|| view! { <HelpersAdd parts /> <Renew parts /> <Owner parts /> })}
    }
}

#[component]
fn LinkRow(
    parts: Parts,
    link: Memo<Option<String>>,
    role: Role,
    action: &'static str,
) -> impl IntoView {
    let name = format!("Everybody with this link {}", allows(role));
    view! {
        <li hidden=move || link.with(Option::is_none)>
            <span class="what">{name.clone()}</span>
            <LinkButtons link name action code=parts.code />
        </li>
    }
}

/// What makes somebody an owner is kept in this browser alone, which may lose it.
#[component]
fn Owner(parts: Parts) -> impl IntoView {
    let link = Memo::new(move |_| parts.keys.with_value(owner_link));
    view! {
        <details class="further">
            <summary>"Use it on another device of yours, or keep a spare key"</summary>
            <p>
                "Whoever has this link owns the list as you do, and that can’t be undone. Open it on your other devices, "
                "or keep it in a safe place: if this browser loses its storage, only this link brings your rights back."
            </p>
            <LinkButtons
                link
                name="Owner’s link".to_owned()
                action="copy-owner-link"
                code=parts.code
            />
        </details>
    }
}

#[component]
fn Renew(parts: Parts) -> impl IntoView {
    let done = "The links are new. The old ones stop working as soon as this device is online.";
    let renew = move |_| parts.write(AccessChange::Renew, done.to_owned());
    view! {
        <details class="further">
            <summary>"Has somebody got a link who shouldn’t have it?"</summary>
            <p>
                "You can make new links in place of these. Everybody who joined with an old one needs a new one then. "
                "Personal links stay as they are."
            </p>
            <button type="button" data-action="renew-links" on:click=renew>
                "Make new links"
            </button>
        </details>
    }
}
