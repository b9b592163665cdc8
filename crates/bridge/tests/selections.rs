//! Selections, and the cost of a change.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use settee_leptos::{Collection, Model};
use settee_store::{
    Body, Database, DocumentId, Operation, Revision,
    replication::{ReplicatedDocument, ReplicatedRevision},
};
use support::{Note, attached, id, is_saved, note, others_write, run, settle, until};

/// Documents of any id, which a field distinguishes from others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Task {
    r#type: String,
    title: String,
}

impl Model for Task {
    const PREFIX: &'static str = "";
    type Order = String;

    fn order(&self) -> String {
        self.title.clone()
    }

    fn belongs(_: &DocumentId, fields: &Map<String, Value>) -> bool {
        fields.get("type").is_some_and(|kind| kind == "task")
    }
}

#[tokio::test]
async fn one_database_has_several_collections() {
    run(async |_, database: Database| {
        others_write(&database, &id("a"), &json!({"text": "a", "order": 1})).await;
        let task = |title: &str| json!({"type": "task", "title": title});
        let any = DocumentId::new("any").unwrap();
        others_write(&database, &any, &task("one")).await;
        let notes = attached(&database).await;
        let tasks: Collection<Task> = Collection::new();
        tasks.attach(database.clone());
        until("tasks are loaded", async || tasks.ready().get_untracked()).await;
        let (all_notes, all_tasks) = (notes.select(|_| true), tasks.select(|_| true));
        assert_eq!(all_notes.ids().get_untracked(), [id("a")]);
        assert!(all_tasks.ids().get_untracked().contains(&any));
        assert!(tasks.unreadable().get_untracked().is_empty());

        let both = json!({"text": "a", "order": 1, "type": "task", "title": "two"});
        others_write(&database, &id("a"), &both).await;
        until("the document belongs to both", async || all_tasks.len().get_untracked() == 2).await;
        notes.update(&id("a"), |note| note.text = "b".to_owned());
        tasks.update(&id("a"), |task| task.title = "three".to_owned());
        until("the document has both edits", async || {
            let document = database.get(&id("a")).await.unwrap().unwrap();
            let fields = document.body.fields();
            fields["text"] == "b" && fields["title"] == "three" && document.leaves.len() == 1
        })
        .await;
        settle().await;

        others_write(&database, &any, &json!({"type": "other", "title": "one"})).await;
        until("the document no longer belongs", async || tasks.row(&any).is_none()).await;
        assert_eq!(all_tasks.ids().get_untracked(), [id("a")]);
        others_write(&database, &id("a"), &json!(null)).await;
        until("both rows are removed", async || {
            all_tasks.len().get_untracked() == 0 && all_notes.len().get_untracked() == 0
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_selection_follows_the_signals_of_its_test() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        for order in 0..10 {
            notes.insert(&id(&order.to_string()), note("text", order));
        }
        let least = RwSignal::new(8);
        let chosen = notes.select_by(move || {
            let least = least.get();
            move |note: &Note| note.order >= least
        });
        assert_eq!(chosen.ids().get_untracked(), [id("8"), id("9")]);
        least.set(6);
        until("the selection follows", async || chosen.len().get_untracked() == 4).await;
        notes.update(&id("0"), |note| note.order = 20);
        assert_eq!(chosen.ids().get_untracked().last(), Some(&id("0")));
        let most = 3;
        notes.refilter(chosen, move |note| note.order <= most);
        assert_eq!(chosen.ids().get_untracked(), [id("1"), id("2"), id("3")]);
    })
    .await;
}

#[tokio::test]
async fn a_selection_ends_with_its_owner() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        let child = Owner::current().unwrap().child();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        child.with(|| {
            notes.select(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                true
            })
        });
        notes.insert(&id("a"), note("a", 1));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        child.cleanup();
        notes.insert(&id("b"), note("b", 1));
        let before = asked.load(Ordering::Relaxed);
        notes.insert(&id("c"), note("c", 1));
        assert_eq!(asked.load(Ordering::Relaxed), before);
    })
    .await;
}

/// Counts how often an effect runs.
fn count(read: impl Fn() + 'static) -> Arc<AtomicUsize> {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    Effect::new(move || {
        read();
        counter.fetch_add(1, Ordering::Relaxed);
    });
    runs
}

#[tokio::test]
async fn toggling_one_of_ten_thousand_rows_runs_one_rows_effect_once() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        notes.batch(|batch| {
            for n in 0..10_000 {
                batch.insert(&id(&n.to_string()), note("text", n));
            }
        });
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let all = notes.select(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            true
        });
        let open = notes.select(|note| note.text != "done");
        is_saved(notes, &database, &id("9999")).await;
        let ids = count(move || all.ids().track());
        let open_ids = count(move || open.ids().track());
        let len = count(move || all.len().track());
        let rows: Vec<Arc<AtomicUsize>> = (0..10_000)
            .map(|n| {
                let row = notes.row(&id(&n.to_string())).unwrap();
                count(move || row.value.track())
            })
            .collect();
        let sum = || rows.iter().map(|runs| runs.load(Ordering::Relaxed)).sum::<usize>();
        until("all effects have run", async || sum() == 10_000).await;
        asked.store(0, Ordering::Relaxed);

        notes.update(&id("5000"), |note| note.text = "done".to_owned());
        is_saved(notes, &database, &id("5000")).await;
        assert_eq!((sum(), rows[5000].load(Ordering::Relaxed)), (10_001, 2));
        assert_eq!((ids.load(Ordering::Relaxed), len.load(Ordering::Relaxed)), (1, 1));
        assert_eq!(open_ids.load(Ordering::Relaxed), 2);
        assert_eq!(
            asked.load(Ordering::Relaxed),
            2,
            "one row is tested, before and after the change"
        );

        notes.update(&id("5000"), |note| note.order = 20_000);
        is_saved(notes, &database, &id("5000")).await;
        assert_eq!((ids.load(Ordering::Relaxed), len.load(Ordering::Relaxed)), (2, 1));
        assert_eq!(sum(), 10_002);
    })
    .await;
}

#[tokio::test]
async fn a_thousand_changes_from_elsewhere_are_one_notification() {
    run(async |_, database: Database| {
        let notes = attached(&database).await;
        let all = notes.select(|_| true);
        let ids = count(move || all.ids().track());
        until("the effect has run", async || ids.load(Ordering::Relaxed) == 1).await;
        let operation = |n: u32| {
            let body = Body::from_serialize(&note("theirs", n)).unwrap();
            let revision = Revision::derive(None, &[], false, &body).unwrap();
            let json = Some(body.as_str().as_bytes());
            let revision =
                ReplicatedRevision::verified(revision, None, vec![], false, json).unwrap();
            let document = ReplicatedDocument::verified(id(&n.to_string()), vec![revision]);
            Operation::Replicate { document: document.unwrap(), acknowledges: true }
        };
        database.commit((0..1000).map(operation).collect()).await.unwrap();
        until("they are there", async || all.len().get_untracked() == 1000).await;
        settle().await;
        assert_eq!(ids.load(Ordering::Relaxed), 2);
    })
    .await;
}
