//! The edits of one client: only new todos, so that in the end every acknowledged title must exist.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::json;
use settee::keys::random::random;
use settee_bench::documents::edit;
use settee_leptos::position;
use settee_store::{Database, DocumentId, Record};
use settee_todo::{Todo, new_todo_id};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{Result, todos::todo, word::say};

pub struct Writer {
    number: usize,
    database: Database,
    pause: Duration,
    /// Number of todos written.
    count: usize,
    /// The last position of the list in this client's database.
    last: Option<String>,
    /// Titles of todos that the server has neither acknowledged nor refused.
    waiting: HashMap<DocumentId, String>,
}

impl Writer {
    pub fn new(number: usize, database: Database, pause: Duration) -> Self {
        Self { number, database, pause, count: 0, last: None, waiting: HashMap::new() }
    }

    /// Writes until `stopping` ends, then waits until the server has acknowledged or refused all.
    pub async fn run(mut self, mut stopping: watch::Receiver<()>) -> Result<()> {
        let mut feed = self.database.follow(0);
        let mut is_writing = true;
        let mut due = Instant::now() + self.wait();
        while is_writing || !self.waiting.is_empty() {
            tokio::select! {
                records = feed.next() => {
                    self.read(&records?.ok_or("the database is closed")?)?;
                }
                () = sleep_until(due), if is_writing => {
                    self.add().await?;
                    due = Instant::now() + self.wait();
                }
                // Nothing is sent on this channel. It changes when it is closed.
                _ = stopping.changed(), if is_writing => is_writing = false,
            }
        }
        Ok(())
    }

    async fn add(&mut self) -> Result<()> {
        let title = format!("crowd {} {}", self.number, self.count);
        let position = position::after(self.last.as_deref());
        self.count += 1;
        self.last = Some(position.clone());
        let todo = Todo { title: title.clone(), position, ..Todo::default() };
        let edit = edit((new_todo_id(), todo));
        self.waiting.insert(edit.id.clone(), title);
        for outcome in self.database.write(vec![edit]).await? {
            outcome?;
        }
        Ok(())
    }

    /// Updates the last position, and prints what the server has acknowledged.
    fn read(&mut self, records: &[Arc<Record>]) -> Result<()> {
        for record in records {
            let position = todo(record).map(|todo| todo.position);
            self.last = self.last.take().max(position);
            let is_refused = record.refused.is_some();
            if record.tree.is_pending() && !is_refused {
                continue;
            }
            if let Some(title) = self.waiting.remove(&record.id)
                && !is_refused
            {
                say(&json!({ "acknowledged": title }))?;
            }
        }
        Ok(())
    }

    /// Varies the pause, so that clients don't write in lockstep.
    fn wait(&self) -> Duration {
        let [chance] = random::<1>();
        self.pause.mul_f64(0.75 + f64::from(chance) / 510.0)
    }
}
