//! People with a personal link.

use leptos::ev::SubmitEvent;
use leptos::html::{Button, Input, Select};
use leptos::prelude::*;
use settee::keys::Role;
use settee_todo::access::AccessChange;
use settee_todo::limits::PERSON_PATTERN;

use super::link::LinkButtons;
use super::{Parts, allows};
use crate::focus;
use crate::settings;
use crate::sharing::Person;

#[component]
pub fn People(parts: Parts) -> impl IntoView {
    let (name, role) = (NodeRef::<Input>::new(), NodeRef::<Select>::new());
    let invite = move |event: SubmitEvent| {
        event.prevent_default();
        let Some((field, role)) = name.get_untracked().zip(role.get_untracked()) else { return };
        let name = field.value().trim().to_owned();
        if name.is_empty() {
            return;
        }
        // A second press has nothing to invite.
        field.set_value("");
        let done = format!("Now send \u{2068}{name}\u{2069} the link.");
        let role = role.value().parse().unwrap_or(Role::Viewer);
        parts.write(AccessChange::Invite { role, name, from: settings::name() }, done);
    };
    let people = move || parts.sharing.with(|sharing| sharing.people.clone());
    view! {
        <h3 id="people-title" tabindex="-1">
            "Personal links"
        </h3>
        <ul class="people" role="list" aria-labelledby="people-title">
            <For
                each=people
                key=|person| (person.id.clone(), person.invitation.revoked)
                children=move |person| view! { <PersonRow parts person /> }
            />
        </ul>
        <form class="invite" on:submit=invite>
            <label for="invite-name">
                "Invite one person, whose access you can remove later. Everybody on the list can see the name."
            </label>
            <input
                id="invite-name"
                node_ref=name
                type="text"
                placeholder="Name"
                required
                pattern=PERSON_PATTERN
                title="At most 60 characters"
                autocomplete="off"
                dir="auto"
            />
            <select node_ref=role aria-label="What they can do">
                {[Role::Editor, Role::Helper, Role::Viewer]
                    .map(|role| view! { <option value=role.name()>{allows(role)}</option> })}
            </select>
            <button type="submit" data-action="invite">
                "Invite"
            </button>
        </form>
    }
}

#[component]
fn PersonRow(parts: Parts, person: Person) -> impl IntoView {
    let link = parts.keys.with_value(|keys| person.link(keys));
    let Person { id, invitation } = person;
    let (name, is_revoked) = (invitation.label, invitation.revoked);
    let state = if is_revoked { "has no access any more" } else { allows(invitation.role) };
    let (id, whose) = (StoredValue::new(id), StoredValue::new(name.clone()));
    let (remove, keep) = (NodeRef::<Button>::new(), NodeRef::<Button>::new());
    let is_asking = RwSignal::new(false);
    let ask = move |asks, button: NodeRef<Button>| {
        is_asking.set(asks);
        if let Some(button) = button.get_untracked() {
            focus::to(&button);
        }
    };
    let revoke = move |_| {
        let name = whose.get_value();
        let done = format!("\u{2068}{name}\u{2069} loses access as soon as this device is online.");
        // The row becomes another one.
        focus::to_first("#people-title");
        parts.write(AccessChange::Revoke(id.get_value()), done);
    };
    view! {
        <li>
            <span class="what">
                <bdi>{name.clone()}</bdi>
                " "
                <span class="state">{state}</span>
            </span>
            {(!is_revoked)
                .then(|| {
                    let link = Memo::new(move |_| link.clone());
                    view! {
                        <LinkButtons link name=name.clone() action="copy-invitation" code=parts.code />
                        <button
                            node_ref=remove
                            type="button"
                            data-action="remove-access"
                            hidden=move || is_asking.get()
                            on:click=move |_| ask(true, keep)
                        >
                            "Remove access"
                            <span class="only-read">" of " <bdi>{name.clone()}</bdi></span>
                        </button>
                        <span class="ask" role="group" hidden=move || !is_asking.get()>
                            "Remove the access of " <bdi>{name.clone()}</bdi>
                            "? What is on their device stays there. "
                            <button type="button" data-action="confirm-remove-access" class="bad" on:click=revoke>
                                "Remove"
                            </button>
                            " "
                            <button node_ref=keep type="button" on:click=move |_| ask(false, remove)>
                                "Keep"
                            </button>
                        </span>
                    }
                })}
        </li>
    }
}
