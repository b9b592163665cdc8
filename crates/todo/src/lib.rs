//! The todo app's documents, tokens and access policy: what browser and server have to agree on.
//! No user interface and no IO.
//!
//! # Layout
//!
//! - [`document`]: the documents of a list, and of a device's home.
//! - [`token`]: secrets that open a list, and ids that prove their owner.
//! - [`access`]: what the server keeps of them, and how it decides.
//! - [`link`]: a list's address, with or without a secret.
//! - [`mod@validate`]: what the server takes as a document.

pub mod access;
pub mod document;
pub mod link;
pub mod token;
pub mod validate;

pub use document::{HomeEntry, ListInfo, Todo, new_todo_id};
pub use settee_sync::Role;
pub use token::{ListId, Token};
pub use validate::{TITLE_LIMIT, validate};
