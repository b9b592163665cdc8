//! A client that speaks the protocol by hand: without a machine and without a database, it can do
//! what ordinary clients don't.

use futures_util::{SinkExt, StreamExt};
use settee::keys::Token;
use settee_bench::documents::Draft;
use settee_client::{
    native::WebSocketConnector,
    socket::{Connector, Socket},
};
use settee_store::{
    Body, Revision,
    replication::{ReplicatedDocument, ReplicatedRevision},
};
use settee_sync::{
    Channel, Checkpoint, Limits,
    message::{Acknowledge, Changes, Hello, Message, Open, Opened, Pong, VERSIONS, WireDocument},
};

use super::Result;

/// A connection on which both sides have said hello.
pub struct Stranger {
    socket: Box<dyn Socket>,
}

impl Stranger {
    pub async fn connect(url: &str) -> Result<Self> {
        let socket = WebSocketConnector::new(url).connect(&Limits::default()).await?;
        let mut stranger = Self { socket };
        stranger.send(Hello { versions: VERSIONS.to_vec(), agent: "settee-bench".into() }).await?;
        stranger.hear(|message| matches!(message, Message::Hello(_)).then_some(())).await?;
        Ok(stranger)
    }

    /// Opens the owner's database. Fails if that is denied.
    pub async fn open(
        &mut self,
        channel: Channel,
        owner: &Token,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Opened> {
        self.ask(channel, owner, checkpoint).await?;
        self.hear(|message| match message {
            Message::Opened(opened) => Some(opened),
            _ => None,
        })
        .await
    }

    /// Asks for the owner's database, and doesn't wait for the answer.
    pub async fn ask(
        &mut self,
        channel: Channel,
        owner: &Token,
        checkpoint: Option<Checkpoint>,
    ) -> Result<()> {
        let (database, credentials) = (owner.database_id().to_string(), owner.as_bytes().to_vec());
        self.send(Open { channel, database, credentials, checkpoint }).await
    }

    /// Sends a batch, and waits until it is acknowledged.
    pub async fn push(
        &mut self,
        channel: Channel,
        batch: u32,
        documents: Vec<WireDocument>,
    ) -> Result<Acknowledge> {
        self.send(Changes { channel, batch, seq: None, documents, latest: None }).await?;
        self.hear(|message| match message {
            Message::Acknowledge(acknowledge) => Some(acknowledge),
            _ => None,
        })
        .await
    }

    pub async fn send(&mut self, message: impl Into<Message> + Send) -> Result<()> {
        self.send_frame(message.into().encode()).await
    }

    pub async fn send_frame(&mut self, frame: Vec<u8>) -> Result<()> {
        Ok(self.socket.send(frame).await?)
    }

    /// The next message that isn't a heartbeat.
    pub async fn receive(&mut self) -> Result<Message> {
        loop {
            let frame =
                self.socket.next().await.ok_or("the server has closed the connection")??;
            match Message::decode(&frame)? {
                Some(Message::Ping(_)) => self.send(Pong {}).await?,
                Some(message) => return Ok(message),
                None => {}
            }
        }
    }

    /// Waits for a message that is wanted, and ignores what comes before it. Fails when the server
    /// ends a channel or the connection.
    pub async fn hear<T>(&mut self, wanted: impl Fn(Message) -> Option<T>) -> Result<T> {
        loop {
            let message = self.receive().await?;
            if matches!(message, Message::Closed(_) | Message::Goodbye(_)) {
                return Err(format!("the server has said {message:?}").into());
            }
            if let Some(found) = wanted(message) {
                return Ok(found);
            }
        }
    }
}

/// A first revision as it travels.
pub fn document((id, todo): Draft) -> Result<WireDocument> {
    let revision = verified(&[], &Body::from_serialize(&todo)?)?;
    Ok(WireDocument::from(&ReplicatedDocument::verified(id, vec![revision])?))
}

/// A revision without a parent, which closes others.
pub fn verified(merges: &[Revision], body: &Body) -> Result<ReplicatedRevision> {
    let name = Revision::derive(None, merges, false, body)?;
    let json = Some(body.as_str().as_bytes());
    Ok(ReplicatedRevision::verified(name, None, merges.to_vec(), false, json)?)
}
