//! What devices are told while no page is open there.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use settee_axum::{
    AnyDocument, Builder, Courier, Desk, KeysPolicy, Kit, Notifier, Policy, Reader, Role, Timing,
    Undelivered,
};
use settee_keys::{
    Invitation, Token,
    access::{ACCESS_PREFIX, invitation_id},
};
use settee_store::{BackendError, DocumentId, MemoryStorage, Record, Sqlite, backend::BoxFuture};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

use crate::{
    access::Device,
    support::{Client, SOON, TestServer, answer_to},
};

/// Tells the names of what has changed.
pub struct Names;

impl Notifier for Names {
    fn notice<'a>(
        &'a self,
        _: Desk<'a>,
        to: Reader<'a>,
        changed: &'a [Arc<Record>],
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, BackendError>> {
        let ids = changed.iter().map(|record| record.id.as_str());
        let notes: Vec<&str> = ids.filter(|id| !id.starts_with(ACCESS_PREFIX)).collect();
        let names = format!("{}: {}", to.who.unwrap_or("somebody"), notes.join(" "));
        Box::pin(async move { Ok((!notes.is_empty()).then(|| names.into_bytes())) })
    }
}

/// Brings notices to the test. Addresses begin with “to ”.
#[derive(Clone)]
pub struct Posts {
    brought: mpsc::UnboundedSender<(String, String)>,
    /// What becomes of notices to an address, if they don't arrive.
    lost: Arc<Mutex<HashMap<String, Undelivered>>>,
}

impl Courier for Posts {
    fn key(&self) -> String {
        "the key".to_owned()
    }

    fn check(&self, address: &str) -> Result<String, String> {
        let place = address.trim().strip_prefix("to ");
        place.map(|_| address.trim().to_owned()).ok_or_else(|| "it doesn't begin so".to_owned())
    }

    fn bring<'a>(
        &'a self,
        address: &'a str,
        notice: &'a [u8],
    ) -> BoxFuture<'a, Result<(), Undelivered>> {
        Box::pin(async move {
            if let Some(undelivered) = self.lost.lock().unwrap().get(address) {
                return Err(undelivered.clone());
            }
            let notice = String::from_utf8(notice.to_owned()).unwrap();
            self.brought.send((address.to_owned(), notice)).unwrap();
            Ok(())
        })
    }
}

/// What was brought, in order.
pub struct Brought(mpsc::UnboundedReceiver<(String, String)>);

impl Brought {
    async fn next(&mut self) -> (String, String) {
        timeout(SOON, self.0.recv()).await.unwrap().unwrap()
    }

    /// The next two, in the order of their addresses: devices are told beside each other.
    async fn two(&mut self) -> [(String, String); 2] {
        let mut two = [self.next().await, self.next().await];
        two.sort();
        two
    }
}

pub fn posts() -> (Posts, Brought) {
    let (brought, next) = mpsc::unbounded_channel();
    (Posts { brought, lost: Arc::default() }, Brought(next))
}

/// Adds what notices need, and leaves only a moment between them.
pub fn telling<P>(kit: Builder<P>, kind: &str, posts: Posts) -> Builder<P> {
    let timing = Timing { gather: Duration::from_secs(1), rest: Duration::from_millis(1) };
    kit.notifier(kind, Names).courier(posts, timing)
}

async fn serving(folder: TempDir, posts: &Posts) -> TestServer {
    let storage = Sqlite::open_folder(folder.path().join("data")).unwrap();
    let kit = Kit::builder(storage).policy(KeysPolicy::new("list")).kind("list", AnyDocument);
    TestServer::of(folder, telling(kit, "list", posts.clone()).build()).await
}

/// What the server answers to a device that says where it can be reached.
pub async fn reached(
    server: SocketAddr,
    method: &str,
    database: &str,
    credentials: &[u8],
    address: &str,
) -> u16 {
    let said = json!({
        "database": database,
        "credentials": BASE64URL_NOPAD.encode(credentials),
        "address": address,
        "who": "Bert",
    });
    asked(server, method, &said, &[]).await
}

