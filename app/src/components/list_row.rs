//! One list among all: the link to it, what there is to tell of it, and what can be done with it.

use leptos::ev;
use leptos::html::{Button, Div};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{MouseEvent, Node};
use settee_todo::limits::{NAME_LIMIT, fits};

use crate::opened::Opened;
use crate::session::{Access, Command, ListSummary, SessionSlot};
use crate::{focus, keys};

/// What all rows share.
#[derive(Clone, Copy)]
pub struct ListMenu {
    pub session: SessionSlot,
    pub opened: Opened,
    pub drawer: RwSignal<bool>,
    /// The id of the list whose menu is open.
    pub open: RwSignal<Option<String>>,
    /// A list that somebody may want to remove.
    pub leaving: RwSignal<Option<ListSummary>>,
    /// The id of a list whose name is to be edited once it is on the screen.
    pub renaming: RwSignal<Option<String>>,
    /// Whether somebody is asked in which form the list on the screen is saved.
    pub saving: RwSignal<bool>,
    /// Whether somebody is asked how many people can take each of its todos.
    pub placing: RwSignal<bool>,
    /// Whether somebody is asked which of its todos go to another list.
    pub sending: RwSignal<bool>,
}

/// Moves the focus to the name of a list that is to be renamed, once it is on the screen.
pub fn focus_name(menu: ListMenu) {
    let current = Memo::new(move |_| menu.session.current(|list| list.id.clone()));
    Effect::new(move || {
        if menu.renaming.get().is_some_and(|list| current.get() == Some(list)) {
            menu.renaming.set(None);
            // Closing the drawer moves the focus before that.
            request_animation_frame(|| focus::to_first(".list-name"));
        }
    });
}

#[component]
pub fn ListRow(list: Memo<ListSummary>, menu: ListMenu) -> impl IntoView {
    let ListMenu { session, drawer, open, .. } = menu;
    let button = NodeRef::<Button>::new();
    let id = move || list.with(|list| list.id.clone());
    let is_open = Memo::new(move |_| open.with(|open| open.as_ref() == Some(&id())));
    let is_current =
        Memo::new(move |_| session.current(|current| current.id == id()) == Some(true));
    let go = move |event: MouseEvent| {
        // With a key, or with another button, browsers open another tab or window.
        let keys = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
        if let Some(session) = session.get_untracked().filter(|_| event.button() == 0 && !keys) {
            event.prevent_default();
            drawer.set(false);
            session.go_to(list.with_untracked(|list| list.href.clone()));
        }
    };
    let toggle = move |_| {
        let id = list.with_untracked(|list| list.id.clone());
        open.update(|open| *open = (open.as_ref() != Some(&id)).then_some(id));
    };
    let close = move || {
        open.set(None);
        if let Some(button) = button.get_untracked() {
            focus::to(&button);
        }
    };

    view! {
        <li on:focusout=move |event| {
            if is_open.get_untracked() && focus::leaves(&event) {
                open.set(None);
            }
        }>
            <a
                href=move || list.with(|list| list.href.clone())
                aria-current=move || is_current.get().then_some("page")
                on:click=go
            >
                <span class="name" dir="auto">
                    {move || list.with(|list| list.name.clone())}
                </span>
                {move || list.with(|list| news(list, is_current.get()))}
            </a>
            <button
                node_ref=button
                type="button"
                class="more"
                data-action="list-menu"
                aria-label=move || list.with(|list| format!("More about {}", list.name))
                aria-expanded=move || is_open.get().to_string()
                on:click=toggle
            ></button>
            <Show when=move || is_open.get()>
                <Menu list menu close />
            </Show>
        </li>
    }
}

/// What there is to tell of a list, for eyes and for screen readers.
fn news(list: &ListSummary, is_current: bool) -> impl IntoView + use<> {
    let mark = |sign: &'static str, text: String| {
        view! {
            <span class="mark">
                <span aria-hidden="true">{sign}</span>
                <span class="only-read">{text}</span>
            </span>
        }
    };
    let waiting = (list.waiting > 0).then(|| mark("↑", format!(", {} waiting", list.waiting)));
    let has_news = list.has_news && !is_current;
    let changed = has_news.then(|| mark("●", ", has news".to_owned()));
    let open = list.open.map(|open| {
        view! {
            <span class="count">
                <span aria-hidden="true">{open}</span>
                <span class="only-read">{format!(", {open} open")}</span>
            </span>
        }
    });
    (waiting, changed, open)
}

