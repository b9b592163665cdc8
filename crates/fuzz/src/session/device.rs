//! The client's end: its machine, and its durable databases.

use settee_store::{
    BackendError, Change, Database, DocumentId, Edit, Memory, Operation, Revision,
    backend::memory::Fault,
};
use settee_sync::{
    Checkpoint, Client, Limits, Time,
    client::{ClientOutput, Replica, Verdict, status::ConnectionStatus},
};

use super::{at_once, digests, documents};
use crate::input::Input;

const CHECKPOINT: &str = "sync/checkpoint";
/// More outputs than any single event causes.
const OUTPUTS: usize = 100;
/// A commit up to so many commits later may be told to fail.
const FAULTS: u64 = 4;

pub struct Device {
    pub machine: Client,
    pub stores: Vec<Store>,
}

pub struct Store {
    pub database: Database,
    memory: Memory,
    replica: Option<Replica>,
    has_news: bool,
    /// The leaves of a document as a person saw it some time ago.
    glance: Option<(DocumentId, Vec<Revision>)>,
}

/// What the device does with its socket.
pub enum Act {
    Connect,
    HangUp,
    Send(Vec<u8>),
}

impl Device {
    pub fn new(limits: Limits, stores: u8, versions: &'static [u8]) -> Self {
        let store = |number| {
            let memory = Memory::new([number; 16]);
            let database = Database::new(memory.clone());
            Store { database, memory, replica: None, has_news: false, glance: None }
        };
        let stores = (1..=stores).map(store).collect();
        let mut machine = Client::new(limits, "fuzz", 1).speaking(versions);
        machine.handle_start(Time::default());
        Self { machine, stores }
    }

    pub fn add(&mut self, now: Time, index: usize, credentials: u8) {
        let store = &mut self.stores[index];
        if store.replica.is_none() {
            let stored = at_once(store.database.local(CHECKPOINT)).ok().flatten();
            let checkpoint = stored.and_then(|bytes| Checkpoint::decode(&bytes));
            let (name, credentials) = (super::name(index), vec![credentials]);
            let is_lazy = is_lazy(index);
            let replica = self.machine.handle_add(now, name, credentials, checkpoint, is_lazy);
            store.replica = Some(replica);
            store.has_news = true;
        }
    }

    pub fn remove(&mut self, now: Time, index: usize) {
        if let Some(replica) = self.stores[index].replica.take() {
            self.machine.handle_remove(now, replica);
        }
    }

    pub fn replace_credentials(&mut self, now: Time, index: usize, credentials: u8) {
        if let Some(replica) = self.stores[index].replica {
            self.machine.handle_credentials(now, replica, vec![credentials]);
        }
    }

    /// A person edits: on what is there, on what they saw a while ago, or something new.
    pub fn edit(&mut self, index: usize, input: &mut Input<'_>) {
        let store = &mut self.stores[index];
        let choice = input.byte();
        let id = documents::id(choice);
        let seen = match (choice >> 2) % 4 {
            0 => Vec::new(),
            1 => store.glance.take_if(|glance| glance.0 == id).map_or_else(Vec::new, |it| it.1),
            _ => {
                let document = at_once(store.database.get(&id)).ok().flatten();
                document.map_or_else(Vec::new, |document| document.leaves)
            }
        };
        if choice & 16 != 0 {
            store.glance = Some((id.clone(), seen.clone()));
        }
        let body = documents::body(input.byte());
        let change = if choice >> 5 == 0 { Change::Delete } else { Change::Put(body) };
        let edit = Operation::Edit(Edit { id, seen, change });
        // Some edits are rejected or can't be saved.
        let _ = at_once(store.database.commit(vec![edit]));
        store.has_news = true;
    }

    pub fn compact(&mut self, index: usize) {
        let _ = at_once(self.stores[index].database.compact());
    }

    /// A commit will fail.
    pub fn fail(&mut self, index: usize, choice: u8) {
        let error = BackendError::Full;
        let fault = if choice & 1 == 0 { Fault::Undone(error) } else { Fault::Unanswered(error) };
        self.stores[index].memory.fail_once(u64::from(choice / 2) % FAULTS + 1, fault);
    }

    pub fn mend(&mut self) {
        for store in &self.stores {
            // After these commits no fault is left.
            for _ in 0..FAULTS {
                let _ = at_once(store.database.commit(Vec::new()));
            }
        }
    }

    /// Tells the machine the counts of one database that has changed, if there is one.
    pub fn tell(&mut self, now: Time) -> bool {
        let is_due = |store: &&mut Store| store.has_news && store.replica.is_some();
        let Some(store) = self.stores.iter_mut().find(is_due) else { return false };
        store.has_news = false;
        if let (Some(replica), Ok(counts)) = (store.replica, at_once(store.database.counts())) {
            self.machine.handle_news(now, replica, counts);
        }
        true
    }

