//! Which list, and what opens it.

use settee_todo::{
    ListId, Token,
    link::{self, Address, ListAddress},
};

/// A link that opens a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Invitation {
    pub list: ListId,
    pub token: Token,
}

impl Invitation {
    /// Reads an address as a browser has it, with its secret.
    pub fn read(text: &str) -> Option<Self> {
        let (page, _) = text.split_once('#')?;
        let (_, fragment) = text.split_at(page.len());
        let (_, place) = page.split_once("://")?;
        let (_, path) = place.split_at(place.find('/')?);
        match link::read(path, fragment) {
            Address { list: ListAddress::List(list), token: Some(token) } => {
                Some(Self { list, token })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invitations_are_read() {
        let owner = Token::generate();
        let (list, token) = (owner.list_id(), owner.editor(0));
        let link = link::invitation("http://127.0.0.1:3000", &list, &token);
        assert_eq!(Invitation::read(&link), Some(Invitation { list, token }));
    }

    #[test]
    fn other_links_are_none() {
        for other in ["", "http://a", "http://a/#k=b", "/l/a#k=b", "http://a#k=b", "http://a/l/b"] {
            assert_eq!(Invitation::read(other), None, "{other}");
        }
    }
}
