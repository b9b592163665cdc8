//! Undo and redo while another user edits the same documents.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use std::collections::HashMap;

use leptos::prelude::*;
use serde_json::{Value, json};
use settee_leptos::Collection;
use settee_leptos::undo::STEP_LIMIT;
use settee_store::{Database, DocumentId, Memory, Operation, replication::Known};
use support::{
    Note, attached, clash, id, is_saved, note, others_write, replicate, run, settle, stored, until,
};

#[tokio::test]
async fn edits_are_undone_and_redone_step_by_step() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        assert!(!notes.can_undo().get_untracked());
        notes.insert(&id("a"), note("one", 1));
        notes.batch_named("renaming", |batch| {
            batch.update(&id("a"), |note| note.text = "two".to_owned());
            batch.insert(&id("b"), note("new", 2));
        });
        notes.update(&id("a"), |note| note.order = 5);
        assert_eq!(notes.undo_label().get_untracked(), None);
        assert!(notes.undo());
        assert_eq!(notes.get(&id("a")), Some(note("two", 1)));
        assert_eq!(notes.undo_label().get_untracked().as_deref(), Some("renaming"));
        is_saved(notes, &database, &id("a")).await;
        assert!(notes.undo());
        assert_eq!(notes.redo_label().get_untracked().as_deref(), Some("renaming"));
        assert_eq!((notes.get(&id("a")), notes.get(&id("b"))), (Some(note("one", 1)), None));
        assert!(notes.undo());
        assert_eq!(notes.get(&id("a")), None);
        assert!(!notes.can_undo().get_untracked() && !notes.undo());
        is_saved(notes, &database, &id("a")).await;

        for _ in 0..3 {
            assert!(notes.can_redo().get_untracked() && notes.redo());
        }
        assert!(!notes.redo());
        assert_eq!(notes.get(&id("a")), Some(note("two", 5)));
        is_saved(notes, &database, &id("a")).await;
        is_saved(notes, &database, &id("b")).await;
        assert_eq!(stored(&database, &id("a")).await.unwrap()["order"], 5);
        assert!(notes.problems().get_untracked().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_new_edit_clears_redo_and_the_oldest_steps_are_dropped() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        notes.insert(&id("a"), note("", 0));
        for order in 1..=200 {
            notes.update(&id("a"), |note| note.order = order);
        }
        assert!(notes.undo());
        notes.update(&id("a"), |note| note.text = "x".to_owned());
        assert!(!notes.can_redo().get_untracked() && !notes.redo());
        let mut steps = 0;
        while notes.undo() {
            steps += 1;
        }
        assert_eq!(steps, STEP_LIMIT);
        assert_eq!(notes.get(&id("a")), Some(note("", 100)));
    })
    .await;
}

#[tokio::test]
async fn undoing_a_removal_restores_fields_that_the_model_does_not_know() {
    run(async |_, database: Database| {
        others_write(&database, &id("a"), &json!({"text": "t", "order": 1, "colour": "red"})).await;
        let notes = attached(&database).await;
        for waits in [true, false] {
            notes.remove(&id("a"));
            if waits {
                settle().await;
                assert!(stored(&database, &id("a")).await.is_none());
            } else {
                tokio::task::yield_now().await;
            }
            assert!(notes.undo());
            assert_eq!(notes.get(&id("a")), Some(note("t", 1)));
            settle().await;
            let body = stored(&database, &id("a")).await.unwrap();
            assert_eq!(body, json!({"text": "t", "order": 1, "colour": "red"}));
        }
        assert!(notes.redo());
        settle().await;
        assert!(stored(&database, &id("a")).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn only_fields_that_nobody_has_changed_since_are_undone() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        notes.update(&id("a"), |it| *it = note("mine", 9));
        is_saved(notes, &database, &id("a")).await;
        others_write(&database, &id("a"), &json!({"text": "theirs", "order": 9})).await;
        until("it arrives", async || notes.get(&id("a")).unwrap().text == "theirs").await;
        // Even if the other user restores the previous value.
        others_write(&database, &id("a"), &json!({"text": "mine", "order": 9})).await;
        until("it arrives", async || notes.get(&id("a")).unwrap().text == "mine").await;
        assert!(notes.undo());
        assert_eq!(notes.get(&id("a")), Some(note("mine", 1)));
        assert!(notes.redo());
        assert_eq!(notes.get(&id("a")), Some(note("mine", 9)));
    })
    .await;
}

#[tokio::test]
async fn rows_that_others_have_changed_or_removed_are_not_undone() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        notes.insert(&id("changed"), note("mine", 1));
        notes.insert(&id("removed"), note("mine", 1));
        notes.update(&id("removed"), |note| note.order = 2);
        settle().await;
        others_write(&database, &id("changed"), &json!({"text": "mine", "order": 1, "new": 1}))
            .await;
        others_write(&database, &id("removed"), &json!(null)).await;
        until("it is gone", async || notes.get(&id("removed")).is_none()).await;
        while notes.can_undo().get_untracked() {
            notes.undo();
        }
        assert!(notes.get(&id("changed")).is_some() && notes.get(&id("removed")).is_none());
    })
    .await;
}