async fn asked(server: SocketAddr, method: &str, said: &Value, headers: &[(&str, &str)]) -> u16 {
    let json = ("content-type", "application/json");
    let headers = [&[json], headers].concat();
    let answer = answer_to(server, method, "/notices", &headers, &said.to_string()).await;
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn id(id: &str) -> DocumentId {
    DocumentId::new(id).unwrap()
}

fn told(address: &str, notice: &str) -> (String, String) {
    (address.to_owned(), notice.to_owned())
}

#[tokio::test]
async fn what_has_changed_is_told_together_and_once() {
    let (posts, mut brought) = posts();
    let server = serving(tempfile::tempdir().unwrap(), &posts).await;
    let mut anna = Device::new(&server).await;
    anna.write(&id("note/before"), &json!({})).await;
    let (database, viewer) = (anna.owner.database_id(), anna.owner.editor(0).helper().viewer());
    let reach = async |method, address| {
        reached(server.address, method, database.as_str(), viewer.as_bytes(), address).await
    };
    assert_eq!(reach("POST", "to bert").await, 204);
    // It is the same device, however its address is written.
    assert_eq!(reach("POST", " to bert ").await, 204);
    anna.write(&id("note/one"), &json!({})).await;
    anna.write(&id("note/two"), &json!({})).await;
    assert_eq!(brought.next().await, told("to bert", "Bert: note/one note/two"));

    // Who comes later isn't told what was there.
    assert_eq!(reach("POST", "to carl").await, 204);
    anna.write(&id("note/three"), &json!({})).await;
    let three = ["to bert", "to carl"].map(|address| told(address, "Bert: note/three"));
    assert_eq!(brought.two().await, three);
    assert_eq!(reach("DELETE", "to bert").await, 204);
    anna.write(&id("note/four"), &json!({})).await;
    assert_eq!(brought.next().await, told("to carl", "Bert: note/four"));

    // Nobody is there any more.
    posts.lost.lock().unwrap().insert("to carl".to_owned(), Undelivered::Gone);
    assert_eq!(reach("POST", "to dora").await, 204);
    anna.write(&id("note/five"), &json!({})).await;
    assert_eq!(brought.next().await, told("to dora", "Bert: note/five"));
    posts.lost.lock().unwrap().clear();
    anna.write(&id("note/six"), &json!({})).await;
    assert_eq!(brought.next().await, told("to dora", "Bert: note/six"));
}

#[tokio::test]
async fn what_could_not_be_brought_is_told_later_also_by_the_next_server() {
    let (posts, mut brought) = posts();
    let server = serving(tempfile::tempdir().unwrap(), &posts).await;
    let mut anna = Device::new(&server).await;
    let owner = anna.owner.clone();
    let (database, editor) = (owner.database_id(), owner.editor(0));
    for address in ["to bert", "to carl"] {
        let address =
            reached(server.address, "POST", database.as_str(), editor.as_bytes(), address);
        assert_eq!(address.await, 204);
    }
    let later = Undelivered::Later(Some(Duration::from_hours(24)));
    posts.lost.lock().unwrap().insert("to bert".to_owned(), later);
    // Nobody waits for a device that can't be reached.
    for note in ["note/one", "note/two"] {
        anna.write(&id(note), &json!({})).await;
        assert_eq!(brought.next().await, told("to carl", &format!("Bert: {note}")));
    }
    let server = serving(server.stop().await, &posts).await;
    posts.lost.lock().unwrap().clear();
    // Somebody has to use the database, so that it is looked at.
    let _anna = Client::opened(server.address, &owner, &owner, None).await;
    assert_eq!(brought.next().await, told("to bert", "Bert: note/one note/two"));
}

#[tokio::test]
async fn who_loses_access_is_told_nothing_more() {
    let (posts, mut brought) = posts();
    let server = serving(tempfile::tempdir().unwrap(), &posts).await;
    let mut anna = Device::new(&server).await;
    let invitation = Invitation::new(Role::Viewer, "Bert");
    let bert = anna.invite(&invitation).await;
    let database = anna.owner.database_id();
    let reach = async |token: &Token, address| {
        reached(server.address, "POST", database.as_str(), token.as_bytes(), address).await
    };
    assert_eq!(reach(&bert, "to bert").await, 204);
    assert_eq!(reach(&anna.owner, "to anna").await, 204);
    anna.write(&id("note/one"), &json!({})).await;
    let one = ["to anna", "to bert"].map(|address| told(address, "Bert: note/one"));
    assert_eq!(brought.two().await, one);
    let revoked = Invitation { revoked: true, ..invitation };
    anna.write(&invitation_id(&bert), &Value::Object(revoked.fields())).await;
    anna.write(&id("note/two"), &json!({})).await;
    assert_eq!(brought.next().await, told("to anna", "Bert: note/two"));
    assert_eq!(reach(&bert, "to bert").await, 403);
    // It was forgotten: who is invited again has to ask again.
    let again = Invitation { revoked: false, ..revoked };
    anna.write(&invitation_id(&bert), &Value::Object(again.fields())).await;
    anna.write(&id("note/three"), &json!({})).await;
    assert_eq!(brought.next().await, told("to anna", "Bert: note/three"));
}

#[tokio::test]
async fn only_who_may_read_is_told_and_only_where_that_is_possible() {
    let (posts, _brought) = posts();
    let server = serving(tempfile::tempdir().unwrap(), &posts).await;
    let anna = Device::new(&server).await;
    let (address, database) = (server.address, anna.owner.database_id());
    let key = answer_to(address, "GET", "/notices", &[], "").await;
    assert!(key.ends_with(r#"{"key":"the key"}"#), "{key}");
    let stranger = Token::generate();
    let said = |database: &str, credentials: &str, place: &str, who: &str| json!({"database": database, "credentials": credentials, "address": place, "who": who});
    let (name, token) = (database.as_str(), anna.owner.to_string());
    let unknown = stranger.database_id();
    let of_stranger = stranger.to_string();
    for (said, status) in [
        (said(name, &token, "to anna", "Anna"), 204),
        (said(name, &of_stranger, "to anna", "Anna"), 403),
        (said(name, "", "to anna", "Anna"), 403),
        (said(unknown.as_str(), &of_stranger, "to anna", "Anna"), 404),
        (said(name, "no credentials", "to anna", "Anna"), 400),
        (said(name, &token, "at home", "Anna"), 400),
        (said(name, &token, "to anna", &"A".repeat(257)), 400),
        (said(&"a".repeat(2_000), &token, "to anna", "Anna"), 400),
        (said(name, &token, &format!("to {}", "a".repeat(9_000)), "Anna"), 413),
        (json!({"database": name}), 422),
    ] {
        assert_eq!(asked(address, "POST", &said, &[]).await, status, "{said:.200}");
    }
    let elsewhere = [("origin", "https://elsewhere.example")];
    let said = said(name, &token, "to anna", "Anna");
    assert_eq!(asked(address, "POST", &said, &elsewhere).await, 403);
    let other = Kit::builder(MemoryStorage::new([1; 16]))
        .policy(KeysPolicy::new("list"))
        .kind("list", AnyDocument)
        .build();
    let silent = TestServer::of(tempfile::tempdir().unwrap(), other).await;
    assert_eq!(asked(silent.address, "POST", &said, &[]).await, 404);
    let key = answer_to(silent.address, "GET", "/notices", &[], "").await;
    assert!(key.starts_with("HTTP/1.1 404"), "{key}");
}

/// A policy that calls its grants nothing.
#[tokio::test]
async fn a_grant_without_a_name_outlasts_no_connection() {
    struct Nameless(KeysPolicy);

    impl Policy for Nameless {
        fn authorize(
            &self,
            asked: settee_axum::Asked,
        ) -> BoxFuture<'_, Result<settee_axum::Access, settee_axum::Denial>> {
            let authorized = self.0.authorize(asked);
            Box::pin(async {
                authorized.await.map(|access| settee_axum::Access { name: None, ..access })
            })
        }
    }

    let (posts, _brought) = posts();
    let kit = Kit::builder(MemoryStorage::new([1; 16]))
        .policy(Nameless(KeysPolicy::new("list")))
        .kind("list", AnyDocument);
    let kit = telling(kit, "list", posts).build();
    let server = TestServer::of(tempfile::tempdir().unwrap(), kit).await;
    let anna = Device::new(&server).await;
    let (owner, database) = (&anna.owner, anna.owner.database_id());
    let status = reached(server.address, "POST", database.as_str(), owner.as_bytes(), "to anna");
    assert_eq!(status.await, 403);
}
