//! Resolving a document's open conflicts.

use serde_json::{Map, Value};

use crate::{
    body::{Body, BodyError},
    operation::{Change, Edit},
    record::Document,
    view::OpenConflict,
};

impl Document {
    /// An edit that resolves every open conflict and closes all leaves of this view.
    ///
    /// `choose` is called with each conflict and returns the field's new value: one of the
    /// [values](OpenConflict::values), or any other; `None` removes the field. Without conflicts
    /// the edit repeats the document's body, which resolves that it was [deleted
    /// elsewhere](Document::kept) in favour of keeping it.
    ///
    /// Fails if the chosen fields exceed the limits of a body.
    ///
    /// ```
    /// # use settee_store::Document;
    /// /// Chooses for each field the value that was written in this profile.
    /// fn keep_mine(document: &Document) -> Option<settee_store::Edit> {
    ///     let resolution = document.resolved(|conflict| {
    ///         let is_own = |leaf| document.own_leaves.contains(leaf);
    ///         let mine = conflict.values.iter().find(|value| value.leaves.iter().any(is_own));
    ///         mine.unwrap_or(&conflict.values[0]).value.clone()
    ///     });
    ///     resolution.ok()
    /// }
    /// ```
    pub fn resolved(
        &self,
        choose: impl Fn(&OpenConflict) -> Option<Value>,
    ) -> Result<Edit, BodyError> {
        let mut fields = self.body.fields();
        for conflict in &self.conflicts {
            set(&mut fields, &conflict.path, choose(conflict));
        }
        let change = Change::Put(Body::new(fields)?);
        Ok(Edit { id: self.id.clone(), seen: self.leaves.clone(), change })
    }
}

/// Sets a field, or removes it with `None`. Missing objects on the path are created.
fn set(fields: &mut Map<String, Value>, path: &[String], value: Option<Value>) {
    match (path, value) {
        ([], _) => {}
        ([name], Some(value)) => drop(fields.insert(name.clone(), value)),
        ([name], None) => drop(fields.remove(name)),
        ([name, rest @ ..], value) => {
            let within = fields.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(within) = within {
                set(within, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_set_at_its_path() {
        let check = |path: &[&str], value: Option<Value>, expected: Value| {
            let Value::Object(mut fields) = json!({"a": 1, "o": {"b": 1, "c": 2}}) else { return };
            let path: Vec<String> = path.iter().map(ToString::to_string).collect();
            set(&mut fields, &path, value);
            assert_eq!(Value::Object(fields), expected);
        };
        check(&["a"], Some(json!(2)), json!({"a": 2, "o": {"b": 1, "c": 2}}));
        check(&["a"], None, json!({"o": {"b": 1, "c": 2}}));
        check(&["o", "b"], Some(json!([])), json!({"a": 1, "o": {"b": [], "c": 2}}));
        check(&["o", "b"], None, json!({"a": 1, "o": {"c": 2}}));
        check(&["p", "q"], Some(json!(1)), json!({"a": 1, "o": {"b": 1, "c": 2}, "p": {"q": 1}}));
    }
}
