//! The suite that every [`Storage`] has to pass.

use std::sync::Arc;

use serde_json::json;

use super::{done, found, outcome, put, set_local, written};
use crate::{
    backend::{BackendError, Incarnation},
    database::Database,
    operation::Operation,
    storage::{Hosted, Storage},
};

const INCARNATION: Incarnation = [7; 16];

/// Runs all cases, each on an empty storage that `open` makes. Panics at the first that fails.
pub async fn all(open: impl AsyncFn() -> Arc<dyn Storage>) {
    databases_are_found_by_name(&*open().await).await;
    handles_of_one_name_share_their_state(&*open().await).await;
    names_come_in_pages(&*open().await).await;
    a_deleted_database_is_gone(&*open().await).await;
    space_is_counted(&*open().await).await;
    a_closed_storage_ends_its_databases(&*open().await).await;
}

/// Checks that everything is there again after a restart, which is a new run. `open` opens the same
/// storage each time, empty at first.
pub async fn reopened(open: impl AsyncFn() -> Arc<dyn Storage>) {
    let storage = open().await;
    let first = create(&*storage, "a").await;
    let database = Database::shared(first.clone());
    written(&database, put("one", &[], json!({"n": 1}))).await;
    set_local(&database, "place", b"here").await;
    let first_run = first.run();
    assert!(first.knows(INCARNATION, first_run, 1).await.expect("it is known"));
    storage.close().await;
    drop((database, first, storage));

    let storage = open().await;
    assert_eq!(storage.meta("a".into()).await, Ok(Some(b"meta".to_vec())));
    let again = find(&*storage, "a").await.expect("it is there again");
    let database = Database::shared(again.clone());
    assert!(found(&database, "one").await.is_some());
    assert_eq!(database.local("place").await, Ok(Some(b"here".to_vec())));
    assert_ne!(again.run(), first_run, "each opening is a run of its own");

    let knows = async |run, seq| again.knows(INCARNATION, run, seq).await.expect("it is known");
    assert!(knows(first_run, 1).await, "it has lived through the first run");
    assert!(!knows(first_run, 2).await, "that run didn't come so far");
    assert!(!knows([9; 16], 0).await, "nobody knows this run");
    written(&database, put("two", &[], json!({}))).await;
    assert!(knows(again.run(), 2).await && !knows(first_run, 2).await);
    assert!(!again.knows([8; 16], again.run(), 1).await.expect("it is known"));
    let second_run = again.run();
    storage.close().await;
    drop((database, again, storage));

    // Nothing is written in the third run, and a fourth one begins.
    let storage = open().await;
    let idle = find(&*storage, "a").await.expect("it is there again");
    assert!(idle.knows(INCARNATION, idle.run(), 2).await.expect("it is known"));
    let idle_run = idle.run();
    storage.close().await;
    drop((idle, storage));
    let storage = open().await;
    let last = find(&*storage, "a").await.expect("it is there again");
    written(&Database::shared(last.clone()), put("three", &[], json!({}))).await;
    let knows = async |run, seq| last.knows(INCARNATION, run, seq).await.expect("it is known");
    assert!(knows(first_run, 1).await && knows(second_run, 2).await && knows(last.run(), 3).await);
    assert!(!knows(second_run, 3).await && !knows(idle_run, 3).await, "they ended before");
}

async fn create(storage: &dyn Storage, name: &str) -> Arc<dyn Hosted> {
    let created = storage.create(name.into(), INCARNATION, b"meta".to_vec()).await;
    created.expect("a database is made")
}

async fn find(storage: &dyn Storage, name: &str) -> Option<Arc<dyn Hosted>> {
    storage.find(name.into()).await.expect("it is looked for")
}

async fn databases_are_found_by_name(storage: &dyn Storage) {
    assert!(find(storage, "a").await.is_none());
    create(storage, "a").await;
    let same = storage.create("a".into(), [2; 16], b"other".to_vec()).await.expect("it is there");
    assert_eq!(same.incarnation(), INCARNATION, "what there is stays as it is");
    assert_eq!(find(storage, "a").await.expect("it is there").incarnation(), INCARNATION);
    assert!(find(storage, "A").await.is_none() && find(storage, "").await.is_none());

    assert_eq!(storage.meta("a".into()).await, Ok(Some(b"meta".to_vec())));
    assert_eq!(storage.set_meta("a".into(), b"new".to_vec()).await, Ok(true));
    assert_eq!(storage.meta("a".into()).await, Ok(Some(b"new".to_vec())));
    assert_eq!(storage.set_meta("b".into(), Vec::new()).await, Ok(false));
    assert_eq!(storage.meta("b".into()).await, Ok(None));
    assert!(find(storage, "b").await.is_none());
}

