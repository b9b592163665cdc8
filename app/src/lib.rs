//! The todo app's user interface: the server renders its loading state, the browser brings it to life.
//!
//! It knows a [`Session`], which `frontend` implements, and the reactive rows of one list.
//! It knows neither the network nor how anything is stored.
//!
//! # Layout
//!
//! - `app`: the page as a whole, and what it tells `<body>`
//! - `shell`: the HTML document around it, on the server only
//! - `session`: what the page asks of the rest of the browser's side
//! - `status`: what the status line says
//! - `saving`: whether everything on the page is saved, and trying again
//! - `drafts`: what people type into rows
//! - `opened`: the lists that the page has opened; `todos`: one list, and everything one can do to it
//! - `todo_row`: the app's document as a row of a collection
//! - `filter`: the three views of a list, and their addresses
//! - `keys`, `focus`: what the components share about keyboards
//! - `later`: parts of the page that the first screen does without
//! - `mounted`: views that are put into the page when they are needed
//! - `dialog`: dialogs over the page; `sharing`: who else may open a list
//! - `components`: one file for each part of the page

mod app;
mod components;
mod dialog;
mod drafts;
mod filter;
mod focus;
mod keys;
mod later;
mod mounted;
mod opened;
mod page_rows;
mod places;
mod presence;
mod records;
mod rights;
mod saving;
mod session;
pub mod settings;
mod sharing;
#[cfg(feature = "ssr")]
mod shell;
mod status;
mod todo_row;
mod todos;

pub use app::App;
pub use components::{only_here, passed_on, restored};
pub use session::{
    Access, Command, CurrentList, DeviceCommand, ListSummary, Session, SessionSlot, Theme,
    shown_name,
};
#[cfg(feature = "ssr")]
pub use shell::shell;
pub use status::{StatusKind, StatusView};
pub use todo_row::TodoRow;
pub use todos::edits;
