//! What goes wrong ends one connection at most, with a reason. The others don't notice.

use std::time::Duration;

use settee_server::SUBPROTOCOL;
use settee_sync::{
    Limits,
    message::{Acknowledge, GoodbyeCode, Hello, Ping, VERSIONS},
};
use settee_todo::Token;
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::support::{Bystanders, Client, TestServer, get, todo};

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
    client.push(1, 0, vec![todo(&"x".repeat(400)); 300]).await;
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
        client.push(1, batch, vec![todo(&"x".repeat(400)); 500]).await;
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
    assert!((400..500).contains(&get(server.address, "/sync", &[]).await.status()));
    bystanders.are_fine().await;
}

#[tokio::test]
async fn more_connections_than_there_are_seats() {
    let server = TestServer::with(|settings| settings.connections = 3).await;
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
        client.push(1, 0, vec![todo(&format!("last words {batch}")); 50]).await;
    }
    bystanders.are_fine().await;
    server.stop().await;
}
