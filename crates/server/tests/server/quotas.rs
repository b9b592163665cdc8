//! What strangers may use has an end, and whoever reaches it is told.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use settee_axum::{Creation, KeysPolicy, Kit, Limits, Quotas};
use settee_keys::Token;
use settee_store::{MemoryStorage, backend::memory::Call};
use settee_sync::{
    DenialCode,
    message::{Close, Closed, Message, Opened, WireDocument},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::Notify,
    time::timeout,
};
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::support::{
    Bystanders, Client, SOON, SUBPROTOCOL, Settings, TestServer, document, get, kit, note,
};

async fn with(adjust: impl FnOnce(&mut Quotas)) -> TestServer {
    TestServer::with(|settings| adjust(&mut settings.quotas)).await
}

/// Asks for a list as its owner, which creates it.
async fn create(client: &mut Client, channel: u32) -> Result<Opened, DenialCode> {
    let token = Token::generate();
    client.ask(channel, token.database_id().as_str(), token.as_bytes(), None).await;
    loop {
        match client.receive().await {
            Message::Opened(opened) => return Ok(opened),
            Message::Closed(Closed { code, .. }) => return Err(code),
            Message::Changes(changes) => client.land(&changes).await,
            other => panic!("neither opened nor closed: {other:?}"),
        }
    }
}

/// What became of each of these documents: whether they were refused, and why.
async fn refusals(client: &mut Client, batch: u32, documents: Vec<WireDocument>) -> Vec<String> {
    client.push(1, batch, documents).await;
    let refused = client.acknowledged().await.refused;
    refused.into_iter().map(|refusal| refusal.reason).collect()
}

async fn owner(server: &TestServer) -> Client {
    let token = Token::generate();
    Client::opened(server.address, &token, &token, None).await.0
}

#[tokio::test]
async fn databases_of_a_connection() {
    let server = with(|quotas| quotas.creations = 2).await;
    let mut bystanders = Bystanders::on(&server).await;
    let mut client = Client::greeted(server.address).await;
    for channel in 1..=2 {
        assert!(create(&mut client, channel).await.is_ok());
    }
    assert_eq!(create(&mut client, 3).await.unwrap_err(), DenialCode::TooMany);
    // What is there already can be opened all the same.
    let mut guest = bystanders.guest().await;
    guest.send(Close { channel: 1 }).await;
    bystanders.are_fine().await;
}

#[tokio::test]
async fn databases_in_all() {
    let server = with(|quotas| quotas.databases = 3).await;
    let mut client = Client::greeted(server.address).await;
    let mut made = 0;
    let denied = loop {
        match create(&mut client, made + 1).await {
            Ok(_) => made += 1,
            Err(denied) => break denied,
        }
        // A look at the storage counts for a second.
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(made < 10, "it is never denied");
    };
    assert_eq!(denied, DenialCode::TooMany);
}

#[tokio::test]
async fn documents_of_a_database() {
    let server = with(|quotas| quotas.documents = 3).await;
    let mut client = owner(&server).await;
    let three = ["a", "b", "c"].map(note).to_vec();
    assert!(refusals(&mut client, 0, three).await.is_empty());
    let refused = refusals(&mut client, 1, vec![note("d"), note("e")]).await;
    assert_eq!(refused, ["a database holds at most 3 documents here"; 2]);
    // Another list has room of its own.
    assert!(refusals(&mut owner(&server).await, 0, vec![note("d")]).await.is_empty());
}

#[tokio::test]
async fn bytes_of_a_database() {
    let server = with(|quotas| quotas.bytes = 1_000_000).await;
    let mut client = owner(&server).await;
    let large = |name: &str| {
        let body = json!({"title": "x".repeat(400_000), "completed": false});
        document("note/", name, &body)
    };
    for batch in 0..2 {
        assert!(refusals(&mut client, batch, vec![large(&batch.to_string())]).await.is_empty());
    }
    let refused = refusals(&mut client, 2, vec![large("2")]).await;
    assert_eq!(refused, ["a database holds at most 1 MB here"]);
    assert!(refusals(&mut client, 3, vec![note("small")]).await.is_empty());
}

