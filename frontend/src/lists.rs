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
    /// Whether it may not even be read any more.
    pub is_revoked: bool,
}

impl Known {
    pub fn read(key: &str, kept: &Kept) -> Option<Self> {
        let name = kept.app.get(NAME).and_then(|name| name.as_str()).unwrap_or_default();
        let Kept { is_own, is_revoked, .. } = *kept;
        Some(Self { key: key.into(), keys: kept.keys()?, name: name.into(), is_own, is_revoked })
    }

    /// The list that an address names, if this device keeps it.
    pub fn at(place: &Place, kept: &BTreeMap<String, Kept>) -> Option<Self> {
        match place {
            Place::Home => Self::read(FIRST, kept.get(FIRST)?),
            Place::Database(id) => Self::named(id.as_str(), kept),
            Place::Nowhere => None,
        }
    }

    /// The list of that id.
    pub fn named(id: &str, kept: &BTreeMap<String, Kept>) -> Option<Self> {
        let (key, kept) = kept.iter().find(|(_, kept)| kept.name == id)?;
        Self::read(key, kept)
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
