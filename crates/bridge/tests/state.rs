//! The states of rows and collections, and decisions about them.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use leptos::prelude::*;
use serde_json::json;
use settee_leptos::{Collection, CollectionError, Health, Problem};
use settee_store::{
    Backend, BackendError, Change, Commit, Counts, Database, DocumentId, Edit, Kept, Memory,
    Operation, Record, Unreadable,
    backend::{BoxFuture, Incarnation},
};
use std::sync::Arc;
use support::{
    Note, acknowledge, attached, branch, clash, id, is_saved, note, others_write, refuse,
    replicate, run, settle, stored, until,
};
use tokio::sync::watch;

#[tokio::test]
async fn a_conflict_has_all_values_and_is_resolved_by_choosing() {
    run(async |_, database: Database| {
        others_write(&database, &id("a"), &json!({"text": "", "order": 1, "colour": "red"})).await;
        let notes = attached(&database).await;
        let base = database.get(&id("a")).await.unwrap().unwrap();
        let fields = json!({"text": "mine", "order": 1, "colour": "blue"});
        let body = settee_store::Body::from_serialize(&fields).unwrap();
        let edit = Edit { id: id("a"), seen: base.leaves, change: Change::Put(body) };
        assert!(database.write(vec![edit]).await.unwrap()[0].is_ok());
        replicate(&database, &id("a"), Some(base.winner), "theirs").await;
        let row = notes.row(&id("a")).unwrap();
        until("both fields are in conflict", async || {
            row.state.with_untracked(|state| state.conflicts.len() == 2)
        })
        .await;
        let conflicts = row.state.get_untracked().conflicts;
        let text = conflicts.iter().find(|conflict| conflict.path == ["text"]).unwrap();
        assert_eq!(text.values.len(), 2);
        assert_eq!(text.values[0].value, Some(json!(row.value.get_untracked().text)));
        let own = text.values.iter().find(|value| value.is_own).unwrap();
        assert_eq!(own.value, Some(json!("mine")));

        notes.resolve(&id("a"), |conflict| {
            conflict.values.iter().find(|value| value.is_own).unwrap().value.clone()
        });
        assert!(row.state.get_untracked().conflicts.is_empty());
        assert!(row.state.get_untracked().pending);
        assert_eq!(row.value.get_untracked().text, "mine");
        is_saved(notes, &database, &id("a")).await;
        let document = database.get(&id("a")).await.unwrap().unwrap();
        assert_eq!((document.leaves.len(), document.conflicts.len()), (1, 0));
        assert_eq!(document.body.fields()["colour"], "blue");
    })
    .await;
}

/// The names of the fields in conflict are more than a view takes.
#[tokio::test]
async fn versions_that_cant_be_merged_are_told_and_undo_drops_none() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        let row = notes.row(&id("a")).unwrap();
        notes.update(&id("a"), |note| note.order = 2);
        is_saved(notes, &database, &id("a")).await;
        acknowledge(&database, &id("a")).await;
        let base = database.get(&id("a")).await.unwrap().unwrap().winner;
        assert!(!row.state.get_untracked().shows_one);
        let name = "x".repeat(10_000);
        for value in 0..2 {
            let many: serde_json::Map<_, _> =
                (0..100).map(|field| (field.to_string(), json!(value))).collect();
            let fields = json!({"text": "start", "order": 2, name.as_str(): many});
            branch(&database, &id("a"), base, &fields).await;
        }
        until("the row tells it", async || row.state.get_untracked().shows_one).await;
        notes.undo();
        settle().await;
        assert_eq!(row.value.get_untracked().order, 2);
        assert_eq!(database.get(&id("a")).await.unwrap().unwrap().leaves.len(), 2);

        notes.keep(&id("a"));
        is_saved(notes, &database, &id("a")).await;
        until("it is settled", async || !row.state.get_untracked().shows_one).await;
        assert_eq!(database.get(&id("a")).await.unwrap().unwrap().leaves.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn choosing_the_shown_value_is_an_edit_and_an_invalid_choice_is_a_problem() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        clash(&database, notes, &id("a"), |note| note.text = "mine".to_owned()).await;
        let row = notes.row(&id("a")).unwrap();
        notes.resolve(&id("a"), |_| Some(json!(17)));
        let problem = Problem { id: Some(id("a")), error: CollectionError::UnreadableChoice };
        assert_eq!(notes.problems().get_untracked(), [problem]);
        assert_eq!(row.state.get_untracked().conflicts.len(), 1);

        let shown = row.value.get_untracked();
        notes.resolve(&id("a"), |conflict| conflict.values[0].value.clone());
        settle().await;
        assert_eq!(row.value.get_untracked(), shown);
        assert_eq!(database.get(&id("a")).await.unwrap().unwrap().leaves.len(), 1);
        assert!(notes.problems().get_untracked().is_empty(), "a later edit was saved");
    })
    .await;
}

