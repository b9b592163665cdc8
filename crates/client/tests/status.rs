//! What a client says and does when the server or another tab ends its work.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::{
    future::ready,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use settee_client::{
    Client, ConnectionStatus, Opening, Status, socket::Connector, stream::StreamConnector,
};
use settee_store::{Database, Memory};
use settee_sync::{
    Limits, Role,
    message::{Changes, Hello, Message, Opened},
};
use tokio::{
    io::DuplexStream,
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::{
    bytes::Bytes,
    codec::{Framed, LengthDelimitedCodec},
};

use support::store::GatedStore;

const LIMIT: Duration = Duration::from_secs(10);

/// A server, as far as a client needs one.
#[derive(Clone, Default)]
struct Server {
    is_dead: Arc<AtomicBool>,
    /// The client is sent an empty batch for each sequence. The end of the channel ends the
    /// connection.
    changes: Arc<tokio::sync::Mutex<Option<mpsc::UnboundedReceiver<u32>>>>,
}

impl Server {
    fn connector(&self) -> impl Connector + 'static {
        let server = self.clone();
        StreamConnector::new(move || ready(server.accept()))
    }

    fn accept(&self) -> io::Result<DuplexStream> {
        if self.is_dead.load(Ordering::Relaxed) {
            return Err(io::Error::other("not reached"));
        }
        let (ours, theirs) = tokio::io::duplex(1024);
        tokio::spawn(self.clone().serve(Framed::new(theirs, LengthDelimitedCodec::new())));
        Ok(ours)
    }

    async fn serve(self, mut frames: Framed<DuplexStream, LengthDelimitedCodec>) {
        let mut changes = self.changes.lock().await;
        loop {
            let next = async {
                match changes.as_mut() {
                    Some(changes) => changes.recv().await,
                    None => std::future::pending().await,
                }
            };
            let said = tokio::select! {
                biased;
                frame = frames.next() => match frame {
                    Some(Ok(frame)) => answer(&frame),
                    _ => return,
                },
                seq = next => match seq {
                    Some(seq) => Some(empty_batch(seq)),
                    None => return,
                },
            };
            if let Some(said) = said {
                let frame = Bytes::from(said.encode());
                frames.send(frame).await.expect("the client listens");
            }
        }
    }
}

fn answer(frame: &[u8]) -> Option<Message> {
    match Message::decode(frame) {
        Ok(Some(Message::Hello(_))) => {
            Some(Hello { versions: vec![2], agent: "test".to_owned() }.into())
        }
        Ok(Some(Message::Open(open))) => Some(
            Opened {
                channel: open.channel,
                role: Role::Editor,
                incarnation: [1; 16].into(),
                run: [2; 16].into(),
                seq: 0,
                resumed: false,
                allowance: None,
            }
            .into(),
        ),
        _ => None,
    }
}

/// The batch that leads to this sequence, without documents.
fn empty_batch(seq: u32) -> Message {
    Changes {
        channel: 0,
        batch: seq - 1,
        seq: Some(seq.into()),
        documents: Vec::new(),
        latest: None,
    }
    .into()
}

fn database() -> Database {
    Database::new(Memory::new([7; 16]))
}

async fn open(client: &Client, database: Database) {
    let name = "list".to_owned();
    let opening = Opening { database, name, credentials: Vec::new(), is_lazy: false };
    client.open(opening).await.expect("the client runs");
}

async fn until(status: &mut watch::Receiver<Status>, holds: impl Fn(&Status) -> bool) {
    let seen = timeout(LIMIT, status.wait_for(holds)).await;
    seen.expect("it comes in time").expect("the client runs");
}

fn is_read_to(seq: u64) -> impl Fn(&Status) -> bool {
    move |status| status.replicas.values().any(|replica| replica.progress == (seq, seq))
}

#[tokio::test]
async fn a_client_that_is_superseded_stops_and_writes_nothing() {
    let (changes, receiver) = mpsc::unbounded_channel();
    let server = Server::default();
    *server.changes.lock().await = Some(receiver);
    let (client, run) = Client::new(server.connector(), Limits::default(), "test", 1);
    let running = tokio::spawn(run);
    let database = database();
    open(&client, database.lead().await.expect("a term")).await;
    let mut status = client.status();
    until(&mut status, is_read_to(0)).await;
    changes.send(1).expect("the connection is there");
    until(&mut status, is_read_to(1)).await;

    database.lead().await.expect("a later term");
    let before = database.local("sync/checkpoint").await.expect("it is read");
    assert!(before.is_some());
    changes.send(2).expect("the connection is there");
    timeout(LIMIT, running).await.expect("it stops in time").expect("without a panic");
    assert_eq!(database.local("sync/checkpoint").await.expect("it is read"), before);
    assert!(status.wait_for(is_read_to(2)).await.is_err());
}

#[tokio::test]
async fn a_server_that_waits_for_no_acknowledgement_costs_its_own_database_only() {
    let (changes, receiver) = mpsc::unbounded_channel();
    let server = Server::default();
    *server.changes.lock().await = Some(receiver);
    let limits = Limits { credit: 4096, ..Limits::default() };
    let client = Client::spawn(server.connector(), limits, "test");
    let store = GatedStore::new(0, 1000);
    open(&client, store.database()).await;
    let mut status = client.status();
    until(&mut status, is_read_to(0)).await;
    for seq in 1..1000 {
        changes.send(seq).expect("the connection is there");
    }
    let is_unsaved = |status: &Status| status.replicas.values().any(|replica| replica.is_unsaved);
    until(&mut status, is_unsaved).await;
    assert_eq!(status.borrow().connection, ConnectionStatus::Online);
    assert_eq!(*store.begun().borrow(), 1);
}

#[tokio::test]
async fn a_client_is_offline_until_it_is_greeted() {
    let (changes, receiver) = mpsc::unbounded_channel();
    let server = Server::default();
    *server.changes.lock().await = Some(receiver);
    let limits = Limits {
        backoff: (Duration::from_millis(1), Duration::from_millis(100)),
        ..Limits::default()
    };
    let (client, run) = Client::new(server.connector(), limits, "test", 1);
    tokio::spawn(run);
    let mut status = client.status();
    assert_eq!(status.borrow().connection, ConnectionStatus::Connecting);
    until(&mut status, |status| status.connection == ConnectionStatus::Online).await;

    server.is_dead.store(true, Ordering::Relaxed);
    drop(changes);
    let is_offline =
        |status: &Status| matches!(status.connection, ConnectionStatus::Offline { .. });
    until(&mut status, is_offline).await;
    // It says when it tries, and that is news: these are some tries.
    for _ in 0..6 {
        timeout(LIMIT, status.changed()).await.expect("it tries").expect("the client runs");
        assert!(is_offline(&status.borrow_and_update()));
    }
    *server.changes.lock().await = None;
    server.is_dead.store(false, Ordering::Relaxed);
    until(&mut status, |status| status.connection == ConnectionStatus::Online).await;
}
