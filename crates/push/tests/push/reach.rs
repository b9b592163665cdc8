//! Endpoints that lead into the server's own network.

use settee_push::{Config, EndpointError, Options, Reach, SendError};
use tokio::net::{TcpListener, TcpStream};

use crate::browser::Browser;
use crate::service::Service;
use crate::{config, sender};

#[tokio::test]
async fn a_name_that_stands_for_an_address_out_of_reach_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Nothing is wrong with the name, until it is resolved.
    let subscription =
        Browser::new().subscription(&format!("https://localhost:{}/1", address.port()));
    let sender = sender(Config { reach: Reach::Public, ..config() });
    let sent = sender.send(&subscription, b"hello", &Options::default()).await;
    assert_eq!(sent, Err(SendError::Endpoint(EndpointError::Address)));
    // The first who connects is the test.
    let ours = TcpStream::connect(address).await.unwrap();
    let (_, first) = listener.accept().await.unwrap();
    assert_eq!(first, ours.local_addr().unwrap());
}

#[tokio::test]
async fn a_sender_checks_what_was_stored() {
    let mut service = Service::start().await;
    let stored = Browser::new().subscription(&service.endpoint("/status/201"));
    let public = sender(Config { reach: Reach::Public, ..config() });
    let sent = public.send(&stored, b"hello", &Options::default()).await;
    assert_eq!(sent, Err(SendError::Endpoint(EndpointError::Scheme)));
    let inside = stored.endpoint().replace("http:", "https:");
    let inside = Browser::new().subscription(&inside);
    let sent = public.send(&inside, b"hello", &Options::default()).await;
    assert_eq!(sent, Err(SendError::Endpoint(EndpointError::Address)));
    assert!(service.messages().is_empty());
}