#[tokio::test]
async fn a_kept_document_is_marked_until_it_is_settled() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        let known = database.get(&id("a")).await.unwrap().unwrap();
        notes.remove(&id("a"));
        settle().await;
        replicate(&database, &id("a"), Some(known.winner), "theirs").await;
        until("it is kept", async || notes.row(&id("a")).is_some()).await;
        let row = notes.row(&id("a")).unwrap();
        assert_eq!(row.state.get_untracked().kept, Some(Kept::DeletedHere));
        notes.keep(&id("a"));
        assert_eq!(row.state.get_untracked().kept, None);
        settle().await;
        let document = database.get(&id("a")).await.unwrap().unwrap();
        assert_eq!((document.kept, document.leaves.len()), (None, 1));
        assert_eq!(row.value.get_untracked().text, "theirs");
        acknowledge(&database, &id("a")).await;
        until("it is synced", async || row.state.get_untracked().is_synced()).await;
    })
    .await;
}

#[tokio::test]
async fn a_refused_edit_is_retried_on_top_of_edits_by_others() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        notes.update(&id("a"), |note| note.text = "mine".to_owned());
        is_saved(notes, &database, &id("a")).await;
        refuse(&database, &id("a")).await;
        let row = notes.row(&id("a")).unwrap();
        until("it is refused", async || row.state.get_untracked().refused.is_some()).await;
        assert_eq!(row.value.get_untracked().text, "start");
        others_write(&database, &id("a"), &json!({"text": "start", "order": 7})).await;
        until("the other's edit is there", async || row.value.get_untracked().order == 7).await;

        notes.retry_refused(&id("a"));
        assert_eq!(row.value.get_untracked(), note("mine", 7));
        assert_eq!(row.state.get_untracked().refused, None);
        is_saved(notes, &database, &id("a")).await;
        let document = database.get(&id("a")).await.unwrap().unwrap();
        assert!(document.pending && document.refused.is_none());
        assert_eq!(row.state.get_untracked().refused, None);
    })
    .await;
}

#[tokio::test]
async fn refused_edits_can_be_discarded() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        notes.remove(&id("a"));
        notes.insert(&id("new"), note("mine", 1));
        settle().await;
        refuse(&database, &id("a")).await;
        refuse(&database, &id("new")).await;
        until("both are refused", async || {
            notes.row(&id("a")).is_some_and(|row| row.state.get_untracked().refused.is_some())
                && notes
                    .row(&id("new"))
                    .is_some_and(|row| row.state.get_untracked().refused.is_some())
        })
        .await;
        notes.discard_refused(&id("new"));
        assert!(notes.row(&id("new")).is_none());
        notes.retry_refused(&id("a"));
        assert!(notes.row(&id("a")).is_none());
        settle().await;
        assert!(notes.row(&id("a")).is_none() && notes.row(&id("new")).is_none());
        let record = &database.records(vec![id("a")]).await.unwrap()[0];
        assert!(record.as_ref().unwrap().refused.is_none());
        assert!(stored(&database, &id("a")).await.is_none());
        let record = &database.records(vec![id("new")]).await.unwrap()[0];
        assert!(record.as_ref().unwrap().refused.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_refused_new_document_is_edited_and_removed_like_any_other() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        for name in ["edited", "removed"] {
            notes.insert(&id(name), note("mine", 1));
            is_saved(notes, &database, &id(name)).await;
            refuse(&database, &id(name)).await;
            let row = notes.row(&id(name)).unwrap();
            until("it is refused", async || row.state.get_untracked().refused.is_some()).await;
        }
        notes.update(&id("edited"), |note| note.text = "shorter".to_owned());
        notes.remove(&id("removed"));
        settle().await;
        assert!(notes.row(&id("removed")).is_none());
        let row = notes.row(&id("edited")).unwrap();
        assert_eq!(row.value.get_untracked().text, "shorter");
        assert_eq!(row.state.get_untracked().refused, None);
        assert_eq!(database.counts().await.unwrap().refused, 0);
    })
    .await;
}

