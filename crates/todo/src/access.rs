//! What a server keeps to decide who may open a list, and how it decides.

use minicbor::{Decode, Encode, bytes::ByteArray};
use settee_sync::{Denial, DenialCode, Role};

use crate::token::{Epoch, ListId, Token};

/// Hashes of the tokens that are good for a list. Nobody can make a token of them.
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
    /// Of a list's first links, from its owner's token.
    pub fn of_owner(owner: &Token) -> Self {
        let epoch = 0;
        let editor = owner.editor(epoch);
        let viewer = editor.viewer().verifier().into();
        Self { epoch, editor: editor.verifier().into(), viewer }
    }

    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }
}

/// The role that a token has with a list. `verifiers` is `None` of a list that the server
/// doesn't have: only its owner may bring it.
pub fn judge(list: &ListId, token: &Token, verifiers: Option<&Verifiers>) -> Result<Role, Denial> {
    if token.list_id() == *list {
        return Ok(Role::Owner);
    }
    let Some(verifiers) = verifiers else {
        return Err(Denial::new(DenialCode::Unknown, "this list is not on the server yet"));
    };
    let verifier = token.verifier();
    if is_equal(&verifier, &verifiers.editor) {
        Ok(Role::Editor)
    } else if is_equal(&verifier, &verifiers.viewer) {
        Ok(Role::Viewer)
    } else {
        Err(Denial::new(DenialCode::Denied, "this link doesn't open the list"))
    }
}

/// In a time that doesn't tell how much of it is right.
fn is_equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_role() {
        let owner = Token::generate();
        let list = owner.list_id();
        let verifiers = Verifiers::decode(&Verifiers::of_owner(&owner).encode()).unwrap();
        let judged = |token: &Token| judge(&list, token, Some(&verifiers)).map_err(|d| d.code);
        assert_eq!(judged(&owner), Ok(Role::Owner));
        assert_eq!(judged(&owner.editor(0)), Ok(Role::Editor));
        assert_eq!(judged(&owner.editor(0).viewer()), Ok(Role::Viewer));
        assert_eq!(judged(&owner.editor(1)), Err(DenialCode::Denied));
        assert_eq!(judged(&Token::generate()), Err(DenialCode::Denied));
    }

    #[test]
    fn only_the_owner_brings_a_list() {
        let owner = Token::generate();
        let list = owner.list_id();
        assert_eq!(judge(&list, &owner, None), Ok(Role::Owner));
        let denied = judge(&list, &owner.editor(0), None).unwrap_err();
        assert_eq!(denied.code, DenialCode::Unknown);
    }
}
