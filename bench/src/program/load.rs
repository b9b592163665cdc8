//! Many clients of one list: the latency from writers to all readers, and the load on the server.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use settee::keys::Token;
use settee_bench::{
    documents::Todos,
    statistics::{median, milliseconds, percentile},
};
use settee_store::Edit;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    Result,
    device::{Device, empty_database, write},
    figure::Figure,
    ledger::Ledger,
    open_files,
    reader::{self, Arrival, Reader},
    server::Server,
};

/// Default number of clients.
pub const CLIENTS: u16 = 2_000;
/// Number of clients that write, in turn.
const WRITERS: u16 = 20;
/// Size of the list at the start.
const DOCUMENTS: usize = 100;
/// Number of edits, one every `GAP`: 20 seconds in all.
const EDITS: usize = 400;
const GAP: Duration = Duration::from_millis(50);
/// After this pause the server has finished its background work.
const REST: Duration = Duration::from_secs(2);

/// Writers are full clients. Readers are as light as possible, because they share the machine with
/// the server.
pub async fn figures(clients: u16) -> Result<Vec<Figure>> {
    let clients = clients.min(open_files::room());
    let readers = clients.checked_sub(WRITERS).filter(|readers| *readers > 0);
    let readers = readers.ok_or_else(|| format!("it takes more than {WRITERS} clients"))?;
    let server = Server::start()?;
    let owner = Token::generate();
    let writers = writers(&server, &owner).await?;
    sleep(REST).await;

    let before = server.memory()?;
    let edits = Todos::default().edits(EDITS);
    let ledger = Arc::new(Ledger::new(&edits));
    let mut crowd = crowd(&server, &owner, readers.into(), &ledger).await?;
    sleep(REST).await;

    let (start, used) = (Instant::now(), server.processor_time()?);
    write_in_turn(&writers, edits, &ledger).await?;
    let (mut times, mut open) = (Vec::new(), Vec::with_capacity(readers.into()));
    while let Some(ended) = crowd.join_next().await {
        let (reader, seen) = ended??;
        times.extend(seen);
        // Stays connected, because the memory of its connection is measured below.
        open.push(reader);
    }
    let used = server.processor_time()?.saturating_sub(used);
    let busy = used.as_secs_f64() / start.elapsed().as_secs_f64();
    let each = (server.memory()? - before) / f64::from(readers);
    Ok(vec![
        Figure::new("load_clients", f64::from(clients), "clients"),
        Figure::new("load_p50_ms", median(&times), "ms"),
        Figure::new("load_p99_ms", percentile(&times, 99), "ms"),
        // As a percentage of one core.
        Figure::new("load_server_cpu_percent", busy * 100.0, "%"),
        Figure::new("load_connection_kb", each / 1e3, "kB"),
    ])
}

/// The latencies of so many edits of a list with so many clients, in milliseconds.
pub async fn latencies(server: &Server, clients: u16, edits: usize) -> Result<Vec<f64>> {
    let owner = Token::generate();
    let writers = writers(server, &owner).await?;
    let edits = Todos::default().edits(edits);
    let ledger = Arc::new(Ledger::new(&edits));
    let readers = clients.saturating_sub(WRITERS);
    let mut crowd = crowd(server, &owner, readers.into(), &ledger).await?;
    write_in_turn(&writers, edits, &ledger).await?;
    let mut times = Vec::new();
    while let Some(ended) = crowd.join_next().await {
        times.extend(ended??.1);
    }
    Ok(times)
}

type Crowd = JoinSet<Result<(Reader, Vec<f64>)>>;

/// Connects readers, each of which waits for all of the ledger's documents.
async fn crowd(
    server: &Server,
    owner: &Token,
    readers: usize,
    ledger: &Arc<Ledger>,
) -> Result<Crowd> {
    reader::gather(server, owner, readers, |reader| watch(reader, ledger.clone())).await
}

/// Writes one edit every `GAP`, each by the next writer.
async fn write_in_turn(writers: &[Device], edits: Vec<Edit>, ledger: &Ledger) -> Result<()> {
    let mut pace = interval(GAP);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (edit, writer) in edits.into_iter().zip(writers.iter().cycle()) {
        pace.tick().await;
        ledger.note(&edit.id);
        write(&writer.database, vec![edit]).await?;
    }
    Ok(())
}

/// Connects the writers. The first one writes the initial list.
async fn writers(server: &Server, owner: &Token) -> Result<Vec<Device>> {
    let database = empty_database();
    write(&database, Todos::default().edits(DOCUMENTS)).await?;
    let first = Device::connect(server, owner, database).await?;
    first.acknowledged().await?;
    let mut writers = vec![first];
    for _ in 1..WRITERS {
        writers.push(Device::up_to_date(server, owner).await?);
    }
    Ok(writers)
}

/// Reads until all documents have arrived. Returns the latency of each in milliseconds.
async fn watch(mut reader: Reader, ledger: Arc<Ledger>) -> Result<(Reader, Vec<f64>)> {
    let mut times = Vec::with_capacity(ledger.count());
    while times.len() < ledger.count() {
        let Arrival { at, documents, .. } = reader.next().await?;
        let ages = documents.iter().filter_map(|document| ledger.age(&document.id, at));
        times.extend(ages.map(milliseconds));
    }
    Ok((reader, times))
}
