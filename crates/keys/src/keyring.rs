//! The tokens that one device has for one database.

use settee_sync::Role;

use crate::{DatabaseId, Token};

/// Most tokens that a device keeps for one database.
const TOKENS_KEPT: usize = 4;

/// Tokens for one database, the one to show first in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    id: DatabaseId,
    tokens: Vec<Token>,
    granted: Option<Role>,
}

impl Keyring {
    /// A keyring with these tokens for the database. `granted` is the role that a server gave last
    /// for the first of them.
    pub fn new(id: DatabaseId, tokens: Vec<Token>, granted: Option<Role>) -> Self {
        Self { id, tokens, granted }
    }

    /// The keyring of whoever has made a database: it holds the owner's token.
    pub fn of_owner(owner: Token) -> Self {
        Self::new(owner.database_id(), vec![owner], Some(Role::Owner))
    }

    /// The database that the tokens are for.
    pub fn id(&self) -> &DatabaseId {
        &self.id
    }

    /// All tokens, the one to show first in front.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// What the device can say of its role without asking: the owner's by proof, another's as it was
    /// granted last.
    pub fn role(&self) -> Option<Role> {
        let is_owner = self.tokens.first().is_some_and(|token| token.database_id() == self.id);
        if is_owner { Some(Role::Owner) } else { self.granted }
    }

    /// The token that hands out a role, if this device has one or can derive it.
    pub fn token_for(&self, role: Role) -> Option<Token> {
        let mine = self.tokens.first()?;
        match (self.role()?, role) {
            (mine_role, role) if mine_role == role => Some(mine.clone()),
            (Role::Owner, Role::Editor) => Some(mine.editor(0)),
            (Role::Owner, Role::Viewer) => Some(mine.editor(0).viewer()),
            (Role::Editor, Role::Viewer) => Some(mine.viewer()),
            _ => None,
        }
    }

    /// Takes in another token. It goes to the front, unless the one there is known to be stronger:
    /// then it is dropped. Tells whether anything has changed.
    pub fn offer(&mut self, token: Token) -> bool {
        if self.tokens.contains(&token) {
            return false;
        }
        let is_weaker = self
            .tokens
            .first()
            .is_some_and(|first| first.database_id() == self.id || first.viewer() == token);
        if is_weaker {
            return false;
        }
        self.tokens.insert(0, token);
        self.tokens.truncate(TOKENS_KEPT);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stronger_token_stays_in_front() {
        let owner = Token::generate();
        let mut mine = Keyring::of_owner(owner.clone());
        assert!(!mine.offer(Token::generate()));
        assert_eq!(mine.role(), Some(Role::Owner));

        let (editor, viewer) = (owner.editor(0), owner.editor(0).viewer());
        let mut joined = Keyring::new(owner.database_id(), vec![viewer.clone()], None);
        assert!(joined.offer(editor.clone()) && !joined.offer(viewer.clone()));
        assert_eq!(joined.tokens(), [editor.clone(), viewer.clone()]);
        // Nobody knows yet whether this one is good, so it is shown first.
        let other = Token::generate();
        assert!(joined.offer(other.clone()));
        assert_eq!(joined.tokens(), [other, editor, viewer]);
    }

    #[test]
    fn a_role_hands_out_itself_and_those_below() {
        let owner = Token::generate();
        let editor = owner.editor(0);
        let editors = Keyring::new(owner.database_id(), vec![editor.clone()], Some(Role::Editor));
        assert_eq!(editors.token_for(Role::Owner), None);
        assert_eq!(editors.token_for(Role::Editor), Some(editor.clone()));
        assert_eq!(editors.token_for(Role::Viewer), Some(editor.viewer()));
        let owners = Keyring::of_owner(owner);
        assert_eq!(owners.token_for(Role::Viewer), Some(editor.viewer()));
    }
}
