//! Refused changes of what stands in no row: the list's name, who may open it, and places.

use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::keys::{
    Invitation,
    access::{helpers_id, links_id, says_who_may},
};
use settee::leptos::follow;
use settee::store::{BackendError, Body, Database, DocumentId, Refused, Revision};
use settee_todo::document::{LIST_INFO, TODO_PREFIX};
use settee_todo::limits::cut;
use settee_todo::places::{PLACES_PREFIX, asked_about};

use crate::opened::Opened;
use crate::session::SessionSlot;

/// How many of them are told at once. The others follow when these are settled.
const SHOWN: usize = 10;
/// How much of a name is told, in characters.
const NAME_SHOWN: usize = 60;
const NOT_SAVED: &str = "This can’t be saved on this device.";

/// A refused change.
#[derive(Clone, PartialEq, Eq)]
struct Change {
    id: DocumentId,
    revision: Revision,
    text: String,
}

/// Told until it is settled, for nothing else shows it.
#[component]
pub fn RefusedChanges(session: SessionSlot, opened: Opened) -> impl IntoView {
    let changes = RwSignal::new(Vec::<Change>::new());
    Effect::new(move || {
        let list = session.current(|list| list.database.clone());
        changes.set(Vec::new());
        let Some(list) = list else { return };
        follow(list.watch(), async move |_| {
            // If it can't be read, the list itself says so.
            let Ok(found) = told(&list).await else { return };
            changes.try_maybe_update(|known| {
                let is_new = *known != found;
                *known = found;
                (is_new, ())
            });
        });
    });
    let settle = move |change: &Change, again: bool| {
        let Some(list) = untrack(|| session.current(|list| list.database.clone())) else { return };
        let Change { id, revision, .. } = change.clone();
        spawn_local(async move {
            let is_saved = if again {
                list.retry(&id, revision).await.is_ok()
            } else {
                list.discard(&id, revision).await.is_ok()
            };
            if !is_saved {
                opened.todos_untracked().complaint.set(Some(NOT_SAVED.to_owned()));
            }
        });
    };
    move || {
        let line = |change: Change| {
            let (text, change) = (change.text.clone(), StoredValue::new(change));
            let settle = move |again| change.with_value(|change| settle(change, again));
            view! {
                <p>
                    <span dir="auto">{text}</span>
                    " "
                    <button type="button" data-action="retry-change" on:click=move |_| settle(true)>
                        "Try again"
                    </button>
                    " "
                    <button type="button" data-action="discard-change" on:click=move |_| settle(false)>
                        "Discard"
                    </button>
                </p>
            }
        };
        changes.get().into_iter().map(line).collect_view()
    }
}

/// What was refused, and why.
async fn told(list: &Database) -> Result<Vec<Change>, BackendError> {
    let mut told = Vec::new();
    for (id, refusals) in list.refused().await? {
        if id.as_str().starts_with(TODO_PREFIX) {
            continue;
        }
        for refused in refusals {
            if told.len() == SHOWN {
                return Ok(told);
            }
            let what = what(list, &id, &refused).await?;
            let text = format!("Not accepted: {what}. The server says: {}.", refused.reason);
            told.push(Change { id: id.clone(), revision: refused.revision, text });
        }
    }
    Ok(told)
}

async fn what(list: &Database, id: &DocumentId, refused: &Refused) -> Result<String, BackendError> {
    let body = refused.body.as_ref().filter(|_| !refused.deleted);
    if id.as_str() == LIST_INFO {
        let name = body.map(|body| text(body, "name")).unwrap_or_default();
        return Ok(format!("the list’s name {}", named(&name)));
    }
    if *id == links_id() {
        return Ok("new links to this list".to_owned());
    }
    if *id == helpers_id() {
        return Ok("what those who can tick may add".to_owned());
    }
    if says_who_may(id) {
        return Ok(match body.and_then(Invitation::read) {
            Some(Invitation { label, revoked: true, .. }) => {
                format!("that the access of {} is removed", named(&label))
            }
            Some(Invitation { label, .. }) => format!("the invitation of {}", named(&label)),
            None => "a change of who may open this list".to_owned(),
        });
    }
    let (what, todo) = match (id.as_str().strip_prefix(PLACES_PREFIX), asked_about(id.as_str())) {
        (Some(todo), _) => ("how many places there are", todo),
        (_, Some(todo)) if refused.deleted => ("that you give back a place", todo),
        (_, Some(todo)) => ("that you ask for a place", todo),
        _ => return Ok("a change of this list".to_owned()),
    };
    let Ok(todo) = DocumentId::new(&format!("{TODO_PREFIX}{todo}")) else {
        return Ok(what.to_owned());
    };
    Ok(match list.get(&todo).await? {
        Some(todo) => format!("{what} for {}", named(&text(&todo.body, "title"))),
        None => what.to_owned(),
    })
}

/// A field's text; empty if it has none.
fn text(body: &Body, field: &str) -> String {
    body.fields().get(field).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
}

fn named(name: &str) -> String {
    let begin = cut(name, NAME_SHOWN);
    let more = if begin == name { "" } else { "…" };
    format!("“{begin}{more}”")
}
