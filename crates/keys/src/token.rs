//! Secrets that open a database.
//!
//! `H(label, x)` is SHA-256 over `settee/1/`, the label, a zero byte, and x. A database's id is the
//! first half of `H("id", owner)`, so whoever shows the owner's token proves to be the owner. The
//! tokens of links follow from the owner's: whoever has one can derive those below it, offline.

use std::{fmt, str::FromStr};

use minicbor::{Decode, Encode, bytes::ByteArray};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::{DatabaseId, base::BASE64URL, random::random};

/// A secret of 32 bytes, written as 43 characters of base64url. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token([u8; 32]);

/// Which links of a database are good. To renew them, raise this number.
pub type Epoch = u32;

/// Why something is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Its length or its letters are wrong.
    #[error("a token is 43 characters of base64url")]
    Malformed,
}

impl Token {
    /// How long a token is, in bytes.
    pub const SIZE: usize = 32;
    /// How much of a verifier is a tag, in bytes.
    const TAG_SIZE: usize = 12;
    /// How many letters a token is written with.
    pub const LENGTH: usize = 43;

    /// The owner token of a new database.
    pub fn generate() -> Self {
        Self(random())
    }

    /// The token of these bytes: 32 of them, or it is [`TokenError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenError> {
        bytes.try_into().map(Self).map_err(|_| TokenError::Malformed)
    }

    /// The token's bytes: the credentials that a client shows.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id of the database that this is the owner's token of, if it is an owner's.
    pub fn database_id(&self) -> DatabaseId {
        DatabaseId::from_hash(hash("id", &[&self.0]))
    }

    /// An editor's token, from the owner's.
    #[must_use]
    pub fn editor(&self, epoch: Epoch) -> Self {
        Self(hash("editor", &[&epoch.to_be_bytes(), &self.0]))
    }

    /// A helper's token, from the editor's of the same epoch.
    #[must_use]
    pub fn helper(&self) -> Self {
        Self(hash("helper", &[&self.0]))
    }

    /// A viewer's token, from the helper's of the same epoch.
    #[must_use]
    pub fn viewer(&self) -> Self {
        Self(hash("viewer", &[&self.0]))
    }

    /// The token of an invitation, from the owner's and the invitation's seed.
    #[must_use]
    pub fn invitation(&self, seed: &str) -> Self {
        Self(hash("invitation", &[&self.0, seed.as_bytes()]))
    }

    /// A secret that follows from this one, for something of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self(hash("named", &[&self.0, name.as_bytes()]))
    }

    /// What this text is known by among those who have this token. Nobody else can tell whether a text is
    /// the one.
    pub(crate) fn fingerprint(&self, purpose: &str, text: &[u8]) -> [u8; 32] {
        hash("fingerprint", &[&self.0, purpose.as_bytes(), &[0], text])
    }

    /// What a server keeps to recognize the token.
    pub fn verifier(&self) -> Verifier {
        Verifier(hash("verifier", &[&self.0]).into())
    }
}

/// A hash of a token, by which it is recognized, and from which it can't be made. Comparing two takes a
/// time that doesn't tell how much of them is the same.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[cbor(transparent)]
pub struct Verifier(ByteArray<32>);

impl Verifier {
    /// What a helper's own documents are known by: the server kit finds it in their ids. A part of the
    /// verifier, in 16 letters of base64url.
    pub fn tag(&self) -> String {
        BASE64URL.encode(&self.0[..Token::TAG_SIZE])
    }
}

impl PartialEq for Verifier {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for Verifier {}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL.encode(&*self.0))
    }
}

impl FromStr for Verifier {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let bytes = BASE64URL.decode(text).ok_or(TokenError::Malformed)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| TokenError::Malformed)?;
        Ok(Self(bytes.into()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL.encode(&self.0))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        Self::from_bytes(&BASE64URL.decode(text).ok_or(TokenError::Malformed)?)
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
        assert_eq!(owner.database_id().as_str().len(), 26);
        assert_eq!(owner.database_id().as_str().parse(), Ok(owner.database_id()));
        assert!("short".parse::<Token>().is_err());
        assert!("UPPER".parse::<DatabaseId>().is_err());
    }

    #[test]
    fn all_tokens_differ() {
        let owner = Token::generate();
        let helper = owner.editor(0).helper();
        let viewer = helper.viewer();
        let tokens = [owner.clone(), owner.editor(0), owner.editor(1), helper, viewer];
        for (at, one) in tokens.iter().enumerate() {
            assert!(tokens[at + 1..].iter().all(|other| other != one));
        }
        assert_eq!(format!("{owner:?}"), "Token(…)");
    }

    /// Links that people have stay good, so this must never change.
    #[test]
    fn derivation_is_fixed() {
        let owner = Token([7; 32]);
        assert_eq!(owner.database_id().as_str(), "d8nky0yt022fvwnfrc45a38jg4");
        assert_eq!(owner.editor(0).to_string(), "uXfsQk5dGn5VeNBTLCwzwOSwQR4Ek2K7M5FQeMPpsNE");
        let helper = owner.editor(0).helper();
        assert_eq!(helper.to_string(), "cyQp1KmMBiuL3bQmR9X4MCX_Mih6DJDh6B7j9iEbh-Y");
        assert_eq!(helper.viewer().to_string(), "1lxpiPa5eRf1bsugT7SvvQzEy4MNqXEHz3ITfgTDtk0");
        assert_eq!(helper.verifier().tag(), "YaCFQYtEqR6ubvYZ");
    }
}
