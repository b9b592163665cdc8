//! A client: databases on a disk that lasts, and a process around the machine that may end anytime.
//!
//! The process obeys the machine as the driver of `settee-client` does: what the machine asks for
//! is done in order, and only then is the next thing heard. Between any two steps, others go on.

mod store;

use std::collections::VecDeque;

use settee_store::{Commit, DocumentId, Operation, replication::ReplicatedDocument};
use settee_sync::{
    Checkpoint, Role, Time,
    client::{
        Client, ClientOutput, Replica, SentDocument, Verdict,
        status::{ConnectionStatus, OfflineReason, ReplicaStatus},
    },
    digest::Digests,
    message::{BatchNumber, Message},
};

use crate::{
    Sabotage, Violation,
    agenda::{Event, Life},
    at_once,
    context::Context,
    faults::Fate,
    network::{Direction, LinkId},
    records,
    scenario::{Person, Standing},
};

use store::remember;
pub use store::{Store, Withdrawn};

/// Most that waits for a process. Frames come one by one, and news only once.
const INBOX_LIMIT: usize = 10_000;

pub struct Actor {
    pub id: usize,
    pub stores: Vec<Store>,
    versions: &'static [u8],
    process: Option<Process>,
    life: Life,
}

struct Process {
    machine: Client,
    /// The machine's names of the stores, in their order.
    replicas: Vec<Option<Replica>>,
    link: Option<LinkId>,
    attempt: u64,
    inbox: VecDeque<Input>,
    has_news: Vec<bool>,
    is_stepping: bool,
    armed: Option<Time>,
}

pub enum Input {
    Connected(LinkId),
    Unreachable,
    Frame(LinkId, Vec<u8>),
    Ended(LinkId),
    Add(usize),
    News(usize),
    Timeout,
    Wake,
    Offline,
}

/// What a step has done that others may want to check.
pub enum Deed {
    Nothing,
    /// The process is gone.
    Crashed,
    /// Documents from the server are durable, or its checkpoint.
    Committed {
        store: usize,
        checkpoint: Option<Checkpoint>,
    },
    Settled(Settled),
    /// A server has lost something of this store, says the machine.
    Compared(usize),
}

/// A verdict that was written down, or could not be.
pub struct Settled {
    pub store: usize,
    pub checkpoint: Option<Checkpoint>,
    pub acknowledged: Vec<SentDocument>,
    pub withdrawn: Vec<Withdrawn>,
}

impl Actor {
    pub fn new(id: usize, person: &Person) -> Self {
        let stores =
            person.standings.iter().map(|(number, standing)| Store::new(id, *number, *standing));
        let (stores, versions) = (stores.collect(), person.versions);
        Self { id, stores, versions, process: None, life: 0 }
    }

    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub fn link(&self) -> Option<LinkId> {
        self.process.as_ref().and_then(|process| process.link)
    }

    pub fn connection_status(&self) -> Option<ConnectionStatus> {
        self.process.as_ref().map(|process| process.machine.connection_status())
    }

    pub fn replica_status(&self, store: usize) -> Option<ReplicaStatus> {
        let process = self.process.as_ref()?;
        process.machine.replica_status(process.replicas[store]?)
    }

    pub fn start(&mut self, context: &mut Context) {
        if self.process.is_some() {
            return;
        }
        self.life += 1;
        let (id, life) = (self.id, self.life);
        context.note(|| format!("client {id} starts"));
        let mut machine = Client::new(context.limits.clone(), "simulator", context.random.draw())
            .speaking(self.versions);
        machine.handle_start(context.now);
        self.process = Some(Process {
            machine,
            replicas: vec![None; self.stores.len()],
            link: None,
            attempt: 0,
            inbox: VecDeque::new(),
            has_news: vec![false; self.stores.len()],
            is_stepping: false,
            armed: None,
        });
        for store in 0..self.stores.len() {
            let wait = context.random.millis(0, 100);
            context.plan(wait, Event::Add(id, life, store));
        }
        self.keep_going(context);
    }

    pub fn crash(&mut self, context: &mut Context) {
        let Some(process) = self.process.take() else { return };
        let id = self.id;
        context.note(|| format!("client {id} is gone"));
        // The system closes a dead process' sockets, unless it is dead as well.
        match process.link {
            Some(link) if context.random.one_in(3) => {
                context.network.go_silent(link, Direction::Up);
                context.network.go_silent(link, Direction::Down);
            }
            Some(link) => context.hang_up(link, Direction::Up),
            None => {}
        }
    }

