//! One connection: it hands what happens to the protocol's machine, and does what that says.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::FutureExt;
use settee_sync::{
    Channel, Denial, DenialCode, Server, Time, message::GoodbyeCode, server::ServerOutput,
};
use tokio::time::{Instant, sleep_until};

use crate::{
    authorize::{Decided, Granted, authorize, decide_again},
    databases::Handle,
    grants::{GrantEvent, Grants},
    guests::Guest,
    hub::Hub,
    job::{Done, Grant, Job, Task},
    jobs::Jobs,
    news::{News, Subscription},
    pace::Pace,
    policy::Access,
    presence::{Arrivals, Here},
    shared::Ruling,
    transport::{Transport, TransportError},
    visitors::Visitor,
    wire::{Event, Lost, Wire},
    work::Held,
};

/// How far away the next wake-up is if the connection waits for no time.
const NEVER: Duration = Duration::from_hours(24);
/// Of how many bytes that wait to be sent a client still takes word of others.
const CALM: usize = 32 * 1024;
/// How soon a connection looks again whether there is room.
const CROWDED: Duration = Duration::from_millis(20);

/// Who is at the other end, as far as it counts for quotas.
pub struct Client {
    pub visitor: Arc<Visitor>,
    /// What the connection holds in memory.
    pub held: Arc<Held>,
}

struct Connection {
    hub: Arc<Hub>,
    client: Client,
    pace: Pace,
    machine: Server,
    began: Instant,
    wire: Wire,
    channels: HashMap<Channel, Open>,
    news: News,
    arrivals: Arrivals,
    grants: Grants,
    jobs: Jobs,
}

/// A channel's database, for as long as the channel is open.
struct Open {
    database: Handle,
    grant: Grant,
    /// Something was withheld from the client, so the channel can't go on.
    is_broken: bool,
    _news: Subscription,
    watched: Subscription,
    /// Somebody is here.
    here: Option<Here>,
    /// Word of others. It goes on while nobody is here, so that leaving doesn't quicken its pace.
    arrivals: Option<Subscription>,
    /// For the clerk, if there is one.
    _guest: Option<Guest>,
}

/// How a connection ended: the machine closed it, or it was lost.
enum End {
    Said(GoodbyeCode),
    Lost(Lost),
}

pub async fn run(hub: Arc<Hub>, client: Client, transport: Box<dyn Transport>) {
    tracing::debug!("connected");
    let machine = Server::new(Time::default(), hub.limits.clone(), hub.agent.as_str());
    let pace = Pace::new(hub.quotas.frames_per_second, hub.quotas.bytes_per_second);
    let mut connection = Connection {
        hub,
        client,
        pace,
        machine,
        began: Instant::now(),
        wire: Wire::new(transport),
        channels: HashMap::new(),
        news: News::default(),
        arrivals: Arrivals::default(),
        grants: Grants::default(),
        jobs: Jobs::default(),
    };
    match connection.run_until_closed().await {
        End::Said(code) => {
            tracing::debug!(?code, "disconnected");
            connection.wire.close(code).await;
        }
        End::Lost(Lost::Transport(TransportError::TooLong)) => {
            tracing::info!("a frame is longer than the limit");
            connection.wire.reject().await;
        }
        End::Lost(reason) => tracing::debug!(%reason, "connection lost"),
    }
}

