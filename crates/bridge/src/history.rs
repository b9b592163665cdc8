//! What the user has done and can undo, as plain data.
//!
//! A step remembers for each row what it changed: fields, with their values before and after, or
//! the whole row. What somebody else changes of that is forgotten here, so that nothing undoes it.

use std::collections::{BTreeMap, HashMap};

use leptos::prelude::*;
use serde_json::{Map, Value};
use settee_store::{Body, DocumentId};

use crate::{model::Model, row::FieldConflict, rows::Rows};

/// Most steps that can be undone; the oldest are forgotten first.
pub const STEP_LIMIT: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct History {
    done: Vec<Step>,
    undone: Vec<Step>,
}

/// The changes of one batch.
#[derive(Debug)]
struct Step {
    label: Option<String>,
    changes: HashMap<DocumentId, Delta>,
}

#[derive(Debug, Clone)]
enum Delta {
    /// The row was inserted, or else removed.
    Whole { body: Body, is_inserted: bool },
    /// Values before and after; `None` where the field was absent.
    Fields(BTreeMap<String, (Option<Value>, Option<Value>)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Undo,
    Redo,
}

/// What readers are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prospect {
    pub can_undo: bool,
    pub can_redo: bool,
    pub undo_label: Option<String>,
    pub redo_label: Option<String>,
}

impl History {
    /// Remembers a step: documents with what they were before it and after.
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

    pub fn knows(&self, id: &DocumentId) -> bool {
        self.steps().any(|step| step.changes.contains_key(id))
    }

    /// Somebody else has changed a row: what differs is theirs now.
    pub fn touch(
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
                fields.retain(|name, _| is_same(name));
                !fields.is_empty()
            }
        });
    }

    /// Somebody else has removed a row, or brought it back.
    pub fn forget(&mut self, id: &DocumentId) {
        self.retain(id, |_| false);
    }

    fn retain(&mut self, id: &DocumentId, mut is_kept: impl FnMut(&mut Delta) -> bool) {
        for steps in [&mut self.done, &mut self.undone] {
            steps.retain_mut(|step| {
                if step.changes.get_mut(id).is_some_and(|delta| !is_kept(delta)) {
                    step.changes.remove(id);
                }
                !step.changes.is_empty()
            });
        }
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.done.iter().chain(&self.undone)
    }

    pub fn prospect(&self) -> Prospect {
        let label = |steps: &[Step]| steps.last().and_then(|step| step.label.clone());
        Prospect {
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
                let mut fields = BTreeMap::new();
                for (name, value) in after {
                    let old = before.remove(&name);
                    if old.as_ref() != Some(&value) {
                        fields.insert(name, (old, Some(value)));
                    }
                }
                fields.extend(before.into_iter().map(|(name, old)| (name, (Some(old), None))));
                (!fields.is_empty()).then_some(Self::Fields(fields))
            }
        }
    }
}

impl<T: Model> Rows<T> {
    /// Takes back the last step, or does again what was taken back last. Tells whether
    /// anything has changed: others may have changed all of it.
    pub fn travel(&mut self, direction: Direction) -> bool {
        let steps = match direction {
            Direction::Undo => &mut self.history.done,
            Direction::Redo => &mut self.history.undone,
        };
        let Some(Step { label, changes }) = steps.pop() else { return false };
        let changes: HashMap<DocumentId, Delta> = changes
            .into_iter()
            .filter_map(|(id, delta)| {
                let delta = self.travel_row(&id, delta, direction)?;
                Some((id, delta))
            })
            .collect();
        let is_changed = !changes.is_empty();
        if is_changed {
            // Only what was done can be taken back.
            match direction {
                Direction::Undo => self.history.undone.push(Step { label, changes }),
                Direction::Redo => self.history.done.push(Step { label, changes }),
            }
        }
        is_changed
    }

    /// What of it was done.
    fn travel_row(&mut self, id: &DocumentId, delta: Delta, to: Direction) -> Option<Delta> {
        match delta {
            Delta::Whole { body, is_inserted } if is_inserted == (to == Direction::Redo) => {
                let is_done = self.visible(id).is_none() && self.put_fields(id, body.clone());
                is_done.then_some(Delta::Whole { body, is_inserted })
            }
            Delta::Whole { body, is_inserted } => {
                let is_disputed =
                    self.visible(id)?.state.with_untracked(|state| !state.conflicts.is_empty());
                if is_disputed || self.body(id) != Ok(Some(body.clone())) {
                    return None;
                }
                self.take_away(id);
                Some(Delta::Whole { body, is_inserted })
            }
            Delta::Fields(changed) => {
                let conflicts =
                    self.visible(id)?.state.with_untracked(|state| state.conflicts.clone());
                // An edit settles all conflicts of its document as they are shown.
                if conflicts.iter().any(FieldConflict::hides_others) {
                    return None;
                }
                let mut fields = self.body(id).ok()??.fields();
                let mut done = BTreeMap::new();
                for (name, (before, after)) in changed {
                    let (from, wanted) = match to {
                        Direction::Undo => (&after, &before),
                        Direction::Redo => (&before, &after),
                    };
                    let is_open =
                        conflicts.iter().any(|conflict| conflict.path.first() == Some(&name));
                    if is_open || fields.get(&name) != from.as_ref() {
                        continue;
                    }
                    match wanted {
                        Some(value) => drop(fields.insert(name.clone(), value.clone())),
                        None => drop(fields.remove(&name)),
                    }
                    done.insert(name, (before, after));
                }
                let is_done = !done.is_empty() && self.put_fields(id, Body::new(fields).ok()?);
                is_done.then_some(Delta::Fields(done))
            }
        }
    }
}
