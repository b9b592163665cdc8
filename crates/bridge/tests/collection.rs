//! The bridge over a real store in memory.
#![expect(clippy::unwrap_used, reason = "what can't be unwrapped here has failed the test")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use any_spawner::Executor;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use settee_leptos::{Collection, Model};
use settee_store::{
    BackendError, Body, Change, Database, DocumentId, Edit, Memory, Operation, Revision,
    replication::{ReplicatedDocument, ReplicatedRevision},
};
use tokio::task::LocalSet;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    text: String,
    order: u32,
}

impl Model for Note {
    const PREFIX: &'static str = "note/";
    type Order = u32;

    fn order(&self) -> u32 {
        self.order
    }
}

fn note(text: &str, order: u32) -> Note {
    Note { text: text.to_owned(), order }
}

fn id(name: &str) -> DocumentId {
    DocumentId::new(&format!("note/{name}")).unwrap()
}

/// Runs a test where futures can be spawned locally and signals have an owner.
async fn run<F: Future<Output = ()>>(test: impl FnOnce(Memory, Database) -> F) {
    let _ = Executor::init_tokio();
    let backend = Memory::new([1; 16]);
    let owner = Owner::new();
    owner.set();
    LocalSet::new().run_until(test(backend.clone(), Database::new(backend))).await;
}

/// Waits until something is so; a turn of the event loop at a time.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..10_000 {
        if is_so().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never came to this: {what}");
}

async fn attached(database: &Database) -> Collection<Note> {
    let notes = Collection::new();
    notes.attach(database.clone());
    until("the first batch is in", async || notes.ready().get_untracked()).await;
    notes
}

/// Another replica's edit, which descends from `parent`.
async fn replicate(database: &Database, id: &DocumentId, parent: Option<Revision>, text: &str) {
    let body = Body::from_serialize(&note(text, 1)).unwrap();
    let revision = Revision::derive(parent, &[], false, &body).unwrap();
    let json = Some(body.as_str().as_bytes());
    let revision = ReplicatedRevision::verified(revision, parent, vec![], false, json).unwrap();
    let document = ReplicatedDocument::verified(id.clone(), vec![revision]).unwrap();
    let operation = Operation::Replicate { document, acknowledges: true };
    assert!(database.commit(vec![operation]).await.unwrap().outcomes[0].is_ok());
}

async fn stored(database: &Database, id: &DocumentId) -> Option<serde_json::Value> {
    let document = database.get(id).await.unwrap().filter(|document| !document.deleted)?;
    Some(serde_json::Value::Object(document.body.fields()))
}

async fn is_settled(database: &Database, id: &DocumentId, text: &str) -> bool {
    stored(database, id).await.is_some_and(|body| body["text"] == text)
}

#[tokio::test]
async fn changes_show_at_once_and_are_stored_in_order() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        let all = notes.select(|_| true);
        notes.insert(&id("b"), note("second", 2));
        notes.insert(&id("a"), note("first", 1));
        assert_eq!(all.ids().get_untracked(), [id("a"), id("b")]);
        notes.update(&id("a"), |note| note.order = 3);
        assert_eq!(all.ids().get_untracked(), [id("b"), id("a")]);
        notes.remove(&id("b"));
        assert_eq!(all.len().get_untracked(), 1);
        until("the last edit is stored", async || {
            stored(&database, &id("a")).await.is_some_and(|body| body["order"] == 3)
                && stored(&database, &id("b")).await.is_none()
        })
        .await;
        assert!(notes.problems().get_untracked().is_empty());
    })
    .await;
}

#[tokio::test]
async fn quick_edits_never_conflict_and_never_revert() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        notes.insert(&id("a"), note("0", 1));
        let row = notes.row(&id("a")).unwrap();
        for edit in 1..=50 {
            notes.update(&id("a"), |note| note.text = edit.to_string());
            // Now and then the store gets a turn in the middle of it.
            if edit % 7 == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(row.value.get_untracked().text, edit.to_string());
        }
        until("the last edit is stored", async || is_settled(&database, &id("a"), "50").await)
            .await;
        until("the row is settled", async || row.value.get_untracked().text == "50").await;
        let document = database.get(&id("a")).await.unwrap().unwrap();
        assert_eq!((document.leaves.len(), document.conflicts.len()), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn what_others_change_arrives_and_deletes_too() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "theirs").await;
        let notes = attached(&database).await;
        let row = notes.row(&id("a")).unwrap();
        assert_eq!(row.value.get_untracked().text, "theirs");
        let known = database.get(&id("a")).await.unwrap().unwrap();
        replicate(&database, &id("a"), Some(known.winner), "theirs again").await;
        until("the change arrives", async || row.value.get_untracked().text == "theirs again")
            .await;

        let seen = database.get(&id("a")).await.unwrap().unwrap().leaves;
        let edit = Edit { id: id("a"), seen, change: Change::Delete };
        assert!(database.write(vec![edit]).await.unwrap()[0].is_ok());
        until("the row goes", async || notes.row(&id("a")).is_none()).await;
    })
    .await;
}

