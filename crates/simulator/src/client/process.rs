//! A process that syncs: the machine, and what it knows of the world.
//!
//! It obeys the machine as the driver of `settee-client` does: what the machine asks for is done
//! in order, and only then is the next thing heard. Between any two steps, others go on.

use std::{collections::VecDeque, time::Duration};

use settee_store::{
    BackendError, Commit, Database, DocumentId, Operation, replication::ReplicatedDocument,
};
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
    Violation,
    agenda::{Event, Life},
    at_once,
    clock::Clock,
    context::Context,
    faults::Fate,
    network::{Direction, LinkId},
    records, sabotage,
    scenario::Standing,
};

/// Most that waits for a process. Frames come one by one, and news only once.
const INBOX_LIMIT: usize = 10_000;
/// How long a process waits for room to begin a term in.
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

/// A store under the machine's name for it, and under a term.
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
    /// The same credentials are shown once more, for they count again.
    Credentials(usize),
    Timeout,
    Wake,
    Offline,
}

/// What a step has done that others may want to check.
pub enum Deed {
    Nothing,
    /// The process is gone.
    Crashed,
    /// The process has ended itself: another one has begun a later term.
    Superseded,
    /// Documents from the server are durable, or its checkpoint.
    Committed {
        store: usize,
        checkpoint: Option<Checkpoint>,
    },
    Settled(Settled),
    /// A server has lost something of this store, says the machine.
    Compared(usize),
    /// What it has lost of this store is marked.
    Marked(usize),
}

