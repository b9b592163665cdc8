//! People with an invitation of their own.

use leptos::ev::SubmitEvent;
use leptos::html::{Input, Select};
use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::keys::{Keyring, Role};
use settee::store::Database;

use super::allows;
use super::code::Shown;
use super::link::LinkButtons;
use crate::sharing::{Person, Sharing, invite, revoke};

const NOT_SAVED: &str = "This can’t be saved on this device.";

#[component]
pub fn People(
    list: Database,
    sharing: RwSignal<Sharing>,
    keys: StoredValue<Keyring>,
    code: RwSignal<Option<Shown>>,
) -> impl IntoView {
    let said = RwSignal::new(String::new());
    let (name, role) = (NodeRef::<Input>::new(), NodeRef::<Select>::new());
    let list = StoredValue::new_local(list);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some((field, role)) = name.get_untracked().zip(role.get_untracked()) else { return };
        let Some(owner) = keys.with_value(|keys| keys.owner().cloned()) else { return };
        let (name, role) = (field.value().trim().to_owned(), role.value());
        let role = role.parse().unwrap_or(Role::Viewer);
        if name.is_empty() {
            return;
        }
        spawn_local(async move {
            let invited = invite(&list.get_value(), &owner, role, &name).await;
            said.try_set(match invited {
                Ok(()) => {
                    field.set_value("");
                    format!("Now send {name} the link.")
                }
                Err(_) => NOT_SAVED.to_owned(),
            });
        });
    };
    let people = move || sharing.with(|sharing| sharing.people.clone());
    view! {
        <h3 id="people-title">"People with a link of their own"</h3>
        <ul class="people" aria-labelledby="people-title">
            <For
                each=people
                key=|person| (person.id.clone(), person.invitation.revoked)
                children=move |person| view! { <PersonRow list person keys code said /> }
            />
        </ul>
        <form class="invite" on:submit=submit>
            <label for="invite-name">"Invite one person, whom you can take out again"</label>
            <input
                id="invite-name"
                node_ref=name
                type="text"
                placeholder="Name"
                required
                maxlength="60"
                autocomplete="off"
                dir="auto"
            />
            <select node_ref=role aria-label="What they can do">
                <option value=Role::Editor.name()>{allows(Role::Editor)}</option>
                <option value=Role::Viewer.name()>{allows(Role::Viewer)}</option>
            </select>
            <button type="submit" data-action="invite">
                "Invite"
            </button>
        </form>
        <p role="status">{said}</p>
    }
}

#[component]
fn PersonRow(
    list: StoredValue<Database, LocalStorage>,
    person: Person,
    keys: StoredValue<Keyring>,
    code: RwSignal<Option<Shown>>,
    said: RwSignal<String>,
) -> impl IntoView {
    let link = keys.with_value(|keys| person.link(keys)).filter(|_| !person.invitation.revoked);
    let name = person.invitation.label.clone();
    let is_revoked = person.invitation.revoked;
    let state = if is_revoked { "is out" } else { allows(person.invitation.role) };
    let is_asking = RwSignal::new(false);
    let person = StoredValue::new(person);
    let take_out = move |_| {
        code.set(None);
        spawn_local(async move {
            let person = person.get_value();
            said.try_set(match revoke(&list.get_value(), &person).await {
                Ok(()) => format!("{} is out, as soon as you’re online.", person.invitation.label),
                Err(_) => NOT_SAVED.to_owned(),
            });
        });
    };
    view! {
        <li>
            <span class="what">
                <bdi>{name.clone()}</bdi>
                " "
                <span class="state">{state}</span>
            </span>
            {link
                .map(|link| {
                    let link = Signal::stored(Some(link));
                    view! {
                        <LinkButtons link name=name.clone() action="copy-invitation" code />
                        <button
                            type="button"
                            data-action="take-out"
                            hidden=move || is_asking.get()
                            on:click=move |_| is_asking.set(true)
                        >
                            "Take out"
                            <span class="only-read">" " {name.clone()}</span>
                        </button>
                        <span class="ask" hidden=move || !is_asking.get()>
                            "What is on their device stays there. "
                            <button type="button" data-action="confirm-take-out" class="bad" on:click=take_out>
                                "Take out"
                            </button>
                            <button type="button" on:click=move |_| is_asking.set(false)>
                                "Keep"
                            </button>
                        </span>
                    }
                })}
        </li>
    }
}
