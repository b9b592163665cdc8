//! What a server keeps to decide who may open a database, and how it decides.

use minicbor::{Decode, Encode, bytes::ByteArray};
use settee_sync::Role;
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::{DatabaseId, Token, token::Epoch};

/// Hashes of the tokens that open a database. Nobody can make a token of them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Verifiers {
    #[n(0)]
    epoch: Epoch,
    #[n(1)]
    editor: ByteArray<32>,
    #[n(2)]
    viewer: ByteArray<32>,
}

impl Verifiers {
    /// Those of a database's first links, from its owner's token.
    pub fn of_owner(owner: &Token) -> Self {
        let epoch = 0;
        let editor = owner.editor(epoch);
        let viewer = editor.viewer().verifier().into();
        Self { epoch, editor: editor.verifier().into(), viewer }
    }

    /// The bytes that a server keeps.
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }

    /// Reads what [`Verifiers::encode`] has made.
    pub fn decode(bytes: &[u8]) -> Result<Self, VerifiersError> {
        minicbor::decode(bytes).map_err(|_| VerifiersError)
    }
}

/// The bytes are no verifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("these bytes are no verifiers")]
pub struct VerifiersError;

/// What a server decides about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It opens the database, in this role.
    Granted(Role),
    /// The server doesn't have the database, and only its owner can bring it.
    Unknown,
    /// It doesn't open the database.
    Denied,
}

/// Decides what a token opens. `verifiers` is `None` if the server doesn't have the database.
pub fn judge(id: &DatabaseId, token: &Token, verifiers: Option<&Verifiers>) -> Judgement {
    if token.database_id() == *id {
        return Judgement::Granted(Role::Owner);
    }
    let Some(verifiers) = verifiers else { return Judgement::Unknown };
    let verifier = token.verifier();
    // In a time that doesn't tell how much of it is right.
    if verifier.ct_eq(&*verifiers.editor).into() {
        Judgement::Granted(Role::Editor)
    } else if verifier.ct_eq(&*verifiers.viewer).into() {
        Judgement::Granted(Role::Viewer)
    } else {
        Judgement::Denied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_role() {
        let owner = Token::generate();
        let id = owner.database_id();
        let verifiers = Verifiers::decode(&Verifiers::of_owner(&owner).encode()).unwrap();
        let judged = |token: &Token| judge(&id, token, Some(&verifiers));
        assert_eq!(judged(&owner), Judgement::Granted(Role::Owner));
        assert_eq!(judged(&owner.editor(0)), Judgement::Granted(Role::Editor));
        assert_eq!(judged(&owner.editor(0).viewer()), Judgement::Granted(Role::Viewer));
        assert_eq!(judged(&owner.editor(1)), Judgement::Denied);
        assert_eq!(judged(&Token::generate()), Judgement::Denied);
        assert_eq!(Verifiers::decode(b"something else"), Err(VerifiersError));
    }

    #[test]
    fn only_the_owner_brings_a_database() {
        let owner = Token::generate();
        let id = owner.database_id();
        assert_eq!(judge(&id, &owner, None), Judgement::Granted(Role::Owner));
        assert_eq!(judge(&id, &owner.editor(0), None), Judgement::Unknown);
    }
}
