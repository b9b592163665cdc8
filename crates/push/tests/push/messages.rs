//! What arrives: headers, the server's signature, and the payload.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::json;
use settee_push::{Options, PAYLOAD_LIMIT, SendError, Topic, Urgency};
use tokio::runtime::Runtime;

use crate::browser::{Browser, verify};
use crate::service::Service;
use crate::{CONTACT, config, sender};

#[tokio::test]
async fn a_message_arrives_with_all_that_was_asked() {
    let mut service = Service::start().await;
    let (browser, sender) = (Browser::new(), sender(config()));
    let subscription = browser.subscription(&service.endpoint("/status/201"));
    let options = Options {
        ttl: Duration::from_secs(90),
        urgency: Urgency::High,
        topic: Some(Topic::new("tea-time").unwrap()),
    };
    sender.send(&subscription, b"The tea is ready.", &options).await.unwrap();

    let message = service.message().await;
    assert_eq!(message.header("ttl"), Some("90"));
    assert_eq!(message.header("urgency"), Some("high"));
    assert_eq!(message.header("topic"), Some("tea-time"));
    assert_eq!(message.header("content-encoding"), Some("aes128gcm"));
    assert_eq!(message.header("content-type"), Some("application/octet-stream"));
    assert_eq!(browser.read(&message.body), b"The tea is ready.");

    let (claims, key) = verify(message.header("authorization").unwrap());
    assert_eq!(key, sender.public_key());
    assert_eq!(claims["aud"], json!(service.origin()));
    assert_eq!(claims["sub"], json!(CONTACT));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let left = claims["exp"].as_u64().unwrap().checked_sub(now).unwrap();
    assert!(left <= 24 * 60 * 60, "RFC 8292 allows no more than a day");
}

#[tokio::test]
async fn what_was_not_asked_is_left_to_the_service() {
    let mut service = Service::start().await;
    let subscription = Browser::new().subscription(&service.endpoint("/status/201"));
    sender(config()).send(&subscription, b"", &Options::default()).await.unwrap();
    let message = service.message().await;
    assert_eq!(message.header("ttl"), Some("86400"));
    assert_eq!(message.header("urgency"), Some("normal"));
    assert_eq!(message.header("topic"), None);
}

#[tokio::test]
async fn a_payload_that_is_too_long_is_not_sent() {
    let mut service = Service::start().await;
    let (browser, sender) = (Browser::new(), sender(config()));
    let subscription = browser.subscription(&service.endpoint("/status/201"));
    let options = Options::default();
    let longest = [7; PAYLOAD_LIMIT];
    sender.send(&subscription, &longest, &options).await.unwrap();
    let too_long = sender.send(&subscription, &[7; PAYLOAD_LIMIT + 1], &options).await;
    assert_eq!(too_long, Err(SendError::TooLong));
    let messages = service.messages();
    let [message] = messages.as_slice() else { panic!("{} messages", messages.len()) };
    assert_eq!(message.body.len(), 4096);
    assert_eq!(browser.read(&message.body), longest);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_browser_reads_any_payload(payload in prop::collection::vec(any::<u8>(), 0..PAYLOAD_LIMIT)) {
        let (read, length) = Runtime::new().unwrap().block_on(async {
            let mut service = Service::start().await;
            let browser = Browser::new();
            let subscription = browser.subscription(&service.endpoint("/status/201"));
            sender(config()).send(&subscription, &payload, &Options::default()).await.unwrap();
            let body = service.message().await.body;
            (browser.read(&body), body.len())
        });
        prop_assert_eq!(&read, &payload);
        // Head, padded payload and tag.
        let padded = (payload.len() + 1).next_multiple_of(128).min(PAYLOAD_LIMIT + 1);
        prop_assert_eq!(length, 86 + padded + 16);
    }
}
