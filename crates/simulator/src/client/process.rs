//! A process that syncs: a machine, and its state outside.
//!
//! It drives the machine as `settee-client` does: all outputs are done in order before the next input is
//! taken. Other actors run between any two steps.

use std::{collections::VecDeque, time::Duration};

use settee_store::{BackendError, Commit, Database, DocumentId, Operation};
use settee_sync::{
    Checkpoint, Role, Time,
    client::{
        Client, ClientOutput, Replica, SentDocument, Verdict,
        status::{ConnectionStatus, OfflineReason, ReplicaStatus},
    },
    digest::Digests,
    message::{BatchNumber, Message},
};

use super::store::{Store, Withdrawn, remember};
use crate::{
    clock::Clock,
    context::Context,
    databases::at_once,
    databases::records,
    event::{Event, Life},
    faults::Fate,
    link::{Direction, LinkId},
    sabotage,
    scenario::Membership,
    violation::Violation,
};

/// Most inputs that wait for a process.
const INBOX_LIMIT: usize = 10_000;
/// How long a process waits before it tries again to begin a term.
const RETRY: Duration = Duration::from_secs(1);

pub struct Process {
    pub life: Life,
    machine: Client,
    /// In the order of the stores.
    replicas: Vec<Option<Led>>,
    link: Option<LinkId>,
    attempt: u64,
    inbox: VecDeque<Input>,
    has_news: Vec<bool>,
    is_stepping: bool,
    /// The moment of the world at which to look at the clock.
    armed: Option<Time>,
}

/// A store that this process leads: the machine's name for it, and a handle with the process's term.
struct Led {
    replica: Replica,
    database: Database,
}

/// What a process runs on.
pub struct Device<'a> {
    pub id: usize,
    pub person: usize,
    pub stores: &'a [Store],
    pub clock: Clock,
}

#[derive(Debug, Clone)]
pub enum Input {
    Connected(LinkId),
    Unreachable,
    Frame(LinkId, Vec<u8>),
    Ended(LinkId),
    Add(usize),
    News(usize),
    /// Credentials are shown: others, or the same because they are valid again.
    Credentials(usize),
    Timeout,
    Wake,
    Offline,
}

/// The result of a step, for the checks.
pub enum Step {
    Nothing,
    /// The process is gone.
    Crashed,
    /// The process has ended, because another one has begun a later term.
    Superseded,
    /// Documents from the server are durable, or a checkpoint.
    Committed {
        store: usize,
        checkpoint: Option<Checkpoint>,
    },
    Settled(Settled),
    /// The machine has found that the server has lost something of this store.
    Compared(usize),
    /// Documents that the server has lost of this store are marked as pending.
    Marked(usize),
}

/// A verdict that was stored, or could not be.
pub struct Settled {
    pub store: usize,
    pub checkpoint: Option<Checkpoint>,
    pub acknowledged: Vec<SentDocument>,
    pub withdrawn: Vec<Withdrawn>,
    /// The process has died since.
    pub is_last: bool,
}

impl Process {
    pub fn new(life: Life, machine: Client, stores: usize) -> Self {
        Self {
            life,
            machine,
            replicas: (0..stores).map(|_| None).collect(),
            link: None,
            attempt: 0,
            inbox: VecDeque::new(),
            has_news: vec![false; stores],
            is_stepping: false,
            armed: None,
        }
    }

    pub fn start(&mut self, context: &mut Context, device: &Device) {
        self.machine.handle_start(device.clock.at(context.now));
        for store in 0..device.stores.len() {
            let wait = context.random.millis(0, 100);
            context.plan(wait, Event::Add(device.id, self.life, store));
        }
        self.keep_going(context, device.id);
    }

    /// The process dies. The system closes its socket, unless the whole device is dead.
    pub fn die(self, context: &mut Context) {
        match self.link {
            Some(link) if context.random.one_in(3) => {
                context.network.go_silent(link, Direction::Up);
                context.network.go_silent(link, Direction::Down);
            }
            Some(link) => context.hang_up(link, Direction::Up),
            None => {}
        }
    }

    /// The process ends in order.
    pub fn close(self, context: &mut Context) {
        if let Some(link) = self.link {
            context.hang_up(link, Direction::Up);
        }
    }

    pub fn link(&self) -> Option<LinkId> {
        self.link
    }

    pub fn connection_status(&self) -> ConnectionStatus {
        self.machine.connection_status()
    }

    pub fn replica_status(&self, store: usize) -> Option<ReplicaStatus> {
        self.machine.replica_status(self.replicas[store].as_ref()?.replica)
    }

