//! The durable state of a database on a device.

use std::sync::Arc;

use settee_keys::Token;
use settee_store::{Database, DocumentId, Memory, Operation, Record, Revision};
use settee_sync::{
    Checkpoint, Time,
    client::{Client, Replica},
};

use crate::{bearer::Bearer, databases::at_once, random::Random, scenario::Membership};

const CHECKPOINT: &str = "sync/checkpoint";

/// A database on this device.
pub struct Store {
    pub number: usize,
    pub membership: Membership,
    /// What the person shows to the server, where access is by tokens.
    pub token: Option<Token>,
    pub memory: Memory,
    /// The handle for edits. Processes that sync have handles of their own, each with its term.
    pub database: Database,
    backup: Option<Memory>,
}

/// The revisions that a refusal has taken out of a document.
pub struct Withdrawn {
    pub id: DocumentId,
    pub revisions: Vec<Revision>,
    /// The revision that was shown as refused before, and the one that is now.
    pub before: Option<Revision>,
    pub after: Option<Revision>,
}

impl Store {
    pub fn new(client: usize, number: usize, membership: Membership) -> Self {
        let incarnation = u128::from(client as u64) << 64 | u128::from(number as u64);
        Self::on(Memory::new(incarnation.to_be_bytes()), number, membership)
    }

    fn on(memory: Memory, number: usize, membership: Membership) -> Self {
        let database = Database::new(memory.clone());
        Self { number, membership, token: None, memory, database, backup: None }
    }

    /// A copy for another device.
    pub fn copy(&self) -> Self {
        let token = self.token.clone();
        Self { token, ..Self::on(self.copy_of(&self.memory), self.number, self.membership) }
    }

    /// The device forgets the database, and will know nothing of it. Nobody may have the store open.
    pub fn forget(&mut self, random: &mut Random) {
        let backup = self.backup.take();
        *self = Self::on(Memory::new(random.bytes()), self.number, Membership::Stranger);
        self.backup = backup;
    }

    pub fn bearer(&self, person: usize) -> Bearer {
        Bearer { place: (person, self.number), token: self.token.clone() }
    }

    /// A copied profile doesn't know that it is a copy, so it has the same incarnation.
    fn copy_of(&self, memory: &Memory) -> Memory {
        memory.copy(self.database.incarnation())
    }

    pub fn back_up(&mut self) {
        self.backup = Some(self.copy_of(&self.memory));
    }

    pub fn is_backed_up(&self) -> bool {
        self.backup.is_some()
    }

    /// Restores the backup. Nobody may have the store open.
    pub fn restore(&mut self) {
        if let Some(backup) = &self.backup {
            self.memory = self.copy_of(backup);
            self.database = Database::new(self.memory.clone());
        }
    }

    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let stored = at_once(self.database.local(CHECKPOINT)).ok().flatten();
        stored.and_then(|bytes| Checkpoint::decode(&bytes))
    }

    pub fn record(&self, id: &DocumentId) -> Option<Arc<Record>> {
        let records = at_once(self.database.records(vec![id.clone()])).unwrap_or_default();
        records.into_iter().next().flatten()
    }

    pub fn tell(&self, now: Time, machine: &mut Client, replica: Replica) {
        if let Ok(counts) = at_once(self.database.counts()) {
            machine.handle_news(now, replica, counts);
        }
    }

    pub fn withdrawn(&self, before: &Record) -> Withdrawn {
        let after = self.record(&before.id);
        let is_gone = |revision: &Revision| {
            after.as_ref().is_none_or(|record| record.tree.get(*revision).is_none())
        };
        let pending = before.tree.nodes().iter().filter(|node| node.pending);
        Withdrawn {
            id: before.id.clone(),
            revisions: pending.map(|node| node.revision).filter(is_gone).collect(),
            before: before.refused.as_ref().map(|refused| refused.revision),
            after: after.and_then(|r| r.refused.as_ref().map(|refused| refused.revision)),
        }
    }
}

pub fn remember(checkpoint: Checkpoint) -> Operation {
    Operation::Local { key: CHECKPOINT.to_owned(), value: Some(checkpoint.encode()) }
}
