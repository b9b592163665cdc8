//! The task behind a client: it tells the machine what happens, and does what the machine asks for.
//!
//! It awaits nothing but the next event. Requests to databases run as [`Jobs`], and frames wait in a
//! [`Wire`], so neither a slow database nor a slow server blocks anything else.

use std::time::Duration;

use settee_store::backend::BoxFuture;
use settee_sync::{
    Limits, Time,
    client::{self as machine, ClientOutput, Replica},
};
use tokio::sync::{mpsc, watch};

use crate::{
    command::{Command, Opening, Status},
    job::{Answer, Job, PATIENCE},
    jobs::{Done, Jobs},
    news::News,
    platform::{Clock, sleep, wall_clock},
    socket::{Connector, Socket, SocketError},
    wire::Wire,
};

/// The driver has slept if it wakes so much later than planned.
const OVERSLEPT: Duration = Duration::from_secs(5);
/// How much may wait for one database, as a multiple of a channel's credit. A server that observes
/// the credit stays far below it.
const QUEUED_CREDITS: usize = 4;

pub(crate) struct Driver {
    connector: Box<dyn Connector>,
    limits: Limits,
    machine: machine::Client,
    clock: Clock,
    commands: mpsc::Receiver<Command>,
    status: watch::Sender<Status>,
    jobs: Jobs,
    news: News,
    wire: Option<Wire>,
    connecting: Option<BoxFuture<'static, Result<Box<dyn Socket>, SocketError>>>,
    /// Somebody else syncs one of the databases now.
    is_superseded: bool,
}

enum Event {
    Command(Option<Command>),
    Connected(Box<dyn Socket>),
    /// Connecting has failed, or the connection is lost.
    Disconnected,
    Frame(Vec<u8>),
    Done(Done),
    /// A database may have changed.
    Changed(Replica),
    Timeout,
}

impl Driver {
    pub fn new(
        connector: Box<dyn Connector>,
        limits: Limits,
        machine: machine::Client,
        commands: mpsc::Receiver<Command>,
        status: watch::Sender<Status>,
    ) -> Self {
        Self {
            connector,
            machine,
            clock: Clock::start(),
            commands,
            status,
            jobs: Jobs::new(limits.credit.saturating_mul(QUEUED_CREDITS)),
            limits,
            news: News::default(),
            wire: None,
            connecting: None,
            is_superseded: false,
        }
    }

