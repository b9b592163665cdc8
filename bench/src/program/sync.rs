//! Native clients and a server: how fast documents travel between clients.
//!
//! `peers/cases.mjs` has the same cases for other systems. Both files have to change together.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use settee::keys::Token;
use settee_bench::{
    documents::Todos,
    statistics::{median, milliseconds, percentile},
};
use tokio::{sync::mpsc, time::sleep};

use super::{
    Result,
    device::{Device, empty_database, write},
    figure::Figure,
    server::Server,
    sightings,
};

const DOCUMENTS: u16 = 5_000;
const LIVE_EDITS: u16 = 200;
const READERS: usize = 4;
const FAN_OUT_EDITS: usize = 100;
const GAP: Duration = Duration::from_millis(20);
/// Pause between connecting and measuring.
const REST: Duration = Duration::from_secs(1);

/// Documents that were written offline: the time until another client has them, and the time until
/// a client has them that connects later.
pub async fn bulk(server: &Server) -> Result<Vec<Figure>> {
    let each = f64::from(DOCUMENTS);
    let owner = Token::generate();
    let reader = Device::up_to_date(server, &owner).await?;
    let database = empty_database();
    write(&database, Todos::default().edits(DOCUMENTS.into())).await?;

    let start = Instant::now();
    let writer = Device::connect(server, &owner, database).await?;
    reader.has(DOCUMENTS.into()).await?;
    let push = each / start.elapsed().as_secs_f64();
    writer.acknowledged().await?;

    let start = Instant::now();
    let late = Device::connect(server, &owner, empty_database()).await?;
    late.has(DOCUMENTS.into()).await?;
    let pull = each / start.elapsed().as_secs_f64();
    Ok(vec![
        Figure::new("push_docs_per_s", push, "docs/s"),
        Figure::new("pull_docs_per_s", pull, "docs/s"),
        Figure::new("push_bytes_per_doc", number(writer.traffic.bytes()) / each, "B"),
        Figure::new("pull_bytes_per_doc", number(late.traffic.bytes()) / each, "B"),
    ])
}

/// New todos one at a time: the time until the other client's changes feed delivers each.
pub async fn live(server: &Server) -> Result<Vec<Figure>> {
    let owner = Token::generate();
    let writer = Device::up_to_date(server, &owner).await?;
    let reader = Device::up_to_date(server, &owner).await?;
    let mut feed = reader.database.follow(reader.database.seq());
    let mut todos = Todos::default();
    sleep(REST).await;

    let (frames, bytes) = (writer.traffic.messages(), writer.traffic.bytes());
    let mut times = Vec::with_capacity(LIVE_EDITS.into());
    for _ in 0..LIVE_EDITS {
        let edit = todos.edit();
        let id = edit.id.clone();
        let start = Instant::now();
        write(&writer.database, vec![edit]).await?;
        loop {
            let records = feed.next().await?.ok_or("the reader's feed has ended")?;
            if records.iter().any(|record| record.id == id) {
                break;
            }
        }
        times.push(milliseconds(start.elapsed()));
    }
    writer.acknowledged().await?;
    let frames = number(writer.traffic.messages() - frames) / f64::from(LIVE_EDITS);
    let bytes = number(writer.traffic.bytes() - bytes) / f64::from(LIVE_EDITS);
    Ok(vec![
        Figure::new("live_p50_ms", median(&times), "ms"),
        Figure::new("live_p95_ms", percentile(&times, 95), "ms"),
        // May include a heartbeat.
        Figure::new("live_frames", frames, "frames"),
        Figure::new("live_bytes", bytes, "B"),
    ])
}

/// New todos at a steady pace: the time until every reader's changes feed delivers each.
pub async fn fan_out(server: &Server) -> Result<Vec<Figure>> {
    let owner = Token::generate();
    let writer = Device::up_to_date(server, &owner).await?;
    let (sender, mut sightings) = mpsc::unbounded_channel();
    let mut readers = Vec::with_capacity(READERS);
    for _ in 0..READERS {
        let reader = Device::up_to_date(server, &owner).await?;
        let feed = reader.database.follow(reader.database.seq());
        tokio::spawn(sightings::report(feed, sender.clone()));
        readers.push(reader);
    }
    sleep(REST).await;

    let mut todos = Todos::default();
    let mut written = HashMap::with_capacity(FAN_OUT_EDITS);
    for _ in 0..FAN_OUT_EDITS {
        let edit = todos.edit();
        written.insert(edit.id.clone(), Instant::now());
        write(&writer.database, vec![edit]).await?;
        sleep(GAP).await;
    }
    let mut times = Vec::with_capacity(FAN_OUT_EDITS * READERS);
    while times.len() < FAN_OUT_EDITS * READERS {
        let (id, seen) = sightings.recv().await.ok_or("the readers' feeds have ended")?;
        let start = written.get(&id).ok_or("a reader saw what was not written")?;
        times.push(milliseconds(seen.duration_since(*start)));
    }
    Ok(vec![Figure::new("fanout4_p50_ms", median(&times), "ms")])
}

/// Counts of a run are far below what a float holds.
fn number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