/// A verdict that was written down, or could not be.
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

    /// It dies. The system closes a dead process' sockets, unless it is dead as well.
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

    /// It ends by itself.
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

    pub fn hear(
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
        self.hear(context, client, Input::Timeout)
    }

    /// A database has changed, and the process hears of it soon.
    pub fn changed(&mut self, context: &mut Context, client: usize, store: usize) {
        if !std::mem::replace(&mut self.has_news[store], true) {
            let wait = context.random.millis(0, 15);
            context.plan(wait, Event::ClientNews(client, self.life, store));
        }
    }

    pub fn awaits(&self, attempt: u64) -> bool {
        self.link.is_none() && self.attempt == attempt
    }

    /// The attempt to connect that it awaits has ended, with a link or without.
    pub fn connected(
        &mut self,
        context: &mut Context,
        client: usize,
        link: Option<LinkId>,
    ) -> Result<(), Violation> {
        self.link = link;
        self.hear(context, client, link.map_or(Input::Unreachable, Input::Connected))
    }

    /// Does what the machine asks for until that touches the disk, or hears the next thing.
    pub fn step(&mut self, context: &mut Context, device: &Device) -> Result<Deed, Violation> {
        self.is_stepping = false;
        loop {
            if let Some(output) = self.machine.poll_output() {
                if let Some(deed) = self.obey(context, device, output)? {
                    self.keep_going(context, device.id);
                    return Ok(deed);
                }
            } else if let Some(input) = self.inbox.pop_front() {
                self.take(context, device, input);
            } else {
                let next = self.machine.poll_timeout().map(|at| device.clock.moment_of(at));
                context.arm(&mut self.armed, next, Event::ClientTimer(device.id, self.life));
                return Ok(Deed::Nothing);
            }
        }
    }

    fn keep_going(&mut self, context: &mut Context, client: usize) {
        if !std::mem::replace(&mut self.is_stepping, true) {
            let wait = context.random.millis(0, 5);
            context.plan(wait, Event::Step(client, self.life));
        }
    }

    /// Hands the machine what has happened.
    fn take(&mut self, context: &mut Context, device: &Device, input: Input) {
        let now = device.clock.at(context.now);
        match input {
            Input::Connected(link) if self.link == Some(link) => {
                self.machine.handle_connected(now);
            }
            Input::Frame(link, frame) if self.link == Some(link) => {
                let is_rogue = device.stores.iter().any(|store| store.standing == Standing::Rogue);
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
                    let credentials = credentials(device.person);
                    self.machine.handle_credentials(now, led.replica, credentials);
                }
            }
            Input::Timeout => self.machine.handle_timeout(now),
            Input::Wake => self.machine.handle_wake(now),
            Input::Offline => self.machine.handle_offline(now),
            Input::Connected(_) | Input::Frame(..) | Input::Ended(_) => {}
        }
    }

    /// Begins to sync a database, and a term of its own: who did so before writes no more. Where
    /// there is no room for that, it is tried again.
    fn add(&mut self, context: &mut Context, device: &Device, index: usize) {
        let store = &device.stores[index];
        let Ok(database) = at_once(store.database.lead()) else {
            return context.plan(RETRY, Event::Add(device.id, self.life, index));
        };
        let now = device.clock.at(context.now);
        let replica = self.machine.handle_add(
            now,
            format!("database {}", store.number),
            credentials(device.person),
            store.checkpoint(),
            store.standing == Standing::Owner,
        );
        self.replicas[index] = Some(Led { replica, database });
        store.tell(now, &mut self.machine, replica);
    }

    /// Does what the machine says. What touches the disk is a deed.
    fn obey(
        &mut self,
        context: &mut Context,
        device: &Device,
        output: ClientOutput,
    ) -> Result<Option<Deed>, Violation> {
        let now = device.clock.at(context.now);
        match output {
            ClientOutput::Connect => {
                self.attempt += 1;
                let wait = context.random.millis(1, 50);
                context.plan(wait, Event::Connect(device.id, self.life, self.attempt));
                if let Some(link) = self.link.take() {
                    context.hang_up(link, Direction::Up);
                }
            }
            ClientOutput::Disconnect => {
                self.attempt += 1;
                if let Some(link) = self.link.take() {
                    context.hang_up(link, Direction::Up);
                }
            }
            ClientOutput::Send(frame) => {
                if let Some(link) = self.link {
                    context.send(link, Direction::Up, frame);
                }
            }
            ClientOutput::ReadPending { replica, limit } => {
                let Place { database, .. } = self.place(device, replica)?;
                let records = at_once(database.pending(limit)).unwrap_or_default();
                self.machine.handle_pending(now, replica, &records);
                return Ok(Some(Deed::Nothing));
            }
            ClientOutput::Commit { replica, batch, documents, checkpoint } => {
                let place = self.place(device, replica)?;
                let committed = (batch, documents, checkpoint);
                return Ok(Some(self.commit(context, device, &place, committed)));
            }
            ClientOutput::Settle { replica, verdict } => {
                let place = self.place(device, replica)?;
                return Ok(Some(self.settle(context, &place, verdict)));
            }
            ClientOutput::Digest { replica } => {
                let Place { index, database, .. } = self.place(device, replica)?;
                let records = records(&database);
                let documents = Digests::of(records.iter().map(AsRef::as_ref)).into_documents();
                self.machine.handle_digests(now, replica, Some(documents));
                return Ok(Some(Deed::Compared(index)));
            }
            ClientOutput::Resend { replica, ids } => {
                let place = self.place(device, replica)?;
                return Ok(Some(self.resend(context, device, &place, ids)));
            }
            ClientOutput::Find { replica, ids } => {
                let Place { database, .. } = self.place(device, replica)?;
                let found = at_once(database.records(ids)).ok();
                self.machine.handle_found(replica, found.as_deref());
                return Ok(Some(Deed::Nothing));
            }
            ClientOutput::StatusChanged => {
                let is_confused = matches!(
                    self.machine.connection_status(),
                    ConnectionStatus::Offline { reason: OfflineReason::ProtocolError, .. }
                        | ConnectionStatus::UpdateNeeded
                );
                if is_confused && !context.has_duplicates {
                    let id = device.id;
                    return Err(Violation(format!("client {id} doesn't understand the server")));
                }
            }
        }
        Ok(None)
    }

    fn commit(
        &mut self,
        context: &mut Context,
        device: &Device,
        place: &Place,
        (batch, documents, checkpoint): (BatchNumber, Vec<ReplicatedDocument>, Option<Checkpoint>),
    ) -> Deed {
        let fate = context.faults.client_commit(&mut context.random);
        let (remembered, fate) =
            sabotage::remember_first(context, &place.database, checkpoint, fate);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: client dies before a commit");
            return Deed::Crashed;
        }
        let operations = documents
            .into_iter()
            .map(|document| Operation::Replicate { document, acknowledges: true })
            .chain(remembered.map(remember));
        let committed = at_once(place.database.commit(operations.collect()));
        if is_superseded(&committed) {
            return Deed::Superseded;
        }
        if let Ok(Commit { outcomes, .. }) = &committed {
            let id = device.id;
            for (at, outcome) in outcomes.iter().enumerate().filter(|(_, o)| o.is_err()) {
                context.note(|| format!("client {id} can't take document {at}: {outcome:?}"));
            }
        }
        if fate == Fate::CrashAfter {
            context.tally.count("fault: client dies after a commit");
            return Deed::Crashed;
        }
        let rejected =
            committed.map(|commit| commit.outcomes.iter().filter(|o| o.is_err()).count());
        let is_saved = rejected.is_ok();
        let now = device.clock.at(context.now);
        self.machine.handle_committed(now, place.replica, batch, rejected.ok());
        Deed::Committed { store: place.index, checkpoint: checkpoint.filter(|_| is_saved) }
    }

    fn resend(
        &mut self,
        context: &mut Context,
        device: &Device,
        place: &Place,
        mut ids: Vec<DocumentId>,
    ) -> Deed {
        let fate = context.faults.client_commit(&mut context.random);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: client dies before it marks what was lost");
            return Deed::Crashed;
        }
        // Where all of it is lost they come in no order, and a seed is to be played again.
        ids.sort_unstable();
        let operations = ids.into_iter().map(|id| Operation::Resend { id }).collect();
        let marked = at_once(place.database.commit(operations));
        if is_superseded(&marked) {
            return Deed::Superseded;
        }
        if fate == Fate::CrashAfter {
            context.tally.count("fault: client dies after it has marked what was lost");
            return Deed::Crashed;
        }
        let now = device.clock.at(context.now);
        self.machine.handle_resent(now, place.replica, marked.is_ok());
        Deed::Marked(place.index)
    }

    fn settle(&mut self, context: &mut Context, place: &Place, verdict: Verdict) -> Deed {
        let Verdict { acknowledged, refused, checkpoint } =
            sabotage::lose_refusals(context, verdict);
        let sent = acknowledged.iter().map(|(id, _)| id).chain(refused.iter().map(|(id, ..)| id));
        let ids: Vec<DocumentId> = sent.cloned().collect();
        let store = place.store;
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
            context.tally.count("fault: client dies before a verdict is written down");
            return Deed::Crashed;
        }
        let settled = at_once(place.database.commit(operations));
        if is_superseded(&settled) {
            return Deed::Superseded;
        }
        let withdrawn = before.into_iter().flatten().map(|record| store.withdrawn(&record));
        let withdrawn = withdrawn.collect();
        // Who dies now has learnt of the verdict; it only can't tell the machine any more.
        let is_last = fate != Fate::Done;
        if is_last {
            context.tally.count("fault: client dies after a verdict is written down");
        } else {
            self.machine.handle_settled(place.replica, &ids);
        }
        let checkpoint = checkpoint.filter(|_| settled.is_ok());
        let store = place.index;
        Deed::Settled(Settled { store, checkpoint, acknowledged, withdrawn, is_last })
    }

    fn place<'a>(&self, device: &Device<'a>, replica: Replica) -> Result<Place<'a>, Violation> {
        let mut replicas = self.replicas.iter().enumerate();
        let place = replicas.find_map(|(index, led)| {
            let led = led.as_ref().filter(|led| led.replica == replica)?;
            let (store, database) = (&device.stores[index], led.database.clone());
            Some(Place { replica, index, store, database })
        });
        place.ok_or_else(|| {
            Violation(format!("client {} speaks of a replica that it doesn't have", device.id))
        })
    }
}

/// A store that the machine speaks of.
struct Place<'a> {
    replica: Replica,
    index: usize,
    store: &'a Store,
    database: Database,
}

fn is_superseded<T>(outcome: &Result<T, BackendError>) -> bool {
    matches!(outcome, Err(BackendError::Superseded))
}

fn credentials(person: usize) -> Vec<u8> {
    vec![u8::try_from(person).unwrap_or(u8::MAX)]
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
