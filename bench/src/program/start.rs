//! The server's start with many databases.

use std::time::Instant;

use settee::keys::Token;
use settee_bench::{
    documents::Todos,
    statistics::{median, milliseconds},
};

use super::{
    Result,
    device::Device,
    figure::Figure,
    server::Server,
    stranger::{Stranger, document},
};

/// Databases are made by so many connections, with so many each.
const CONNECTIONS: u16 = 100;
const CHANNELS: u16 = 100;
/// Of each database: a million in all.
const DOCUMENTS: usize = 100;

/// How long it takes until the server answers, its memory then, and the time until a client has one of
/// the databases. The system has the file in memory.
pub async fn figures() -> Result<Vec<Figure>> {
    let server = Server::start()?;
    let mut owners = Vec::new();
    for _ in 0..CONNECTIONS {
        owners.push(fill(&server).await?);
    }
    let start = Instant::now();
    let server = server.again()?;
    let started = milliseconds(start.elapsed());
    let memory = server.memory()? / 1e6;
    let mut times = Vec::new();
    for owner in &owners {
        let start = Instant::now();
        Device::up_to_date(&server, owner).await?.has(DOCUMENTS).await?;
        times.push(milliseconds(start.elapsed()));
    }
    Ok(vec![
        Figure::new("start_1m_ms", started, "ms"),
        Figure::new("start_1m_rss_mb", memory, "MB"),
        Figure::new("start_1m_open_ms", median(&times), "ms"),
    ])
}

/// Makes the databases of one connection. Returns the owner of the last.
async fn fill(server: &Server) -> Result<Token> {
    let mut stranger = Stranger::connect(&server.url()).await?;
    let mut owner = Token::generate();
    for channel in 0..CHANNELS.into() {
        owner = Token::generate();
        stranger.open(channel, &owner, None).await?;
        let drafts = Todos::default().drafts(DOCUMENTS);
        let documents = drafts.into_iter().map(document).collect::<Result<_>>()?;
        stranger.push(channel, 0, documents).await?;
    }
    Ok(owner)
}
