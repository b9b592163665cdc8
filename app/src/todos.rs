//! One list and all its actions.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use leptos::prelude::*;
use serde_json::Value;
use settee::leptos::{Collection, Health, Problem, Row, position};
use settee::store::{Body, Change, Database, DocumentId, Edit};
use settee_todo::document::{is_own, new_own_id};
use settee_todo::exchange::Item;
use settee_todo::limits::{TITLE_LIMIT, fits};
use settee_todo::{Todo, new_todo_id};

use crate::drafts::{Draft, Drafts};
use crate::filter::Filter;
use crate::saving;
use crate::settings;
use crate::todo_row::TodoRow;

/// How many rows of a long list come first: as many as a screen has room for.
const FIRST: usize = 40;
/// How many rows are added to the page at once: so few that nobody has to wait for them. Each step compares
/// all rows, so a very long list takes larger ones.
const STEP: usize = 400;
const LARGEST_STEP: usize = 1000;

/// Has only handles, so that every component can have a copy.
#[derive(Clone, Copy)]
pub struct Todos {
    rows: Collection<TodoRow>,
    all: ReadSignal<Vec<DocumentId>>,
    active: ReadSignal<Vec<DocumentId>>,
    completed: ReadSignal<Vec<DocumentId>>,
    pub ready: ReadSignal<bool>,
    pub total: ReadSignal<usize>,
    pub active_count: ReadSignal<usize>,
    pub completed_count: ReadSignal<usize>,
    pub filter: RwSignal<Filter>,
    /// Rows that are being edited stay on the page until the edit ends, even if others remove them.
    drafts: Drafts,
    /// Why the last thing that was asked for was not done.
    pub complaint: RwSignal<Option<String>>,
    /// Nothing was typed into the field for new todos since it last added some.
    just_added: StoredValue<bool>,
    /// What was added before the list could be read, a todo a line. It is added to the list then.
    early: RwSignal<Vec<String>>,
    is_saving: Memo<bool>,
    /// What stands in the field for new todos.
    draft: RwSignal<Option<String>>,
    /// What a helper's own todos are known by.
    tag: RwSignal<Option<String>>,
}

impl Todos {
    pub fn new(filter: RwSignal<Filter>) -> Self {
        let rows = Collection::<TodoRow>::new();
        let all = rows.select(|_| true);
        let active = rows.select(|row| !row.0.completed);
        let completed = rows.select(|row| row.0.completed);
        let early = RwSignal::new(Vec::new());
        let todos = Self {
            rows,
            all: all.ids(),
            active: active.ids(),
            completed: completed.ids(),
            ready: rows.ready(),
            total: all.len(),
            active_count: active.len(),
            completed_count: completed.len(),
            filter,
            drafts: Drafts::new(),
            complaint: RwSignal::new(None),
            just_added: StoredValue::new(false),
            early,
            is_saving: Memo::new(move |_| !rows.is_saved().get() || !early.with(Vec::is_empty)),
            draft: RwSignal::new(None),
            tag: RwSignal::new(None),
        };
        Effect::new(move || {
            if todos.ready.get() {
                for lines in todos.early.try_update(std::mem::take).unwrap_or_default() {
                    todos.add(&lines);
                }
            }
        });
        saving::try_again(todos);
        todos
    }

    /// Shows a database. `is_same` if it is the one that was shown before, opened again.
    pub fn attach(self, database: Database, is_same: bool) {
        if is_same {
            self.rows.reattach(database);
        } else {
            self.rows.attach(database);
        }
    }

    /// Whether the rows and the database agree.
    pub fn health(self) -> ReadSignal<Health> {
        self.rows.health()
    }

    /// Whether something on the page is not saved on this device yet.
    pub fn is_saving(self) -> Memo<bool> {
        self.is_saving
    }

    /// Tries again to save what could not be saved.
    pub fn save_again(self) {
        self.rows.retry();
    }

    /// What waits to be added until the list can be read.
    pub fn early(self) -> RwSignal<Vec<String>> {
        self.early
    }

