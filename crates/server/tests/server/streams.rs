//! The protocol on other streams than those at `/sync`.

use std::io;

use serde_json::json;
use settee_axum::{KeysPolicy, Kit, Streams};
use settee_client::{socket::Connector, stream::StreamConnector};
use settee_keys::Token;
use settee_store::MemoryStorage;
use tokio::{
    io::DuplexStream,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    device::Device,
    support::{SOON, Settings, kit},
};

impl Device {
    async fn has(&self, documents: usize) {
        let mut news = self.database.watch();
        let all = async {
            loop {
                let counts = self.database.counts().await.unwrap();
                if counts.documents == documents && counts.pending == 0 {
                    break;
                }
                news.changed().await.unwrap();
            }
        };
        timeout(SOON, all).await.expect("it comes through");
    }
}

fn new_kit() -> Kit {
    kit(MemoryStorage::new([1; 16]), KeysPolicy::new("notes"), Settings::default())
}

/// Two devices write at once, more than one batch, and each has all of it in the end.
async fn meet(connector: impl Fn() -> Box<dyn Connector>) {
    let owner = Token::generate();
    let one = Device::with(connector(), &owner, &owner).await;
    let other = Device::with(connector(), &owner, &owner).await;
    let long = "x".repeat(900);
    let note =
        |who: &str, n: u32| json!({"title": format!("{who} {n} {long}"), "completed": false});
    for n in 0..400 {
        one.put(&format!("note/one {n}"), note("one", n), Vec::new()).await;
        other.put(&format!("note/other {n}"), note("other", n), Vec::new()).await;
    }
    one.has(800).await;
    other.has(800).await;
}

#[tokio::test]
async fn two_devices_meet_over_bare_tcp() {
    let kit = new_kit();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let streams = kit.streams();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let streams = streams.clone();
            tokio::spawn(async move { streams.serve(stream).await });
        }
    });
    meet(|| Box::new(StreamConnector::new(move || TcpStream::connect(address)))).await;
}

#[tokio::test]
async fn two_devices_meet_over_pipes_that_hold_a_few_bytes() {
    let kit = new_kit();
    let streams = kit.streams();
    meet(move || {
        let streams = streams.clone();
        Box::new(StreamConnector::new(move || open_pipe(&streams)))
    })
    .await;
}

/// The server's end is served; the client's end is what it opens.
fn open_pipe(streams: &Streams) -> impl Future<Output = io::Result<DuplexStream>> + Send + use<> {
    let (ours, theirs) = tokio::io::duplex(64);
    let streams = streams.clone();
    tokio::spawn(async move { streams.serve(theirs).await });
    std::future::ready(Ok(ours))
}
