//! Who may do what: all kinds of credentials, and all that is done with a database.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use settee_axum::{AnyDocument, DenialCode, Helping, KeysPolicy, Kit, Role};
use settee_keys::{
    Invitation, Token, Verifiers,
    access::{HelpersMay, LINKS_ID, helpers_id, invitation_id},
};
use settee_store::{Database, DocumentId, MemoryStorage, Revision};
use settee_sync::message::{Message, Ping, WireDocument};

use crate::{
    access::{Device, told},
    grants::{Overruled, Rulings},
    notices::{posts, reached, telling},
    presence::{others, say},
    support::{Client, SUBPROTOCOL, TestServer, answer},
};

/// For each of the credentials: what the server says of a channel, and which deeds it allows on it. “While
/// open” is for a channel that was open when the access ended. “Own” is a new document with the helper's tag, which
/// is withheld from helpers who may not add;
/// “told” is to learn who else is here, “seen” is that they learn it, “notice” is that a device asks to be
/// told of changes, and “export” is that the note which was there from the beginning is in the file that a device makes
/// of the list: a device writes down what it has, and what it has received stays there when access ends.
const MATRIX: &str = "
credentials                  opens       read own new edit tick delete list invite renew clerk told seen notice export
nothing                      Denied       .    .   .   .    .     .     .     .     .     .     .    .    .    .
wrong                        Denied       .    .   .   .    .     .     .     .     .     .     .    .    .    .
viewer                       Viewer       +    .   .   .    .     .     .     .     .     .     +    +    +    +
helper                       Helper       +    +   .   .    +     .     .     .     .     .     +    +    +    +
withheld-helper              Helper       +    .   .   .    +     .     .     .     .     .     +    +    +    +
withheld-helper-while-open   Downgraded   .    .   .   .    .     .     .     .     .     .     .    .    +    +
editor                       Editor       +    +   +   +    +     +     +     .     .     .     +    +    +    +
owner                        Owner        +    +   +   +    +     +     +     +     +     .     +    +    +    +
invited                      Editor       +    +   +   +    +     +     +     .     .     .     +    +    +    +
demoted                      Viewer       +    .   .   .    .     .     .     .     .     .     +    +    +    +
demoted-while-open           Downgraded   .    .   .   .    .     .     .     .     .     .     .    .    +    +
revoked                      Revoked      .    .   .   .    .     .     .     .     .     .     .    .    .    .
revoked-while-open           Revoked      .    .   .   .    .     .     .     .     .     .     .    .    .    +
renewed-viewer               Revoked      .    .   .   .    .     .     .     .     .     .     .    .    .    .
renewed-viewer-while-open    Revoked      .    .   .   .    .     .     .     .     .     .     .    .    .    +
renewed-editor               Revoked      .    .   .   .    .     .     .     .     .     .     .    .    .    .
renewed-editor-while-open    Revoked      .    .   .   .    .     .     .     .     .     .     .    .    .    +
expired                      Denied       .    .   .   .    .     .     .     .     .     .     .    .    .    .
expired-while-open           Revoked      .    .   .   .    .     .     .     .     .     .     .    .    .    +
";

/// The note that is there from the beginning.
const TEA: &str = "note/tea";

#[tokio::test]
async fn everybody_may_do_what_the_matrix_says_and_nothing_else() {
    let mut lines = MATRIX.trim().lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let deeds = lines.next().unwrap().split_off(2);
    let (names, expected): (Vec<_>, Vec<_>) = lines.map(|line| (line[0], line.join(" "))).unzip();
    let rows = names.into_iter().map(async |name| {
        let said = match List::new().await.guest(name).await.opened {
            Ok(role) => format!("{role:?}"),
            Err(code) => format!("{code:?}"),
        };
        let mut row = vec![name, &said];
        for deed in &deeds {
            // Each has a server of its own, so no deed changes what comes of another.
            let mut list = List::new().await;
            let mut guest = list.guest(name).await;
            row.push(if list.allows(&mut guest, deed).await { "+" } else { "." });
        }
        row.join(" ")
    });
    for (row, expected) in join_all(rows).await.into_iter().zip(expected) {
        assert_eq!(row, expected);
    }
}

/// A list with a note, whose owner has invited somebody.
struct List {
    server: TestServer,
    rulings: Arc<Rulings>,
    /// What the server has of it.
    stored: Database,
    anna: Device,
    invitation: Invitation,
}

/// Somebody with credentials, and what they were told of their channel last.
struct Guest {
    client: Client,
    tag: String,
    credentials: Vec<u8>,
    /// The ids of what they have received while their access lasted.
    received: Vec<String>,
    opened: Result<Role, DenialCode>,
}