async fn handles_of_one_name_share_their_state(storage: &dyn Storage) {
    let (one, other) = (create(storage, "a").await, create(storage, "b").await);
    let same = find(storage, "a").await.expect("it is there");
    let mut watch = same.watch();
    written(&Database::shared(one), put("x", &[], json!({}))).await;
    assert_eq!(*watch.borrow_and_update(), 1, "word comes through another handle");
    assert!(found(&Database::shared(same), "x").await.is_some());
    assert_eq!(*other.watch().borrow(), 0, "databases share nothing");
    assert!(found(&Database::shared(other), "x").await.is_none());
}

async fn names_come_in_pages(storage: &dyn Storage) {
    for name in ["b", "a", "ä", "c"] {
        create(storage, name).await;
    }
    let page = async |after: Option<&str>, limit| {
        storage.names(after.map(Into::into), limit).await.expect("names are read")
    };
    assert_eq!(page(None, 2).await, ["a", "b"]);
    assert_eq!(page(Some("b"), 2).await, ["c", "ä"]);
    assert!(page(Some("ä"), 2).await.is_empty());
    assert_eq!(page(Some("aa"), 1).await, ["b"]);
}

async fn a_deleted_database_is_gone(storage: &dyn Storage) {
    let (gone, other) = (create(storage, "a").await, create(storage, "b").await);
    let (gone, other) = (Database::shared(gone), Database::shared(other));
    written(&gone, put("x", &[], json!({}))).await;
    written(&other, put("x", &[], json!({}))).await;
    let mut watch = gone.watch();
    watch.borrow_and_update();
    assert_eq!(storage.delete("a".into()).await, Ok(true));
    assert_eq!(storage.delete("a".into()).await, Ok(false));

    assert!(watch.changed().await.is_err(), "whoever watches hears of the end");
    let edit = Operation::Edit(put("y", &[], json!({})));
    assert_eq!(gone.commit(vec![edit]).await, Err(BackendError::Closed));
    assert_eq!(gone.changes(0, 10).await.err(), Some(BackendError::Closed));
    assert!(find(storage, "a").await.is_none());
    assert_eq!(storage.meta("a".into()).await, Ok(None));
    assert!(found(&other, "x").await.is_some(), "others stay");

    let anew = Database::shared(create(storage, "a").await);
    assert_eq!((anew.seq(), found(&anew, "x").await), (0, None));
    assert!(outcome(&anew, put("x", &[], json!({}))).await.is_ok());
    done(&anew, Vec::new()).await;
}

async fn space_is_counted(storage: &dyn Storage) {
    let before = storage.space().await.expect("it is counted");
    assert_eq!(before.databases, 0);
    let (full, empty) = (create(storage, "a").await, create(storage, "b").await);
    let long = "x".repeat(100_000);
    written(&Database::shared(full.clone()), put("x", &[], json!({ "long": long }))).await;
    let after = storage.space().await.expect("it is counted");
    assert_eq!(after.databases, 2);
    assert!(after.used >= before.used + 90_000, "{before:?}, {after:?}");
    assert!(after.free.is_none_or(|free| free > 0));
    let size = full.size().await.expect("it is counted");
    assert!((100_000..110_000).contains(&size), "{size}");
    assert_eq!(empty.size().await, Ok(0), "databases share nothing");
}

async fn a_closed_storage_ends_its_databases(storage: &dyn Storage) {
    let database = Database::shared(create(storage, "a").await);
    let mut watch = database.watch();
    watch.borrow_and_update();
    assert_eq!(storage.check().await, Ok(()));
    storage.close().await;
    assert_eq!(storage.check().await, Err(BackendError::Closed));
    assert!(watch.changed().await.is_err(), "whoever watches hears of the end");
    let edit = Operation::Edit(put("x", &[], json!({})));
    assert_eq!(database.commit(vec![edit]).await, Err(BackendError::Closed));
}
