//! One connection: hands what happens to the protocol's machine, and does what that says.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use axum::extract::ws::WebSocket;
use futures_util::future::BoxFuture;
use settee_sync::{Channel, Server, Time, message::GoodbyeCode, server::ServerOutput};
use tokio::time::{Instant, sleep_until};

use super::{
    Hub,
    job::{Done, Job},
    news::{News, Subscription},
    wire::{Event, Lost, Wire},
};
use crate::databases::Handle;

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
    jobs: VecDeque<Job>,
    running: Option<BoxFuture<'static, Done>>,
}

/// A channel's database, for as long as the channel is open.
struct Open {
    database: Handle,
    _news: Subscription,
}

/// How a connection ended.
enum End {
    Said(GoodbyeCode),
    Lost(Lost),
}

pub async fn run(hub: Arc<Hub>, socket: WebSocket) {
    tracing::debug!("connected");
    let machine = Server::new(Time::default(), hub.limits.clone(), AGENT);
    let mut connection = Connection {
        hub,
        machine,
        began: Instant::now(),
        wire: Wire::new(socket),
        channels: HashMap::new(),
        news: News::default(),
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
            let reads = self.jobs.len() < JOBS_LIMIT;
            tokio::select! {
                event = self.wire.next(reads) => match event {
                    Ok(Event::Frame(frame)) => self.machine.handle_frame(self.now(), &frame),
                    Ok(Event::Room) => {}
                    Err(lost) => return End::Lost(lost),
                },
                done = finished(&mut self.running) => {
                    self.running = None;
                    self.settle(done);
                }
                (channel, seq) = self.news.next() => self.machine.handle_news(self.now(), channel, seq),
                () = sleep_until(wake) => {
                    if self.wire.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
                        return End::Lost(Lost::Stalled);
                    }
                    self.machine.handle_timeout(self.now());
                }
                () = stopping.told() => self.machine.handle_stopping(),
            }
        }
    }

    /// Does what the machine says, until it says no more or to disconnect.
    fn obey(&mut self) -> Option<GoodbyeCode> {
        while let Some(output) = self.machine.poll_output() {
            match output {
                ServerOutput::Send(frame) => self.wire.send(frame),
                ServerOutput::Authorize(open) => self.jobs.push_back(Job::Authorize(open)),
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
            Done::Authorized(channel, decision) => {
                let decision = decision.map(|(grant, database)| {
                    let news = self.news.follow(channel, database.watch());
                    self.channels.insert(channel, Open { database, _news: news });
                    grant
                });
                self.machine.handle_authorized(self.now(), channel, decision);
            }
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
