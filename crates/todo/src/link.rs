//! A list's address. The secret stands in the fragment, which browsers keep to themselves.

use crate::token::{ListId, Token};

/// Lists are found under this path.
pub const LIST_PATH: &str = "/l/";
const SECRET: &str = "#k=";

/// Where a page is: which list its address names, and the secret it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub list: ListAddress,
    pub token: Option<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListAddress {
    /// The device's own first list.
    First,
    List(ListId),
    /// The address names no list that there can be.
    Nowhere,
}

/// Reads an address from its path and fragment (with the leading `#`, or empty).
pub fn read(path: &str, fragment: &str) -> Address {
    let list = match path.strip_prefix(LIST_PATH) {
        None => ListAddress::First,
        Some(id) => id.parse().map_or(ListAddress::Nowhere, ListAddress::List),
    };
    let token = fragment.strip_prefix(SECRET).and_then(|secret| secret.parse().ok());
    Address { list, token }
}

/// Whether the fragment holds a secret, a good one or not: it is to leave the address bar.
pub fn has_secret(fragment: &str) -> bool {
    fragment.starts_with(SECRET)
}

/// A list's path, for who knows it already.
pub fn path(list: &ListId) -> String {
    format!("{LIST_PATH}{list}")
}

/// An invitation to a list.
pub fn invitation(origin: &str, list: &ListId, token: &Token) -> String {
    format!("{origin}{}{SECRET}{token}", path(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let owner = Token::generate();
        let list = owner.list_id();
        let link = invitation("http://settee.test", &list, &owner.editor(0));
        let fragment = &link[link.find('#').unwrap()..];
        let address = read(&path(&list), fragment);
        assert_eq!(address.list, ListAddress::List(list));
        assert_eq!(address.token, Some(owner.editor(0)));

        assert_eq!(read("/", "#/active"), Address { list: ListAddress::First, token: None });
        assert_eq!(read("/l/nonsense", "").list, ListAddress::Nowhere);
        assert_eq!(read("/", "#k=short").token, None);
        assert!(has_secret("#k=short") && !has_secret("#/active"));
    }
}