#[tokio::test]
async fn a_disk_that_is_nearly_full() {
    let server = with(|quotas| quotas.reserve = u64::MAX).await;
    let mut client = Client::greeted(server.address).await;
    assert_eq!(create(&mut client, 1).await.unwrap_err(), DenialCode::TooMany);

    // What was written while there was room can still be read.
    let token = Token::generate();
    let roomy = TestServer::start().await;
    let (mut writer, _) = Client::opened(roomy.address, &token, &token, None).await;
    assert!(refusals(&mut writer, 0, vec![note("a")]).await.is_empty());
    drop(writer);
    let folder = roomy.stop().await;
    let server = TestServer::on(folder, |settings| settings.quotas.reserve = u64::MAX).await;
    let (mut reader, _) = Client::opened(server.address, &token, &token, None).await;
    assert_eq!(reader.documents(1).await, [note("a")]);
    let refused = refusals(&mut reader, 0, vec![note("b")]).await;
    assert_eq!(refused, ["the server has no room left: try again later"]);
}

#[tokio::test]
async fn connections_from_one_address() {
    let server = with(|quotas| quotas.connections_from_address = 2).await;
    let from = |address: &'static str| {
        let address = [("x-forwarded-for", address)];
        Client::handshake_with(server.address, Some(SUBPROTOCOL), address)
    };
    let _two = [from("192.0.2.1").await.unwrap(), from("192.0.2.1").await.unwrap()];
    assert_eq!(from("192.0.2.1").await.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert!(from("192.0.2.2").await.is_ok(), "others have their own");
    Bystanders::on(&server).await.are_fine().await;
}

#[tokio::test]
async fn connections_without_a_request() {
    let server = with(|quotas| (quotas.connections, quotas.requests) = (4, 4)).await;
    let mut bystanders = Bystanders::on(&server).await;
    let mut idle = Vec::new();
    // Those that are too many are closed at once.
    let is_closed = async |stream: &mut TcpStream| {
        let read = timeout(Duration::from_millis(300), stream.read(&mut [0; 1])).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    };
    for _ in 0..10 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        if is_closed(&mut stream).await {
            break;
        }
        idle.push(stream);
    }
    assert!(idle.len() < 10, "as many as there are");
    bystanders.are_fine().await;
    drop(idle);
    while get_or_closed(&server).await != Some(200) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The answer to a request for `/health`, unless the connection is closed.
async fn get_or_closed(server: &TestServer) -> Option<u16> {
    let address = server.address;
    tokio::spawn(async move { get(address, "/health", &[]).await }).await.ok()
}