#[tokio::test]
async fn an_edit_under_way_is_not_lost_to_one_that_arrives() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        let known = database.get(&id("a")).await.unwrap().unwrap();
        notes.update(&id("a"), |note| note.order = 9);
        replicate(&database, &id("a"), Some(known.winner), "theirs").await;
        let row = notes.row(&id("a")).unwrap();
        until("both fields show", async || row.value.get_untracked() == note("theirs", 9)).await;
        assert_eq!(row.state.get_untracked().conflicts, 0);
    })
    .await;
}

#[tokio::test]
async fn the_same_field_edited_twice_is_a_conflict_that_shows() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        let known = database.get(&id("a")).await.unwrap().unwrap();
        notes.update(&id("a"), |note| note.text = "mine".to_owned());
        replicate(&database, &id("a"), Some(known.winner), "theirs").await;
        let row = notes.row(&id("a")).unwrap();
        until("the conflict shows", async || row.state.get_untracked().conflicts == 1).await;

        notes.update(&id("a"), |note| note.text = "settled".to_owned());
        until("the next edit settles it", async || row.state.get_untracked().conflicts == 0).await;
        let document = database.get(&id("a")).await.unwrap().unwrap();
        assert_eq!(document.leaves.len(), 1);
        assert_eq!(row.value.get_untracked().text, "settled");
    })
    .await;
}

#[tokio::test]
async fn fields_that_the_model_does_not_know_survive() {
    run(async |_, database: Database| {
        let body = Body::from_serialize(&json!({"text": "old", "order": 1, "colour": "red"}));
        let change = Change::Put(body.unwrap());
        let edit = Edit { id: id("a"), seen: vec![], change };
        assert!(database.write(vec![edit]).await.unwrap()[0].is_ok());
        let notes = attached(&database).await;
        notes.update(&id("a"), |note| note.text = "new".to_owned());
        until("the edit is stored", async || is_settled(&database, &id("a"), "new").await).await;
        assert_eq!(stored(&database, &id("a")).await.unwrap()["colour"], "red");
    })
    .await;
}

#[tokio::test]
async fn what_can_not_be_saved_is_said_and_saved_later() {
    run(async |backend: Memory, database: Database| {
        let notes = attached(&database).await;
        backend.fail_with(Some(BackendError::Full));
        notes.insert(&id("a"), note("kept", 1));
        until("the problem is reported", async || notes.problems().get_untracked().len() == 1)
            .await;
        assert!(notes.row(&id("a")).is_some());
        assert!(stored(&database, &id("a")).await.is_none());

        backend.fail_with(None);
        notes.retry();
        until("it is stored", async || is_settled(&database, &id("a"), "kept").await).await;
        until("nothing is wrong", async || notes.problems().get_untracked().is_empty()).await;
    })
    .await;
}

#[tokio::test]
async fn a_row_says_how_it_stands_with_the_server() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        notes.insert(&id("a"), note("new", 1));
        let row = notes.row(&id("a")).unwrap();
        assert!(row.state.get_untracked().pending);
        until("it is stored", async || is_settled(&database, &id("a"), "new").await).await;
        let revisions = database.get(&id("a")).await.unwrap().unwrap().leaves;
        let refusal = Operation::Refuse {
            id: id("a"),
            revisions: revisions.clone(),
            reason: "too long".to_owned(),
        };
        database.commit(vec![refusal]).await.unwrap();
        until("it is refused", async || row.state.get_untracked().refused.is_some()).await;
        assert!(notes.row(&id("a")).is_some(), "what was refused stays to be seen");
    })
    .await;
}

#[tokio::test]
async fn changing_one_row_concerns_one_row() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        notes.batch(|batch| {
            for n in 0..1000 {
                batch.insert(&id(&n.to_string()), note("text", n));
            }
        });
        let all = notes.select(|_| true);
        let last = id("999");
        until("all are stored", async || is_settled(&database, &last, "text").await).await;
        let runs = Arc::new(AtomicUsize::new(0));
        for id in all.ids().get_untracked() {
            let (row, runs) = (notes.row(&id).unwrap(), runs.clone());
            Effect::new(move || {
                row.value.track();
                runs.fetch_add(1, Ordering::Relaxed);
            });
        }
        until("effects have run", async || runs.load(Ordering::Relaxed) == 1000).await;
        notes.update(&id("500"), |note| note.text = "changed".to_owned());
        let changed = id("500");
        until("the edit is stored", async || is_settled(&database, &changed, "changed").await)
            .await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        // One for the edit, and none for its echo from the store.
        assert_eq!(runs.load(Ordering::Relaxed), 1001);
    })
    .await;
}
