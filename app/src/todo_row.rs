//! The app's document as a row of a reactive collection.

use serde::{Deserialize, Serialize};
use settee_leptos::Model;
use settee_todo::Todo;
use settee_todo::document::TODO_PREFIX;

/// A type of its own, for neither the document's crate nor the bridge may know the other.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TodoRow(pub Todo);

impl Model for TodoRow {
    const PREFIX: &'static str = TODO_PREFIX;
    type Order = String;

    fn order(&self) -> String {
        self.0.position.clone()
    }
}
