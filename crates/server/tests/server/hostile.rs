//! What goes wrong ends one connection at most, with a reason. The others don't notice.

use std::time::Duration;

use serde_json::json;
use settee_keys::Token;
use settee_store::Revision;
use settee_sync::{
    DenialCode, Limits,
    message::{
        Acknowledge, GoodbyeCode, Hello, Message, Open, Part, Ping, Received, VERSIONS,
        WireDocument,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::support::{
    Bystanders, Client, SOON, SUBPROTOCOL, Settings, TestServer, document, get, note,
};

/// Sends a frame to a server with an open channel, and sees how that ends.
async fn answered(frame: Vec<u8>) -> Option<u16> {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let token = Token::generate();
    let (mut client, _) = Client::opened(server.address, &token, &token, None).await;
    client.send_frame(frame).await;
    let code = client.ended().await;
    bystanders.are_fine().await;
    code
}

#[tokio::test]
async fn frames_of_unknown_types() {
    // A pair: type 63, an empty map.
    assert_eq!(
        answered(vec![0x82, 0x18, 63, 0xa0]).await,
        Some(GoodbyeCode::UnknownType.close_code())
    );
}

#[tokio::test]
async fn truncated_frames() {
    let hello = Hello { versions: VERSIONS.to_vec(), agent: "test".into() };
    let mut frame = settee_sync::message::Message::from(hello).encode();
    frame.pop();
    assert_eq!(answered(frame).await, Some(GoodbyeCode::Malformed.close_code()));
    assert_eq!(answered(Vec::new()).await, Some(GoodbyeCode::Malformed.close_code()));
}

#[tokio::test]
async fn frames_that_make_no_sense() {
    let acknowledge =
        Acknowledge { channel: 1, batch: 7, refused: Vec::new(), seq: None, is_current: None };
    let frame = settee_sync::message::Message::from(acknowledge).encode();
    assert_eq!(answered(frame).await, Some(GoodbyeCode::OutOfPlace.close_code()));
}

#[tokio::test]
async fn answers_to_parts_that_nobody_sent() {
    let frame = Message::from(Received {}).encode();
    assert_eq!(answered(frame).await, Some(GoodbyeCode::OutOfPlace.close_code()));
}

#[tokio::test]
async fn parts_of_parts() {
    let part = |bytes| Message::from(Part { bytes, is_last: Some(true) }).encode();
    let frame = part(part(Message::from(Ping {}).encode()));
    assert_eq!(answered(frame).await, Some(GoodbyeCode::OutOfPlace.close_code()));
}

#[tokio::test]
async fn parts_without_end() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let token = Token::generate();
    let (mut client, _) = Client::opened(server.address, &token, &token, None).await;
    let part = Part { bytes: vec![0; 64 * 1024], is_last: None };
    let most = Limits::default().frame / part.bytes.len();
    for _ in 0..=most {
        client.send(part.clone()).await;
    }
    assert_eq!(client.ended().await, Some(GoodbyeCode::TooLarge.close_code()));
    bystanders.are_fine().await;
}

#[tokio::test]
async fn much_noise() {
    let noise: Vec<u8> =
        (0..10_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    // There may be no goodbye: the socket is closed with most of the noise unread.
    answered(noise).await;
}

#[tokio::test]
async fn text() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    for text in ["", "[1, 2]", "{\"hello\": true}"] {
        let mut client = Client::greeted(server.address).await;
        client.send_text(text).await;
        assert_eq!(client.ended().await, Some(GoodbyeCode::Malformed.close_code()), "{text}");
    }
    bystanders.are_fine().await;
}

#[tokio::test]
async fn large_frames_before_the_first_channel() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let mut client = Client::greeted(server.address).await;
    client.send_frame(vec![0; 64 * 1024 + 1]).await;
    assert_eq!(client.ended().await, Some(GoodbyeCode::TooLarge.close_code()));

    // Afterwards they are welcome.
    let token = Token::generate();
    let (mut client, _) = Client::opened(server.address, &token, &token, None).await;
    client.push(1, 0, vec![note(&"x".repeat(400)); 300]).await;
    assert_eq!(client.acknowledged().await.batch, 0);
    bystanders.are_fine().await;
}

#[tokio::test]
async fn more_than_there_is_credit_for() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let token = Token::generate();
    let (mut client, _) = Client::opened(server.address, &token, &token, None).await;
    for batch in 0..40 {
        client.push(1, batch, vec![note(&"x".repeat(400)); 500]).await;
    }
    assert_eq!(client.ended().await, Some(GoodbyeCode::Overload.close_code()));
    bystanders.are_fine().await;
}

