//! A database for a `Vec` of items that an app already keeps in a signal.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use leptos::prelude::*;
use settee_store::{Database, DocumentId};

use crate::{collection::Collection, health::CollectionError, model::Model, observer::Observer};

/// Keeps the items of a signal and the documents of a database equal, in both directions. The app
/// goes on changing its signal directly. `key` returns the key of an item; the id of its document
/// is [`Model::PREFIX`] followed by the key.
///
/// - When the database has been loaded, its documents are merged into the items. An existing item
///   is replaced, unless the app has changed it meanwhile. An item that the database never had is
///   written to it. An item whose document was deleted is removed.
/// - Changes that the app makes to the items become edits, and changes by others are applied to the
///   items. The app is not notified of its own edits again.
/// - Items that are sorted by the model's order stay sorted. Otherwise new items are appended.
///
/// The returned collection has the state of rows, and errors; edits of it appear in the items. An
/// item whose key makes no valid id is not saved, nor is an item whose key an earlier item has: see
/// [`CollectionError::InvalidKey`] and [`CollectionError::DuplicateKey`]. All of this belongs to
/// the current reactive owner.
///
/// ```
/// # use leptos::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # use settee_leptos::{Model, retrofit};
/// # use settee_store::{Database, Memory};
/// #[derive(Clone, PartialEq, Serialize, Deserialize)]
/// struct Note {
///     key: String,
///     text: String,
/// }
///
/// impl Model for Note {
///     const PREFIX: &'static str = "note/";
///     type Order = String;
///
///     fn order(&self) -> String {
///         self.text.clone()
///     }
/// }
///
/// # let owner = Owner::new();
/// # owner.set();
/// let notes: RwSignal<Vec<Note>> = RwSignal::new(Vec::new());
/// # let attach = move || {
/// let database = Database::new(Memory::new([0; 16]));
/// let collection = retrofit(notes, database, |note| note.key.clone());
/// # };
/// // The app changes its items as before.
/// notes.update(|notes| notes.push(Note { key: "1".to_owned(), text: "milk".to_owned() }));
/// ```
pub fn retrofit<T: Model>(
    items: RwSignal<Vec<T>>,
    database: Database,
    key: fn(&T) -> String,
) -> Collection<T> {
    let collection = Collection::new();
    let initial = items.with_untracked(|items| {
        let items = by_id(items, key).0.into_iter();
        items.map(|(id, item)| (id, item.clone())).collect()
    });
    let shared = Shared { is_loaded: false, initial, known: HashMap::new() };
    let shared = Rc::new(RefCell::new(shared));
    let mirror = Mirror { items, key, shared: shared.clone(), changed: HashMap::new() };
    collection.observe(Box::new(mirror));
    let flush = Rc::new(move || flush(collection, items, key, &shared));
    collection.add_hook(flush.clone());
    collection.attach(database);
    Effect::new(move || {
        items.track();
        collection.ready.track();
        flush();
    });
    collection
}

/// What the items and the collection have in common.
struct Shared<T> {
    is_loaded: bool,
    /// The items before the database was loaded.
    initial: HashMap<DocumentId, T>,
    known: HashMap<DocumentId, T>,
}

/// The items by their ids, and errors for those that have none.
fn by_id<T: Model>(
    items: &[T],
    key: fn(&T) -> String,
) -> (HashMap<DocumentId, &T>, Vec<CollectionError>) {
    let (mut known, mut errors) = (HashMap::with_capacity(items.len()), Vec::new());
    for item in items {
        match id_of(item, key) {
            Err(error) => errors.push(CollectionError::InvalidKey(error)),
            Ok(id) if known.contains_key(&id) => errors.push(CollectionError::DuplicateKey(id)),
            Ok(id) => drop(known.insert(id, item)),
        }
    }
    (known, errors)
}

fn id_of<T: Model>(
    item: &T,
    key: fn(&T) -> String,
) -> Result<DocumentId, settee_store::document_id::IdError> {
    DocumentId::new(&format!("{}{}", T::PREFIX, key(item)))
}

