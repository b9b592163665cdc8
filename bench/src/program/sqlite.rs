//! The store in SQLite, alone: one file on a disk, every commit durable.

use std::{path::Path, time::Instant};

use settee_bench::{
    documents::{Todos, edit},
    statistics::{median, milliseconds},
};
use settee_store::{Database, DocumentId, backend::sqlite::Sqlite};
use settee_todo::token::random;

use super::{Result, device::write, figure::Figure, server::data_folder};

const DOCUMENTS: usize = 10_000;
const SINGLES: usize = 200;
const RUNS: usize = 5;

pub async fn figures() -> Result<Vec<Figure>> {
    let [mut batches, mut singles, mut reads, mut changes] = [const { Vec::new() }; 4];
    for _ in 0..RUNS {
        let folder = data_folder()?;
        let path = folder.path().join("bench.sqlite");

        let (file, database) = open(&path).await?;
        let mut todos = Todos::default();
        let drafts = todos.drafts(DOCUMENTS);
        let ids: Vec<DocumentId> = drafts.iter().map(|(id, _)| id.clone()).collect();
        let start = Instant::now();
        write(&database, drafts.into_iter().map(edit).collect()).await?;
        batches.push(milliseconds(start.elapsed()));
        for draft in todos.drafts(SINGLES) {
            let start = Instant::now();
            write(&database, vec![edit(draft)]).await?;
            singles.push(milliseconds(start.elapsed()));
        }
        drop(database);
        file.close().await;

        // Opened anew, for the store keeps what it has just written in memory.
        let (_file, database) = open(&path).await?;
        let start = Instant::now();
        for id in &ids {
            database.get(id).await?.ok_or("a document is missing")?;
        }
        reads.push(milliseconds(start.elapsed()));
        let start = Instant::now();
        let records = database.changes(0, DOCUMENTS).await?;
        changes.push(milliseconds(start.elapsed()));
        if records.len() != DOCUMENTS {
            return Err("the changes feed lacks documents".into());
        }
    }
    Ok(vec![
        Figure::new("sqlite_batch10k_ms", median(&batches), "ms"),
        Figure::new("sqlite_single_write_ms", median(&singles), "ms"),
        Figure::new("sqlite_read10k_ms", median(&reads), "ms"),
        Figure::new("sqlite_changes10k_ms", median(&changes), "ms"),
    ])
}

async fn open(path: &Path) -> Result<(Sqlite, Database)> {
    let file = Sqlite::open(path)?;
    let database = file.create("bench", random(), Vec::new()).await?;
    Ok((file, Database::new(database)))
}
