//! What a system does while the others wait, and the times that come of it.

use settee_bench::{documents::Todos, statistics::median};
use settee_store::DocumentId;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::console_log;

use crate::system::System;

#[wasm_bindgen(inline_js = "
    export const rest = (time) => new Promise((resolve) => setTimeout(resolve, time));
")]
extern "C" {
    async fn rest(milliseconds: u32);
}

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

/// Before each turn, in which the browser does what the turn before has left to be done.
const REST_MS: u32 = 1_000;
/// The large database's name.
const LARGE: &str = "large";

#[derive(Clone, Copy)]
pub enum Turn {
    /// What nobody times, for whoever is first would pay for the browser's own beginning.
    WarmUp,
    /// What is done with many documents at once, in databases that are made anew.
    Bulk(usize),
    /// What is done one by one, which is the slowest of all.
    Singly(usize),
    /// Making the large database, which takes some peers too long to be done more than once.
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
            rest(REST_MS).await;
            let outcome = match turn {
                Turn::WarmUp => self.warm_up().await,
                Turn::Bulk(number) => self.bulk(number).await,
                Turn::Singly(number) => self.singly(number).await,
                Turn::Fill => self.fill().await,
                Turn::Large => self.large().await,
            };
            self.trouble = outcome.err();
        }
    }

    async fn warm_up(&mut self) -> Result<(), String> {
        let name = database(&self.system, "warm-up");
        self.system.batch(&name, Todos::default().drafts(SMALL)).await?;
        self.system.open(&name, SMALL).await?;
        self.system.remove(&name).await
    }

    async fn bulk(&mut self, number: usize) -> Result<(), String> {
        let (system, times) = (&self.system, &mut self.times);
        let name = database(system, &format!("documents-{number}"));
        times.push(("batch10k_ms", system.batch(&name, Todos::default().drafts(DOCUMENTS)).await?));
        times.push(("open10k_ms", system.open(&name, DOCUMENTS).await?));
        if let Some(time) = system.changes(&name, DOCUMENTS).await? {
            times.push(("changes10k_ms", time));
        }
        system.remove(&name).await?;

        let name = database(system, &format!("small-{number}"));
        system.batch(&name, Todos::default().drafts(SMALL)).await?;
        times.push(("open1k_ms", system.open(&name, SMALL).await?));
        system.remove(&name).await
    }

    async fn singly(&mut self, number: usize) -> Result<(), String> {
        let (system, times) = (&self.system, &mut self.times);
        let name = database(system, &format!("writes-{number}"));
        let time = system.singles(&name, Todos::default().drafts(SINGLES.into())).await?;
        times.push(("single_write_ms", time / f64::from(SINGLES)));
        system.remove(&name).await?;

        let name = database(system, &format!("reads-{number}"));
        let drafts = Todos::default().drafts(DOCUMENTS);
        let ids: Vec<DocumentId> = drafts.iter().map(|(id, _)| id.clone()).collect();
        system.batch(&name, drafts).await?;
        times.push(("read10k_ms", system.reads(&name, &ids).await?));
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
