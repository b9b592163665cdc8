//! Clients that mean ill, beside ordinary ones: how long these wait for each other's edits then, and how
//! much memory the server takes.

use std::{
    thread::{self, JoinHandle},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use settee::keys::Token;
use settee_bench::{documents::Todos, statistics::percentile};
use settee_client::{
    native::WebSocketConnector,
    socket::{Connector, Socket},
};
use settee_store::{
    Revision,
    replication::{ReplicatedDocument, ReplicatedRevision},
};
use settee_sync::{
    Checkpoint, Limits,
    message::{Changes, Close, Compare, Hello, Message, Open, Pong, VERSIONS, WireDocument},
};
use settee_todo::new_todo_id;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime,
    sync::oneshot,
    task::JoinSet,
    time::{interval, sleep, timeout},
};

use super::{
    PATIENCE, Result,
    device::{Device, empty_database, write},
    figure::Figure,
    load,
    server::Server,
};

/// Ordinary clients, and their edits, one every 50 ms.
const CLIENTS: u16 = 200;
const EDITS: usize = 200;
/// Clients of one kind that mean ill.
const HOSTILE: usize = 100;
/// Documents of the list that is compared again and again, and read without an end.
const DOCUMENTS: usize = 20_000;
/// Documents of a batch of those who write as fast as they can.
const BATCH: usize = 256;
/// How soon a client comes back after the server has closed its connection.
const PAUSE: Duration = Duration::from_millis(50);

/// What a client does that means ill.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Connects and asks for nothing.
    Mute,
    /// Sends most of the longest frame, and then nothing more.
    Half,
    /// Asks for a long list, and reads nothing of it.
    Deaf,
    /// Writes as fast as it can, and acknowledges nothing.
    Flood,
    /// Creates one database after the other.
    Create,
    /// Has a long list compared again and again.
    Compare,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Mute, Self::Half, Self::Deaf, Self::Flood, Self::Create, Self::Compare];

    fn name(self) -> &'static str {
        match self {
            Self::Mute => "mute",
            Self::Half => "half_frames",
            Self::Deaf => "deaf",
            Self::Flood => "flood",
            Self::Create => "create",
            Self::Compare => "compare",
        }
    }
}

/// Where the clients are that mean ill, and what all of them know.
#[derive(Clone)]
struct Target {
    url: String,
    address: String,
    /// The owner of a long list.
    long: Token,
}

pub async fn figures() -> Result<Vec<Figure>> {
    let alone = Server::start()?;
    let times = timeout(PATIENCE, load::latencies(&alone, CLIENTS, EDITS)).await??;
    drop(alone);
    let mut figures = vec![Figure::new("hostile_none_p99_ms", percentile(&times, 99), "ms")];
    for kind in Kind::ALL {
        // Each has a server of its own, so that none pays for the one before.
        let (p99, memory) = timeout(PATIENCE, beside(kind)).await??;
        figures.push(Figure::new(&format!("hostile_{}_p99_ms", kind.name()), p99, "ms"));
        figures.push(Figure::new(&format!("hostile_{}_rss_mb", kind.name()), memory, "MB"));
    }
    Ok(figures)
}

/// The latency beside clients of this kind, and the most memory that the server takes, in MB.
async fn beside(kind: Kind) -> Result<(f64, f64)> {
    let server = Server::start()?;
    let long = Token::generate();
    let database = empty_database();
    write(&database, Todos::default().edits(DOCUMENTS)).await?;
    Device::connect(&server, &long, database).await?.acknowledged().await?;
    let url = server.url();
    let address = url.trim_start_matches("ws://").trim_end_matches("/sync").to_owned();
    let target = Target { url, address, long };
    let _attack = Attack::start(kind, target)?;
    let measure = load::latencies(&server, CLIENTS, EDITS);
    tokio::pin!(measure);
    let (mut most, mut look) = (0.0_f64, interval(Duration::from_millis(200)));
    let times = loop {
        tokio::select! {
            times = &mut measure => break times?,
            _ = look.tick() => most = most.max(server.memory()?),
        }
    };
    Ok((percentile(&times, 99), most / 1e6))
}

/// All clients of one kind, on a thread of their own, so that the ordinary ones wait for the server and
/// not for them. It ends when this is dropped.
struct Attack(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Attack {
    fn start(kind: Kind, target: Target) -> Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let clients = (0..HOSTILE).map(move |_| {
            let target = target.clone();
            async move {
                loop {
                    // However it ends, it begins again.
                    let _ = attack(kind, &target).await;
                    sleep(PAUSE).await;
                }
            }
        });
        let run = async move {
            let _clients: JoinSet<()> = clients.collect();
            // It fails when the other end is dropped, which says the same.
            let _ = stopped.await;
        };
        let thread = thread::spawn(move || runtime.block_on(run));
        Ok(Self(Some((stop, thread))))
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // What it says is of no use to the figures.
            let _ = thread.join();
        }
    }
}

