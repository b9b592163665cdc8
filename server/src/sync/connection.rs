//! One connection: hands what happens to the protocol's machine, and does what that says.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use settee_sync::{
    Access, Channel, Denial, DenialCode, Role, Server, Time, message::GoodbyeCode,
    server::ServerOutput,
};
use tokio::time::{Instant, sleep_until};

use super::{
    Hub,
    authorize::{Granted, authorize, decide},
    grants::{Grants, Word},
    job::{Done, Job},
    news::{News, Subscription},
    transport::Transport,
    wire::{Event, Lost, Wire},
};
use crate::{databases::Handle, telemetry::short};

/// Most jobs that wait; then nothing is read until one is done.
const JOBS_LIMIT: usize = 16;
/// A time that doesn't come, for machines that wait for nothing.
const NEVER: Duration = Duration::from_hours(24);
const AGENT: &str = concat!("settee-server/", env!("CARGO_PKG_VERSION"));

struct Connection {
    hub: Arc<Hub>,
    machine: Server,
    began: Instant,
    wire: Wire,
    channels: HashMap<Channel, Open>,
    news: News,
    grants: Grants,
    jobs: VecDeque<Job>,
    running: Option<BoxFuture<'static, Done>>,
}

/// A channel's database, for as long as the channel is open.
struct Open {
    database: Handle,
    role: Role,
    credentials: Vec<u8>,
    _news: Subscription,
    grant: Subscription,
}

/// How a connection ended.
enum End {
    Said(GoodbyeCode),
    Lost(Lost),
}

pub async fn run(hub: Arc<Hub>, transport: impl Transport + 'static) {
    tracing::debug!("connected");
    let machine = Server::new(Time::default(), hub.limits.clone(), AGENT);
    let mut connection = Connection {
        hub,
        machine,
        began: Instant::now(),
        wire: Wire::new(transport),
        channels: HashMap::new(),
        news: News::default(),
        grants: Grants::default(),
        jobs: VecDeque::new(),
        running: None,
    };
    match connection.last().await {
        End::Said(code) => {
            tracing::debug!(?code, "disconnected");
            connection.wire.close(code).await;
        }
        End::Lost(reason) => tracing::debug!(%reason, "connection lost"),
    }
}

