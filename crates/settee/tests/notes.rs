//! Databases of notes, from a device's folder over a server to another device.
#![cfg(all(feature = "native", feature = "server", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used)]

mod support;

use std::{path::Path, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use settee::{
    Config, Connection, Kept, LinkOutcome, Others, Remote, Settee, Standing, Synced,
    client::{native::WebSocketConnector, stream::StreamConnector},
    keys::{LinkFormat, Role, Token},
    server::{
        Access, AnyDocument, Asked, Creation, Denial, DenialCode, KeysPolicy, Kit, NewDatabase,
    },
    store::{MemoryStorage, replication::ReplicatedDocument},
    sync::Limits,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use support::Server;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_mins(1);
const PASSWORD: &[u8] = b"open sesame";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    text: String,
}

impl Note {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }
}

/// Whoever knows the password may write notes.
async fn by_password(asked: Asked) -> Result<Access, Denial> {
    if asked.credentials != PASSWORD {
        return Err(Denial::new(DenialCode::Denied, "that is not the password"));
    }
    Ok(Access::lasting(Role::Editor).creating(NewDatabase::of_kind("notes")))
}

fn validate(document: &ReplicatedDocument) -> Result<(), &'static str> {
    if document.id.as_str().starts_with("note/") { Ok(()) } else { Err("only notes are kept here") }
}

impl Server {
    async fn with_notes() -> Self {
        let storage = MemoryStorage::new([1; 16]);
        Self::of(Kit::builder(storage).policy(by_password).kind("notes", validate).build()).await
    }

    fn config(&self) -> Config {
        Config::at(self.url()).limits(hasty())
    }
}

fn hasty() -> Limits {
    Limits { backoff: (Duration::from_millis(20), Duration::from_millis(200)), ..Limits::default() }
}

async fn up_to_date(notes: &Synced) {
    timeout(SOON, notes.up_to_date()).await.expect("it catches up").unwrap();
}

/// Waits for a note to have come.
async fn arrives(notes: &Synced, id: &str) -> Note {
    let mut news = notes.watch();
    let arrived = async {
        loop {
            news.borrow_and_update();
            if let Some(note) = notes.find::<Note>(id).await.unwrap() {
                return note;
            }
            news.changed().await.unwrap();
        }
    };
    timeout(SOON, arrived).await.expect("it arrives")
}

#[tokio::test]
async fn notes_go_from_one_device_to_another() {
    let server = Server::with_notes().await;
    let folder = tempfile::tempdir().unwrap();
    let anna = Settee::start(server.config().in_folder(folder.path())).await.unwrap();
    let ben = Settee::start(server.config()).await.unwrap();
    let annas = anna.open("notes/7", PASSWORD).await.unwrap();
    let bens = ben.open("notes/7", PASSWORD).await.unwrap();
    annas.put("note/1", &Note::new("milk")).await.unwrap();
    assert_eq!(arrives(&bens, "note/1").await, Note::new("milk"));
    bens.put("note/1", &Note::new("oat milk")).await.unwrap();
    up_to_date(&bens).await;
    // Word of it may still be on its way.
    let mut news = annas.watch();
    let heard = async {
        while annas.find::<Note>("note/1").await.unwrap() == Some(Note::new("milk")) {
            news.changed().await.unwrap();
        }
    };
    timeout(SOON, heard).await.expect("it arrives");
    up_to_date(&annas).await;
    assert_eq!(annas.find("note/1").await.unwrap(), Some(Note::new("oat milk")));
    // The server takes notes alone, and says so of each document.
    annas.put("order/1", &Note::new("x")).await.unwrap();
    let mut status = annas.status();
    timeout(SOON, status.wait_for(|status| status.counts.refused == 1)).await.unwrap().unwrap();
}

