//! Reading and following the changes.

use futures_util::future::join;
use serde_json::json;

use super::{named, outcomes, put, written};
use crate::database::{Database, Feed};

named![
    changes_come_in_order_and_each_document_once,
    a_page_knows_whether_it_is_the_last,
    a_feed_begins_with_existing_changes,
    a_feed_has_no_gap,
    every_handle_is_notified_of_a_commit,
];

async fn changes(database: &Database, since: u64, limit: usize) -> Vec<(String, u64)> {
    let records = database.changes(since, limit).await.expect("changes");
    records.iter().map(|record| (record.id.to_string(), record.seq)).collect()
}

async fn next(feed: &mut Feed) -> Vec<(String, u64)> {
    let records = feed.next().await.expect("the feed is read").expect("the database is open");
    assert!(records.is_sorted_by(|a, b| a.seq < b.seq), "in the order of the sequence");
    records.iter().map(|record| (record.id.to_string(), record.seq)).collect()
}

fn pairs<const N: usize>(pairs: [(&str, u64); N]) -> Vec<(String, u64)> {
    pairs.map(|(id, seq)| (id.to_owned(), seq)).to_vec()
}

async fn changes_come_in_order_and_each_document_once(database: Database) {
    let first = written(&database, put("a", &[], json!({"n": 1}))).await;
    outcomes(&database, vec![put("b", &[], json!({})), put("c", &[], json!({}))]).await;
    written(&database, put("a", &[first], json!({"n": 2}))).await;
    assert_eq!(changes(&database, 0, 9).await, pairs([("b", 2), ("c", 3), ("a", 4)]));
    assert_eq!(changes(&database, 0, 2).await, pairs([("b", 2), ("c", 3)]));
    assert_eq!(changes(&database, 3, 9).await, pairs([("a", 4)]));
    assert_eq!(changes(&database, 4, 9).await, []);
    assert_eq!(changes(&database, u64::MAX, 9).await, []);
    assert_eq!(changes(&database, 0, 0).await, []);
    assert_eq!(database.seq(), 4);
}

async fn a_page_knows_whether_it_is_the_last(database: Database) {
    let page = async |since, limit| {
        let page = database.page(since, limit).await.expect("a page");
        (page.records.len(), page.is_last, page.seq)
    };
    assert_eq!(page(0, 9).await, (0, true, 0));
    for id in ["a", "b", "c"] {
        written(&database, put(id, &[], json!({}))).await;
    }
    assert_eq!(page(0, 9).await, (3, true, 3));
    assert_eq!(page(1, 9).await, (2, true, 3));
    assert_eq!(page(0, 2).await, (2, false, 3));
    assert_eq!(page(3, 2).await, (0, true, 3));
    assert_eq!(page(0, 0).await, (0, false, 3));
}

async fn a_feed_begins_with_existing_changes(database: Database) {
    outcomes(&database, vec![put("a", &[], json!({})), put("b", &[], json!({}))]).await;
    let mut feed = database.follow(1);
    assert_eq!(next(&mut feed).await, pairs([("b", 2)]));
    written(&database, put("c", &[], json!({}))).await;
    // Two commits between two calls of `next`.
    written(&database, put("d", &[], json!({}))).await;
    assert_eq!(next(&mut feed).await, pairs([("c", 3), ("d", 4)]));
    assert_eq!(feed.seq(), 4);
}

async fn a_feed_has_no_gap(database: Database) {
    const COUNT: u64 = 200;
    let write = async {
        for n in 0..COUNT {
            written(&database, put(&format!("note/{n}"), &[], json!({"n": n}))).await;
        }
    };
    let read = async {
        let mut feed = database.follow(0);
        let mut seqs = Vec::new();
        while seqs.len() < usize::try_from(COUNT).expect("a small number") {
            seqs.extend(next(&mut feed).await.into_iter().map(|(_, seq)| seq));
        }
        seqs
    };
    let ((), seqs) = join(write, read).await;
    assert!(seqs.into_iter().eq(1..=COUNT));
}

async fn every_handle_is_notified_of_a_commit(database: Database) {
    let (other, mut watch) = (database.clone(), database.watch());
    written(&other, put("a", &[], json!({}))).await;
    assert_eq!(*watch.borrow_and_update(), 1);
    assert_eq!((database.seq(), other.seq()), (1, 1));
}
