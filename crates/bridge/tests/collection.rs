//! Collections over a store in memory.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use leptos::prelude::*;
use serde_json::json;
use settee_leptos::{CollectionError, Problem};
use settee_store::{BackendError, Body, Change, Database, Edit, Memory, Operation};
use support::{attached, id, is_settled, note, replicate, run, stored, until};

#[tokio::test]
async fn changes_are_shown_at_once_and_stored_in_order() {
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
async fn quick_edits_never_conflict_and_are_never_reverted() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        notes.insert(&id("a"), note("0", 1));
        let row = notes.row(&id("a")).unwrap();
        for edit in 1..=50 {
            notes.update(&id("a"), |note| note.text = edit.to_string());
            // The store gets a turn in between.
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
async fn changes_and_deletes_by_others_arrive() {
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
async fn an_edit_in_flight_is_merged_with_one_that_arrives() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        let known = database.get(&id("a")).await.unwrap().unwrap();
        notes.update(&id("a"), |note| note.order = 9);
        replicate(&database, &id("a"), Some(known.winner), "theirs").await;
        let row = notes.row(&id("a")).unwrap();
        until("both fields show", async || row.value.get_untracked() == note("theirs", 9)).await;
        assert!(row.state.get_untracked().conflicts.is_empty());
    })
    .await;
}

#[tokio::test]
async fn concurrent_edits_of_a_field_are_shown_as_a_conflict() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        let known = database.get(&id("a")).await.unwrap().unwrap();
        notes.update(&id("a"), |note| note.text = "mine".to_owned());
        replicate(&database, &id("a"), Some(known.winner), "theirs").await;
        let row = notes.row(&id("a")).unwrap();
        until("the conflict shows", async || row.state.get_untracked().conflicts.len() == 1).await;

        notes.update(&id("a"), |note| note.text = "settled".to_owned());
        assert!(row.state.get_untracked().conflicts.is_empty());
        until("the next edit settles the conflict", async || {
            database.get(&id("a")).await.unwrap().unwrap().leaves.len() == 1
        })
        .await;
        let document = database.get(&id("a")).await.unwrap().unwrap();
        assert_eq!(document.leaves.len(), 1);
        assert_eq!(row.value.get_untracked().text, "settled");
    })
    .await;
}

#[tokio::test]
async fn fields_that_the_model_does_not_know_are_kept() {
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
async fn a_failed_write_is_a_problem_and_is_retried() {
    run(async |backend: Memory, database: Database| {
        let notes = attached(&database).await;
        backend.fail_with(Some(BackendError::Full));
        notes.insert(&id("a"), note("kept", 1));
        until("the problem is reported", async || notes.problems().get_untracked().len() == 1)
            .await;
        let error = CollectionError::Write(BackendError::Full);
        assert_eq!(notes.problems().get_untracked(), [Problem { id: None, error }]);
        assert!(notes.row(&id("a")).is_some());
        assert!(stored(&database, &id("a")).await.is_none());

        backend.fail_with(None);
        notes.retry();
        until("it is stored", async || is_settled(&database, &id("a"), "kept").await).await;
        until("the problem is removed", async || notes.problems().get_untracked().is_empty()).await;
    })
    .await;
}

#[tokio::test]
async fn a_row_has_the_delivery_state_of_its_document() {
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
        assert!(notes.row(&id("a")).is_some(), "the refused edit stays visible");
    })
    .await;
}
