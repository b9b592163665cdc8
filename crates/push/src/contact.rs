//! Whom push services can ask about what a server sends.

use thiserror::Error;
use url::Url;

/// Longest contact, in bytes.
const LIMIT: usize = 256;

/// Why something is no contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a contact is a mailto: or an https: address of at most 256 bytes")]
pub struct ContactError;

/// The server's operator, as a `mailto:` or `https:` address (RFC 8292, section 2.1). Each push service
/// is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact(String);

impl Contact {
    /// Checks an address.
    pub fn new(address: &str) -> Result<Self, ContactError> {
        let url = Url::parse(address).map_err(|_| ContactError)?;
        let is_one = match url.scheme() {
            "mailto" => url.path().contains('@'),
            "https" => url.has_host(),
            _ => false,
        };
        let text = String::from(url);
        if is_one && text.len() <= LIMIT { Ok(Self(text)) } else { Err(ContactError) }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_addresses_of_mail_or_the_web() {
        for good in ["mailto:operator@example.org", "https://example.org/contact"] {
            assert_eq!(Contact::new(good).unwrap().as_str(), good);
        }
        let long = format!("https://example.org/{}", "a".repeat(256));
        let odd = ["", "operator@example.org", "mailto:", "http://example.org", "https://", &long];
        for bad in odd {
            assert_eq!(Contact::new(bad), Err(ContactError), "{bad}");
        }
    }
}
