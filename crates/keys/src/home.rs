//! Homes: what several devices of one person keep, as a database of its own.
//!
//! A home has a document for each secret that opens one of their databases. Whoever has the home's
//! [`Token`] reads them all. The server, which stores them, reads none: they are encrypted with a key
//! that follows from the token (XChaCha20-Poly1305), and it is never shown the token itself. What a document says never changes, and its name
//! follows from the secret, so devices that say the same make the same document, and nothing has to
//! be merged.

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use settee_store::{Body, DocumentId, replication::ReplicatedDocument};
use thiserror::Error;

use crate::{Token, base::BASE64URL};

/// Names of homes begin with this; the rest follows from the home's token. No other database's name
/// begins so.
pub const HOME_PREFIX: &str = "home/";
/// Ids of a home's documents begin with this.
pub const ENTRY_PREFIX: &str = "key/";
/// Longest sealed text, in letters.
const SEALED_LIMIT: usize = 8 * 1024;
/// Letters of an id behind its prefix.
const NAME_LENGTH: usize = 22;
const NONCE_SIZE: usize = 24;

/// The field of a home's documents: nonce and ciphertext in base64url.
pub const SEALED: &str = "sealed";

/// Why something is no document of a home, or can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HomeError {
    /// Its id isn't one of a home's documents.
    #[error("a home holds no documents of this name")]
    Name,
    /// It has other fields, or is longer than any that is written.
    #[error("this is no document of a home")]
    Shape,
    /// It was sealed with another home's token, or changed.
    #[error("the document can't be decrypted")]
    Sealed,
}

impl Token {
    /// The name of the home that this is the token of, if it is a home's.
    pub fn home_name(&self) -> String {
        self.home_access().home_it_opens()
    }

    /// What a server is shown instead of a home's token: it opens the home, and decrypts nothing.
    #[must_use]
    pub fn home_access(&self) -> Self {
        self.named("home/name")
    }

    /// The name of the home that these credentials open, if they are a home's.
    pub fn home_it_opens(&self) -> String {
        format!("{HOME_PREFIX}{}", self.database_id())
    }

    /// The id of the document about this subject, which nobody learns from it.
    pub fn entry_id(&self, subject: &[u8]) -> DocumentId {
        let name = BASE64URL.encode(&self.fingerprint("home/id", subject)[..16]);
        DocumentId::new(&format!("{ENTRY_PREFIX}{name}"))
            .expect("it is short and has no odd letters")
    }

    /// Encrypts what a home's document says. The same text always becomes the same.
    pub fn seal(&self, text: &[u8]) -> String {
        // Two texts never share a nonce, for it follows from the text.
        let nonce = self.fingerprint("home/nonce", text);
        let nonce: [u8; NONCE_SIZE] = std::array::from_fn(|at| nonce[at]);
        let encrypted = self.cipher().encrypt(&XNonce::from(nonce), text);
        let encrypted = encrypted.expect("only texts of 256 GB are too long");
        BASE64URL.encode(&[&nonce, &*encrypted].concat())
    }

    /// Decrypts it.
    pub fn unseal(&self, sealed: &str) -> Result<Vec<u8>, HomeError> {
        let bytes = BASE64URL.decode(sealed).ok_or(HomeError::Shape)?;
        let (nonce, encrypted) = bytes.split_first_chunk::<NONCE_SIZE>().ok_or(HomeError::Shape)?;
        let text = self.cipher().decrypt(&XNonce::from(*nonce), encrypted);
        text.map_err(|_| HomeError::Sealed)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.named("home/cipher").as_bytes()).into())
    }
}

/// Checks what is written to a home, without reading it.
pub fn check(document: &ReplicatedDocument) -> Result<(), HomeError> {
    let name = document.id.as_str().strip_prefix(ENTRY_PREFIX).ok_or(HomeError::Name)?;
    if name.len() != NAME_LENGTH || BASE64URL.decode(name).is_none() {
        return Err(HomeError::Name);
    }
    let bodies = document.revisions.iter().filter_map(|revision| revision.body.as_ref());
    bodies.map(Body::fields).try_for_each(|fields| {
        let sealed = fields.get(SEALED).and_then(|sealed| sealed.as_str());
        let is_one = sealed.is_some_and(|sealed| {
            sealed.len() <= SEALED_LIMIT && BASE64URL.decode(sealed).is_some()
        });
        if is_one && fields.len() == 1 { Ok(()) } else { Err(HomeError::Shape) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_read_with_the_token_alone() {
        let (home, other) = (Token::generate(), Token::generate());
        let sealed = home.seal(b"a secret");
        assert_eq!(sealed, home.seal(b"a secret"), "devices that say the same write the same");
        assert_eq!(home.unseal(&sealed), Ok(b"a secret".to_vec()));
        assert_eq!(other.unseal(&sealed), Err(HomeError::Sealed));
        let mut bytes = BASE64URL.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = BASE64URL.encode(&bytes);
            assert_eq!(home.unseal(&changed), Err(HomeError::Sealed), "{at}");
            bytes[at] ^= 1;
        }
        for odd in ["", "short", "no letters!"] {
            assert_eq!(home.unseal(odd), Err(HomeError::Shape), "{odd}");
        }
        assert_ne!(home.entry_id(b"a"), home.entry_id(b"b"));
        assert_ne!(home.entry_id(b"a"), other.entry_id(b"a"));
    }

    /// Homes that people have must stay readable, so this must never change.
    #[test]
    fn the_format_is_fixed() {
        let home = Token::from_bytes(&[7; 32]).unwrap();
        assert_ne!(home.home_access(), home);
        assert_eq!(home.home_name(), "home/pfvwk57kjw2wxaj9an8j98xzcc");
        assert_eq!(home.entry_id(b"tea").as_str(), "key/9zewd6XR-gBhO_Zkh2lTcA");
        assert_eq!(home.seal(b"tea"), "Uj7GPqjMHu1lpQviZiIoRRC4ZHLEzj8x6REshFc3H-HC3E4Ig1tPkJ1x4A");
    }
}
