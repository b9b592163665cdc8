//! Clients that read a large list again and again while another one writes to it: how long SQLite's log
//! becomes, which can't begin anew where somebody still reads.

use std::{fs, time::Duration};

use settee::keys::Token;
use settee_bench::documents::{Draft, Todos};
use settee_sync::{Checkpoint, message::Opened};
use tokio::time::{Instant, interval};

use crate::program::{
    Result,
    attack::{Attack, Deeds},
    figure::Figure,
    reader::Reader,
    server::Server,
    stranger::{Stranger, document},
};

/// The list: 500 MB.
const BATCHES: u32 = 2_500;
const BATCH: usize = 20;
const TITLE: usize = 10_000;
const READERS: usize = 6;
/// Between two edits.
const GAP: Duration = Duration::from_millis(10);
/// SQLite's log in the folder of the databases.
const LOG: &str = "settee.sqlite-wal";

/// `time` is how long the readers read.
pub async fn figures(time: Duration) -> Result<Vec<Figure>> {
    let server = Server::start()?;
    let owner = Token::generate();
    let end = fill(&server, &owner).await?;
    let (url, list, deeds) = (server.url(), owner.clone(), Deeds::default());
    let done = deeds.clone();
    let _attack = Attack::start(READERS, move || read(url.clone(), list.clone(), done.clone()))?;
    let (told, memory) = server.most_memory_during(edit(&server, &owner, end, time)).await?;
    Ok(vec![
        Figure::new("log_reads", deeds.so_far(), "reads"),
        Figure::new("log_edits_per_s", told.edits / time.as_secs_f64(), "edits/s"),
        Figure::new("log_mb", told.longest / 1e6, "MB"),
        Figure::new("log_rss_mb", memory / 1e6, "MB"),
    ])
}

/// Writes the list, and returns where it ends.
async fn fill(server: &Server, owner: &Token) -> Result<Checkpoint> {
    let mut stranger = Stranger::connect(&server.url()).await?;
    let Opened { incarnation, run, mut seq, .. } = stranger.open(1, owner, None).await?;
    let mut todos = Todos::default();
    for batch in 0..BATCHES {
        let drafts = (0..BATCH).map(|_| document(long(todos.draft())));
        let told = stranger.push(1, batch, drafts.collect::<Result<_>>()?).await?;
        seq = told.seq.unwrap_or(seq);
    }
    Ok(Checkpoint::new(*incarnation, *run, seq))
}

fn long((id, mut todo): Draft) -> Draft {
    todo.title = "a".repeat(TITLE);
    (id, todo)
}

async fn read(url: String, list: Token, deeds: Deeds) -> Result<()> {
    Reader::connect(url, list, Some(Checkpoint::void())).await?;
    deeds.count();
    Ok(())
}

/// What there was while somebody wrote.
struct Told {
    edits: f64,
    /// The most bytes of the log.
    longest: f64,
}

/// Writes one new todo every 10 ms, as far as the server can.
async fn edit(server: &Server, owner: &Token, end: Checkpoint, time: Duration) -> Result<Told> {
    let mut stranger = Stranger::connect(&server.url()).await?;
    stranger.open(1, owner, Some(end)).await?;
    let (mut todos, mut pace, start) = (Todos::default(), interval(GAP), Instant::now());
    let log = server.data().join(LOG);
    let (mut edits, mut longest) = (0, 0);
    while start.elapsed() < time {
        pace.tick().await;
        stranger.push(1, edits, vec![document(todos.draft())?]).await?;
        edits += 1;
        longest = longest.max(fs::metadata(&log)?.len());
    }
    Ok(Told { edits: edits.into(), longest: f64::from(u32::try_from(longest)?) })
}
