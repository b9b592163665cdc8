//! What the measurements on this machine and those in a browser share.
//!
//! # Layout
//!
//! - [`documents`]: what is written; [`statistics`]: what is made of the times.
//! - `src/program`: the command, which runs everything and prints one table.
//! - `tests/browser_store.rs`: the measurements in Chromium, which the command starts.

pub mod documents;
pub mod statistics;