#[tokio::test]
async fn silence() {
    let short = Limits {
        heartbeat: Duration::from_millis(100),
        silence: Duration::from_millis(400),
        answer: Duration::from_millis(400),
        ..Limits::default()
    };
    let server = TestServer::with(|settings| settings.limits = short).await;
    let mut mute = Client::connected(server.address).await;
    assert_eq!(mute.ended().await, Some(GoodbyeCode::Silence.close_code()));

    let mut deaf = Client::greeted(server.address).await;
    let mut alive = Client::greeted(server.address).await;
    // Whoever answers stays; `hears_nothing` answers what asks whether we are there.
    for _ in 0..5 {
        alive.hears_nothing().await;
    }
    assert_eq!(deaf.ended().await, Some(GoodbyeCode::Silence.close_code()));
    alive.send(Ping {}).await;
    alive.receive().await;
}

#[tokio::test]
async fn requests_that_never_end() {
    let short = Limits { answer: Duration::from_millis(400), ..Limits::default() };
    let server = TestServer::with(|settings| settings.limits = short).await;
    for begun in [b"".as_slice(), b"GET /sync HTTP/1.1\r\nHost: a\r\nUpgrade: web"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let mut answer = Vec::new();
        // It ends: with a word on why, or without.
        timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    }
    assert_eq!(get(server.address, "/health", &[]).await, 200);
}

#[tokio::test]
async fn pages_of_other_sites() {
    let server =
        TestServer::with(|settings| settings.origins = vec!["https://a.example".parse().unwrap()])
            .await;
    let mut bystanders = Bystanders::on(&server).await;
    let own = format!("http://{}", server.address);
    for origin in [own.as_str(), "https://a.example"] {
        let shaken = Client::handshake(server.address, Some(SUBPROTOCOL), Some(origin)).await;
        assert!(shaken.is_ok(), "{origin}");
    }
    for origin in ["https://evil.example", "http://a.example", "null"] {
        let shaken = Client::handshake(server.address, Some(SUBPROTOCOL), Some(origin)).await;
        assert_eq!(shaken.err(), Some(StatusCode::FORBIDDEN), "{origin}");
    }
    bystanders.are_fine().await;
}

#[tokio::test]
async fn no_subprotocol_or_another() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    for protocol in [None, Some("settee.v9")] {
        let mut client = Client::handshake(server.address, protocol, None).await.unwrap();
        assert_eq!(client.ended().await, Some(GoodbyeCode::NoCommonVersion.close_code()));
    }
    assert!((400..500).contains(&get(server.address, "/sync", &[]).await));
    bystanders.are_fine().await;
}

#[tokio::test]
async fn more_connections_than_there_are_seats() {
    let server = TestServer::with(|settings| settings.quotas.connections = 3).await;
    let mut bystanders = Bystanders::on(&server).await;
    let last = Client::greeted(server.address).await;
    let shaken = Client::handshake(server.address, Some(SUBPROTOCOL), None).await;
    assert_eq!(shaken.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    drop(last);
    let mut again = Client::handshake(server.address, Some(SUBPROTOCOL), None).await;
    while again.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        again = Client::handshake(server.address, Some(SUBPROTOCOL), None).await;
    }
    bystanders.are_fine().await;
}

#[tokio::test]
async fn vanishing_without_a_goodbye() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let token = Token::generate();
    for batch in 0..20 {
        let (mut client, _) = Client::opened(server.address, &token, &token, None).await;
        client.push(1, 0, vec![note(&format!("last words {batch}")); 50]).await;
    }
    bystanders.are_fine().await;
    server.stop().await;
}

/// Long enough for those who go on talking, even where much else is going on.
fn impatient(settings: &mut Settings) {
    settings.limits.silence = Duration::from_secs(2);
    settings.limits.heartbeat = Duration::from_millis(200);
}

#[tokio::test]
async fn half_a_frame_and_then_nothing() {
    let server = TestServer::with(impatient).await;
    let mut bystanders = Bystanders::on(&server).await;
    let mut slow = bystanders.guest().await;
    // A binary frame of 256 bytes with a mask, of which two come.
    assert!(slow.send_bytes(&[0x82, 0xfe, 1, 0, 0, 0, 0, 0, 0x82, 3]).await);
    let code = bystanders.are_fine_during(slow.ended()).await;
    assert_eq!(code, Some(GoodbyeCode::Silence.close_code()));
}

