//! All lists of this device, those that were archived apart from the others.

use leptos::prelude::*;

use super::devices::Devices;
use super::files::{OpenFile, SaveList};
use super::forget_list::ForgetList;
use super::keep_safe;
use super::limit_name;
use super::list_row::{ListMenu, ListRow, focus_name};
use super::open_link::OpenLink;
use super::places::{PlacesDialog, follow_rows};
use super::theme::ThemeChoice;
use super::this_device::ThisDevice;
use super::transfer::TransferDialog;
use crate::focus;
use crate::mounted::{Mounted, Place};
use crate::opened::Opened;
use crate::places::Offers;
use crate::session::{Command, ListSummary, SessionSlot};

const NEW_LIST: &str = "New list";

pub fn contents(
    place: &Place,
    session: SessionSlot,
    opened: Opened,
    drawer: RwSignal<bool>,
) -> Mounted {
    limit_name();
    place.mount(|| {
        let menu = ListMenu {
            session,
            opened,
            drawer,
            open: RwSignal::new(None),
            leaving: RwSignal::new(None),
            renaming: RwSignal::new(None),
            saving: RwSignal::new(false),
            placing: RwSignal::new(false),
            sending: RwSignal::new(false),
        };
        let offers = Offers::follow(session, opened);
        follow_rows(offers, session.access());
        focus_name(menu);
        let create = move |_| {
            drawer.set(false);
            session.ask(Command::Create { name: NEW_LIST.to_owned(), todos: Vec::new() });
        };
        tell_open(session, opened);
        keep_safe::offer(session);
        view! {
            <ListRows menu archived=false />
            <button
                type="button"
                data-action="new-list"
                disabled=move || session.get().is_none()
                on:click=create
            >
                {NEW_LIST}
            </button>
            <OpenLink session drawer />
            <OpenFile session drawer />
            <Devices session />
            <ThisDevice session />
            <details class="archived" hidden=move || session.lists(true).is_empty()>
                <summary>"Archived lists"</summary>
                <ListRows menu archived=true />
            </details>
            <ThemeChoice session />
            <ForgetList session leaving=menu.leaving />
            <SaveList session opened saving=menu.saving />
            <PlacesDialog session opened offers placing=menu.placing />
            <TransferDialog session opened sending=menu.sending />
        }
    })
}

#[component]
fn ListRows(menu: ListMenu, archived: bool) -> impl IntoView {
    let session = menu.session;
    view! {
        <ul role="list">
            // A link that is followed keeps the focus: its row stays, whatever is said of the list.
            <For
                each=move || {
                    focus::hold();
                    session.lists(archived)
                }
                key=|list| list.id.clone()
                children=move |list| {
                    let (id, first) = (list.id.clone(), list.clone());
                    let list = Memo::new(move |_| {
                        session.list(&id).unwrap_or_else(|| first.clone())
                    });
                    view! { <ListRow list menu /> }
                }
            />
        </ul>
    }
}

/// The list on the screen is counted here: all its todos are.
fn tell_open(session: SessionSlot, opened: Opened) {
    Effect::new(move || {
        let todos = opened.todos();
        let Some(list) = session.current(|list| list.id.clone()) else { return };
        if todos.ready.get() {
            session.ask(Command::Counted { list, open: todos.active_count.get() });
        }
    });
}

impl SessionSlot {
    /// The lists, or those that were archived.
    fn lists(self, archived: bool) -> Vec<ListSummary> {
        let Some(session) = self.get() else { return Vec::new() };
        let mut lists = session.lists().get();
        lists.retain(|list| list.is_archived == archived);
        lists
    }

    fn list(self, id: &str) -> Option<ListSummary> {
        let session = self.get()?;
        session.lists().with(|lists| lists.iter().find(|list| list.id == id).cloned())
    }
}
