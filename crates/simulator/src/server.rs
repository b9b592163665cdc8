//! The server: databases on a disk that lasts, and a process with a machine for each connection.
//!
//! As in the real one, a connection's jobs are done one after the other while it goes on reading,
//! and what a job has found on the disk reaches the machine some time later.

mod disk;

use std::collections::{BTreeMap, VecDeque};

use settee_store::{Applied, DocumentId, Operation, replication::ReplicatedDocument};
use settee_sync::{
    Channel, Denial, DenialCode, Role, Server, Time,
    digest::Digests,
    message::{BatchNumber, GoodbyeCode, Open},
    server::{Committed, Found, Grant, Page, ServerOutput},
};

use crate::{
    Sabotage, Violation,
    agenda::Event,
    at_once,
    context::Context,
    faults::Fate,
    network::{Direction, LinkId},
    plan::is_welcome,
    records,
    scenario::Standing,
};

pub use disk::{Disk, Loss};

/// Most jobs that wait on a connection. Clients don't send past their credit, so they are few.
const JOBS_LIMIT: usize = 200;

pub struct Actor {
    pub disks: Vec<Disk>,
    /// Of the protocol.
    versions: &'static [u8],
    /// What each client is in each database.
    standings: BTreeMap<(usize, usize), Standing>,
    is_running: bool,
    connections: BTreeMap<LinkId, Connection>,
}

struct Connection {
    machine: Server,
    jobs: VecDeque<Job>,
    /// What a job has found, on its way to the machine.
    done: Option<Done>,
    is_working: bool,
    channels: BTreeMap<Channel, Opened>,
    armed: Option<Time>,
}

struct Opened {
    disk: usize,
    role: Role,
    has_news: bool,
}

enum Job {
    Authorize(Open),
    Commit {
        channel: Channel,
        batch: BatchNumber,
        disk: usize,
        documents: Vec<ReplicatedDocument>,
    },
    /// Sabotage: the machine was told already.
    CommitUnheard {
        disk: usize,
        documents: Vec<ReplicatedDocument>,
    },
    Read {
        channel: Channel,
        disk: usize,
        since: u64,
        limit: usize,
    },
    Digest {
        channel: Channel,
        disk: usize,
    },
    Find {
        channel: Channel,
        disk: usize,
        ids: Vec<DocumentId>,
    },
}

enum Done {
    Authorized(Channel, Result<(Grant, usize), Denial>),
    Committed(Channel, BatchNumber, Option<Committed>),
    Changes(Channel, Option<Page>),
    Digests(Channel, Digests),
    Found(Channel, Option<Found>),
    /// The machine knows already.
    Nothing,
}

impl Actor {
    pub fn new(context: &mut Context, disks: usize, versions: &'static [u8]) -> Self {
        let disks = (0..disks).map(|_| Disk::new(context.random.bytes()));
        Self {
            disks: disks.collect(),
            versions,
            standings: BTreeMap::new(),
            is_running: false,
            connections: BTreeMap::new(),
        }
    }

    pub fn admit(&mut self, client: usize, disk: usize, standing: Standing) {
        self.standings.insert((client, disk), standing);
    }

    pub fn is_running(&self) -> bool {
        self.is_running
    }

    pub fn start(&mut self, context: &mut Context) {
        if !self.is_running {
            self.is_running = true;
            let run = context.random.bytes();
            for disk in &mut self.disks {
                disk.begin_run(run);
            }
            context.note(|| "the server starts".to_owned());
        }
    }

    /// The process is gone; its connections break.
    pub fn crash(&mut self, context: &mut Context) {
        context.note(|| "the server is gone".to_owned());
        self.is_running = false;
        for link in std::mem::take(&mut self.connections).into_keys() {
            context.hang_up(link, Direction::Down);
        }
    }

    /// The server stops in good order.
    pub fn stop(&mut self, context: &mut Context) -> Result<(), Violation> {
        for link in self.connections.keys().copied().collect::<Vec<_>>() {
            if let Some(connection) = self.connections.get_mut(&link) {
                connection.machine.handle_stopping();
            }
            self.obey(context, link)?;
        }
        self.crash(context);
        Ok(())
    }

    pub fn accept(&mut self, context: &mut Context, link: LinkId) -> Result<(), Violation> {
        let connection = Connection {
            machine: Server::new(context.now, context.limits.clone(), "simulator")
                .speaking(self.versions),
            jobs: VecDeque::new(),
            done: None,
            is_working: false,
            channels: BTreeMap::new(),
            armed: None,
        };
        self.connections.insert(link, connection);
        self.obey(context, link)
    }

