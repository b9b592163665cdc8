//! The server's end: databases, which all connections share, and a machine for each connection.

use std::collections::{BTreeMap, VecDeque};

use settee_store::{
    BackendError, Change, Database, DocumentId, Edit, Memory, Operation, Page,
    replication::{Known, ReplicatedDocument},
};
use settee_sync::{
    Channel, Checkpoint, Denial, DenialCode, Limits, Role, Server, Time,
    digest::Digests,
    message::{BatchNumber, Open},
    server::{Committed, Found, Grant, ServerOutput},
};

use super::{at_once, digests, documents, lane::Lane};
use crate::{input::Input, place::Only};

const RUN: [u8; 16] = [7; 16];
/// More outputs than any single event causes.
const OUTPUTS: usize = 100;
/// The jobs and the bytes that may wait before the server stops reading, as the real one does.
const JOBS_LIMIT: usize = 16;
const QUEUE_LIMIT: usize = 4096;

pub struct Service {
    pub databases: Vec<Database>,
    memories: Vec<Memory>,
}

/// One connection, with the frames on it.
pub struct Connection {
    pub machine: Server,
    pub up: Lane,
    pub down: Lane,
    channels: BTreeMap<Channel, Opened>,
    jobs: VecDeque<Job>,
    /// The outcome of a job, on its way to the machine.
    done: Option<Done>,
    /// The server has closed it.
    pub is_over: bool,
}

struct Opened {
    index: usize,
    role: Role,
    /// The update sequence that the machine was told last.
    told: Option<u64>,
}

enum Job {
    Authorize(Open),
    Commit {
        channel: Channel,
        batch: BatchNumber,
        index: usize,
        documents: Vec<ReplicatedDocument>,
    },
    Read {
        channel: Channel,
        index: usize,
        since: u64,
        limit: usize,
    },
    Digest {
        channel: Channel,
        index: usize,
    },
    Find {
        channel: Channel,
        index: usize,
        ids: Vec<DocumentId>,
    },
}

enum Done {
    Authorized(Channel, Result<(Grant, usize), Denial>),
    Committed(Channel, BatchNumber, Option<Committed>),
    Changes(Channel, Option<Page>),
    Digests(Channel, Option<Digests>),
    Found(Channel, Option<Found>),
}

impl Service {
    pub fn new(databases: u8) -> Self {
        let memories: Vec<_> =
            (0..databases).map(|number| Memory::new([0x80 | number; 16])).collect();
        let databases = memories.iter().cloned().map(Database::new).collect();
        Self { databases, memories }
    }

    /// Lets all commits fail, or none.
    pub fn fail(&self, index: usize, fails: bool) {
        self.memories[index].fail_with(fails.then_some(BackendError::Full));
    }

    /// Another person edits, and the edit is committed at once.
    pub fn edit(&self, index: usize, input: &mut Input<'_>) {
        let database = &self.databases[index];
        let choice = input.byte();
        let id = documents::id(choice);
        let records = at_once(database.records(vec![id.clone()])).unwrap_or_default();
        let there = records.into_iter().next().flatten().filter(|_| choice & 4 == 0);
        let seen = there.as_ref().and_then(|record| record.document());
        let seen = seen.map_or_else(Vec::new, |document| document.leaves);
        let all = there.and_then(|record| record.outgoing_since(Known::Unsure, |_| false));
        let fetch = all.map(|document| Operation::Replicate { document, acknowledges: true });
        let body = documents::body(input.byte());
        let change = if choice >> 5 == 0 { Change::Delete } else { Change::Put(body) };
        let edit = Operation::Edit(Edit { id, seen, change });
        let edited = Only(None).after(fetch.into_iter().chain([edit]).collect(), 0);
        let sent = edited.records.first().and_then(|record| record.outgoing_pending());
        if let Some(document) = sent.filter(documents::is_welcome) {
            let replicate = Operation::Replicate { document, acknowledges: false };
            let _ = at_once(database.commit(vec![replicate]));
        }
    }

