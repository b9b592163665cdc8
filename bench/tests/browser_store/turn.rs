//! One system's turn, while the others wait, and its times.

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
/// The large database has this many batches of [`DOCUMENTS`] documents each.
const BATCHES: usize = 5;
const SINGLES: u16 = 1_000;

/// Pause before each turn, in which the browser finishes the background work of the previous one.
const REST_MS: u32 = 1_000;
/// Name of the large database.
const LARGE: &str = "large";

#[derive(Clone, Copy)]
pub enum Turn {
    /// Not measured: the first system would include the start-up costs of the browser.
    WarmUp,
    /// Operations on many documents at once, in new databases.
    Bulk(usize),
    /// Operations one by one, which take longest.
    Singly(usize),
    /// Creating the large database: only once, because some peers are very slow at it.
    Fill,
    /// Opening the large database.
    Large,
}

/// One system with its times.
pub struct Case<S> {
    system: S,
    times: Vec<(&'static str, f64)>,
    /// Why the system is no longer measured.
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

    /// Prints a line for each figure and each error.
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

/// A database name, which is different for each peer, as some share a namespace.
fn database(system: &impl System, name: &str) -> String {
    format!("{}-{name}", system.name())
}
