//! Decisions about a row: refused edits, conflicts, versions that can't be merged, and kept todos.

use std::collections::HashMap;

use leptos::prelude::*;
use leptos::reactive::owner::WeakOwner;
use leptos::web_sys::Element;
use serde_json::Value;
use settee::leptos::{FieldConflict, FieldValue, RowState};
use settee::store::{DocumentId, Kept};
use settee_todo::Todo;
use settee_todo::validate::UNASKED_FIELDS;

use super::credit::Credit;
use crate::later::Notice;
use crate::mounted::{Mounted, Place};
use crate::rights::Rights;
use crate::todos::Todos;

/// The row that a notice is in.
pub struct NoticePlace {
    pub item: Element,
    pub id: DocumentId,
    /// The row's own.
    pub owner: WeakOwner,
    pub rights: Rights,
}

/// The notice of a row, which says nothing at first.
pub fn notice(place: NoticePlace) -> Box<dyn Notice> {
    let credit = Credit::new(&place.id);
    Box::new(RowNotice { place, shown: None, credit })
}

struct RowNotice {
    place: NoticePlace,
    shown: Option<(Matter, Mounted)>,
    credit: Credit,
}

impl Notice for RowNotice {
    fn show(&mut self, todo: &Todo, state: &RowState) {
        self.credit.show(todo);
        let matter = Matter::of(state);
        if self.shown.as_ref().map(|(shown, _)| shown) == matter.as_ref() {
            return;
        }
        self.shown = None;
        let NoticePlace { item, id, owner, rights } = &self.place;
        self.shown = matter.zip(owner.upgrade()).map(|(matter, owner)| {
            let place = Place { element: item.clone(), owner };
            let mounted = mount(&place, id, matter.clone(), *rights);
            (matter, mounted)
        });
    }
}

/// Who may not decide sees the text without buttons. One's own refused edit is one's own matter.
fn mount(place: &Place, id: &DocumentId, matter: Matter, rights: Rights) -> Mounted {
    place.mount(|| {
        let row = Row { id: StoredValue::new(id.clone()), todos: rights.todos };
        let is_own = matches!(matter, Matter::Refused(_));
        let is_shown = Memo::new(move |_| is_own || row.id.with_value(|id| rights.may_edit(id)));
        let questions = row.questions(matter).into_iter().map(|Question { text, choices }| {
            let choices = choices.into_iter().map(|choice| choice.button(id, is_shown));
            view! { <p>{text}</p> {choices.collect_view()} }
        });
        view! { <div class="notice">{questions.collect_view()}</div> }
    })
}

/// What is to be decided, or only to be known.
struct Question {
    text: String,
    choices: Vec<Choice>,
}

struct Choice {
    label: String,
    action: &'static str,
    choose: Box<dyn Fn()>,
    /// For one of several that are all to be chosen before anything happens.
    is_chosen: Option<Signal<bool>>,
}

impl Choice {
    fn new(label: &str, action: &'static str, choose: impl Fn() + 'static) -> Self {
        Self { label: label.to_owned(), action, choose: Box::new(choose), is_chosen: None }
    }

    /// The row's title has this id.
    fn button(self, id: &DocumentId, is_shown: Memo<bool>) -> impl IntoView + use<> {
        let Self { label, action, choose, is_chosen } = self;
        let pressed = move || is_chosen.is_some_and(|it| it.get()).then_some("true");
        view! {
            <button
                type="button"
                data-action=action
                aria-describedby=id.to_string()
                aria-pressed=pressed
                hidden=move || !is_shown.get()
                on:click=move |_| choose()
            >
                {label}
            </button>
        }
    }
}

#[derive(Clone, Copy)]
struct Row {
    id: StoredValue<DocumentId>,
    todos: Todos,
}

impl Row {
    fn questions(self, matter: Matter) -> Vec<Question> {
        let choice = |label: &str, action, choose: fn(Todos, &DocumentId)| {
            Choice::new(label, action, move || self.id.with_value(|id| choose(self.todos, id)))
        };
        let (text, choices) = match matter {
            Matter::Conflicts(conflicts) => return self.conflicts(conflicts),
            Matter::Refused(reason) => (
                format!("Not accepted: {reason}"),
                vec![
                    choice("Try again", "retry-refused", Todos::retry_refused),
                    choice("Discard", "discard-refused", Todos::discard_refused),
                ],
            ),
            Matter::ShowsOne => (
                "There are more versions of this than can be shown together. This is one of them. \
                 If you keep or edit it, the others are gone."
                    .to_owned(),
                vec![choice("Keep this one", "keep", Todos::keep)],
            ),
            Matter::Kept(kept) => {
                let text = match kept {
                    Kept::DeletedHere => {
                        "You deleted this, but it is kept: somebody else edited it meanwhile."
                    }
                    Kept::DeletedElsewhere => {
                        "Deleted elsewhere, but kept: it was edited at the same time."
                    }
                };
                let choices = vec![
                    choice("Keep", "keep", Todos::keep),
                    choice("Delete", "delete-kept", Todos::remove),
                ];
                (text.to_owned(), choices)
            }
        };
        vec![Question { text, choices }]
    }

    /// Each field in conflict with all its values. Once a value is chosen for every field, the
    /// conflicts are resolved.
    fn conflicts(self, conflicts: Vec<FieldConflict>) -> Vec<Question> {
        let count = conflicts.len();
        let chosen: RwSignal<HashMap<Vec<String>, Option<Value>>> = RwSignal::default();
        let question = |conflict: FieldConflict| {
            let shown = conflict.values.first().map(|shown| spoken(shown.value.as_ref()));
            let text = format!(
                "Two people changed the {} at once. Shown is {}.",
                field(&conflict),
                shown.unwrap_or_default()
            );
            let path = StoredValue::new(conflict.path);
            let choice = |value: FieldValue| {
                let whose = if value.is_own { "mine" } else { "theirs" };
                let action = if value.is_own { "keep-mine" } else { "keep-theirs" };
                let label = format!("Keep {whose}: {}", spoken(value.value.as_ref()));
                let value = StoredValue::new(value.value);
                let choose = move || {
                    chosen.update(|chosen| {
                        chosen.insert(path.get_value(), value.get_value());
                    });
                    if chosen.with_untracked(|chosen| chosen.len() == count) {
                        let chosen = chosen.get_untracked();
                        self.id.with_value(|id| self.todos.resolve(id, &chosen));
                    }
                };
                let is_chosen = Signal::derive(move || {
                    chosen.with(|chosen| {
                        path.with_value(|path| chosen.get(path) == Some(&value.get_value()))
                    })
                });
                Choice { is_chosen: Some(is_chosen), ..Choice::new(&label, action, choose) }
            };
            Question { text, choices: conflict.values.into_iter().map(choice).collect() }
        };
        conflicts.into_iter().map(question).collect()
    }
}

/// The subject of a notice: the first one that applies.
#[derive(Debug, Clone, PartialEq)]
enum Matter {
    Refused(String),
    Conflicts(Vec<FieldConflict>),
    ShowsOne,
    Kept(Kept),
}

impl Matter {
    fn of(state: &RowState) -> Option<Self> {
        if let Some(reason) = &state.refused {
            return Some(Self::Refused(reason.clone()));
        }
        let asked = |conflict: &&FieldConflict| {
            !conflict.path.first().is_some_and(|field| UNASKED_FIELDS.contains(&field.as_str()))
        };
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
