//! The documents that the app keeps.

use serde::{Deserialize, Serialize};
use settee_store::DocumentId;
use settee_sync::Role;

use crate::token::{ListId, Token, random_name};

/// Todos' ids begin with this.
pub const TODO_PREFIX: &str = "todo/";
/// The document that says what a list is called.
pub const LIST_INFO: &str = "list";
/// Ids of a home's entries begin with this; the list's id follows.
pub const HOME_PREFIX: &str = "list/";
/// The home's entry of the device's own first list. It has one id, so that two tabs can't make two.
pub const HOME_FIRST: &str = "first";
/// The database of a device's own lists, on the device.
pub const HOME: &str = "home";

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Todo {
    pub title: String,
    pub completed: bool,
    /// Its place in the list: todos are sorted by this text, then by id.
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
    /// What the device has been given for the list, the one to show first in front.
    pub tokens: Vec<Token>,
    /// What the list was called when it was last open.
    #[serde(default)]
    pub name: String,
    /// What the server granted last.
    #[serde(default)]
    pub role: Option<String>,
}

/// Most tokens that a device keeps for one list.
const TOKENS_KEPT: usize = 4;

impl HomeEntry {
    pub fn new(token: Token) -> Self {
        Self { tokens: vec![token], name: String::new(), role: None }
    }

    /// What the device can say of its role without asking: the owner's by proof, another's as
    /// it was granted last.
    pub fn role(&self, list: &ListId) -> Option<Role> {
        if self.tokens.first().is_some_and(|token| token.list_id() == *list) {
            return Some(Role::Owner);
        }
        match self.role.as_deref() {
            Some("owner") => Some(Role::Owner),
            Some("editor") => Some(Role::Editor),
            Some("viewer") => Some(Role::Viewer),
            _ => None,
        }
    }

    pub fn set_role(&mut self, role: Role) {
        let name = match role {
            Role::Owner => "owner",
            Role::Editor => "editor",
            Role::Viewer => "viewer",
        };
        self.role = Some(name.to_owned());
    }

    /// Takes in another token, in front unless one that is there is known to be stronger.
    /// Tells whether anything has changed.
    pub fn offer(&mut self, list: &ListId, token: Token) -> bool {
        if self.tokens.contains(&token) {
            return false;
        }
        let is_weaker = self
            .tokens
            .first()
            .is_some_and(|first| first.list_id() == *list || first.viewer() == token);
        if is_weaker {
            return false;
        }
        self.tokens.insert(0, token);
        self.tokens.truncate(TOKENS_KEPT);
        true
    }

    /// The server has accepted this token: it is shown first from now on.
    pub fn prefer(&mut self, token: &Token) {
        self.tokens.sort_by_key(|known| known != token);
    }
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

/// The id of the entry of the device's own first list.
pub fn home_first_id() -> DocumentId {
    DocumentId::new(HOME_FIRST).expect("the name is an id")
}

/// The id of the document that says what a list is called.
pub fn list_info_id() -> DocumentId {
    DocumentId::new(LIST_INFO).expect("the name is an id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_keeps_the_token_that_is_known_to_be_stronger() {
        let owner = Token::generate();
        let list = owner.list_id();
        let mut mine = HomeEntry::new(owner.clone());
        assert!(!mine.offer(&list, Token::generate()));
        assert_eq!(mine.role(&list), Some(Role::Owner));

        let (editor, viewer) = (owner.editor(0), owner.editor(0).viewer());
        let mut joined = HomeEntry::new(viewer.clone());
        assert!(joined.offer(&list, editor.clone()) && !joined.offer(&list, viewer.clone()));
        assert_eq!(joined.tokens, [editor.clone(), viewer.clone()]);
        // A link that may be good or not is tried first, and stands back if it is not.
        let other = Token::generate();
        assert!(joined.offer(&list, other.clone()));
        joined.prefer(&editor);
        assert_eq!(joined.tokens, [editor, other, viewer]);
    }
}
