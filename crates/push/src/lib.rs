//! Web Push for servers: short encrypted messages to browsers, whether or not a page is open.
//!
//! A page asks its browser for a push subscription and gives it to the server. The server sends to the
//! subscription's endpoint, which belongs to a push service: the browser's maker runs it, and it wakes
//! the page's service worker. The service learns when something is sent and to whom, but can't read it.
//!
//! ```no_run
//! use settee_push::{Config, Contact, Key, Options, SendError, Sender, Subscription};
//!
//! # async fn example(json: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! // Once: a key that tells push services which server this is. The page passes its public half on as
//! // `applicationServerKey`. Subscriptions belong to it, so it must be kept.
//! let key = Key::load_or_create("data/push.key".as_ref())?;
//! println!("{}", key.public());
//! let contact = Contact::new("mailto:operator@example.org")?;
//! let sender = Sender::new(key, contact, Config::default());
//!
//! // For each page: what `JSON.stringify(subscription)` gives.
//! let subscription = Subscription::from_json(json)?;
//! match sender.send(&subscription, b"The tea is ready.", &Options::default()).await {
//!     Ok(()) => println!("The push service has it."),
//!     Err(SendError::Gone) => println!("The subscription can be forgotten."),
//!     Err(error) => println!("{error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Endpoints come from strangers, and the server connects to them. [`Reach`] says how it is kept from
//! connecting to its own network.
//!
//! # Layout
//!
//! - [`subscription`]: what a browser gives away; `endpoint`: its address; [`reach`]: the addresses that
//!   may be connected to.
//! - [`key`]: the server's key (VAPID); [`contact`]: whom push services can ask about it.
//! - `encryption`: messages that only the browser reads.
//! - [`options`]: how long, how urgently and in whose place a message is delivered.
//! - [`sender`]: sending, and what a push service's answer means; `connection`: the HTTPS client.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod connection;
pub mod contact;
mod encryption;
mod endpoint;
pub mod key;
pub mod options;
pub mod reach;
pub mod sender;
pub mod subscription;

pub use contact::{Contact, ContactError};
pub use encryption::PAYLOAD_LIMIT;
pub use endpoint::EndpointError;
pub use key::{Key, KeyError};
pub use options::{Options, Topic, TopicError, Urgency};
pub use reach::Reach;
pub use sender::{Config, SendError, Sender};
pub use subscription::{Subscription, SubscriptionError};