impl List {
    async fn new() -> Self {
        let rulings = Rulings::new();
        let policy = Overruled { policy: KeysPolicy::new("list"), rulings: rulings.clone() };
        let kit = Kit::builder(MemoryStorage::new([1; 16]))
            .policy(policy)
            .kind("list", AnyDocument)
            .helping(
                "list",
                Helping { prefix: "note/", fields: &["completed"], settles: &[], by_leave: true },
            );
        let kit = telling(kit, "list", posts().0).build();
        let databases = kit.databases();
        let server = TestServer::of(tempfile::tempdir().unwrap(), kit).await;
        let mut anna = Device::new(&server).await;
        let stored = databases.database(anna.owner.database_id().as_str()).await.unwrap().unwrap();
        anna.write(&id(TEA), &json!({"title": "tea", "completed": false})).await;
        anna.write(&id("list"), &json!({"title": "Groceries"})).await;
        let invitation = Invitation::new(Role::Editor, "Bert");
        anna.invite(&invitation).await;
        Self { server, rulings, stored, anna, invitation }
    }

    /// Somebody with these credentials, once they are what their name says.
    async fn guest(&mut self, name: &str) -> Guest {
        let (owner, invitation) = (&self.anna.owner, self.invitation.clone());
        let (name, is_open) =
            name.strip_suffix("-while-open").map_or((name, false), |name| (name, true));
        let token = match name {
            "nothing" | "wrong" => Token::generate(),
            "viewer" | "renewed-viewer" => owner.editor(0).helper().viewer(),
            "helper" | "withheld-helper" => owner.editor(0).helper(),
            "editor" | "renewed-editor" | "expired" => owner.editor(0),
            "owner" => owner.clone(),
            "invited" | "demoted" | "revoked" => owner.invitation(&invitation.seed),
            _ => panic!("there are no such credentials: {name}"),
        };
        let said = match name {
            "demoted" => Some(invited(owner, &Invitation { role: Role::Viewer, ..invitation })),
            "revoked" => Some(invited(owner, &Invitation { revoked: true, ..invitation })),
            "renewed-viewer" | "renewed-editor" => Some(renewed(owner)),
            "withheld-helper" => Some(helpers_add(false)),
            _ => None,
        };
        let credentials: &[u8] = if name == "nothing" { &[] } else { token.as_bytes() };
        let (database, mut client) =
            (owner.database_id(), Client::greeted(self.server.address).await);
        let mut received = Vec::new();
        if is_open {
            client.ask(1, database.as_str(), credentials, None).await;
            told(&mut client).await.unwrap();
            while !received.iter().any(|id| id == TEA) {
                received.extend(client.changes().await.iter().map(|it| it.id.to_string()));
            }
        }
        if let Some((id, value)) = said {
            assert_eq!(self.anna.write(&id, &value).await.refused, []);
        } else if name == "expired" {
            self.rulings.rule(&token, None);
        }
        if !is_open {
            client.ask(1, database.as_str(), credentials, None).await;
        }
        let opened = told(&mut client).await;
        let (tag, credentials) = (token.verifier().tag(), credentials.to_owned());
        Guest { client, tag, credentials, received, opened }
    }

    /// Whether the guest's deed is done.
    async fn allows(&mut self, guest: &mut Guest, deed: &str) -> bool {
        let note = |title, completed| json!({"title": title, "completed": completed});
        let owner = &self.anna.owner;
        let (id, value) = match deed {
            "read" => return self.is_read_by(guest).await,
            "export" => return guest.has_note().await,
            "told" => return self.meets(guest).await.0,
            "notice" => return self.may_be_told(guest).await,
            "seen" => return self.meets(guest).await.1,
            "own" => (id(&format!("note/{}.1", guest.tag)), note("milk", false)),
            "new" => (id("note/milk"), note("milk", false)),
            "edit" => (id(TEA), note("coffee", false)),
            "tick" => (id(TEA), note("tea", true)),
            "delete" => (id(TEA), Value::Null),
            "list" => (id("list"), json!({"title": "Mine"})),
            "invite" => invited(owner, &Invitation::new(Role::Editor, "a friend")),
            "renew" => renewed(owner),
            "clerk" => (id("clerk/note/tea"), note("tea", false)),
            _ => panic!("there is no such deed: {deed}"),
        };
        let (written, before) = (self.anna.written(&id, &value).await, self.stored.seq());
        guest.client.push(1, 0, vec![written.clone()]).await;
        let is_taken =
            guest.hears(|it| matches!(it, Message::Acknowledge(it) if it.refused.is_empty())).await;
        assert_eq!(self.stored.seq() != before, is_taken, "{deed}, and {:?}", guest.opened);
        if is_taken {
            let [seen] = &self.anna.client.changes().await[..] else { panic!("not one document") };
            assert_eq!(latest(seen), latest(&written));
        }
        is_taken
    }

