//! Todos of the list on the screen that go to another list.

use leptos::html::{Button, Dialog, Select};
use leptos::prelude::*;
use settee_todo::Role;
use settee_todo::transfer::Passed;

use crate::opened::Opened;
use crate::session::{Access, Command, ListSummary, SessionSlot};
use crate::{dialog, focus};

/// Asks which of them, and where to.
#[component]
pub fn TransferDialog(
    session: SessionSlot,
    opened: Opened,
    sending: RwSignal<bool>,
) -> impl IntoView {
    let (dialog, target) = (NodeRef::<Dialog>::new(), NodeRef::<Select>::new());
    let undo = NodeRef::<Button>::new();
    let chosen = StoredValue::new(Vec::<String>::new());
    // What has become of it, and how to take it back.
    let outcome = RwSignal::new(None::<String>);
    let way_back = StoredValue::new(None::<Command>);
    let access = session.access();
    dialog::follow(dialog, move || sending.get());
    Effect::new(move || {
        if let Some(undo) = undo.get().filter(|_| outcome.with(Option::is_some)) {
            focus::to(&undo);
        }
    });
    let close = move || {
        sending.set(false);
        outcome.set(None);
        chosen.set_value(Vec::new());
        way_back.set_value(None);
    };
    let choose = move |id: &str, is_chosen: bool| {
        chosen.update_value(|chosen| {
            chosen.retain(|it| it != id);
            if is_chosen {
                chosen.push(id.to_owned());
            }
        });
    };
    let rows = move || {
        let titles = if sending.get() { opened.todos().titles() } else { Vec::new() };
        let row = |(id, title): (settee::store::DocumentId, String)| {
            let id = id.to_string();
            view! {
                <li>
                    <label class="what">
                        <input
                            type="checkbox"
                            on:change=move |event| choose(&id, event_target_checked(&event))
                        />
                        <bdi>{title}</bdi>
                    </label>
                </li>
            }
        };
        titles.into_iter().map(row).collect_view()
    };
    let targets = move || {
        let lists = if sending.get() { session.others() } else { Vec::new() };
        let option = |list: ListSummary| view! { <option value=list.id>{list.name}</option> };
        lists.into_iter().map(option).collect_view()
    };
    let send = move |is_move: bool| {
        let from = untrack(|| session.current(|list| list.id.clone()));
        let to = target.get_untracked().map(|target| target.value()).filter(|it| !it.is_empty());
        let (Some(from), Some(to)) = (from, to) else { return };
        let todos = untrack(|| opened.todos());
        // In the order in which they stand, not in that of the choice.
        let (mut passed, mut back) = (Vec::new(), Vec::new());
        for (id, _) in todos.titles() {
            if chosen.with_value(|chosen| chosen.iter().any(|it| it == id.as_str())) {
                let position = todos.position(&id);
                let todo = if is_move { Passed::moved(id) } else { Passed::copied(id) };
                back.push(todo.clone().back(position));
                passed.push(todo);
            }
        }
        if passed.is_empty() {
            return;
        }
        way_back.set_value(Some(if is_move {
            Command::Transfer { from: to.clone(), to: from.clone(), todos: back, is_move, outcome }
        } else {
            let todos = back.into_iter().map(|todo| todo.id).collect();
            Command::TakeOut { list: to.clone(), todos, outcome }
        }));
        session.ask(Command::Transfer { from, to, todos: passed, is_move, outcome });
    };
    let take_back = move |_| {
        if let Some(command) = way_back.try_update_value(Option::take).flatten() {
            session.ask(command);
        }
    };
    let is_done = move || outcome.with(Option::is_some);
    let can_undo = move || is_done() && way_back.with_value(Option::is_some);

    view! {
        <dialog
            node_ref=dialog
            class="sharing"
            aria-labelledby="transfer-title"
            on:close=move |_| close()
        >
            <h2 id="transfer-title">"Move or copy todos to another list"</h2>
            <div hidden=is_done>
                <ul class="links" role="list">{rows}</ul>
                <label class="target">"To " <select node_ref=target>{targets}</select></label>
            </div>
            <p role="status">{outcome}</p>
            <div class="choices">
                <button
                    node_ref=undo
                    type="button"
                    data-action="undo-transfer"
                    hidden=move || !can_undo()
                    on:click=take_back
                >
                    "Undo"
                </button>
                <button type="button" data-action="close-transfer" on:click=move |_| close()>
                    {move || if is_done() { "Done" } else { "Cancel" }}
                </button>
                <button
                    type="button"
                    data-action="copy-todos"
                    hidden=is_done
                    on:click=move |_| send(false)
                >
                    "Copy"
                </button>
                <button
                    type="button"
                    data-action="move-todos"
                    hidden=move || is_done() || access.get() != Access::Write
                    on:click=move |_| send(true)
                >
                    "Move"
                </button>
            </div>
        </dialog>
    }
}

impl SessionSlot {
    /// The lists that todos of the one on the screen can go to.
    fn others(self) -> Vec<ListSummary> {
        let Some(session) = self.get() else { return Vec::new() };
        let mut lists = session.lists().get();
        let shown = self.current(|list| list.id.clone());
        lists.retain(|list| {
            let may_write = !matches!(list.role, Some(Role::Viewer | Role::Helper));
            may_write && Some(&list.id) != shown.as_ref()
        });
        lists
    }
}
