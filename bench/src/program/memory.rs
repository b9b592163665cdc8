//! What the server's process takes of the machine's memory.

use std::time::Duration;

use settee_bench::documents::Todos;
use settee_todo::Token;
use tokio::time::sleep;

use super::{
    Result,
    device::{Device, empty_database, write},
    figure::Figure,
    server::Server,
};

const DOCUMENTS: usize = 5_000;
/// Connected before counting, so that what the server gets once is not the connections'.
const FIRST: usize = 50;
const CONNECTIONS: u16 = 500;
/// How many connect at a time.
const TOGETHER: usize = 50;
/// After this the server has done what it does after the fact.
const REST: Duration = Duration::from_secs(2);

/// Of a server that is new, after one client has pushed its documents and another has pulled them.
pub async fn documents(server: &Server) -> Result<Vec<Figure>> {
    let owner = Token::generate();
    let database = empty_database();
    write(&database, Todos::default().edits(DOCUMENTS)).await?;
    let writer = Device::connect(server, &owner, database).await?;
    writer.acknowledged().await?;
    let reader = Device::connect(server, &owner, empty_database()).await?;
    reader.has(DOCUMENTS).await?;
    sleep(REST).await;
    Ok(vec![Figure::new("server_rss_mb", server.memory()? / 1e6, "MB")])
}

/// Connections with one open channel each, all to one small list.
pub async fn idle_connections() -> Result<Vec<Figure>> {
    let server = Server::start()?;
    let owner = Token::generate();
    let database = empty_database();
    write(&database, Todos::default().edits(1)).await?;
    let writer = Device::connect(&server, &owner, database).await?;
    writer.acknowledged().await?;

    let _first = connections(&server, &owner, FIRST).await?;
    sleep(REST).await;
    let before = server.memory()?;
    let _idle = connections(&server, &owner, CONNECTIONS.into()).await?;
    sleep(REST).await;
    let each = (server.memory()? - before) / f64::from(CONNECTIONS);
    Ok(vec![Figure::new("idle_connection_kb", each / 1e3, "kB")])
}

async fn connections(server: &Server, owner: &Token, count: usize) -> Result<Vec<Device>> {
    let mut devices = Vec::with_capacity(count);
    while devices.len() < count {
        let mut group = Vec::new();
        for _ in 0..TOGETHER.min(count - devices.len()) {
            group.push(Device::connect(server, owner, empty_database()).await?);
        }
        for device in &group {
            device.has(1).await?;
        }
        devices.append(&mut group);
    }
    Ok(devices)
}
