//! The task behind a client: it hands the machine what happens, and does what the machine says.

use std::{collections::HashMap, time::Duration};

use futures_util::{
    StreamExt,
    stream::{AbortHandle, Abortable, FuturesUnordered},
};
use settee_store::{BackendError, Database, DocumentId, Operation, backend::BoxFuture};
use settee_sync::{
    Checkpoint, Time,
    client::{self as machine, ClientOutput, Replica, Verdict},
    digest::{Digests, DocumentDigest},
};
use tokio::sync::{mpsc, watch};

use crate::{
    client::{CHECKPOINT, Command, Opening, Status},
    platform::{Clock, sleep, wall_clock},
    socket::{Connector, Socket, SocketError},
};

/// How many documents are read or marked at once.
const PAGE: usize = 1000;
/// How long a database may take for anything. One that takes longer is tried again later.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who wakes so much later than planned has slept.
const OVERSLEPT: Duration = Duration::from_secs(5);

type News = Abortable<BoxFuture<'static, (Replica, Option<watch::Receiver<u64>>)>>;

pub(crate) struct Driver {
    connector: Box<dyn Connector>,
    machine: machine::Client,
    clock: Clock,
    commands: mpsc::Receiver<Command>,
    status: watch::Sender<Status>,
    databases: HashMap<Replica, Followed>,
    /// Word of changes to each of the databases.
    news: FuturesUnordered<News>,
    socket: Option<Box<dyn Socket>>,
    connecting: Option<BoxFuture<'static, Result<Box<dyn Socket>, SocketError>>>,
    /// Somebody else syncs one of the databases now.
    is_superseded: bool,
}

/// A database that is kept in sync.
struct Followed {
    database: Database,
    /// Of the wait for its next change.
    news: Option<AbortHandle>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(news) = &self.news {
            news.abort();
        }
    }
}

enum Event {
    Command(Option<Command>),
    Connected(Result<Box<dyn Socket>, SocketError>),
    Frame(Result<Option<Vec<u8>>, SocketError>),
    News(Replica, Option<watch::Receiver<u64>>),
    Timeout,
}

impl Driver {
    pub fn new(
        connector: Box<dyn Connector>,
        machine: machine::Client,
        commands: mpsc::Receiver<Command>,
        status: watch::Sender<Status>,
    ) -> Self {
        Self {
            connector,
            machine,
            clock: Clock,
            commands,
            status,
            databases: HashMap::new(),
            news: FuturesUnordered::new(),
            socket: None,
            connecting: None,
            is_superseded: false,
        }
    }

