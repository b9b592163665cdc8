//! Sending to push services (RFC 8030).

mod answer;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use rustls::RootCertStore;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::connection::{HttpsClient, blamed, client, public_authorities};
use crate::encryption::encrypt;
use crate::{Contact, EndpointError, Key, Options, Reach, Subscription};

/// Bytes of an answer's body that are read.
const ANSWER_LIMIT: usize = 1024;

/// Longest time limit.
const LONGEST: Duration = Duration::from_hours(1);

/// Limits of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// How long one message may take in all, once it has its turn: 10 seconds, and never more than an hour.
    pub time_limit: Duration,
    /// How many messages are sent at the same time: 16. Others wait for their turn.
    pub at_once: usize,
    /// What may be connected to.
    pub reach: Reach,
}

impl Default for Config {
    fn default() -> Self {
        Self { time_limit: Duration::from_secs(10), at_once: 16, reach: Reach::Public }
    }
}

/// Why a push service didn't take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The subscription has ended, and can be forgotten.
    #[error("the subscription has ended")]
    Gone,
    /// The service can't be reached, is busy or has trouble. If it said when to try again, that is here:
    /// a day at most.
    #[error("the push service can't take the message now")]
    Later(Option<Duration>),
    /// The service refuses the message with this status. 401 and 403 say that the subscription belongs
    /// to another key. Redirects are here, too, because none is followed.
    #[error("the push service refused the message with status {0}")]
    Refused(u16),
    /// The payload is longer than [`PAYLOAD_LIMIT`](crate::PAYLOAD_LIMIT), or than the service allows.
    #[error("the message is too long")]
    TooLong,
    /// Nothing may be sent to the endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

/// Sends messages. Clones share their connections and limits.
#[derive(Clone)]
pub struct Sender(Arc<Shared>);

struct Shared {
    key: Key,
    contact: Contact,
    config: Config,
    client: HttpsClient,
    turns: Semaphore,
}

impl Sender {
    /// A sender with this key, to which the subscriptions belong.
    pub fn new(key: Key, contact: Contact, config: Config) -> Self {
        Self::trusting(public_authorities(), key, contact, config)
    }

    fn trusting(authorities: RootCertStore, key: Key, contact: Contact, config: Config) -> Self {
        let config = Config { time_limit: config.time_limit.min(LONGEST), ..config };
        let client = client(config.reach, config.time_limit, authorities);
        let turns = Semaphore::new(config.at_once.clamp(1, Semaphore::MAX_PERMITS));
        Self(Arc::new(Shared { key, contact, config, client, turns }))
    }

    /// The public key for the page's `applicationServerKey`.
    pub fn public_key(&self) -> String {
        self.0.key.public()
    }

    /// How far it reaches.
    pub fn reach(&self) -> Reach {
        self.0.config.reach
    }

    /// Sends a message, and waits until the push service has it. That isn't yet the browser.
    ///
    /// It runs on a Tokio runtime with time and IO.
    pub async fn send(
        &self,
        subscription: &Subscription,
        payload: &[u8],
        options: &Options,
    ) -> Result<(), SendError> {
        let Shared { config, client, turns, .. } = &*self.0;
        subscription.address().check(config.reach)?;
        let _turn = turns.acquire().await.expect("nobody closes it");
        let request = self.request(subscription, payload, options)?;
        let end = Instant::now() + config.time_limit;
        let response = match timeout_at(end, client.request(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(blamed(&error).map_or(SendError::Later(None), Into::into)),
            Err(_) => return Err(SendError::Later(None)),
        };
        let (head, body) = response.into_parts();
        // Only a connection whose answer was read can be used again. Nothing in it matters.
        let _ = timeout_at(end, Limited::new(body, ANSWER_LIMIT).collect()).await;
        answer::meaning(&head, SystemTime::now())
    }

    fn request(
        &self,
        subscription: &Subscription,
        payload: &[u8],
        options: &Options,
    ) -> Result<Request<Full<Bytes>>, SendError> {
        let Shared { key, contact, .. } = &*self.0;
        let body = encrypt(payload, subscription.recipient()).ok_or(SendError::TooLong)?;
        let origin = subscription.origin();
        let mut request = Request::post(subscription.address().uri()?)
            .header(AUTHORIZATION, key.authorization(&origin, contact, SystemTime::now()))
            .header(CONTENT_ENCODING, "aes128gcm")
            .header(CONTENT_TYPE, "application/octet-stream")
            .header("ttl", options.seconds())
            .header("urgency", options.urgency.as_str());
        if let Some(topic) = &options.topic {
            request = request.header("topic", topic.as_str());
        }
        Ok(request.body(Full::from(body)).expect("its parts are checked"))
    }
}
