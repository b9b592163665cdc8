//! What people type into rows, until they end the edit themselves.

use std::collections::HashMap;

use leptos::prelude::*;
use settee::store::DocumentId;

/// The edits that are open. They outlive the fields: a row may be removed, or become read-only,
/// while somebody types.
#[derive(Clone, Copy)]
pub struct Drafts {
    ids: RwSignal<Vec<DocumentId>>,
    texts: StoredValue<HashMap<DocumentId, Draft>>,
}

/// A title as it was when its edit began, and as it is typed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub before: String,
    pub text: String,
}

impl Drafts {
    pub fn new() -> Self {
        Self { ids: RwSignal::new(Vec::new()), texts: StoredValue::new(HashMap::new()) }
    }

    /// The rows that are being edited, in the order in which that began.
    pub fn ids(self) -> ReadSignal<Vec<DocumentId>> {
        self.ids.read_only()
    }

    pub fn begin(self, id: &DocumentId, title: String) {
        let draft = Draft { before: title.clone(), text: title };
        let known = self.texts.try_update_value(|texts| texts.insert(id.clone(), draft));
        if known == Some(None) {
            self.ids.update(|ids| ids.push(id.clone()));
        }
    }

    pub fn get(self, id: &DocumentId) -> Option<Draft> {
        self.texts.with_value(|texts| texts.get(id).cloned())
    }

    pub fn put(self, id: &DocumentId, text: String) {
        self.texts.update_value(|texts| {
            if let Some(draft) = texts.get_mut(id) {
                draft.text = text;
            }
        });
    }

    pub fn end(self, id: &DocumentId) {
        self.texts.update_value(|texts| drop(texts.remove(id)));
        self.ids.maybe_update(|ids| {
            let before = ids.len();
            ids.retain(|known| known != id);
            ids.len() < before
        });
    }
}
