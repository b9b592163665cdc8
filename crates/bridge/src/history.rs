//! The steps that the user can undo and redo, as plain data.
//!
//! For each row a step holds what it changed: the whole row, or fields with their values before and
//! after. When somebody else changes a field or a row, the steps drop it, so that it is never
//! undone. A step of which nothing is left stays, so that undoing it doesn't undo the one before.

use std::collections::HashMap;

use serde_json::{Map, Value};
use settee_store::{Body, DocumentId};

/// Maximum number of steps that can be undone. The oldest are dropped first.
pub const STEP_LIMIT: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct History {
    done: Vec<Step>,
    undone: Vec<Step>,
}

/// The changes of one batch.
#[derive(Debug)]
pub(crate) struct Step {
    pub label: Option<String>,
    pub changes: HashMap<DocumentId, Delta>,
}

/// The change to one row.
#[derive(Debug, Clone)]
pub(crate) enum Delta {
    /// The row was inserted if `is_inserted`, otherwise removed.
    Whole { body: Body, is_inserted: bool },
    /// Values before and after the step; `None` where the field was absent.
    Fields(FieldChanges),
}

/// By name, of which each is there once.
pub(crate) type FieldChanges = Vec<(String, (Option<Value>, Option<Value>))>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Undo,
    Redo,
}

/// What readers see of the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UndoState {
    pub can_undo: bool,
    pub can_redo: bool,
    pub undo_label: Option<String>,
    pub redo_label: Option<String>,
}

impl History {
    /// Adds a step: the changed documents with their bodies before and after. A step without
    /// changes is not added.
    pub fn record(
        &mut self,
        label: Option<String>,
        changes: impl IntoIterator<Item = (DocumentId, Option<Body>, Option<Body>)>,
    ) {
        let changes: HashMap<_, _> = changes
            .into_iter()
            .filter_map(|(id, before, after)| Some((id, Delta::between(before, after)?)))
            .collect();
        if !changes.is_empty() {
            self.undone.clear();
            let surplus = (self.done.len() + 1).saturating_sub(STEP_LIMIT);
            self.done.drain(..surplus);
            self.done.push(Step { label, changes });
        }
    }

    /// Takes the next step to undo or redo.
    pub fn pop(&mut self, direction: Direction) -> Option<Step> {
        match direction {
            Direction::Undo => self.done.pop(),
            Direction::Redo => self.undone.pop(),
        }
    }

    /// Adds a step that was undone or redone, for the opposite direction.
    pub fn push_applied(&mut self, direction: Direction, step: Step) {
        match direction {
            Direction::Undo => self.undone.push(step),
            Direction::Redo => self.done.push(step),
        }
    }

    pub fn contains(&self, id: &DocumentId) -> bool {
        self.done.iter().chain(&self.undone).any(|step| step.changes.contains_key(id))
    }

    /// Drops the fields in which somebody else's change to a row differs, or the whole row if it
    /// was inserted or removed.
    pub fn changed_elsewhere(
        &mut self,
        id: &DocumentId,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) {
        let is_same = |name: &String| before.get(name) == after.get(name);
        if before.keys().chain(after.keys()).all(is_same) {
            return;
        }
        self.retain(id, |delta| match delta {
            Delta::Whole { .. } => false,
            Delta::Fields(fields) => {
                fields.retain(|(name, _)| is_same(name));
                !fields.is_empty()
            }
        });
    }

    /// Drops a row that somebody else has removed or restored.
    pub fn forget(&mut self, id: &DocumentId) {
        self.retain(id, |_| false);
    }

    fn retain(&mut self, id: &DocumentId, mut is_kept: impl FnMut(&mut Delta) -> bool) {
        for step in self.done.iter_mut().chain(&mut self.undone) {
            if step.changes.get_mut(id).is_some_and(|delta| !is_kept(delta)) {
                step.changes.remove(id);
            }
        }
    }

    pub fn state(&self) -> UndoState {
        let label = |steps: &[Step]| steps.last().and_then(|step| step.label.clone());
        UndoState {
            can_undo: !self.done.is_empty(),
            can_redo: !self.undone.is_empty(),
            undo_label: label(&self.done),
            redo_label: label(&self.undone),
        }
    }
}

impl Delta {
    fn between(before: Option<Body>, after: Option<Body>) -> Option<Self> {
        match (before, after) {
            (None, None) => None,
            (None, Some(body)) => Some(Self::Whole { body, is_inserted: true }),
            (Some(body), None) => Some(Self::Whole { body, is_inserted: false }),
            (Some(before), Some(after)) => {
                let (mut before, after) = (before.fields(), after.fields());
                let mut fields = Vec::new();
                for (name, value) in after {
                    let old = before.remove(&name);
                    if old.as_ref() != Some(&value) {
                        fields.push((name, (old, Some(value))));
                    }
                }
                fields.extend(before.into_iter().map(|(name, old)| (name, (Some(old), None))));
                (!fields.is_empty()).then_some(Self::Fields(fields))
            }
        }
    }
}
