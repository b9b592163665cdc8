//! The key that tells push services which server sends (VAPID, RFC 8292).

mod file;

use std::fmt;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate;
use serde_json::json;
use thiserror::Error;

use crate::Contact;

/// How long a signature is good for. RFC 8292 allows a day, which leaves room for clocks that are wrong.
const VALID_FOR: Duration = Duration::from_hours(12);

/// Why there is no key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file can't be read.
    #[error("the file of the push key can't be read")]
    Read(#[source] io::Error),
    /// The file can't be written.
    #[error("the file of the push key can't be written")]
    Write(#[source] io::Error),
    /// The file has no key in it. It isn't replaced, for subscriptions belong to their key.
    #[error("the file of the push key has something else in it")]
    Form,
}

/// A private key of P-256. Subscriptions belong to one, and are lost with it.
#[derive(Clone)]
pub struct Key(SigningKey);

impl Key {
    /// A new key, which is kept nowhere.
    pub fn random() -> Self {
        Self(SigningKey::generate())
    }

    /// Reads the key from a file, or makes the file with a new key, which only its owner may read.
    /// Processes that start together get the same key. It waits for the disk.
    ///
    /// The file holds 32 bytes in base64url, as other tools for Web Push do.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match file::load(path)? {
            Some(key) => Ok(key),
            None => file::create(path, Self::random()),
        }
    }

    /// The public key for the page's `applicationServerKey`: 65 bytes in base64url.
    pub fn public(&self) -> String {
        encode(self.0.verifying_key().to_sec1_point(false).as_bytes())
    }

    /// The header `Authorization` for a push service (RFC 8292, sections 2 and 3).
    pub(crate) fn authorization(&self, origin: &str, contact: &Contact, now: SystemTime) -> String {
        let expires = now.duration_since(UNIX_EPOCH).unwrap_or_default() + VALID_FOR;
        let header = json!({ "typ": "JWT", "alg": "ES256" });
        let claims = json!({ "aud": origin, "exp": expires.as_secs(), "sub": contact.as_str() });
        let [header, claims] = [header, claims].map(|part| encode(part.to_string().as_bytes()));
        let signed = format!("{header}.{claims}");
        let signature: Signature = self.0.sign(signed.as_bytes());
        let signature = encode(&signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", self.public())
    }

    fn to_text(&self) -> String {
        encode(&self.0.to_bytes())
    }

    fn from_text(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()?;
        SigningKey::from_bytes(&bytes.into()).ok().map(Self)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.public())
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_shown_without_its_secret() {
        let key = Key::random();
        let text = key.to_text();
        assert_eq!(Key::from_text(&text).unwrap().public(), key.public());
        assert_eq!(key.public().len(), 87);
        assert_eq!(format!("{key:?}"), format!("Key({})", key.public()));
        let zero = encode(&[0; 32]);
        let too_large = encode(&[255; 32]);
        for bad in ["", "AAAA", &zero, &too_large, &text[1..], &format!("{text}=")] {
            assert!(Key::from_text(bad).is_none(), "{bad}");
        }
    }

    /// RFC 8291's appendix A has this pair.
    #[test]
    fn the_public_key_follows_from_the_private_one() {
        let key = Key::from_text("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94").unwrap();
        assert_eq!(
            key.public(),
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        );
    }

    #[test]
    fn a_signature_ends_after_half_a_day() {
        let contact = Contact::new("mailto:operator@example.org").unwrap();
        let now = UNIX_EPOCH + Duration::from_hours(500_000);
        let key = Key::random();
        let text = key.authorization("https://push.example.org", &contact, now);
        let claims = text.split('.').nth(1).unwrap();
        let claims = String::from_utf8(BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            claims,
            r#"{"aud":"https://push.example.org","exp":1800043200,"sub":"mailto:operator@example.org"}"#
        );
        // A clock before 1970 is no reason to panic.
        key.authorization("https://push.example.org", &contact, UNIX_EPOCH - VALID_FOR);
    }
}
