//! Many clients, each with a list of its own, that send full batches and read no answers.

use std::{future::pending, sync::Arc, time::Duration};

use settee::keys::Token;
use settee_bench::documents::Todos;
use settee_sync::message::{Changes, Message};
use tokio::time::timeout;

use crate::program::{
    Result,
    attack::{Attack, Deeds},
    figure::Figure,
    open_files,
    server::Server,
    stranger::{Stranger, document},
};

const CLIENTS: u16 = 500;
/// How many batches of so many documents are about the credit of a channel.
const BATCHES: u32 = 4;
const DOCUMENTS: usize = 1_500;
/// Each life of a client has other documents.
const LIVES: usize = 4;
const TIME: Duration = Duration::from_mins(1);
/// After this a client comes back.
const LIFE: Duration = Duration::from_secs(15);

type Frames = Vec<Vec<u8>>;

pub async fn figures() -> Result<Vec<Figure>> {
    if open_files::room() < CLIENTS {
        return Err("the limit on open files is too low".into());
    }
    let server = Server::start()?;
    let lives = Arc::new((0..LIVES).map(|_| frames()).collect::<Result<Vec<_>>>()?);
    let (url, deeds) = (server.url(), Deeds::default());
    let done = deeds.clone();
    let attack =
        Attack::start(CLIENTS.into(), move || write(url.clone(), lives.clone(), done.clone()))?;
    let most = server.most_memory_for(TIME).await?;
    drop(attack);
    Ok(vec![
        Figure::new("unread_batches", deeds.so_far(), "batches"),
        Figure::new("unread_rss_mb", most / 1e6, "MB"),
    ])
}

/// One life after the other, with one list.
async fn write(url: String, lives: Arc<Vec<Frames>>, deeds: Deeds) -> Result<()> {
    let list = Token::generate();
    for frames in lives.iter().cycle() {
        // However a life ends, the next one begins.
        let _ = timeout(LIFE, live(&url, &list, frames, &deeds)).await;
    }
    Ok(())
}

async fn live(url: &str, list: &Token, frames: &Frames, deeds: &Deeds) -> Result<()> {
    let mut stranger = Stranger::connect(url).await?;
    stranger.open(1, list, None).await?;
    for frame in frames {
        stranger.send_frame(frame.clone()).await?;
        deeds.count();
    }
    pending().await
}

/// Batches of new documents.
fn frames() -> Result<Frames> {
    let mut todos = Todos::default();
    let batches = (0..BATCHES).map(|batch| {
        let drafts = todos.drafts(DOCUMENTS).into_iter();
        let documents = drafts.map(document).collect::<Result<_>>()?;
        let changes = Changes { channel: 1, batch, seq: None, documents, latest: None };
        Ok(Message::from(changes).encode())
    });
    batches.collect()
}