    pub fn frame(
        &mut self,
        context: &mut Context,
        link: LinkId,
        frame: &[u8],
    ) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        connection.machine.handle_frame(context.now, frame);
        self.obey(context, link)
    }

    /// The client has closed, or the connection broke.
    pub fn ended(&mut self, link: LinkId) {
        self.connections.remove(&link);
    }

    pub fn timer(&mut self, context: &mut Context, link: LinkId) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        if connection.armed == Some(context.now) {
            connection.armed = None;
            connection.machine.handle_timeout(context.now);
        }
        self.obey(context, link)
    }

    pub fn news(
        &mut self,
        context: &mut Context,
        link: LinkId,
        channel: Channel,
    ) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        if let Some(opened) = connection.channels.get_mut(&channel) {
            opened.has_news = false;
            connection.machine.handle_news(context.now, channel, self.disks[opened.disk].seq());
        }
        self.obey(context, link)
    }

    /// The connection's next job reaches the disk. Tells whether the server survives it.
    pub fn work(&mut self, context: &mut Context, link: LinkId) -> bool {
        let Some(connection) = self.connections.get_mut(&link) else { return true };
        let Some(job) = connection.jobs.pop_front() else { return true };
        let client = context.network.client_of(link).unwrap_or_default();
        let done = match job {
            Job::Authorize(open) => {
                let channel = open.channel;
                Some(Done::Authorized(channel, self.authorize(context, client, &open)))
            }
            Job::Read { channel, disk, since, limit } => {
                let changes = at_once(self.disks[disk].database.changes(since, limit));
                let seq = self.disks[disk].seq();
                Some(Done::Changes(channel, changes.ok().map(|records| (records, seq))))
            }
            Job::Digest { channel, disk } => {
                let records = records(&self.disks[disk].database);
                Some(Done::Digests(channel, Digests::of(records.iter().map(AsRef::as_ref))))
            }
            Job::Find { channel, disk, ids } => {
                let found = at_once(self.disks[disk].database.records(ids));
                let seq = self.disks[disk].seq();
                Some(Done::Found(channel, found.ok().map(|records| (records, seq))))
            }
            Job::Commit { channel, batch, disk, documents }
                if context.sabotage == Sabotage::EarlyAcknowledgement =>
            {
                let outcome =
                    Ok(Applied { revision: None, seq: 0, changed: true, is_contested: false });
                let seq = self.disks[disk].seq() + documents.len() as u64;
                let committed = (vec![outcome; documents.len()], seq);
                connection.jobs.push_front(Job::CommitUnheard { disk, documents });
                Some(Done::Committed(channel, batch, Some(committed)))
            }
            Job::Commit { channel, batch, disk, documents } => {
                let committed = self.commit(context, disk, documents);
                committed.map(|committed| Done::Committed(channel, batch, committed)).ok()
            }
            Job::CommitUnheard { disk, documents } => {
                self.commit(context, disk, documents).map(|_| Done::Nothing).ok()
            }
        };
        let Some(done) = done else { return false };
        if let Some(connection) = self.connections.get_mut(&link) {
            connection.done = Some(done);
            let wait = context.random.millis(0, 8);
            context.plan(wait, Event::Done(link));
        }
        true
    }

    /// The machine hears what became of a job.
    pub fn done(&mut self, context: &mut Context, link: LinkId) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        connection.is_working = false;
        let machine = &mut connection.machine;
        match connection.done.take() {
            Some(Done::Authorized(channel, decision)) => {
                let mut is_granted = false;
                let decision = decision.map(|(grant, disk)| {
                    let opened = Opened { disk, role: grant.role, has_news: true };
                    connection.channels.insert(channel, opened);
                    is_granted = true;
                    grant
                });
                machine.handle_authorized(context.now, channel, decision);
                if is_granted {
                    let wait = context.random.millis(0, 5);
                    context.plan(wait, Event::ServerNews(link, channel));
                }
            }
            Some(Done::Committed(channel, batch, committed)) => {
                machine.handle_committed(context.now, channel, batch, committed);
            }
            Some(Done::Changes(channel, page)) => {
                machine.handle_changes(context.now, channel, page);
            }
            Some(Done::Digests(channel, digests)) => {
                machine.handle_digests(context.now, channel, Some(digests));
            }
            Some(Done::Found(channel, found)) => {
                machine.handle_found(context.now, channel, found);
            }
            Some(Done::Nothing) | None => {}
        }
        self.obey(context, link)
    }

    /// Does what a connection's machine says, and has its next job begin.
    fn obey(&mut self, context: &mut Context, link: LinkId) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        while let Some(output) = connection.machine.poll_output() {
            match output {
                ServerOutput::Send(frame) => context.send(link, Direction::Down, frame),
                ServerOutput::Authorize(open) => connection.jobs.push_back(Job::Authorize(open)),
                ServerOutput::Commit { channel, batch, documents } => {
                    if let Some(Opened { disk, role, .. }) = connection.channels.get(&channel) {
                        if !role.can_write() {
                            return Err(Violation("a viewer is about to write".into()));
                        }
                        let disk = *disk;
                        connection.jobs.push_back(Job::Commit { channel, batch, disk, documents });
                    }
                }
                ServerOutput::Read { channel, since, limit } => {
                    if let Some(Opened { disk, .. }) = connection.channels.get(&channel) {
                        let disk = *disk;
                        connection.jobs.push_back(Job::Read { channel, disk, since, limit });
                    }
                }
                ServerOutput::Digest { channel } => {
                    if let Some(Opened { disk, .. }) = connection.channels.get(&channel) {
                        context.tally.count("databases compared");
                        connection.jobs.push_back(Job::Digest { channel, disk: *disk });
                    }
                }
                ServerOutput::Find { channel, ids } => {
                    if let Some(Opened { disk, .. }) = connection.channels.get(&channel) {
                        connection.jobs.push_back(Job::Find { channel, disk: *disk, ids });
                    }
                }
                ServerOutput::Release(channel) => drop(connection.channels.remove(&channel)),
                ServerOutput::Disconnect(code) => {
                    self.connections.remove(&link);
                    context.hang_up(link, Direction::Down);
                    return expected(context, code);
                }
            }
        }
        if connection.jobs.len() > JOBS_LIMIT {
            return Err(Violation("too many jobs wait on one connection".into()));
        }
        if !connection.is_working && !connection.jobs.is_empty() {
            connection.is_working = true;
            let wait = context.random.millis(0, 8);
            context.plan(wait, Event::Job(link));
        }
        let next = connection.machine.poll_timeout();
        context.arm(&mut connection.armed, next, Event::ServerTimer(link));
        Ok(())
    }

    fn authorize(
        &mut self,
        context: &mut Context,
        client: usize,
        open: &Open,
    ) -> Result<(Grant, usize), Denial> {
        if context.random.one_in(context.faults.unavailable) {
            context.tally.count("fault: the server can't open a database");
            return Err(Denial::new(DenialCode::Unavailable, "not now"));
        }
        let number = open.database.strip_prefix("database ").and_then(|n| n.parse().ok());
        let unknown = || Denial::new(DenialCode::Unknown, "there is no such database");
        let number: usize = number.ok_or_else(unknown)?;
        let disk = self.disks.get_mut(number).ok_or_else(unknown)?;
        let denied = || Denial::new(DenialCode::Denied, "these credentials don't open it");
        let standing = self.standings.get(&(client, number)).ok_or_else(denied)?;
        disk.is_there |= *standing == Standing::Owner;
        if !disk.is_there {
            return Err(unknown());
        }
        let is_blind = context.sabotage == Sabotage::UnnoticedRollback;
        let resumed = open.checkpoint.is_some_and(|known| is_blind || disk.knows(&known));
        let grant = Grant { role: standing.role(), position: disk.position(), resumed };
        Ok((grant, number))
    }

    /// Commits what is welcome; `None` is for the machine, which hears that it was not done.
    fn commit(
        &mut self,
        context: &mut Context,
        disk: usize,
        documents: Vec<ReplicatedDocument>,
    ) -> Result<Option<Committed>, Dead> {
        let fate = context.faults.server_commit(&mut context.random);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: server dies before a commit");
            return Err(Dead);
        }
        if fate == Fate::Fail {
            context.tally.count("fault: server can't commit");
            return Ok(None);
        }
        let welcome: Vec<bool> = documents.iter().map(is_welcome).collect();
        let operations = documents.into_iter().zip(&welcome).filter(|(_, welcome)| **welcome);
        let operations =
            operations.map(|(document, _)| Operation::Replicate { document, acknowledges: false });
        let committed = at_once(self.disks[disk].database.commit(operations.collect()));
        let Ok(committed) = committed else { return Ok(None) };
        self.tell(context, disk);
        match fate {
            Fate::CrashAfter => {
                context.tally.count("fault: server dies after a commit");
                return Err(Dead);
            }
            Fate::Late => {
                context.tally.count("fault: server commits too late");
                return Ok(None);
            }
            _ => {}
        }
        let mut outcomes = committed.outcomes.into_iter();
        let told = welcome.into_iter().map(|is_welcome| {
            let outcome = is_welcome.then(|| outcomes.next()).flatten();
            outcome.map_or(Err("not welcome".to_owned()), |o| o.map_err(|error| error.to_string()))
        });
        Ok(Some((told.collect(), committed.seq)))
    }

    /// Word of a change goes to every channel of the database.
    fn tell(&mut self, context: &mut Context, disk: usize) {
        for (link, connection) in &mut self.connections {
            for (number, channel) in &mut connection.channels {
                if channel.disk == disk && !std::mem::replace(&mut channel.has_news, true) {
                    let wait = context.random.millis(0, 15);
                    context.plan(wait, Event::ServerNews(*link, *number));
                }
            }
        }
    }
}

/// The process died in a commit.
struct Dead;

/// Only broken links end connections, and stopping servers; or frames that come twice.
fn expected(context: &mut Context, code: GoodbyeCode) -> Result<(), Violation> {
    match code {
        GoodbyeCode::Silence => context.tally.count("connections ended for silence"),
        GoodbyeCode::Stopping => {}
        _ if context.has_duplicates => context.tally.count("connections ended for a double frame"),
        _ => return Err(Violation(format!("the server ends a connection: {code:?}"))),
    }
    Ok(())
}
