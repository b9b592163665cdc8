//! The documents that the app keeps.

use serde::{Deserialize, Serialize};
use settee_store::DocumentId;

use crate::token::{ListId, Token, random_name};

/// Todos' ids begin with this.
pub const TODO_PREFIX: &str = "todo/";
/// The document that says what a list is called.
pub const LIST_INFO: &str = "list";
/// Ids of a home's entries begin with this; the list's id follows.
pub const HOME_PREFIX: &str = "list/";
/// The database of a device's own lists, on the device.
pub const HOME: &str = "home";

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Todo {
    pub title: String,
    pub completed: bool,
    /// Where it stands in the list: see [`crate::position`].
    #[serde(default)]
    pub position: String,
}

/// What a list is called. One to a list, under the id [`LIST_INFO`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListInfo {
    pub name: String,
}

/// A list that this device knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeEntry {
    /// The strongest token that the device has for it.
    pub token: Token,
    /// What the list was called when it was last open.
    pub name: String,
    /// The device's own first list.
    #[serde(default)]
    pub is_first: bool,
}

/// A new todo's id, which no other device draws.
pub fn new_todo_id() -> DocumentId {
    DocumentId::new(&format!("{TODO_PREFIX}{}", random_name()))
        .expect("a short name after a prefix is an id")
}

/// The id of a list's entry in the home.
pub fn home_entry_id(list: &ListId) -> DocumentId {
    DocumentId::new(&format!("{HOME_PREFIX}{list}")).expect("a list's id is short")
}

/// The id of the document that says what a list is called.
pub fn list_info_id() -> DocumentId {
    DocumentId::new(LIST_INFO).expect("the name is an id")
}