#[tokio::test]
async fn a_dismissed_problem_is_removed() {
    run(async |backend: Memory, database: Database| {
        let notes = attached(&database).await;
        backend.fail_with(Some(BackendError::Full));
        notes.insert(&id("a"), note("kept", 1));
        until("it is not saved", async || {
            matches!(notes.health().get_untracked(), Health::Unsaved { .. })
        })
        .await;
        let problem = notes.problems().get_untracked().remove(0);
        notes.dismiss(&problem);
        assert!(notes.problems().get_untracked().is_empty());
        backend.fail_with(None);
        notes.retry();
        until("the collection is healthy", async || {
            notes.health().get_untracked() == Health::Healthy
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn unreadable_documents_are_listed_until_they_can_be_read() {
    run(async |_, database: Database| {
        others_write(&database, &id("odd"), &json!({"text": 17})).await;
        others_write(&database, &id("a"), &json!({"text": "a", "order": 1})).await;
        let notes = attached(&database).await;
        assert_eq!(notes.unreadable().get_untracked(), [id("odd")]);
        assert!(notes.row(&id("a")).is_some());
        others_write(&database, &id("odd"), &json!({"text": "even", "order": 2})).await;
        until("it can be read", async || notes.row(&id("odd")).is_some()).await;
        assert!(notes.unreadable().get_untracked().is_empty());
        others_write(&database, &id("odd"), &json!({"order": 2})).await;
        until("it can't be read", async || notes.row(&id("odd")).is_none()).await;
        assert_eq!(notes.unreadable().get_untracked(), [id("odd")]);
        others_write(&database, &id("odd"), &json!(null)).await;
        until("it is gone", async || notes.unreadable().get_untracked().is_empty()).await;
    })
    .await;
}

/// A back end that can be closed while it is in use.
#[derive(Clone)]
struct Closing(Memory, watch::Sender<u64>, Arc<std::sync::Mutex<Option<watch::Sender<u64>>>>);

impl Closing {
    fn new(memory: Memory) -> Self {
        let news = watch::Sender::new(0);
        Self(memory, news.clone(), Arc::new(std::sync::Mutex::new(None)))
    }
}

impl Backend for Closing {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        self.0.commit(operations)
    }
    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        self.0.read(ids)
    }
    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.0.changes(since, limit)
    }
    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.0.pending(limit)
    }
    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        self.0.counts()
    }
    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        self.0.local(key)
    }
    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        self.0.unreadable()
    }

    fn watch(&self) -> watch::Receiver<u64> {
        // Each watcher has its own channel, which is closed when the next one watches.
        let news = watch::Sender::new(*self.1.borrow());
        let watched = news.subscribe();
        *self.2.lock().unwrap() = Some(news);
        watched
    }
    fn incarnation(&self) -> Incarnation {
        self.0.incarnation()
    }
}

#[tokio::test]
async fn a_closed_database_is_reported_and_another_can_be_attached() {
    run(async |backend: Memory, database: Database| {
        let closing = Closing::new(backend.clone());
        let notes: Collection<Note> = Collection::new();
        notes.attach(Database::new(closing.clone()));
        until("it is loaded", async || notes.ready().get_untracked()).await;
        assert_eq!(notes.health().get_untracked(), Health::Healthy);
        closing.2.lock().unwrap().take();
        until("it is closed", async || {
            matches!(notes.health().get_untracked(), Health::Closed { .. })
        })
        .await;
        let error = CollectionError::Read(BackendError::Closed);
        assert_eq!(notes.problems().get_untracked(), [Problem { id: None, error }]);
        notes.insert(&id("a"), note("still saved", 1));
        is_saved(notes, &database, &id("a")).await;
        assert!(matches!(notes.health().get_untracked(), Health::Closed { .. }));

        notes.attach(database.clone());
        assert_eq!(notes.health().get_untracked(), Health::Healthy);
        assert!(notes.problems().get_untracked().is_empty());
        others_write(&database, &id("b"), &json!({"text": "theirs", "order": 1})).await;
        until("it follows again", async || notes.row(&id("b")).is_some()).await;
    })
    .await;
}

#[tokio::test]
async fn edits_that_a_closed_database_rejects_are_written_to_the_next_one() {
    run(async |backend: Memory, database: Database| {
        let notes = attached(&database).await;
        backend.fail_with(Some(BackendError::Closed));
        notes.insert(&id("a"), note("mine", 1));
        until("it is closed", async || {
            matches!(notes.health().get_untracked(), Health::Closed { .. })
        })
        .await;
        backend.fail_with(None);
        notes.attach(database.clone());
        is_saved(notes, &database, &id("a")).await;
        assert_eq!(notes.get(&id("a")), Some(note("mine", 1)));
    })
    .await;
}
