//! Who is here: told to those who are here themselves, and to nobody else.

use std::time::Duration;

use serde_json::Value;
use settee_keys::{Invitation, Token, access::invitation_id};
use settee_store::{Database, Memory};
use settee_sync::message::{Close, Here, Message, Others, WireDocument};

use crate::support::{Client, TestServer};

pub async fn say(client: &mut Client, state: Option<&str>) {
    let state = state.map(|state| state.as_bytes().to_vec().into());
    client.send(Here { channel: 1, state }).await;
}

/// What a client is told next of others.
pub async fn others(client: &mut Client) -> Vec<String> {
    loop {
        match client.receive().await {
            Message::Others(Others { states, .. }) => {
                let text = |state: &minicbor::bytes::ByteVec| String::from_utf8(state.to_vec());
                return states.iter().map(|state| text(state).unwrap()).collect();
            }
            Message::Changes(changes) => client.land(&changes).await,
            other => panic!("nothing about others: {other:?}"),
        }
    }
}

#[tokio::test]
async fn who_is_here_learns_who_comes_changes_and_goes() {
    let server = TestServer::start().await;
    let owner = Token::generate();
    let open = async |token: Token| Client::opened(server.address, &owner, &token, None).await.0;
    let mut anna = open(owner.clone()).await;
    let mut bert = open(owner.editor(0)).await;
    let mut vera = open(owner.editor(0).helper().viewer()).await;
    // Another list has others.
    let stranger = Token::generate();
    let (mut elsewhere, _) = Client::opened(server.address, &stranger, &stranger, None).await;
    say(&mut elsewhere, Some("elsewhere")).await;
    assert_eq!(others(&mut elsewhere).await, [""; 0]);

    say(&mut anna, Some("anna looks")).await;
    assert_eq!(others(&mut anna).await, [""; 0]);
    say(&mut vera, Some("vera looks")).await;
    assert_eq!(others(&mut vera).await, ["anna looks"]);
    assert_eq!(others(&mut anna).await, ["vera looks"]);
    say(&mut anna, Some("anna writes")).await;
    assert_eq!(others(&mut vera).await, ["anna writes"]);
    bert.hears_nothing().await;

    // Vera goes; then Anna's channel is closed, and Bert comes.
    say(&mut vera, None).await;
    assert_eq!(others(&mut anna).await, [""; 0]);
    anna.send(Close { channel: 1 }).await;
    say(&mut bert, Some("bert looks")).await;
    assert_eq!(others(&mut bert).await, [""; 0]);
    vera.hears_nothing().await;
    elsewhere.hears_nothing().await;
}

#[tokio::test]
async fn whose_link_is_lost_is_gone_as_soon_as_the_server_knows() {
    let server = TestServer::with(|settings| {
        settings.limits.heartbeat = Duration::from_millis(100);
        settings.limits.silence = Duration::from_millis(400);
    })
    .await;
    let owner = Token::generate();
    let (mut anna, _) = Client::opened(server.address, &owner, &owner, None).await;
    let (mut bert, _) = Client::opened(server.address, &owner, &owner, None).await;
    say(&mut anna, Some("anna")).await;
    assert_eq!(others(&mut anna).await, [""; 0]);
    say(&mut bert, Some("bert")).await;
    assert_eq!(others(&mut anna).await, ["bert"]);
    // His socket stays open, and nobody answers on it.
    assert_eq!(others(&mut anna).await, [""; 0]);
    drop(bert);
}

#[tokio::test]
async fn whose_access_is_removed_is_not_here_and_hears_of_nobody() {
    let server = TestServer::start().await;
    let owner = Token::generate();
    let (mut anna, _) = Client::opened(server.address, &owner, &owner, None).await;
    let mut invitation = Invitation::new(settee_sync::Role::Editor, "Bert");
    let token = owner.invitation(&invitation.seed);
    let id = invitation_id(&token);
    let database = Database::new(Memory::new([1; 16]));
    for (batch, is_revoked) in [false, true].into_iter().enumerate() {
        let mut bert = None;
        if is_revoked {
            let (mut client, _) = Client::opened(server.address, &owner, &token, None).await;
            say(&mut client, Some("bert")).await;
            assert_eq!(others(&mut client).await, [""; 0]);
            bert = Some(client);
        }
        invitation.revoked = is_revoked;
        database.put(id.as_str(), &Value::Object(invitation.fields())).await.unwrap();
        let record = database.records(vec![id.clone()]).await.unwrap().remove(0).unwrap();
        let written = WireDocument::from(&record.outgoing_pending().unwrap());
        anna.push(1, u32::try_from(batch).unwrap(), vec![written]).await;
        assert_eq!(anna.acknowledged().await.refused, []);
        if let Some(mut bert) = bert {
            // Sent after the server has ruled: it never comes.
            say(&mut anna, Some("anna")).await;
            // He is there until his channel is closed, within the second.
            if !others(&mut anna).await.is_empty() {
                assert_eq!(others(&mut anna).await, [""; 0]);
            }
            let told = loop {
                match bert.receive().await {
                    Message::Changes(changes) => bert.land(&changes).await,
                    other => break other,
                }
            };
            assert!(matches!(told, Message::Closed(_)), "{told:?}");
            bert.hears_nothing().await;
        }
    }
}

#[tokio::test]
async fn nobody_says_more_of_themselves_than_they_may() {
    let server = TestServer::start().await;
    let owner = Token::generate();
    let (mut client, _) = Client::opened(server.address, &owner, &owner, None).await;
    say(&mut client, Some(&"x".repeat(257))).await;
    assert_eq!(client.ended().await, Some(4002));
    let mut client = Client::greeted(server.address).await;
    say(&mut client, Some("here")).await;
    client.hears_nothing().await;
}
