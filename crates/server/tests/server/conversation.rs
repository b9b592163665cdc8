//! What well-behaved clients say, and are told.

use std::collections::HashSet;

use serde_json::json;
use settee_keys::Token;
use settee_sync::{
    Checkpoint, DenialCode, Role,
    message::{Close, Compare, GoodbyeCode, Message, Opened, Want},
};

use crate::support::{Client, TestServer, document, note};

fn checkpoint(opened: &Opened, seq: u64) -> Checkpoint {
    Checkpoint::new(*opened.incarnation, *opened.run, seq)
}

#[tokio::test]
async fn a_change_reaches_everybody_but_its_author() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let (mut owner, opened) = Client::opened(server.address, &token, &token, None).await;
    assert_eq!((opened.role, opened.seq, opened.resumed), (Role::Owner, 0, false));
    let (mut editor, opened) = Client::opened(server.address, &token, &token.editor(0), None).await;
    assert_eq!(opened.role, Role::Editor);
    let viewer = token.editor(0).helper().viewer();
    let (mut viewer, opened) = Client::opened(server.address, &token, &viewer, None).await;
    assert_eq!(opened.role, Role::Viewer);

    owner.push(1, 0, vec![note("tea")]).await;
    let acknowledge = owner.acknowledged().await;
    assert_eq!((acknowledge.batch, acknowledge.refused.len()), (0, 0));
    assert_eq!(acknowledge.seq, Some(1));
    assert_eq!(editor.changes().await, [note("tea")]);
    assert_eq!(viewer.changes().await, [note("tea")]);

    editor.push(1, 0, vec![note("milk")]).await;
    assert_eq!(editor.acknowledged().await.seq, Some(2));
    assert_eq!(owner.changes().await, [note("milk")]);
    assert_eq!(viewer.changes().await, [note("milk")]);
    editor.hears_nothing().await;
}

#[tokio::test]
async fn channels_keep_apart() {
    let server = TestServer::start().await;
    let (one, other) = (Token::generate(), Token::generate());
    let (mut client, _) = Client::opened(server.address, &one, &one, None).await;
    client.ask(2, other.database_id().as_str(), other.as_bytes(), None).await;
    assert!(matches!(client.receive().await, Message::Opened(opened) if opened.channel == 2));
    client.push(2, 0, vec![note("tea")]).await;
    assert_eq!(client.acknowledged().await.channel, 2);
    let (mut first, _) = Client::opened(server.address, &one, &one, None).await;
    let (mut second, _) = Client::opened(server.address, &other, &other, None).await;
    assert_eq!(second.changes().await, [note("tea")]);
    first.hears_nothing().await;

    // What is closed gets nothing more.
    second.send(Close { channel: 1 }).await;
    client.push(2, 1, vec![note("milk")]).await;
    client.acknowledged().await;
    second.hears_nothing().await;
}

#[tokio::test]
async fn a_refused_document_holds_up_no_other() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let (mut owner, _) = Client::opened(server.address, &token, &token, None).await;
    let (mut editor, _) = Client::opened(server.address, &token, &token.editor(0), None).await;
    let mut forged = note("forged");
    forged.revisions[0].body = Some(br#"{"completed":true,"title":"forged"}"#.to_vec().into());
    let shapeless = document("note/", "shapeless", &json!({"title": 1}));
    let foreign = document("order/", "1", &json!({"title": "x", "completed": false}));
    let documents = vec![note("first"), forged, shapeless, note("between"), foreign, note("last")];
    owner.push(1, 0, documents).await;

    let acknowledge = owner.acknowledged().await;
    let mut refused: Vec<(&str, &str)> = acknowledge
        .refused
        .iter()
        .map(|refusal| (refusal.id.as_str(), refusal.reason.as_str()))
        .collect();
    refused.sort_unstable();
    assert_eq!(
        refused,
        [
            ("note/forged", "the revision's name doesn't follow from what it says"),
            ("note/shapeless", "the field “title” is missing, or not what it should be"),
            ("order/1", "only notes are kept here"),
        ]
    );
    assert_eq!(editor.changes().await, [note("first"), note("between"), note("last")]);
}

#[tokio::test]
async fn a_denial_concerns_its_channel_alone() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let list = token.database_id();
    let (mut client, _) = Client::opened(server.address, &token, &token, None).await;
    let stranger = Token::generate();
    let unknown = stranger.database_id();
    let cases: [(&str, &[u8], DenialCode); 4] = [
        (list.as_str(), stranger.as_bytes(), DenialCode::Denied),
        (list.as_str(), b"short", DenialCode::Denied),
        ("no list", token.as_bytes(), DenialCode::Denied),
        (unknown.as_str(), token.as_bytes(), DenialCode::Unknown),
    ];
    for ((name, credentials, code), channel) in cases.into_iter().zip(2..) {
        client.ask(channel, name, credentials, None).await;
        match client.receive().await {
            Message::Closed(closed) => assert_eq!((closed.channel, closed.code), (channel, code)),
            other => panic!("not denied: {other:?}"),
        }
    }
    client.push(1, 0, vec![note("tea")]).await;
    assert_eq!(client.acknowledged().await.refused, []);
}

#[tokio::test]
async fn a_viewer_who_writes_loses_the_channel() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let (mut owner, _) = Client::opened(server.address, &token, &token, None).await;
    let viewer = token.editor(0).helper().viewer();
    let (mut client, _) = Client::opened(server.address, &token, &viewer, None).await;
    client.push(1, 0, vec![note("mine")]).await;
    match client.receive().await {
        Message::Closed(closed) => assert_eq!(closed.code, DenialCode::Downgraded),
        other => panic!("not closed: {other:?}"),
    }
    owner.hears_nothing().await;
    client.ask(2, token.database_id().as_str(), viewer.as_bytes(), None).await;
    assert!(matches!(client.receive().await, Message::Opened(_)));
}

