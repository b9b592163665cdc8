//! Todos of the list on the screen that go to another list.

use leptos::html::{Button, Dialog, Select};
use leptos::prelude::*;
use settee::store::DocumentId;
use settee_todo::Role;
use settee_todo::transfer::Passed;

use crate::mounted::Mounted;
use crate::opened::Opened;
use crate::session::{Access, Command, ListSummary, SessionSlot};
use crate::{dialog, focus};

const STAYS: &str = " What was deleted stays out, and what needs a decision first.";

/// What is sent, and what has become of it. It lasts until the dialog is closed: what is heard later is of no use then.
#[derive(Clone, Copy)]
struct Transfer {
    session: SessionSlot,
    target: NodeRef<Select>,
    /// The list's todos as they stood when the dialog was opened, and which of them are chosen and not sent yet.
    todos: StoredValue<Vec<(DocumentId, bool)>>,
    outcome: RwSignal<Option<String>>,
    way_back: StoredValue<Option<Command>>,
}

impl Transfer {
    fn choose(self, id: &DocumentId, chooses: bool) {
        self.todos.update_value(|todos| {
            for (_, is_chosen) in todos.iter_mut().filter(|(known, _)| known == id) {
                *is_chosen = chooses;
            }
        });
    }

    fn send(self, is_move: bool) {
        let Self { session, outcome, way_back, .. } = self;
        let from = untrack(|| session.current(|list| list.id.clone()));
        let to = self.target.get_untracked().map(|target| target.value());
        let (Some(from), Some(to)) = (from, to.filter(|to| !to.is_empty())) else { return };
        let pass = if is_move { Passed::moved } else { Passed::copied };
        // A second press has nothing to send.
        let mut take = |(id, is_chosen): &mut (DocumentId, bool)| {
            std::mem::take(is_chosen).then(|| pass(id.clone()))
        };
        let todos: Vec<Passed> = self
            .todos
            .try_update_value(|todos| todos.iter_mut().filter_map(&mut take).collect())
            .unwrap_or_default();
        if todos.is_empty() {
            return;
        }
        session.ask(Command::Transfer { from, to, todos, is_move, outcome, way_back });
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
}

/// Asks which of them, and where to.
#[component]
pub fn TransferDialog(
    session: SessionSlot,
    opened: Opened,
    sending: RwSignal<bool>,
) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let owner = Owner::current().map(|owner| owner.downgrade());
    let mut choice = None;
    Effect::new(move || {
        // That of the last time goes, with all that is still to be told there.
        drop(choice.take());
        if sending.get()
            && let Some(dialog) = dialog.get()
            && let Some(owner) = owner.as_ref().and_then(WeakOwner::upgrade)
        {
            let view = || view! { <Choice session opened sending /> };
            choice = Some(Mounted::new(&owner, &dialog, None, view));
        }
    });
    dialog::follow(dialog, move || sending.get());
    view! {
        <dialog
            node_ref=dialog
            class="sharing"
            aria-labelledby="transfer-title"
            on:close=move |_| sending.set(false)
        >
            <h2 id="transfer-title">"Move or copy todos to another list"</h2>
        </dialog>
    }
}

#[component]
fn Choice(session: SessionSlot, opened: Opened, sending: RwSignal<bool>) -> impl IntoView {
    let (target, undo) = (NodeRef::<Select>::new(), NodeRef::<Button>::new());
    let outcome = RwSignal::new(None);
    let titles = untrack(|| opened.todos().titles());
    let todos = titles.iter().map(|(id, _)| (id.clone(), false)).collect();
    let (todos, way_back) = (StoredValue::new(todos), StoredValue::new(None));
    let transfer = Transfer { session, target, todos, outcome, way_back };
    let access = session.access();
    Effect::new(move || {
        if let Some(undo) = undo.get().filter(|_| transfer.is_done()) {
            focus::to(&undo);
        }
    });
    let is_done = move || transfer.is_done();

    view! {
        <div hidden=is_done>
            <ul class="links" role="list">{rows(transfer, titles)}</ul>
            <label class="target">
                "To " <select node_ref=target>{untrack(|| targets(session))}</select>
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
                on:click=move |_| sending.set(false)
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
    }
}

fn rows(transfer: Transfer, titles: Vec<(DocumentId, String)>) -> impl IntoView {
    let row = move |(id, title): (DocumentId, String)| {
        let choose = move |event| transfer.choose(&id, event_target_checked(&event));
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

fn targets(session: SessionSlot) -> impl IntoView {
    let option = |list: ListSummary| view! { <option value=list.id>{list.name}</option> };
    session.others().into_iter().map(option).collect_view()
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

/// What became of todos that were sent to a list.
pub fn passed_on(count: usize, of: usize, is_move: bool, list: &str) -> String {
    let todos = match count {
        0 => return format!("Nothing has gone there.{STAYS}"),
        1 => "1 todo".to_owned(),
        _ => format!("{count} todos"),
    };
    let done = if is_move { "moved" } else { "copied" };
    let rest = if count < of { STAYS } else { "" };
    format!("{todos} {done} to “{list}”.{rest}")
}
