//! Access without accounts: secrets that open a database, and ids that prove their owner.
//!
//! A device that makes a database draws an owner [`Token`]. The database's [`DatabaseId`] is a hash
//! of it, so whoever shows the token proves to own that id, and the tokens of editors and viewers
//! are hashes of it, too. Everything here works offline: no server hands anything out, and a server
//! keeps only [`Verifiers`], from which no token can be made.
//!
//! ```
//! use settee_keys::{Invitation, Judgement, Role, Said, Token, Verifiers, judge};
//!
//! let owner = Token::generate();
//! let id = owner.database_id();
//! // What the owner's device gives to others: a link with one of these in its fragment.
//! let editor = owner.editor(0);
//! let viewer = editor.helper().viewer();
//!
//! // What the server keeps, and how it decides.
//! let verifiers = Verifiers::of_owner(&owner);
//! let said = Said::default();
//! assert_eq!(judge(&id, &editor, Some(&verifiers), &said), Judgement::Granted(Role::Editor));
//! assert_eq!(judge(&id, &viewer, Some(&verifiers), &said), Judgement::Granted(Role::Viewer));
//! assert_eq!(judge(&id, &Token::generate(), Some(&verifiers), &said), Judgement::Denied);
//! // Only its owner can bring a database that the server doesn't have.
//! assert_eq!(judge(&id, &owner, None, &said), Judgement::Granted(Role::Owner));
//!
//! // A person who is invited alone. The owner writes this into the database, and gives the token away.
//! let anna = Invitation::new(Role::Editor, "Anna");
//! let token = owner.invitation(&anna.seed);
//! ```
//!
//! # Layout
//!
//! - [`access`]: documents that say who else may open a database.
//! - [`token`]: tokens and how they follow from each other; [`database_id`]: ids.
//! - [`home`]: what several devices of one person keep, encrypted.
//! - [`keyring`]: the tokens that one device has for a database.
//! - [`verifiers`]: what a server keeps, and how it decides.
//! - [`link`]: addresses with a secret in their fragment.
//! - [`random`]: random bytes and names; [`base`]: bytes as text.

#![warn(missing_docs)]

pub mod access;
pub mod base;
pub mod database_id;
pub mod home;
pub mod keyring;
pub mod link;
pub mod random;
pub mod token;
pub mod verifiers;

pub use access::{Invitation, Said};
pub use database_id::DatabaseId;
pub use keyring::Keyring;
pub use link::LinkFormat;
pub use settee_sync::Role;
pub use token::Token;
pub use verifiers::{Judgement, Shown, Verifiers, judge, judge_shown};
