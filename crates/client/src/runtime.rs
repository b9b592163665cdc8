//! Time and background tasks: Tokio's natively, the page's own in a browser.

pub use crate::platform::{Clock, sleep, spawn};
