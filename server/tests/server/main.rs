//! The todo server as browsers and operators meet it: its pages, and the binary.

#![allow(clippy::unwrap_used)]

mod pages;
mod process;
mod seen;
mod support;
