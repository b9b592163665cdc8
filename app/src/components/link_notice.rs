//! What there is to say of the link that the page was opened with.

use leptos::either::EitherOf4;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::LinkState;
use settee::keys::{Role, access::invitation_id};

use super::share::to_clipboard;
use crate::focus;
use crate::mounted::{Mounted, Place};
use crate::records::follow_records;
use crate::session::{Command, CurrentList, SessionSlot, quoted};
use crate::settings;
use crate::sharing::invitation_in;
use crate::status::StatusKind;

/// What to do about a link that was cut.
pub const INCOMPLETE: &str =
    "This link is incomplete. Copy it again as a whole, or ask for it once more.";

pub fn contents(place: &Place, session: SessionSlot) -> Mounted {
    place.mount(|| {
        let state = Memo::new(move |_| session.get().map_or(LinkState::Good, |it| it.link().get()));
        move || match state.get() {
            LinkState::Good => None,
            LinkState::Joined(id) => {
                let id = id.to_string();
                Some(EitherOf4::C(view! { <Joined session id /> }))
            }
            LinkState::JoinedHome => Some(EitherOf4::D(view! { <JoinedHome /> })),
            LinkState::Broken => {
                Some(EitherOf4::A(view! { <p data-link="broken">{INCOMPLETE}</p> }))
            }
            LinkState::NotKept(link) => {
                let name = "link to this list";
                Some(EitherOf4::B(view! { <LinkToKeep link name /> }))
            }
            LinkState::HomeNotKept(link) => {
                let name = "link that brings all your lists";
                Some(EitherOf4::B(view! { <LinkToKeep link name /> }))
            }
            LinkState::PermitNotKept(link) => {
                let name = "link that lets you bring lists to this server";
                Some(EitherOf4::B(view! { <LinkToKeep link name /> }))
            }
        }
    })
}

/// What has happened, for whoever has opened a link: nobody was asked before.
#[component]
fn Joined(session: SessionSlot, id: String) -> impl IntoView {
    let is_over = RwSignal::new(false);
    let id = StoredValue::new(id);
    let is_shown = Memo::new(move |_| {
        let is_current = session.current(|list| id.with_value(|id| list.id == *id)) == Some(true);
        let is_denied = session.status().with(|status| status.kind == StatusKind::Denied);
        is_current && !is_denied && !is_over.get()
    });
    let host = host_of(session, is_shown);
    let text = move || host.with(|host| session.current(|list| what_happened(list, host)));
    // What wasn't sent would be lost: the list's own menu says so first.
    let is_lossless = move || {
        let lists = session.get()?.lists().get();
        let list = lists.iter().find(|list| id.with_value(|id| list.id == *id))?;
        (list.waiting == 0).then_some(())
    };
    let leave = move |_| session.ask(Command::Decline { list: id.get_value() });
    view! {
        <p data-link="joined" hidden=move || !is_shown.get()>
            {text}
            " "
            <button type="button" data-action="dismiss-joined" on:click=move |_| is_over.set(true)>
                "OK"
            </button>
            " "
            <button
                type="button"
                data-action="leave-joined"
                hidden=move || is_lossless().is_none()
                on:click=leave
            >
                "Don’t keep it"
            </button>
        </p>
    }
}

/// What has happened to a device that shares a person's lists now.
#[component]
fn JoinedHome() -> impl IntoView {
    settings::keep_safe();
    let is_over = RwSignal::new(false);
    view! {
        <p data-link="joined-home" hidden=move || is_over.get()>
            "This device shares your lists with your other devices now. They come as soon as it is online. "
            <button type="button" data-action="dismiss-joined" on:click=move |_| is_over.set(true)>
                "OK"
            </button>
        </p>
    }
}

/// Who has invited this device to the list that it has joined, if they have said.
fn host_of(session: SessionSlot, is_shown: Memo<bool>) -> RwSignal<String> {
    let host = RwSignal::new(String::new());
    Effect::new(move || {
        let list = is_shown.get().then(|| {
            untrack(|| session.current(|list| (list.database.clone(), list.keys.clone())))
        });
        let Some((database, keys)) = list.flatten() else { return };
        let own = keys.best().map(invitation_id);
        follow_records(database, invitation_in, move |invitations, _| {
            let mine = invitations.into_iter().find(|it| Some(&it.id) == own.as_ref());
            if let Some(mine) = mine {
                host.try_set(mine.invitation.from);
            }
        });
    });
    host
}

fn what_happened(list: &CurrentList, host: &str) -> String {
    let name = quoted(&list.name);
    let role = match list.role {
        Some(Role::Viewer) => ", and can look at it",
        Some(Role::Helper) => ", and can tick todos",
        Some(Role::Editor) => ", and can change it",
        _ => "",
    };
    let joined = if host.is_empty() {
        format!("You have joined {name}")
    } else {
        format!("\u{2068}{host}\u{2069} has invited you to {name}. You have joined it")
    };
    format!("{joined}{role}. It is among your lists now.")
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