#[tokio::test]
async fn fragments_without_end() {
    let server = TestServer::with(impatient).await;
    let mut bystanders = Bystanders::on(&server).await;
    // The first of a message, and then others that are empty, or not.
    let start = [0x02, 0x80, 0, 0, 0, 0];
    let empty = [0x00, 0x80, 0, 0, 0, 0].repeat(100);
    let mut full = vec![0x00, 0xfe, 0xff, 0xff, 0, 0, 0, 0];
    full.resize(full.len() + 0xffff, 0);
    for fragment in [empty, full] {
        let mut client = bystanders.guest().await;
        assert!(client.send_bytes(&start).await);
        let send = async { while client.send_bytes(&fragment).await {} };
        bystanders.are_fine_during(send).await;
    }
}

/// A frame of a type that may be ignored, of this length.
fn ignored(length: usize) -> Vec<u8> {
    let head = [0x82, 0x18, 64, 0x5a];
    let body = u32::try_from(length - head.len() - 4).unwrap();
    let mut frame = [head, body.to_be_bytes()].concat();
    frame.resize(length, 0);
    frame
}

#[tokio::test]
async fn frames_at_the_limit_and_beyond() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let Limits { first_frame, frame, .. } = Limits::default();
    let mut early = Client::greeted(server.address).await;
    let mut late = Client::greeted(server.address).await;
    let token = Token::generate();
    late.ask(1, token.database_id().as_str(), token.as_bytes(), None).await;
    late.receive().await;
    for (client, limit) in [(&mut early, first_frame), (&mut late, frame)] {
        client.send_frame(ignored(limit)).await;
        client.send(Ping {}).await;
        assert!(matches!(client.receive().await, Message::Pong(_)));
        client.send_frame(ignored(limit + 1)).await;
    }
    assert_eq!(early.ended().await, Some(GoodbyeCode::TooLarge.close_code()));
    // The socket itself takes nothing longer, so there is no goodbye but the WebSocket's own.
    assert_eq!(late.ended().await, Some(1009));
    bystanders.are_fine().await;
}

#[tokio::test]
async fn readers_who_never_read() {
    let limits = Limits { credit: 64 * 1024, batch: 16 * 1024, ..Limits::default() };
    let most = limits.credit + limits.batch;
    let server = TestServer::with(|settings| settings.limits = limits).await;
    let mut bystanders = Bystanders::on(&server).await;
    let mut slow = bystanders.guest().await;
    let title = "x".repeat(400);
    let mut written = 0;
    for batch in 0..50 {
        let note = |n| {
            document("note/", &format!("{batch} {n}"), &json!({"title": title, "completed": false}))
        };
        let documents: Vec<_> = (0..20).map(note).collect();
        written += documents.len();
        bystanders.write(documents).await;
    }

    // What the server has sent so far comes before its answer.
    slow.send(Ping {}).await;
    let mut unread = Vec::new();
    while let Message::Changes(changes) = slow.receive().await {
        unread.push(changes);
    }
    let sent: usize = unread.iter().map(|c| Message::from(c.clone()).encode().len()).sum();
    assert!(sent > 0 && sent <= most + most / 8, "{sent} bytes on a credit of {most}");
    let mut read = 0;
    for changes in unread {
        slow.land(&changes).await;
        read += changes.documents.len();
    }
    while read < written {
        read += slow.changes().await.len();
    }
    assert_eq!(read, written);
    bystanders.are_fine().await;
}

#[tokio::test]
async fn questions_without_reading_the_answers() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let mut deaf = Client::narrow(server.address).await;
    // A binary frame with a mask of zeros, and the message in it.
    let ping = [&[0x82, 0x83, 0, 0, 0, 0], Message::from(Ping {}).encode().as_slice()].concat();
    let pings = ping.repeat(1000);
    let send = async { while deaf.send_bytes(&pings).await {} };
    bystanders.are_fine_during(send).await;
}

#[tokio::test]
async fn channels_by_the_hundred_thousand() {
    const OPENS: u32 = 100_000;
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let token = bystanders.token.editor(0);
    let mut client = Client::greeted(server.address).await;
    let (database, credentials) = (bystanders.token.database_id(), token.as_bytes().to_vec());
    let open = |channel| Open {
        channel,
        database: database.as_str().to_owned(),
        credentials: credentials.clone(),
        checkpoint: None,
    };
    let opens = (0..OPENS).map(|channel| Message::from(open(channel)).encode());
    let answers = bystanders.are_fine_during(client.exchange(opens, OPENS as usize)).await;
    let count = |counts: fn(&Message) -> bool| answers.iter().filter(|it| counts(it)).count();
    let opened = count(|answer| matches!(answer, Message::Opened(_)));
    let denied =
        count(|answer| matches!(answer, Message::Closed(it) if it.code == DenialCode::TooMany));
    assert_eq!(opened, Limits::default().channels);
    assert_eq!(opened + denied, OPENS as usize);
    bystanders.are_fine().await;
}

