//! What a type has to be, to be kept in a collection.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use settee_store::{Body, DocumentId};

/// A document's body as a type. Fields that the type doesn't know stay in the document.
///
/// It has to serialise to a JSON object whose names don't begin with an underscore; a document that
/// can't be deserialised is [unreadable](crate::Collection::unreadable).
pub trait Model: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The ids of the documents begin with this. `""` where other things tell which they are.
    const PREFIX: &'static str;
    /// Rows are sorted by this, and then by id.
    type Order: Ord + Clone + Send + Sync + 'static;

    /// The row's place among the others. The same value has to give the same place.
    fn order(&self) -> Self::Order;

    /// Whether a document with an id of that prefix is one of this model's. Where a field says so,
    /// the model has to write that field too. A document that belongs no more leaves the
    /// collection.
    fn belongs(id: &DocumentId, fields: &Map<String, Value>) -> bool {
        let _ = (id, fields);
        true
    }
}

/// The fields of a document with the model's own set to its values. Those that the model leaves out
/// now, and had before, go.
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
    T::deserialize(Value::Object(fields.clone())).ok()
}
