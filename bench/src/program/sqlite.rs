//! The SQLite store alone: one file on disk, with durable commits.

use std::{path::Path, time::Instant};

use settee::keys::random::random;
use settee_bench::{
    documents::{Draft, Todos, edit},
    statistics::{median, milliseconds},
};
use settee_store::{Database, DocumentId, Sqlite, Storage};

use super::{Result, device::write, figure::Figure, server::data_folder};

const DOCUMENTS: usize = 10_000;
const SINGLES: u16 = 1_000;
const RUNS: usize = 3;
/// Number of documents in the file, and the name of the figure.
const SIZES: &[(usize, &str)] =
    &[(1_000, "sqlite_open1k_ms"), (10_000, "sqlite_open10k_ms"), (50_000, "sqlite_open50k_ms")];

pub async fn figures() -> Result<Vec<Figure>> {
    let mut figures = openings().await?;
    let [mut batches, mut singles, mut reads, mut changes] = [const { Vec::new() }; 4];
    for _ in 0..RUNS {
        let folder = data_folder()?;
        let path = folder.path().join("bench.sqlite");

        let (file, database) = open(&path).await?;
        let drafts = Todos::default().drafts(DOCUMENTS);
        let ids: Vec<DocumentId> = drafts.iter().map(|(id, _)| id.clone()).collect();
        let start = Instant::now();
        write(&database, drafts.into_iter().map(edit).collect()).await?;
        batches.push(milliseconds(start.elapsed()));
        drop(database);
        file.close().await;

        // Opened again, because the store caches what it has just written.
        let (_file, database) = open(&path).await?;
        let start = Instant::now();
        for id in &ids {
            database.get(id).await?.ok_or("a document is missing")?;
        }
        reads.push(milliseconds(start.elapsed()));
        let start = Instant::now();
        let documents = documents(&database).await?;
        changes.push(milliseconds(start.elapsed()));
        if documents != DOCUMENTS {
            return Err("the changes feed lacks documents".into());
        }

        let (_file, database) = open(&folder.path().join("singles.sqlite")).await?;
        singles.push(each_of(&database, Todos::default().drafts(SINGLES.into())).await?);
    }
    figures.extend([
        Figure::new("sqlite_single_write_ms", median(&singles), "ms"),
        Figure::new("sqlite_batch10k_ms", median(&batches), "ms"),
        Figure::new("sqlite_read10k_ms", median(&reads), "ms"),
        Figure::new("sqlite_changes10k_ms", median(&changes), "ms"),
    ]);
    Ok(figures)
}

/// Milliseconds to open a file and read all its documents.
async fn openings() -> Result<Vec<Figure>> {
    let mut figures = Vec::with_capacity(SIZES.len());
    for (count, bench) in SIZES {
        let mut times = Vec::with_capacity(RUNS);
        let folder = data_folder()?;
        let path = folder.path().join("bench.sqlite");
        let (file, database) = open(&path).await?;
        write(&database, Todos::default().edits(*count)).await?;
        drop(database);
        file.close().await;
        for _ in 0..RUNS {
            let start = Instant::now();
            let (file, database) = open(&path).await?;
            let documents = documents(&database).await?;
            times.push(milliseconds(start.elapsed()));
            if documents != *count {
                return Err("a file lacks documents".into());
            }
            drop(database);
            file.close().await;
        }
        figures.push(Figure::new(bench, median(&times), "ms"));
    }
    Ok(figures)
}

/// Milliseconds of each of many sequential durable writes.
async fn each_of(database: &Database, drafts: Vec<Draft>) -> Result<f64> {
    let start = Instant::now();
    for draft in drafts {
        write(database, vec![edit(draft)]).await?;
    }
    Ok(milliseconds(start.elapsed()) / f64::from(SINGLES))
}

/// Reads all documents, and returns their number. The store limits the size of each batch.
async fn documents(database: &Database) -> Result<usize> {
    let (mut count, mut since) = (0, 0);
    loop {
        let records = database.changes(since, DOCUMENTS).await?;
        let Some(last) = records.last() else { return Ok(count) };
        since = last.seq;
        count += records.iter().filter_map(|record| record.document()).count();
    }
}

async fn open(path: &Path) -> Result<(Sqlite, Database)> {
    let file = Sqlite::open(path)?;
    let database = file.create("bench", random(), Vec::new()).await?;
    Ok((file, Database::new(database)))
}