#[tokio::test]
async fn undoing_what_others_have_overwritten_leaves_the_step_before_alone() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        notes.insert(&id("a"), note("v0", 1));
        notes.insert(&id("other"), note("other", 2));
        notes.update(&id("a"), |note| note.text = "v1".to_owned());
        settle().await;
        others_write(&database, &id("a"), &json!({"text": "theirs", "order": 1})).await;
        until("it arrives", async || notes.get(&id("a")).unwrap().text == "theirs").await;
        assert!(notes.can_undo().get_untracked() && !notes.undo());
        assert_eq!(notes.get(&id("other")), Some(note("other", 2)));
        assert_eq!(notes.get(&id("a")), Some(note("theirs", 1)));
        assert!(notes.undo());
        assert_eq!(notes.get(&id("other")), None);
    })
    .await;
}

#[tokio::test]
async fn undo_does_not_decide_an_open_conflict() {
    run(async |_, database: Database| {
        replicate(&database, &id("a"), None, "start").await;
        let notes = attached(&database).await;
        clash(&database, notes, &id("a"), |it| *it = note("mine", 9)).await;
        notes.undo();
        settle().await;
        let document = database.get(&id("a")).await.unwrap().unwrap();
        let is_theirs = document.body.fields()["text"] == "theirs";
        assert!(is_theirs || !document.conflicts.is_empty(), "theirs is still to be seen");
    })
    .await;
}

/// Pseudorandom numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// Another user edits rows between the steps of this user. Each value that the other user wrote stays
/// until this user edits the field again: undo and redo don't change it.
#[tokio::test]
async fn nothing_that_somebody_else_wrote_is_ever_undone() {
    for seed in 0..60 {
        run(async |_, database: Database| one_round(&database, seed).await).await;
    }
}

async fn one_round(database: &Database, seed: u64) {
    let mut dice = Dice(seed);
    let notes = attached(database).await;
    // The fields that the other user wrote last, with their values. `None` for a row that the other
    // user has removed.
    let mut theirs: HashMap<DocumentId, Option<HashMap<&str, Value>>> = HashMap::new();
    for turn in 0..120_u32 {
        let row = id(&dice.roll(3).to_string());
        let is_there = notes.get(&row).is_some();
        match dice.roll(8) {
            0 | 1 if is_there => {
                notes.update(&row, |note| note.text = format!("mine {turn}"));
                theirs.entry(row).or_default().get_or_insert_default().remove("text");
            }
            2 if is_there => {
                notes.update(&row, |note| note.order = turn);
                theirs.entry(row).or_default().get_or_insert_default().remove("order");
            }
            0 | 1 => {
                notes.insert(&row, note("new", turn));
                theirs.insert(row, Some(HashMap::new()));
            }
            2 => {}
            3 if is_there && dice.roll(3) == 0 => {
                notes.remove(&row);
                theirs.insert(row, Some(HashMap::new()));
            }
            4 | 5 => {
                settle().await;
                let (field, value) = match dice.roll(4) {
                    0 => ("order", json!(1000 + turn)),
                    1 => ("new", json!(turn)),
                    // A value that this user may have written, too.
                    2 => ("text", json!("new")),
                    _ => ("text", json!(format!("theirs {turn}"))),
                };
                match stored(database, &row).await {
                    Some(_) if dice.roll(6) == 0 => {
                        others_write(database, &row, &json!(null)).await;
                        theirs.insert(row, None);
                    }
                    Some(mut body) if body.get(field) != Some(&value) => {
                        body[field] = value.clone();
                        others_write(database, &row, &body).await;
                        let fields = theirs.entry(row).or_default().get_or_insert_default();
                        fields.insert(field, value);
                    }
                    _ => {}
                }
                settle().await;
            }
            6 => drop(notes.redo()),
            _ => drop(notes.undo()),
        }
        if dice.roll(2) == 0 {
            settle().await;
        }
        for (row, fields) in &theirs {
            let shown = notes.get(row).map(|note| serde_json::to_value(note).unwrap());
            match (fields, shown) {
                (None, shown) => assert_eq!(shown, None, "seed {seed}, turn {turn}: {row}"),
                (Some(fields), Some(shown)) => {
                    for (name, value) in fields.iter().filter(|(name, _)| **name != "new") {
                        assert_eq!(&shown[*name], value, "seed {seed}, turn {turn}: {row} {name}");
                    }
                }
                (Some(fields), None) => {
                    assert!(fields.is_empty(), "seed {seed}, turn {turn}: {row} was removed");
                }
            }
        }
    }
    settle().await;
    for (row, fields) in &theirs {
        for (name, value) in fields.iter().flatten() {
            let body = stored(database, row).await.unwrap();
            assert_eq!(&body[*name], value, "seed {seed}: {row} {name}");
        }
    }
}

