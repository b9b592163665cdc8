//! A store that is slow, or hangs, holds up its own database only.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::{sync::Arc, time::Duration};

use settee_client::{ClientError, ConnectionStatus, Status};
use settee_store::{BackendError, Database, Memory};
use tokio::{
    sync::Barrier,
    time::{sleep, timeout},
};

use support::{
    LIMIT, SOON, acknowledged, has, open, server::TestServer, start, store::GatedStore, write,
};

/// Edits come through in both directions, for longer than either side may be silent and than a
/// store may take.
async fn stays_live(here: &Database, there: &Database) {
    for n in 0..80 {
        write(here, &format!("here/{n}"), 10).await;
        write(there, &format!("there/{n}"), 10).await;
        let all = 2 * n + 2;
        let both = async { tokio::join!(has(here, all), acknowledged(here), has(there, all)) };
        timeout(SOON, both).await.expect("edits come through");
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_hangs_holds_up_no_other_database() {
    let server = TestServer::new(&["hangs", "works"]);
    write(&server.database("hangs"), "there", 10).await;
    let client = start(&server);
    let store = GatedStore::new(0, usize::MAX >> 3);
    let hangs = store.database();
    open(&client, &hangs, "hangs").await;
    let works = Database::new(Memory::new([1; 16]));
    open(&client, &works, "works").await;
    store.begun().wait_for(|begun| *begun > 0).await.unwrap();

    stays_live(&works, &server.database("works")).await;
    assert_eq!(server.connections(), 1);

    store.permit_commits(1000);
    timeout(LIMIT, has(&hangs, 1)).await.expect("it goes on once the store does");
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_holds_up_no_other_database() {
    let server = TestServer::new(&["hangs", "works"]);
    write(&server.database("hangs"), "there", 10).await;
    let client = start(&server);
    let store = GatedStore::new(usize::MAX >> 3, 0);
    let hangs = store.database();
    open(&client, &hangs, "hangs").await;
    let works = Database::new(Memory::new([1; 16]));
    open(&client, &works, "works").await;

    stays_live(&works, &server.database("works")).await;
    assert_eq!(server.connections(), 1);

    store.permit_reads(1000);
    timeout(LIMIT, has(&hangs, 1)).await.expect("it goes on once the store does");
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn slow_stores_work_at_the_same_time_and_each_in_order() {
    let server = TestServer::new(&["one", "other"]);
    let barrier = Arc::new(Barrier::new(2));
    let client = start(&server);
    let mut databases = Vec::new();
    for name in ["one", "other"] {
        for n in 0..20 {
            write(&server.database(name), &n.to_string(), 100_000).await;
        }
        let database = GatedStore::together(barrier.clone()).database();
        open(&client, &database, name).await;
        databases.push(database);
    }
    let both = async { tokio::join!(has(&databases[0], 20), has(&databases[1], 20)) };
    timeout(LIMIT, both).await.expect("neither waits for the other to be done");
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_an_earlier_connection_acknowledges_nothing_on_the_next_one() {
    let server = TestServer::new(&["list"]);
    write(&server.database("list"), "there", 10).await;
    let client = start(&server);
    let store = GatedStore::new(0, usize::MAX >> 3);
    let database = store.database();
    let replica = open(&client, &database, "list").await;
    let mut begun = store.begun();
    begun.wait_for(|begun| *begun == 1).await.unwrap();

    server.hang_up();
    let mut status = client.status();
    let is_lost = |status: &Status| status.connection != ConnectionStatus::Online;
    status.wait_for(is_lost).await.unwrap();
    client.opened(replica).await.unwrap();
    // Both connections have begun with the same number of a batch.
    store.permit_commits(1);
    begun.wait_for(|begun| *begun == 2).await.unwrap();
    sleep(SOON).await;
    assert_eq!(*server.acknowledged().borrow(), 0, "the second commit isn't done");

    store.permit_commits(1);
    let acknowledged = async { server.acknowledged().wait_for(|count| *count == 1).await.is_ok() };
    assert!(timeout(SOON, acknowledged).await.expect("it is done"));
    timeout(SOON, client.up_to_date(replica)).await.expect("all is here").unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_no_commit_and_drops_those_behind_it() {
    let server = TestServer::new(&["list"]);
    for n in 0..20 {
        write(&server.database("list"), &n.to_string(), 10_000).await;
    }
    let client = start(&server);
    let store = GatedStore::new(0, usize::MAX >> 3);
    let database = store.database();
    let replica = open(&client, &database, "list").await;
    let mut begun = store.begun();
    begun.wait_for(|begun| *begun == 1).await.unwrap();
    // The server has sent all that it may by then.
    sleep(SOON).await;
    timeout(SOON, client.close(replica)).await.expect("it waits for no store").unwrap();
    assert!(client.status().borrow().replicas.is_empty());
    store.permit_commits(1000);
    sleep(LIMIT).await;
    assert_eq!(*begun.borrow(), 1);
    assert_eq!(*server.acknowledged().borrow(), 0);
    assert!(matches!(client.up_to_date(replica).await, Err(ClientError::Closed)));

    // What was done for nobody is no obstacle to what comes after it.
    let again = open(&client, &database, "list").await;
    timeout(LIMIT, client.up_to_date(again)).await.expect("all comes").unwrap();
    assert_eq!(database.counts().await.unwrap().documents, 20);
}

#[tokio::test(start_paused = true)]
async fn commits_behind_one_that_fails_do_not_begin() {
    let server = TestServer::new(&["list"]);
    for n in 0..20 {
        write(&server.database("list"), &n.to_string(), 10_000).await;
    }
    let client = start(&server);
    let store = GatedStore::new(0, usize::MAX >> 3);
    let database = store.database();
    let replica = open(&client, &database, "list").await;
    let mut begun = store.begun();
    begun.wait_for(|begun| *begun == 1).await.unwrap();
    // The server has sent all that it may by then.
    sleep(SOON).await;
    store.fail_with(Some(BackendError::Full));
    store.permit_commits(1000);
    let mut status = client.status();
    status.wait_for(|status| status.replicas[&replica].is_unsaved).await.unwrap();
    assert_eq!(*begun.borrow(), 1);

    store.fail_with(None);
    timeout(LIMIT, client.up_to_date(replica)).await.expect("it is tried again").unwrap();
    assert_eq!(database.counts().await.unwrap().documents, 20);
}
