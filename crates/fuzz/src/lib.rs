//! Fuzz targets: each takes any bytes, and panics if an invariant doesn't hold.
//!
//! `cargo xtask fuzz` looks for bytes that make one panic. The inputs worth keeping are in `corpus/`, and
//! the tests run them again.

mod batch;
mod canonical;
mod cost;
mod history;
mod input;
mod message;
mod place;
mod record;
mod session;
mod tree;

pub use batch::batch;
pub use canonical::canonical;
pub use cost::cost;
pub use message::message;
pub use record::record;
pub use session::session;
pub use tree::tree;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// The targets, by the names of their folders in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("batch", batch),
    ("canonical", canonical),
    ("cost", cost),
    ("message", message),
    ("record", record),
    ("session", session),
    ("tree", tree),
];
