//! Memory use of the server process.

use std::time::Duration;

use settee::keys::Token;
use settee_bench::documents::Todos;
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
/// Connections made before measuring, so that one-time allocations are not counted.
const FIRST: usize = 50;
/// Number of connections, if the limit on open files allows it.
const CONNECTIONS: u16 = 10_000;
/// After this pause the server has finished its background work.
const REST: Duration = Duration::from_secs(2);

/// Memory of a new server after one client has pushed documents and another has pulled them.
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

/// Memory of idle connections, each with one open channel to the same small list.
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
    // A lost connection would make the figure of each too small.
    if let Some(lost) = idle.try_join_next() {
        lost??;
    }
    Ok(vec![
        Figure::new("idle_connections", f64::from(count), "connections"),
        Figure::new("idle_connection_kb", each / 1e3, "kB"),
    ])
}