    pub fn deliver(
        &mut self,
        context: &mut Context,
        client: usize,
        input: Input,
    ) -> Result<(), Violation> {
        self.inbox.push_back(input);
        if self.inbox.len() > INBOX_LIMIT {
            return Err(Violation(format!("client {client} has too much in its inbox")));
        }
        self.keep_going(context, client);
        Ok(())
    }

    pub fn timer(&mut self, context: &mut Context, client: usize) -> Result<(), Violation> {
        if self.armed != Some(context.now) {
            return Ok(());
        }
        self.armed = None;
        self.deliver(context, client, Input::Timeout)
    }

    /// A database has changed. The process will hear of it soon.
    pub fn changed(&mut self, context: &mut Context, client: usize, store: usize) {
        if !std::mem::replace(&mut self.has_news[store], true) {
            let wait = context.random.millis(0, 15);
            context.plan(wait, Event::ClientNews(client, self.life, store));
        }
    }

    pub fn awaits(&self, attempt: u64) -> bool {
        self.link.is_none() && self.attempt == attempt
    }

    /// The awaited attempt to connect has ended, with a link if it succeeded.
    pub fn connected(
        &mut self,
        context: &mut Context,
        client: usize,
        link: Option<LinkId>,
    ) -> Result<(), Violation> {
        self.link = link;
        self.deliver(context, client, link.map_or(Input::Unreachable, Input::Connected))
    }

    /// Does outputs of the machine until one touches the disk. If there are none, takes the next input.
    pub fn step(&mut self, context: &mut Context, device: &Device) -> Result<Step, Violation> {
        self.is_stepping = false;
        loop {
            if let Some(output) = self.machine.poll_output() {
                if let Some(done) = self.apply(context, device, output)? {
                    self.keep_going(context, device.id);
                    return Ok(done);
                }
            } else if let Some(input) = self.inbox.pop_front() {
                self.take(context, device, input);
            } else {
                let next = self.machine.poll_timeout().map(|at| device.clock.moment_of(at));
                context.arm(&mut self.armed, next, Event::ClientTimer(device.id, self.life));
                return Ok(Step::Nothing);
            }
        }
    }

    fn keep_going(&mut self, context: &mut Context, client: usize) {
        if !std::mem::replace(&mut self.is_stepping, true) {
            let wait = context.random.millis(0, 5);
            context.plan(wait, Event::Step(client, self.life));
        }
    }

    /// Tells the machine what has happened.
    fn take(&mut self, context: &mut Context, device: &Device, input: Input) {
        let now = device.clock.at(context.now);
        match input {
            Input::Connected(link) if self.link == Some(link) => {
                self.machine.handle_connected(now);
            }
            Input::Frame(link, frame) if self.link == Some(link) => {
                let is_rogue =
                    device.stores.iter().any(|store| store.membership == Membership::Rogue);
                let frame = if is_rogue { deceived(frame) } else { frame };
                self.machine.handle_frame(now, &frame);
            }
            Input::Ended(link) if self.link == Some(link) => {
                self.link = None;
                self.machine.handle_disconnected(now);
            }
            Input::Unreachable => self.machine.handle_disconnected(now),
            Input::Add(index) => self.add(context, device, index),
            Input::News(index) => {
                self.has_news[index] = false;
                if let Some(led) = &self.replicas[index] {
                    device.stores[index].tell(now, &mut self.machine, led.replica);
                }
            }
            Input::Credentials(index) => {
                if let Some(led) = &self.replicas[index] {
                    let credentials = device.stores[index].bearer(device.person).credentials();
                    self.machine.handle_credentials(now, led.replica, credentials);
                }
            }
            Input::Timeout => self.machine.handle_timeout(now),
            Input::Wake => self.machine.handle_wake(now),
            Input::Offline => self.machine.handle_offline(now),
            Input::Connected(_) | Input::Frame(..) | Input::Ended(_) => {}
        }
    }

    /// Begins to sync a database under a new term, which ends that of any other process. If the term
    /// can't be stored, it is tried again.
    fn add(&mut self, context: &mut Context, device: &Device, index: usize) {
        let store = &device.stores[index];
        if store.membership == Membership::Stranger || self.replicas[index].is_some() {
            return;
        }
        let Ok(database) = at_once(store.database.lead()) else {
            return context.plan(RETRY, Event::Add(device.id, self.life, index));
        };
        let now = device.clock.at(context.now);
        let replica = self.machine.handle_add(
            now,
            format!("database {}", store.number),
            store.bearer(device.person).credentials(),
            store.checkpoint(),
            store.membership == Membership::Owner,
        );
        self.replicas[index] = Some(Led { replica, database });
        store.tell(now, &mut self.machine, replica);
    }

