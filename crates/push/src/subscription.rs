//! What a browser gives away so that a server can send to it.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use p256::PublicKey;
use p256::elliptic_curve::sec1::ToSec1Point;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::endpoint::{Endpoint, EndpointError};
use crate::{Reach, encryption::Recipient};

/// Longest text of a subscription, in bytes.
const LIMIT: usize = 2048;
/// Bytes of a point of P-256 that isn't compressed.
const POINT_SIZE: usize = 65;

/// Why something is no subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// It has more than 2,048 bytes.
    #[error("the subscription is too long")]
    Length,
    /// It isn't JSON of that form.
    #[error("this is no push subscription")]
    Form,
    /// `p256dh` isn't base64url of an uncompressed point of P-256.
    #[error("the subscription's key is no point of P-256")]
    Key,
    /// `auth` isn't base64url of 16 bytes.
    #[error("the subscription's secret isn't 16 bytes")]
    Secret,
    /// Nothing may be sent to its endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

/// A push subscription: an endpoint, and what messages to it are encrypted with.
///
/// It serializes as the browser writes it: `{"endpoint": "https://…", "keys": {"p256dh": "…", "auth":
/// "…"}}`, with bytes in base64url without padding. When it is deserialized, endpoints on this machine
/// pass as well. The sender checks them again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Subscription {
    endpoint: Endpoint,
    recipient: Recipient,
}

impl Subscription {
    /// Reads what `JSON.stringify` makes of a browser's `PushSubscription`.
    pub fn from_json(json: &[u8]) -> Result<Self, SubscriptionError> {
        Self::from_json_within(json, Reach::Public)
    }

    /// The same, with what the sender may reach.
    pub fn from_json_within(json: &[u8], reach: Reach) -> Result<Self, SubscriptionError> {
        if json.len() > LIMIT {
            return Err(SubscriptionError::Length);
        }
        let written = serde_json::from_slice(json).map_err(|_| SubscriptionError::Form)?;
        Self::read(&written, reach)
    }

    /// The address to send to, which no two subscriptions share. It is a capability: don't log or show it.
    pub fn endpoint(&self) -> &str {
        self.endpoint.as_str()
    }

    /// The push service: the endpoint's scheme, host and port.
    pub fn origin(&self) -> String {
        self.endpoint.origin()
    }

    pub(crate) fn address(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    fn read(written: &Written, reach: Reach) -> Result<Self, SubscriptionError> {
        let endpoint = Endpoint::new(&written.endpoint, reach)?;
        let key = decode::<POINT_SIZE>(&written.keys.p256dh).ok_or(SubscriptionError::Key)?;
        let key = PublicKey::from_sec1_bytes(&key).map_err(|_| SubscriptionError::Key)?;
        let secret = decode(&written.keys.auth).ok_or(SubscriptionError::Secret)?;
        Ok(Self { endpoint, recipient: Recipient { key, secret } })
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("origin", &self.origin()).finish_non_exhaustive()
    }
}

/// The stored form, which must stay readable, and the browser's.
#[derive(Serialize, Deserialize)]
struct Written {
    endpoint: String,
    keys: WrittenKeys,
}

#[derive(Serialize, Deserialize)]
struct WrittenKeys {
    p256dh: String,
    auth: String,
}

impl TryFrom<Written> for Subscription {
    type Error = SubscriptionError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        Self::read(&written, Reach::Loopback)
    }
}

impl From<Subscription> for Written {
    fn from(subscription: Subscription) -> Self {
        let Recipient { key, secret } = subscription.recipient;
        let p256dh = BASE64URL_NOPAD.encode(key.to_sec1_point(false).as_bytes());
        let keys = WrittenKeys { p256dh, auth: BASE64URL_NOPAD.encode(&secret) };
        Self { endpoint: subscription.endpoint.as_str().to_owned(), keys }
    }
}

/// So many bytes in base64url without padding.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const KEY: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    fn written(endpoint: &str, key: &str, secret: &str) -> Value {
        json!({
            "endpoint": endpoint,
            "expirationTime": null,
            "keys": { "p256dh": key, "auth": secret },
        })
    }

    fn read(json: &Value) -> Result<Subscription, SubscriptionError> {
        Subscription::from_json(json.to_string().as_bytes())
    }

    #[test]
    fn what_a_browser_writes_is_read_stored_and_read_again() {
        let endpoint = "https://push.example.org/send/secret?token=1";
        let subscription = read(&written(endpoint, KEY, SECRET)).unwrap();
        assert_eq!(subscription.endpoint(), endpoint);
        assert_eq!(subscription.origin(), "https://push.example.org");
        let stored = serde_json::to_string(&subscription).unwrap();
        let expected =
            format!(r#"{{"endpoint":"{endpoint}","keys":{{"p256dh":"{KEY}","auth":"{SECRET}"}}}}"#);
        assert_eq!(stored, expected, "what is stored must stay readable");
        assert_eq!(serde_json::from_str::<Subscription>(&stored).unwrap(), subscription);
    }

    #[test]
    fn it_is_shown_without_its_secrets() {
        let subscription = read(&written("https://push.example.org/path", KEY, SECRET)).unwrap();
        let shown = format!("{subscription:?}");
        assert_eq!(shown, r#"Subscription { origin: "https://push.example.org", .. }"#);
    }

    #[test]
    fn others_are_refused_with_the_reason() {
        let good = "https://push.example.org/1";
        let point = BASE64URL_NOPAD.decode(KEY.as_bytes()).unwrap();
        let mut elsewhere = point.clone();
        elsewhere[64] ^= 1;
        let mut compressed = point[..33].to_vec();
        compressed[0] = 2;
        let mut hybrid = point;
        hybrid[0] = 6;
        for key in [elsewhere, compressed, hybrid, vec![0], vec![0; 65], vec![4; 65], vec![]] {
            let key = BASE64URL_NOPAD.encode(&key);
            assert_eq!(read(&written(good, &key, SECRET)), Err(SubscriptionError::Key), "{key}");
        }
        for secret in ["", "AAAA", "BTBZMqHH6r4Tts7J_aSIgg==", "BTBZMqHH6r4Tts7J/aSIgg"] {
            let refused = Err(SubscriptionError::Secret);
            assert_eq!(read(&written(good, KEY, secret)), refused, "{secret}");
        }
        let inside = Err(SubscriptionError::Endpoint(EndpointError::Address));
        assert_eq!(read(&written("https://192.168.0.1/", KEY, SECRET)), inside);
        for json in ["", "null", "[]", "{}", r#"{"endpoint":"https://a.example"}"#] {
            let refused = Err(SubscriptionError::Form);
            assert_eq!(Subscription::from_json(json.as_bytes()), refused, "{json}");
        }
        let long = format!("{}{}", written(good, KEY, SECRET), " ".repeat(LIMIT));
        assert_eq!(Subscription::from_json(long.as_bytes()), Err(SubscriptionError::Length));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(json: Vec<u8>, key in "[A-Za-z0-9_-]{0,90}", secret: String) {
            let _ = Subscription::from_json(&json);
            let _ = read(&written("https://push.example.org/1", &key, &secret));
        }
    }
}