/// Starts once the tasks behind earlier handles have ended, and let go of the folder.
async fn start_again(config: impl Fn() -> Config) -> Settee {
    let started = async {
        loop {
            match Settee::start(config()).await {
                Ok(settee) => return settee,
                Err(settee::Error::Folder(_)) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    timeout(SOON, started).await.expect("the folder is let go")
}

#[tokio::test]
async fn what_this_device_cant_read_any_more_comes_from_the_server_again() {
    let server = Server::with_notes().await;
    let folder = tempfile::tempdir().unwrap();
    let config = || server.config().in_folder(folder.path());
    let settee = Settee::start(config()).await.unwrap();
    let notes = settee.open("notes/7", PASSWORD).await.unwrap();
    for id in ["note/1", "note/2"] {
        notes.put(id, &Note::new("milk")).await.unwrap();
    }
    up_to_date(&notes).await;
    drop((notes, settee));
    damage(folder.path(), "note/1");
    let settee = start_again(config).await;
    let notes = settee.database("notes/7").await.unwrap();
    assert_eq!(notes.find::<Note>("note/2").await.unwrap(), Some(Note::new("milk")));
    assert_eq!(arrives(&notes, "note/1").await, Note::new("milk"));
    up_to_date(&notes).await;
    assert_eq!(notes.unreadable().await.unwrap().len(), 1, "the damaged record is kept");
    assert_eq!(notes.status().borrow().lost, 0);
}

fn damage(folder: &Path, id: &str) {
    let file = rusqlite::Connection::open(folder.join("settee.sqlite")).unwrap();
    let damage = "UPDATE documents SET record = x'00' WHERE id = ?1";
    assert_eq!(file.execute(damage, [id]).unwrap(), 1);
}

#[tokio::test]
async fn edits_that_are_lost_with_a_damaged_record_are_told() {
    let server = Server::with_notes().await;
    let folder = tempfile::tempdir().unwrap();
    let config = || server.config().in_folder(folder.path());
    let settee = Settee::start(config()).await.unwrap();
    let notes = settee.open("notes/7", PASSWORD).await.unwrap();
    notes.put("note/1", &Note::new("milk")).await.unwrap();
    up_to_date(&notes).await;
    drop((notes, settee));
    let offline = || Config::at("ws://127.0.0.1:1/sync").in_folder(folder.path());
    let settee = start_again(offline).await;
    let notes = settee.database("notes/7").await.unwrap();
    notes.put("note/1", &Note::new("oat milk")).await.unwrap();
    drop((notes, settee));
    damage(folder.path(), "note/1");

    let settee = start_again(config).await;
    let notes = settee.database("notes/7").await.unwrap();
    assert_eq!(arrives(&notes, "note/1").await, Note::new("milk"));
    up_to_date(&notes).await;
    let is_told = |status: &settee::DatabaseStatus| (status.damaged, status.lost) == (0, 1);
    timeout(SOON, notes.status().wait_for(is_told)).await.expect("it is told").unwrap();
    drop((notes, settee));
    // It is told until somebody knows.
    let settee = start_again(config).await;
    let notes = settee.database("notes/7").await.unwrap();
    timeout(SOON, notes.status().wait_for(is_told)).await.expect("it is told").unwrap();
    notes.forget_lost().await.unwrap();
    assert_eq!(notes.damaged().await.unwrap().lost, 0);
}

#[tokio::test]
async fn what_was_never_sent_can_be_taken_along() {
    let server = Server::with_notes().await;
    let settee = Settee::start(server.config()).await.unwrap();
    let notes = settee.open("notes/7", PASSWORD).await.unwrap();
    notes.put("note/1", &Note::new("sent")).await.unwrap();
    up_to_date(&notes).await;
    assert!(notes.unsent().await.unwrap().is_empty());

    let denied = settee.open("notes/8", b"a wrong one").await.unwrap();
    let mut status = denied.status();
    let is_denied = |status: &settee::DatabaseStatus| status.standing == Some(Standing::NoAccess);
    timeout(SOON, status.wait_for(is_denied)).await.unwrap().unwrap();
    for n in 0..3 {
        denied.put(&format!("note/{n}"), &Note::new("mine")).await.unwrap();
    }
    let unsent = denied.unsent().await.unwrap();
    let bodies: Vec<_> = unsent.iter().map(|document| document.body.as_str()).collect();
    assert_eq!(bodies, [r#"{"text":"mine"}"#; 3]);
}

#[tokio::test]
async fn a_device_opens_without_a_server_and_keeps_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let config = || Config::at("ws://127.0.0.1:1/sync").limits(hasty()).in_folder(folder.path());
    let settee = Settee::start(config()).await.unwrap();
    let notes = settee.open("notes/7", PASSWORD).await.unwrap();
    notes.put("note/1", &Note::new("milk")).await.unwrap();
    let mut status = notes.status();
    let is_offline = |status: &settee::DatabaseStatus| status.connection == Connection::Offline;
    timeout(SOON, status.wait_for(is_offline)).await.unwrap().unwrap();
    drop((notes, status, settee));
    let settee = start_again(config).await;
    assert_eq!(settee.kept().await.unwrap().len(), 1);
    let notes = settee.database("notes/7").await.unwrap();
    assert_eq!(notes.find("note/1").await.unwrap(), Some(Note::new("milk")));
    assert_eq!(notes.status().borrow().counts.pending, 1);
}

#[tokio::test]
async fn credentials_that_are_denied_give_way_to_others() {
    let server = Server::with_notes().await;
    let settee = Settee::start(server.config()).await.unwrap();
    let notes = settee.open("notes/7", b"a wrong one").await.unwrap();
    let mut status = notes.status();
    let is_denied = |status: &settee::DatabaseStatus| status.standing == Some(Standing::NoAccess);
    timeout(SOON, status.wait_for(is_denied)).await.unwrap().unwrap();
    settee.open("notes/7", PASSWORD).await.unwrap();
    up_to_date(&notes).await;
    // What is good is shown first from now on; what a link brings is tried, and stands back.
    settee.open("notes/7", b"another wrong one").await.unwrap();
    let mut kept = settee.watch_kept().await.unwrap();
    let is_settled = kept.wait_for(|kept| {
        let credentials = &kept["notes/7"].credentials;
        credentials.len() == 3 && credentials[0].0 == PASSWORD
    });
    timeout(SOON, is_settled).await.expect("the good one comes first").unwrap();
    assert_eq!(settee.kept().await.unwrap()["notes/7"].granted(), Some(Role::Editor));
}

#[tokio::test]
async fn tokens_open_databases_and_hand_out_roles() {
    let storage = MemoryStorage::new([1; 16]);
    let kit = Kit::builder(storage).policy(KeysPolicy::new("notes")).kind("notes", validate);
    let server = Server::of(kit.build()).await;
    let (anna, ben) = (
        Settee::start(server.config()).await.unwrap(),
        Settee::start(server.config()).await.unwrap(),
    );
    let owner = Token::generate();
    let id = owner.database_id();
    anna.keep(id.as_str(), Kept::of_owner(&owner)).await.unwrap();
    let annas = anna.database(id.as_str()).await.unwrap();
    annas.put("note/1", &Note::new("milk")).await.unwrap();
    let viewer = anna.kept().await.unwrap()[id.as_str()].keys().unwrap().token_for(Role::Viewer, 0);
    ben.join(&id, viewer.unwrap()).await.unwrap();
    let bens = ben.database(id.as_str()).await.unwrap();
    assert_eq!(arrives(&bens, "note/1").await, Note::new("milk"));
    bens.put("note/2", &Note::new("mine")).await.unwrap();
    let mut status = bens.status();
    let is_read_only =
        |status: &settee::DatabaseStatus| status.standing == Some(Standing::ReadOnly);
    timeout(SOON, status.wait_for(is_read_only)).await.unwrap().unwrap();
    // The editor's link opens what the viewer's couldn't send.
    ben.join(&id, owner.editor(0)).await.unwrap();
    up_to_date(&bens).await;
    assert_eq!(arrives(&annas, "note/2").await, Note::new("mine"));
}

#[tokio::test]
async fn a_permit_lets_a_device_bring_its_databases() {
    let permit = Token::generate();
    let policy = KeysPolicy::new("notes").creation(Creation::Token(permit.clone()));
    let kit = Kit::builder(MemoryStorage::new([1; 16])).policy(policy).kind("notes", validate);
    let server = Server::of(kit.build()).await;
    let anna = Settee::start(server.config()).await.unwrap();
    let owner = Token::generate();
    let id = owner.database_id();
    anna.keep(id.as_str(), Kept::of_owner(&owner)).await.unwrap();
    let notes = anna.database(id.as_str()).await.unwrap();
    notes.put("note/1", &Note::new("milk")).await.unwrap();
    let mut status = notes.status();
    let is_denied = |status: &settee::DatabaseStatus| status.standing == Some(Standing::NoAccess);
    timeout(SOON, status.wait_for(is_denied)).await.unwrap().unwrap();
    let address = LinkFormat::new("/notes/").read("/", &format!("#c={permit}"));
    assert_eq!(anna.take_in(&address).await.unwrap(), LinkOutcome::Kept);
    up_to_date(&notes).await;
    // The list is the same for whoever it is shared with, and the permit isn't passed on.
    let keys = anna.kept().await.unwrap()[id.as_str()].keys().unwrap();
    let ben = Settee::start(server.config()).await.unwrap();
    ben.join(&id, keys.token_for(Role::Editor, 0).unwrap()).await.unwrap();
    assert_eq!(
        arrives(&ben.database(id.as_str()).await.unwrap(), "note/1").await,
        Note::new("milk")
    );
}

#[tokio::test]
async fn a_device_knows_what_the_server_calls_itself() {
    let builder = Kit::builder(MemoryStorage::new([1; 16])).policy(by_password);
    let server = Server::of(builder.agent("notes/2+b7").build()).await;
    let folder = tempfile::tempdir().unwrap();
    let settee = Settee::start(server.config().in_folder(folder.path())).await.unwrap();
    let mut greeted = settee.server();
    assert_eq!(*greeted.borrow(), None);
    let agent = timeout(SOON, greeted.wait_for(Option::is_some)).await.expect("it is greeted");
    assert_eq!(agent.unwrap().as_deref(), Some("notes/2+b7"));
}

#[tokio::test]
async fn hidden_databases_take_turns() {
    const DATABASES: usize = 12;
    let server = Server::with_notes().await;
    let name = |n: usize| format!("notes/{n}");
    let remote = Remote::connect(WebSocketConnector::new(server.url()));
    for n in 0..DATABASES {
        let notes = remote.open(&name(n), PASSWORD).await.unwrap();
        notes.put("note/1", &Note::new(&name(n))).await.unwrap();
        timeout(SOON, notes.up_to_date()).await.unwrap().unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let config = server.config().in_folder(folder.path()).hidden_at_a_time(4);
    let settee = Settee::start(config).await.unwrap();
    for n in 0..DATABASES {
        settee.keep(&name(n), Kept::new(name(n), PASSWORD)).await.unwrap();
    }
    // One that is used doesn't wait for its turn.
    let last = settee.database(&name(DATABASES - 1)).await.unwrap();
    arrives(&last, "note/1").await;
    let mut kept = settee.watch_kept().await.unwrap();
    let all_granted = kept.wait_for(|kept| kept.values().all(|kept| kept.granted().is_some()));
    timeout(SOON, all_granted).await.expect("each has its turn").unwrap();
}

#[tokio::test]
async fn a_stream_that_is_no_websocket_carries_notes() {
    let storage = MemoryStorage::new([1; 16]);
    let kit = Kit::builder(storage).policy(by_password).kind("notes", AnyDocument).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let kit = Arc::new(kit);
    let serving = kit.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let streams = serving.streams();
            tokio::spawn(async move { streams.serve(stream).await });
        }
    });
    let connector = || StreamConnector::new(move || TcpStream::connect(address));
    let (one, other) = (Remote::connect(connector()), Remote::connect(connector()));
    let one = one.open("notes/7", PASSWORD).await.unwrap();
    one.put("note/1", &Note::new("milk")).await.unwrap();
    timeout(SOON, one.up_to_date()).await.unwrap().unwrap();
    let other = other.open("notes/7", PASSWORD).await.unwrap();
    timeout(SOON, other.up_to_date()).await.unwrap().unwrap();
    assert_eq!(other.find("note/1").await.unwrap(), Some(Note::new("milk")));
    // The server itself can read and write, too.
    let served = kit.databases().database("notes/7").await.unwrap().unwrap();
    assert_eq!(served.find("note/1").await.unwrap(), Some(Note::new("milk")));
}

/// Waits until the others are these.
async fn meets(others: &mut Others, expected: &[&[u8]]) {
    let met = async {
        loop {
            let told = others.next().await.unwrap();
            if told.iter().map(Vec::as_slice).eq(expected.iter().copied()) {
                return;
            }
        }
    };
    timeout(SOON, met).await.unwrap();
}

#[tokio::test]
async fn who_is_here_is_told_to_those_who_are_and_ends_with_the_connection() {
    let server = Server::with_notes().await;
    let (anna, ben) = (
        Settee::start(server.config()).await.unwrap(),
        Settee::start(server.config()).await.unwrap(),
    );
    let annas = anna.open("notes", PASSWORD).await.unwrap();
    let bens = ben.open("notes", PASSWORD).await.unwrap();
    up_to_date(&bens).await;
    let (here, there) = (annas.presence(), bens.presence());
    let (mut seen_here, mut met) = (here.others(), there.others());
    assert!(here.show(Some(b"anna".to_vec())));
    meets(&mut seen_here, &[]).await;
    assert!(there.show(Some(b"ben".to_vec())));
    meets(&mut met, &[b"anna"]).await;
    meets(&mut seen_here, &[b"ben"]).await;
    assert!(!there.show(Some(vec![0; 257])));
    assert!(here.show(Some(b"anna writes".to_vec())));
    meets(&mut met, &[b"anna writes"]).await;
    assert!(there.show(None));
    meets(&mut seen_here, &[]).await;

    // Who is gone without a word isn’t here either.
    assert!(there.show(Some(b"ben".to_vec())));
    meets(&mut seen_here, &[b"ben"]).await;
    drop((bens, there, met, ben));
    meets(&mut seen_here, &[]).await;
    drop(server);
    let mut status = annas.status();
    let is_offline = |status: &settee::DatabaseStatus| status.connection == Connection::Offline;
    timeout(SOON, status.wait_for(is_offline)).await.unwrap().unwrap();
}