    pub async fn run(mut self) {
        self.machine.handle_start(self.now());
        loop {
            self.drain().await;
            if self.is_superseded {
                break;
            }
            let planned = self.machine.poll_timeout().map(|at| at.since(self.now()));
            let before = wall_clock();
            let event = self.next_event().await;
            // The machine's clock may stand while the device sleeps, and the wall's does not. It is
            // asked for a hint alone: who wakes in vain has looked once more whether all is well.
            let passed = wall_clock().saturating_sub(before);
            let has_slept = planned.is_some_and(|planned| passed > planned + OVERSLEPT);
            // What has just been connected isn't given up for having hung.
            if has_slept && !matches!(event, Event::Connected(_)) {
                self.machine.handle_wake(self.now());
            }
            match event {
                Event::Command(None) => break,
                Event::Command(Some(command)) => self.obey(command).await,
                Event::Connected(Ok(socket)) => {
                    self.connecting = None;
                    self.socket = Some(socket);
                    self.machine.handle_connected(self.now());
                }
                Event::Connected(Err(_)) | Event::Frame(Ok(None) | Err(_)) => {
                    self.hang_up();
                    self.machine.handle_disconnected(self.now());
                }
                Event::Frame(Ok(Some(frame))) => self.machine.handle_frame(self.now(), &frame),
                Event::News(replica, receiver) => self.tell_news(replica, receiver).await,
                Event::Timeout => self.machine.handle_timeout(self.now()),
            }
        }
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn next_event(&mut self) -> Event {
        let wait = self.machine.poll_timeout().map(|at| at.since(self.clock.now()));
        let timeout = async {
            match wait {
                Some(wait) => {
                    sleep(wait).await;
                    // A browser hands over frames that have come only once the page is idle.
                    sleep(Duration::ZERO).await;
                }
                None => std::future::pending().await,
            }
        };
        let connecting = &mut self.connecting;
        let connected = async {
            match connecting {
                Some(connecting) => connecting.await,
                None => std::future::pending().await,
            }
        };
        let socket = &mut self.socket;
        let frame = async {
            match socket {
                Some(socket) => socket.receive().await,
                None => std::future::pending().await,
            }
        };
        let happened = async {
            tokio::select! {
                command = self.commands.recv() => Event::Command(command),
                (replica, receiver) = next_news(&mut self.news) => Event::News(replica, receiver),
                connected = connected => Event::Connected(connected),
                frame = frame => Event::Frame(frame),
            }
        };
        // What came while the program was busy comes before the time: a server isn't silent whose
        // word nobody has taken.
        tokio::select! {
            biased;
            event = happened => event,
            () = timeout => Event::Timeout,
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Open { opening, checkpoint, reply } => {
                let Opening { database, name, credentials, is_lazy } = opening;
                let now = self.now();
                let replica = self.machine.handle_add(now, name, credentials, checkpoint, is_lazy);
                let receiver = database.watch();
                self.databases.insert(replica, Followed { database, news: None });
                self.tell_news(replica, Some(receiver)).await;
                // Whoever asked may be gone; the database stays in sync all the same.
                let _ = reply.send(replica);
            }
            Command::Close(replica) => {
                self.databases.remove(&replica);
                self.machine.handle_remove(self.now(), replica);
            }
            Command::Credentials(replica, credentials) => {
                self.machine.handle_credentials(self.now(), replica, credentials);
            }
            Command::Wake => self.machine.handle_wake(self.now()),
            Command::Offline => self.machine.handle_offline(self.now()),
        }
    }

    /// Tells the machine how a database stands, and waits for its next change.
    async fn tell_news(&mut self, replica: Replica, receiver: Option<watch::Receiver<u64>>) {
        let (Some(mut receiver), Some(followed)) = (receiver, self.databases.get_mut(&replica))
        else {
            return;
        };
        receiver.borrow_and_update();
        let counts = limited(followed.database.counts()).await;
        let is_known = counts.is_ok();
        if let Ok(counts) = counts {
            self.machine.handle_news(self.clock.now(), replica, counts);
        }
        let (handle, registration) = AbortHandle::new_pair();
        followed.news = Some(handle);
        let news: BoxFuture<'static, _> = Box::pin(async move {
            let is_open = if is_known {
                receiver.changed().await.is_ok()
            } else {
                // Nothing may change for long, and how it stands has to be known.
                sleep(PATIENCE).await;
                true
            };
            (replica, is_open.then_some(receiver))
        });
        self.news.push(Abortable::new(news, registration));
    }

    async fn drain(&mut self) {
        while !self.is_superseded
            && let Some(output) = self.machine.poll_output()
        {
            match output {
                ClientOutput::Connect => {
                    self.hang_up();
                    self.connecting = Some(self.connector.connect());
                }
                ClientOutput::Disconnect => self.hang_up(),
                ClientOutput::Send(frame) => self.send(frame).await,
                ClientOutput::ReadPending { replica, limit } => {
                    let Some(database) = self.database(replica) else { continue };
                    match limited(database.pending(limit)).await {
                        Ok(records) => {
                            self.machine.handle_pending(self.clock.now(), replica, &records);
                        }
                        Err(_) => self.machine.handle_failed(self.clock.now(), replica),
                    }
                }
                ClientOutput::Commit { replica, batch, documents, checkpoint } => {
                    let Some(database) = self.database(replica) else { continue };
                    let operations = documents
                        .into_iter()
                        .map(|document| Operation::Replicate { document, acknowledges: true })
                        .chain(checkpoint.map(remember))
                        .collect();
                    let committed = limited(database.commit(operations)).await;
                    self.note(&committed);
                    let rejected = committed
                        .map(|commit| commit.outcomes.iter().filter(|o| o.is_err()).count());
                    self.machine.handle_committed(self.clock.now(), replica, batch, rejected.ok());
                }
                ClientOutput::Settle { replica, verdict } => self.settle(replica, verdict).await,
                ClientOutput::Digest { replica } => {
                    let Some(database) = self.database(replica) else { continue };
                    let digests = limited(digests(&database)).await.ok();
                    self.machine.handle_digests(self.clock.now(), replica, digests);
                }
                ClientOutput::Resend { replica, ids } => {
                    let Some(database) = self.database(replica) else { continue };
                    let marked = limited(mark_for_sending(&database, ids)).await;
                    self.note(&marked);
                    self.machine.handle_resent(self.clock.now(), replica, marked.is_ok());
                }
                ClientOutput::Find { replica, ids } => {
                    let Some(database) = self.database(replica) else { continue };
                    let found = limited(database.records(ids)).await.ok();
                    self.machine.handle_found(replica, found.as_deref());
                }
                ClientOutput::StatusChanged => self.publish(),
            }
        }
    }

    async fn send(&mut self, frame: Vec<u8>) {
        let Some(socket) = &mut self.socket else { return };
        let wait = sleep(settee_sync::Limits::default().answer);
        let is_sent = tokio::select! {
            sent = socket.send(frame) => sent.is_ok(),
            () = wait => false,
        };
        if !is_sent {
            self.hang_up();
            self.machine.handle_disconnected(self.now());
        }
    }

    async fn settle(&mut self, replica: Replica, verdict: Verdict) {
        let Some(database) = self.database(replica) else { return };
        let Verdict { acknowledged, refused, checkpoint } = verdict;
        let ids: Vec<_> = acknowledged
            .iter()
            .map(|(id, _)| id.clone())
            .chain(refused.iter().map(|(id, ..)| id.clone()))
            .collect();
        let acknowledged = acknowledged
            .into_iter()
            .map(|(id, revisions)| Operation::Acknowledge { id, revisions });
        let refused = refused.into_iter().map(|(id, revisions, reason)| Operation::Refuse {
            id,
            revisions,
            reason,
        });
        let operations = acknowledged.chain(refused).chain(checkpoint.map(remember)).collect();
        let settled = limited(database.commit(operations)).await;
        self.note(&settled);
        // A verdict that can't be written down is learnt anew: the documents are still pending.
        match settled {
            Ok(_) => self.machine.handle_settled(replica, &ids),
            Err(_) => self.machine.handle_failed(self.clock.now(), replica),
        }
    }

    /// A client that was superseded stops: whoever runs it has to begin a term of their own.
    fn note<T>(&mut self, outcome: &Result<T, BackendError>) {
        self.is_superseded |= matches!(outcome, Err(BackendError::Superseded));
    }

    fn database(&self, replica: Replica) -> Option<Database> {
        self.databases.get(&replica).map(|followed| followed.database.clone())
    }

    fn hang_up(&mut self) {
        self.socket = None;
        self.connecting = None;
    }

    fn publish(&self) {
        let replicas = self
            .databases
            .keys()
            .filter_map(|replica| Some((*replica, self.machine.replica_status(*replica)?)));
        let status =
            Status { connection: self.machine.connection_status(), replicas: replicas.collect() };
        self.status.send_if_modified(|known| {
            let is_new = *known != status;
            *known = status;
            is_new
        });
    }
}

