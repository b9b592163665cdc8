//! A todo as a row of a reactive collection.

use serde::{Deserialize, Serialize};
use settee::leptos::{Model, position};
use settee_todo::Todo;
use settee_todo::document::TODO_PREFIX;
use settee_todo::validate::POSITION_LIMIT;

// The server accepts every position that the app makes.
const _: () = assert!(position::LENGTH_LIMIT <= POSITION_LIMIT);

/// A newtype, because neither the crate of [`Todo`] nor the bridge knows the other.
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
