//! What people on a list know of each other while they are there.

use minicbor::{Decode, Encode};

/// How much of a name is said, in bytes. The rest of what is said of those who are here has room beside it.
const SAID_LIMIT: usize = 120;

/// Somebody who has a list on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Person {
    /// The device, by a number that it has drawn.
    #[n(0)]
    pub device: u64,
    /// What they want to be called: at most 120 bytes of it, and empty if they haven't said.
    #[n(1)]
    pub name: String,
    /// The id of the todo that they are editing.
    #[n(2)]
    pub row: Option<String>,
    /// They have done something of late. Where somebody looks at two windows, this is said of one that is used.
    #[n(3)]
    pub is_active: bool,
}

impl Person {
    /// The bytes that travel. A name that is too long is cut.
    pub fn encode(&self) -> Vec<u8> {
        let mut person = self.clone();
        person.name.truncate(person.name.floor_char_boundary(SAID_LIMIT));
        minicbor::to_vec(person).expect("writing to memory doesn't fail")
    }

    /// Reads what a device has sent; `None` if it can't be read.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }

    /// Up to two letters for a small sign, as they are written.
    pub fn initials(&self) -> String {
        let words = self.name.split_whitespace();
        let is_letter = |letter: &char| !letter.is_ascii_punctuation();
        words.filter_map(|word| word.chars().find(is_letter)).take(2).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Person {
        let row = Some(crate::document::new_own_id(&"t".repeat(16)).to_string());
        Person { device: u64::MAX, name: name.to_owned(), row, is_active: true }
    }

    #[test]
    fn a_person_fits_into_what_may_be_said() {
        for name in ["", "Anna", &"Ä".repeat(500)] {
            let before = person(name);
            let encoded = before.encode();
            assert!(encoded.len() <= 256, "{}", encoded.len());
            let after = Person::decode(&encoded).unwrap();
            assert!(name.starts_with(&after.name) && after.name.len() <= SAID_LIMIT);
            assert_eq!(after, Person { name: after.name.clone(), ..before });
        }
        assert_eq!(Person::decode(b"something else"), None);
    }

    #[test]
    fn initials_are_those_of_names() {
        for (name, initials) in [
            ("", ""),
            ("anna", "a"),
            ("Anna Maria Berg", "AM"),
            ("  (ben) ", "b"),
            ("- 😀 Jo", "😀J"),
        ] {
            assert_eq!(person(name).initials(), initials, "{name}");
        }
    }
}
