//! Decisions about a row: refused edits, conflicts, versions that can't be merged, and kept todos.

use std::collections::HashMap;

use leptos::prelude::*;
use serde_json::Value;
use settee::leptos::{FieldConflict, RowState};
use settee::store::{DocumentId, Kept};

use crate::todos::Todos;

/// Viewers see the text without buttons.
pub fn notice(id: &DocumentId, matter: Matter, todos: Todos, read_only: bool) -> AnyView {
    let name = StoredValue::new(id.to_string());
    let id = StoredValue::new(id.clone());
    let choices = match matter {
        Matter::Refused(reason) => {
            let retry = move || id.with_value(|id| todos.retry_refused(id));
            let discard = move || id.with_value(|id| todos.discard_refused(id));
            let text = format!("Not accepted: {reason}");
            let buttons = view! {
                <Choice of=name label="Try again" action="retry-refused" choose=retry />
                <Choice of=name label="Discard" action="discard-refused" choose=discard />
            };
            view! { <p>{text}</p> {(!read_only).then_some(buttons)} }.into_any()
        }
        Matter::Conflicts(conflicts) => {
            view! { <Conflicts id name conflicts todos read_only /> }.into_any()
        }
        Matter::ShowsOne => {
            let keep = move || id.with_value(|id| todos.keep(id));
            let button =
                view! { <Choice of=name label="Keep this one" action="keep" choose=keep /> };
            view! {
                <p>
                    "There are more versions of this than can be shown together. This is one of them. "
                    "If you keep or edit it, the others are gone."
                </p>
                {(!read_only).then_some(button)}
            }
            .into_any()
        }
        Matter::Kept(kept) => {
            let text = match kept {
                Kept::DeletedHere => {
                    "You deleted this, but it is kept: somebody else edited it meanwhile."
                }
                Kept::DeletedElsewhere => {
                    "Deleted elsewhere, but kept: it was edited at the same time."
                }
            };
            let keep = move || id.with_value(|id| todos.keep(id));
            let delete = move || id.with_value(|id| todos.remove(id));
            let buttons = view! {
                <Choice of=name label="Keep" action="keep" choose=keep />
                <Choice of=name label="Delete" action="delete-kept" choose=delete />
            };
            view! { <p>{text}</p> {(!read_only).then_some(buttons)} }.into_any()
        }
    };
    view! { <div class="notice">{choices}</div> }.into_any()
}

/// The subject of a notice: the first one that applies.
#[derive(Debug, Clone, PartialEq)]
pub enum Matter {
    Refused(String),
    Conflicts(Vec<FieldConflict>),
    ShowsOne,
    Kept(Kept),
}

impl Matter {
    pub fn of(state: &RowState) -> Option<Self> {
        if let Some(reason) = &state.refused {
            return Some(Self::Refused(reason.clone()));
        }
        // Conflicts of positions are not shown. The next edit settles them.
        let asked = |conflict: &&FieldConflict| conflict.path != ["position"];
        let conflicts: Vec<_> = state.conflicts.iter().filter(asked).cloned().collect();
        if !conflicts.is_empty() {
            Some(Self::Conflicts(conflicts))
        } else if state.shows_one {
            Some(Self::ShowsOne)
        } else {
            state.kept.map(Self::Kept)
        }
    }
}

/// Each field in conflict with all its values. Once a value is chosen for every field, the
/// conflicts are resolved.
#[component]
fn Conflicts(
    id: StoredValue<DocumentId>,
    name: StoredValue<String>,
    conflicts: Vec<FieldConflict>,
    todos: Todos,
    read_only: bool,
) -> impl IntoView {
    let count = conflicts.len();
    let chosen: RwSignal<HashMap<Vec<String>, Option<Value>>> = RwSignal::default();
    let fields = conflicts.into_iter().map(|conflict| {
        let text = format!("Two people changed the {} at once. Shown is {}.", field(&conflict), {
            conflict.values.first().map_or_else(String::new, |shown| spoken(shown.value.as_ref()))
        });
        let path = StoredValue::new(conflict.path);
        let choices = conflict.values.into_iter().map(|value| {
            let whose = if value.is_own { "mine" } else { "theirs" };
            let label = format!("Keep {whose}: {}", spoken(value.value.as_ref()));
            let value = StoredValue::new(value.value);
            let choose = move || {
                chosen.update(|chosen| {
                    chosen.insert(path.get_value(), value.get_value());
                });
                if chosen.with_untracked(|chosen| chosen.len() == count) {
                    let chosen = chosen.get_untracked();
                    id.with_value(|id| todos.resolve(id, &chosen));
                }
            };
            let is_chosen = Signal::derive(move || {
                chosen.with(|chosen| {
                    path.with_value(|path| chosen.get(path) == Some(&value.get_value()))
                })
            });
            let action = if whose == "mine" { "keep-mine" } else { "keep-theirs" };
            view! { <Choice of=name label action choose is_chosen /> }
        });
        let choices = (!read_only).then(|| choices.collect_view());
        view! { <p>{text}</p> {choices} }
    });
    fields.collect_view()
}

#[component]
fn Choice(
    /// The id of the element with the title of the row.
    of: StoredValue<String>,
    #[prop(into)] label: String,
    action: &'static str,
    choose: impl Fn() + 'static,
    #[prop(default = Signal::stored(false))] is_chosen: Signal<bool>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            data-action=action
            aria-describedby=of.get_value()
            aria-pressed=move || is_chosen.get().then_some("true")
            on:click=move |_| choose()
        >
            {label}
        </button>
    }
}

fn field(conflict: &FieldConflict) -> String {
    match conflict.path.first().map(String::as_str) {
        Some("title") => "text".to_owned(),
        Some("completed") => "tick".to_owned(),
        Some(other) => format!("field “{other}”"),
        None => "document".to_owned(),
    }
}

fn spoken(value: Option<&Value>) -> String {
    match value {
        Some(Value::Bool(true)) => "done".to_owned(),
        Some(Value::Bool(false)) => "not done".to_owned(),
        Some(Value::String(text)) => format!("“{text}”"),
        None | Some(Value::Null) => "nothing".to_owned(),
        // No version of the app writes such a thing. Writing it out takes 10 kB of the download.
        Some(_) => "another value".to_owned(),
    }
}