    /// Does one output of the machine. Returns a step if it has touched the disk.
    fn apply(
        &mut self,
        context: &mut Context,
        device: &Device,
        output: ClientOutput,
    ) -> Result<Option<Step>, Violation> {
        match output {
            ClientOutput::Connect => {
                self.attempt += 1;
                let wait = context.random.millis(1, 50);
                context.plan(wait, Event::Connect(device.id, self.life, self.attempt));
                self.hang_up(context);
            }
            ClientOutput::Disconnect => {
                self.attempt += 1;
                self.hang_up(context);
            }
            ClientOutput::Send(frame) => {
                if let Some(link) = self.link {
                    context.send(link, Direction::Up, frame);
                }
            }
            ClientOutput::StatusChanged => self.check_status(context, device)?,
            output => return self.apply_to_store(context, device, output).map(Some),
        }
        Ok(None)
    }

    fn hang_up(&mut self, context: &mut Context) {
        if let Some(link) = self.link.take() {
            context.hang_up(link, Direction::Up);
        }
    }

    fn check_status(&self, context: &Context, device: &Device) -> Result<(), Violation> {
        let is_confused = matches!(
            self.machine.connection_status(),
            ConnectionStatus::Offline { reason: OfflineReason::ProtocolError, .. }
                | ConnectionStatus::UpdateNeeded
        );
        if is_confused && !context.has_duplicates {
            let id = device.id;
            return Err(Violation(format!("client {id} doesn't understand the server")));
        }
        Ok(())
    }

    /// Does an output that is about a store.
    fn apply_to_store(
        &mut self,
        context: &mut Context,
        device: &Device,
        output: ClientOutput,
    ) -> Result<Step, Violation> {
        let now = device.clock.at(context.now);
        match output {
            ClientOutput::ReadPending { replica, limit } => {
                let Target { database, .. } = self.target(device, replica)?;
                let read = at_once(database.to_send(limit));
                if is_superseded(&read) {
                    return Ok(Step::Superseded);
                }
                match read {
                    Ok(records) => self.machine.handle_pending(now, replica, &records),
                    Err(_) => self.machine.handle_failed(now, replica),
                }
                Ok(Step::Nothing)
            }
            ClientOutput::Commit { replica, batch, documents, checkpoint, reconciles } => {
                let target = self.target(device, replica)?;
                let documents = sabotage::spend_room(context, &target.database, documents);
                let replicate = |document| Operation::from_server(document, reconciles);
                let operations = documents.into_iter().map(replicate).collect();
                Ok(self.commit(context, device, &target, (batch, operations, checkpoint)))
            }
            ClientOutput::Settle { replica, verdict } => {
                let target = self.target(device, replica)?;
                Ok(self.settle(context, &target, verdict))
            }
            ClientOutput::Digest { replica } => {
                let Target { index, database, .. } = self.target(device, replica)?;
                let records = records(&database);
                let documents = Digests::of(records.iter().map(AsRef::as_ref)).into_documents();
                self.machine.handle_digests(now, replica, Some(documents));
                Ok(Step::Compared(index))
            }
            ClientOutput::Resend { replica, ids } => {
                let target = self.target(device, replica)?;
                Ok(self.resend(context, device, &target, ids))
            }
            ClientOutput::Find { replica, ids } => {
                let Target { database, .. } = self.target(device, replica)?;
                let found = at_once(database.records(ids)).ok();
                self.machine.handle_found(replica, found.as_deref());
                Ok(Step::Nothing)
            }
            ClientOutput::Connect
            | ClientOutput::Disconnect
            | ClientOutput::Send(_)
            | ClientOutput::StatusChanged => Ok(Step::Nothing),
        }
    }

