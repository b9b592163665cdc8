//! Todos that go from one list to another, which is another database: no commit covers both.
//!
//! A todo keeps its id when it moves. So it comes once, if two devices move it at the same time. The list that it
//! goes to learns in one commit of the todo and of what is still to be removed from the other list, in a local
//! document. Whatever breaks off after that can be [finished](finish), as often as one likes.

use serde_json::{Map, Value};
use settee_store::{
    BackendError, Body, Change, Database, Document, DocumentId, Edit, Operation, Record,
    WriteError, view::OpenConflict,
};

use crate::{
    document::{TODO_PREFIX, new_todo_id},
    list::{each, fill},
};

/// Most todos of one transfer.
pub const TRANSFER_LIMIT: usize = 1_000;
/// The field with a todo's place in its list.
const POSITION: &str = "position";

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

    /// The way back to a place.
    #[must_use]
    pub fn back(self, position: String) -> Self {
        Self { id: self.becomes, becomes: self.id, position: Some(position) }
    }
}

/// Copies todos to another list, in this order, and notes under a name what has to be [removed](finish) to make a move
/// of it. Says how many there were. Todos over the limit, and those that are gone, stay out; none moves that somebody
/// still has to decide on.
pub async fn begin(
    from: &Database,
    to: &Database,
    passed: &[Passed],
    note: Option<&str>,
    after: fn(Option<&str>) -> String,
) -> Result<usize, WriteError> {
    let passed = &passed[..passed.len().min(TRANSFER_LIMIT)];
    let todos = from.records(passed.iter().map(|todo| todo.id.clone()).collect()).await?;
    let there = to.records(passed.iter().map(|todo| todo.becomes.clone()).collect()).await?;
    let mut last = last_position(to).await?;
    let (mut operations, mut removed) = (Vec::new(), Map::new());
    for ((passed, todo), there) in passed.iter().zip(todos).zip(there) {
        let Some(todo) = todo.and_then(|it| it.document()).filter(|it| !it.deleted) else {
            continue;
        };
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
        removed.insert(todo.id.to_string(), names(&todo, &id));
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
    let count = removed.len();
    if let Some(note) = note {
        let value = Some(Body::new(removed)?.as_str().as_bytes().to_vec());
        operations.push(Operation::Local { key: note.to_owned(), value });
    }
    for outcome in to.commit(operations).await?.outcomes {
        outcome?;
    }
    Ok(count)
}

/// Removes from a list what has [begun](begin) to move from it. A todo stays if it was changed since, or isn't in the
/// other list.
pub async fn finish(from: &Database, to: &Database, note: &str) -> Result<(), WriteError> {
    let Some(left) = to.local(note).await? else { return Ok(()) };
    let left = Body::from_canonical(&left)?.fields();
    let ids = left.keys().map(|id| DocumentId::new(id)).collect::<Result<Vec<_>, _>>()?;
    let mut removed = Vec::new();
    for record in from.records(ids).await?.into_iter().flatten() {
        let Some(todo) = record.document().filter(|it| !it.deleted) else { continue };
        let Some(noted) = left.get(todo.id.as_str()) else { continue };
        let becomes = noted.get(0).and_then(Value::as_str).unwrap_or_default();
        let becomes = DocumentId::new(becomes)?;
        if *noted == names(&todo, &becomes)
            && to.get(&becomes).await?.is_some_and(|there| !there.deleted)
        {
            removed.push(Edit { id: todo.id, seen: todo.leaves, change: Change::Delete });
        }
    }
    fill(from, &removed).await?;
    Ok(to.set_local(note, None).await?)
}

/// Deletes todos, if they are there.
pub async fn remove(list: &Database, todos: Vec<DocumentId>) -> Result<(), WriteError> {
    let records = list.records(todos).await?;
    let documents = records.into_iter().flatten().filter_map(|record| record.document());
    let delete = |it: Document| Edit { id: it.id, seen: it.leaves, change: Change::Delete };
    let deletions: Vec<Edit> = documents.filter(|it| !it.deleted).map(delete).collect();
    fill(list, &deletions).await
}

/// Whether no words are to be decided on: neither those of two people nor refused ones.
fn is_settled(todo: &Document) -> bool {
    let is_title = |conflict: &OpenConflict| conflict.path == ["title"];
    todo.is_merged && !todo.conflicts.iter().any(is_title) && todo.refused.is_none()
}

/// The id that a todo gets in the other list, and what names its state in this one.
fn names(todo: &Document, becomes: &DocumentId) -> Value {
    let leaves = todo.leaves.iter().map(ToString::to_string);
    std::iter::once(becomes.to_string()).chain(leaves).collect()
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
        let position =
            todo.and_then(|it| Some(it.body.fields().get(POSITION)?.as_str()?.to_owned()));
        greatest = greatest.take().max(position);
    };
    each(list, 0, &mut take).await?;
    Ok(greatest)
}

#[cfg(test)]
mod tests {
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
        let count = at_once(begin(from, to, &passed, Some(NOTE), after)).unwrap();
        if !breaks_off {
            at_once(finish(from, to, NOTE)).unwrap();
        }
        count
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

        let back = Passed::moved(ids[1].clone()).back("Z".to_owned());
        at_once(begin(&there, &here, &[back], Some(NOTE), after)).unwrap();
        at_once(finish(&there, &here, NOTE)).unwrap();
        assert_eq!(titles(&here), ["two", "one"]);
        assert_eq!(titles(&there), ["first"]);
        assert_eq!(at_once(here.local(NOTE)), Ok(None));
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
        at_once(finish(&here, &there, NOTE)).unwrap();
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
        at_once(finish(&here, &there, NOTE)).unwrap();
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

    /// A device's copies of two lists.
    struct Device([Database; 2]);

    impl Device {
        fn new(number: u8) -> Self {
            Self([list(number), list(number + 1)])
        }

        /// Sends what waits, and takes what the server has.
        fn sync(&self, server: &Self) {
            for (here, there) in self.0.iter().zip(&server.0) {
                send(here, there, false);
                send(there, here, true);
            }
        }

        fn moves(&self, at: usize, id: DocumentId, breaks_off: bool) {
            moved(&self.0[at], &self.0[1 - at], &[id], breaks_off);
        }

        /// What a program does when it starts.
        fn resume(&self) {
            for at in [0, 1] {
                at_once(finish(&self.0[at], &self.0[1 - at], NOTE)).unwrap();
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
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
                    Step::Syncs(device) => devices[device].sync(&server),
                    Step::Starts(device) => devices[device].resume(),
                }
                for device in &devices {
                    // In between a todo may be in both lists, but never in none.
                    let shown = device.0.iter().flat_map(titles).collect::<Vec<_>>();
                    prop_assert!(names.iter().all(|it| shown.iter().any(|shown| shown == it)));
                }
            }
            for device in &devices {
                device.resume();
            }
            for device in [0, 1, 0, 1] {
                devices[device].sync(&server);
            }
            for device in devices.iter().chain([&server]) {
                let mut shown = device.0.iter().flat_map(titles).collect::<Vec<_>>();
                shown.sort();
                prop_assert_eq!(shown, names);
            }
        }
    }
}
