//! Disk use of deleted documents, before and after compaction.

use std::time::Instant;

use settee::keys::random::random;
use settee_bench::{
    documents::Todos,
    statistics::{median, milliseconds},
};
use settee_store::{Body, Change, Database, DocumentId, Edit, Operation, backend::sqlite::Sqlite};

use super::{Result, device::write, figure::Figure, server::data_folder};

const DOCUMENTS: usize = 10_000;
const RUNS: usize = 3;

/// Todos that were made, completed and deleted, with everything acknowledged by a server.
pub async fn figures() -> Result<Vec<Figure>> {
    let [mut before, mut after, mut times] = [const { Vec::new() }; 3];
    for _ in 0..RUNS {
        let folder = data_folder()?;
        let file = Sqlite::open(folder.path().join("bench.sqlite"))?;
        let database = Database::new(file.create("bench", random(), Vec::new()).await?);
        let drafts = Todos::default().edits(DOCUMENTS);
        let ids: Vec<DocumentId> = drafts.iter().map(|edit| edit.id.clone()).collect();
        write(&database, drafts).await?;
        tick(&database, &ids).await?;
        delete(&database, &ids).await?;

        let start = Instant::now();
        let compaction = database.compact().await?;
        times.push(milliseconds(start.elapsed()));
        if compaction.documents != DOCUMENTS {
            return Err("some were not compacted".into());
        }
        let each = |bytes: usize| f64::from(u32::try_from(bytes / DOCUMENTS).unwrap_or(u32::MAX));
        before.push(each(compaction.bytes.0));
        after.push(each(compaction.bytes.1));
    }
    Ok(vec![
        Figure::new("deleted_bytes_per_doc", median(&before), "B"),
        Figure::new("stub_bytes_per_doc", median(&after), "B"),
        Figure::new("sqlite_compact10k_ms", median(&times), "ms"),
    ])
}

async fn tick(database: &Database, ids: &[DocumentId]) -> Result<()> {
    let mut edits = Vec::with_capacity(ids.len());
    for document in documents(database, ids).await? {
        let mut fields = document.body.fields();
        fields.insert("completed".into(), true.into());
        let change = Change::Put(Body::new(fields)?);
        edits.push(Edit { id: document.id, seen: document.leaves, change });
    }
    write(database, edits).await
}

/// Deletes them and acknowledges the deletes.
async fn delete(database: &Database, ids: &[DocumentId]) -> Result<()> {
    let documents_then = documents(database, ids).await?;
    let edits = documents_then.into_iter().map(|document| Edit {
        id: document.id,
        seen: document.leaves,
        change: Change::Delete,
    });
    write(database, edits.collect()).await?;
    let documents_now = documents(database, ids).await?;
    let operations = documents_now
        .into_iter()
        .map(|document| Operation::Acknowledge { id: document.id, revisions: document.leaves });
    database.commit(operations.collect()).await?;
    Ok(())
}

async fn documents(database: &Database, ids: &[DocumentId]) -> Result<Vec<settee_store::Document>> {
    let records = database.records(ids.to_vec()).await?;
    Ok(records.into_iter().flatten().filter_map(|record| record.document()).collect())
}
