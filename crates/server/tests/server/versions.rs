//! Clients of this release and of the one before, on the same server.

use serde_json::json;
use settee_keys::Token;
use settee_sync::{
    Checkpoint,
    message::{Hello, Lacking, Message, WireDocument},
};

use crate::support::{Client, TestServer, document, note};

/// Has nothing yet.
const EMPTY: Option<Checkpoint> = None;

fn large(name: &str) -> WireDocument {
    let notes = "x".repeat(100_000);
    document("note/", name, &json!({"title": name, "completed": false, "notes": notes}))
}

async fn greeted(server: &TestServer, versions: &[u8]) -> (Client, Vec<u8>) {
    let mut client = Client::connected(server.address).await;
    client.send(Hello { versions: versions.to_vec(), agent: "test".into() }).await;
    let Message::Hello(hello) = client.receive().await else { panic!("no hello") };
    (client, hello.versions)
}

async fn open(client: &mut Client, owner: &Token, checkpoint: Option<Checkpoint>) {
    client.ask(1, owner.database_id().as_str(), owner.as_bytes(), checkpoint).await;
    assert!(matches!(client.receive().await, Message::Opened(_)));
}

#[tokio::test]
async fn a_client_of_the_release_before_is_spoken_to_in_its_own_version() {
    let server = TestServer::start().await;
    let owner = Token::generate();
    let (mut client, spoken) = greeted(&server, &[1]).await;
    assert_eq!(spoken, [1]);
    open(&mut client, &owner, EMPTY).await;
    client.push(1, 0, vec![large("notes"), note("tea")]).await;
    assert_eq!(client.acknowledged().await.refused, []);

    // Whoever reads it anew gets it without being asked: there are no offers in that version.
    let (mut other, _) = greeted(&server, &[1]).await;
    open(&mut other, &owner, Some(Checkpoint::void())).await;
    let received = other.documents(2).await;
    assert_eq!(received, [large("notes"), note("tea")]);
}

#[tokio::test]
async fn both_versions_meet_in_the_later_one() {
    let server = TestServer::start().await;
    for (offered, chosen) in [(&[1, 2][..], 2), (&[2], 2), (&[1, 2, 9], 2), (&[1, 9], 1)] {
        assert_eq!(greeted(&server, offered).await.1, [chosen]);
    }
}

#[tokio::test]
async fn a_large_document_is_offered_to_who_may_have_it_and_not_sent_to_who_has() {
    let server = TestServer::start().await;
    let owner = Token::generate();
    let (mut writer, _) = Client::opened(server.address, &owner, &owner, EMPTY).await;
    writer.push(1, 0, vec![note("tea"), large("notes"), note("coffee")]).await;
    writer.acknowledged().await;

    for is_known in [true, false] {
        let (mut reader, _) =
            Client::opened(server.address, &owner, &owner, Some(Checkpoint::void())).await;
        assert_eq!(reader.changes().await, [note("tea")]);
        let Message::Offer(offer) = reader.receive().await else { panic!("not offered") };
        assert_eq!(offer.documents.len(), 1);
        assert_eq!(offer.documents[0].id, large("notes").id);
        let ids = if is_known { Vec::new() } else { vec![large("notes").id] };
        reader.send(Lacking { channel: 1, offer: offer.offer, ids }).await;
        let expected =
            if is_known { vec![note("coffee")] } else { vec![large("notes"), note("coffee")] };
        assert_eq!(reader.documents(expected.len()).await, expected);
    }
}

#[tokio::test]
async fn who_begins_empty_is_offered_nothing() {
    let server = TestServer::start().await;
    let owner = Token::generate();
    let (mut writer, _) = Client::opened(server.address, &owner, &owner, EMPTY).await;
    writer.push(1, 0, vec![large("notes")]).await;
    writer.acknowledged().await;
    let (mut reader, _) = Client::opened(server.address, &owner, &owner, EMPTY).await;
    assert_eq!(reader.changes().await, [large("notes")]);
}
