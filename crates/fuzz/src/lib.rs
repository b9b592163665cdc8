//! What has to hold for any bytes: each target takes some, and panics where it doesn't hold.
//!
//! `cargo xtask fuzz` looks for such bytes. What it has found worth keeping lies in `corpus/`, and
//! is tried again by the tests.

mod batch;
mod canonical;
mod history;
mod input;
mod message;
mod place;
mod record;
mod session;
mod tree;

pub use batch::batch;
pub use canonical::canonical;
pub use message::message;
pub use record::record;
pub use session::session;
pub use tree::tree;

/// One thing to try with any bytes.
pub type Target = fn(&[u8]);

/// The targets by the names that their folders in `corpus/` have.
pub const TARGETS: &[(&str, Target)] = &[
    ("batch", batch),
    ("canonical", canonical),
    ("message", message),
    ("record", record),
    ("session", session),
    ("tree", tree),
];
