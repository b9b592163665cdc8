//! The properties of IndexedDB that other back ends don't have. Two handles on one database in a
//! page stand for two tabs.
#![cfg(all(target_arch = "wasm32", feature = "indexeddb"))]

use futures_util::{
    FutureExt,
    future::{join, join_all},
};
use js_sys::{Array, Uint8Array};
use serde_json::json;
use settee_store::{
    Backend, BackendError, Body, Change, Damaged, Database, DocumentId, Edit, Operation,
    OperationError,
    backend::{batch, indexeddb::IndexedDb},
};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/browser_log.js")]
extern "C" {
    #[wasm_bindgen(js_name = logKeys)]
    async fn log_keys(name: &str) -> JsValue;
    #[wasm_bindgen(js_name = metaKeys)]
    async fn meta_keys(name: &str) -> JsValue;
    #[wasm_bindgen(js_name = putInLog)]
    async fn put_in_log(name: &str, key: f64, bytes: Uint8Array);
    #[wasm_bindgen(js_name = deleteFromMeta)]
    async fn delete_from_meta(name: &str, key: &str);
    async fn upgrade(name: &str, version: f64);
    async fn hold(name: &str) -> JsValue;
    async fn pause(milliseconds: f64);
    #[wasm_bindgen(js_name = becomeVisible)]
    fn become_visible();
    #[wasm_bindgen(js_name = loseHints)]
    fn lose_hints(on: bool);
    #[wasm_bindgen(js_name = hideChannels)]
    fn hide_channels(on: bool);
    #[wasm_bindgen(js_name = fillDisk)]
    fn fill_disk(on: bool);
    #[wasm_bindgen(js_name = forbidStorage)]
    fn forbid_storage(on: bool);
    #[wasm_bindgen(js_name = writingTransactions)]
    fn writing_transactions() -> u32;
}

async fn open(name: &str) -> IndexedDb {
    IndexedDb::open(name, [1; 16]).await.expect("the browser lets us save")
}

async fn tab(name: &str) -> Database {
    Database::new(open(name).await)
}

fn put(id: &str, text: &str) -> Edit {
    let change = Change::Put(Body::from_serialize(&json!({ "text": text })).expect("a body"));
    Edit { id: DocumentId::new(id).expect("an id"), seen: Vec::new(), change }
}

async fn write(tab: &Database, ids: &[String]) {
    for id in ids {
        let outcomes = tab.write(vec![put(id, "x")]).await.expect("it is saved");
        assert!(outcomes[0].is_ok());
    }
}

