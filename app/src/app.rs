//! The page as a whole.

use leptos::prelude::*;
use leptos::web_sys::Element;
use leptos::{ev, web_sys};
use settee::keys::{Role, link::has_secret};

use crate::components::{
    Footer, ListName, Lists, ListsButton, NewTodo, Share, Status, TodoList, Update,
};
use crate::filter::Filter;
use crate::later::Later;
use crate::opened::Opened;
use crate::session::{Access, SessionSlot};
use crate::todos::Todos;
use crate::{keys, saving};

#[component]
pub fn App(session: SessionSlot) -> impl IntoView {
    let opened = Opened::follow(session);
    let access = session.access();
    let later = Later::of(session);
    let drawer = RwSignal::new(false);
    let status = saving::status(session, opened);

    saving::warn_leavers(session, opened, status);
    follow_hash(session, opened.filter);
    follow_keys(session, opened);
    mark_body(session, access, opened);
    title_page(session);
    let cannot_open = later.fills(move |parts, place| (parts.cannot_open)(place, session));
    let link_notice = later.fills(move |parts, place| (parts.link_notice)(place, session));
    let problems = later.fills(move |parts, place| (parts.problems)(place, session, opened));

    view! {
        <div class="page">
            <header class="bar">
                <ListsButton drawer />
                <ListName session access />
                <Share session later opened />
            </header>
            <Lists session opened later drawer />
            <main>
                <Alerts fill=cannot_open />
                <Alerts fill=link_notice />
                <Alerts fill=problems />
                // Another list has an element of its own, with nothing of the one before.
                <For
                    each=move || (access.get() != Access::Unknown).then(|| opened.turn())
                    key=|turn| *turn
                    children=move |_| {
                        view! { <OneList todos=opened.todos_untracked() access later /> }
                    }
                />
                <p class="hint" class:for-mouse=move || access.get() == Access::Write>
                    {move || hint(access.get())}
                </p>
                <Status session status opened />
                // An app on the home screen may have a storage of its own, which links don't reach.
                <button
                    type="button"
                    class="offer"
                    data-action="offer-link"
                    hidden=move || !is_empty(opened.todos())
                    on:click=move |_| drawer.set(true)
                >
                    "Has somebody sent you a link?"
                </button>
                <Update />
            </main>
        </div>
    }
}

fn is_empty(todos: Todos) -> bool {
    todos.ready.get() && todos.total.get() == 0
}

/// What can be done with the list.
fn hint(access: Access) -> &'static str {
    match access {
        Access::Loading | Access::Unknown => "",
        Access::Read => "You can look at this list, not change it.",
        Access::Help => "You can tick todos here. What others have written stays as it is.",
        Access::Write => "Double-click a todo to edit it, or press F2 on its box.",
    }
}

/// A place for what people have to know at once, if there is anything.
#[component]
fn Alerts(fill: impl Fn(Element) + Clone + 'static) -> impl IntoView {
    view! { <div class="problems" role="alert" use:fill></div> }
}

#[component]
fn OneList(todos: Todos, access: Memo<Access>, later: Later) -> impl IntoView {
    view! {
        <section class="todoapp">
            <header class="header">
                <h1>"todos"</h1>
                <NewTodo todos access />
            </header>
            <TodoList todos access later />
            <Footer todos access />
        </section>
    }
}

/// A server never sees the fragment, so it is read once the page has hydrated, and again for each list.
fn follow_hash(session: SessionSlot, filter: RwSignal<Filter>) {
    Effect::new(move || {
        let _ = session.current(|_| ());
        let read = move || {
            let hash = location().hash().unwrap_or_default();
            if !has_secret(&hash) {
                let filter_now = Filter::from_hash(&hash);
                filter.maybe_update(|filter| std::mem::replace(filter, filter_now) != filter_now);
            }
        };
        read();
        let listener = window_event_listener(ev::hashchange, move |_| read());
        on_cleanup(move || listener.remove());
    });
}

/// Ctrl or Cmd with Z takes back what was done last, and with Shift, or with Y, does it again. In
/// a field the keys are the field's own, but for the field that has just added a todo.
fn follow_keys(session: SessionSlot, opened: Opened) {
    Effect::new(move || {
        let listener = window_event_listener(ev::keydown, move |event| {
            let todos = opened.todos_untracked();
            let is_field = event.target().is_some_and(|target| keys::is_editable(&target));
            let is_busy = is_field && !todos.has_just_added();
            let is_there = untrack(|| session.current(|_| ())).is_some();
            if is_busy || !is_there || !(event.ctrl_key() || event.meta_key()) || event.alt_key() {
                return;
            }
            match (keys::letter(&event), event.shift_key()) {
                (Some('z'), false) => todos.undo(),
                (Some('z'), true) | (Some('y'), false) => todos.redo(),
                _ => return,
            }
            event.prevent_default();
        });
        on_cleanup(move || listener.remove());
    });
}

/// `data-ready` once the page is of use, and `data-role`.
fn mark_body(session: SessionSlot, access: Memo<Access>, opened: Opened) {
    Effect::new(move || {
        let ready = match access.get() {
            Access::Loading => false,
            Access::Unknown => true,
            Access::Read | Access::Help | Access::Write => opened.todos().ready.get(),
        };
        set_on_body("data-ready", ready.then_some(""));
    });
    Effect::new(move || {
        let role = session.current(|list| list.role).flatten();
        set_on_body("data-role", role.map(Role::name));
    });
}

pub fn set_on_body(name: &str, value: Option<&str>) {
    let Some(body) = document().body() else { return };
    let body: &web_sys::Element = &body;
    // They fail only on a malformed name.
    let _ = match value {
        Some(value) => body.set_attribute(name, value),
        None => body.remove_attribute(name),
    };
}

fn title_page(session: SessionSlot) {
    Effect::new(move || match session.current(|list| list.name.clone()) {
        Some(name) if !name.is_empty() => document().set_title(&format!("{name} · Settee")),
        _ => document().set_title("Settee"),
    });
}