    /// Runs until the last handle is gone, or somebody else syncs one of the databases.
    pub async fn run(mut self) {
        self.machine.handle_start(self.now());
        loop {
            self.apply_outputs();
            if self.is_superseded {
                break;
            }
            self.jobs.begin();
            let planned = self.machine.poll_timeout().map(|at| at.since(self.now()));
            let before = wall_clock();
            let event = self.next_event().await;
            // The machine's clock may stand still while the device sleeps; the wall clock doesn't.
            // It serves as a hint only: the machine then asks whether the server is there.
            let passed = wall_clock().saturating_sub(before);
            let has_slept = planned.is_some_and(|planned| passed > planned + OVERSLEPT);
            // A connection that was just made needs no such question.
            if has_slept && !matches!(event, Event::Connected(_)) {
                self.machine.handle_wake(self.now());
            }
            match event {
                Event::Command(None) => break,
                Event::Command(Some(command)) => self.obey(command),
                Event::Connected(socket) => {
                    self.connecting = None;
                    self.wire = Some(Wire::new(socket, self.clock, self.limits.answer));
                    self.machine.handle_connected(self.now());
                }
                Event::Disconnected => {
                    self.hang_up();
                    self.machine.handle_disconnected(self.now());
                }
                Event::Frame(frame) => self.machine.handle_frame(self.now(), &frame),
                Event::Done(done) => self.finish(done),
                Event::Changed(replica) => self.jobs.count(replica, None),
                Event::Timeout => self.machine.handle_timeout(self.now()),
            }
        }
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn next_event(&mut self) -> Event {
        if let Some(wire) = &mut self.wire
            && wire.flush().await.is_err()
        {
            return Event::Disconnected;
        }
        let stalled = self.wire.as_ref().and_then(Wire::deadline);
        let wake = self.machine.poll_timeout().into_iter().chain(stalled).min();
        let wait = wake.map(|at| at.since(self.clock.now()));
        let timeout = async {
            match wait {
                Some(wait) => {
                    sleep(wait).await;
                    // A browser delivers frames that have arrived only once the page is idle.
                    sleep(Duration::ZERO).await;
                }
                None => std::future::pending().await,
            }
        };
        let happened = async {
            tokio::select! {
                command = self.commands.recv() => Event::Command(command),
                done = self.jobs.next() => Event::Done(done),
                replica = self.news.next() => Event::Changed(replica),
                event = connected(&mut self.connecting) => event,
                event = received(&mut self.wire) => event,
            }
        };
        // What has arrived while the program was busy goes before the timeout: a server whose frames
        // weren't read yet isn't silent.
        let event = tokio::select! {
            biased;
            event = happened => event,
            () = timeout => Event::Timeout,
        };
        let is_stalled = self.wire.as_ref().is_some_and(Wire::is_stalled);
        if matches!(event, Event::Timeout) && is_stalled { Event::Disconnected } else { event }
    }

    fn obey(&mut self, command: Command) {
        // A reply fails if the handle has stopped waiting for it, which changes nothing.
        match command {
            Command::Open { opening, checkpoint, reply } => {
                let Opening { database, name, credentials, is_lazy } = opening;
                let now = self.now();
                let replica = self.machine.handle_add(now, name, credentials, checkpoint, is_lazy);
                self.jobs.add(replica, database);
                self.jobs.count(replica, None);
                self.publish();
                let _ = reply.send(replica);
            }
            Command::Close { replica, reply } => {
                self.jobs.remove(replica);
                self.news.forget(replica);
                self.machine.handle_remove(self.now(), replica);
                self.publish();
                let _ = reply.send(());
            }
            Command::Credentials { replica, credentials, reply } => {
                self.machine.handle_credentials(self.now(), replica, credentials);
                self.publish();
                let _ = reply.send(());
            }
            Command::Count { replica, reply } => self.jobs.count(replica, Some(reply)),
            Command::Here { replica, state } => {
                self.machine.handle_here(self.now(), replica, state);
            }
            Command::Wake => self.machine.handle_wake(self.now()),
            Command::Offline => self.machine.handle_offline(self.now()),
        }
    }

    fn apply_outputs(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                ClientOutput::Connect => {
                    self.hang_up();
                    self.connecting = Some(self.connector.connect(&self.limits));
                }
                ClientOutput::Disconnect => self.hang_up(),
                ClientOutput::Send(frame) => {
                    if let Some(wire) = &mut self.wire {
                        wire.send(frame);
                    }
                }
                ClientOutput::ReadPending { replica, limit } => {
                    self.ask(replica, Job::ReadPending { limit });
                }
                ClientOutput::Commit { replica, batch, documents, checkpoint, reconciles } => {
                    self.ask(replica, Job::Commit { batch, documents, checkpoint, reconciles });
                }
                ClientOutput::Settle { replica, verdict } => {
                    self.ask(replica, Job::Settle(verdict));
                }
                ClientOutput::Digest { replica } => self.ask(replica, Job::Digest),
                ClientOutput::Resend { replica, ids } => self.ask(replica, Job::Resend(ids)),
                ClientOutput::Find { replica, ids } => self.ask(replica, Job::Find(ids)),
                ClientOutput::StatusChanged => self.publish(),
            }
        }
    }

    fn ask(&mut self, replica: Replica, job: Job) {
        // The server sends faster than the store saves, and doesn't wait for acknowledgements.
        if self.jobs.push(replica, job).is_err() {
            self.machine.handle_failed(self.now(), replica);
        }
    }

    /// Tells the machine what a database has answered.
    fn finish(&mut self, done: Done) {
        // The client ends. Whoever runs it may begin a new term with another client.
        self.is_superseded |= done.answer.is_superseded();
        if !self.jobs.is_awaited(&done) {
            return;
        }
        let (now, replica) = (self.now(), done.replica);
        match done.answer {
            Answer::Counted { counts, seq, asked } => {
                match &counts {
                    Ok(counts) => {
                        self.machine.handle_news(now, replica, *counts);
                        self.news.wait_for_change(replica, seq);
                    }
                    // Nothing is synced before the count is known, so it is tried again.
                    Err(_) => self.news.wait_for_time(replica, PATIENCE),
                }
                // The machine announces what has changed; who asked gets the status before the reply.
                if !asked.is_empty() {
                    self.publish();
                }
                for reply in asked {
                    let _ = reply.send(counts.clone().map(drop));
                }
            }
            Answer::Pending(Ok(records)) => self.machine.handle_pending(now, replica, &records),
            Answer::Committed(batch, rejected) => {
                self.machine.handle_committed(now, replica, batch, rejected.ok());
            }
            Answer::Settled(ids, Ok(())) => self.machine.handle_settled(replica, &ids),
            // After a verdict that isn't saved the documents are still pending, so they are sent again.
            Answer::Pending(Err(_)) | Answer::Settled(_, Err(_)) => {
                self.machine.handle_failed(now, replica);
            }
            Answer::Digests(digests) => self.machine.handle_digests(now, replica, digests.ok()),
            Answer::Resent(marked) => self.machine.handle_resent(now, replica, marked.is_ok()),
            Answer::Found(found) => self.machine.handle_found(replica, found.ok().as_deref()),
        }
    }

    fn hang_up(&mut self) {
        self.wire = None;
        self.connecting = None;
    }

    /// Publishes the status, and drops the jobs of channels that have ended. The machine announces
    /// each change of a channel's status, so none can end and be opened again in between.
    fn publish(&mut self) {
        let replicas = self.jobs.replicas();
        let replicas =
            replicas.filter_map(|replica| Some((replica, self.machine.replica_status(replica)?)));
        let status = Status {
            connection: self.machine.connection_status(),
            server: self.machine.server(),
            replicas: replicas.collect(),
        };
        for (replica, status) in &status.replicas {
            if status.channel != machine::status::ChannelStatus::Open {
                self.jobs.end_channel(*replica);
            }
        }
        self.status.send_if_modified(|known| {
            let is_new = *known != status;
            *known = status;
            is_new
        });
    }
}

async fn connected(
    connecting: &mut Option<BoxFuture<'static, Result<Box<dyn Socket>, SocketError>>>,
) -> Event {
    match connecting {
        Some(connecting) => connecting.await.map_or(Event::Disconnected, Event::Connected),
        None => std::future::pending().await,
    }
}

async fn received(wire: &mut Option<Wire>) -> Event {
    match wire {
        Some(wire) => match wire.receive().await {
            Ok(Some(frame)) => Event::Frame(frame),
            Ok(None) | Err(_) => Event::Disconnected,
        },
        None => std::future::pending().await,
    }
}
