//! Databases that are compared: who asks again and again holds up nobody else.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use settee_keys::Token;
use settee_store::{Body, Change, DocumentId, Edit};
use settee_sync::{
    Checkpoint,
    message::{Close, Compare, Message},
};
use tokio::time::timeout;

use crate::support::{Client, SOON, TestServer, kit, note};

/// A place that the server has never been at, so that everything has to be compared.
fn nowhere() -> Checkpoint {
    Checkpoint::new([9; 16], [9; 16], 1)
}

/// Asks for what differs from a database in which there is nothing.
async fn compare(client: &mut Client, channel: u32) -> usize {
    client.send(Compare { channel, buckets: vec![0; 8] }).await;
    match client.receive().await {
        Message::Differences(differences) => differences.buckets.len(),
        other => panic!("no differences: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_comparisons_of_a_large_database_beside_one_of_a_small_one() {
    let storage = settee_store::MemoryStorage::new([1; 16]);
    let policy = settee_axum::KeysPolicy::new("notes");
    let kit = kit(storage, policy, crate::support::Settings::default());
    let databases = kit.databases();
    let server = TestServer::of(tempfile::tempdir().unwrap(), kit).await;
    let large = Token::generate();
    let (client, _) = Client::opened(server.address, &large, &large, None).await;
    let name = large.database_id();
    let database = databases.database(name.as_str()).await.unwrap().unwrap();
    let body = Body::from_serialize(&serde_json::json!({"title": "x"})).unwrap();
    let edit = |n| Edit {
        id: DocumentId::new(&format!("note/{n}")).unwrap(),
        seen: Vec::new(),
        change: Change::Put(body.clone()),
    };
    database.write((0..20_000).map(edit).collect()).await.unwrap();
    drop(client);
    let small = Token::generate();
    let (mut owner, _) = Client::opened(server.address, &small, &small, None).await;
    owner.push(1, 0, vec![note("tea")]).await;
    owner.acknowledged().await;

    let (is_over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let again_and_again = async || {
        let mut client = Client::greeted(server.address).await;
        for channel in 1.. {
            client.ask(channel, name.as_str(), large.as_bytes(), Some(nowhere())).await;
            assert!(matches!(client.receive().await, Message::Opened(_)));
            assert_eq!(compare(&mut client, channel).await, 1);
            client.send(Close { channel }).await;
            asked.fetch_add(1, Ordering::Relaxed);
            if is_over.load(Ordering::Relaxed) {
                return;
            }
        }
    };
    let once = async {
        while asked.load(Ordering::Relaxed) < 40 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (mut client, _) = Client::opened(server.address, &small, &small, Some(nowhere())).await;
        assert_eq!(compare(&mut client, 1).await, 1);
        is_over.store(true, Ordering::Relaxed);
    };
    let others = futures_util::future::join_all((0..8).map(|_| again_and_again()));
    let all = async { tokio::join!(once, others) };
    timeout(SOON * 3, all).await.expect("nobody starves");
}
