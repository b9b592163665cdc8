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
    is_branch: bool,
    /// The edit itself, if the row was edited again before it was given to the store.
    early: Option<Edit>,
}

impl<T: Model> Rows<T> {
    /// Takes up to [`COMMIT_LIMIT`] operations.
    pub fn take_outgoing(&mut self) -> Outgoing {
        let mut outgoing = std::mem::take(&mut self.early);
        let room = COMMIT_LIMIT.saturating_sub(outgoing.operations.len());
        let more = self.edited.split_off(self.edited.len().min(room));
        for id in std::mem::replace(&mut self.edited, more) {
            self.take_edit(&id, &mut outgoing);
        }
        let room = COMMIT_LIMIT.saturating_sub(outgoing.operations.len());
        let more = self.discarded.split_off(self.discarded.len().min(room));
        for (id, revision) in std::mem::replace(&mut self.discarded, more) {
            outgoing.operations.push(Operation::Discard { id: id.clone(), revision });
            self.in_flight.insert(id.clone());
            let discards = Some(revision);
            let sent = Sent { id, intent: None, discards, is_branch: false, early: None };
            outgoing.sent.push(sent);
        }
        outgoing
    }

    fn take_edit(&mut self, id: &DocumentId, outgoing: &mut Outgoing) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let Some(intent) = entry.intent.take() else { return };
        let discards = std::mem::take(&mut entry.discards);
        let is_branch = std::mem::take(&mut entry.is_branch);
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
        let intent = Some(intent);
        outgoing.sent.push(Sent { id: id.clone(), intent, discards, is_branch, early: None });
    }

    /// Sets the edit of a row apart as it is now, so that the next one is another.
    pub fn set_out(&mut self, id: &DocumentId) {
        let mut early = std::mem::take(&mut self.early);
        let known = early.sent.len();
        self.take_edit(id, &mut early);
        self.edited.retain(|edited| edited != id);
        if let (Some(sent), Some(Operation::Edit(edit))) =
            (early.sent.get_mut(known), early.operations.last())
        {
            sent.early = Some(edit.clone());
        }
        self.early = early;
    }

    /// The store has committed the operation, or rejected it.
    pub fn apply_outcome(&mut self, sent: &Sent, outcome: &Result<Applied, OperationError>) {
        self.in_flight.remove(&sent.id);
        let Ok(Applied { revision: Some(revision), .. }) = outcome else { return };
        // Only now: until here the refused edit was the only stored copy of these changes.
        self.discarded.extend(sent.discards.map(|refused| (sent.id.clone(), refused)));
        if let Some(base) = self.bases.get_mut(&sent.id)
            && base.leaves.is_empty()
        {
            // The edit began before the row itself was stored.
            base.leaves = vec![*revision];
        }
        if let Some(entry) = self.entries.get_mut(&sent.id)
            && entry.intent.is_some()
            && !entry.is_branch
        {
            // The row was edited again meanwhile. That edit is based on this revision alone.
            entry.leaves = vec![*revision];
            entry.shows_refused = false;
        }
    }

    /// The commit has failed: its edits are queued again, in front of newer ones.
    pub fn requeue(&mut self, sent: Vec<Sent>) {
        let mut first = Vec::new();
        for Sent { id, intent, discards, is_branch, early } in sent {
            self.in_flight.remove(&id);
            if let Some(edit) = early {
                self.early.operations.push(Operation::Edit(edit.clone()));
                let early = Some(edit);
                self.early.sent.push(Sent { id, intent, discards, is_branch, early });
                continue;
            }
            let Some(intent) = intent else {
                self.discarded.extend(discards.map(|refused| (id, refused)));
                continue;
            };
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.discards = entry.discards.or(discards);
                entry.is_branch |= is_branch;
                if entry.intent.is_none() {
                    entry.intent = Some(intent);
                    first.push(id);
                }
            }
        }
        self.edited.splice(0..0, first);
    }
}