    /// Something happens to the process of this life, if it still is there.
    pub fn happens(
        &mut self,
        context: &mut Context,
        life: Life,
        input: Input,
    ) -> Result<(), Violation> {
        if self.life == life { self.hear(context, input) } else { Ok(()) }
    }

    /// Something happens to the process, if there is one.
    pub fn hear(&mut self, context: &mut Context, input: Input) -> Result<(), Violation> {
        let id = self.id;
        let Some(process) = &mut self.process else { return Ok(()) };
        process.inbox.push_back(input);
        if process.inbox.len() > INBOX_LIMIT {
            return Err(Violation(format!("client {id} has too much in its inbox")));
        }
        self.keep_going(context);
        Ok(())
    }

    pub fn timer(&mut self, context: &mut Context, life: Life) -> Result<(), Violation> {
        match &mut self.process {
            Some(process) if self.life == life && process.armed == Some(context.now) => {
                process.armed = None;
                self.hear(context, Input::Timeout)
            }
            _ => Ok(()),
        }
    }

    /// A database has changed, and the process hears of it soon.
    pub fn changed(&mut self, context: &mut Context, store: usize) {
        let Some(process) = &mut self.process else { return };
        if !std::mem::replace(&mut process.has_news[store], true) {
            let wait = context.random.millis(0, 15);
            context.plan(wait, Event::ClientNews(self.id, self.life, store));
        }
    }

    /// An attempt to connect has ended, with a link or without.
    pub fn connected(
        &mut self,
        context: &mut Context,
        (life, attempt): (Life, u64),
        link: Option<LinkId>,
    ) -> Result<(), Violation> {
        let is_awaited = self.awaits((life, attempt));
        match link {
            Some(link) if is_awaited => {
                if let Some(process) = &mut self.process {
                    process.link = Some(link);
                }
                self.hear(context, Input::Connected(link))
            }
            None if is_awaited => self.hear(context, Input::Unreachable),
            _ => Ok(()),
        }
    }

    pub fn awaits(&self, (life, attempt): (Life, u64)) -> bool {
        let process = self.process.as_ref();
        self.life == life && process.is_some_and(|p| p.link.is_none() && p.attempt == attempt)
    }

    /// Does what the machine asks for until that touches the disk, or hears the next thing.
    pub fn step(&mut self, context: &mut Context, life: Life) -> Result<Deed, Violation> {
        if self.life != life {
            return Ok(Deed::Nothing);
        }
        if let Some(process) = &mut self.process {
            process.is_stepping = false;
        }
        loop {
            let Some(process) = &mut self.process else { return Ok(Deed::Nothing) };
            if let Some(output) = process.machine.poll_output() {
                if let Some(deed) = self.obey(context, output)? {
                    if matches!(deed, Deed::Crashed) {
                        self.crash(context);
                    } else {
                        self.keep_going(context);
                    }
                    return Ok(deed);
                }
            } else if let Some(input) = process.inbox.pop_front() {
                self.take(context, input);
            } else {
                let next = process.machine.poll_timeout();
                context.arm(&mut process.armed, next, Event::ClientTimer(self.id, life));
                return Ok(Deed::Nothing);
            }
        }
    }

    fn keep_going(&mut self, context: &mut Context) {
        let Some(process) = &mut self.process else { return };
        if !std::mem::replace(&mut process.is_stepping, true) {
            let wait = context.random.millis(0, 5);
            context.plan(wait, Event::Step(self.id, self.life));
        }
    }

    /// Hands the machine what has happened.
    fn take(&mut self, context: &mut Context, input: Input) {
        let now = context.now;
        let Some(process) = &mut self.process else { return };
        let machine = &mut process.machine;
        match input {
            Input::Connected(link) if process.link == Some(link) => machine.handle_connected(now),
            Input::Frame(link, frame) if process.link == Some(link) => {
                let standings = self.stores.iter().map(|store| store.standing);
                let frame = if standings.into_iter().any(|s| s == Standing::Rogue) {
                    deceived(frame)
                } else {
                    frame
                };
                machine.handle_frame(now, &frame);
            }
            Input::Ended(link) if process.link == Some(link) => {
                process.link = None;
                machine.handle_disconnected(now);
            }
            Input::Unreachable => machine.handle_disconnected(now),
            Input::Add(index) => {
                let store = &self.stores[index];
                let replica = machine.handle_add(
                    now,
                    format!("database {}", store.number),
                    vec![u8::try_from(self.id).unwrap_or(u8::MAX)],
                    store.checkpoint(),
                    store.standing == Standing::Owner,
                );
                process.replicas[index] = Some(replica);
                store.tell(now, machine, replica);
            }
            Input::News(index) => {
                process.has_news[index] = false;
                if let Some(replica) = process.replicas[index] {
                    self.stores[index].tell(now, machine, replica);
                }
            }
            Input::Timeout => machine.handle_timeout(now),
            Input::Wake => machine.handle_wake(now),
            Input::Offline => machine.handle_offline(now),
            Input::Connected(_) | Input::Frame(..) | Input::Ended(_) => {}
        }
    }

