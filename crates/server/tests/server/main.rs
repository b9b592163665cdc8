//! The server as its clients meet it: on real sockets, over real files.

#![allow(clippy::unwrap_used)]

mod access;
mod clerks;
mod comparisons;
mod compression;
mod conversation;
mod device;
mod grants;
mod helpers;
mod hostile;
mod matrix;
mod misbehaviour;
mod notices;
mod presence;
mod quotas;
mod replicas;
mod streams;
mod support;
mod versions;