    pub fn compact(&self, index: usize) {
        let _ = at_once(self.databases[index].compact());
    }

    fn authorize(&self, open: &Open) -> Result<(Grant, usize), Denial> {
        let names = || (0..self.databases.len()).map(super::name);
        let found = names().position(|name| name == open.database);
        let unknown = || Denial::new(DenialCode::Unknown, "there is no such database");
        let index = found.ok_or_else(unknown)?;
        let role = match open.credentials.as_slice() {
            [0] => Role::Viewer,
            [1] => Role::Editor,
            [2] => Role::Owner,
            [3] => return Err(Denial::new(DenialCode::Unavailable, "not now")),
            _ => return Err(Denial::new(DenialCode::Denied, "these don't open it")),
        };
        let database = &self.databases[index];
        let (incarnation, seq) = (database.incarnation(), database.seq());
        let resumed = open.checkpoint.is_some_and(|at| {
            *at.incarnation == incarnation && *at.run == RUN && at.latest() <= seq
        });
        let position = Checkpoint::new(incarnation, RUN, seq);
        Ok((Grant { role, position, resumed }, index))
    }

    fn commit(&self, index: usize, documents: Vec<ReplicatedDocument>) -> Option<Committed> {
        let welcome: Vec<bool> = documents.iter().map(documents::is_welcome).collect();
        let operations = documents.into_iter().zip(&welcome).filter(|(_, welcome)| **welcome);
        let operations =
            operations.map(|(document, _)| Operation::Replicate { document, acknowledges: false });
        let committed = at_once(self.databases[index].commit(operations.collect())).ok()?;
        let mut outcomes = committed.outcomes.into_iter();
        let told = welcome.into_iter().map(|is_welcome| {
            let outcome = is_welcome.then(|| outcomes.next()).flatten();
            outcome.map_or(Err("not welcome".to_owned()), |o| o.map_err(|error| error.to_string()))
        });
        Some((told.collect(), committed.seq))
    }

    fn run(&self, job: Job) -> Done {
        match job {
            Job::Authorize(open) => Done::Authorized(open.channel, self.authorize(&open)),
            Job::Commit { channel, batch, index, documents } => {
                Done::Committed(channel, batch, self.commit(index, documents))
            }
            Job::Read { channel, index, since, limit } => {
                Done::Changes(channel, at_once(self.databases[index].page(since, limit)).ok())
            }
            Job::Digest { channel, index } => {
                let records = at_once(self.databases[index].changes(0, usize::MAX));
                Done::Digests(channel, records.ok().map(|records| digests(&records)))
            }
            Job::Find { channel, index, ids } => {
                let found = at_once(self.databases[index].records(ids)).ok();
                let seq = self.databases[index].seq();
                Done::Found(channel, found.map(|records| (records, seq)))
            }
        }
    }
}

impl Connection {
    pub fn new(now: Time, limits: Limits, versions: &'static [u8]) -> Self {
        Self {
            machine: Server::new(now, limits, "fuzz").speaking(versions),
            up: Lane::default(),
            down: Lane::default(),
            channels: BTreeMap::new(),
            jobs: VecDeque::new(),
            done: None,
            is_over: false,
        }
    }

    pub fn can_receive(&self) -> bool {
        !self.is_over && self.jobs.len() < JOBS_LIMIT && self.down.waiting() < QUEUE_LIMIT
    }

    pub fn receive(&mut self, now: Time, frame: &[u8]) {
        self.down.causes += 1;
        self.machine.handle_frame(now, frame);
        self.apply_outputs();
    }

