//! The ids of some of a collection's rows, in order.

use std::{collections::BTreeSet, sync::Arc};

use leptos::prelude::*;
use settee_store::DocumentId;

use crate::{model::Model, observer::Observer, row::replace};

/// The ids of the rows that pass a test. It is maintained row by row: the cost of a change doesn't
/// grow with the number of unchanged rows, except where the list of ids itself changes.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    ids: ReadSignal<Vec<DocumentId>>,
    len: ReadSignal<usize>,
    pub(crate) key: u64,
}

impl Selection {
    /// The ids, sorted by [`Model::Order`], then by id.
    pub fn ids(self) -> ReadSignal<Vec<DocumentId>> {
        self.ids
    }

    /// The number of rows. Readers are notified only when it changes.
    pub fn len(self) -> ReadSignal<usize> {
        self.len
    }
}

/// A test of rows.
pub(crate) type Predicate<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// The collection's side of a selection.
pub(crate) struct Members<T: Model> {
    predicate: Predicate<T>,
    sorted: BTreeSet<(T::Order, DocumentId)>,
    is_changed: bool,
    ids: WriteSignal<Vec<DocumentId>>,
    len: WriteSignal<usize>,
    pub key: u64,
}

impl<T: Model> Members<T> {
    pub fn new(predicate: Predicate<T>, key: u64) -> (Self, Selection) {
        let (ids, set_ids) = signal(Vec::new());
        let (len, set_len) = signal(0);
        let sorted = BTreeSet::new();
        let members =
            Self { predicate, sorted, is_changed: false, ids: set_ids, len: set_len, key };
        (members, Selection { ids, len, key })
    }

    /// Replaces the test. The caller then has to `put` all rows, as new ones.
    pub fn refilter(&mut self, predicate: Predicate<T>) {
        self.predicate = predicate;
        self.sorted.clear();
        self.is_changed = true;
    }
}

impl<T: Model> Observer<T> for Members<T> {
    fn put(&mut self, id: &DocumentId, before: Option<&T>, after: Option<&T>) {
        let key = |value: &T| (value.order(), id.clone());
        let before = before.filter(|value| (self.predicate)(value)).map(key);
        let after = after.filter(|value| (self.predicate)(value)).map(key);
        if before == after {
            return;
        }
        self.is_changed = true;
        if let Some(key) = before {
            self.sorted.remove(&key);
        }
        if let Some(key) = after {
            self.sorted.insert(key);
        }
    }

    fn publish(&mut self, _: bool) {
        if std::mem::take(&mut self.is_changed) {
            let (ids, len) = (self.sorted.iter().map(|(_, id)| id), self.sorted.len());
            // The signals are disposed of with the owner of the selection, hence `try`.
            self.ids.try_maybe_update(|known| {
                let is_new = known.len() != len || !known.iter().eq(ids.clone());
                if is_new {
                    *known = ids.cloned().collect();
                }
                (is_new, ())
            });
            self.len.try_maybe_update(|known| (replace(known, len), ()));
        }
    }

    fn is_disposed(&self) -> bool {
        self.ids.is_disposed()
    }
}
