//! Addresses of databases. The secret stands in the fragment, which browsers don't send to servers.

use crate::{DatabaseId, Token};

const SECRET: &str = "#k=";

/// How an app's addresses look: a database is found under this path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkFormat {
    path: &'static str,
}

/// What an address says: which database it names, and the secret that it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What the path names.
    pub place: Place,
    /// The secret in the fragment, if there is a well-formed one.
    pub token: Option<Token>,
}

/// What the path of an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// None of the app's databases: the path is outside of theirs.
    Home,
    /// A database.
    Database(DatabaseId),
    /// A path of a database, with a text in place of an id that can't be one.
    Nowhere,
}

impl LinkFormat {
    /// Addresses whose path begins so, with a slash at its beginning and end, such as `/notes/`.
    pub const fn new(path: &'static str) -> Self {
        Self { path }
    }

    /// Reads an address from its path and its fragment (with the leading `#`, or empty).
    pub fn read(self, path: &str, fragment: &str) -> Address {
        let place = match path.strip_prefix(self.path) {
            None => Place::Home,
            Some(id) => id.parse().map_or(Place::Nowhere, Place::Database),
        };
        let token = fragment.strip_prefix(SECRET).and_then(|secret| secret.parse().ok());
        Address { place, token }
    }

    /// Reads a whole link as a person pastes it, with scheme, host and secret. `None` if it isn't a
    /// link to a database with a secret.
    pub fn read_link(self, link: &str) -> Option<(DatabaseId, Token)> {
        let (page, _) = link.split_once('#')?;
        let (_, fragment) = link.split_at(page.len());
        let (_, host_and_path) = page.split_once("://")?;
        let (_, path) = host_and_path.split_at(host_and_path.find('/')?);
        match self.read(path, fragment) {
            Address { place: Place::Database(id), token: Some(token) } => Some((id, token)),
            _ => None,
        }
    }

    /// The path of a database, without a secret.
    pub fn path(self, id: &DatabaseId) -> String {
        format!("{}{id}", self.path)
    }

    /// An invitation to a database. `origin` is scheme, host and port.
    pub fn invitation(self, origin: &str, id: &DatabaseId, token: &Token) -> String {
        format!("{origin}{}{SECRET}{token}", self.path(id))
    }
}

/// Whether the fragment holds a secret, well-formed or not: it has to leave the address bar.
pub fn has_secret(fragment: &str) -> bool {
    fragment.starts_with(SECRET)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTES: LinkFormat = LinkFormat::new("/notes/");

    #[test]
    fn addresses_are_read() {
        let owner = Token::generate();
        let id = owner.database_id();
        let link = NOTES.invitation("http://settee.test", &id, &owner.editor(0));
        let fragment = &link[link.find('#').unwrap()..];
        let address = NOTES.read(&NOTES.path(&id), fragment);
        assert_eq!(address.place, Place::Database(id.clone()));
        assert_eq!(address.token, Some(owner.editor(0)));
        assert_eq!(NOTES.read_link(&link), Some((id, owner.editor(0))));

        assert_eq!(NOTES.read("/", "#/active"), Address { place: Place::Home, token: None });
        assert_eq!(NOTES.read("/notes/nonsense", "").place, Place::Nowhere);
        assert_eq!(NOTES.read("/", "#k=short").token, None);
        assert!(has_secret("#k=short") && !has_secret("#/active"));
    }

    #[test]
    fn other_texts_are_no_links() {
        for other in
            ["", "http://a", "http://a/#k=b", "/notes/a#k=b", "http://a#k=b", "http://a/notes/b"]
        {
            assert_eq!(NOTES.read_link(other), None, "{other}");
        }
    }
}
