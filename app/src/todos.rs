//! The current list as the page sees it, and everything one can do to it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use leptos::prelude::*;
use serde_json::Value;
use settee_leptos::{Collection, Problem, Row, position};
use settee_store::{Database, DocumentId};
use settee_todo::{TITLE_LIMIT, Todo, new_todo_id};

use crate::filter::Filter;
use crate::todo_row::TodoRow;

/// By how many rows at most the page grows at once.
const STEP: usize = 1000;

/// Handles only, so that every component can have its own copy.
#[derive(Clone, Copy)]
pub struct Todos {
    rows: Collection<TodoRow>,
    all: Signal<Vec<DocumentId>>,
    active: Signal<Vec<DocumentId>>,
    completed: Signal<Vec<DocumentId>>,
    pub ready: Signal<bool>,
    pub total: Signal<usize>,
    pub active_count: Signal<usize>,
    pub completed_count: Signal<usize>,
    pub filter: RwSignal<Filter>,
    /// The row being edited. It stays on the page until the edit ends, whatever others do to it.
    edited: RwSignal<Option<DocumentId>>,
    /// What was wrong with the last title.
    pub complaint: RwSignal<Option<String>>,
}

impl Todos {
    pub fn new() -> Self {
        let rows = Collection::<TodoRow>::new();
        let all = rows.select(|_| true);
        let active = rows.select(|row| !row.0.completed);
        let completed = rows.select(|row| row.0.completed);
        Self {
            rows,
            all: all.ids(),
            active: active.ids(),
            completed: completed.ids(),
            ready: rows.ready(),
            total: all.len(),
            active_count: active.len(),
            completed_count: completed.len(),
            filter: RwSignal::new(Filter::All),
            edited: RwSignal::new(None),
            complaint: RwSignal::new(None),
        }
    }

    pub fn attach(self, database: Database) {
        self.rows.attach(database);
    }

    /// The rows to show, in order. A long list comes step by step, so that the page answers from
    /// its first rows on.
    pub fn shown(self) -> Memo<Vec<DocumentId>> {
        let next = Trigger::new();
        let shown = Memo::new(move |before: Option<&Vec<DocumentId>>| {
            next.track();
            let before = before.map_or(&[][..], Vec::as_slice);
            let mut ids = self.filtered().with(|ids| step(before, ids));
            if let Some(edited) = self.edited.get()
                && !ids.contains(&edited)
            {
                let place = before.iter().position(|id| *id == edited);
                ids.insert(place.unwrap_or(ids.len()).min(ids.len()), edited);
            }
            ids
        });
        Effect::new(move || {
            if shown.with(Vec::len) < self.filtered().with(Vec::len) {
                set_timeout(move || next.notify(), Duration::ZERO);
            }
        });
        shown
    }

    fn filtered(self) -> Signal<Vec<DocumentId>> {
        match self.filter.get() {
            Filter::All => self.all,
            Filter::Active => self.active,
            Filter::Completed => self.completed,
        }
    }

    /// A row's signals, for the component that shows it.
    pub fn row(self, id: &DocumentId) -> Option<Row<TodoRow>> {
        self.rows.row(id)
    }

    /// Whether it was added: not if it is blank or too long.
    pub fn add(self, title: &str) -> bool {
        let title = title.trim();
        if title.is_empty() || !self.fits(title) {
            return false;
        }
        let last = self.all.with_untracked(|ids| ids.last().and_then(|id| self.rows.get(id)));
        let position = position::after(last.as_ref().map(|row| row.0.position.as_str()));
        let todo = Todo { title: title.to_owned(), completed: false, position };
        self.rows.insert(&new_todo_id(), TodoRow(todo));
        true
    }

    pub fn complete(self, id: &DocumentId, completed: bool) {
        self.rows.update(id, |row| row.0.completed = completed);
    }

    pub fn complete_all(self, completed: bool) {
        let others = if completed { self.active } else { self.completed };
        let ids = others.get_untracked();
        self.rows.batch(|batch| {
            for id in &ids {
                batch.update(id, |row| row.0.completed = completed);
            }
        });
    }

    /// Puts a row directly in front of another, or last. Tells whether it was moved: not if it
    /// stands there already, or if one of the two is gone.
    fn move_row(self, id: &DocumentId, before: Option<&DocumentId>) -> bool {
        let mut ids = self.all.get_untracked();
        let Some(from) = ids.iter().position(|known| known == id) else { return false };
        ids.remove(from);
        let to = match before {
            None => ids.len(),
            Some(before) => match ids.iter().position(|known| known == before) {
                Some(to) => to,
                None => return false,
            },
        };
        if to == from {
            return false;
        }
        self.rows.batch_named("move", |batch| {
            let position = |id: &DocumentId| batch.get(id).map(|row| row.0.position);
            let previous = to.checked_sub(1).and_then(|at| position(&ids[at]));
            let following: Vec<String> =
                ids[to..].iter().map(|id| position(id).unwrap_or_default()).collect();
            let following: Vec<&str> = following.iter().map(String::as_str).collect();
            // Those of the same position as the one in front have to give way.
            let positions = position::make_room(previous.as_deref(), &following);
            for (id, position) in std::iter::once(id).chain(&ids[to..]).zip(positions) {
                batch.update(id, |row| row.0.position = position);
            }
        });
        true
    }

