//! What the measurements on this machine and those in a browser share.
//!
//! # Layout
//!
//! - [`documents`]: what is written; [`statistics`]: what is made of the times.
//! - `src/program`: the command, which runs everything and prints one table.
//! - `src/bin/settee-crowd`: native clients for end-to-end tests.
//! - `tests/browser_store`: the measurements in Chromium, which the command starts.
//! - `peers`: the npm packages that are measured beside ours. `browser` is in the same page; each of
//!   the others syncs, and has a script that measures it in processes of Node as ours is measured.

pub mod documents;
pub mod statistics;
