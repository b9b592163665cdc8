//! The durable state of a database on the server.

use std::sync::Arc;

use settee_keys::Verifiers;
use settee_store::{Backend, Database, DocumentId, Memory, Record, backend::Run};
use settee_sync::Checkpoint;

use crate::{databases::at_once, random::Random};

pub struct Disk {
    memory: Memory,
    pub database: Database,
    incarnation: [u8; 16],
    /// Each start of the server, and where the database was then.
    runs: Vec<(Run, u64)>,
    backup: Option<Backup>,
    /// How often it has lost something.
    pub losses: u32,
    /// The owner has opened the database, which creates it.
    pub is_there: bool,
    /// What is kept beside it, if access is by tokens: see `Keys`.
    pub verifiers: Option<Verifiers>,
}

struct Backup {
    memory: Memory,
    verifiers: Option<Verifiers>,
    incarnation: [u8; 16],
    runs: Vec<(Run, u64)>,
}

/// How a database may lose something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// A backup is restored in the proper way, with a new incarnation.
    Restored,
    /// The files are replaced by those of a backup, and the server is not told.
    CopiedBack,
    /// It is deleted and created again.
    Deleted,
}

impl Disk {
    pub fn new(incarnation: [u8; 16]) -> Self {
        let memory = Memory::new(incarnation);
        let database = Database::new(memory.clone());
        Self {
            memory,
            database,
            incarnation,
            runs: Vec::new(),
            backup: None,
            losses: 0,
            is_there: false,
            verifiers: None,
        }
    }

    pub fn backend(&self) -> &dyn Backend {
        &self.memory
    }

    pub fn record(&self, id: &DocumentId) -> Option<Arc<Record>> {
        let records = at_once(self.database.records(vec![id.clone()])).ok()?;
        records.into_iter().next().flatten()
    }

    pub fn begin_run(&mut self, run: Run) {
        self.runs.push((run, self.seq()));
    }

    pub fn seq(&self) -> u64 {
        self.database.seq()
    }

    pub fn position(&self) -> Checkpoint {
        let run = self.runs.last().map_or_else(Run::default, |(run, _)| *run);
        Checkpoint::new(self.incarnation, run, self.seq())
    }

    /// Whether the database has lived through the checkpoint.
    pub fn knows(&self, checkpoint: &Checkpoint) -> bool {
        let Some(at) = self.runs.iter().position(|(run, _)| *run == *checkpoint.run) else {
            return false;
        };
        let end = self.runs.get(at + 1).map_or_else(|| self.seq(), |(_, next)| *next);
        self.incarnation == *checkpoint.incarnation && checkpoint.latest() <= end
    }

    pub fn back_up(&mut self) {
        let (memory, runs) = (self.memory.copy(self.incarnation), self.runs.clone());
        let (incarnation, verifiers) = (self.incarnation, self.verifiers.clone());
        self.backup = Some(Backup { memory, verifiers, incarnation, runs });
    }

    /// Loses what came since the last backup, or everything. The server must not be running.
    pub fn lose(&mut self, random: &mut Random) -> Loss {
        self.losses += 1;
        let backup = self.backup.as_ref().filter(|_| !random.one_in(4));
        self.verifiers = backup.and_then(|backup| backup.verifiers.clone());
        let (memory, incarnation, runs, loss) = match backup {
            None => {
                let incarnation = random.bytes();
                (Memory::new(incarnation), incarnation, Vec::new(), Loss::Deleted)
            }
            Some(Backup { memory, incarnation, runs, verifiers: _ }) => {
                let is_proper = random.one_in(2);
                let incarnation = if is_proper { random.bytes() } else { *incarnation };
                let loss = if is_proper { Loss::Restored } else { Loss::CopiedBack };
                (memory.copy(incarnation), incarnation, runs.clone(), loss)
            }
        };
        self.database = Database::new(memory.clone());
        (self.memory, self.incarnation, self.runs) = (memory, incarnation, runs);
        loss
    }
}
