//! What a type has to be, to be kept in a collection.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A document's body as a type. Fields that the type doesn't know stay in the document.
pub trait Model: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The ids of the documents begin with this.
    const PREFIX: &'static str;
    /// Rows are sorted by this, and then by id.
    type Order: Ord + Clone + Send + Sync + 'static;

    fn order(&self) -> Self::Order;
}

/// The fields of a document with the model's own set to its values.
pub(crate) fn overlaid<T: Model>(model: &T, fields: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = fields.clone();
    if let Ok(Value::Object(own)) = serde_json::to_value(model) {
        fields.extend(own);
    }
    fields
}

pub(crate) fn read<T: Model>(fields: &Map<String, Value>) -> Option<T> {
    T::deserialize(Value::Object(fields.clone())).ok()
}