#[component]
fn Menu(
    list: Memo<ListSummary>,
    menu: ListMenu,
    close: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let ListMenu { session, opened, drawer, open, leaving, renaming, saving, placing, sending } =
        menu;
    let place = NodeRef::<Div>::new();
    Effect::new(move || {
        if let Some(first) = place.get().and_then(|place| place.first_element_child()) {
            focus::to(&first);
        }
    });
    let outside = window_event_listener(ev::pointerdown, move |event| {
        let row = place.get_untracked().and_then(|place| place.parent_element());
        let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
        if row.zip(target).is_some_and(|(row, target)| !row.contains(Some(&target))) {
            open.set(None);
        }
    });
    on_cleanup(move || outside.remove());
    let now = move || list.get_untracked();
    let rename = move |_| {
        close();
        drawer.set(false);
        renaming.set(Some(now().id));
        if let Some(session) = session.get_untracked() {
            session.go_to(now().href);
        }
    };
    let move_by_one = move |down: bool| {
        if let Some(before) = neighbour(session, &now(), down) {
            session.ask(Command::Move { list: now().id, before });
        }
    };
    let archive = move |_| {
        close();
        session.ask(Command::Archive { list: now().id, is_archived: !now().is_archived });
    };
    let copy = move |_| {
        close();
        drawer.set(false);
        let ListSummary { id: list, name, .. } = now();
        let copy = format!("{name} copy");
        let name = if fits(&copy, NAME_LIMIT) { copy } else { name };
        session.ask(Command::Copy { list, name, is_template: true });
    };
    let access = session.access();
    let is_shown =
        move || session.current(|shown| list.with(|list| list.id == shown.id)) == Some(true);
    // The dialog is among the lists, so these stay.
    let save = move |_| {
        close();
        saving.set(true);
    };
    let has_rows =
        move || is_shown() && opened.todos().ready.get() && opened.todos().total.get() > 0;
    let has_others =
        move || session.get().is_some_and(|it| it.lists().with(|lists| lists.len() > 1));
    let is_ticked = move || {
        is_shown()
            && matches!(access.get(), Access::Write | Access::Help)
            && opened.todos().completed_count.get() > 0
    };
    let set_places = move |_| {
        close();
        placing.set(true);
    };
    let send = move |_| {
        close();
        sending.set(true);
    };
    let untick = move |_| {
        close();
        drawer.set(false);
        untrack(|| opened.todos()).complete_all(false);
    };
    let leave = move |_| {
        close();
        session.ask(Command::Leave { list: now(), tell: leaving });
    };
    let is_archived = move || list.with(|list| list.is_archived);

    view! {
        <div
            node_ref=place
            class="list-menu"
            role="group"
            aria-label=move || list.with(|list| list.name.clone())
            on:keydown=move |event| {
                if keys::is_key(&event, "Escape") {
                    event.stop_propagation();
                    close();
                }
            }
        >
            <button type="button" data-action="rename-list" on:click=rename>
                "Rename"
            </button>
            <button type="button" data-action="list-up" on:click=move |_| move_by_one(false)>
                "Move up"
            </button>
            <button type="button" data-action="list-down" on:click=move |_| move_by_one(true)>
                "Move down"
            </button>
            <button type="button" data-action="copy-list" on:click=copy>
                "Copy as a new list"
            </button>
            <button
                type="button"
                data-action="set-places"
                hidden=move || access.get() != Access::Write || !has_rows()
                on:click=set_places
            >
                "How many can take it…"
            </button>
            <button
                type="button"
                data-action="transfer"
                hidden=move || !has_rows() || !has_others()
                on:click=send
            >
                "Move or copy todos…"
            </button>
            <button
                type="button"
                data-action="untick-all"
                hidden=move || !is_ticked()
                on:click=untick
            >
                "Untick all"
            </button>
            <button
                type="button"
                data-action="save-list"
                hidden=move || !has_rows()
                on:click=save
            >
                "Save as a file…"
            </button>
            <button type="button" data-action="archive-list" on:click=archive>
                {move || if is_archived() { "Bring back" } else { "Archive" }}
            </button>
            <button
                type="button"
                data-action="forget-list"
                hidden=move || list.with(ListSummary::is_first)
                on:click=leave
            >
                "Remove…"
            </button>
        </div>
    }
}

/// In front of which list another stands after it was moved by one place; nothing beyond the ends.
#[allow(clippy::option_option, reason = "the inner one is the end of all lists")]
fn neighbour(session: SessionSlot, list: &ListSummary, down: bool) -> Option<Option<String>> {
    let lists = session.get_untracked()?.lists().get_untracked();
    let group: Vec<&ListSummary> =
        lists.iter().filter(|other| other.is_archived == list.is_archived).collect();
    let at = group.iter().position(|other| other.id == list.id)?;
    if down {
        group.get(at + 1)?;
        Some(group.get(at + 2).map(|other| other.id.clone()))
    } else {
        Some(Some(group.get(at.checked_sub(1)?)?.id.clone()))
    }
}
