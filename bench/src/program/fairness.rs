//! Two lists on one connection: the latency of edits of the small one, while the large one is
//! received for the first time.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use settee::keys::Token;
use settee_bench::{
    documents::Todos,
    statistics::{median, milliseconds, percentile},
};
use tokio::{sync::mpsc, task::JoinSet, time::sleep};

use super::{
    Result,
    device::{Connection, Device, empty_database, write},
    figure::Figure,
    server::Server,
    sightings,
};

/// Size of the large list.
const DOCUMENTS: usize = 50_000;
/// Edits of the small list. The large list is received again on new connections until all are made.
const EDITS: usize = 200;
const GAP: Duration = Duration::from_millis(20);
/// Pause between connecting and measuring.
const REST: Duration = Duration::from_millis(200);

pub async fn figures() -> Result<Vec<Figure>> {
    let server = Server::start()?;
    let (large, small) = (Token::generate(), Token::generate());
    let database = empty_database();
    write(&database, Todos::default().edits(DOCUMENTS)).await?;
    let writer = Device::connect(&server, &large, database).await?;
    writer.acknowledged().await?;
    drop(writer);

    let writer = Device::up_to_date(&server, &small).await?;
    let mut todos = Todos::default();
    let mut times = Vec::with_capacity(EDITS);
    while times.len() < EDITS {
        times.extend(beside_a_large_one(&server, &large, &small, &writer, &mut todos).await?);
    }
    Ok(vec![
        Figure::new("fair_p50_ms", median(&times), "ms"),
        Figure::new("fair_p99_ms", percentile(&times, 99), "ms"),
    ])
}

/// Opens the large list on a connection that has the small one, and writes to the small list until
/// all of the large one has been received. So all these edits compete with it.
async fn beside_a_large_one(
    server: &Server,
    large: &Token,
    small: &Token,
    writer: &Device,
    todos: &mut Todos,
) -> Result<Vec<f64>> {
    let connection = Connection::new(server);
    let read = empty_database();
    connection.open(small, read.clone()).await?.up_to_date().await?;
    let (sender, mut sightings) = mpsc::unbounded_channel();
    // Dropped when this function returns, unlike the feed.
    let mut reports = JoinSet::new();
    reports.spawn(sightings::report(read.follow(read.seq()), sender));
    sleep(REST).await;

    let arriving = empty_database();
    connection.open(large, arriving.clone()).await?;
    let mut written = HashMap::new();
    while arriving.counts().await?.documents < DOCUMENTS {
        let edit = todos.edit();
        written.insert(edit.id.clone(), Instant::now());
        write(&writer.database, vec![edit]).await?;
        sleep(GAP).await;
    }
    let mut times = Vec::with_capacity(written.len());
    while times.len() < written.len() {
        let (id, seen) = sightings.recv().await.ok_or("the reader's feed has ended")?;
        let start = written.get(&id).ok_or("the reader saw what was not written")?;
        times.push(milliseconds(seen.duration_since(*start)));
    }
    Ok(times)
}
