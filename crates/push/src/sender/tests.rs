//! TLS: whom the client trusts. The service's certificate signs itself, for `localhost`, until 2120.

use super::*;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const CERTIFICATE: &[u8] = include_bytes!("fixtures/certificate.der");
const KEY: &[u8] = include_bytes!("fixtures/key.der");

fn certificate() -> CertificateDer<'static> {
    CERTIFICATE.into()
}

fn trusting_the_service() -> RootCertStore {
    let mut authorities = RootCertStore::empty();
    authorities.add(certificate()).unwrap();
    authorities
}

fn sender(authorities: RootCertStore) -> Sender {
    let contact = Contact::new("mailto:operator@example.org").unwrap();
    let config = Config { reach: Reach::Loopback, ..Config::default() };
    Sender::trusting(authorities, Key::random(), contact, config)
}

fn subscription(endpoint: &str) -> Subscription {
    let keys = json!({ "p256dh": Key::random().public(), "auth": "BTBZMqHH6r4Tts7J_aSIgg" });
    let json = json!({ "endpoint": endpoint, "keys": keys }).to_string();
    Subscription::from_json_within(json.as_bytes(), Reach::Loopback).unwrap()
}

/// Takes one connection, and so many messages on it. Gives their first lines.
async fn serve(listener: TcpListener, messages: usize) -> std::io::Result<Vec<String>> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], PrivatePkcs8KeyDer::from(KEY).into())
        .unwrap();
    let (stream, _) = listener.accept().await?;
    let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
    let mut stream = BufReader::new(stream);
    let mut first_lines = Vec::new();
    for _ in 0..messages {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            stream.read_line(&mut head).await?;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        stream.read_exact(&mut vec![0; length.parse().unwrap()]).await?;
        stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\nyes").await?;
        stream.flush().await?;
        first_lines.push(head.lines().next().unwrap().to_owned());
    }
    Ok(first_lines)
}

#[tokio::test]
async fn messages_to_a_trusted_service_share_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://localhost:{}/send/1", listener.local_addr().unwrap().port());
    let service = tokio::spawn(serve(listener, 2));
    let sender = sender(trusting_the_service());
    let subscription = subscription(&endpoint);
    for message in ["one", "two"] {
        let sent = sender.send(&subscription, message.as_bytes(), &Options::default()).await;
        assert_eq!(sent, Ok(()));
    }
    assert_eq!(service.await.unwrap().unwrap(), ["POST /send/1 HTTP/1.1"; 2]);
}

#[tokio::test]
async fn others_get_no_message() {
    for (host, authorities) in
        [("localhost", public_authorities()), ("127.0.0.1", trusting_the_service())]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("https://{host}:{}/1", listener.local_addr().unwrap().port());
        let service = tokio::spawn(serve(listener, 1));
        let sender = sender(authorities);
        let sent = sender.send(&subscription(&endpoint), b"secret", &Options::default()).await;
        assert_eq!(sent, Err(SendError::Later(None)), "{host}");
        assert!(service.await.unwrap().is_err(), "{host}");
    }
}
