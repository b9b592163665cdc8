//! Refused changes of what stands in no row: the list's name, who may open it, and places.

use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::keys::{Invitation, access::says_who_may};
use settee::leptos::follow;
use settee::store::{DocumentId, Refused, Revision};
use settee_todo::document::{LIST_INFO, TODO_PREFIX};
use settee_todo::limits::cut;
use settee_todo::places::{ASK_PREFIX, PLACES_PREFIX};

use crate::opened::Opened;
use crate::session::SessionSlot;

/// How many of them are told at once. The others follow when these are settled.
const SHOWN: usize = 10;
/// How much of a name is told, in characters.
const NAME_SHOWN: usize = 60;
const NOT_SAVED: &str = "This can’t be saved on this device.";

/// A refused change, with the list that it is of.
#[derive(Clone, PartialEq, Eq)]
struct Change {
    list: String,
    id: DocumentId,
    revision: Revision,
    text: String,
}

/// Told until it is settled, for nothing else shows it.
#[component]
pub fn RefusedChanges(session: SessionSlot, opened: Opened) -> impl IntoView {
    let changes = RwSignal::new(Vec::<Change>::new());
    Effect::new(move || {
        let list = session.current(|list| (list.id.clone(), list.database.clone()));
        changes.set(Vec::new());
        let Some((name, list)) = list else { return };
        follow(list.watch(), async move |_| {
            // If it can't be read, the list itself says so.
            let Ok(found) = list.refused().await else { return };
            // Another list may have come meanwhile.
            if untrack(|| session.current(|shown| shown.id == name)) != Some(true) {
                return;
            }
            let others = found.iter().filter(|(id, _)| !id.as_str().starts_with(TODO_PREFIX));
            let found =
                others.flat_map(|(id, all)| all.iter().map(|refused| told(&name, id, refused)));
            let found: Vec<Change> = found.take(SHOWN).collect();
            changes.try_maybe_update(|known| {
                let is_new = *known != found;
                *known = found;
                (is_new, ())
            });
        });
    });
    let settle = move |change: &Change, again: bool| {
        let Change { list, id, revision, .. } = change.clone();
        // Another list may be on the screen already.
        let list =
            untrack(|| session.current(|shown| (shown.id == list).then(|| shown.database.clone())));
        let Some(list) = list.flatten() else { return };
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
fn told(list: &str, id: &DocumentId, refused: &Refused) -> Change {
    let body = refused.body.as_ref().filter(|_| !refused.deleted);
    let invitation = body.filter(|_| says_who_may(id)).and_then(Invitation::read);
    let what = match (id.as_str(), body, invitation) {
        (_, _, Some(Invitation { label, revoked: true, .. })) => {
            format!("that the access of {} is removed", named(&label))
        }
        (_, _, Some(Invitation { label, .. })) => format!("the invitation of {}", named(&label)),
        (LIST_INFO, Some(body), _) => {
            let fields = body.fields();
            let name = fields.get("name").and_then(|name| name.as_str());
            format!("the list’s name {}", named(name.unwrap_or_default()))
        }
        (place, ..) if is_about_places(place) => "a change of places".to_owned(),
        _ if says_who_may(id) => "a change of who may do what".to_owned(),
        _ => "a change of this list".to_owned(),
    };
    let text = format!("Not accepted: {what}. The server says: {}.", refused.reason);
    Change { list: list.to_owned(), id: id.clone(), revision: refused.revision, text }
}

fn is_about_places(id: &str) -> bool {
    [PLACES_PREFIX, ASK_PREFIX].into_iter().any(|prefix| id.starts_with(prefix))
}

fn named(name: &str) -> String {
    let begin = cut(name, NAME_SHOWN);
    let more = if begin == name { "" } else { "…" };
    format!("“{begin}{more}”")
}
