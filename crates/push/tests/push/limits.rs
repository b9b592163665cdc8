//! Services that answer too much, too late or not at all.

use std::time::Duration;

use settee_push::{Config, Options, SendError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::browser::Browser;
use crate::service::Service;
use crate::{config, sender};

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let mut service = Service::start().await;
    let subscription = Browser::new().subscription(&service.endpoint("/endless"));
    // Only the limit of bytes can end it.
    let sender = sender(Config { time_limit: Duration::MAX, ..config() });
    let sent = sender.send(&subscription, b"hello", &Options::default()).await;
    assert_eq!(sent, Err(SendError::Gone));
    service.ended().await;
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_with_the_time() {
    let mut service = Service::start().await;
    let subscription = Browser::new().subscription(&service.endpoint("/never"));
    let sender = sender(Config { time_limit: Duration::from_secs(2), ..config() });
    let sent = sender.send(&subscription, b"hello", &Options::default()).await;
    assert_eq!(sent, Err(SendError::Later(None)));
    service.ended().await;
}

#[tokio::test]
async fn what_was_said_before_the_time_ended_counts() {
    let mut service = Service::start().await;
    let subscription = Browser::new().subscription(&service.endpoint("/silent"));
    let sender = sender(Config { time_limit: Duration::from_secs(2), ..config() });
    let sent = sender.send(&subscription, b"hello", &Options::default()).await;
    assert_eq!(sent, Ok(()));
    service.ended().await;
}

#[tokio::test]
async fn only_so_many_are_sent_at_once() {
    let mut service = Service::start().await;
    let subscription = Browser::new().subscription(&service.endpoint("/held"));
    let sender = sender(Config { at_once: 2, ..config() });
    let mut sending = JoinSet::new();
    for _ in 0..6 {
        let (sender, subscription) = (sender.clone(), subscription.clone());
        sending
            .spawn(async move { sender.send(&subscription, b"hello", &Options::default()).await });
    }
    for _ in 0..3 {
        service.message().await;
        service.message().await;
        service.answer(2);
    }
    assert_eq!(sending.join_all().await, [Ok(()); 6]);
    assert_eq!(service.most_held(), 2);
}

#[tokio::test]
async fn a_limit_of_none_still_sends() {
    let service = Service::start().await;
    let subscription = Browser::new().subscription(&service.endpoint("/status/201"));
    let sender = sender(Config { at_once: 0, ..config() });
    assert_eq!(sender.send(&subscription, b"hello", &Options::default()).await, Ok(()));
}

#[tokio::test]
async fn a_service_that_is_not_there_or_speaks_nonsense_is_tried_later() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/1", listener.local_addr().unwrap());
    let subscription = Browser::new().subscription(&endpoint);
    let sender = sender(config());
    let long_head = format!("HTTP/1.1 201 Created\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    let options = Options::default();
    for answer in ["nonsense\r\n\r\n", "", &long_head] {
        let sending = sender.send(&subscription, b"hello", &options);
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 100]).await.unwrap();
            // The sender may hang up in the middle of it.
            let _ = stream.write_all(answer.as_bytes()).await;
        };
        let (sent, ()) = tokio::join!(sending, answering);
        assert_eq!(sent, Err(SendError::Later(None)));
    }
    drop(listener);
    let sent = sender.send(&subscription, b"hello", &options).await;
    assert_eq!(sent, Err(SendError::Later(None)));
}