    /// Does what the machine says. What touches the disk is a deed.
    fn obey(
        &mut self,
        context: &mut Context,
        output: ClientOutput,
    ) -> Result<Option<Deed>, Violation> {
        let Some(process) = &mut self.process else { return Ok(None) };
        match output {
            ClientOutput::Connect => {
                process.attempt += 1;
                let wait = context.random.millis(1, 50);
                context.plan(wait, Event::Connect(self.id, self.life, process.attempt));
                if let Some(link) = process.link.take() {
                    context.hang_up(link, Direction::Up);
                }
            }
            ClientOutput::Disconnect => {
                process.attempt += 1;
                if let Some(link) = process.link.take() {
                    context.hang_up(link, Direction::Up);
                }
            }
            ClientOutput::Send(frame) => {
                if let Some(link) = process.link {
                    context.send(link, Direction::Up, frame);
                }
            }
            ClientOutput::ReadPending { replica, limit } => {
                let records = at_once(self.store(replica)?.1.database.pending(limit));
                let records = records.unwrap_or_default();
                self.machine()?.handle_pending(context.now, replica, &records);
                return Ok(Some(Deed::Nothing));
            }
            ClientOutput::Commit { replica, batch, documents, checkpoint } => {
                return self.commit(context, (replica, batch), documents, checkpoint).map(Some);
            }
            ClientOutput::Settle { replica, verdict } => {
                return self.settle(context, replica, verdict).map(Some);
            }
            ClientOutput::Digest { replica } => {
                let records = records(&self.store(replica)?.1.database);
                let documents = Digests::of(records.iter().map(AsRef::as_ref)).into_documents();
                self.machine()?.handle_digests(context.now, replica, Some(documents));
                return Ok(Some(Deed::Compared(self.store(replica)?.0)));
            }
            ClientOutput::Resend { replica, ids } => {
                return self.resend(context, replica, ids).map(Some);
            }
            ClientOutput::Find { replica, ids } => {
                let found = at_once(self.store(replica)?.1.database.records(ids)).ok();
                self.machine()?.handle_found(replica, found.as_deref());
                return Ok(Some(Deed::Nothing));
            }
            ClientOutput::StatusChanged => {
                let status = process.machine.connection_status();
                let is_confused = matches!(
                    status,
                    ConnectionStatus::Offline { reason: OfflineReason::Misunderstanding, .. }
                        | ConnectionStatus::UpdateNeeded
                );
                if is_confused && !context.has_duplicates {
                    let id = self.id;
                    return Err(Violation(format!("client {id} doesn't understand the server")));
                }
            }
        }
        Ok(None)
    }

