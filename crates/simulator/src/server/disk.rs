//! What is durable of a database on the server.

use settee_store::{Database, Memory, backend::Run};
use settee_sync::Checkpoint;

pub struct Disk {
    pub database: Database,
    incarnation: [u8; 16],
    /// Each start of the server, and where the database was then.
    runs: Vec<(Run, u64)>,
    /// A database comes to be when its owner opens it.
    pub is_there: bool,
}

impl Disk {
    pub fn new(incarnation: [u8; 16]) -> Self {
        let database = Database::new(Memory::new(incarnation));
        Self { database, incarnation, runs: Vec::new(), is_there: false }
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
        self.incarnation == *checkpoint.incarnation && checkpoint.seq <= end
    }
}
