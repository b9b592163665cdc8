//! What a program can wait for.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use settee_client::{Client, ClientError};
use settee_store::{Database, Memory};
use settee_sync::{DenialCode, Limits};
use tokio::time::timeout;

use support::{LIMIT, SOON, open, server::TestServer, start, write};

#[tokio::test(start_paused = true)]
async fn up_to_date_waits_for_what_was_just_written_here() {
    let server = TestServer::new(&["list"]);
    let client = start(&server);
    let database = Database::new(Memory::new([1; 16]));
    let replica = open(&client, &database, "list").await;
    for n in 0..20 {
        write(&database, &n.to_string(), 10).await;
        timeout(SOON, client.up_to_date(replica)).await.expect("it gets there").unwrap();
        assert_eq!(server.database("list").counts().await.unwrap().documents, n + 1);
        assert_eq!(database.counts().await.unwrap().pending, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn opened_waits_for_the_channel_or_returns_the_denial() {
    let server = TestServer::new(&["list"]);
    let client = start(&server);
    let list = open(&client, &Database::new(Memory::new([1; 16])), "list").await;
    timeout(SOON, client.opened(list)).await.expect("it is decided").unwrap();
    let nowhere = open(&client, &Database::new(Memory::new([2; 16])), "nowhere").await;
    let denied = timeout(SOON, client.opened(nowhere)).await.expect("it is decided");
    let Err(ClientError::Denied(denial)) = denied else { panic!("{denied:?}") };
    assert_eq!(denial.code, DenialCode::Denied);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_client_that_has_stopped() {
    let server = TestServer::new(&["list"]);
    let (client, run) = Client::new(server.connector(), Limits::default(), "test", 1);
    let running = tokio::spawn(run);
    let replica = open(&client, &Database::new(Memory::new([1; 16])), "list").await;
    client.opened(replica).await.unwrap();
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert!(matches!(client.up_to_date(replica).await, Err(ClientError::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn two_sides_that_both_send_a_lot_do_not_wait_for_each_other() {
    let server = TestServer::new(&["list"]);
    let here = Database::new(Memory::new([1; 16]));
    for n in 0..40 {
        write(&here, &format!("here/{n}"), 100_000).await;
        write(&server.database("list"), &format!("there/{n}"), 100_000).await;
    }
    let client = start(&server);
    let replica = open(&client, &here, "list").await;
    timeout(LIMIT, client.up_to_date(replica)).await.expect("all comes through").unwrap();
    assert_eq!(here.counts().await.unwrap().documents, 80);
    assert_eq!(server.database("list").counts().await.unwrap().documents, 80);
    assert_eq!(server.connections(), 1);
}
