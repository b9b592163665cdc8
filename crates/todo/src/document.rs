//! The documents that the app keeps.

use serde::{Deserialize, Serialize};
use settee_keys::{LinkFormat, random::random_name};
use settee_store::DocumentId;

/// The kind of the databases that hold a list each.
pub const KIND: &str = "list";
/// The kind of the databases in which a person's devices tell each other of their lists.
pub const HOME_KIND: &str = "home";
/// The addresses of lists.
pub const LINKS: LinkFormat = LinkFormat::new("/l/");
/// Todos' ids begin with this.
pub const TODO_PREFIX: &str = "todo/";
/// The document that says what a list is called.
pub const LIST_INFO: &str = "list";
/// Under which key a device keeps its own first list: one key, so that two tabs can't make two.
pub const FIRST: &str = "first";
/// The field in which a device keeps what a list was called when it was last open.
pub const NAME: &str = "name";

/// The field that says whether a device shows a list apart from the others.
pub const ARCHIVED: &str = "archived";
/// The field that says that a list has ended for everybody, and goes once the server knows.
pub const ENDED: &str = "ended";
/// The field that says which device is told of a list's changes while no page is open. A person's devices tell each
/// other of their lists with such fields, and each wants to be asked for itself.
pub const TOLD: &str = "told";
/// The field with a list's place among others on a device: see `settee_leptos::position`.
pub const PLACE: &str = "place";

/// What a device has counted in a list. It stays on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    /// Todos that aren't completed.
    pub open: usize,
    /// The list's update sequence as of when it was counted.
    pub seq: u64,
    /// The update sequence as of when it was last on the screen.
    pub seen: u64,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Todo {
    pub title: String,
    pub completed: bool,
    /// Its place in the list: see `settee_leptos::position`.
    #[serde(default)]
    pub position: String,
    /// Who added it, as others know them; empty if they haven't said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// Who ticked it last, or took the tick away.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ticked: String,
    /// Who changed its title last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub edited: String,
}

/// What a list is called. Each list has one, under the id [`LIST_INFO`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListInfo {
    pub name: String,
}

/// A new todo's id, which no other device draws.
pub fn new_todo_id() -> DocumentId {
    todo_id(&random_name())
}

/// The same for a helper with this tag, whose own the todo is then.
pub fn new_own_id(tag: &str) -> DocumentId {
    todo_id(&format!("{tag}.{}", random_name()))
}

fn todo_id(name: &str) -> DocumentId {
    DocumentId::new(&format!("{TODO_PREFIX}{name}")).expect("a short name after a prefix is an id")
}

/// Whether a todo belongs to the helper with this tag.
pub fn is_own(id: &DocumentId, tag: &str) -> bool {
    let name = id.as_str().strip_prefix(TODO_PREFIX);
    name.and_then(|name| name.strip_prefix(tag)).is_some_and(|rest| rest.starts_with('.'))
}

/// The id of the document that says what a list is called.
pub fn list_info_id() -> DocumentId {
    DocumentId::new(LIST_INFO).expect("the name is an id")
}
