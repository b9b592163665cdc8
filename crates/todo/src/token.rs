//! Secrets that open a list, and ids that prove their owner.
//!
//! `H(label, x)` is SHA-256 over `settee/1/`, the label, a zero byte, and x. A list's id is the
//! first half of `H("id", owner)`: who shows the owner's token proves to be it. The tokens of
//! links follow from the owner's: who has one can hand out those below it, offline.

use std::{fmt, str::FromStr, sync::LazyLock};

use data_encoding::{BASE64URL_NOPAD, Encoding, Specification};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Crockford's base 32, in lower case: no letter looks like a digit.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    specification.encoding().expect("32 different symbols make an encoding")
});

/// A secret of 32 bytes, written as 43 characters of base64url. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token([u8; 32]);

/// Which links of a list are good: renewing them is raising this number.
pub type Epoch = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    #[error("a token is 43 characters of base64url")]
    Malformed,
}

impl Token {
    /// A new list's owner token.
    pub fn generate() -> Self {
        Self(random())
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenError> {
        bytes.try_into().map(Self).map_err(|_| TokenError::Malformed)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id of the list that this is the owner's token of, if it is an owner's.
    pub fn list_id(&self) -> ListId {
        let hash = hash("id", &[&self.0]);
        ListId(BASE32.encode(&hash[..16]))
    }

    /// An editor's token, from the owner's.
    #[must_use]
    pub fn editor(&self, epoch: Epoch) -> Self {
        Self(hash("editor", &[&epoch.to_be_bytes(), &self.0]))
    }

    /// A viewer's token, from the editor's of the same epoch.
    #[must_use]
    pub fn viewer(&self) -> Self {
        Self(hash("viewer", &[&self.0]))
    }

    /// What a server keeps to know the token by.
    pub fn verifier(&self) -> [u8; 32] {
        hash("verifier", &[&self.0])
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| TokenError::Malformed)?;
        Self::from_bytes(&bytes)
    }
}

impl TryFrom<String> for Token {
    type Error = TokenError;

    fn try_from(text: String) -> Result<Self, TokenError> {
        text.parse()
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.to_string()
    }
}

/// A list's id: 26 characters, which follow from its owner's token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a list's id is 26 characters of base 32")]
pub struct ListIdError;

impl ListId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ListId {
    type Err = ListIdError;

    fn from_str(text: &str) -> Result<Self, ListIdError> {
        match BASE32.decode(text.as_bytes()) {
            Ok(bytes) if bytes.len() == 16 => Ok(Self(text.to_owned())),
            _ => Err(ListIdError),
        }
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that no other device draws: 26 characters.
pub(crate) fn random_name() -> String {
    let random: [u8; 16] = random();
    BASE32.encode(&random)
}

/// Random bytes that nobody can guess.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Every platform that the app runs on has such a source; going on without one would make
    // secrets that can be guessed.
    getrandom::fill(&mut bytes).expect("the platform has a source of randomness");
    bytes
}

fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update("settee/1/");
    hasher.update(label);
    hasher.update([0]);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_ids_have_their_lengths() {
        let owner = Token::generate();
        assert_eq!(owner.to_string().len(), 43);
        assert_eq!(owner.to_string().parse(), Ok(owner.clone()));
        assert_eq!(owner.list_id().as_str().len(), 26);
        assert_eq!(owner.list_id().as_str().parse(), Ok(owner.list_id()));
        assert!("short".parse::<Token>().is_err());
        assert!("UPPER".parse::<ListId>().is_err());
    }

    #[test]
    fn every_token_is_another() {
        let owner = Token::generate();
        let tokens = [owner.clone(), owner.editor(0), owner.editor(1), owner.editor(0).viewer()];
        for (at, one) in tokens.iter().enumerate() {
            assert!(tokens[at + 1..].iter().all(|other| other != one));
        }
        assert_eq!(format!("{owner:?}"), "Token(…)");
    }

    /// Links that were handed out have to stay good: this must never change.
    #[test]
    fn derivation_is_fixed() {
        let owner = Token([7; 32]);
        assert_eq!(owner.list_id().as_str(), "d8nky0yt022fvwnfrc45a38jg4");
        assert_eq!(owner.editor(0).to_string(), "uXfsQk5dGn5VeNBTLCwzwOSwQR4Ek2K7M5FQeMPpsNE");
        assert_eq!(
            owner.editor(0).viewer().to_string(),
            "0ZvYRFtP-_Ki55iBim8Dxd9W288FkGuL66HLQH7h2NA"
        );
    }
}