    fn commit(
        &mut self,
        context: &mut Context,
        device: &Device,
        target: &Target,
        (batch, mut operations, checkpoint): (BatchNumber, Vec<Operation>, Option<Checkpoint>),
    ) -> Step {
        let fate = context.faults.client_commit(&mut context.random);
        let (remembered, fate) =
            sabotage::remember_first(context, &target.database, checkpoint, fate);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: client dies before a commit");
            return Step::Crashed;
        }
        operations.extend(remembered.map(remember));
        let committed = at_once(target.database.commit(operations));
        if is_superseded(&committed) {
            return Step::Superseded;
        }
        if let Ok(Commit { outcomes, .. }) = &committed {
            let id = device.id;
            for (at, outcome) in outcomes.iter().enumerate().filter(|(_, o)| o.is_err()) {
                context.note(|| format!("client {id} can't take document {at}: {outcome:?}"));
            }
        }
        if fate == Fate::CrashAfter {
            context.tally.count("fault: client dies after a commit");
            return Step::Crashed;
        }
        let rejected =
            committed.map(|commit| commit.outcomes.iter().filter(|o| o.is_err()).count());
        let is_saved = rejected.is_ok();
        let now = device.clock.at(context.now);
        self.machine.handle_committed(now, target.replica, batch, rejected.ok());
        Step::Committed { store: target.index, checkpoint: checkpoint.filter(|_| is_saved) }
    }

    fn resend(
        &mut self,
        context: &mut Context,
        device: &Device,
        target: &Target,
        mut ids: Vec<DocumentId>,
    ) -> Step {
        let fate = context.faults.client_commit(&mut context.random);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: client dies before it marks what was lost");
            return Step::Crashed;
        }
        // Their order may be random, but a seed has to play the same way again.
        ids.sort_unstable();
        let operations = ids.into_iter().map(|id| Operation::Resend { id }).collect();
        let marked = at_once(target.database.commit(operations));
        if is_superseded(&marked) {
            return Step::Superseded;
        }
        if fate == Fate::CrashAfter {
            context.tally.count("fault: client dies after it has marked what was lost");
            return Step::Crashed;
        }
        let now = device.clock.at(context.now);
        self.machine.handle_resent(now, target.replica, marked.is_ok());
        Step::Marked(target.index)
    }

    fn settle(&mut self, context: &mut Context, target: &Target, verdict: Verdict) -> Step {
        let Verdict { acknowledged, refused, checkpoint } =
            sabotage::lose_refusals(context, verdict);
        let sent = acknowledged.iter().map(|(id, _)| id).chain(refused.iter().map(|(id, ..)| id));
        let ids: Vec<DocumentId> = sent.cloned().collect();
        let store = target.store;
        let before: Vec<Option<_>> = refused.iter().map(|(id, ..)| store.record(id)).collect();

        let acknowledge = acknowledged.iter().cloned();
        let acknowledge =
            acknowledge.map(|(id, revisions)| Operation::Acknowledge { id, revisions });
        let refuse = refused.into_iter();
        let refuse =
            refuse.map(|(id, revisions, reason)| Operation::Refuse { id, revisions, reason });
        let operations = acknowledge.chain(refuse).chain(checkpoint.map(remember)).collect();
        let fate = context.faults.client_commit(&mut context.random);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: client dies before a verdict is stored");
            return Step::Crashed;
        }
        let settled = at_once(target.database.commit(operations));
        if is_superseded(&settled) {
            return Step::Superseded;
        }
        let withdrawn = before.into_iter().flatten().map(|record| store.withdrawn(&record));
        let withdrawn = withdrawn.collect();
        // A process that dies now has stored the verdict, but can't tell its machine any more.
        let is_last = fate != Fate::Done;
        if is_last {
            context.tally.count("fault: client dies after a verdict is stored");
        } else {
            self.machine.handle_settled(target.replica, &ids);
        }
        let checkpoint = checkpoint.filter(|_| settled.is_ok());
        let store = target.index;
        Step::Settled(Settled { store, checkpoint, acknowledged, withdrawn, is_last })
    }

    fn target<'a>(&self, device: &Device<'a>, replica: Replica) -> Result<Target<'a>, Violation> {
        let mut replicas = self.replicas.iter().enumerate();
        let target = replicas.find_map(|(index, led)| {
            let led = led.as_ref().filter(|led| led.replica == replica)?;
            let (store, database) = (&device.stores[index], led.database.clone());
            Some(Target { replica, index, store, database })
        });
        target.ok_or_else(|| {
            Violation(format!(
                "client {} has an output for a replica that it doesn't have",
                device.id
            ))
        })
    }
}

/// The store that an output is about.
struct Target<'a> {
    replica: Replica,
    index: usize,
    store: &'a Store,
    database: Database,
}

fn is_superseded<T>(outcome: &Result<T, BackendError>) -> bool {
    matches!(outcome, Err(BackendError::Superseded))
}

/// The frame with the role of an editor instead of a viewer.
fn deceived(frame: Vec<u8>) -> Vec<u8> {
    match Message::decode(&frame) {
        Ok(Some(Message::Opened(mut opened))) if opened.role == Role::Viewer => {
            opened.role = Role::Editor;
            Message::from(opened).encode()
        }
        _ => frame,
    }
}
