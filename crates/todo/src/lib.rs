//! The todo app's documents: what browser and server have to agree on. No user interface.
//!
//! # Layout
//!
//! - [`access`]: what owners say of access.
//! - `clerk`: what the server writes itself.
//! - [`document`]: the documents of a list, and its address.
//! - [`exchange`]: lists as files.
//! - [`limits`]: how long texts may be.
//! - [`list`]: what is read of a list as a whole.
//! - [`moves`]: which moves of todos aren't done.
//! - `notice`: what devices are told while no page is open.
//! - [`places`]: todos that only so many people can take.
//! - [`presence`]: who has a list on the screen.
//! - [`seen`]: when people were last here.
//! - [`transfer`]: todos that go from one list to another.
//! - [`mod@validate`]: what the server takes as a document.

pub mod access;
#[cfg(test)]
mod at_once;
#[cfg(not(target_arch = "wasm32"))]
pub mod clerk;
pub mod document;
pub mod exchange;
pub mod limits;
pub mod list;
pub mod moves;
#[cfg(not(target_arch = "wasm32"))]
pub mod notice;
pub mod places;
pub mod presence;
pub mod seen;
pub mod transfer;
pub mod validate;

pub use document::{ListInfo, Todo, new_todo_id};
pub use settee_keys::Role;
pub use validate::validate;
