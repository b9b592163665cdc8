//! Readers without a database, of which thousands leave most of the machine to the server. They
//! implement only the part of the protocol that the server needs to treat them like other clients.

use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use settee::keys::Token;
use settee_client::{
    native::WebSocketConnector,
    socket::{Connector, Socket},
};
use settee_sync::{
    Channel, Limits,
    message::{Acknowledge, Hello, Message, Open, Pong, VERSIONS, WireDocument},
};
use tokio::task::JoinSet;

use super::{Result, server::Server};

/// Maximum number of readers that connect at the same time.
const TOGETHER: usize = 50;
/// The number of the only channel of a reader.
const CHANNEL: Channel = 0;

/// A connection with one open channel.
pub struct Reader {
    socket: Box<dyn Socket>,
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
            connecting.spawn(Reader::connect(server.url(), owner.clone()));
            begun += 1;
        }
        let Some(reader) = connecting.join_next().await else { return Ok(working) };
        working.spawn(work(reader??));
    }
}

impl Reader {
    /// Connects a reader and waits until it has caught up.
    async fn connect(url: String, owner: Token) -> Result<Self> {
        let socket = WebSocketConnector::new(url).connect(&Limits::default()).await?;
        let mut reader = Self { socket };
        reader.send(Hello { versions: VERSIONS.to_vec(), agent: "settee-bench".into() }).await?;
        match reader.receive().await? {
            Message::Hello(_) => {}
            other => return Err(unexpected(&other)),
        }
        let open = Open {
            channel: CHANNEL,
            database: owner.database_id().to_string(),
            credentials: owner.as_bytes().to_vec(),
            checkpoint: None,
        };
        reader.send(open).await?;
        let end = match reader.receive().await? {
            Message::Opened(opened) => opened.seq,
            other => return Err(unexpected(&other)),
        };
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
        let changes = match self.receive().await? {
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
        self.send(acknowledge).await?;
        Ok(Arrival { at, documents: changes.documents, seq: changes.seq })
    }

    /// The next message. Heartbeats are answered and skipped.
    async fn receive(&mut self) -> Result<Message> {
        loop {
            let frame = self.socket.next().await;
            let frame = frame.ok_or("the server has closed a reader's connection")??;
            match Message::decode(&frame)? {
                Some(Message::Ping(_)) => self.send(Pong {}).await?,
                Some(message) => return Ok(message),
                None => {}
            }
        }
    }

    async fn send(&mut self, message: impl Into<Message> + Send) -> Result<()> {
        Ok(self.socket.send(message.into().encode()).await?)
    }
}

/// The error for a message that readers don't handle. The server sends such messages only to
/// clients that write or have large documents.
fn unexpected(message: &Message) -> Box<dyn std::error::Error + Send + Sync> {
    format!("a reader doesn't know what to do about {message:?}").into()
}
