//! What one device keeps: its databases and the credentials that open them. In a browser, one tab
//! syncs for all.
//!
//! - [`kept`]: what is kept of a database; `home`: the database of that.
//! - [`opening`]: opening all that, as often as it takes.
//! - `device`: the place of the databases; `used`: those that are open.
//! - `engine`: all that keeps them in sync; `apart`: loading its code.
//! - `sync`: keeping them in sync, in the tab that does it for all; `turns`: which of them, when
//!   there are more than a connection should have at a time; `tabs`: word between tabs; `report`:
//!   what the tab that syncs tells the others; `watch`: what each tab makes of it.
//! - `shared_home`: what several devices of one person keep; `backup`: a device as a file; `taking`:
//!   keeping what comes from either.
//! - `unsaved`: the edits that could not be saved; `stand_in`: sending them nevertheless.

#[cfg(all(feature = "split", target_arch = "wasm32"))]
mod apart;
pub(crate) mod backup;
pub(crate) mod device;
pub(crate) mod engine;
pub(crate) mod home;
pub mod kept;
pub mod opening;
pub(crate) mod report;
pub(crate) mod shared_home;
pub(crate) mod stand_in;
pub(crate) mod sync;
pub(crate) mod tabs;
pub(crate) mod taking;
pub(crate) mod turns;
pub(crate) mod unsaved;
pub(crate) mod used;
pub(crate) mod watch;
