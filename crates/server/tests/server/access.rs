//! What owners write of access, and who gets in then. Each combination of role and document is tried.

use std::time::Duration;

use serde_json::{Value, json};
use settee_axum::{DenialCode, Role};
use settee_keys::{
    Invitation, Token, Verifiers,
    access::{invitation_id, links_id},
};
use settee_store::{Database, DocumentId, Memory};
use settee_sync::message::{Acknowledge, Message, Opened, WireDocument};
use tokio::time::timeout;

use crate::support::{Client, TestServer, document, note};

/// An owner's device: it knows what it has written.
pub struct Device {
    pub owner: Token,
    pub client: Client,
    database: Database,
    batch: u32,
}

impl Device {
    pub async fn new(server: &TestServer) -> Self {
        let owner = Token::generate();
        let (client, _) = Client::opened(server.address, &owner, &owner, None).await;
        Self { owner, client, database: Database::new(Memory::new([1; 16])), batch: 0 }
    }

    /// Writes a document, and sends all that is known of it.
    pub async fn write(&mut self, id: &DocumentId, value: &Value) -> Acknowledge {
        let written = self.written(id, value).await;
        self.push(vec![written]).await
    }

    /// All that is known of a document once it is edited, or deleted if there is no value.
    pub async fn written(&mut self, id: &DocumentId, value: &Value) -> WireDocument {
        if value.is_null() {
            self.database.remove(id).await.unwrap();
        } else {
            self.database.put(id.as_str(), value).await.unwrap();
        }
        let record = self.database.records(vec![id.clone()]).await.unwrap().remove(0).unwrap();
        WireDocument::from(&record.outgoing_pending().unwrap())
    }

    async fn push(&mut self, documents: Vec<WireDocument>) -> Acknowledge {
        let batch = self.batch;
        self.batch += 1;
        self.client.push(1, batch, documents).await;
        self.client.acknowledged().await
    }

    pub async fn invite(&mut self, invitation: &Invitation) -> Token {
        let token = self.owner.invitation(&invitation.seed);
        let acknowledged =
            self.write(&invitation_id(&token), &Value::Object(invitation.fields())).await;
        assert_eq!(acknowledged.refused, []);
        token
    }
}

/// What somebody is told who opens the owner's database with a token.
async fn asked(server: &TestServer, owner: &Token, token: &Token) -> Result<Role, DenialCode> {
    let mut client = Client::greeted(server.address).await;
    client.ask(1, owner.database_id().as_str(), token.as_bytes(), None).await;
    told(&mut client).await
}

