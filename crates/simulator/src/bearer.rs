//! Who opens a channel, and what they show for that.

use settee_keys::Token;

/// A person, and a database.
pub type Place = (usize, usize);

/// A person at a database. Where access is by tokens, they show one.
#[derive(Debug, Clone)]
pub struct Bearer {
    pub place: Place,
    pub token: Option<Token>,
}

impl Bearer {
    pub fn credentials(&self) -> Vec<u8> {
        let person = u8::try_from(self.place.0).unwrap_or(u8::MAX);
        let token = self.token.iter().flat_map(Token::as_bytes);
        [person].iter().chain(token).copied().collect()
    }

    /// Whoever shows these credentials for a database.
    pub fn of(credentials: &[u8], database: usize) -> Self {
        let (person, token) = credentials.split_first().unwrap_or((&u8::MAX, &[]));
        Self { place: (usize::from(*person), database), token: Token::from_bytes(token).ok() }
    }
}