/// Turns the changes that the app has made to its items into edits.
fn flush<T: Model>(
    collection: Collection<T>,
    items: RwSignal<Vec<T>>,
    key: fn(&T) -> String,
    shared: &RefCell<Shared<T>>,
) {
    if !shared.borrow().is_loaded {
        return;
    }
    let differences = items.try_with_untracked(|items| {
        let (items, errors) = by_id(items, key);
        let known = &shared.borrow().known;
        let put = items.iter().filter(|(id, item)| known.get(*id) != Some(**item));
        let put: Vec<(DocumentId, T)> =
            put.map(|(id, item)| (id.clone(), (*item).clone())).collect();
        let removed = known.keys().filter(|id| !items.contains_key(*id));
        let removed: Vec<DocumentId> = removed.cloned().collect();
        (put, removed, errors)
    });
    let Some((put, removed, errors)) = differences else { return };
    for error in errors {
        collection.report(None, error);
    }
    if put.is_empty() && removed.is_empty() {
        return;
    }
    {
        let known = &mut shared.borrow_mut().known;
        known.extend(put.iter().cloned());
        for id in &removed {
            known.remove(id);
        }
    }
    collection.batch(|batch| {
        for (id, item) in put {
            batch.insert(&id, item);
        }
        for id in &removed {
            batch.remove(id);
        }
    });
}

/// Applies the changes of the collection to the items.
struct Mirror<T: Model> {
    items: RwSignal<Vec<T>>,
    key: fn(&T) -> String,
    shared: Rc<RefCell<Shared<T>>>,
    changed: HashMap<DocumentId, Option<T>>,
}

impl<T: Model> Observer<T> for Mirror<T> {
    fn put(&mut self, id: &DocumentId, _: Option<&T>, after: Option<&T>) {
        self.changed.insert(id.clone(), after.cloned());
    }

    fn publish(&mut self, is_loaded: bool) {
        if !is_loaded {
            return;
        }
        let shared = &mut *self.shared.borrow_mut();
        let is_first = !std::mem::replace(&mut shared.is_loaded, true);
        let mut changed = std::mem::take(&mut self.changed);
        changed.retain(|id, after| is_first || shared.known.get(id) != after.as_ref());
        for (id, after) in &changed {
            match after {
                Some(after) => drop(shared.known.insert(id.clone(), after.clone())),
                None => drop(shared.known.remove(id)),
            }
        }
        if changed.is_empty() {
            return;
        }
        let key = self.key;
        let initial = std::mem::take(&mut shared.initial);
        self.items.try_maybe_update(|items| (merge(items, changed, &initial, is_first, key), ()));
    }

    fn is_disposed(&self) -> bool {
        self.items.is_disposed()
    }
}

/// Applies changed documents to the items. Returns whether the items differ from before.
fn merge<T: Model>(
    items: &mut Vec<T>,
    mut changed: HashMap<DocumentId, Option<T>>,
    initial: &HashMap<DocumentId, T>,
    is_first: bool,
    key: fn(&T) -> String,
) -> bool {
    let sort_key = |item: &T| (item.order(), key(item));
    let is_sorted = items.is_sorted_by_key(sort_key);
    let mut is_changed = false;
    items.retain_mut(|item| {
        let Some((id, after)) = id_of(item, key).ok().and_then(|id| changed.remove_entry(&id))
        else {
            return true;
        };
        // The app has changed the item during the load. That is an edit of the loaded document.
        if is_first && initial.get(&id) != Some(item) {
            return true;
        }
        is_changed |= after.as_ref() != Some(item);
        let stays = after.is_some();
        if let Some(after) = after {
            *item = after;
        }
        stays
    });
    let is_new = |(id, after): (DocumentId, Option<T>)| {
        // An item that the app has removed during the load stays removed.
        after.filter(|_| !is_first || !initial.contains_key(&id))
    };
    let mut new: Vec<T> = changed.into_iter().filter_map(is_new).collect();
    is_changed |= !new.is_empty();
    new.sort_by_cached_key(sort_key);
    items.extend(new);
    if is_changed && is_sorted {
        items.sort_by_cached_key(sort_key);
    }
    is_changed
}