impl Connection {
    async fn run_until_closed(&mut self) -> End {
        let mut stopping = self.hub.stopping.clone();
        loop {
            if let Some(code) = self.apply_outputs() {
                return End::Said(code);
            }
            // What is read is to be sent, so nothing is read for a client that takes nothing.
            if !self.wire.is_full() {
                self.jobs.start(&self.hub);
            }
            // The latest changes are in memory, so reading them is done as soon as it has begun.
            if let Some((channel, done)) = self.jobs.next().now_or_never() {
                self.settle(channel, done);
                continue;
            }
            self.client.held.set_waiting(self.wire.weight());
            let resumes = self.resumes();
            let wake = self.wake().min(resumes.unwrap_or_else(|| Instant::now() + NEVER));
            let reads = resumes.is_none() && self.jobs.have_room(self.grants.deciding());
            // After what is done, what the client says comes first. Each request costs it a job, and with many jobs
            // nothing is read, so it can hold up only its own connection.
            tokio::select! {
                biased;
                () = stopping.told() => self.machine.handle_stopping(),
                event = self.wire.next(reads) => match event {
                    Ok(Event::Frame(frame)) => {
                        self.pace.count(frame.len());
                        self.machine.handle_frame(self.now(), &frame);
                        self.client.held.frame_done(self.machine.unfinished());
                    }
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
                (channel, done) = self.jobs.next() => self.settle(channel, done),
                event = self.grants.next() => self.on_grant_event(event),
                (channel, seq) = self.news.next() => match seq {
                    Some(seq) => self.machine.handle_news(self.now(), channel, seq),
                    None => self.on_database_closed(channel),
                },
                // A slow client isn't told of every change, but of the latest.
                channel = self.arrivals.next(), if self.wire.weight() < CALM => {
                    self.tell_others(channel);
                }
            }
        }
    }

    /// Does what the machine says, until it says no more or to disconnect.
    fn apply_outputs(&mut self) -> Option<GoodbyeCode> {
        while let Some(output) = self.machine.poll_output() {
            match output {
                ServerOutput::Send(frame) => self.wire.send(frame),
                ServerOutput::Authorize(open) => {
                    let visitor = self.client.visitor.clone();
                    self.grants.decide(authorize(self.hub.clone(), visitor, open));
                }
                ServerOutput::Commit { channel, batch, documents } => {
                    self.ask(channel, Task::Commit { batch, documents });
                }
                ServerOutput::Read { channel, since, limit } => {
                    self.ask(channel, Task::Read { since, limit });
                }
                ServerOutput::Digest { channel } => self.ask(channel, Task::Digest),
                ServerOutput::Find { channel, ids } => self.ask(channel, Task::Find { ids }),
                ServerOutput::Here { channel, state } => self.show(channel, state),
                ServerOutput::Release(channel) => drop(self.channels.remove(&channel)),
                ServerOutput::Disconnect(code) => return Some(code),
            }
        }
        None
    }

    fn ask(&mut self, channel: Channel, task: Task) {
        if let Some(open) = self.channels.get(&channel) {
            let share = self.client.held.share(task.weight());
            let (database, grant) = (open.database.clone(), open.grant.clone());
            self.jobs.add(Job { channel, database, grant, task, share });
        }
    }

    fn settle(&mut self, channel: Channel, done: Done) {
        let now = self.now();
        match done {
            Done::Committed(batch, committed) => {
                self.machine.handle_committed(now, channel, batch, committed);
            }
            Done::Changes(page) => self.machine.handle_changes(now, channel, page),
            Done::Digests(digests) => {
                self.machine.handle_digests(now, channel, digests.as_deref());
            }
            Done::Found(found) => self.machine.handle_found(now, channel, found),
            Done::Withheld => {
                if let Some(open) = self.channels.get_mut(&channel) {
                    open.is_broken = true;
                    self.decide_again(channel);
                }
            }
        }
    }

    /// Somebody is here, or nobody any more.
    fn show(&mut self, channel: Channel, state: Option<Vec<u8>>) {
        let Some(open) = self.channels.get_mut(&channel) else { return };
        let Some(state) = state else { return open.here = None };
        let shared = &open.database.shared;
        match &open.here {
            Some(here) => here.say(state),
            None => open.here = Here::new(shared.clone(), state),
        }
        if open.arrivals.is_none() {
            open.arrivals = Some(self.arrivals.follow(channel, shared.clone()));
        }
    }

    /// Tells a client who else is here, unless its grant is being decided on again.
    fn tell_others(&mut self, channel: Channel) {
        let Some(open) = self.channels.get_mut(&channel) else { return };
        let here = open.here.as_mut().filter(|_| open.grant.ruling.holds());
        if let Some(others) = here.and_then(Here::others) {
            self.machine.handle_others(channel, others);
        }
    }

    fn on_grant_event(&mut self, event: GrantEvent) {
        match event {
            GrantEvent::Opened(Decided { channel, credentials, decision }) => {
                let decision = decision.map(|granted| {
                    let Granted { grant, database, tag, adds, named, ruling, until } = granted;
                    let (role, credentials) = (grant.role, credentials.into());
                    let open = Open {
                        _news: self.news.follow(channel, database.watch()),
                        watched: self.grants.watch(channel, until),
                        grant: Grant { role, tag, adds, credentials, ruling },
                        is_broken: false,
                        here: None,
                        arrivals: None,
                        _guest: named.and_then(|grant| database.guest(grant)),
                        database,
                    };
                    self.channels.insert(channel, open);
                    grant
                });
                self.machine.handle_authorized(self.now(), channel, decision);
            }
            GrantEvent::Recheck(channel) => self.decide_again(channel),
            GrantEvent::Rechecked(channel, decision) => self.rechecked(channel, decision),
        }
    }

    fn decide_again(&mut self, channel: Channel) {
        let Some(open) = self.channels.get(&channel) else { return };
        let (name, credentials) =
            (open.database.name().to_owned(), open.grant.credentials.to_vec());
        self.grants.decide(decide_again(self.hub.clone(), channel, name, credentials));
    }

    /// A grant goes on, or ends.
    fn rechecked(&mut self, channel: Channel, decision: Result<(Access, Ruling), Denial>) {
        let Some(open) = self.channels.get_mut(&channel) else { return };
        let denial = match decision {
            Ok((access, ruling)) if open.grant.is_of(&access) && !open.is_broken => {
                open.grant.ruling = ruling;
                open.watched = self.grants.watch(channel, access.until);
                return self.tell_others(channel);
            }
            Ok(_) => Denial::new(DenialCode::Downgraded, "this access allows something else now"),
            Err(denial) if denial.code == DenialCode::Denied => {
                Denial::new(DenialCode::Revoked, "this access was taken back")
            }
            Err(denial) => denial,
        };
        self.revoke(channel, denial);
    }

    /// The database was deleted, or its storage has been closed.
    fn on_database_closed(&mut self, channel: Channel) {
        let denial = Denial::new(DenialCode::Unavailable, "the server has closed the database");
        self.revoke(channel, denial);
    }

    fn revoke(&mut self, channel: Channel, denial: Denial) {
        let Some(open) = self.channels.get(&channel) else { return };
        tracing::info!(database = open.database.short_name(), code = ?denial.code, "revoked");
        self.jobs.drop_waiting(channel);
        self.machine.handle_revoked(channel, denial);
    }

    /// When the next frame may be read, if not now: the client is too fast, or all connections together
    /// hold too much.
    fn resumes(&self) -> Option<Instant> {
        let crowded = (!self.client.held.has_room()).then(|| Instant::now() + CROWDED);
        self.pace.resumes().filter(|at| *at > Instant::now()).into_iter().chain(crowded).max()
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
        let others = self.wire.deadline().into_iter().chain(self.jobs.next_stuck());
        let soonest = machine.into_iter().chain(others).min();
        soonest.unwrap_or_else(|| Instant::now() + NEVER)
    }
}