/// Sends all documents of one database to another.
async fn send(from: &Database, to: &Database) {
    for record in from.changes(0, usize::MAX).await.unwrap() {
        if let Some(document) = record.outgoing_since(Known::Unsure, |_| false) {
            let operation = Operation::Replicate { document, acknowledges: false };
            assert!(to.commit(vec![operation]).await.unwrap().outcomes[0].is_ok());
        }
    }
    settle().await;
}

/// The value of a field that the other user wrote last.
struct Written {
    value: Value,
    /// Whether this user has received it.
    is_seen: bool,
}

fn shown(notes: Collection<Note>, row: &DocumentId, field: &str) -> Value {
    serde_json::to_value(notes.get(row).unwrap()).unwrap()[field].clone()
}

/// Two users with a database each, which sync now and then. A value that the other user wrote is shown
/// or listed as a conflict until a user who sees it makes a new edit: undo and redo don't discard it.
#[tokio::test]
async fn nothing_that_somebody_else_wrote_apart_is_lost_to_undo() {
    for seed in 0..60 {
        run(async |_, database: Database| apart(&database, seed).await).await;
    }
}

async fn apart(database: &Database, seed: u64) {
    let mut dice = Dice(seed);
    let other_database = Database::new(Memory::new([2; 16]));
    let (notes, others) = (attached(database).await, attached(&other_database).await);
    for name in 0..3 {
        others.insert(&id(&name.to_string()), note("start", 0));
    }
    settle().await;
    send(&other_database, database).await;
    let mut theirs: HashMap<(DocumentId, &str), Written> = HashMap::new();
    for turn in 1..100_u32 {
        let row = id(&dice.roll(3).to_string());
        let (field, value) = match dice.roll(2) {
            0 => ("order", json!(turn)),
            _ => ("text", json!(turn.to_string())),
        };
        let set = |note: &mut Note| match field {
            "order" => note.order = turn,
            _ => note.text = turn.to_string(),
        };
        match dice.roll(8) {
            0 | 1 => {
                // An edit settles open conflicts with the values that its editor sees.
                theirs.retain(|(of, name), written| {
                    let is_decided = *name == field || shown(notes, of, name) != written.value;
                    *of != row || !written.is_seen || !is_decided
                });
                notes.update(&row, set);
            }
            2 | 3 => {
                theirs.retain(|(of, name), written| {
                    *of != row || shown(others, of, name) == written.value
                });
                others.update(&row, set);
                theirs.insert((row, field), Written { value, is_seen: false });
            }
            4 | 5 => drop(notes.undo()),
            6 => drop(notes.redo()),
            _ => {
                settle().await;
                send(database, &other_database).await;
                send(&other_database, database).await;
                for written in theirs.values_mut() {
                    written.is_seen = true;
                }
            }
        }
        if dice.roll(3) == 0 {
            settle().await;
        }
    }
    settle().await;
    send(&other_database, database).await;
    for ((row, field), written) in &theirs {
        let document = database.get(row).await.unwrap().unwrap();
        let is_listed = document.conflicts.iter().any(|conflict| {
            let mut values = conflict.values.iter();
            conflict.path == [*field] && values.any(|it| it.value.as_ref() == Some(&written.value))
        });
        let is_shown = document.body.fields().get(*field) == Some(&written.value);
        assert!(is_shown || is_listed, "seed {seed}: {row} {field} {:?}", written.value);
    }
}
