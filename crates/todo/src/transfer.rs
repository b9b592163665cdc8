//! Todos that go from one list to another, which is another database: no commit covers both.
//!
//! A todo keeps its id when it moves. So it comes once, if two devices move it at the same time. The list that it
//! goes to learns in one commit of the todo and of what is still to be done, in a local document. Whatever breaks off
//! after that can be [gone on with](go_on), as often as one likes.
//!
//! The first list lets go of a todo at once, for a device may be offline for long. Until the other one's server has
//! the todo, it may refuse it. Then the first list takes it back.

use std::sync::Arc;

use serde_json::{Map, Value};
use settee_store::{
    BackendError, Body, Change, Database, Document, DocumentId, Edit, Operation, Record,
    WriteError, operation::COMMIT_LIMIT, view::OpenConflict,
};

use crate::{
    document::{TODO_PREFIX, new_todo_id},
    list::{each, fill},
};

/// Most todos of one transfer.
pub const TRANSFER_LIMIT: usize = 1_000;
/// The field with a todo's place in its list.
const POSITION: &str = "position";
/// Why a todo is refused that may not even be sent. It is taken back at once, so that nobody reads this but after a
/// crash.
const NOT_SENT: &str = "it could not be sent";

/// A todo that goes to another list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    pub id: DocumentId,
    /// Its id there.
    pub becomes: DocumentId,
    /// Its place there. Without one it comes last.
    pub position: Option<String>,
}

impl Passed {
    /// Moves.
    pub fn moved(id: DocumentId) -> Self {
        Self { becomes: id.clone(), id, position: None }
    }

    /// Stays where it is, and begins there as another todo.
    pub fn copied(id: DocumentId) -> Self {
        Self { becomes: new_todo_id(), id, position: None }
    }
}

/// Copies todos to another list, in this order, and notes under a name what has to be [done](go_on) to make a move of
/// it. Returns the way back of each that has gone. Todos over the limit, and those that are gone, stay out; none moves
/// that somebody still has to decide on.
pub async fn begin(
    from: &Database,
    to: &Database,
    passed: &[Passed],
    note: Option<&str>,
    after: fn(Option<&str>) -> String,
) -> Result<Vec<Passed>, WriteError> {
    let passed = &passed[..passed.len().min(TRANSFER_LIMIT)];
    let todos = from.records(passed.iter().map(|todo| todo.id.clone()).collect()).await?;
    let there = to.records(passed.iter().map(|todo| todo.becomes.clone()).collect()).await?;
    let mut last = last_position(to).await?;
    let (mut operations, mut left, mut back) = (Vec::new(), Map::new(), Vec::new());
    for ((passed, todo), there) in passed.iter().zip(todos).zip(there) {
        let Some(todo) = live(todo) else { continue };
        // What nobody has decided yet would be decided by that.
        if note.is_some() && !is_settled(&todo) {
            continue;
        }
        let there = there.and_then(|it| it.document());
        let is_there = there.as_ref().is_some_and(|it| !it.deleted);
        let mut fields = todo.body.fields();
        let is_known = |there: &Document| is_same(&there.body.fields(), &fields);
        let has_come = is_there && there.as_ref().is_some_and(is_known);
        // Under the same id it may have other words there. None of them are lost.
        let id = if is_there && !has_come { new_todo_id() } else { passed.becomes.clone() };
        left.insert(todo.id.to_string(), noted(&todo, &id));
        back.push(Passed { id: id.clone(), becomes: todo.id.clone(), position: position(&fields) });
        // Another device has moved it, too.
        if has_come {
            continue;
        }
        let seen = there.filter(|_| !is_there).map(|there| there.leaves).unwrap_or_default();
        let position = passed.position.clone().unwrap_or_else(|| {
            let next = after(last.as_deref());
            last = Some(next.clone());
            next
        });
        fields.insert(POSITION.to_owned(), position.into());
        let change = Change::Put(Body::new(fields)?);
        operations.push(Operation::Edit(Edit { id, seen, change }));
    }
    if let Some(note) = note {
        operations.push(write_note(note, Some(left))?);
    }
    for outcome in to.commit(operations).await?.outcomes {
        outcome?;
    }
    Ok(back)
}

