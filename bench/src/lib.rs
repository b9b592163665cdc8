//! Code that the native measurements and those in a browser share.
//!
//! # Layout
//!
//! - [`documents`]: the documents that are written. [`statistics`]: median and percentiles.
//! - `src/program`: the command, which runs everything and prints one table.
//! - `src/bin/settee-crowd`: native clients for end-to-end tests.
//! - `tests/browser_store`: the measurements in Chromium, which the command starts.
//! - `peers`: the npm packages that are measured for comparison. `browser` has those that run in
//!   the page. Each of the others syncs, and has a script that measures it in Node processes, with
//!   the same cases as Settee.

pub mod documents;
pub mod statistics;
