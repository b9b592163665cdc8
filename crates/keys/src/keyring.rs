//! The tokens that one device has for one database.

use settee_sync::Role;

use crate::{DatabaseId, Token, token::Epoch};

/// Most tokens that a device keeps for one database.
const TOKENS_KEPT: usize = 4;

/// Tokens for one database, the one to show first in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    id: DatabaseId,
    tokens: Vec<Token>,
    granted: Option<Role>,
    /// The token that was granted it.
    proven: Option<Token>,
}

impl Keyring {
    /// A keyring with these tokens for the database. `granted` is the role that a server gave last,
    /// for the first of them unless [`Keyring::proven`] says for which.
    pub fn new(id: DatabaseId, tokens: Vec<Token>, granted: Option<Role>) -> Self {
        let proven = granted.and_then(|_| tokens.first().cloned());
        Self { id, tokens, granted, proven }
    }

    /// Says which token the server gave the role for.
    #[must_use]
    pub fn proven(mut self, token: Token) -> Self {
        if self.granted.is_some() && self.tokens.contains(&token) {
            self.proven = Some(token);
        }
        self
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
        if self.owner().is_some() { Some(Role::Owner) } else { self.granted }
    }

    /// The owner's token, if this device has it.
    pub fn owner(&self) -> Option<&Token> {
        self.tokens.iter().find(|token| token.database_id() == self.id)
    }

    /// The token that is known to open most.
    pub fn best(&self) -> Option<&Token> {
        self.owner().or(self.proven.as_ref()).or(self.tokens.first())
    }

    /// The token that hands out a role by a link of this epoch, if this device has one or can derive it.
    /// Whoever was invited alone has no such token: theirs is nobody else's.
    pub fn token_for(&self, role: Role, epoch: Epoch) -> Option<Token> {
        let (mut token, mut has) = (self.best()?.clone(), self.role()?);
        // Each role's token follows from the one above.
        while has > role {
            (token, has) = match has {
                Role::Owner => (token.editor(epoch), Role::Editor),
                Role::Editor => (token.helper(), Role::Helper),
                Role::Helper | Role::Viewer => (token.viewer(), Role::Viewer),
            };
        }
        (has == role).then_some(token)
    }

    /// The [tag](crate::token::Verifier::tag) of the documents that are this device's own while it is a
    /// helper, or may be one. Editors and owners need none.
    pub fn tag(&self) -> Option<String> {
        let may_help = self.role().is_none_or(|role| role == Role::Helper);
        Some(self.best().filter(|_| may_help)?.verifier().tag())
    }

    /// Takes in another token. It goes to the front, unless the best one is known to be stronger:
    /// then it is dropped. The best one stays, however many others come. Tells whether anything has
    /// changed.
    pub fn offer(&mut self, token: Token) -> bool {
        let best = self.best().cloned();
        let is_weaker = best
            .as_ref()
            .is_some_and(|best| best.database_id() == self.id || follows(best, &token));
        if is_weaker {
            return false;
        }
        match self.tokens.iter().position(|known| *known == token) {
            Some(0) => return false,
            // It may open more than it did.
            Some(at) => drop(self.tokens.remove(at)),
            None => {}
        }
        self.tokens.insert(0, token);
        if self.tokens.len() > TOKENS_KEPT {
            let oldest = self.tokens.iter().rposition(|token| Some(token) != best.as_ref());
            self.tokens.remove(oldest.unwrap_or(TOKENS_KEPT));
        }
        true
    }
}

/// Whether one link's token follows from another of its epoch, whichever role that has.
fn follows(from: &Token, token: &Token) -> bool {
    let helper = from.helper();
    helper == *token || helper.viewer() == *token || from.viewer() == *token
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

        let editor = owner.editor(0);
        let viewer = editor.helper().viewer();
        let mut joined = Keyring::new(owner.database_id(), vec![viewer.clone()], None);
        assert!(joined.offer(editor.clone()) && !joined.offer(viewer.clone()));
        assert_eq!(joined.tokens(), [editor.clone(), viewer.clone()]);
        // Nobody knows yet whether this one is good, so it is shown first.
        let other = Token::generate();
        assert!(joined.offer(other.clone()));
        assert_eq!(joined.tokens(), [other.clone(), editor.clone(), viewer.clone()]);
        assert!(!joined.offer(other.clone()) && joined.offer(editor.clone()));
        assert_eq!(joined.tokens(), [editor, other, viewer]);
    }

    #[test]
    fn wrong_links_push_out_no_good_token() {
        let owner = Token::generate();
        let good = owner.editor(0);
        let mut keys = Keyring::new(owner.database_id(), vec![good.clone()], Some(Role::Editor));
        for _ in 0..2 * TOKENS_KEPT {
            assert!(keys.offer(Token::generate()));
            // As it is written down and read again.
            keys = Keyring::new(owner.database_id(), keys.tokens().to_vec(), keys.role());
            keys = keys.proven(good.clone());
            assert!(keys.tokens().contains(&good) && keys.tokens().len() <= TOKENS_KEPT);
            assert_eq!(keys.token_for(Role::Editor, 0), Some(good.clone()));
        }
    }

    #[test]
    fn a_role_hands_out_itself_and_those_below() {
        let owner = Token::generate();
        let editor = owner.editor(0);
        let editors = Keyring::new(owner.database_id(), vec![editor.clone()], Some(Role::Editor));
        assert_eq!(editors.token_for(Role::Owner, 0), None);
        assert_eq!(editors.token_for(Role::Editor, 0), Some(editor.clone()));
        assert_eq!(editors.token_for(Role::Helper, 0), Some(editor.helper()));
        assert_eq!(editors.token_for(Role::Viewer, 0), Some(editor.helper().viewer()));
        assert_eq!(editors.tag(), None);
        let helper = editor.helper();
        let helpers = Keyring::new(owner.database_id(), vec![helper.clone()], Some(Role::Helper));
        assert_eq!(helpers.token_for(Role::Editor, 0), None);
        assert_eq!(helpers.token_for(Role::Viewer, 0), Some(helper.viewer()));
        assert_eq!(helpers.tag(), Some(helper.verifier().tag()));
        let owners = Keyring::of_owner(owner);
        assert_eq!(owners.token_for(Role::Viewer, 0), Some(editor.helper().viewer()));
        assert_eq!(owners.token_for(Role::Editor, 2), owners.owner().map(|it| it.editor(2)));
    }
}
