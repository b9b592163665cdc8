//! The page as a whole.

use leptos::prelude::*;
use leptos::web_sys::Element;
use leptos::{ev, web_sys};
use settee::keys::{Role, link::has_secret};

use crate::components::{
    Footer, ListName, Lists, NewTodo, OpenLists, Share, Status, TodoList, Update,
};
use crate::filter::Filter;
use crate::later::Later;
use crate::session::{Access, SessionSlot};
use crate::todos::Todos;
use crate::{keys, saving};

#[component]
pub fn App(session: SessionSlot) -> impl IntoView {
    let todos = Todos::new();
    let access = session.access();
    let later = Later::of(session);
    let drawer = RwSignal::new(false);
    let status = saving::status(session, todos);

    attach(session, todos);
    saving::look_after(session, todos, status);
    follow_hash(todos.filter);
    follow_keys(todos);
    mark_body(session, access, todos.ready);
    title_page(session);
    let cannot_open = later.fills(move |parts, place| (parts.cannot_open)(place, session));
    let link_notice = later.fills(move |parts, place| (parts.link_notice)(place, session));
    let problems = later.fills(move |parts, place| (parts.problems)(place, session, todos));

    view! {
        <div class="page">
            <header class="bar">
                <OpenLists drawer />
                <ListName session access />
                <Share session later />
            </header>
            <Lists session later drawer />
            <main>
                <Alerts fill=cannot_open />
                <Alerts fill=link_notice />
                <Alerts fill=problems />
                <Show when=move || access.get() != Access::Unknown fallback=UnknownList>
                    <section class="todoapp">
                        <header class="header">
                            <h1>"todos"</h1>
                            <NewTodo todos access />
                        </header>
                        <TodoList todos access later />
                        <Footer todos access />
                    </section>
                </Show>
                <Show when=move || access.get() == Access::Read>
                    <p class="hint">"You can look at this list, not change it."</p>
                </Show>
                <Show when=move || access.get() == Access::Write>
                    <p class="hint for-mouse">
                        "Double-click a todo to edit it, or press F2 on its box."
                    </p>
                </Show>
                <Status session status todos />
                <Update />
            </main>
        </div>
    }
}

/// A place for what people have to know at once, if there is anything.
#[component]
fn Alerts(fill: impl Fn(Element) + Clone + 'static) -> impl IntoView {
    view! { <div class="problems" role="alert" use:fill></div> }
}

#[component]
fn UnknownList() -> impl IntoView {
    view! {
        <section class="unknown">
            <h1>"todos"</h1>
            <p>
                "This device doesn’t know this list. Open it with the link that somebody shares with you, or go to "
                <a href="/" rel="external">"your own list"</a> "."
            </p>
        </section>
    }
}

/// The address doesn't change without a new page, so neither does the list. It may be opened again.
fn attach(session: SessionSlot, todos: Todos) {
    let attached = StoredValue::new(None);
    Effect::new(move || {
        let list = session.current(|list| (list.id.clone(), list.opened, list.database.clone()));
        let Some((id, opened, database)) = list else { return };
        let known = attached.get_value();
        if known.as_ref() != Some(&(id.clone(), opened)) {
            let is_same = known.is_some_and(|(known, _)| known == id);
            attached.set_value(Some((id, opened)));
            todos.attach(database, is_same);
        }
    });
}

/// A server never sees the fragment, so it is read once the page has hydrated.
fn follow_hash(filter: RwSignal<Filter>) {
    Effect::new(move || {
        let read = move || {
            let hash = location().hash().unwrap_or_default();
            if !has_secret(&hash) {
                filter.set(Filter::from_hash(&hash));
            }
        };
        read();
        let listener = window_event_listener(ev::hashchange, move |_| read());
        on_cleanup(move || listener.remove());
    });
}

/// Ctrl or Cmd with Z takes back what was done last, and with Shift, or with Y, does it again. In
/// a field the keys are the field's own, but for the field that has just added a todo.
fn follow_keys(todos: Todos) {
    Effect::new(move || {
        let listener = window_event_listener(ev::keydown, move |event| {
            let is_field = event.target().is_some_and(|target| keys::is_editable(&target));
            let is_busy = is_field && !todos.has_just_added();
            if is_busy || !(event.ctrl_key() || event.meta_key()) || event.alt_key() {
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
fn mark_body(session: SessionSlot, access: Memo<Access>, loaded: ReadSignal<bool>) {
    Effect::new(move || {
        let ready = match access.get() {
            Access::Loading => false,
            Access::Unknown => true,
            Access::Read | Access::Write => loaded.get(),
        };
        set_on_body("data-ready", ready.then_some(""));
    });
    Effect::new(move || {
        let role = session.current(|list| list.role).flatten();
        set_on_body("data-role", role.map(Role::name));
    });
}

fn set_on_body(name: &str, value: Option<&str>) {
    let Some(body) = document().body() else { return };
    let body: &web_sys::Element = &body;
    // They fail only on a malformed name.
    let _ = match value {
        Some(value) => body.set_attribute(name, value),
        None => body.remove_attribute(name),
    };
}

fn title_page(session: SessionSlot) {
    Effect::new(move || {
        if let Some(name) = session.current(|list| list.name.clone())
            && !name.is_empty()
        {
            document().set_title(&format!("{name} · Settee"));
        }
    });
}
