//! A database for items that an app keeps in a signal.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use settee_leptos::{Collection, CollectionError, Model, Problem, retrofit};
use settee_store::{Database, DocumentId, document_id::IdError};
use support::{others_write, run, settle, stored, until};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    key: String,
    text: String,
    place: u32,
}

impl Model for Item {
    const PREFIX: &'static str = "item/";
    type Order = u32;

    fn order(&self) -> u32 {
        self.place
    }
}

fn item(key: &str, text: &str, place: u32) -> Item {
    Item { key: key.to_owned(), text: text.to_owned(), place }
}

fn id(key: &str) -> DocumentId {
    DocumentId::new(&format!("item/{key}")).unwrap()
}

async fn theirs(database: &Database, item: &Item) {
    others_write(database, &id(&item.key), &serde_json::to_value(item).unwrap()).await;
}

fn retrofitted(items: RwSignal<Vec<Item>>, database: &Database) -> Collection<Item> {
    retrofit(items, database.clone(), |item| item.key.clone())
}

async fn text(database: &Database, key: &str) -> Option<String> {
    Some(stored(database, &id(key)).await?["text"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn items_and_documents_are_merged() {
    run(async |_, database: Database| {
        theirs(&database, &item("stored", "s", 2)).await;
        theirs(&database, &item("both", "newer", 1)).await;
        theirs(&database, &item("deleted", "d", 1)).await;
        theirs(&database, &item("renamed", "r", 6)).await;
        theirs(&database, &item("dropped", "r", 6)).await;
        others_write(&database, &id("deleted"), &json!(null)).await;
        let items = RwSignal::new(vec![
            item("both", "older", 1),
            item("deleted", "d", 3),
            item("listed", "l", 5),
            item("renamed", "r", 6),
            item("dropped", "r", 7),
        ]);
        let collection = retrofitted(items, &database);
        // Before the database is loaded.
        items.update(|items| {
            items[3].text = "mine".to_owned();
            items.pop();
        });
        until("it is loaded", async || collection.ready().get_untracked()).await;
        settle().await;
        let expected = [
            item("both", "newer", 1),
            item("stored", "s", 2),
            item("listed", "l", 5),
            item("renamed", "mine", 6),
        ];
        assert_eq!(items.get_untracked(), expected);
        assert_eq!(text(&database, "listed").await.as_deref(), Some("l"));
        assert_eq!(text(&database, "renamed").await.as_deref(), Some("mine"));
        assert_eq!(text(&database, "both").await.as_deref(), Some("newer"));
        assert_eq!(text(&database, "dropped").await, None);
        assert_eq!(text(&database, "deleted").await, None);
        assert!(collection.problems().get_untracked().is_empty());
    })
    .await;
}

#[tokio::test]
async fn changes_by_the_app_are_stored_and_notify_it_only_once() {
    run(async |_, database: Database| {
        let items = RwSignal::new(Vec::new());
        let collection = retrofitted(items, &database);
        until("it is loaded", async || collection.ready().get_untracked()).await;
        settle().await;
        let runs = Arc::new(AtomicUsize::new(0));
        let counter = runs.clone();
        Effect::new(move || {
            items.track();
            counter.fetch_add(1, Ordering::Relaxed);
        });
        settle().await;
        items.update(|items| items.extend([item("b", "1", 2), item("a", "1", 1)]));
        settle().await;
        items.update(|items| items[0].text = "2".to_owned());
        settle().await;
        items.update(|items| drop(items.remove(1)));
        settle().await;
        assert_eq!(runs.load(Ordering::Relaxed), 4);
        assert_eq!(text(&database, "b").await.as_deref(), Some("2"));
        assert_eq!(text(&database, "a").await, None);
        assert!(collection.undo());
        assert_eq!(items.with_untracked(Vec::len), 2);
        settle().await;
        assert_eq!(text(&database, "a").await.as_deref(), Some("1"));
    })
    .await;
}

#[tokio::test]
async fn changes_by_others_arrive_and_keep_changes_by_the_app() {
    run(async |_, database: Database| {
        for place in 1..=3 {
            theirs(&database, &item(&place.to_string(), "start", place)).await;
        }
        let items = RwSignal::new(Vec::new());
        let collection = retrofitted(items, &database);
        until("it is loaded", async || items.with_untracked(Vec::len) == 3).await;
        let mut others = stored(&database, &id("2")).await.unwrap();
        others["place"] = json!(0);
        others_write(&database, &id("2"), &others).await;
        // In the same turn of the event loop, before anything arrives.
        items.update(|items| items[1].text = "mine".to_owned());
        others_write(&database, &id("3"), &json!(null)).await;
        settle().await;
        assert_eq!(items.get_untracked(), [item("2", "mine", 0), item("1", "start", 1)]);
        assert_eq!(text(&database, "2").await.as_deref(), Some("mine"));
        assert!(collection.row(&id("2")).unwrap().state.get_untracked().conflicts.is_empty());
        collection.update(&id("1"), |item| item.text = "direct".to_owned());
        assert_eq!(items.with_untracked(|items| items[1].text.clone()), "direct");
    })
    .await;
}

#[tokio::test]
async fn an_item_without_a_valid_key_of_its_own_is_a_problem() {
    run(async |_, database: Database| {
        let long = "x".repeat(1000);
        let items = RwSignal::new(vec![item("a", "1", 1), item("a", "2", 2), item(&long, "3", 3)]);
        let collection = retrofitted(items, &database);
        settle().await;
        assert_eq!(text(&database, "a").await.as_deref(), Some("1"));
        let problems = collection.problems().get_untracked();
        let errors =
            [CollectionError::DuplicateKey(id("a")), CollectionError::InvalidKey(IdError::TooLong)];
        assert_eq!(problems, errors.map(|error| Problem { id: None, error }));
        assert_eq!(items.with_untracked(Vec::len), 3);
    })
    .await;
}
