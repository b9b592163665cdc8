//! What a system does while the others wait, and the times that come of it.

use settee_bench::{documents::Todos, statistics::median};
use settee_store::DocumentId;
use wasm_bindgen_test::console_log;

use crate::system::System;

/// The figures in the order of the table.
const BENCHES: &[&str] = &[
    "open1k_ms",
    "open10k_ms",
    "open50k_ms",
    "single_write_ms",
    "batch10k_ms",
    "read10k_ms",
    "changes10k_ms",
];
const SMALL: usize = 1_000;
const DOCUMENTS: usize = 10_000;
/// So many batches of [`DOCUMENTS`] each are in the large database.
const BATCHES: usize = 5;
const SINGLES: u16 = 1_000;

/// The large database's name.
const LARGE: &str = "large";

#[derive(Clone, Copy)]
pub enum Turn {
    /// Databases of up to 10,000 documents, made anew.
    Round(usize),
    /// Making the large database, which takes some peers too long to be done in every round.
    Fill,
    /// Opening the large database.
    Large,
}

/// One system with its times.
pub struct Case<S> {
    system: S,
    times: Vec<(&'static str, f64)>,
    /// Why it is out of it.
    trouble: Option<String>,
}

impl<S: System> Case<S> {
    pub fn new(system: S) -> Self {
        Self { system, times: Vec::new(), trouble: None }
    }

    pub async fn take(&mut self, turn: Turn) {
        if self.trouble.is_none() {
            let outcome = match turn {
                Turn::Round(number) => self.round(number).await,
                Turn::Fill => self.fill().await,
                Turn::Large => self.large().await,
            };
            self.trouble = outcome.err();
        }
    }

    async fn round(&mut self, number: usize) -> Result<(), String> {
        let (system, times) = (&self.system, &mut self.times);
        let name = database(system, &format!("small-{number}"));
        system.batch(&name, Todos::default().drafts(SMALL)).await?;
        times.push(("open1k_ms", system.open(&name, SMALL).await?));
        system.remove(&name).await?;

        let name = database(system, &format!("single-{number}"));
        let time = system.singles(&name, Todos::default().drafts(SINGLES.into())).await?;
        times.push(("single_write_ms", time / f64::from(SINGLES)));
        system.remove(&name).await?;

        let name = database(system, &format!("documents-{number}"));
        let drafts = Todos::default().drafts(DOCUMENTS);
        let ids: Vec<DocumentId> = drafts.iter().map(|(id, _)| id.clone()).collect();
        times.push(("batch10k_ms", system.batch(&name, drafts).await?));
        times.push(("open10k_ms", system.open(&name, DOCUMENTS).await?));
        times.push(("read10k_ms", system.reads(&name, &ids).await?));
        if let Some(time) = system.changes(&name, DOCUMENTS).await? {
            times.push(("changes10k_ms", time));
        }
        system.remove(&name).await
    }

    async fn fill(&mut self) -> Result<(), String> {
        let name = database(&self.system, LARGE);
        let mut todos = Todos::default();
        for _ in 0..BATCHES {
            self.system.batch(&name, todos.drafts(DOCUMENTS)).await?;
        }
        Ok(())
    }

    async fn large(&mut self) -> Result<(), String> {
        let name = database(&self.system, LARGE);
        let time = self.system.open(&name, BATCHES * DOCUMENTS).await?;
        self.times.push(("open50k_ms", time));
        Ok(())
    }

    /// A line for each figure, and for what went wrong.
    pub fn print(&self) {
        for bench in BENCHES {
            let times: Vec<f64> = self.of(bench).collect();
            if !times.is_empty() {
                console_log!("FIGURE {bench} {} ms {}", median(&times), self.system.name());
            }
        }
        if let Some(trouble) = &self.trouble {
            console_log!("TROUBLE {trouble}");
        }
    }

    fn of(&self, bench: &str) -> impl Iterator<Item = f64> {
        self.times.iter().filter(move |(name, _)| *name == bench).map(|(_, time)| *time)
    }
}

/// A database's name. Peers that keep theirs in the same place must not meet.
fn database(system: &impl System, name: &str) -> String {
    format!("{}-{name}", system.name())
}