/// What somebody is told next of their channel.
pub async fn told(client: &mut Client) -> Result<Role, DenialCode> {
    loop {
        match client.receive().await {
            Message::Opened(Opened { role, .. }) => return Ok(role),
            Message::Closed(closed) => return Err(closed.code),
            Message::Changes(changes) => client.land(&changes).await,
            other => panic!("neither opened nor closed: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_invitation_gives_its_role_until_it_is_taken_back() {
    let server = TestServer::start().await;
    let mut anna = Device::new(&server).await;
    for role in [Role::Viewer, Role::Helper, Role::Editor] {
        let mut invitation = Invitation::new(role, "Bert");
        let token = anna.owner.invitation(&invitation.seed);
        assert_eq!(asked(&server, &anna.owner, &token).await, Err(DenialCode::Denied));
        anna.invite(&invitation).await;
        assert_eq!(asked(&server, &anna.owner, &token).await, Ok(role));
        // A token of an invitation makes none of links.
        assert_eq!(asked(&server, &anna.owner, &token.viewer()).await, Err(DenialCode::Denied));
        invitation.revoked = true;
        anna.invite(&invitation).await;
        assert_eq!(asked(&server, &anna.owner, &token).await, Err(DenialCode::Revoked));
    }
}

#[tokio::test]
async fn who_is_revoked_by_a_document_gets_nothing_that_is_written_after_it() {
    let server = TestServer::start().await;
    let mut anna = Device::new(&server).await;
    let mut invitation = Invitation::new(Role::Editor, "Bert");
    let token = anna.invite(&invitation).await;
    let (mut bert, opened) = Client::opened(server.address, &anna.owner, &token, None).await;
    assert_eq!(opened.role, Role::Editor);
    assert_eq!(bert.changes().await.len(), 1);
    bert.push(1, 0, vec![note("his")]).await;
    assert_eq!(bert.acknowledged().await.refused, []);
    assert_eq!(anna.client.changes().await, [note("his")]);

    invitation.revoked = true;
    let revoked = anna.written(&invitation_id(&token), &Value::Object(invitation.fields())).await;
    // All at once, so that they are on their way together.
    anna.client.push(1, 1, vec![revoked]).await;
    for number in 0..20 {
        anna.client.push(1, number + 2, vec![note(&format!("secret {number}"))]).await;
    }
    let told = timeout(Duration::from_secs(1), bert.receive()).await.expect("he is told at once");
    let Message::Closed(closed) = told else { panic!("not closed: {told:?}") };
    assert!(matches!(closed.code, DenialCode::Revoked), "{closed:?}");
    bert.push(1, 1, vec![note("too late")]).await;
    bert.hears_nothing().await;
    for _ in 0..21 {
        anna.client.acknowledged().await;
    }
    anna.client.hears_nothing().await;
}

#[tokio::test]
async fn renewed_links_open_and_those_before_do_not() {
    let server = TestServer::start().await;
    let mut anna = Device::new(&server).await;
    let invitation = Invitation::new(Role::Viewer, "Vera");
    let invited = anna.invite(&invitation).await;
    let owner = anna.owner.clone();
    let (mut bert, _) = Client::opened(server.address, &owner, &owner.editor(0), None).await;
    bert.changes().await;
    for epoch in [1, 3, 7] {
        let written = anna
            .write(&links_id(), &Value::Object(Verifiers::of_epoch(&owner, epoch).fields()))
            .await;
        assert_eq!(written.refused, []);
    }
    let Message::Closed(closed) = bert.receive().await else { panic!("not closed") };
    assert_eq!(closed.code, DenialCode::Revoked);
    assert_eq!(asked(&server, &owner, &owner.editor(7)).await, Ok(Role::Editor));
    assert_eq!(asked(&server, &owner, &owner.editor(7).helper().viewer()).await, Ok(Role::Viewer));
    assert_eq!(asked(&server, &owner, &invited).await, Ok(Role::Viewer));
    assert_eq!(asked(&server, &owner, &owner.editor(0)).await, Err(DenialCode::Revoked));
    for epoch in [1, 3, 6] {
        let former = owner.editor(epoch).helper().viewer();
        assert_eq!(asked(&server, &owner, &former).await, Err(DenialCode::Revoked), "{epoch}");
    }
    assert_eq!(asked(&server, &owner, &owner.editor(8)).await, Err(DenialCode::Denied));
}

#[tokio::test]
async fn only_an_owner_writes_of_access_and_nothing_else_than_that() {
    let server = TestServer::start().await;
    let mut anna = Device::new(&server).await;
    let owner = anna.owner.clone();
    let (mut bert, _) = Client::opened(server.address, &owner, &owner.editor(0), None).await;
    let own = Invitation::new(Role::Editor, "Bert's friend");
    let token = owner.invitation(&own.seed);
    let name = token.verifier().to_string();
    let invitation = document("access/", &name, &Value::Object(own.fields()));
    let links =
        document("access/", "links", &Value::Object(Verifiers::of_epoch(&owner, 1).fields()));
    bert.push(1, 0, vec![invitation.clone(), note("his"), links]).await;
    let refused = bert.acknowledged().await.refused;
    let refused: Vec<&str> = refused.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(refused, [&format!("access/{name}"), "access/links"]);
    assert_eq!(asked(&server, &owner, &token).await, Err(DenialCode::Denied));

    let wrong = [
        ("links", json!({"epoch": 1})),
        ("links", Value::Object(own.fields())),
        ("something", Value::Object(own.fields())),
        (&*name, json!({"role": "owner", "label": "", "seed": "a"})),
        (&*name, json!({"role": "editor", "label": "x".repeat(257), "seed": "a"})),
        (&*name, json!({"role": "king", "label": "", "seed": "a"})),
    ];
    anna.client.changes().await;
    let wrong: Vec<_> = wrong.iter().map(|(name, body)| document("access/", name, body)).collect();
    for wrong in wrong {
        assert_eq!(anna.push(vec![wrong]).await.refused.len(), 1);
    }
    assert_eq!(anna.push(vec![invitation]).await.refused, []);
    assert_eq!(asked(&server, &owner, &token).await, Ok(Role::Editor));
}

#[tokio::test]
async fn a_full_database_still_lets_its_owner_take_access_back() {
    let server = TestServer::with(|settings| settings.quotas.documents = 3).await;
    let mut anna = Device::new(&server).await;
    let mut invitation = Invitation::new(Role::Editor, "Bert");
    let token = anna.invite(&invitation).await;
    let (mut bert, _) = Client::opened(server.address, &anna.owner, &token, None).await;
    bert.changes().await;
    bert.push(1, 0, vec![note("one"), note("two")]).await;
    assert_eq!(bert.acknowledged().await.refused, []);
    anna.client.changes().await;
    assert_eq!(anna.push(vec![note("three")]).await.refused.len(), 1);
    let another = Invitation::new(Role::Viewer, "Vera");
    let id = invitation_id(&anna.owner.invitation(&another.seed));
    assert_eq!(anna.write(&id, &Value::Object(another.fields())).await.refused.len(), 1);

    invitation.revoked = true;
    anna.invite(&invitation).await;
    assert_eq!(asked(&server, &anna.owner, &token).await, Err(DenialCode::Revoked));
    // Links that were never renewed, too.
    let links = Value::Object(Verifiers::of_epoch(&anna.owner, 1).fields());
    assert_eq!(anna.write(&links_id(), &links).await.refused, []);
    let former = asked(&server, &anna.owner, &anna.owner.editor(0)).await;
    assert_eq!(former, Err(DenialCode::Revoked));
}