    fn commit(
        &mut self,
        context: &mut Context,
        (replica, batch): (Replica, BatchNumber),
        documents: Vec<ReplicatedDocument>,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Deed, Violation> {
        let (index, store) = self.store(replica)?;
        let replicate = documents
            .into_iter()
            .map(|document| Operation::Replicate { document, acknowledges: true });
        let mut operations: Vec<Operation> = replicate.collect();
        let mut fate = context.faults.client_commit(&mut context.random);
        if context.sabotage == Sabotage::CheckpointFirst {
            // The commit of the checkpoint is another one, with a chance of dying after it.
            let remembered = checkpoint.map(remember).into_iter().collect();
            let _ = at_once(store.database.commit(remembered));
            if fate == Fate::CrashAfter {
                fate = Fate::CrashBefore;
            }
        } else {
            operations.extend(checkpoint.map(remember));
        }
        if fate == Fate::CrashBefore {
            context.tally.count("fault: client dies before a commit");
            return Ok(Deed::Crashed);
        }
        let committed = at_once(store.database.commit(operations));
        if let Ok(Commit { outcomes, .. }) = &committed {
            let id = self.id;
            for (at, outcome) in outcomes.iter().enumerate().filter(|(_, o)| o.is_err()) {
                context.note(|| format!("client {id} can't take document {at}: {outcome:?}"));
            }
        }
        if fate == Fate::CrashAfter {
            context.tally.count("fault: client dies after a commit");
            return Ok(Deed::Crashed);
        }
        let rejected =
            committed.map(|commit| commit.outcomes.iter().filter(|o| o.is_err()).count());
        let is_saved = rejected.is_ok();
        self.machine()?.handle_committed(context.now, replica, batch, rejected.ok());
        self.changed(context, index);
        let checkpoint = checkpoint.filter(|_| is_saved);
        Ok(Deed::Committed { store: index, checkpoint })
    }

    fn resend(
        &mut self,
        context: &mut Context,
        replica: Replica,
        ids: Vec<DocumentId>,
    ) -> Result<Deed, Violation> {
        let (index, store) = self.store(replica)?;
        let fate = context.faults.client_commit(&mut context.random);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: client dies before it marks what was lost");
            return Ok(Deed::Crashed);
        }
        let operations = ids.into_iter().map(|id| Operation::Resend { id }).collect();
        let is_done = at_once(store.database.commit(operations)).is_ok();
        if fate == Fate::CrashAfter {
            context.tally.count("fault: client dies after it has marked what was lost");
            return Ok(Deed::Crashed);
        }
        self.machine()?.handle_resent(context.now, replica, is_done);
        self.changed(context, index);
        Ok(Deed::Nothing)
    }

    fn settle(
        &mut self,
        context: &mut Context,
        replica: Replica,
        verdict: Verdict,
    ) -> Result<Deed, Violation> {
        let (index, store) = self.store(replica)?;
        let Verdict { mut acknowledged, mut refused, checkpoint } = verdict;
        if context.sabotage == Sabotage::LostRefusal {
            let lost = refused.drain(..);
            acknowledged.extend(lost.map(|(id, revisions, _)| (id, revisions)));
        }
        let sent = acknowledged.iter().map(|(id, _)| id).chain(refused.iter().map(|(id, ..)| id));
        let ids: Vec<DocumentId> = sent.cloned().collect();
        let before: Vec<Option<_>> = refused.iter().map(|(id, ..)| store.record(id)).collect();

        let acknowledge = acknowledged.iter().cloned();
        let acknowledge =
            acknowledge.map(|(id, revisions)| Operation::Acknowledge { id, revisions });
        let refuse = refused.iter().cloned();
        let refuse =
            refuse.map(|(id, revisions, reason)| Operation::Refuse { id, revisions, reason });
        let operations = acknowledge.chain(refuse).chain(checkpoint.map(remember)).collect();
        let fate = context.faults.client_commit(&mut context.random);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: client dies before a verdict is written down");
            return Ok(Deed::Crashed);
        }
        let is_saved = at_once(store.database.commit(operations)).is_ok();
        let withdrawn = before.into_iter().flatten().map(|record| store.withdrawn(&record));
        let withdrawn = withdrawn.collect();
        self.changed(context, index);
        // Who dies now has learnt of the verdict; it only can't tell the machine any more.
        if fate == Fate::Done {
            self.machine()?.handle_settled(replica, &ids);
        } else {
            context.tally.count("fault: client dies after a verdict is written down");
            self.crash(context);
        }
        let checkpoint = checkpoint.filter(|_| is_saved);
        Ok(Deed::Settled(Settled { store: index, checkpoint, acknowledged, withdrawn }))
    }

    fn machine(&mut self) -> Result<&mut Client, Violation> {
        let process = self.process.as_mut();
        process.map(|process| &mut process.machine).ok_or_else(|| Violation("no process".into()))
    }

    fn store(&self, replica: Replica) -> Result<(usize, &Store), Violation> {
        let replicas = self.process.as_ref().map(|process| &process.replicas);
        let index = replicas.and_then(|known| known.iter().position(|name| *name == Some(replica)));
        index.map(|index| (index, &self.stores[index])).ok_or_else(|| {
            Violation(format!("client {} speaks of a replica that it doesn't have", self.id))
        })
    }
}

/// The frame as a viewer's client would want it: it may write.
fn deceived(frame: Vec<u8>) -> Vec<u8> {
    match Message::decode(&frame) {
        Ok(Some(Message::Opened(mut opened))) if opened.role == Role::Viewer => {
            opened.role = Role::Editor;
            Message::from(opened).encode()
        }
        _ => frame,
    }
}
