//! The todo server: the kit's router with the todo's policy and validator, and the app's pages.
//!
//! - [`config`]: flags and environment variables; `quotas`: those about what strangers may use;
//!   [`telemetry`]: the log.
//! - `notices`: what devices are told; `push`: flags about that.
//! - `service`: everything put together; `error`: why it doesn't start, or ends.

pub mod config;
mod error;
mod notices;
mod push;
mod quotas;
mod service;
pub mod telemetry;

pub use config::Config;
pub use error::Error;
pub use service::{Service, Settings};