    /// The rows to show, in order. A long list is rendered in steps, so that the page is responsive
    /// as soon as the first rows are shown.
    pub fn shown(self) -> Memo<Vec<DocumentId>> {
        let next = Trigger::new();
        let shown = Memo::new(move |before: Option<&Vec<DocumentId>>| {
            next.track();
            let before = before.map_or(&[][..], Vec::as_slice);
            let mut ids = self.filtered().with(|ids| step(before, ids));
            for edited in self.drafts.ids().get() {
                if !ids.contains(&edited) {
                    let place = before.iter().position(|id| *id == edited);
                    ids.insert(place.unwrap_or(ids.len()).min(ids.len()), edited);
                }
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

    fn filtered(self) -> ReadSignal<Vec<DocumentId>> {
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

    /// All todos' ids and titles, in order.
    pub fn titles(self) -> Vec<(DocumentId, String)> {
        let read = |id: &DocumentId| Some((id.clone(), untrack(|| self.rows.get(id))?.0.title));
        self.all.with_untracked(|ids| ids.iter().filter_map(read).collect())
    }

    /// All todos, in order.
    pub fn items(self) -> Vec<Item> {
        let read = |id: &DocumentId| {
            let todo = untrack(|| self.rows.get(id))?.0;
            Some(Item { title: todo.title, completed: todo.completed })
        };
        self.all.with_untracked(|ids| ids.iter().filter_map(read).collect())
    }

    /// Adds a todo at the end for each line that isn't blank, as one step. Returns whether they were
    /// added: not if there is none, or one is too long.
    pub fn add(self, lines: &str) -> bool {
        let titles: Vec<&str> =
            lines.lines().map(str::trim).filter(|title| !title.is_empty()).collect();
        if titles.is_empty() || !titles.iter().all(|title| self.fits(title)) {
            return false;
        }
        if !self.ready.get_untracked() {
            self.early.update(|early| early.push(titles.join("\n")));
            self.draft.set(None);
            return true;
        }
        let last = self.all.with_untracked(|ids| ids.last().and_then(|id| self.rows.get(id)));
        let mut last = last.map(|row| row.0.position);
        let by = settings::name();
        self.rows.batch(|batch| {
            for title in titles {
                let position = position::after(last.as_deref());
                last = Some(position.clone());
                let todo =
                    Todo { title: title.to_owned(), position, by: by.clone(), ..Todo::default() };
                batch.insert(&self.new_id(), TodoRow(todo));
            }
        });
        self.just_added.set_value(true);
        self.draft.set(None);
        true
    }

    /// This device is, or may be, the helper whose own todos are known by this tag.
    pub fn help_as(self, tag: Option<String>) {
        self.tag.maybe_update(|known| {
            let is_new = *known != tag;
            *known = tag;
            is_new
        });
    }

    fn new_id(self) -> DocumentId {
        self.tag.with_untracked(|tag| tag.as_deref().map_or_else(new_todo_id, new_own_id))
    }

    /// What a helper's own documents are known by, if this device may be one.
    pub fn tag(self) -> Option<String> {
        self.tag.get_untracked()
    }

    /// Follows as which helper this device is known.
    pub fn track_tag(self) {
        self.tag.track();
    }

    /// Follows whether a todo is a helper's own, and this device is that helper.
    pub fn is_own(self, id: &DocumentId) -> bool {
        self.tag.with(|tag| tag.as_deref().is_some_and(|tag| is_own(id, tag)))
    }

    /// Something was typed into the field for new todos.
    pub fn typed(self, text: String) {
        self.just_added.set_value(false);
        self.draft.set(Some(text));
    }

    /// Whether something is typed that nobody has added or saved.
    pub fn has_drafts(self) -> bool {
        !self.typed_so_far().is_empty() || !self.drafts.ids().with_untracked(Vec::is_empty)
    }

    /// What stands in that field, or stood there when the list was last on the screen.
    pub fn typed_so_far(self) -> String {
        self.draft.get_untracked().unwrap_or_default()
    }

    /// Whether the field for new todos has nothing of its own to undo.
    pub fn has_just_added(self) -> bool {
        self.just_added.get_value()
    }

    pub fn complete(self, id: &DocumentId, completed: bool) {
        let who = settings::name();
        self.rows.update(id, |row| tick(&mut row.0, completed, &who));
    }

    pub fn complete_all(self, completed: bool) {
        let others = if completed { self.active } else { self.completed };
        let (ids, who) = (others.get_untracked(), settings::name());
        self.rows.batch(|batch| {
            for id in &ids {
                batch.update(id, |row| tick(&mut row.0, completed, &who));
            }
        });
    }

    /// Moves a row directly in front of another, or to the end. Returns whether it was moved: not
    /// if it is there already, or if one of the two was removed.
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
        // Others' rows are not a helper's to move.
        let is_helper = self.tag.with_untracked(Option::is_some);
        let mut has_moved = true;
        self.rows.batch_named("move", |batch| {
            let position = |id: &DocumentId| batch.get(id).map(|row| row.0.position);
            let previous = to.checked_sub(1).and_then(|at| position(&ids[at]));
            let following: Vec<String> =
                ids[to..].iter().map(|id| position(id).unwrap_or_default()).collect();
            let following: Vec<&str> = following.iter().map(String::as_str).collect();
            // Following rows may need new positions too.
            let positions = position::make_room(previous.as_deref(), &following);
            has_moved = !is_helper || positions.len() == 1;
            if !has_moved {
                return;
            }
            for (id, position) in std::iter::once(id).chain(&ids[to..]).zip(positions) {
                batch.update(id, |row| row.0.position = position);
            }
        });
        has_moved
    }

    /// Moves a row by one place. Returns whether it was moved: not beyond the ends of the list.
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

    /// Resolves the conflicts of a row. Fields without a chosen value keep the one that is shown.
    pub fn resolve(self, id: &DocumentId, chosen: &HashMap<Vec<String>, Option<Value>>) {
        self.rows.resolve(id, |conflict| match chosen.get(&conflict.path) {
            Some(value) => value.clone(),
            None => conflict.values.first().and_then(|shown| shown.value.clone()),
        });
    }

    /// Confirms that a row is kept although it was deleted.
    pub fn keep(self, id: &DocumentId) {
        self.rows.keep(id);
    }

    pub fn retry_refused(self, id: &DocumentId) {
        self.rows.retry_refused(id);
    }

    pub fn discard_refused(self, id: &DocumentId) {
        self.rows.discard_refused(id);
    }

    pub fn problems(self) -> ReadSignal<Vec<Problem>> {
        self.rows.problems()
    }

    /// Todos that this version of the app can't read.
    pub fn unreadable(self) -> ReadSignal<Vec<DocumentId>> {
        self.rows.unreadable()
    }

    pub fn dismiss(self, problem: &Problem) {
        self.rows.dismiss(problem);
    }

    /// Undoes the latest action of this user. Others' edits stay.
    pub fn undo(self) {
        let was_done = self.rows.can_undo().get_untracked();
        let is_overtaken = was_done && !self.rows.undo();
        let complaint = is_overtaken.then(|| {
            "What you did last was changed by somebody else since. It stays as it is.".to_owned()
        });
        self.complain(complaint);
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
        if let Some(row) = self.rows.get(id) {
            self.rows.begin_edit(id);
            self.drafts.begin(id, row.0.title);
        }
    }

    /// The rows that are being edited.
    pub fn edited(self) -> ReadSignal<Vec<DocumentId>> {
        self.drafts.ids()
    }

    /// What is typed into a row, if it is being edited.
    pub fn draft(self, id: &DocumentId) -> Option<Draft> {
        self.drafts.get(id)
    }

    pub fn keep_draft(self, id: &DocumentId, text: String) {
        self.drafts.put(id, text);
    }

    /// Ends the edit of a row, and saves the title if there is one. An empty title removes the row.
    /// Returns whether it was accepted: not if it is too long.
    pub fn end_edit(self, id: &DocumentId, title: Option<&str>) -> bool {
        match title {
            None => self.rows.end_edit(id),
            Some("") => self.rows.remove_edited(id),
            Some(title) if self.fits(title) => {
                self.rows.save_edit(id, |row| retitle(&mut row.0, title, settings::name()));
            }
            Some(_) => return false,
        }
        self.drafts.end(id);
        true
    }

    fn fits(self, title: &str) -> bool {
        let fits = fits(title, TITLE_LIMIT);
        self.complain((!fits).then(|| "This text is too long for one todo.".to_owned()));
        fits
    }

    fn complain(self, complaint: Option<String>) {
        self.complaint.maybe_update(|shown| {
            let is_new = *shown != complaint;
            *shown = complaint;
            is_new
        });
    }
}

fn tick(todo: &mut Todo, completed: bool, who: &str) {
    todo.completed = completed;
    who.clone_into(&mut todo.ticked);
}

fn retitle(todo: &mut Todo, title: &str, who: String) {
    if todo.title != title {
        title.clone_into(&mut todo.title);
        todo.edited = who;
    }
}

/// The rows of `before` that are still wanted, and as many new ones as one step adds.
fn step(before: &[DocumentId], wanted: &[DocumentId]) -> Vec<DocumentId> {
    let most = (before.len() / 10).clamp(STEP, LARGEST_STEP);
    if wanted.len() <= before.len() + most {
        return wanted.to_vec();
    }
    let most = if before.is_empty() { FIRST } else { most };
    let known: HashSet<&DocumentId> = before.iter().collect();
    let mut new = 0;
    let take = |id: &&DocumentId| {
        known.contains(id) || {
            new += 1;
            new <= most
        }
    };
    wanted.iter().filter(take).cloned().collect()
}

/// Todos as a new list begins with them.
pub fn edits(items: Vec<Item>) -> Vec<Edit> {
    let mut last: Option<String> = None;
    let edit = |Item { title, completed }| {
        let position = position::after(last.as_deref());
        last = Some(position.clone());
        // A title that was read is not too long for a body.
        let body =
            Body::from_serialize(&Todo { title, completed, position, ..Todo::default() }).ok()?;
        Some(Edit { id: new_todo_id(), seen: Vec::new(), change: Change::Put(body) })
    };
    items.into_iter().filter_map(edit).collect()
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
    fn a_short_list_is_shown_at_once() {
        let wanted = ids(0..STEP);
        assert_eq!(step(&[], &wanted), wanted);
    }

    #[test]
    fn a_long_list_begins_with_what_a_screen_has_room_for() {
        let wanted = ids(0..4 * STEP);
        assert_eq!(step(&[], &wanted), &wanted[..FIRST]);
    }

    #[test]
    fn a_long_list_is_shown_in_steps_that_keep_earlier_rows() {
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
