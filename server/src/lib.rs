//! The Settee server: the app's pages, the sync protocol and the storage behind them.
//!
//! [`Service::open`] takes [`Settings`] and [`Service::serve`] runs on a listener until it is told
//! to stop. The binary does that with what [`config`] reads; tests and benchmarks do it in-process.
//!
//! # Layout
//!
//! - [`config`]: flags and environment variables.
//! - `service`: everything put together, from the first request to the last write.
//! - `site`: where the built site is; `pages`, `assets`, `service_worker`, `headers`: how it is
//!   served.
//! - `http`: requests, from connecting to the answer.
//! - `sync`: the WebSocket, which drives the protocol's machine for each connection.
//! - `databases`: the databases in use; `access`: who may open one.
//! - [`shutdown`], [`telemetry`], `error`.

mod access;
mod assets;
pub mod config;
mod databases;
mod error;
mod headers;
mod http;
mod pages;
mod service;
mod service_worker;
pub mod shutdown;
mod site;
mod sync;
pub mod telemetry;

pub use config::Config;
pub use error::Error;
pub use service::{CONNECTIONS, Service, Settings, Streams};
pub use site::Site;
pub use sync::{
    SUBPROTOCOL,
    origin::{Origin, OriginError},
};
