//! The lists that this device keeps, each with the tokens that open it.

use std::collections::BTreeMap;

use settee::{
    Error, Kept, Settee,
    keys::{DatabaseId, Keyring, Token, link::Place},
};
use settee_todo::document::{FIRST, LINKS, NAME};

/// A list that this device keeps.
#[derive(Clone)]
pub struct Known {
    /// Under which key it is kept.
    pub key: String,
    pub keys: Keyring,
    /// What it was called when it was last open.
    pub name: String,
    /// Whether it began on this device.
    pub is_own: bool,
}

impl Known {
    pub fn read(key: &str, kept: &Kept) -> Option<Self> {
        let name = kept.app.get(NAME).and_then(|name| name.as_str()).unwrap_or_default();
        let (key, name, is_own) = (key.to_owned(), name.to_owned(), kept.is_own);
        Some(Self { key, keys: kept.keys()?, name, is_own })
    }

    /// The list that an address names, if this device keeps it.
    pub fn at(place: &Place, kept: &BTreeMap<String, Kept>) -> Option<Self> {
        let is_there = |(key, kept): &(&String, &Kept)| match place {
            Place::Home => *key == FIRST,
            Place::Database(id) => kept.name == id.as_str(),
            Place::Nowhere => false,
        };
        let (key, kept) = kept.iter().find(is_there)?;
        Self::read(key, kept)
    }

    /// What this device keeps of it now.
    pub fn latest(&self, kept: &BTreeMap<String, Kept>) -> Option<Self> {
        Self::read(&self.key, kept.get(&self.key)?)
    }

    pub fn id(&self) -> &DatabaseId {
        self.keys.id()
    }

    /// The device's own first list.
    pub fn is_first(&self) -> bool {
        self.key == FIRST
    }

    /// Where it is on the site.
    pub fn path(&self) -> String {
        if self.is_first() { "/".to_owned() } else { LINKS.path(self.id()) }
    }
}

/// Keeps a list that begins on this device. If there is one under that key, that one stays.
pub async fn begin(settee: &Settee, key: &str, owner: &Token, name: &str) -> Result<(), Error> {
    let mut kept = Kept::of_owner(owner);
    kept.app.insert(NAME.to_owned(), name.into());
    settee.keep(key, kept).await.map(drop)
}
