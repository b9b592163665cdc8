//! The lists that this device keeps, each with the tokens that open it.

use std::collections::BTreeMap;

use leptos::web_sys::js_sys::{Array, JsString, Object};
use settee::{
    Error, Kept, Settee,
    keys::{DatabaseId, Keyring, Token},
    store::Database,
};
use settee_app::ListSummary;
use settee_todo::ListInfo;
use settee_todo::document::{FIRST, LINKS, LIST_INFO, NAME};

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
    fn read((key, kept): (&String, &Kept)) -> Option<Self> {
        let name = kept.app.get(NAME).and_then(|name| name.as_str()).unwrap_or_default();
        let (key, name, is_own) = (key.clone(), name.to_owned(), kept.is_own);
        Some(Self { key, keys: kept.keys()?, name, is_own })
    }

    /// What this device keeps of it now.
    pub fn latest(&self, kept: &BTreeMap<String, Kept>) -> Option<Self> {
        Self::read(kept.get_key_value(&self.key)?)
    }

    pub fn id(&self) -> &DatabaseId {
        self.keys.id()
    }

    /// The device's own first list.
    pub fn is_first(&self) -> bool {
        self.key == FIRST
    }

    pub fn summary(&self, current: Option<&DatabaseId>) -> ListSummary {
        let name = match self.name.as_str() {
            "" if self.is_first() => "My list",
            "" => "Unnamed list",
            name => name,
        };
        ListSummary {
            id: self.id().to_string(),
            name: name.to_owned(),
            href: if self.is_first() { "/".to_owned() } else { LINKS.path(self.id()) },
            current: current == Some(self.id()),
        }
    }
}

/// All lists, the first one in front, and the others by their names in the order of the reader's language.
pub fn all(kept: &BTreeMap<String, Kept>) -> Vec<Known> {
    let is_before = |one: &Known, other: &Known| {
        let name = JsString::from(&*one.name);
        let order = name.locale_compare(&other.name, &Array::new(), &Object::new());
        one.is_first() || (!other.is_first() && order <= 0)
    };
    // Lists are few, and the standard sort would be 5 kB of the program.
    let mut lists: Vec<Known> = Vec::new();
    for known in kept.iter().filter_map(Known::read) {
        lists.insert(lists.partition_point(|other| is_before(other, &known)), known);
    }
    lists
}

/// Keeps a list that begins on this device. If there is one under that key, that one stays.
pub async fn begin(settee: &Settee, key: &str, owner: &Token, name: &str) -> Result<(), Error> {
    let mut kept = Kept::of_owner(owner);
    kept.app.insert(NAME.to_owned(), name.into());
    settee.keep(key, kept).await.map(drop)
}

/// Remembers what a list is called. Another tab may have been faster.
pub async fn remember_name(settee: &Settee, key: &str, name: &str) {
    let rename =
        |kept: &mut Kept| kept.app.insert(NAME.to_owned(), name.into()) != Some(name.into());
    // It is only shown in the list of lists, and is learnt again when the list is next open.
    let _ = settee.change(key, rename).await;
}

/// What a list is called: a document of the list, which whoever may write can change.
pub async fn name_of(database: &Database) -> Option<String> {
    Some(database.find::<ListInfo>(LIST_INFO).await.ok()??.name)
}

pub async fn write_name(list: &Database, name: String) {
    // A failure is one of the device's storage, which the todos themselves report.
    let _ = list.patch(LIST_INFO, &ListInfo { name }).await;
}
