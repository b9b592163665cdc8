//! What the server's process takes of the machine's memory.

use std::time::Duration;

use settee_bench::documents::Todos;
use settee_todo::Token;
use tokio::time::sleep;

use super::{
    Result,
    device::{Device, empty_database, write},
    figure::Figure,
    open_files,
    reader::{self, Reader},
    server::Server,
};

const DOCUMENTS: usize = 5_000;
/// Connected before counting, so that what the server gets once is not the connections'.
const FIRST: usize = 50;
/// As far as there is room for them.
const CONNECTIONS: u16 = 10_000;
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
    let count = CONNECTIONS.min(open_files::room());
    let server = Server::start()?;
    let owner = Token::generate();
    let database = empty_database();
    write(&database, Todos::default().edits(1)).await?;
    let writer = Device::connect(&server, &owner, database).await?;
    writer.acknowledged().await?;

    let _first = reader::gather(&server, &owner, FIRST, Reader::idle).await?;
    sleep(REST).await;
    let before = server.memory()?;
    let mut idle = reader::gather(&server, &owner, count.into(), Reader::idle).await?;
    sleep(REST).await;
    let each = (server.memory()? - before) / f64::from(count);
    // With one that is lost, the others would seem to take less than they do.
    if let Some(lost) = idle.try_join_next() {
        lost??;
    }
    Ok(vec![
        Figure::new("idle_connections", f64::from(count), "connections"),
        Figure::new("idle_connection_kb", each / 1e3, "kB"),
    ])
}
