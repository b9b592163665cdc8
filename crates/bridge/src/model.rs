//! The trait of types that a collection holds.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use settee_store::{Body, DocumentId};

/// A type for the bodies of documents. Fields that the type doesn't know are kept in the document.
///
/// A value has to serialise to a JSON object whose names don't begin with an underscore. A document
/// that can't be deserialised is listed in
/// [`Collection::unreadable`](crate::Collection::unreadable).
pub trait Model: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The prefix of the documents' ids. `""` if [`Model::belongs`] alone distinguishes them.
    const PREFIX: &'static str;
    /// Rows are sorted by this, then by id.
    type Order: Ord + Clone + Send + Sync + 'static;

    /// The sort key of the row. Equal values must return equal keys.
    fn order(&self) -> Self::Order;

    /// Whether a document with an id of that prefix belongs to this model. If this depends on a
    /// field, the model has to serialise that field too. A document that no longer belongs to the
    /// model leaves the collection.
    fn belongs(id: &DocumentId, fields: &Map<String, Value>) -> bool {
        let _ = (id, fields);
        true
    }
}

/// The fields of a document, with the model's own fields replaced by its values. A field that the
/// model wrote before and doesn't write now is removed.
pub(crate) fn overlaid<T: Model>(model: &T, body: &Body) -> Map<String, Value> {
    let mut fields = body.fields();
    let own = |model: &T| match serde_json::to_value(model) {
        Ok(Value::Object(own)) => own,
        _ => Map::new(),
    };
    if let Some(before) = read::<T>(&fields) {
        let before = own(&before);
        fields.retain(|name, _| !before.contains_key(name));
    }
    fields.extend(own(model));
    fields
}

pub(crate) fn read<T: Model>(fields: &Map<String, Value>) -> Option<T> {
    T::deserialize(fields.clone()).ok()
}
