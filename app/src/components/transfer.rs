//! Todos of the list on the screen that go to another list.

use leptos::html::{Button, Dialog, Select};
use leptos::prelude::*;
use settee::store::DocumentId;
use settee_todo::Role;
use settee_todo::transfer::Passed;

use crate::opened::Opened;
use crate::session::{Access, Command, ListSummary, SessionSlot};
use crate::{dialog, focus};

/// What is sent, and what has become of it.
#[derive(Clone, Copy)]
struct Transfer {
    session: SessionSlot,
    opened: Opened,
    /// Whether the dialog is open.
    sending: RwSignal<bool>,
    target: NodeRef<Select>,
    /// The ids of those that were chosen.
    chosen: StoredValue<Vec<String>>,
    outcome: RwSignal<Option<String>>,
    way_back: StoredValue<Option<Command>>,
}

impl Transfer {
    fn choose(self, id: &str, is_chosen: bool) {
        self.chosen.update_value(|chosen| {
            chosen.retain(|it| it != id);
            if is_chosen {
                chosen.push(id.to_owned());
            }
        });
    }

    fn send(self, is_move: bool) {
        let Self { session, outcome, .. } = self;
        // A second press is about the same.
        if self.way_back.with_value(Option::is_some) {
            return;
        }
        let from = untrack(|| session.current(|list| list.id.clone()));
        let to = self.target.get_untracked().map(|target| target.value());
        let (Some(from), Some(to)) = (from, to.filter(|to| !to.is_empty())) else { return };
        let todos = untrack(|| self.opened.todos());
        // In the order in which they stand, not in that of the choice.
        let (mut passed, mut back) = (Vec::new(), Vec::new());
        for (id, _) in todos.titles() {
            if self.chosen.with_value(|chosen| chosen.iter().any(|it| it == id.as_str())) {
                let position = todos.position(&id);
                let todo = if is_move { Passed::moved(id) } else { Passed::copied(id) };
                back.push(todo.clone().back(position));
                passed.push(todo);
            }
        }
        if passed.is_empty() {
            return;
        }
        self.way_back.set_value(Some(if is_move {
            Command::Transfer { from: to.clone(), to: from.clone(), todos: back, is_move, outcome }
        } else {
            let todos = back.into_iter().map(|todo| todo.id).collect();
            Command::TakeOut { list: to.clone(), todos, outcome }
        }));
        session.ask(Command::Transfer { from, to, todos: passed, is_move, outcome });
    }

    fn take_back(self) {
        if let Some(command) = self.way_back.try_update_value(Option::take).flatten() {
            self.session.ask(command);
        }
    }

    fn is_done(self) -> bool {
        self.outcome.with(Option::is_some)
    }

    fn can_undo(self) -> bool {
        self.is_done() && self.way_back.with_value(Option::is_some)
    }

    fn close(self) {
        self.sending.set(false);
        self.outcome.set(None);
        self.chosen.set_value(Vec::new());
        self.way_back.set_value(None);
    }
}

/// Asks which of them, and where to.
#[component]
pub fn TransferDialog(
    session: SessionSlot,
    opened: Opened,
    sending: RwSignal<bool>,
) -> impl IntoView {
    let (dialog, target) = (NodeRef::<Dialog>::new(), NodeRef::<Select>::new());
    let undo = NodeRef::<Button>::new();
    let outcome = RwSignal::new(None);
    let (chosen, way_back) = (StoredValue::new(Vec::new()), StoredValue::new(None));
    let transfer = Transfer { session, opened, sending, target, chosen, outcome, way_back };
    let access = session.access();
    dialog::follow(dialog, move || sending.get());
    Effect::new(move || {
        // What was closed too early may have left its word.
        if sending.get() {
            outcome.set(None);
        }
    });
    Effect::new(move || {
        if let Some(undo) = undo.get().filter(|_| transfer.is_done()) {
            focus::to(&undo);
        }
    });
    let is_done = move || transfer.is_done();

    view! {
        <dialog
            node_ref=dialog
            class="sharing"
            aria-labelledby="transfer-title"
            on:close=move |_| transfer.close()
        >
            <h2 id="transfer-title">"Move or copy todos to another list"</h2>
            <div hidden=is_done>
                <ul class="links" role="list">{move || rows(transfer)}</ul>
                <label class="target">
                    "To " <select node_ref=target>{move || targets(transfer)}</select>
                </label>
            </div>
            <p role="status">{outcome}</p>
            <div class="choices">
                <button
                    node_ref=undo
                    type="button"
                    data-action="undo-transfer"
                    hidden=move || !transfer.can_undo()
                    on:click=move |_| transfer.take_back()
                >
                    "Undo"
                </button>
                <button
                    type="button"
                    data-action="close-transfer"
                    on:click=move |_| transfer.close()
                >
                    {move || if is_done() { "Done" } else { "Cancel" }}
                </button>
                <button
                    type="button"
                    data-action="copy-todos"
                    hidden=is_done
                    on:click=move |_| transfer.send(false)
                >
                    "Copy"
                </button>
                <button
                    type="button"
                    data-action="move-todos"
                    hidden=move || is_done() || access.get() != Access::Write
                    on:click=move |_| transfer.send(true)
                >
                    "Move"
                </button>
            </div>
        </dialog>
    }
}

/// The todos as they were when the dialog was opened.
fn rows(transfer: Transfer) -> impl IntoView {
    let titles = if transfer.sending.get() { transfer.opened.todos().titles() } else { Vec::new() };
    let row = move |(id, title): (DocumentId, String)| {
        let choose = move |event| transfer.choose(id.as_str(), event_target_checked(&event));
        view! {
            <li>
                <label class="tell">
                    <input type="checkbox" on:change=choose />
                    <bdi>{title}</bdi>
                </label>
            </li>
        }
    };
    titles.into_iter().map(row).collect_view()
}

fn targets(transfer: Transfer) -> impl IntoView {
    let lists = if transfer.sending.get() { transfer.session.others() } else { Vec::new() };
    let option = |list: ListSummary| view! { <option value=list.id>{list.name}</option> };
    lists.into_iter().map(option).collect_view()
}

impl SessionSlot {
    /// The lists that todos of the one on the screen can go to.
    fn others(self) -> Vec<ListSummary> {
        let Some(session) = self.get() else { return Vec::new() };
        let mut lists = session.lists().get();
        let shown = self.current(|list| list.id.clone());
        lists.retain(|list| {
            // Where that isn't known yet, they might be refused, and nobody else would have them.
            let may_write = matches!(list.role, Some(Role::Owner | Role::Editor));
            may_write && Some(&list.id) != shown.as_ref()
        });
        lists
    }
}