/// Word of a change, for ever waited for if there is nothing to hear of. What was given up is none.
async fn next_news(news: &mut FuturesUnordered<News>) -> (Replica, Option<watch::Receiver<u64>>) {
    loop {
        match news.next().await {
            Some(Ok(heard)) => return heard,
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// What a database answers, or that it has taken too long: then it may still come to be done.
async fn limited<T>(
    answer: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, BackendError> {
    tokio::select! {
        biased;
        answer = answer => answer,
        () = sleep(PATIENCE) => Err(BackendError::Failed("the store takes too long".into())),
    }
}

fn remember(checkpoint: Checkpoint) -> Operation {
    Operation::Local { key: CHECKPOINT.to_owned(), value: Some(checkpoint.encode()) }
}

/// All documents, to be compared.
async fn digests(database: &Database) -> Result<Vec<DocumentDigest>, BackendError> {
    let mut digests = Digests::default();
    loop {
        let records = database.changes(digests.seq(), PAGE).await?;
        if records.is_empty() {
            return Ok(digests.into_documents());
        }
        digests.add(records.iter().map(AsRef::as_ref));
    }
}

/// Marks documents as pending. Those that were marked before it failed are only sent in vain.
async fn mark_for_sending(database: &Database, ids: Vec<DocumentId>) -> Result<(), BackendError> {
    for page in ids.chunks(PAGE) {
        let operations = page.iter().map(|id| Operation::Resend { id: id.clone() });
        database.commit(operations.collect()).await?;
    }
    Ok(())
}
