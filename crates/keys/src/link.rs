//! Addresses of databases. The secret stands in the fragment, which browsers don't send to servers.
//!
//! Links pass through chats, mails and notes, which add full stops, brackets and slashes to them, and
//! cut them. What was added is left out, and what was cut is known as such.

use crate::{DatabaseId, Token};

const SECRET: &str = "#k=";
const PERMIT: &str = "#c=";
const HOME: &str = "#d=";

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
    /// The secret that the fragment holds.
    pub secret: Secret,
}

/// What the fragment of an address holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// No secret.
    None,
    /// Something in place of a secret that can't be one: most often, the link was cut.
    Broken,
    /// A well-formed secret. Only a server knows whether it opens anything.
    Token(Token),
    /// What a server asks of those who bring it a database.
    Permit(Token),
    /// What a person's devices share: see [`home`](crate::home).
    Home(Token),
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
            Some(id) => {
                let id = leading(id, |letter| letter.is_ascii_alphanumeric());
                id.parse().map_or(Place::Nowhere, Place::Database)
            }
        };
        Address { place, secret: Secret::read(fragment) }
    }

    /// Reads a whole link as a person pastes it, with scheme, host and secret. `None` if it isn't a
    /// link to a database with a secret.
    pub fn read_link(self, link: &str) -> Option<(DatabaseId, Token)> {
        let (page, _) = link.split_once('#')?;
        let (_, fragment) = link.split_at(page.len());
        let (_, host_and_path) = page.split_once("://")?;
        let (_, path) = host_and_path.split_at(host_and_path.find('/')?);
        match self.read(path, fragment) {
            Address { place: Place::Database(id), secret: Secret::Token(token) } => {
                Some((id, token))
            }
            _ => None,
        }
    }

    /// The path of a database, without a secret.
    pub fn path(self, id: &DatabaseId) -> String {
        format!("{}{id}", self.path)
    }

    /// What lets another device share a [`home`](crate::home). `origin` is scheme, host and port.
    pub fn device(origin: &str, home: &Token) -> String {
        format!("{origin}/{HOME}{home}")
    }

    /// An invitation to a database. `origin` is scheme, host and port.
    pub fn invitation(self, origin: &str, id: &DatabaseId, token: &Token) -> String {
        format!("{origin}{}{SECRET}{token}", self.path(id))
    }
}

impl Address {
    /// Whether it names a database, or has a secret, and one of both was cut or twisted.
    pub fn is_broken(&self) -> bool {
        self.place == Place::Nowhere || self.secret == Secret::Broken
    }
}

impl Secret {
    fn read(fragment: &str) -> Self {
        let (secret, kind): (_, fn(Token) -> Self) = if let Some(it) = fragment.strip_prefix(SECRET)
        {
            (it, Self::Token)
        } else if let Some(it) = fragment.strip_prefix(PERMIT) {
            (it, Self::Permit)
        } else if let Some(it) = fragment.strip_prefix(HOME) {
            (it, Self::Home)
        } else {
            return Self::None;
        };
        let secret =
            leading(secret, |letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
        // Marks of emphasis around a link are letters of secrets, too.
        let (secret, rest) = secret.split_at(secret.len().min(Token::LENGTH));
        let token = secret.parse().ok().filter(|_| rest.trim_matches(['-', '_']).is_empty());
        token.map_or(Self::Broken, kind)
    }
}

/// The beginning of a text, as far as its letters belong to it.
fn leading(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|letter| !belongs(letter)).unwrap_or(text.len());
    text.split_at(end).0
}

/// Whether the fragment holds a secret, well-formed or not: it has to leave the address bar.
pub fn has_secret(fragment: &str) -> bool {
    [SECRET, PERMIT, HOME].iter().any(|kind| fragment.starts_with(kind))
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
        assert_eq!(address.secret, Secret::Token(owner.editor(0)));
        assert_eq!(NOTES.read_link(&link), Some((id, owner.editor(0))));

        let home_token = Token::generate();
        let home = Address { place: Place::Home, secret: Secret::None };
        assert_eq!(NOTES.read("/", "#/active"), home);
        assert_eq!(NOTES.read("/notes/nonsense", "").place, Place::Nowhere);
        assert_eq!(NOTES.read("/", "#k=short").secret, Secret::Broken);
        let permit = NOTES.read("/", &format!("#c={owner}."));
        assert_eq!(permit, Address { place: Place::Home, secret: Secret::Permit(owner) });
        let device = LinkFormat::device("", &home_token);
        assert_eq!(NOTES.read("/", &device[1..]).secret, Secret::Home(home_token));
        assert_eq!(NOTES.read("/", "#c=short").secret, Secret::Broken);
        assert!(has_secret("#k=short") && has_secret("#c=short") && !has_secret("#/active"));
    }

    #[test]
    fn what_stands_behind_a_link_is_left_out() {
        let owner = Token::generate();
        let (id, token) = (owner.database_id(), owner.editor(0));
        let link = NOTES.invitation("http://settee.test", &id, &token);
        for behind in
            [".", ")", "),", "]", ">", "\"", "…", "%29", "&x=1", "/", "*", "_", "__", "-", " "]
        {
            let read = NOTES.read_link(&format!("{link}{behind}"));
            assert_eq!(read, Some((id.clone(), token.clone())), "{behind}");
        }
        for behind in ["/", ".", ")", "%29"] {
            let path = format!("{}{behind}", NOTES.path(&id));
            let address = NOTES.read(&path, &format!("#k={token}"));
            assert_eq!(address.place, Place::Database(id.clone()), "{path}");
            assert!(!address.is_broken());
        }
    }

    #[test]
    fn a_cut_link_is_known_as_such() {
        let owner = Token::generate();
        let (path, token) = (NOTES.path(&owner.database_id()), owner.editor(0).to_string());
        for length in 0..token.len() {
            let address = NOTES.read(&path, &format!("#k={}", &token[..length]));
            assert_eq!(address.secret, Secret::Broken, "{length}");
            assert!(address.is_broken());
        }
        assert_eq!(NOTES.read(&path, &format!("#k={token}A")).secret, Secret::Broken);
        assert!(NOTES.read(&path[..path.len() - 1], "").is_broken());
        assert!(!NOTES.read(&path, "").is_broken() && !NOTES.read("/", "").is_broken());
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