#[tokio::test]
async fn messages_again_and_out_of_order() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let out_of_place = Some(GoodbyeCode::OutOfPlace.close_code());

    // Batches are taken as they come: the same again changes nothing.
    let mut client = bystanders.guest().await;
    for batch in [5, 3, 3] {
        client.push(1, batch, Vec::new()).await;
        assert_eq!(client.acknowledged().await.batch, batch);
    }
    client.send(Hello { versions: VERSIONS.to_vec(), agent: "test".into() }).await;
    assert_eq!(client.ended().await, out_of_place);

    let mut client = bystanders.guest().await;
    let list = bystanders.token.database_id();
    client.ask(1, list.as_str(), bystanders.token.editor(0).as_bytes(), None).await;
    assert_eq!(client.ended().await, out_of_place);

    let mut client = Client::greeted(server.address).await;
    client.push(1, 0, vec![note("early")]).await;
    assert_eq!(client.ended().await, out_of_place);

    let mut client = bystanders.guest().await;
    bystanders.are_fine().await;
    let Message::Changes(changes) = client.receive().await else { panic!("no changes") };
    client.land(&changes).await;
    client.land(&changes).await;
    assert_eq!(client.ended().await, out_of_place);
    bystanders.are_fine().await;
}

#[tokio::test]
async fn lies_about_revisions() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let known = note("known");
    bystanders.write(vec![known.clone()]).await;
    let mut liar = bystanders.guest().await;
    assert_eq!(liar.changes().await, std::slice::from_ref(&known));

    let lie = |name: &str, change: fn(&mut WireDocument)| {
        let mut document = note(name);
        change(&mut document);
        document
    };
    let another_parent = |document: &WireDocument| {
        let mut document = document.clone();
        // The name of a first revision, without the body that it would have to follow from.
        document.revisions[0].body = None;
        document.revisions[0].merges = Some(vec![Revision::new(1, [9; 16]).unwrap()]);
        document
    };
    let lies = vec![
        lie("hash", |it| it.revisions[0].revision = Revision::new(1, [9; 16]).ok()),
        lie("generation", |it| {
            let hash = it.revisions[0].revision.unwrap().hash();
            it.revisions[0].revision = Revision::new(7, hash).ok();
        }),
        lie("parent", |it| it.revisions[0].parent = Some([9; 16].into())),
        lie("merges", |it| {
            let merges = [Revision::new(2, [9; 16]).unwrap(), Revision::new(1, [9; 16]).unwrap()];
            it.revisions[0].merges = Some(merges.to_vec());
        }),
        lie("no name", |it| {
            it.revisions[0].revision = None;
            it.revisions[0].parent = Some([9; 16].into());
        }),
        lie("deleted", |it| it.revisions[0].deleted = Some(true)),
        lie("no body", |it| it.revisions[0].body = None),
        lie("no revisions", |it| it.revisions.clear()),
    ];
    liar.push(1, 0, lies.clone()).await;
    let refused = liar.acknowledged().await.refused;
    let mut ids: Vec<_> = refused.into_iter().map(|refusal| refusal.id).collect();
    ids.sort_unstable();
    let mut expected: Vec<_> = lies.into_iter().map(|document| document.id).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    // Who says something else about a revision that is there may have been told so, and is told the truth.
    liar.push(1, 1, vec![another_parent(&known)]).await;
    assert_eq!(liar.changes().await, std::slice::from_ref(&known));
    assert!(liar.acknowledged().await.refused.is_empty());

    // Nothing of it is there, and what was there is what it was.
    let mut guest = bystanders.guest().await;
    assert_eq!(guest.changes().await, [known]);
    bystanders.are_fine().await;
    liar.send(Acknowledge {
        channel: 1,
        batch: 99,
        refused: Vec::new(),
        seq: None,
        is_current: None,
    })
    .await;
    assert_eq!(liar.ended().await, Some(GoodbyeCode::OutOfPlace.close_code()));
    bystanders.are_fine().await;
}
