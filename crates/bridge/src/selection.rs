//! Some of a collection's rows, in order.

use std::{collections::BTreeSet, sync::Arc};

use leptos::prelude::*;
use settee_store::DocumentId;

use crate::{model::Model, row::renew, rows::Observer};

/// The ids of the rows that pass a test. Kept up row by row: what a change costs doesn't grow
/// with the number of rows that are not concerned.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    ids: ReadSignal<Vec<DocumentId>>,
    len: ReadSignal<usize>,
    pub(crate) key: u64,
}

impl Selection {
    /// In the rows' order: by [`Model::Order`], and then by id.
    pub fn ids(self) -> Signal<Vec<DocumentId>> {
        self.ids.into()
    }

    /// How many rows pass the test. It changes only when their number does.
    pub fn len(self) -> Signal<usize> {
        self.len.into()
    }
}

/// A test of rows.
pub(crate) type Keep<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// The side of a selection that the collection writes to.
pub(crate) struct Members<T: Model> {
    keep: Keep<T>,
    places: BTreeSet<(T::Order, DocumentId)>,
    is_changed: bool,
    ids: WriteSignal<Vec<DocumentId>>,
    len: WriteSignal<usize>,
    pub key: u64,
}

impl<T: Model> Members<T> {
    pub fn new(keep: Keep<T>, key: u64) -> (Self, Selection) {
        let (ids, set_ids) = signal(Vec::new());
        let (len, set_len) = signal(0);
        let places = BTreeSet::new();
        let members = Self { keep, places, is_changed: false, ids: set_ids, len: set_len, key };
        (members, Selection { ids, len, key })
    }

    /// Takes another test. All rows are to be put again, as new ones.
    pub fn refilter(&mut self, keep: Keep<T>) {
        self.keep = keep;
        self.places.clear();
        self.is_changed = true;
    }
}

impl<T: Model> Observer<T> for Members<T> {
    fn put(&mut self, id: &DocumentId, before: Option<&T>, after: Option<&T>) {
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

    fn publish(&mut self, _: bool) {
        if std::mem::take(&mut self.is_changed) {
            let (ids, len) = (self.places.iter().map(|(_, id)| id), self.places.len());
            // After its owner is gone a selection has no readers, and no signals.
            self.ids.try_maybe_update(|known| {
                let is_new = known.len() != len || !known.iter().eq(ids.clone());
                if is_new {
                    *known = ids.cloned().collect();
                }
                (is_new, ())
            });
            self.len.try_maybe_update(|known| (renew(known, len), ()));
        }
    }

    fn is_gone(&self) -> bool {
        self.ids.is_disposed()
    }
}
