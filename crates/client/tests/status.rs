//! What a client says and does when the server or another tab ends its work.
#![cfg(not(target_arch = "wasm32"))]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use settee_client::{
    Client, ConnectionStatus, Status,
    client::Opening,
    socket::{Connector, Socket, SocketError},
};
use settee_store::{Database, Memory, backend::BoxFuture};
use settee_sync::{
    Limits, Role,
    message::{Changes, Hello, Message, Opened},
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

const LIMIT: Duration = Duration::from_secs(10);

/// A server, as far as a client needs one.
#[derive(Clone, Default)]
struct Server {
    is_dead: Arc<AtomicBool>,
    /// What it says next has the client read so far; where nothing more can come, the connection is lost.
    changes: Arc<tokio::sync::Mutex<Option<mpsc::UnboundedReceiver<u32>>>>,
}

struct Wire {
    server: Server,
    answers: (mpsc::UnboundedSender<Vec<u8>>, mpsc::UnboundedReceiver<Vec<u8>>),
}

impl Connector for Server {
    fn connect(&self) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let wire = Wire { server: self.clone(), answers: mpsc::unbounded_channel() };
        Box::pin(async move {
            if wire.server.is_dead.load(Ordering::Relaxed) {
                return Err(SocketError("not reached".into()));
            }
            Ok::<Box<dyn Socket>, _>(Box::new(wire))
        })
    }
}

impl Socket for Wire {
    fn send(&mut self, frame: Vec<u8>) -> BoxFuture<'_, Result<(), SocketError>> {
        let answer: Option<Message> = match Message::decode(&frame) {
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
        };
        if let Some(answer) = answer {
            let _ = self.answers.0.send(answer.encode());
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, SocketError>> {
        Box::pin(async {
            let mut changes = self.server.changes.lock().await;
            let next = async {
                match changes.as_mut() {
                    Some(changes) => changes.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                answer = self.answers.1.recv() => Ok(answer),
                seq = next => Ok(seq.map(|seq| {
                    let changes =
                        Changes {
                            channel: 0,
                            batch: seq - 1,
                            seq: Some(seq.into()),
                            documents: Vec::new(),
                            latest: None,
                        };
                    Message::from(changes).encode()
                })),
            }
        })
    }
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
    let (client, run) = Client::new(server, Limits::default(), "test", 1);
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
async fn a_client_is_offline_until_it_is_greeted() {
    let (changes, receiver) = mpsc::unbounded_channel();
    let server = Server::default();
    *server.changes.lock().await = Some(receiver);
    let limits = Limits {
        backoff: (Duration::from_millis(1), Duration::from_millis(100)),
        ..Limits::default()
    };
    let (client, run) = Client::new(server.clone(), limits, "test", 1);
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
