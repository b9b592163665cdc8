//! Edits that take a while, and what others do meanwhile.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use leptos::prelude::*;
use serde_json::json;
use settee_leptos::Collection;
use settee_store::{BackendError, Database, Kept, Memory};
use support::{
    Note, attached, id, is_saved, is_settled, note, others_write, replicate, run, settle, stored,
    until,
};

/// A collection with one note of somebody else, whose edit has begun.
async fn editing(database: &Database) -> Collection<Note> {
    replicate(database, &id("a"), None, "start").await;
    let notes = attached(database).await;
    notes.begin_edit(&id("a"));
    notes
}

async fn arrives(notes: Collection<Note>, text: &str) {
    until("it arrives", async || notes.get(&id("a")).is_some_and(|note| note.text == text)).await;
}

/// The texts that are open, sorted.
async fn texts(database: &Database) -> Vec<String> {
    let document = database.get(&id("a")).await.unwrap().unwrap();
    let conflict = document.conflicts.iter().find(|conflict| conflict.path == ["text"]);
    let values = conflict.map_or(&[][..], |conflict| &conflict.values);
    let mut texts: Vec<_> =
        values.iter().map(|value| value.value.as_ref().unwrap().as_str().unwrap().into()).collect();
    texts.sort_unstable();
    texts
}

#[tokio::test]
async fn what_others_saved_meanwhile_is_a_conflict() {
    run(async |_, database: Database| {
        let notes = editing(&database).await;
        others_write(&database, &id("a"), &json!({"text": "theirs", "order": 1})).await;
        arrives(notes, "theirs").await;
        notes.save_edit(&id("a"), |note| note.text = "mine".to_owned());
        assert_eq!(notes.get(&id("a")), Some(note("mine", 1)));
        settle().await;
        assert_eq!(texts(&database).await, ["mine", "theirs"]);
        assert_eq!(notes.row(&id("a")).unwrap().state.get_untracked().conflicts.len(), 1);
        assert!(notes.problems().get_untracked().is_empty());
    })
    .await;
}

#[tokio::test]
async fn others_changes_of_other_fields_stay() {
    run(async |_, database: Database| {
        let notes = editing(&database).await;
        others_write(&database, &id("a"), &json!({"text": "start", "order": 7, "new": 1})).await;
        until("it arrives", async || notes.get(&id("a")).unwrap().order == 7).await;
        notes.save_edit(&id("a"), |note| note.text = "mine".to_owned());
        is_saved(notes, &database, &id("a")).await;
        let body = json!({"text": "mine", "order": 7, "new": 1});
        assert_eq!(stored(&database, &id("a")).await.unwrap(), body);
        let document = database.get(&id("a")).await.unwrap().unwrap();
        assert_eq!((document.leaves.len(), document.conflicts.len()), (1, 0));
        assert!(notes.undo());
        assert_eq!(notes.get(&id("a")), Some(note("start", 7)));
    })
    .await;
}

#[tokio::test]
async fn after_many_changes_by_others_none_is_lost() {
    run(async |_, database: Database| {
        let notes = editing(&database).await;
        for turn in 0..20 {
            let text = format!("theirs {turn}");
            others_write(&database, &id("a"), &json!({"text": text, "order": 1})).await;
        }
        arrives(notes, "theirs 19").await;
        notes.save_edit(&id("a"), |note| note.text = "mine".to_owned());
        settle().await;
        assert_eq!(texts(&database).await, ["mine", "theirs 19"]);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_others_have_removed_meanwhile_is_kept() {
    run(async |_, database: Database| {
        let notes = editing(&database).await;
        let row = notes.row(&id("a")).unwrap();
        others_write(&database, &id("a"), &json!(null)).await;
        until("it is gone", async || notes.get(&id("a")).is_none()).await;
        notes.save_edit(&id("a"), |note| note.text = "mine".to_owned());
        settle().await;
        // The row's component is still there, with the signals that it got first.
        assert_eq!(row.value.get_untracked().text, "mine");
        assert_eq!(row.state.get_untracked().kept, Some(Kept::DeletedElsewhere));
    })
    .await;
}

#[tokio::test]
async fn a_row_that_is_removed_from_its_editor_keeps_what_others_wrote_meanwhile() {
    run(async |_, database: Database| {
        let notes = editing(&database).await;
        others_write(&database, &id("a"), &json!({"text": "theirs", "order": 1})).await;
        arrives(notes, "theirs").await;
        notes.remove_edited(&id("a"));
        assert_eq!(notes.get(&id("a")), None);
        settle().await;
        assert_eq!(notes.get(&id("a")), Some(note("theirs", 1)));
        let row = notes.row(&id("a")).unwrap();
        assert_eq!(row.state.get_untracked().kept, Some(Kept::DeletedHere));
        notes.begin_edit(&id("a"));
        notes.remove_edited(&id("a"));
        settle().await;
        assert_eq!(stored(&database, &id("a")).await, None);
    })
    .await;
}

#[tokio::test]
async fn an_edit_of_a_row_that_was_just_made_knows_its_revision() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        notes.insert(&id("a"), note("start", 1));
        notes.begin_edit(&id("a"));
        is_saved(notes, &database, &id("a")).await;
        others_write(&database, &id("a"), &json!({"text": "theirs", "order": 1})).await;
        arrives(notes, "theirs").await;
        notes.save_edit(&id("a"), |note| note.text = "mine".to_owned());
        settle().await;
        assert_eq!(texts(&database).await, ["mine", "theirs"]);
    })
    .await;
}

#[tokio::test]
async fn an_edit_beside_one_that_waits_for_the_store() {
    run(async |backend: Memory, database: Database| {
        let notes = editing(&database).await;
        others_write(&database, &id("a"), &json!({"text": "theirs", "order": 1})).await;
        arrives(notes, "theirs").await;
        backend.fail_with(Some(BackendError::Full));
        notes.update(&id("a"), |note| note.order = 9);
        settle().await;
        notes.save_edit(&id("a"), |note| note.text = "mine".to_owned());
        settle().await;
        notes.update(&id("a"), |note| note.text = "mine again".to_owned());
        backend.fail_with(None);
        notes.retry();
        settle().await;
        assert_eq!(texts(&database).await, ["mine again", "theirs"]);
        assert_eq!(stored(&database, &id("a")).await.unwrap()["order"], 9);
    })
    .await;
}

#[tokio::test]
async fn an_edit_that_changes_nothing_or_ends_saves_nothing() {
    run(async |_, database: Database| {
        let notes = editing(&database).await;
        others_write(&database, &id("a"), &json!({"text": "theirs", "order": 1})).await;
        arrives(notes, "theirs").await;
        notes.save_edit(&id("a"), |_| ());
        notes.begin_edit(&id("a"));
        notes.end_edit(&id("a"));
        notes.save_edit(&id("a"), |note| note.text = "mine".to_owned());
        settle().await;
        assert!(is_settled(&database, &id("a"), "theirs").await);
        assert_eq!(database.counts().await.unwrap().pending, 0);
    })
    .await;
}