    /// Tells the machine the outcome of the last job, or does the next one.
    pub fn work(&mut self, now: Time, service: &Service) -> bool {
        match self.done.take() {
            Some(Done::Authorized(channel, decision)) => {
                let decision = decision.map(|(grant, index)| {
                    let opened = Opened { index, role: grant.role, told: None };
                    self.channels.insert(channel, opened);
                    grant
                });
                self.machine.handle_authorized(now, channel, decision);
            }
            Some(Done::Committed(channel, batch, committed)) => {
                self.machine.handle_committed(now, channel, batch, committed);
            }
            Some(Done::Changes(channel, page)) => {
                self.machine.handle_changes(now, channel, page);
            }
            Some(Done::Digests(channel, digests)) => {
                self.machine.handle_digests(now, channel, digests.as_ref());
            }
            Some(Done::Found(channel, found)) => {
                self.machine.handle_found(now, channel, found);
            }
            None if self.down.waiting() >= QUEUE_LIMIT => return false,
            None => {
                self.done = self.jobs.pop_front().map(|job| service.run(job));
                return self.done.is_some();
            }
        }
        self.apply_outputs();
        true
    }

    /// Tells the machine of one database that has changed, if there is one.
    pub fn tell(&mut self, now: Time, service: &Service) -> bool {
        let seq = |opened: &Opened| Some(service.databases[opened.index].seq());
        let due = self.channels.iter_mut().find(|(_, opened)| opened.told != seq(opened));
        let Some((channel, opened)) = due else { return false };
        opened.told = seq(opened);
        self.machine.handle_news(now, *channel, opened.told.unwrap_or_default());
        self.apply_outputs();
        true
    }

    pub fn revoke(&mut self, choice: u8) {
        let channels: Vec<Channel> = self.channels.keys().copied().collect();
        if let Some(channel) = Input(&[choice]).pick(&channels) {
            self.down.causes += 1;
            self.machine.handle_revoked(channel, Denial::new(DenialCode::Revoked, "no more"));
            self.apply_outputs();
        }
    }

    pub fn stop(&mut self) {
        self.machine.handle_stopping();
        self.apply_outputs();
    }

    pub fn check_timeout(&mut self, now: Time) {
        if self.machine.poll_timeout().is_some_and(|at| at <= now) {
            self.down.causes += 1;
            self.machine.handle_timeout(now);
            self.apply_outputs();
        }
    }

    /// Does what the machine says.
    fn apply_outputs(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.machine.poll_output() {
            outputs += 1;
            assert!(outputs <= OUTPUTS, "the server is in an endless loop");
            assert!(!self.is_over, "nothing comes after the end");
            match output {
                ServerOutput::Send(frame) => self.down.send(frame),
                ServerOutput::Authorize(open) => self.jobs.push_back(Job::Authorize(open)),
                ServerOutput::Commit { channel, batch, documents } => {
                    if let Some(Opened { index, role, .. }) = self.channels.get(&channel) {
                        assert!(role.can_write(), "a viewer is about to write");
                        let index = *index;
                        self.jobs.push_back(Job::Commit { channel, batch, index, documents });
                    }
                }
                ServerOutput::Read { channel, since, limit } => {
                    if let Some(Opened { index, .. }) = self.channels.get(&channel) {
                        let index = *index;
                        self.jobs.push_back(Job::Read { channel, index, since, limit });
                    }
                }
                ServerOutput::Digest { channel } => {
                    if let Some(Opened { index, .. }) = self.channels.get(&channel) {
                        self.jobs.push_back(Job::Digest { channel, index: *index });
                    }
                }
                ServerOutput::Here { .. } => {}
                ServerOutput::Find { channel, ids } => {
                    if let Some(Opened { index, .. }) = self.channels.get(&channel) {
                        self.jobs.push_back(Job::Find { channel, index: *index, ids });
                    }
                }
                ServerOutput::Release(channel) => drop(self.channels.remove(&channel)),
                ServerOutput::Disconnect(_) => {
                    self.is_over = true;
                    self.jobs.clear();
                    self.channels.clear();
                    self.done = None;
                }
            }
        }
        assert!(self.jobs.len() <= JOBS_LIMIT + 8, "too many jobs wait");
    }
}
