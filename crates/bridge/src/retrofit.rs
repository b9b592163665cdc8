//! A database behind a list that an app keeps already.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use leptos::prelude::*;
use settee_store::{Database, DocumentId};

use crate::{collection::Collection, model::Model, rows::Observer};

/// Keeps a list in a signal and a database at one, both ways, without the app knowing: it goes on
/// changing the list itself. `key` tells items apart; a document's id is the model's prefix with
/// the key behind it.
///
/// - When the database is loaded, its documents go into the list. An item that is there already is
///   replaced, unless the app has changed it meanwhile; one that the database has never had is
///   inserted; and one that was deleted goes.
/// - What the app changes becomes edits, and what others change goes into the list. An own edit
///   never comes back as a change.
/// - A list that stands in the model's order is kept in it. In any other, new items come last.
///
/// The collection that comes back tells how things stand; edits made there show in the list.
/// Items without a key that makes an id, or with the key of an item before them, are not saved: that
/// is a [problem](Collection::problems). Belongs to the owner in whose scope it is called.
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
/// // As ever.
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
    let agreed = Agreed { is_loaded: false, initial, known: HashMap::new() };
    let agreed = Rc::new(RefCell::new(agreed));
    let mirror = Mirror { items, key, agreed: agreed.clone(), changed: HashMap::new() };
    collection.observe(Box::new(mirror));
    let flush = Rc::new(move || flush(collection, items, key, &agreed));
    collection.add_hook(flush.clone());
    collection.attach(database);
    Effect::new(move || {
        items.track();
        collection.ready.track();
        flush();
    });
    collection
}

/// What the list and the collection both have.
struct Agreed<T> {
    is_loaded: bool,
    /// The list as it was before the database was loaded.
    initial: HashMap<DocumentId, T>,
    known: HashMap<DocumentId, T>,
}

/// Items by their ids, and what is wrong with the others.
fn by_id<T: Model>(items: &[T], key: fn(&T) -> String) -> (HashMap<DocumentId, &T>, Vec<String>) {
    let (mut known, mut problems) = (HashMap::with_capacity(items.len()), Vec::new());
    for item in items {
        match id_of(item, key) {
            Err(error) => problems.push(format!("An entry can't be saved: {error}.")),
            Ok(id) if known.contains_key(&id) => {
                problems.push(format!("Of several entries “{id}” only the first is saved."));
            }
            Ok(id) => drop(known.insert(id, item)),
        }
    }
    (known, problems)
}

fn id_of<T: Model>(
    item: &T,
    key: fn(&T) -> String,
) -> Result<DocumentId, settee_store::document_id::IdError> {
    DocumentId::new(&format!("{}{}", T::PREFIX, key(item)))
}

/// Makes edits of what the app has changed in the list.
fn flush<T: Model>(
    collection: Collection<T>,
    items: RwSignal<Vec<T>>,
    key: fn(&T) -> String,
    agreed: &RefCell<Agreed<T>>,
) {
    if !agreed.borrow().is_loaded {
        return;
    }
    let differences = items.try_with_untracked(|items| {
        let (items, problems) = by_id(items, key);
        let known = &agreed.borrow().known;
        let put = items.iter().filter(|(id, item)| known.get(*id) != Some(**item));
        let put: Vec<(DocumentId, T)> =
            put.map(|(id, item)| (id.clone(), (*item).clone())).collect();
        let removed = known.keys().filter(|id| !items.contains_key(*id));
        let removed: Vec<DocumentId> = removed.cloned().collect();
        (put, removed, problems)
    });
    let Some((put, removed, problems)) = differences else { return };
    for text in problems {
        collection.report(None, text);
    }
    if put.is_empty() && removed.is_empty() {
        return;
    }
    {
        let known = &mut agreed.borrow_mut().known;
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

/// Brings the collection's changes into the list.
struct Mirror<T: Model> {
    items: RwSignal<Vec<T>>,
    key: fn(&T) -> String,
    agreed: Rc<RefCell<Agreed<T>>>,
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
        let agreed = &mut *self.agreed.borrow_mut();
        let is_first = !std::mem::replace(&mut agreed.is_loaded, true);
        let mut changed = std::mem::take(&mut self.changed);
        changed.retain(|id, after| is_first || agreed.known.get(id) != after.as_ref());
        for (id, after) in &changed {
            match after {
                Some(after) => drop(agreed.known.insert(id.clone(), after.clone())),
                None => drop(agreed.known.remove(id)),
            }
        }
        if changed.is_empty() {
            return;
        }
        let key = self.key;
        let initial = std::mem::take(&mut agreed.initial);
        self.items.try_maybe_update(|items| (bring(items, changed, &initial, is_first, key), ()));
    }

    fn is_gone(&self) -> bool {
        self.items.is_disposed()
    }
}

/// Tells whether the list is another one now.
fn bring<T: Model>(
    items: &mut Vec<T>,
    mut changed: HashMap<DocumentId, Option<T>>,
    initial: &HashMap<DocumentId, T>,
    is_first: bool,
    key: fn(&T) -> String,
) -> bool {
    let place = |item: &T| (item.order(), key(item));
    let is_in_order = items.is_sorted_by_key(place);
    let mut is_changed = false;
    items.retain_mut(|item| {
        let Some((id, after)) = id_of(item, key).ok().and_then(|id| changed.remove_entry(&id))
        else {
            return true;
        };
        // What the app has changed during the load is an edit of what was loaded.
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
        // What the app has removed during the load stays away.
        after.filter(|_| !is_first || !initial.contains_key(&id))
    };
    let mut new: Vec<T> = changed.into_iter().filter_map(is_new).collect();
    is_changed |= !new.is_empty();
    new.sort_by_cached_key(place);
    items.extend(new);
    if is_changed && is_in_order {
        items.sort_by_cached_key(place);
    }
    is_changed
}
