//! A client that pushes as fast as it can, and acknowledges nothing of what the server has for it.

use std::time::Duration;

use settee::keys::Token;
use settee_bench::documents::Todos;
use settee_sync::{Limits, message::WireDocument};
use settee_todo::new_todo_id;
use tokio::time::sleep;

use crate::program::{
    Result,
    attack::{Attack, Deeds},
    figure::Figure,
    server::Server,
    stranger::{Stranger, document},
};

/// Batches of the list at first: about 1 MiB.
const FIRST: u32 = 4;
const TIME: Duration = Duration::from_mins(2);
/// After this pause the server has finished its background work.
const REST: Duration = Duration::from_secs(2);

pub async fn figures() -> Result<Vec<Figure>> {
    let server = Server::start()?;
    let drafts = Todos::default().drafts(Limits::default().batch_documents);
    let batch = drafts.into_iter().map(document).collect::<Result<Vec<_>>>()?;
    // What the first client leaves in the server's memory is no growth.
    new_list(&server.url(), &batch).await?;
    sleep(REST).await;
    let before = server.memory()?;

    let (url, deeds) = (server.url(), Deeds::default());
    let done = deeds.clone();
    let attack = Attack::start(1, move || write(url.clone(), batch.clone(), done.clone()))?;
    let most = server.most_memory_for(TIME).await?;
    drop(attack);
    Ok(vec![
        Figure::new("unacknowledged_batches", deeds.so_far(), "batches"),
        Figure::new("unacknowledged_growth_mb", (most - before) / 1e6, "MB"),
    ])
}

/// Pushes to a list until that is full. Whenever the server closes the channel, it opens another.
async fn write(url: String, batch: Vec<WireDocument>, deeds: Deeds) -> Result<()> {
    let list = new_list(&url, &batch).await?;
    loop {
        let mut stranger = Stranger::connect(&url).await?;
        stranger.open(1, &list, None).await?;
        let mut number = 0;
        while let Ok(acknowledge) = stranger.push(1, number, renewed(&batch)).await {
            if !acknowledge.refused.is_empty() {
                return Ok(());
            }
            number += 1;
            deeds.count();
        }
    }
}

async fn new_list(url: &str, batch: &[WireDocument]) -> Result<Token> {
    let list = Token::generate();
    let mut stranger = Stranger::connect(url).await?;
    stranger.open(1, &list, None).await?;
    for number in 0..FIRST {
        stranger.push(1, number, renewed(batch)).await?;
    }
    Ok(list)
}

/// The same as new documents.
fn renewed(batch: &[WireDocument]) -> Vec<WireDocument> {
    batch.iter().map(|document| WireDocument { id: new_todo_id(), ..document.clone() }).collect()
}
