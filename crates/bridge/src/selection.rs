//! Some of a collection's rows, in order.

use std::collections::BTreeSet;

use leptos::prelude::*;
use settee_store::DocumentId;

use crate::model::Model;

/// The ids of the rows that pass a test. Kept up row by row: what a change costs doesn't grow
/// with the number of rows that are not concerned.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    ids: ReadSignal<Vec<DocumentId>>,
    len: ReadSignal<usize>,
}

impl Selection {
    /// In the rows' order.
    pub fn ids(self) -> Signal<Vec<DocumentId>> {
        self.ids.into()
    }

    pub fn len(self) -> Signal<usize> {
        self.len.into()
    }
}

/// The side of a selection that the collection writes to.
pub(crate) struct Members<T: Model> {
    keep: fn(&T) -> bool,
    places: BTreeSet<(T::Order, DocumentId)>,
    is_changed: bool,
    ids: WriteSignal<Vec<DocumentId>>,
    len: WriteSignal<usize>,
}

impl<T: Model> Members<T> {
    pub fn new(keep: fn(&T) -> bool) -> (Self, Selection) {
        let (ids, set_ids) = signal(Vec::new());
        let (len, set_len) = signal(0);
        let members =
            Self { keep, places: BTreeSet::new(), is_changed: false, ids: set_ids, len: set_len };
        (members, Selection { ids, len })
    }

    pub fn put(&mut self, id: &DocumentId, before: Option<&T>, after: Option<&T>) {
        let place = |value: &T| (value.order(), id.clone());
        let before = before.filter(|value| (self.keep)(value)).map(place);
        let after = after.filter(|value| (self.keep)(value)).map(place);
        if before == after {
            return;
        }
        self.is_changed = true;
        if let Some(place) = before {
            self.places.remove(&place);
        }
        if let Some(place) = after {
            self.places.insert(place);
        }
    }

    /// Tells readers, if there is something to tell.
    pub fn publish(&mut self) {
        if std::mem::take(&mut self.is_changed) {
            // After its owner is gone a selection has no readers, and no signals.
            self.ids.try_set(self.places.iter().map(|(_, id)| id.clone()).collect());
            self.len.try_set(self.places.len());
        }
    }
}