async fn attack(kind: Kind, target: &Target) -> Result<()> {
    match kind {
        Kind::Mute => {
            let mut stream = TcpStream::connect(&target.address).await?;
            stream.read_exact(&mut [0; 1]).await?;
            Ok(())
        }
        Kind::Half => half_a_frame(target).await,
        Kind::Deaf => deaf(target).await,
        Kind::Flood => flood(target).await,
        Kind::Create => create(target).await,
        Kind::Compare => compare(target).await,
    }
}

/// A WebSocket by hand, because half a frame is none.
async fn half_a_frame(target: &Target) -> Result<()> {
    let mut stream = TcpStream::connect(&target.address).await?;
    let request = format!(
        "GET /sync HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Protocol: settee.v1\r\n\r\n",
        target.address
    );
    stream.write_all(request.as_bytes()).await?;
    // A binary frame of 1,200,000 bytes with a mask of zeros.
    let head = [&[0x82, 0xff][..], &1_200_000_u64.to_be_bytes(), &[0; 4]].concat();
    stream.write_all(&head).await?;
    stream.write_all(&vec![0; 1_100_000]).await?;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await?;
    Ok(())
}

async fn deaf(target: &Target) -> Result<()> {
    let mut socket = greeted(target).await?;
    for channel in 1..=8 {
        send(&mut socket, open(channel, &target.long, None)).await?;
    }
    sleep(Duration::from_mins(1)).await;
    Ok(())
}

async fn flood(target: &Target) -> Result<()> {
    let own = Token::generate();
    let mut socket = greeted(target).await?;
    send(&mut socket, open(1, &own, None)).await?;
    let drafts = Todos::default().drafts(BATCH);
    let mut documents = drafts.into_iter().map(document).collect::<Result<Vec<_>>>()?;
    for batch in 0.. {
        // New documents, which cost the sender next to nothing.
        for document in &mut documents {
            document.id = new_todo_id();
        }
        let documents = documents.clone();
        send(&mut socket, Changes { channel: 1, batch, seq: None, documents, latest: None })
            .await?;
        loop {
            match receive(&mut socket).await? {
                Message::Acknowledge(_) => break,
                Message::Goodbye(_) | Message::Closed(_) => return Ok(()),
                _ => {}
            }
        }
    }
    Ok(())
}

async fn create(target: &Target) -> Result<()> {
    let mut socket = greeted(target).await?;
    for channel in 1.. {
        send(&mut socket, open(channel, &Token::generate(), None)).await?;
        while !matches!(receive(&mut socket).await?, Message::Opened(_) | Message::Closed(_)) {}
        send(&mut socket, Close { channel }).await?;
    }
    Ok(())
}

async fn compare(target: &Target) -> Result<()> {
    let mut socket = greeted(target).await?;
    let nowhere = Some(Checkpoint::new([9; 16], [9; 16], 1));
    for channel in 1.. {
        send(&mut socket, open(channel, &target.long, nowhere)).await?;
        while !matches!(receive(&mut socket).await?, Message::Opened(_)) {}
        send(&mut socket, Compare { channel, buckets: vec![0; 8] }).await?;
        while !matches!(receive(&mut socket).await?, Message::Differences(_)) {}
        send(&mut socket, Close { channel }).await?;
    }
    Ok(())
}

async fn greeted(target: &Target) -> Result<Box<dyn Socket>> {
    let connector = WebSocketConnector::new(target.url.clone());
    let mut socket = connector.connect(&Limits::default()).await?;
    send(&mut socket, Hello { versions: VERSIONS.to_vec(), agent: "hostile".into() }).await?;
    while !matches!(receive(&mut socket).await?, Message::Hello(_)) {}
    Ok(socket)
}

fn open(channel: u32, owner: &Token, checkpoint: Option<Checkpoint>) -> Open {
    let (database, credentials) = (owner.database_id().to_string(), owner.as_bytes().to_vec());
    Open { channel, database, credentials, checkpoint }
}

fn document(draft: settee_bench::documents::Draft) -> Result<WireDocument> {
    let (id, todo) = draft;
    let body = settee_store::Body::from_serialize(&todo)?;
    let revision = Revision::derive(None, &[], false, &body)?;
    let json = Some(body.as_str().as_bytes());
    let revision = ReplicatedRevision::verified(revision, None, Vec::new(), false, json)?;
    Ok(WireDocument::from(&ReplicatedDocument::verified(id, vec![revision])?))
}

async fn send(socket: &mut Box<dyn Socket>, message: impl Into<Message> + Send) -> Result<()> {
    Ok(socket.send(message.into().encode()).await?)
}

/// The next message that isn't a heartbeat.
async fn receive(socket: &mut Box<dyn Socket>) -> Result<Message> {
    loop {
        let frame = socket.next().await.ok_or("the server has closed the connection")??;
        match Message::decode(&frame)? {
            Some(Message::Ping(_)) => send(socket, Pong {}).await?,
            Some(message) => return Ok(message),
            None => {}
        }
    }
}
