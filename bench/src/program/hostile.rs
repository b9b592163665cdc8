//! Clients that mean ill, beside ordinary ones: how long these wait for each other's edits then, and how
//! much memory the server takes.

use std::time::Duration;

use settee::keys::Token;
use settee_bench::{documents::Todos, statistics::percentile};
use settee_sync::{
    Channel, Checkpoint,
    message::{Close, Compare, Message},
};
use settee_todo::new_todo_id;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    PATIENCE, Result,
    attack::Attack,
    device::{Device, empty_database, write},
    figure::Figure,
    load,
    server::Server,
    stranger::{Stranger, document},
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
    let target = Target { url: server.url(), address: server.address().to_owned(), long };
    let _attack = Attack::start(HOSTILE, move || attack(kind, target.clone()))?;
    let measure = load::latencies(&server, CLIENTS, EDITS);
    let (times, most) = server.most_memory_during(measure).await?;
    Ok((percentile(&times, 99), most / 1e6))
}

async fn attack(kind: Kind, target: Target) -> Result<()> {
    match kind {
        Kind::Mute => {
            let mut stream = TcpStream::connect(&target.address).await?;
            stream.read_exact(&mut [0; 1]).await?;
            Ok(())
        }
        Kind::Half => half_a_frame(&target).await,
        Kind::Deaf => deaf(&target).await,
        Kind::Flood => flood(&target).await,
        Kind::Create => create(&target).await,
        Kind::Compare => compare(&target).await,
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
    let mut stranger = Stranger::connect(&target.url).await?;
    for channel in 1..=8 {
        stranger.ask(channel, &target.long, None).await?;
    }
    sleep(Duration::from_mins(1)).await;
    Ok(())
}

async fn flood(target: &Target) -> Result<()> {
    let mut stranger = Stranger::connect(&target.url).await?;
    stranger.open(1, &Token::generate(), None).await?;
    let drafts = Todos::default().drafts(BATCH);
    let mut documents = drafts.into_iter().map(document).collect::<Result<Vec<_>>>()?;
    for batch in 0.. {
        // New documents, which cost the sender next to nothing.
        for document in &mut documents {
            document.id = new_todo_id();
        }
        stranger.push(1, batch, documents.clone()).await?;
    }
    Ok(())
}

async fn create(target: &Target) -> Result<()> {
    let mut stranger = Stranger::connect(&target.url).await?;
    for channel in 1.. {
        stranger.ask(channel, &Token::generate(), None).await?;
        while !matches!(stranger.receive().await?, Message::Opened(_) | Message::Closed(_)) {}
        stranger.send(Close { channel }).await?;
    }
    Ok(())
}

async fn compare(target: &Target) -> Result<()> {
    let mut stranger = Stranger::connect(&target.url).await?;
    for channel in 1.. {
        stranger.open(channel, &target.long, Some(nowhere())).await?;
        differences(&mut stranger, channel).await?;
        stranger.send(Close { channel }).await?;
    }
    Ok(())
}

/// A checkpoint that no server knows.
pub fn nowhere() -> Checkpoint {
    Checkpoint::new([9; 16], [9; 16], 1)
}

/// Has all of an open database compared with nothing.
pub async fn differences(stranger: &mut Stranger, channel: Channel) -> Result<()> {
    stranger.send(Compare { channel, buckets: vec![0; 8] }).await?;
    stranger.hear(|message| matches!(message, Message::Differences(_)).then_some(())).await
}
