//! Frames that are compressed on their way.

use settee_keys::Token;
use settee_sync::{
    COMPRESSING_SUBPROTOCOL, Limits,
    compression::{MARK, compress},
    message::{Changes, GoodbyeCode, Message},
};

use crate::support::{Bystanders, Client, TestServer, note};

const COUNT: usize = 500;

async fn opened(server: &TestServer, protocol: &'static str, token: &Token) -> Client {
    let client = Client::handshake(server.address, Some(protocol), None).await.unwrap();
    let mut client = client.greet().await;
    client.ask(1, token.database_id().as_str(), token.as_bytes(), None).await;
    assert!(matches!(client.receive().await, Message::Opened(_)));
    client
}

fn frame() -> Vec<u8> {
    let documents = (0..COUNT).map(|n| note(&format!("a note with the number {n}"))).collect();
    Message::from(Changes { channel: 1, batch: 0, seq: None, documents, latest: None }).encode()
}

#[tokio::test]
async fn long_frames_are_short_on_their_way() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let mut writer = opened(&server, COMPRESSING_SUBPROTOCOL, &token).await;
    let message = compress(&frame()).unwrap();
    assert!(message.len() * 3 < frame().len(), "{} of {}", message.len(), frame().len());
    writer.send_frame(message).await;
    assert_eq!(writer.acknowledged().await.refused, []);

    let mut received = Vec::new();
    for protocol in [COMPRESSING_SUBPROTOCOL, settee_sync::SUBPROTOCOL] {
        let mut reader = opened(&server, protocol, &token).await;
        assert_eq!(reader.documents(COUNT).await.len(), COUNT);
        received.push(reader.received);
    }
    assert!(received[0] * 3 < received[1], "{received:?}");
}

#[tokio::test]
async fn a_frame_that_unfolds_to_more_than_the_limit() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    let mut client = opened(&server, COMPRESSING_SUBPROTOCOL, &Token::generate()).await;
    client.send_frame(compress(&vec![0; Limits::default().frame + 1]).unwrap()).await;
    assert_eq!(client.ended().await, Some(1009));
    bystanders.are_fine().await;
}

#[tokio::test]
async fn what_cannot_be_expanded() {
    let server = TestServer::start().await;
    let mut bystanders = Bystanders::on(&server).await;
    // Without the agreement nothing is expanded.
    let agreed = [
        (COMPRESSING_SUBPROTOCOL, vec![MARK, 0xff, 0xff]),
        (settee_sync::SUBPROTOCOL, compress(&frame()).unwrap()),
    ];
    for (protocol, message) in agreed {
        let mut client = opened(&server, protocol, &Token::generate()).await;
        client.send_frame(message).await;
        assert_eq!(client.ended().await, Some(GoodbyeCode::Malformed.close_code()), "{protocol}");
    }
    bystanders.are_fine().await;
}
