//! Documents that have as much history as they can have, and messages about them that change next to
//! nothing: how long an edit of another list waits meanwhile.

use std::{sync::Arc, time::Duration};

use minicbor::bytes::ByteVec;
use serde_json::json;
use settee::keys::{Token, random::random};
use settee_bench::{
    documents::Todos,
    statistics::{milliseconds, percentile},
};
use settee_store::{
    Body, Database, DocumentId, Revision, Sqlite,
    forgotten::Forgotten,
    replication::{ReplicatedDocument, ReplicatedRevision},
    tree::HISTORY_LIMIT,
    view::MERGE_LIMIT,
};
use settee_sync::message::WireDocument;
use settee_todo::new_todo_id;
use tokio::time::interval;

use crate::program::{
    Result,
    attack::{Attack, Deeds},
    device::{Device, write},
    figure::Figure,
    server::Server,
    stranger::{Stranger, verified},
};

/// The length of the roots' bodies.
const BYTES: usize = 1_000_000;
/// Messages that change next to nothing.
const CLAIMS: u32 = 20;
/// Edits of another list, one every 100 ms.
const EDITS: usize = 300;
const GAP: Duration = Duration::from_millis(100);

pub async fn figures() -> Result<Vec<Figure>> {
    let mut server = Server::start()?;
    let (owner, deeds, history) = (Token::generate(), Deeds::default(), Arc::new(History::new()?));
    let (url, own, done) = (server.url(), owner.clone(), deeds.clone());
    let attack =
        Attack::start(1, move || grow(url.clone(), own.clone(), history.clone(), done.clone()))?;
    let (times, memory) = server.most_memory_during(others_edits(&server)).await?;
    drop(attack);
    server.kill();
    let record = longest_record(&server, &owner).await?;
    Ok(vec![
        Figure::new("history_documents", deeds.so_far(), "documents"),
        Figure::new("history_others_p99_ms", percentile(&times, 99), "ms"),
        Figure::new("history_rss_mb", memory / 1e6, "MB"),
        Figure::new("history_record_mib", record / f64::from(1 << 20), "MiB"),
    ])
}

/// Revisions that fit any document.
struct History {
    /// As many leaves as a document may have, each of which closes all roots.
    leaves: Vec<ReplicatedRevision>,
    roots: Vec<ReplicatedRevision>,
}

impl History {
    fn new() -> Result<Self> {
        let root = |number| body(&format!("root {number}"), BYTES);
        let roots = (0..HISTORY_LIMIT).map(|number| verified(&[], &root(number)?));
        let roots = roots.collect::<Result<Vec<_>>>()?;
        let mut names: Vec<Revision> = roots.iter().map(|root| root.revision).collect();
        names.sort_unstable();
        let leaf = |number| body(&format!("leaf {number}"), 0);
        let leaves = (0..MERGE_LIMIT).map(|number| verified(&names, &leaf(number)?));
        Ok(Self { leaves: leaves.collect::<Result<_>>()?, roots })
    }

    /// A leaf without its body, and a mark that nobody has heard of.
    fn claim(&self, id: &DocumentId, generation: u32) -> Result<WireDocument> {
        let leaf = self.leaves.first().ok_or("a document has leaves")?;
        let leaf = ReplicatedRevision { body: None, ..leaf.clone() };
        let mark = [&generation.to_be_bytes()[..], &random::<8>()].concat();
        let forgotten: Forgotten = minicbor::decode(&minicbor::to_vec(ByteVec::from(mark))?)?;
        Ok(WireDocument { forgotten: Some(forgotten), ..message(id, vec![leaf])? })
    }
}

fn body(title: &str, padding: usize) -> Result<Body> {
    let padding = "a".repeat(padding);
    Ok(Body::from_serialize(&json!({"completed": false, "title": title, "x": padding}))?)
}

fn message(id: &DocumentId, revisions: Vec<ReplicatedRevision>) -> Result<WireDocument> {
    Ok(WireDocument::from(&ReplicatedDocument::verified(id.clone(), revisions)?))
}

/// Gives a new document all of the history, and then claims one thing after the other about it.
async fn grow(url: String, owner: Token, history: Arc<History>, deeds: Deeds) -> Result<()> {
    let mut stranger = Stranger::connect(&url).await?;
    stranger.open(1, &owner, None).await?;
    let id = new_todo_id();
    let leaves = message(&id, history.leaves.clone());
    let roots = history.roots.iter().map(|root| message(&id, vec![root.clone()]));
    let claims = (1..=CLAIMS).map(|generation| history.claim(&id, generation));
    for (batch, document) in (0..).zip([leaves].into_iter().chain(roots).chain(claims)) {
        stranger.push(1, batch, vec![document?]).await?;
    }
    deeds.count();
    Ok(())
}

/// How long each edit takes from when it is due until the server has acknowledged it.
async fn others_edits(server: &Server) -> Result<Vec<f64>> {
    let device = Device::up_to_date(server, &Token::generate()).await?;
    let (mut todos, mut times, mut pace) = (Todos::default(), Vec::new(), interval(GAP));
    for _ in 0..EDITS {
        let due = pace.tick().await;
        write(&device.database, vec![todos.edit()]).await?;
        device.acknowledged().await?;
        times.push(milliseconds(due.elapsed()));
    }
    Ok(times)
}

/// The length of the longest record of a list, in bytes.
async fn longest_record(server: &Server, owner: &Token) -> Result<f64> {
    let databases = Sqlite::open_folder(server.data())?;
    let list = databases.find(owner.database_id().as_str()).await?.ok_or("there is no list")?;
    let list = Database::new(list);
    let (mut longest, mut seq) = (0, 0);
    while let Some(record) = list.changes(seq, 1).await?.first() {
        longest = longest.max(record.encode().len());
        seq = record.seq;
    }
    Ok(f64::from(u32::try_from(longest)?))
}