/// Does what is left of a move that has [begun](begin). Tells whether all is done: not before the other list's server
/// has every todo.
///
/// The first list lets go of those that are in the other one, and takes back those that the other one's server has
/// refused, or that can't be sent there (`can_send`). A todo stays where it was changed since.
pub async fn go_on(
    from: &Database,
    to: &Database,
    note: &str,
    can_send: bool,
) -> Result<bool, WriteError> {
    let Some(left) = to.local(note).await? else { return Ok(true) };
    let mut left = Body::from_canonical(&left)?.fields();
    let (mut ids, mut becomes) = (Vec::new(), Vec::new());
    for (id, noted) in &left {
        ids.push(DocumentId::new(id)?);
        becomes.push(DocumentId::new(noted.get(0).and_then(Value::as_str).unwrap_or_default())?);
    }
    if !can_send {
        refuse_waiting(to, becomes.clone()).await?;
    }
    let (here, there) = (from.records(ids.clone()).await?, to.records(becomes.clone()).await?);
    let (mut edits, mut discards) = (Vec::new(), Vec::new());
    for (((id, becomes), here), there) in ids.into_iter().zip(becomes).zip(here).zip(there) {
        if live(there.clone()).is_some() {
            let is_as_noted =
                |todo: &Document| left.get(id.as_str()) == Some(&noted(todo, &becomes));
            edits.extend(live(here.clone()).filter(is_as_noted).map(deletion));
        }
        if there.as_ref().is_some_and(|it| it.tree.is_pending()) {
            continue;
        }
        let place = left.remove(id.as_str()).and_then(|noted| Some(noted.get(1)?.clone()));
        let Some(there) = there.filter(|it| live(Some(it.clone())).is_none()) else { continue };
        let refused = there.refused.as_ref().filter(|it| !it.deleted);
        let refused = refused.and_then(|it| Some(it.body.as_ref()?.fields()));
        match (refused, live(here.clone())) {
            // Other words than those that are in the first list are somebody's to decide on.
            (Some(refused), Some(todo)) if !is_same(&refused, &todo.body.fields()) => continue,
            (Some(mut fields), None) => {
                fields.extend(place.map(|place| (POSITION.to_owned(), place)));
                let seen = here.and_then(|it| it.document()).map(|it| it.leaves);
                let change = Change::Put(Body::new(fields)?);
                edits.push(Edit { id, seen: seen.unwrap_or_default(), change });
            }
            // It is in the first list, or was deleted in the other one.
            _ => {}
        }
        let discard = |revision| Operation::Discard { id: there.id.clone(), revision };
        discards.extend(there.refusals().map(|it| discard(it.revision)));
    }
    fill(from, &edits).await?;
    // Not before the first list has them: until then these are the only ones.
    for discards in discards.chunks(COMMIT_LIMIT) {
        to.commit(discards.to_vec()).await?;
    }
    let is_done = left.is_empty();
    let left = if is_done { None } else { Some(left) };
    to.commit(vec![write_note(note, left)?]).await?;
    Ok(is_done)
}

/// Refuses what a list can't send of todos.
async fn refuse_waiting(list: &Database, todos: Vec<DocumentId>) -> Result<(), BackendError> {
    let records = list.records(todos).await?;
    let refuse = records.iter().flatten().map(|it| Operation::Refuse {
        id: it.id.clone(),
        revisions: it.tree.pending(),
        reason: NOT_SENT.to_owned(),
    });
    list.commit(refuse.collect()).await.map(drop)
}

/// Deletes todos, if they are there.
pub async fn remove(list: &Database, todos: Vec<DocumentId>) -> Result<(), WriteError> {
    let records = list.records(todos).await?;
    let deletions: Vec<Edit> = records.into_iter().filter_map(live).map(deletion).collect();
    fill(list, &deletions).await
}

fn live(record: Option<Arc<Record>>) -> Option<Document> {
    record?.document().filter(|it| !it.deleted)
}

fn deletion(todo: Document) -> Edit {
    Edit { id: todo.id, seen: todo.leaves, change: Change::Delete }
}

/// Whether no words are to be decided on: neither those of two people nor refused ones.
fn is_settled(todo: &Document) -> bool {
    let is_title = |conflict: &OpenConflict| conflict.path == ["title"];
    todo.is_merged && !todo.conflicts.iter().any(is_title) && todo.refused.is_none()
}