    /// Whether the guest is sent anything, while a note is written that reaches others.
    async fn is_read_by(&mut self, guest: &mut Guest) -> bool {
        let mut witness = self.owner().await;
        self.anna.write(&id("note/milk"), &json!({"title": "milk"})).await;
        while witness.changes().await.iter().all(|it| it.id.as_str() != "note/milk") {}
        guest.hears(|it| matches!(it, Message::Changes(it) if !it.documents.is_empty())).await
    }

    /// Whether a device with the guest's credentials may ask to be told of changes.
    async fn may_be_told(&self, guest: &Guest) -> bool {
        let (server, database) = (self.server.address, self.anna.owner.database_id());
        let status = reached(server, "POST", database.as_str(), &guest.credentials, "to guest");
        status.await == 204
    }

    /// Whether the guest is told of others who are here, and whether others are told of the guest.
    async fn meets(&mut self, guest: &mut Guest) -> (bool, bool) {
        let is_told = |it: &Message| matches!(it, Message::Others(it) if !it.states.is_empty());
        say(&mut self.anna.client, Some("anna")).await;
        others(&mut self.anna.client).await;
        say(&mut guest.client, Some("guest")).await;
        let of_anna = guest.hears(is_told).await;
        let mut witness = self.owner().await;
        say(&mut witness, Some("witness")).await;
        let is_seen = others(&mut witness).await.contains(&"guest".to_owned());
        (of_anna | guest.hears(is_told).await, is_seen)
    }

    /// Another device of the owner.
    async fn owner(&self) -> Client {
        let owner = &self.anna.owner;
        Client::opened(self.server.address, owner, owner, None).await.0
    }
}

impl Guest {
    /// Whether a device with what the guest has received has the note.
    async fn has_note(&mut self) -> bool {
        let is_note = |it: &Message| match it {
            Message::Changes(it) => it.documents.iter().any(|it| it.id.as_str() == TEA),
            _ => false,
        };
        self.received.iter().any(|id| id == TEA) || self.hears(is_note).await
    }

    /// Whether the server says this. Where no channel is open, it says it before it answers a ping, or never.
    async fn hears(&mut self, is_it: impl Fn(&Message) -> bool) -> bool {
        if self.opened.is_err() {
            self.client.send(Ping {}).await;
        }
        loop {
            match self.client.receive().await {
                message if is_it(&message) => return true,
                Message::Changes(changes) => self.client.land(&changes).await,
                Message::Pong(_) | Message::Closed(_) | Message::Acknowledge(_) => return false,
                _ => {}
            }
        }
    }
}

/// What an owner writes of an invitation.
fn invited(owner: &Token, invitation: &Invitation) -> (DocumentId, Value) {
    let token = owner.invitation(&invitation.seed);
    (invitation_id(&token), Value::Object(invitation.fields()))
}

/// What an owner writes who renews the links.
fn renewed(owner: &Token) -> (DocumentId, Value) {
    (id(LINKS_ID), Value::Object(Verifiers::of_epoch(owner, 1).fields()))
}

/// What an owner writes of what helpers may.
fn helpers_add(add: bool) -> (DocumentId, Value) {
    (helpers_id(), Value::Object(HelpersMay { add }.fields()))
}

fn id(id: &str) -> DocumentId {
    DocumentId::new(id).unwrap()
}

/// A document's id, and its latest revisions.
fn latest(document: &WireDocument) -> (DocumentId, Vec<Revision>) {
    let document = document.verify().unwrap();
    (document.id.clone(), document.told())
}

/// Only `/sync` reaches a database, by what is said on its WebSocket, and `/notices`, by the credentials in a body. `/ready` asks for the storage as a
/// whole, and all else for nothing.
#[tokio::test]
async fn no_route_tells_of_a_database_and_no_header_opens_it() {
    let List { server, anna: Device { owner, .. }, .. } = List::new().await;
    let (id, unknown) = (owner.database_id(), Token::generate().database_id());
    let paths = [
        "/",
        "/health",
        "/ready",
        "/sync",
        "/sync/LIST",
        "/notices",
        "/notices/LIST",
        "/LIST",
        "/LIST/note/tea",
    ];
    for token in [&owner, &owner.editor(0), &owner.editor(0).helper().viewer()] {
        let (bearer, cookie) = (format!("Bearer {token}"), format!("token={token}"));
        let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
        for path in paths {
            let asked = format!("{path}?token={token}&database=LIST").replace("LIST", id.as_str());
            let of_unknown = path.replace("LIST", unknown.as_str());
            assert_eq!(
                answer(server.address, &asked, &headers).await,
                answer(server.address, &of_unknown, &[]).await,
            );
        }
        let client = Client::handshake_with(server.address, Some(SUBPROTOCOL), headers).await;
        let mut client = client.unwrap().greet().await;
        client.ask(1, id.as_str(), &[], None).await;
        assert_eq!(told(&mut client).await, Err(DenialCode::Denied));
    }
}
