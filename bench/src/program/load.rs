//! Many clients of one list: the latency from writers to all readers, and the load on the server, which
//! has a core of its own.

mod hocuspocus;

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
    time::{Interval, MissedTickBehavior, interval, sleep},
};

use super::{
    Result, cores,
    device::{Device, empty_database, write},
    figure::Figure,
    ledger::Ledger,
    open_files,
    reader::{self, Arrival, Reader},
    server::Server,
};

pub use hocuspocus::NAME as PEER;

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

/// How long a server was watched, and what it used meanwhile.
struct Watched {
    start: Instant,
    used: Duration,
}

/// Writers are full clients. Readers are as light as possible, because all of them share a core.
pub async fn figures(clients: u16) -> Result<Vec<Figure>> {
    let readers = readers(clients)?;
    let server = Server::apart()?;
    cores::leave_the_first()?;
    let owner = Token::generate();
    let writers = writers(&server, &owner).await?;
    sleep(REST).await;

    let before = server.memory()?;
    let edits = Todos::default().edits(EDITS);
    let ledger = Arc::new(Ledger::new(edits.iter().map(|edit| &edit.id)));
    let mut crowd = crowd(&server, &owner, readers.into(), &ledger).await?;
    sleep(REST).await;

    let watched = Watched::begin(server.processor_time()?);
    write_in_turn(&writers, edits, &ledger).await?;
    let (mut times, mut open) = (Vec::new(), Vec::with_capacity(readers.into()));
    while let Some(ended) = crowd.join_next().await {
        let (reader, seen) = ended??;
        times.extend(seen);
        // Stays connected, because the memory of its connection is measured below.
        open.push(reader);
    }
    let mut figures = watched.figures(server.processor_time()?, &times);
    let each = (server.memory()? - before) / f64::from(readers);
    figures.push(Figure::new("load_clients", f64::from(clients), "clients"));
    figures.push(Figure::new("load_connection_kb", each / 1e3, "kB"));
    Ok(figures)
}

/// The same with Hocuspocus, whose clients are all light.
pub async fn peers_figures(clients: u16) -> Result<Vec<Figure>> {
    let readers = readers(clients)?;
    let server = hocuspocus::Server::start()?;
    let mut writers = hocuspocus::writers(&server, WRITERS, DOCUMENTS).await?;
    let edits = Todos::default().drafts(EDITS);
    let ledger = Arc::new(Ledger::new(edits.iter().map(|(id, _)| id)));
    let mut crowd = hocuspocus::crowd(&server, readers.into(), DOCUMENTS, &ledger).await?;
    sleep(REST).await;

    let watched = Watched::begin(server.processor_time()?);
    let mut pace = pace();
    for (number, draft) in edits.iter().enumerate() {
        pace.tick().await;
        ledger.note(&draft.0);
        let writer = number % writers.len();
        writers[writer].write(std::slice::from_ref(draft)).await?;
    }
    let mut times = Vec::new();
    while let Some(ended) = crowd.join_next().await {
        times.extend(ended??);
    }
    let mut figures = watched.figures(server.processor_time()?, &times);
    for figure in &mut figures {
        figure.peer = hocuspocus::NAME.into();
    }
    Ok(figures)
}

impl Watched {
    fn begin(used: Duration) -> Self {
        Self { start: Instant::now(), used }
    }

    fn figures(&self, used: Duration, times: &[f64]) -> Vec<Figure> {
        let used = used.saturating_sub(self.used).as_secs_f64();
        let busy = used / self.start.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "there are less than a billion")]
        let deliveries = times.len() as f64;
        vec![
            Figure::new("load_p50_ms", median(times), "ms"),
            Figure::new("load_p99_ms", percentile(times, 99), "ms"),
            // As a percentage of one core.
            Figure::new("load_server_cpu_percent", busy * 100.0, "%"),
            Figure::new("load_server_us_per_delivery", used / deliveries * 1e6, "µs"),
        ]
    }
}

/// The number of readers among so many clients, or fewer, if not so many sockets may be open.
fn readers(clients: u16) -> Result<u16> {
    let clients = clients.min(open_files::room());
    let readers = clients.checked_sub(WRITERS).filter(|readers| *readers > 0);
    readers.ok_or_else(|| format!("it takes more than {WRITERS} clients").into())
}

fn pace() -> Interval {
    let mut pace = interval(GAP);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// The latencies of so many edits of a list with so many clients, in milliseconds.
pub async fn latencies(server: &Server, clients: u16, edits: usize) -> Result<Vec<f64>> {
    let owner = Token::generate();
    let writers = writers(server, &owner).await?;
    let edits = Todos::default().edits(edits);
    let ledger = Arc::new(Ledger::new(edits.iter().map(|edit| &edit.id)));
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
    let mut pace = pace();
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