fn ids(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

async fn count(tab: &Database) -> usize {
    let records = tab.changes(0, usize::MAX).await.expect("changes");
    assert!(records.iter().map(|record| record.seq).is_sorted_by(|a, b| a < b));
    assert_eq!(records.last().map_or(0, |record| record.seq), tab.seq());
    records.len()
}

async fn until(tab: &Database, seq: u64) {
    for _ in 0..100 {
        if tab.seq() >= seq {
            break;
        }
        pause(20.0).await;
    }
    assert_eq!(tab.seq(), seq);
}

#[wasm_bindgen_test]
async fn operations_submitted_together_share_a_transaction() {
    let tab = tab("together").await;
    let before = writing_transactions();
    let texts = ids("d", 50);
    let writes = texts.iter().map(|id| tab.write(vec![put(id, "x"), put(id, "again")]));
    for outcomes in join_all(writes).await {
        let outcomes = outcomes.expect("it is saved");
        assert!(outcomes.len() == 2 && outcomes[0].is_ok() && outcomes[1].is_err());
    }
    assert_eq!(writing_transactions() - before, 1);
    assert_eq!(count(&tab).await, 50);
}

#[wasm_bindgen_test]
async fn a_term_that_fails_affects_no_other_commit() {
    let (here, there) = (open("terms").await, tab("terms").await);
    there.lead().await.expect("nobody leads");
    let late = here.commit(vec![Operation::Lead { term: 1 }]);
    let edit = here.commit(vec![Operation::Edit(put("a", "x"))]);
    let (late, edit) = join(late, edit).await;
    assert_eq!(late.expect("it is answered").outcomes, [Err(OperationError::Superseded)]);
    assert!(edit.expect("it is saved").outcomes[0].is_ok());
}

#[wasm_bindgen_test]
async fn a_commit_whose_future_is_dropped_is_written() {
    let one = tab("given-up").await;
    let mut write = Box::pin(one.write(vec![put("a", "x")]));
    assert!(write.as_mut().now_or_never().is_none());
    drop(write);
    drop(one);
    assert_eq!(count(&tab("given-up").await).await, 1);
}

#[wasm_bindgen_test]
async fn tabs_write_into_one_order() {
    let (one, other) = (tab("order").await, tab("order").await);
    let (ones, others) = (ids("one-", 40), ids("other-", 40));
    join(write(&one, &ones), write(&other, &others)).await;
    until(&one, 80).await;
    until(&other, 80).await;
    let (seen, seen_too) = (one.changes(0, 100).await, other.changes(0, 100).await);
    assert_eq!(seen, seen_too);
    assert_eq!(count(&one).await, 80);

    // Edits of one profile don't conflict, whichever tab they are made in.
    let first = one.get(&DocumentId::new("one-0").expect("an id")).await.expect("read");
    let seen = first.expect("it is there").leaves;
    let edit = |field: &str| {
        let body = Body::from_serialize(&json!({ "text": "x", field: true })).expect("a body");
        Edit { seen: seen.clone(), change: Change::Put(body), ..put("one-0", "") }
    };
    let both = join(one.write(vec![edit("here")]), other.write(vec![edit("there")])).await;
    assert!(both.0.expect("saved")[0].is_ok() && both.1.expect("saved")[0].is_ok());
    until(&one, 82).await;
    let merged = one.get(&DocumentId::new("one-0").expect("an id")).await.expect("read");
    let merged = merged.expect("it is there");
    assert_eq!(merged.leaves.len(), 1);
    assert_eq!(merged.body.as_str(), r#"{"here":true,"text":"x","there":true}"#);
}

#[wasm_bindgen_test]
async fn a_tab_is_notified_of_other_tabs_commits() {
    let (one, other) = (tab("hint").await, tab("hint").await);
    let mut feed = other.follow(0);
    write(&one, &ids("d", 1)).await;
    let records = feed.next().await.expect("the feed is read").expect("it is open");
    assert_eq!(records.len(), 1);
    one.set_local("place", Some(b"here".to_vec())).await.expect("it is saved");
    pause(100.0).await;
    assert_eq!(other.local("place").await, Ok(Some(b"here".to_vec())));
}

#[wasm_bindgen_test]
async fn a_hint_that_is_lost_does_no_harm() {
    let (one, other) = (tab("lost").await, tab("lost").await);
    lose_hints(true);
    write(&one, &ids("one-", 3)).await;
    pause(100.0).await;
    assert_eq!(other.seq(), 0);
    write(&other, &ids("other-", 1)).await;
    lose_hints(false);
    assert_eq!((count(&other).await, other.seq()), (4, 4));
    assert_eq!(one.seq(), 3);
    become_visible();
    until(&one, 4).await;
    assert_eq!(count(&one).await, 4);
}

#[wasm_bindgen_test]
async fn it_works_without_broadcast_channels() {
    hide_channels(true);
    let (one, other) = (tab("deaf").await, tab("deaf").await);
    hide_channels(false);
    write(&one, &ids("one-", 3)).await;
    write(&other, &ids("other-", 1)).await;
    assert_eq!(count(&other).await, 4);
}

#[wasm_bindgen_test]
async fn a_snapshot_takes_the_place_of_the_log() {
    let one = tab("snapshot").await;
    write(&one, &ids("early-", 70)).await;
    one.set_local("place", Some(b"here".to_vec())).await.expect("it is saved");
    assert_eq!(keys(log_keys("snapshot").await), 71);
    until_snapshot("snapshot").await;
    assert_eq!(keys(meta_keys("snapshot").await), 3, "incarnation, snapshot and one piece");

    let other = tab("snapshot").await;
    assert_eq!(other.local("place").await, Ok(Some(b"here".to_vec())));
    assert_eq!(count(&other).await, 70);
    write(&other, &ids("late-", 3)).await;
    until(&one, 73).await;
    write(&one, &ids("last-", 1)).await;
    drop((one, other));
    assert_eq!(count(&tab("snapshot").await).await, 74);
}

#[wasm_bindgen_test]
async fn a_tab_whose_records_a_snapshot_deleted_reads_everything() {
    for read in [0, 69] {
        let name = format!("passed-{read}");
        let (one, writer, looker) = (tab(&name).await, tab(&name).await, tab(&name).await);
        lose_hints(true);
        write(&one, &ids("early-", read)).await;
        become_visible();
        until(&writer, read as u64).await;
        until(&looker, read as u64).await;
        pause(50.0).await;
        write(&one, &ids("late-", 70 - read)).await;
        until_snapshot(&name).await;
        assert_eq!((writer.seq(), looker.seq()), (read as u64, read as u64));
        write(&writer, &ids("other-", 1)).await;
        lose_hints(false);
        assert_eq!((count(&writer).await, writer.seq()), (71, 71));
        become_visible();
        until(&looker, 71).await;
        assert_eq!(count(&looker).await, 71);
    }
}

#[wasm_bindgen_test]
async fn a_big_database_has_a_snapshot_of_several_pieces() {
    let one = tab("big").await;
    let text = "x".repeat(1_000_000);
    let edits = ids("d", 18).iter().map(|id| put(id, &text)).collect();
    let outcomes = one.write(edits).await.expect("it is saved");
    assert!(outcomes.iter().all(Result::is_ok));
    write(&one, &ids("small", 1)).await;
    until_snapshot("big").await;
    assert_eq!(keys(meta_keys("big").await), 4);
    drop(one);
    let one = tab("big").await;
    assert_eq!(count(&one).await, 19);
}

#[wasm_bindgen_test]
async fn unreadable_records_are_set_aside() {
    let one = tab("unreadable").await;
    write(&one, &ids("d", 2)).await;
    put_in_log("unreadable", 3.0, Uint8Array::from(&[0xff, 1, 2][..])).await;
    write(&one, &ids("e", 1)).await;
    drop(one);
    let one = tab("unreadable").await;
    assert_eq!((unreadable(&one).await, count(&one).await), (1, 3));

    write(&one, &ids("f", 70)).await;
    until_snapshot("unreadable").await;
    assert_eq!(unreadable(&one).await, 1);
    drop(one);
    let one = tab("unreadable").await;
    assert_eq!((unreadable(&one).await, count(&one).await), (1, 73));
}

#[wasm_bindgen_test]
async fn a_record_with_a_damaged_body_is_set_aside() {
    let one = tab("damaged").await;
    write(&one, &ids("d", 2)).await;
    damage_last("damaged", &one).await;
    drop(one);
    let one = tab("damaged").await;
    let readable = one.changes(0, usize::MAX).await.expect("changes").len();
    assert_eq!((unreadable(&one).await, readable), (1, 1));
}

#[wasm_bindgen_test]
async fn an_edit_that_is_lost_with_a_record_is_told_though_an_earlier_record_is_there() {
    let one = tab("lost-edit").await;
    write(&one, &ids("d", 1)).await;
    let before = one.get(&DocumentId::new("d0").expect("an id")).await.expect("read");
    let seen = before.clone().expect("it is there").leaves;
    let outcomes = one.write(vec![Edit { seen, ..put("d0", "later") }]).await.expect("saved");
    assert!(outcomes[0].is_ok());
    assert_eq!(one.damaged().await, Ok(Damaged::default()));
    damage_last("lost-edit", &one).await;
    drop(one);
    let one = tab("lost-edit").await;
    assert_eq!(one.get(&DocumentId::new("d0").expect("an id")).await.as_ref(), Ok(&before));
    let outdated = Damaged { documents: 0, outdated: 1, lost: 1 };
    assert_eq!(one.damaged().await, Ok(outdated));
    one.keep_lost().await.expect("saved");
    assert_eq!(one.damaged().await, Ok(outdated));
    one.forget_lost().await.expect("saved");
    drop(one);
    let one = tab("lost-edit").await;
    assert_eq!(one.damaged().await, Ok(Damaged { lost: 0, ..outdated }));
    let seen = before.expect("it is there").leaves;
    let outcomes = one.write(vec![Edit { seen, ..put("d0", "again") }]).await.expect("saved");
    assert!(outcomes[0].is_ok());
    assert_eq!(one.damaged().await, Ok(Damaged::default()));
}

/// Damages the JSON in the last record of the log, and leaves it whole otherwise.
async fn damage_last(name: &str, tab: &Database) {
    let seq = tab.seq();
    let records = tab.changes(seq - 1, 1).await.expect("changes");
    let mut bytes = batch::to_bytes(seq, &records, &[]);
    let body = bytes.windows(2).rposition(|pair| pair == b"{\"").expect("it has a body");
    bytes[body] = b'x';
    #[expect(clippy::cast_precision_loss, reason = "a test writes few records")]
    put_in_log(name, seq as f64, Uint8Array::from(bytes.as_slice())).await;
}

async fn unreadable(tab: &Database) -> usize {
    tab.unreadable().await.expect("it is told").len()
}

#[wasm_bindgen_test]
async fn a_snapshot_with_a_part_missing_is_an_error() {
    let one = tab("torn").await;
    write(&one, &ids("d", 70)).await;
    until_snapshot("torn").await;
    drop(one);
    delete_from_meta("torn", "snapshot/000000").await;
    let opened = IndexedDb::open("torn", [1; 16]).await;
    assert!(matches!(opened.err(), Some(BackendError::Corrupt(_))));
}

#[wasm_bindgen_test]
async fn a_newer_version_is_not_touched() {
    upgrade("newer", 1000.0).await;
    assert_eq!(IndexedDb::open("newer", [1; 16]).await.err(), Some(BackendError::Newer));
}

#[wasm_bindgen_test]
async fn a_tab_closes_for_a_newer_version() {
    let one = tab("upgraded").await;
    write(&one, &ids("d", 1)).await;
    upgrade("upgraded", 1000.0).await;
    assert_eq!(one.write(vec![put("late", "x")]).await, Err(BackendError::Closed));
    assert_eq!(count(&one).await, 1, "what was read can still be read");
}

#[wasm_bindgen_test]
async fn a_full_disk_is_reported_and_nothing_is_written() {
    let one = tab("full").await;
    write(&one, &ids("d", 1)).await;
    fill_disk(true);
    let outcome = one.write(vec![put("late", "x")]).await;
    fill_disk(false);
    assert_eq!(outcome, Err(BackendError::Full));
    assert_eq!((one.seq(), count(&one).await), (1, 1));
    write(&one, &ids("late", 1)).await;
    drop(one);
    assert_eq!(count(&tab("full").await).await, 2);
}

#[wasm_bindgen_test]
async fn a_database_that_is_deleted_elsewhere_is_closed() {
    let one = tab("deleted").await;
    write(&one, &ids("d", 1)).await;
    let mut feed = one.follow(1);
    assert_eq!(IndexedDb::delete("deleted").await, Ok(()));
    assert_eq!(one.write(vec![put("late", "x")]).await, Err(BackendError::Closed));
    assert_eq!(feed.next().await, Ok(None));
    assert_eq!(count(&one).await, 1, "what was read can still be read");

    let anew = IndexedDb::open("deleted", [2; 16]).await.expect("a new one");
    let anew = Database::new(anew);
    assert_eq!((anew.incarnation(), count(&anew).await), ([2; 16], 0));
    assert_eq!(one.write(vec![put("late", "x")]).await, Err(BackendError::Closed));
}

#[wasm_bindgen_test]
async fn waiting_for_a_tab_that_does_not_close_has_a_limit() {
    let one = tab("held").await;
    let held = hold("held").await;
    drop(one);
    assert_eq!(IndexedDb::delete("held").await, Err(BackendError::Closed));
    held.unchecked_into::<web_sys::IdbDatabase>().close();
}

#[wasm_bindgen_test]
async fn blocked_storage_is_reported() {
    forbid_storage(true);
    let opened = IndexedDb::open("forbidden", [1; 16]).await;
    forbid_storage(false);
    assert_eq!(opened.err(), Some(BackendError::Blocked));
}

/// Waits until a snapshot covers the whole log, which leaves the last record's empty place.
async fn until_snapshot(name: &str) {
    for _ in 0..100 {
        if keys(log_keys(name).await) == 1 {
            return;
        }
        pause(50.0).await;
    }
    panic!("there is no snapshot");
}

fn keys(keys: JsValue) -> u32 {
    keys.unchecked_into::<Array>().length()
}
