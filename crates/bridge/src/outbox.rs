//! Edits on their way to the store.

use leptos::prelude::*;
use settee_store::{
    Applied, Body, Change, DocumentId, Edit, Operation, OperationError, Revision, body::BodyError,
    operation::COMMIT_LIMIT,
};

use crate::{
    model::{Model, overlaid},
    rows::{Intent, Rows},
};

/// What the store is given in one commit.
#[derive(Default)]
pub(crate) struct Outgoing {
    pub operations: Vec<Operation>,
    /// One for each operation, in the same order.
    pub sent: Vec<Sent>,
    /// Edits that make no valid document, and are not in the commit.
    pub invalid: Vec<(DocumentId, BodyError)>,
}

/// An operation that was given to the store.
pub(crate) struct Sent {
    pub id: DocumentId,
    /// `None` for an operation that only discards.
    intent: Option<Intent>,
    /// The refused edit to discard once this is done.
    discards: Option<Revision>,
}

impl<T: Model> Rows<T> {
    /// Takes up to [`COMMIT_LIMIT`] operations.
    pub fn take_outgoing(&mut self) -> Outgoing {
        let mut outgoing = Outgoing::default();
        let more = self.edited.split_off(self.edited.len().min(COMMIT_LIMIT));
        for id in std::mem::replace(&mut self.edited, more) {
            self.take_edit(&id, &mut outgoing);
        }
        let room = COMMIT_LIMIT - outgoing.operations.len();
        let more = self.discarded.split_off(self.discarded.len().min(room));
        for (id, revision) in std::mem::replace(&mut self.discarded, more) {
            outgoing.operations.push(Operation::Discard { id: id.clone(), revision });
            self.in_flight.insert(id.clone());
            outgoing.sent.push(Sent { id, intent: None, discards: Some(revision) });
        }
        outgoing
    }

    fn take_edit(&mut self, id: &DocumentId, outgoing: &mut Outgoing) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let Some(intent) = entry.intent.take() else { return };
        let discards = std::mem::take(&mut entry.discards);
        let change = match intent {
            // The store has no live document to delete.
            Intent::Remove if entry.leaves.is_empty() || entry.shows_refused => {
                self.discarded.extend(discards.map(|revision| (id.clone(), revision)));
                self.drop_entry(id);
                return;
            }
            Intent::Remove => Change::Delete,
            Intent::Put => {
                match Body::new(entry.value.with_untracked(|value| overlaid(value, &entry.body))) {
                    Ok(body) => Change::Put(body),
                    Err(error) => {
                        if entry.leaves.is_empty() {
                            self.drop_entry(id);
                        }
                        outgoing.invalid.push((id.clone(), error));
                        return;
                    }
                }
            }
        };
        let edit = Edit { id: id.clone(), seen: entry.leaves.clone(), change };
        self.in_flight.insert(id.clone());
        outgoing.operations.push(Operation::Edit(edit));
        outgoing.sent.push(Sent { id: id.clone(), intent: Some(intent), discards });
    }

    /// The store has committed the operation, or rejected it.
    pub fn apply_outcome(&mut self, sent: &Sent, outcome: &Result<Applied, OperationError>) {
        self.in_flight.remove(&sent.id);
        let Ok(Applied { revision: Some(revision), .. }) = outcome else { return };
        // Only now: until here the refused edit was the only stored copy of these changes.
        self.discarded.extend(sent.discards.map(|refused| (sent.id.clone(), refused)));
        if let Some(entry) = self.entries.get_mut(&sent.id)
            && entry.intent.is_some()
        {
            // The row was edited again meanwhile. That edit is based on this revision alone.
            entry.leaves = vec![*revision];
            entry.shows_refused = false;
        }
    }

    /// The commit has failed: its edits are queued again, in front of newer ones.
    pub fn requeue(&mut self, sent: Vec<Sent>) {
        let mut first = Vec::new();
        for Sent { id, intent, discards } in sent {
            self.in_flight.remove(&id);
            let Some(intent) = intent else {
                self.discarded.extend(discards.map(|refused| (id, refused)));
                continue;
            };
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.discards = entry.discards.or(discards);
                if entry.intent.is_none() {
                    entry.intent = Some(intent);
                    first.push(id);
                }
            }
        }
        self.edited.splice(0..0, first);
    }
}