#[tokio::test]
async fn a_restarted_server_goes_on_from_the_checkpoint() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let (mut owner, opened) = Client::opened(server.address, &token, &token, None).await;
    owner.push(1, 0, vec![note("tea"), note("milk"), note("bread")]).await;
    assert_eq!(owner.acknowledged().await.seq, Some(3));

    let server = TestServer::on(server.stop().await, |_| {}).await;
    let known = Some(checkpoint(&opened, 2));
    let (mut client, reopened) = Client::opened(server.address, &token, &token, known).await;
    assert!(reopened.resumed);
    assert_eq!((reopened.incarnation, reopened.seq), (opened.incarnation, 3));
    assert_ne!(reopened.run, opened.run);
    assert_eq!(client.changes().await, [note("bread")]);
    client.hears_nothing().await;

    // The file never was that far: it must be a copy from before.
    let ahead = checkpoint(&opened, 4);
    let witnessed = Checkpoint { witnessed: 4, ..checkpoint(&opened, 1) };
    for known in [ahead, witnessed] {
        let (mut client, reopened) =
            Client::opened(server.address, &token, &token, Some(known)).await;
        assert!(!reopened.resumed);
        client.hears_nothing().await;
        client.send(Compare { channel: 1, buckets: vec![0; 8] }).await;
        let differences = match client.receive().await {
            Message::Differences(differences) => differences,
            other => panic!("not compared: {other:?}"),
        };
        assert_eq!((differences.seq, differences.buckets), (3, vec![0]));
        let mut ids: Vec<_> = differences.documents.unwrap().into_iter().map(|d| d.id).collect();
        ids.truncate(2);
        client.send(Want { channel: 1, ids }).await;
        assert_eq!(client.changes().await.len(), 2);
        match client.receive().await {
            Message::Changes(last) => assert_eq!((last.seq, last.documents.len()), (Some(3), 0)),
            other => panic!("it doesn't end: {other:?}"),
        }
        client.hears_nothing().await;
    }
}

#[tokio::test]
async fn what_is_no_comparison_ends_the_connection() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let (mut owner, opened) = Client::opened(server.address, &token, &token, None).await;
    owner.push(1, 0, vec![note("tea")]).await;
    owner.acknowledged().await;
    let ahead = || Some(checkpoint(&opened, 9));
    for length in [0, 1, 12, 24, 8 * 8192] {
        let (mut client, _) = Client::opened(server.address, &token, &token, ahead()).await;
        client.send(Compare { channel: 1, buckets: vec![0; length] }).await;
        assert_eq!(client.ended().await, Some(GoodbyeCode::Malformed.close_code()), "{length}");
    }
    let (mut client, _) = Client::opened(server.address, &token, &token, ahead()).await;
    client.send(Want { channel: 1, ids: Vec::new() }).await;
    assert_eq!(client.ended().await, Some(GoodbyeCode::OutOfPlace.close_code()));
    // Nothing can be asked for that wasn't named, nor twice, and nothing is sent before.
    let tea = note("tea").id;
    for ids in [vec![note("milk").id], vec![tea.clone(), tea]] {
        let (mut client, _) = Client::opened(server.address, &token, &token, ahead()).await;
        client.send(Compare { channel: 1, buckets: vec![0; 8] }).await;
        assert!(matches!(client.receive().await, Message::Differences(_)));
        client.send(Want { channel: 1, ids }).await;
        assert_eq!(client.ended().await, Some(GoodbyeCode::OutOfPlace.close_code()));
    }
    let (mut client, _) = Client::opened(server.address, &token, &token, ahead()).await;
    client.push(1, 0, vec![note("early")]).await;
    assert_eq!(client.ended().await, Some(GoodbyeCode::OutOfPlace.close_code()));
    // There is nothing to compare where nothing was lost.
    owner.send(Compare { channel: 1, buckets: vec![0; 8] }).await;
    assert_eq!(owner.ended().await, Some(GoodbyeCode::OutOfPlace.close_code()));
}

#[tokio::test]
async fn a_long_database_arrives_whole_and_once() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let (mut owner, _) = Client::opened(server.address, &token, &token, None).await;
    let (mut follower, _) = Client::opened(server.address, &token, &token.editor(0), None).await;
    let titles: Vec<String> = (0..6000).map(|n| format!("note {n} {}", "x".repeat(300))).collect();
    let mut expected: HashSet<_> = HashSet::new();
    for (batch, titles) in (0..).zip(titles.chunks(500)) {
        owner.push(1, batch, titles.iter().map(|title| note(title)).collect()).await;
        assert_eq!(owner.acknowledged().await.batch, batch);
        expected.extend(titles.iter().map(|title| note(title).id));
    }
    let (mut newcomer, _) = Client::opened(server.address, &token, &token.editor(0), None).await;
    for client in [&mut follower, &mut newcomer] {
        let mut arrived = HashSet::new();
        while arrived.len() < expected.len() {
            for document in client.changes().await {
                assert!(arrived.insert(document.id), "twice");
            }
        }
        assert_eq!(arrived, expected);
    }
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let (mut client, _) = Client::opened(server.address, &token, &token, None).await;
    let (folder, code) = tokio::join!(server.stop(), client.ended());
    assert_eq!(code, Some(GoodbyeCode::Stopping.close_code()));
    drop(folder);
}
