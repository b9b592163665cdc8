//! A clerk at work, as clients see it.

use serde_json::json;
use settee_axum::{Answer, AnyDocument, Clerk, Desk, KeysPolicy, Kit};
use settee_keys::Token;
use settee_store::{BackendError, Body, Document, DocumentId, Sqlite, backend::BoxFuture};
use settee_sync::{Checkpoint, message::WireDocument};
use tempfile::TempDir;

use crate::support::{Client, TestServer, document};

/// Says of each document that it was seen.
struct Stamping;

impl Clerk for Stamping {
    fn name(&self) -> &'static str {
        "stamping"
    }

    fn answer<'a>(
        &'a self,
        _: Desk<'a>,
        changed: Vec<Document>,
    ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
        let stamp = |document: Document| Answer {
            id: DocumentId::new(&format!("clerk/{}", document.id)).unwrap(),
            body: Some(Body::from_serialize(&document.body.fields()).unwrap()),
        };
        Box::pin(async move { Ok(changed.into_iter().map(stamp).collect()) })
    }
}

fn kit(storage: Sqlite, clerk: Option<Stamping>) -> Kit {
    let kit = Kit::builder(storage).policy(KeysPolicy::new("any")).kind("any", AnyDocument);
    match clerk {
        Some(clerk) => kit.clerk("any", clerk).build(),
        None => kit.build(),
    }
}

fn ask(name: &str) -> WireDocument {
    document("ask/", name, &json!({"title": name}))
}

#[tokio::test]
async fn a_clerk_stays_when_whoever_came_first_has_left() {
    let owner = Token::generate();
    let server = serving(tempfile::tempdir().unwrap(), Some(Stamping)).await;
    let (anna, _) = Client::opened(server.address, &owner, &owner, None).await;
    let (mut bert, _) = Client::opened(server.address, &owner, &owner.editor(0), None).await;
    drop(anna);
    for number in 0..3 {
        let name = number.to_string();
        bert.push(1, number, vec![ask(&name)]).await;
        assert_eq!(bert.acknowledged().await.refused, []);
        assert_eq!(bert.changes().await[0].id.as_str(), format!("clerk/ask/{name}"));
    }
}

async fn serving(folder: TempDir, clerk: Option<Stamping>) -> TestServer {
    let storage = Sqlite::open_folder(folder.path().join("data")).unwrap();
    TestServer::of(folder, kit(storage, clerk)).await
}

#[tokio::test]
async fn a_clerk_answers_what_is_written_and_nobody_else_writes_so() {
    let owner = Token::generate();
    let server = serving(tempfile::tempdir().unwrap(), None).await;
    let (mut anna, _) = Client::opened(server.address, &owner, &owner, None).await;
    anna.push(1, 0, vec![ask("early")]).await;
    assert_eq!(anna.acknowledged().await.refused, []);

    // What was asked for while there was no clerk is answered as soon as there is one.
    let server = serving(server.stop().await, Some(Stamping)).await;
    let (mut anna, _) =
        Client::opened(server.address, &owner, &owner, Some(Checkpoint::void())).await;
    let mut names = Vec::new();
    while names.len() < 2 {
        names.extend(anna.changes().await.into_iter().map(|it| it.id.to_string()));
    }
    names.sort();
    assert_eq!(names, ["ask/early", "clerk/ask/early"]);
    anna.push(1, 0, vec![ask("late")]).await;
    assert_eq!(anna.acknowledged().await.refused, []);
    let [stamp] = &anna.changes().await[..] else { panic!("not one document") };
    assert_eq!(stamp.id.as_str(), "clerk/ask/late");
    let forged = document("clerk/", "ask/forged", &json!({"title": "forged"}));
    anna.push(1, 1, vec![forged]).await;
    assert_eq!(anna.acknowledged().await.refused.len(), 1);

    // Nothing is answered again.
    let server = serving(server.stop().await, Some(Stamping)).await;
    let (mut anna, opened) =
        Client::opened(server.address, &owner, &owner, Some(Checkpoint::void())).await;
    assert_eq!(opened.seq, 4);
    assert_eq!(anna.documents(4).await.len(), 4);
    anna.push(1, 0, vec![ask("last")]).await;
    assert_eq!(anna.acknowledged().await.seq, Some(5));
    assert_eq!(anna.changes().await[0].id.as_str(), "clerk/ask/last");
    anna.hears_nothing().await;
}