impl Connection {
    /// Works until the connection ends.
    async fn last(&mut self) -> End {
        let mut stopping = self.hub.stopping();
        loop {
            if let Some(code) = self.obey() {
                return End::Said(code);
            }
            self.start_job();
            let wake = self.wake();
            let reads = self.jobs.len() + self.grants.pending() < JOBS_LIMIT;
            // What the client says comes first: each request has its job, and with many jobs nothing is
            // read. Only its own connection can suffer from what it says in vain.
            tokio::select! {
                biased;
                () = stopping.told() => self.machine.handle_stopping(),
                event = self.wire.next(reads) => match event {
                    Ok(Event::Frame(frame)) => self.machine.handle_frame(self.now(), &frame),
                    Ok(Event::Room) => {}
                    Err(lost) => return End::Lost(lost),
                },
                () = sleep_until(wake) => {
                    if self.wire.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
                        return End::Lost(Lost::Stalled);
                    }
                    if !reads {
                        self.machine.handle_pause(self.now());
                    }
                    self.machine.handle_timeout(self.now());
                }
                done = finished(&mut self.running) => {
                    self.running = None;
                    self.settle(done);
                }
                word = self.grants.next() => self.hear(word),
                (channel, seq) = self.news.next() => self.machine.handle_news(self.now(), channel, seq),
            }
        }
    }

    /// Does what the machine says, until it says no more or to disconnect.
    fn obey(&mut self) -> Option<GoodbyeCode> {
        while let Some(output) = self.machine.poll_output() {
            match output {
                ServerOutput::Send(frame) => self.wire.send(frame),
                ServerOutput::Authorize(open) => {
                    self.grants.decide(authorize(self.hub.clone(), open));
                }
                ServerOutput::Commit { channel, batch, documents } => {
                    if let Some(database) = self.database(channel) {
                        self.jobs.push_back(Job::Commit { channel, batch, database, documents });
                    }
                }
                ServerOutput::Read { channel, since, limit } => {
                    if let Some(database) = self.database(channel) {
                        self.jobs.push_back(Job::Read { channel, database, since, limit });
                    }
                }
                ServerOutput::Digest { channel } => {
                    if let Some(database) = self.database(channel) {
                        self.jobs.push_back(Job::Digest { channel, database });
                    }
                }
                ServerOutput::Find { channel, ids } => {
                    if let Some(database) = self.database(channel) {
                        self.jobs.push_back(Job::Find { channel, database, ids });
                    }
                }
                ServerOutput::Release(channel) => drop(self.channels.remove(&channel)),
                ServerOutput::Disconnect(code) => return Some(code),
            }
        }
        None
    }

    fn start_job(&mut self) {
        // What is read is to be sent, so a client that takes nothing gets nothing read.
        if self.running.is_none() && !self.wire.is_full() {
            let job = self.jobs.pop_front();
            self.running = job.map(|job| -> BoxFuture<_> { Box::pin(job.run(self.hub.clone())) });
        }
    }

    fn settle(&mut self, done: Done) {
        match done {
            Done::Committed(channel, batch, committed) => {
                self.machine.handle_committed(self.now(), channel, batch, committed);
            }
            Done::Changes(channel, page) => {
                self.machine.handle_changes(self.now(), channel, page);
            }
            Done::Digests(channel, digests) => {
                self.machine.handle_digests(self.now(), channel, digests);
            }
            Done::Found(channel, found) => {
                self.machine.handle_found(self.now(), channel, found);
            }
        }
    }

    /// Word of what somebody may do.
    fn hear(&mut self, word: Word) {
        match word {
            Word::Opened(Granted { channel, credentials, decision }) => {
                let decision = decision.map(|(grant, database, until)| {
                    let open = Open {
                        _news: self.news.follow(channel, database.watch()),
                        grant: self.grants.watch(channel, until),
                        role: grant.role,
                        credentials,
                        database,
                    };
                    self.channels.insert(channel, open);
                    grant
                });
                self.machine.handle_authorized(self.now(), channel, decision);
            }
            Word::Doubtful(channel) => {
                let Some(open) = self.channels.get(&channel) else { return };
                let (name, credentials) = (open.database.name().to_owned(), &open.credentials);
                self.grants.decide(decide(self.hub.clone(), channel, name, credentials.clone()));
            }
            Word::Decided(channel, decision) => self.decided(channel, decision),
        }
    }

    /// What was granted holds no more, or goes on.
    fn decided(&mut self, channel: Channel, decision: Result<Access, Denial>) {
        let Some(open) = self.channels.get_mut(&channel) else { return };
        let denial = match decision {
            Ok(Access { role, until }) if role == open.role => {
                open.grant = self.grants.watch(channel, until);
                return;
            }
            Ok(_) => Denial::new(DenialCode::Downgraded, "this access allows something else now"),
            Err(denial) if denial.code == DenialCode::Denied => {
                Denial::new(DenialCode::Revoked, "this access was taken back")
            }
            Err(denial) => denial,
        };
        tracing::info!(database = short(open.database.name()), code = ?denial.code, "revoked");
        // What waits to be done for the channel is not done any more.
        self.jobs.retain(|job| job.channel() != channel);
        self.machine.handle_revoked(channel, denial);
    }

    fn database(&self, channel: Channel) -> Option<Handle> {
        self.channels.get(&channel).map(|open| open.database.clone())
    }

    fn now(&self) -> Time {
        Time::from_millis(0) + self.began.elapsed()
    }

    /// When to look at the clock again.
    fn wake(&self) -> Instant {
        let machine = self
            .machine
            .poll_timeout()
            .map(|time| self.began + time.since(Time::from_millis(0)) + Duration::from_millis(1));
        let soonest = machine.into_iter().chain(self.wire.deadline()).min();
        soonest.unwrap_or_else(|| Instant::now() + NEVER)
    }
}

async fn finished(running: &mut Option<BoxFuture<'static, Done>>) -> Done {
    match running {
        Some(job) => job.await,
        None => std::future::pending().await,
    }
}