fn write_note(note: &str, left: Option<Map<String, Value>>) -> Result<Operation, WriteError> {
    let body = left.map(Body::new).transpose()?;
    let value = body.map(|body| body.as_str().as_bytes().to_vec());
    Ok(Operation::Local { key: note.to_owned(), value })
}

/// The id that a todo gets in the other list, its place in this one, and what names its state here.
fn noted(todo: &Document, becomes: &DocumentId) -> Value {
    let place = position(&todo.body.fields()).unwrap_or_default();
    let leaves = todo.leaves.iter().map(ToString::to_string);
    [becomes.to_string(), place].into_iter().chain(leaves).collect()
}

fn position(fields: &Map<String, Value>) -> Option<String> {
    Some(fields.get(POSITION)?.as_str()?.to_owned())
}

/// Whether two todos say the same, wherever they stand.
fn is_same(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let says = |one: &Map<String, Value>, other: &Map<String, Value>| {
        one.iter().all(|(name, value)| name == POSITION || other.get(name) == Some(value))
    };
    says(one, other) && says(other, one)
}

async fn last_position(list: &Database) -> Result<Option<String>, BackendError> {
    let mut greatest = None;
    let mut take = |record: &Record| {
        let document = record.document().filter(|it| !it.deleted);
        let todo = document.filter(|it| it.id.as_str().starts_with(TODO_PREFIX));
        greatest = greatest.take().max(todo.and_then(|it| position(&it.body.fields())));
    };
    each(list, 0, &mut take).await?;
    Ok(greatest)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::{
        Todo,
        at_once::{at_once, send},
    };
    use proptest::prelude::*;
    use settee_store::Memory;

    const NOTE: &str = "moves";

    fn after(last: Option<&str>) -> String {
        format!("{}a", last.unwrap_or_default())
    }

    fn list(number: u8) -> Database {
        Database::new(Memory::new([number; 16]))
    }

    fn put(list: &Database, name: &str) -> DocumentId {
        let id = DocumentId::new(&format!("{TODO_PREFIX}{name}")).unwrap();
        let todo = Todo { title: name.to_owned(), position: "a".to_owned(), ..Todo::default() };
        at_once(list.put(id.as_str(), &todo)).unwrap();
        id
    }

    fn titles(list: &Database) -> Vec<String> {
        let records = at_once(list.changes(0, usize::MAX)).unwrap();
        let documents = records.iter().filter_map(|record| record.document());
        let todos = documents.filter(|it| !it.deleted).map(|it| it.body.read::<Todo>().unwrap());
        let mut todos: Vec<Todo> = todos.collect();
        todos.sort_by(|one, other| one.position.cmp(&other.position));
        todos.into_iter().map(|todo| todo.title).collect()
    }

    /// Moves todos. If it breaks off, only the first commit is made.
    fn moved(from: &Database, to: &Database, ids: &[DocumentId], breaks_off: bool) -> usize {
        let passed: Vec<Passed> = ids.iter().cloned().map(Passed::moved).collect();
        let back = at_once(begin(from, to, &passed, Some(NOTE), after)).unwrap();
        if !breaks_off {
            goes_on(from, to, true);
        }
        back.len()
    }

    fn goes_on(from: &Database, to: &Database, can_send: bool) -> bool {
        at_once(go_on(from, to, NOTE, can_send)).unwrap()
    }

    /// Refuses the copies that wait in a list, as its server does.
    fn refuse(list: &Database) {
        let waiting = at_once(list.pending(usize::MAX)).unwrap();
        let refuse = waiting.iter().filter(|it| live(Some((*it).clone())).is_some()).map(|it| {
            let revisions = it.tree.pending();
            Operation::Refuse { id: it.id.clone(), revisions, reason: "no".to_owned() }
        });
        at_once(list.commit(refuse.collect())).unwrap();
    }

    fn refused(list: &Database) -> usize {
        at_once(list.counts()).unwrap().refused
    }

    #[test]
    fn a_todo_moves_with_all_its_fields_and_back_to_its_place() {
        let (here, there) = (list(1), list(2));
        let ids = ["one", "two"].map(|name| put(&here, name));
        let todo =
            serde_json::json!({"title": "two", "completed": true, "position": "b", "due": 7});
        at_once(here.put(ids[1].as_str(), &todo)).unwrap();
        put(&there, "first");
        assert_eq!(moved(&here, &there, &[ids[1].clone(), new_todo_id()], false), 1);
        assert_eq!(titles(&here), ["one"]);
        assert_eq!(titles(&there), ["first", "two"]);
        let arrived: Value = at_once(there.find(ids[1].as_str())).unwrap().unwrap();
        assert_eq!((&arrived["due"], &arrived["completed"]), (&7.into(), &true.into()));

        // The others get places behind it.
        put(&here, "third");
        let back = Passed { position: Some("Z".to_owned()), ..Passed::moved(ids[1].clone()) };
        at_once(begin(&there, &here, &[back], Some(NOTE), after)).unwrap();
        goes_on(&there, &here, true);
        assert_eq!(titles(&here)[0], "two");
        assert_eq!(titles(&there), ["first"]);
    }

    #[test]
    fn the_way_back_is_that_of_the_todos_that_have_gone() {
        let (here, there) = (list(1), list(2));
        let id = put(&here, "one");
        let older = Todo { title: "older".to_owned(), position: "b".to_owned(), ..Todo::default() };
        at_once(there.put(id.as_str(), &older)).unwrap();
        let passed = [Passed::moved(new_todo_id()), Passed::moved(id.clone())];
        let back = at_once(begin(&here, &there, &passed, Some(NOTE), after)).unwrap();
        goes_on(&here, &there, true);
        assert_eq!(titles(&there), ["older", "one"]);
        assert_eq!((back.len(), &back[0].becomes), (1, &id));
        assert_eq!(back[0].position.as_deref(), Some("a"));
        at_once(begin(&there, &here, &back, Some(NOTE), after)).unwrap();
        goes_on(&there, &here, true);
        assert_eq!((titles(&here), titles(&there)), (vec!["one".into()], vec!["older".into()]));
    }

    #[test]
    fn what_the_other_server_refuses_comes_back_to_its_place() {
        for can_send in [true, false] {
            let (here, there, server) = (list(1), list(2), list(3));
            let ids = ["one", "two"].map(|name| put(&here, name));
            moved(&here, &there, &ids, false);
            assert_eq!((titles(&here).len(), titles(&there).len()), (0, 2));
            send(&here, &server, false);
            assert!(!goes_on(&here, &there, true), "nobody has answered");
            let edited = Todo { title: "one, please".to_owned(), ..Todo::default() };
            at_once(there.put(ids[0].as_str(), &edited)).unwrap();
            at_once(remove(&there, vec![ids[1].clone()])).unwrap();
            if can_send {
                refuse(&there);
            }
            assert_eq!(goes_on(&here, &there, can_send), !can_send, "what was deleted waits");
            assert_eq!((titles(&here), titles(&there).len()), (vec!["one, please".into()], 0));
            let back: Todo = at_once(here.find(ids[0].as_str())).unwrap().unwrap();
            assert_eq!(back.position, "a");
            assert_eq!(refused(&there), 0);
        }
    }

    #[test]
    fn a_move_is_done_once_the_other_server_has_it() {
        let (here, there, server) = (list(1), list(2), list(3));
        let id = put(&here, "one");
        moved(&here, &there, &[id], false);
        send(&there, &server, false);
        assert!(!goes_on(&here, &there, true));
        send(&server, &there, true);
        assert!(goes_on(&here, &there, true));
        assert_eq!(at_once(there.local(NOTE)), Ok(None));
        assert_eq!((titles(&here).len(), titles(&there).len()), (0, 1));
    }

    #[test]
    fn refused_words_that_differ_from_those_in_the_first_list_stay() {
        let (here, there) = (list(1), list(2));
        let id = put(&here, "one");
        moved(&here, &there, std::slice::from_ref(&id), true);
        for (list, title) in [(&here, "one here"), (&there, "one there")] {
            let todo = Todo { title: title.to_owned(), ..Todo::default() };
            at_once(list.put(id.as_str(), &todo)).unwrap();
        }
        refuse(&there);
        assert!(goes_on(&here, &there, true));
        assert_eq!((titles(&here), refused(&there)), (vec!["one here".to_owned()], 1));
    }

    #[test]
    fn a_copy_is_another_todo_and_can_be_taken_out_again() {
        let (here, there) = (list(1), list(2));
        let copy = Passed::copied(put(&here, "one"));
        at_once(begin(&here, &there, std::slice::from_ref(&copy), None, after)).unwrap();
        assert_eq!((titles(&here), titles(&there)), (vec!["one".into()], vec!["one".into()]));
        assert_ne!(copy.id, copy.becomes);
        at_once(remove(&there, vec![copy.becomes.clone(), new_todo_id()])).unwrap();
        at_once(remove(&there, vec![copy.becomes])).unwrap();
        assert_eq!((titles(&here).len(), titles(&there).len()), (1, 0));
    }

    #[test]
    fn what_was_changed_before_a_move_was_finished_stays() {
        let (here, there) = (list(1), list(2));
        let ids = ["one", "two"].map(|name| put(&here, name));
        moved(&here, &there, &ids, true);
        let todo = Todo { title: "one, please".to_owned(), ..Todo::default() };
        at_once(here.put(ids[0].as_str(), &todo)).unwrap();
        goes_on(&here, &there, true);
        assert_eq!(titles(&here), ["one, please"]);
        assert_eq!(titles(&there), ["one", "two"]);
        // It moves again, and none of both is lost.
        moved(&here, &there, &ids, false);
        assert_eq!(titles(&there), ["one", "two", "one, please"]);
    }

    #[test]
    fn what_somebody_has_to_decide_on_stays() {
        let (here, there) = (list(1), list(2));
        let others = list(3);
        let id = put(&here, "one");
        send(&here, &others, false);
        for (list, title) in [(&here, "one, please"), (&others, "one or two")] {
            let todo = Todo { title: title.to_owned(), ..Todo::default() };
            at_once(list.put(id.as_str(), &todo)).unwrap();
        }
        send(&others, &here, true);
        assert_eq!(moved(&here, &there, std::slice::from_ref(&id), false), 0);
        assert_eq!((titles(&here).len(), titles(&there).len()), (1, 0));
        let document = at_once(here.get(&id)).unwrap().unwrap();
        assert_eq!(document.conflicts.len(), 1);
    }

    #[test]
    fn what_is_not_in_the_other_list_stays() {
        let (here, there) = (list(1), list(2));
        let ids = ["one", "two"].map(|name| put(&here, name));
        moved(&here, &there, &ids, true);
        at_once(remove(&there, vec![ids[0].clone()])).unwrap();
        goes_on(&here, &there, true);
        assert_eq!((titles(&here), titles(&there)), (vec!["one".into()], vec!["two".into()]));
    }

    #[test]
    fn a_move_of_too_many_is_cut_off_and_none_of_them_is_lost() {
        let (here, there) = (list(1), list(2));
        let count = TRANSFER_LIMIT + 2;
        let ids: Vec<DocumentId> = (0..count).map(|at| put(&here, &at.to_string())).collect();
        assert_eq!(moved(&here, &there, &ids, false), TRANSFER_LIMIT);
        assert_eq!((titles(&here).len(), titles(&there).len()), (2, TRANSFER_LIMIT));
    }

    /// All titles that a person sees, also those of todos that were refused.
    fn shown(list: &Database) -> Vec<String> {
        let mut shown = titles(list);
        for (id, refused) in at_once(list.refused()).unwrap() {
            let todo = refused[0].body.as_ref().map(|body| body.read::<Todo>().unwrap().title);
            if live(at_once(list.records(vec![id])).unwrap().remove(0)).is_none() {
                shown.extend(todo);
            }
        }
        shown
    }

    /// A device's copies of two lists, and its moves that aren't done: from which one, and under which name.
    struct Device([Database; 2], RefCell<Vec<(usize, String)>>);

    impl Device {
        fn new(number: u8) -> Self {
            Self([list(number), list(number + 1)], RefCell::default())
        }

        /// Sends what waits, and takes what the server has.
        fn sync(&self, server: &Self) {
            for (here, there) in self.0.iter().zip(&server.0) {
                send(here, there, false);
                send(there, here, true);
            }
        }

        fn moves(&self, at: usize, id: DocumentId, breaks_off: bool) {
            let note = new_todo_id().to_string();
            let passed = [Passed::moved(id)];
            let (from, to) = (&self.0[at], &self.0[1 - at]);
            at_once(begin(from, to, &passed, Some(&note), after)).unwrap();
            self.1.borrow_mut().push((at, note));
            if !breaks_off {
                self.resume();
            }
        }

        /// What a program does when it starts, and when a server has answered.
        fn resume(&self) {
            self.1.borrow_mut().retain(|(at, note)| {
                !at_once(go_on(&self.0[*at], &self.0[1 - at], note, true)).unwrap()
            });
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// The second list's server refuses what it doesn't have.
        Refuses(usize),
        /// A device moves one of its own todos to the other list. It may be stopped in between.
        Moves {
            device: usize,
            todo: usize,
            breaks_off: bool,
        },
        /// A device moves one of all people's todos from the first list to the second.
        MovesShared {
            device: usize,
            todo: usize,
            breaks_off: bool,
        },
        Syncs(usize),
        Starts(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let moves = (0..2_usize, 0..3_usize, any::<bool>());
        prop_oneof![
            moves.clone().prop_map(|(device, todo, breaks_off)| Step::Moves {
                device,
                todo,
                breaks_off
            }),
            moves.prop_map(|(device, todo, breaks_off)| Step::MovesShared {
                device,
                todo,
                breaks_off
            }),
            (0..2_usize).prop_map(Step::Refuses),
            (0..2_usize).prop_map(Step::Syncs),
            (0..2_usize).prop_map(Step::Starts),
        ]
    }

    proptest! {
        #[test]
        fn none_is_lost_and_none_comes_twice(steps in prop::collection::vec(step(), 1..60)) {
            let server = Device::new(1);
            let devices = [Device::new(3), Device::new(5)];
            let names = ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2", "all-0", "all-1", "all-2"];
            for name in names {
                put(&devices[0].0[0], name);
            }
            for device in [0, 1, 0] {
                devices[device].sync(&server);
            }
            let has_refused = steps.iter().any(|step| matches!(step, Step::Refuses(_)));
            for step in steps {
                match step {
                    Step::Moves { device, todo, breaks_off } => {
                        let name = format!("{device}-{todo}");
                        let it = &devices[device];
                        // A device that was stopped starts before it does anything else.
                        it.resume();
                        let at = usize::from(!titles(&it.0[0]).contains(&name));
                        let id = DocumentId::new(&format!("{TODO_PREFIX}{name}")).unwrap();
                        it.moves(at, id, breaks_off);
                    }
                    Step::MovesShared { device, todo, breaks_off } => {
                        let it = &devices[device];
                        it.resume();
                        let id = DocumentId::new(&format!("{TODO_PREFIX}all-{todo}")).unwrap();
                        it.moves(0, id, breaks_off);
                    }
                    Step::Refuses(device) => refuse(&devices[device].0[1]),
                    Step::Syncs(device) => devices[device].sync(&server),
                    Step::Starts(device) => devices[device].resume(),
                }
                // In between a todo may be in both lists, but never in none. What is refused is on the device that
                // takes it back, and nowhere else.
                for devices in devices.chunks(if has_refused { devices.len() } else { 1 }) {
                    let lists = devices.iter().flat_map(|device| &device.0);
                    let shown = lists.flat_map(shown).collect::<Vec<_>>();
                    prop_assert!(names.iter().all(|it| shown.iter().any(|shown| shown == it)));
                }
            }
            for device in [0, 1, 0, 1, 0, 1] {
                devices[device].resume();
                devices[device].sync(&server);
            }
            for device in devices.iter().chain([&server]) {
                let shown = device.0.iter().flat_map(titles).collect::<Vec<_>>();
                for name in names {
                    let count = shown.iter().filter(|it| *it == name).count();
                    // What one device takes back while another moves it may be in both lists.
                    let is_shared = name.starts_with("all") && has_refused;
                    prop_assert!(count == 1 || is_shared && count == 2, "{name}: {count}");
                }
                prop_assert!(device.1.borrow().is_empty(), "all moves are done");
            }
        }
    }
}