    /// Moves a row by one place. Tells whether it was moved: not past the ends of the list.
    pub fn move_by_one(self, id: &DocumentId, down: bool) -> bool {
        let ids = self.filtered_untracked();
        let Some(at) = ids.iter().position(|known| known == id) else { return false };
        match (down, at) {
            (false, 0) => false,
            (false, at) => self.move_row(id, ids.get(at - 1)),
            (true, at) if at + 1 == ids.len() => false,
            (true, at) => self.move_row(id, ids.get(at + 2)),
        }
    }

    fn filtered_untracked(self) -> Vec<DocumentId> {
        untrack(|| self.filtered().get())
    }

    pub fn remove(self, id: &DocumentId) {
        self.rows.remove(id);
    }

    /// Settles what several people have made of a row: the fields are to be as chosen, and those
    /// of which nothing was, as they are shown.
    pub fn resolve(self, id: &DocumentId, chosen: &HashMap<Vec<String>, Option<Value>>) {
        self.rows.resolve(id, |conflict| match chosen.get(&conflict.path) {
            Some(value) => value.clone(),
            None => conflict.values.first().and_then(|shown| shown.value.clone()),
        });
    }

    /// Settles that a row which somebody has deleted stays.
    pub fn keep(self, id: &DocumentId) {
        self.rows.keep(id);
    }

    pub fn retry_refused(self, id: &DocumentId) {
        self.rows.retry_refused(id);
    }

    pub fn discard_refused(self, id: &DocumentId) {
        self.rows.discard_refused(id);
    }

    pub fn problems(self) -> Signal<Vec<Problem>> {
        self.rows.problems()
    }

    /// Todos that this version of the app can't show.
    pub fn unreadable(self) -> Signal<Vec<DocumentId>> {
        self.rows.unreadable()
    }

    pub fn dismiss(self, problem: &Problem) {
        self.rows.dismiss(problem);
    }

    /// Takes back the last thing that was done here, or does it again. Others' edits stay.
    pub fn undo(self) {
        self.rows.undo();
    }

    pub fn redo(self) {
        self.rows.redo();
    }

    pub fn clear_completed(self) {
        let ids = self.completed.get_untracked();
        self.rows.batch(|batch| {
            for id in &ids {
                batch.remove(id);
            }
        });
    }

    pub fn begin_edit(self, id: &DocumentId) {
        self.edited.set(Some(id.clone()));
    }

    pub fn end_edit(self, id: &DocumentId) {
        if self.edited.with_untracked(|edited| edited.as_ref() == Some(id)) {
            self.edited.set(None);
        }
    }

    /// Whether the title, already trimmed and not empty, was taken: not if it is too long.
    pub fn rename(self, id: &DocumentId, title: &str) -> bool {
        if !self.fits(title) {
            return false;
        }
        if self.rows.get(id).is_some() {
            self.rows.update(id, |row| title.clone_into(&mut row.0.title));
            true
        } else {
            // Somebody deleted it during the edit. What was typed isn't lost: it is a new todo.
            self.add(title)
        }
    }

    fn fits(self, title: &str) -> bool {
        let fits = title.len() <= TITLE_LIMIT;
        let complaint = (!fits).then(|| "This text is too long for one todo.".to_owned());
        if self.complaint.with_untracked(|shown| *shown != complaint) {
            self.complaint.set(complaint);
        }
        fits
    }
}

/// The rows from `before` that are still wanted, and of the new ones as many as one step allows.
fn step(before: &[DocumentId], wanted: &[DocumentId]) -> Vec<DocumentId> {
    if wanted.len() <= before.len() + STEP {
        return wanted.to_vec();
    }
    let known: HashSet<&DocumentId> = before.iter().collect();
    let mut new = 0;
    let take = |id: &&DocumentId| {
        known.contains(id) || {
            new += 1;
            new <= STEP
        }
    };
    wanted.iter().filter(take).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: impl Iterator<Item = usize>) -> Vec<DocumentId> {
        numbers
            .map(|number| DocumentId::new(&format!("todo/{number}")).expect("it is short"))
            .collect()
    }

    #[test]
    fn a_short_list_comes_at_once() {
        let wanted = ids(0..STEP);
        assert_eq!(step(&[], &wanted), wanted);
    }

    #[test]
    fn a_long_list_comes_in_steps_and_keeps_what_is_there() {
        let wanted = ids(0..4 * STEP);
        let mut shown = ids((0..2 * STEP).map(|number| 2 * number));
        let mut steps = 0;
        while shown != wanted {
            let next = step(&shown, &wanted);
            assert!(shown.iter().all(|id| next.contains(id)));
            assert!(next.len() > shown.len() && next.len() <= shown.len() + STEP);
            shown = next;
            steps += 1;
        }
        assert_eq!(steps, 2);
    }
}
