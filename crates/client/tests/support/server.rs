//! The protocol's server over pipes in memory. It sends each frame before it does anything else.

use std::{
    collections::HashMap,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use settee_client::{socket::Connector, stream::StreamConnector};
use settee_store::{Database, Memory, Operation, replication::ReplicatedDocument};
use settee_sync::{
    Channel, Checkpoint, Denial, DenialCode, Limits, Role, Server, Time,
    digest::Digests,
    message::{Message, Open},
    server::{Committed, Grant, ServerOutput},
};
use tokio::{
    io::DuplexStream,
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::{
    bytes::Bytes,
    codec::{Framed, LengthDelimitedCodec},
};

const RUN: [u8; 16] = [7; 16];
/// How much a pipe holds.
const PIPE: usize = 64;
const NEVER: Duration = Duration::from_hours(24);

#[derive(Clone)]
pub struct TestServer {
    databases: Arc<HashMap<String, Database>>,
    connections: Arc<AtomicUsize>,
    hang_up: watch::Sender<()>,
    /// How many batches clients have acknowledged.
    acknowledged: watch::Sender<usize>,
}

impl TestServer {
    pub fn new(names: &[&str]) -> Self {
        let database = |(name, number): (&&str, u8)| {
            ((*name).to_owned(), Database::new(Memory::new([number; 16])))
        };
        Self {
            databases: Arc::new(names.iter().zip(1..).map(database).collect()),
            connections: Arc::default(),
            hang_up: watch::Sender::new(()),
            acknowledged: watch::Sender::new(0),
        }
    }

    pub fn database(&self, name: &str) -> Database {
        self.databases[name].clone()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Closes all connections.
    pub fn hang_up(&self) {
        self.hang_up.send_replace(());
    }

    /// How many batches clients have acknowledged.
    pub fn acknowledged(&self) -> watch::Receiver<usize> {
        self.acknowledged.subscribe()
    }

    pub fn connector(&self) -> impl Connector + 'static {
        let server = self.clone();
        StreamConnector::new(move || ready(Ok(server.accept())))
    }

    /// The client's end of a new connection.
    pub fn accept(&self) -> DuplexStream {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let (ours, theirs) = tokio::io::duplex(PIPE);
        let codec = LengthDelimitedCodec::builder().max_frame_length(1 << 24).new_codec();
        let (sender, changes) = mpsc::channel(1);
        let connection = Connection {
            server: self.clone(),
            machine: Server::new(Time::default(), Limits::default(), "test"),
            began: Instant::now(),
            frames: Framed::new(theirs, codec),
            channels: HashMap::new(),
            changed: sender,
        };
        tokio::spawn(connection.run(changes));
        ours
    }
}

struct Connection {
    server: TestServer,
    machine: Server,
    began: Instant,
    frames: Framed<DuplexStream, LengthDelimitedCodec>,
    channels: HashMap<Channel, Database>,
    changed: mpsc::Sender<(Channel, u64)>,
}

impl Connection {
    async fn run(mut self, mut changes: mpsc::Receiver<(Channel, u64)>) {
        let mut hang_up = self.server.hang_up.subscribe();
        loop {
            let obeyed = tokio::select! {
                obeyed = self.obey() => obeyed,
                _ = hang_up.changed() => return,
            };
            if obeyed.is_none() {
                return;
            }
            let wait = self.machine.poll_timeout().map(|at| at.since(Time::default()));
            let wake = self.began + wait.unwrap_or(NEVER);
            tokio::select! {
                _ = hang_up.changed() => return,
                frame = self.frames.next() => {
                    let Some(Ok(frame)) = frame else { return };
                    if let Ok(Some(Message::Acknowledge(_))) = Message::decode(&frame) {
                        self.server.acknowledged.send_modify(|count| *count += 1);
                    }
                    self.machine.handle_frame(self.now(), &frame);
                }
                Some((channel, seq)) = changes.recv() => {
                    self.machine.handle_news(self.now(), channel, seq);
                }
                () = sleep_until(wake) => self.machine.handle_timeout(self.now()),
            }
        }
    }

    fn now(&self) -> Time {
        Time::default() + self.began.elapsed()
    }

    /// `None` once the connection is over.
    async fn obey(&mut self) -> Option<()> {
        while let Some(output) = self.machine.poll_output() {
            match output {
                ServerOutput::Send(frame) => self.frames.send(Bytes::from(frame)).await.ok()?,
                ServerOutput::Authorize(open) => self.authorize(&open),
                ServerOutput::Commit { channel, batch, documents } => {
                    let committed = commit(&self.channels[&channel], documents).await;
                    self.machine.handle_committed(self.now(), channel, batch, Some(committed));
                }
                ServerOutput::Read { channel, since, limit } => {
                    let database = &self.channels[&channel];
                    let page = database.page(since, limit).await.unwrap();
                    self.machine.handle_changes(self.now(), channel, Some(page));
                }
                ServerOutput::Digest { channel } => {
                    let records = self.channels[&channel].changes(0, usize::MAX).await.unwrap();
                    let digests = Digests::of(records.iter().map(AsRef::as_ref));
                    self.machine.handle_digests(self.now(), channel, Some(&digests));
                }
                ServerOutput::Here { .. } => {}
                ServerOutput::Find { channel, ids } => {
                    let database = &self.channels[&channel];
                    let found = (database.records(ids).await.unwrap(), database.seq());
                    self.machine.handle_found(self.now(), channel, Some(found));
                }
                ServerOutput::Release(channel) => drop(self.channels.remove(&channel)),
                ServerOutput::Disconnect(_) => return None,
            }
        }
        Some(())
    }

    /// Everybody may write to each database that there is.
    fn authorize(&mut self, open: &Open) {
        let channel = open.channel;
        let Some(database) = self.server.databases.get(&open.database) else {
            let denial = Denial::new(DenialCode::Denied, "there is no such database");
            return self.machine.handle_authorized(self.now(), channel, Err(denial));
        };
        let mut seq = database.watch();
        let position = Checkpoint::new(database.incarnation(), RUN, *seq.borrow_and_update());
        let resumed = open
            .checkpoint
            .is_some_and(|at| *at.incarnation == database.incarnation() && *at.run == RUN);
        let changed = self.changed.clone();
        tokio::spawn(async move {
            while seq.changed().await.is_ok() {
                let now = *seq.borrow_and_update();
                if changed.send((channel, now)).await.is_err() {
                    break;
                }
            }
        });
        self.channels.insert(channel, database.clone());
        let grant = Grant { role: Role::Editor, position, resumed };
        self.machine.handle_authorized(self.now(), channel, Ok(grant));
    }
}

async fn commit(database: &Database, documents: Vec<ReplicatedDocument>) -> Committed {
    let replicate = |document| Operation::Replicate { document, acknowledges: false };
    let committed = database.commit(documents.into_iter().map(replicate).collect()).await.unwrap();
    let outcomes = committed.outcomes.into_iter();
    (outcomes.map(|outcome| outcome.map_err(|error| error.to_string())).collect(), committed.seq)
}
