//! Clients that have a long list compared again and again: how long somebody else's comparison of a
//! short list takes.

use std::time::{Duration, Instant};

use settee::keys::Token;
use settee_bench::{documents::Todos, statistics::milliseconds};
use settee_sync::message::Close;
use tokio::time::timeout;

use crate::program::{
    PATIENCE, Result,
    attack::{Attack, Deeds},
    device::{Device, empty_database, write},
    figure::Figure,
    hostile::{differences, nowhere},
    server::Server,
    stranger::Stranger,
};

const CLIENTS: usize = 100;
const LONG: usize = 500_000;
const SHORT: usize = 10;
/// Documents of a commit on the device.
const COMMIT: usize = 50_000;
/// For how long the short list is compared, again and again: the others' first comparisons take seconds.
const DURATION: Duration = Duration::from_secs(20);

pub async fn figures() -> Result<Vec<Figure>> {
    let server = Server::start()?;
    let [long, short] = [list(&server, LONG).await?, list(&server, SHORT).await?];
    let (url, deeds) = (server.url(), Deeds::default());
    let done = deeds.clone();
    let _attack = Attack::start(CLIENTS, move || compare(url.clone(), long.clone(), done.clone()))?;
    let (times, memory) = server.most_memory_during(compared(&server, &short)).await?;
    Ok(vec![
        Figure::new("comparisons_of_others", deeds.so_far(), "comparisons"),
        Figure::new("comparisons_longest_ms", times.into_iter().fold(0.0, f64::max), "ms"),
        Figure::new("comparisons_rss_mb", memory / 1e6, "MB"),
    ])
}

async fn list(server: &Server, documents: usize) -> Result<Token> {
    let (owner, database) = (Token::generate(), empty_database());
    let mut todos = Todos::default();
    for begun in (0..documents).step_by(COMMIT) {
        write(&database, todos.edits(COMMIT.min(documents - begun))).await?;
    }
    Device::connect(server, &owner, database).await?.acknowledged().await?;
    Ok(owner)
}

async fn compare(url: String, list: Token, deeds: Deeds) -> Result<()> {
    let mut stranger = Stranger::connect(&url).await?;
    for channel in 1.. {
        stranger.open(channel, &list, Some(nowhere())).await?;
        differences(&mut stranger, channel).await?;
        deeds.count();
        stranger.send(Close { channel }).await?;
    }
    Ok(())
}

/// How long each comparison takes, from connecting to its answer.
async fn compared(server: &Server, list: &Token) -> Result<Vec<f64>> {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < DURATION {
        let start = Instant::now();
        let comparison = async {
            let mut stranger = Stranger::connect(&server.url()).await?;
            stranger.open(1, list, Some(nowhere())).await?;
            differences(&mut stranger, 1).await
        };
        timeout(PATIENCE, comparison).await??;
        times.push(milliseconds(start.elapsed()));
    }
    Ok(times)
}
