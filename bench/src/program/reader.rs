//! Readers without a database, of which thousands leave most of the machine to the server. They
//! implement only the part of the protocol that the server needs to treat them like other clients.

use std::time::Instant;

use settee::keys::Token;
use settee_sync::{
    Channel, Checkpoint,
    message::{Acknowledge, Message, WireDocument},
};
use tokio::task::JoinSet;

use super::{Result, server::Server, stranger::Stranger};

/// Maximum number of readers that connect at the same time.
const TOGETHER: usize = 50;
/// The number of the only channel of a reader.
const CHANNEL: Channel = 0;

/// A connection with one open channel.
pub struct Reader {
    stranger: Stranger,
}

/// A batch of documents, to acknowledge.
pub struct Arrival {
    pub at: Instant,
    pub documents: Vec<WireDocument>,
    /// The update sequence up to which the reader has read.
    seq: Option<u64>,
}

/// Connects readers to the list of `owner`. Each starts its work as soon as it has caught up: if it
/// waited for the others, the server would close its silent connection.
pub async fn gather<W, F>(
    server: &Server,
    owner: &Token,
    count: usize,
    work: W,
) -> Result<JoinSet<F::Output>>
where
    W: Fn(Reader) -> F,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (mut connecting, mut working) = (JoinSet::new(), JoinSet::new());
    let mut begun = 0;
    loop {
        while begun < count && connecting.len() < TOGETHER {
            connecting.spawn(Reader::connect(server.url(), owner.clone(), None));
            begun += 1;
        }
        let Some(reader) = connecting.join_next().await else { return Ok(working) };
        working.spawn(work(reader??));
    }
}

impl Reader {
    /// Connects a reader and waits until it has caught up.
    pub async fn connect(
        url: String,
        owner: Token,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Self> {
        let mut stranger = Stranger::connect(&url).await?;
        let end = stranger.open(CHANNEL, &owner, checkpoint).await?.seq;
        let mut reader = Self { stranger };
        let mut seq = 0;
        while seq < end {
            seq = reader.next().await?.seq.unwrap_or(seq);
        }
        Ok(reader)
    }

    /// Reads until the connection is lost.
    pub async fn idle(mut self) -> Result<()> {
        loop {
            self.next().await?;
        }
    }

    /// Waits for documents and acknowledges them.
    pub async fn next(&mut self) -> Result<Arrival> {
        let changes = match self.stranger.receive().await? {
            Message::Changes(changes) => changes,
            other => return Err(unexpected(&other)),
        };
        let at = Instant::now();
        let acknowledge = Acknowledge {
            channel: CHANNEL,
            batch: changes.batch,
            refused: Vec::new(),
            seq: None,
            is_current: None,
        };
        self.stranger.send(acknowledge).await?;
        Ok(Arrival { at, documents: changes.documents, seq: changes.seq })
    }
}

/// The error for a message that readers don't handle. The server sends such messages only to
/// clients that write or have large documents.
fn unexpected(message: &Message) -> Box<dyn std::error::Error + Send + Sync> {
    format!("a reader doesn't know what to do about {message:?}").into()
}