    /// Does what the machine says. Outputs for the socket go to `act`.
    pub fn apply_outputs(&mut self, now: Time, mut act: impl FnMut(Act)) {
        let mut outputs = 0;
        while let Some(output) = self.machine.poll_output() {
            outputs += 1;
            assert!(outputs <= OUTPUTS, "the client is in an endless loop");
            match output {
                ClientOutput::Connect => act(Act::Connect),
                ClientOutput::Disconnect => act(Act::HangUp),
                ClientOutput::Send(frame) => act(Act::Send(frame)),
                ClientOutput::ReadPending { replica, limit } => {
                    let Some(store) = self.stored(replica) else { continue };
                    let records = at_once(store.database.to_send(limit)).unwrap_or_default();
                    self.machine.handle_pending(now, replica, &records);
                }
                ClientOutput::Commit { replica, batch, documents, checkpoint, reconciles } => {
                    let documents = documents.into_iter();
                    let replicate =
                        documents.map(|document| Operation::from_server(document, reconciles));
                    let operations = replicate.chain(checkpoint.map(remember)).collect();
                    let Some(store) = self.store(replica) else { continue };
                    let committed = at_once(store.database.commit(operations));
                    let rejected = committed
                        .map(|commit| commit.outcomes.iter().filter(|o| o.is_err()).count());
                    self.machine.handle_committed(now, replica, batch, rejected.ok());
                }
                ClientOutput::Settle { replica, verdict } => self.settle(replica, verdict),
                ClientOutput::Digest { replica } => {
                    let Some(store) = self.stored(replica) else { continue };
                    let records = at_once(store.database.changes(0, usize::MAX));
                    let digests = records.ok().map(|records| digests(&records).into_documents());
                    self.machine.handle_digests(now, replica, digests);
                }
                ClientOutput::Resend { replica, ids } => {
                    let Some(store) = self.store(replica) else { continue };
                    let resend = ids.into_iter().map(|id| Operation::Resend { id }).collect();
                    let is_done = at_once(store.database.commit(resend)).is_ok();
                    self.machine.handle_resent(now, replica, is_done);
                }
                ClientOutput::Find { replica, ids } => {
                    let Some(store) = self.stored(replica) else { continue };
                    let found = at_once(store.database.records(ids)).ok();
                    self.machine.handle_found(replica, found.as_deref());
                }
                ClientOutput::StatusChanged => {
                    self.machine.connection_status();
                }
            }
        }
    }

    fn settle(&mut self, replica: Replica, verdict: Verdict) {
        let Verdict { acknowledged, refused, checkpoint } = verdict;
        let sent = acknowledged.iter().map(|(id, _)| id).chain(refused.iter().map(|(id, ..)| id));
        let ids: Vec<DocumentId> = sent.cloned().collect();
        let acknowledge = acknowledged
            .into_iter()
            .map(|(id, revisions)| Operation::Acknowledge { id, revisions });
        let refuse = refused.into_iter().map(|(id, revisions, reason)| Operation::Refuse {
            id,
            revisions,
            reason,
        });
        let operations = acknowledge.chain(refuse).chain(checkpoint.map(remember)).collect();
        let Some(store) = self.store(replica) else { return };
        // If the verdict can't be stored, the documents stay pending and are sent again.
        let _ = at_once(store.database.commit(operations));
        self.machine.handle_settled(replica, &ids);
    }

    fn stored(&self, replica: Replica) -> Option<&Store> {
        self.stores.iter().find(|store| store.replica == Some(replica))
    }

    /// The store of a replica, to be changed.
    fn store(&mut self, replica: Replica) -> Option<&mut Store> {
        let store = self.stores.iter_mut().find(|store| store.replica == Some(replica))?;
        store.has_news = true;
        Some(store)
    }

    /// Whether the device is online, with nothing left to send or to receive.
    pub fn is_done(&self) -> bool {
        let is_done = |(index, store): (usize, &Store)| {
            let status = store.replica.and_then(|replica| self.machine.replica_status(replica));
            let counts = at_once(store.database.counts()).unwrap_or_default();
            // A database that began here is not opened as long as it is empty.
            let is_unheard = is_lazy(index) && counts.documents == 0;
            status.is_some_and(|status| status.is_up_to_date() || is_unheard)
        };
        self.machine.connection_status() == ConnectionStatus::Online
            && self.stores.iter().enumerate().all(is_done)
    }
}

/// The first database begins on this device.
pub fn is_lazy(index: usize) -> bool {
    index == 0
}

fn remember(checkpoint: Checkpoint) -> Operation {
    Operation::Local { key: CHECKPOINT.to_owned(), value: Some(checkpoint.encode()) }
}