#[tokio::test]
async fn answers_that_nobody_takes() {
    let short = Limits { answer: Duration::from_millis(400), ..Limits::default() };
    let long = "x".repeat(64 << 20);
    let storage = MemoryStorage::new([1; 16]);
    let settings = Settings { limits: short, ..Settings::default() };
    let kit: Kit = kit(storage, KeysPolicy::new("notes"), settings);
    let app = kit.router().route("/long", axum::routing::get(async move || long));
    let server = TestServer::serving(tempfile::tempdir().unwrap(), kit, app).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    stream.write_all(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    // The server gives up, and what was on its way is all that ever comes.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut read = Vec::new();
    let _ = timeout(SOON, stream.read_to_end(&mut read)).await.unwrap();
    assert!(read.len() < 64 << 20, "all of it came");
}

#[tokio::test]
async fn frames_that_come_too_fast() {
    let server = with(|quotas| quotas.frames_per_second = 50).await;
    let mut bystanders = Bystanders::on(&server).await;
    let mut client = owner(&server).await;
    let begun = std::time::Instant::now();
    let pings = (0..150).map(|_| Message::from(settee_sync::message::Ping {}).encode());
    let answered = bystanders.are_fine_during(client.exchange(pings, 150)).await;
    assert_eq!(answered.len(), 150, "nothing is lost");
    assert!(begun.elapsed() >= Duration::from_secs(1), "the rest had to wait");
}

#[tokio::test]
async fn more_in_work_than_there_is_room_for() {
    let server = TestServer::with(|settings| {
        settings.quotas.bytes_in_work = 100_000;
        // What is half read counts although other things happen meanwhile.
        settings.limits.heartbeat = Duration::from_millis(20);
    });
    let server = server.await;
    let mut bystanders = Bystanders::on(&server).await;
    let mut client = owner(&server).await;
    for batch in 0..3 {
        let body = json!({"title": "x".repeat(50_000), "completed": false});
        let long = document("note/", &batch.to_string(), &body);
        assert!(refusals(&mut client, batch, vec![long]).await.is_empty());
    }
    // A frame that is longer than what each may hold in any case has to wait for another one, of which
    // only a part has come.
    let mut half = owner(&server).await;
    let head = [&[0x82, 0xff][..], &300_000_u64.to_be_bytes(), &[0; 4]].concat();
    assert!(half.send_bytes(&head).await && half.send_bytes(&vec![0; 200_000]).await);
    half.hears_nothing().await;
    client.push(1, 3, vec![long(200_000)]).await;
    client.hears_nothing().await;
    bystanders.are_fine().await;
    drop(half);
    assert_eq!(client.acknowledged().await.refused, []);
}

/// The store goes on with a commit when the client was told that it took too long.
#[tokio::test]
async fn work_that_nobody_waits_for() {
    let storage = MemoryStorage::new([1; 16]);
    let quotas = Quotas { bytes_in_work: 300_000, ..Quotas::default() };
    let settings = Settings { quotas, ..Settings::default() };
    let kit = kit(storage.clone(), KeysPolicy::new("notes"), settings);
    let server = TestServer::of(tempfile::tempdir().unwrap(), kit).await;
    let (held, list) = (Arc::new(Notify::new()), Token::generate());
    let (mut first, _) = Client::opened(server.address, &list, &list, None).await;
    hold_commits(&storage, &list, held.clone());
    first.push(1, 0, vec![long(400_000)]).await;
    assert!(matches!(first.receive().await, Message::Closed(_)));
    drop(first);
    let mut second = owner(&server).await;
    second.push(1, 0, vec![long(200_000)]).await;
    second.hears_nothing().await;
    held.notify_one();
    assert_eq!(second.acknowledged().await.refused, []);
}

fn long(length: usize) -> WireDocument {
    document("note/", "long", &json!({"title": "x".repeat(length), "completed": false}))
}

/// Has each commit to a list wait for `held`.
fn hold_commits(storage: &MemoryStorage, list: &Token, held: Arc<Notify>) {
    storage.memory(list.database_id().as_str()).unwrap().hold_calls(move |call| {
        let held = held.clone();
        match call {
            Call::Commit => Box::pin(async move { held.notified().await }),
            Call::Read | Call::Local => Box::pin(std::future::ready(())),
        }
    });
}

#[tokio::test]
async fn databases_of_those_who_know_the_servers_token() {
    let permit = Token::generate();
    for (creation, may) in [(Creation::Token(permit.clone()), true), (Creation::Closed, false)] {
        let policy = KeysPolicy::new("notes").creation(creation);
        let kit = kit(MemoryStorage::new([1; 16]), policy, Settings::default());
        let server = TestServer::of(tempfile::tempdir().unwrap(), kit).await;
        let mut client = Client::greeted(server.address).await;
        assert_eq!(create(&mut client, 1).await.unwrap_err(), DenialCode::Denied);
        let owner = Token::generate();
        let shown = |permit: &Token| [*owner.as_bytes(), *permit.as_bytes()].concat();
        let id = owner.database_id();
        client.ask(2, id.as_str(), &shown(&Token::generate()), None).await;
        assert!(matches!(client.receive().await, Message::Closed(_)));
        client.ask(3, id.as_str(), &shown(&permit), None).await;
        assert_eq!(matches!(client.receive().await, Message::Opened(_)), may);
        if may {
            // Once it is there, the owner's token is enough.
            let (_, opened) = Client::opened(server.address, &owner, &owner, None).await;
            assert_eq!(opened.channel, 1);
        }
    }
}
