//! What the server accepts as a document of a list. Fields that it doesn't know are allowed:
//! a newer app may have written them.

use serde_json::{Map, Value};
use settee_store::replication::{ReplicatedDocument, ReplicatedRevision};
use thiserror::Error;

use crate::{
    document::{LIST_INFO, TODO_PREFIX},
    limits::{NAME_LIMIT, PERSON_LIMIT, TITLE_LIMIT, fits},
    places::{self, ASK_PREFIX, PLACES_LIMIT, PLACES_PREFIX},
};

/// What helpers may change of others' todos.
pub const HELPERS_FIELDS: &[&str] = &["completed", "ticked"];
/// Fields that nobody is asked about when several have changed them at once: the next edit settles them.
pub const UNASKED_FIELDS: &[&str] = &["position", "ticked", "edited"];
/// Longest id of a document about another, in bytes.
const NAMED_LIMIT: usize = 128;
/// Longest position, in characters.
pub const POSITION_LIMIT: usize = 512;

/// Why a document isn't accepted in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Invalid {
    #[error("a list holds no documents of this kind")]
    Kind,
    #[error("the field “{0}” is missing, or not what it should be")]
    Field(&'static str),
    #[error("the name of this document is too long, or not what it should be")]
    Name,
    #[error("the field “{0}” has more than {1} characters")]
    TooLong(&'static str, usize),
}

/// Checks every body that travels with the document.
pub fn validate(document: &ReplicatedDocument) -> Result<(), Invalid> {
    let check = match document.id.as_str() {
        id if id.starts_with(TODO_PREFIX) => todo,
        LIST_INFO => list_info,
        id if [PLACES_PREFIX, ASK_PREFIX].iter().any(|it| id.starts_with(it)) && !is_short(id) => {
            return Err(Invalid::Name);
        }
        id if id.starts_with(PLACES_PREFIX) => places,
        id if places::asked_about(id).is_some() => ask,
        _ => return Err(Invalid::Kind),
    };
    document.revisions.iter().filter(|revision| !revision.deleted).try_for_each(|revision| {
        let ReplicatedRevision { body: Some(body), .. } = revision else { return Ok(()) };
        check(&body.fields())
    })
}

fn todo(fields: &Map<String, Value>) -> Result<(), Invalid> {
    text(fields, "title", TITLE_LIMIT)?;
    if !fields.get("completed").is_some_and(Value::is_boolean) {
        return Err(Invalid::Field("completed"));
    }
    if fields.contains_key("position") {
        text(fields, "position", POSITION_LIMIT)?;
    }
    let names = ["by", "ticked", "edited"].into_iter().filter(|name| fields.contains_key(*name));
    names.into_iter().try_for_each(|name| text(fields, name, PERSON_LIMIT))
}

fn list_info(fields: &Map<String, Value>) -> Result<(), Invalid> {
    text(fields, "name", NAME_LIMIT)
}

/// Whether an id is as the app makes them. Clerks write it into their documents.
fn is_short(id: &str) -> bool {
    id.len() <= NAMED_LIMIT && id.chars().all(|letter| letter.is_ascii_graphic())
}

fn places(fields: &Map<String, Value>) -> Result<(), Invalid> {
    let places = fields.get("places").and_then(Value::as_u64);
    let is_possible = places.is_some_and(|places| places <= PLACES_LIMIT.into());
    is_possible.then_some(()).ok_or(Invalid::Field("places"))
}

fn ask(fields: &Map<String, Value>) -> Result<(), Invalid> {
    text(fields, "who", PERSON_LIMIT)
}

fn text(fields: &Map<String, Value>, name: &'static str, limit: usize) -> Result<(), Invalid> {
    match fields.get(name).and_then(Value::as_str) {
        None => Err(Invalid::Field(name)),
        Some(text) if !fits(text, limit) => Err(Invalid::TooLong(name, limit)),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use settee_store::{Body, DocumentId, Revision};

    fn check(id: &str, body: &Value) -> Result<(), Invalid> {
        let body = Body::from_serialize(body).unwrap();
        let revision = Revision::derive(None, &[], false, &body).unwrap();
        let json = Some(body.as_str().as_bytes());
        let revision =
            ReplicatedRevision::verified(revision, None, Vec::new(), false, json).unwrap();
        let id = DocumentId::new(id).unwrap();
        validate(&ReplicatedDocument::verified(id, vec![revision]).unwrap())
    }

    #[test]
    fn documents_have_a_shape() {
        let tea = json!({"title": "tea", "completed": false, "position": "a0", "new": [1]});
        assert_eq!(check("todo/1", &tea), Ok(()));
        assert_eq!(check("list", &json!({"name": "House"})), Ok(()));
        assert_eq!(check("places/1", &json!({"places": 3})), Ok(()));
        assert_eq!(check("places/1", &json!({"places": 100})), Err(Invalid::Field("places")));
        assert_eq!(check("ask/a/1", &json!({"who": "Anna"})), Ok(()));
        assert_eq!(check("ask/a/1", &json!({})), Err(Invalid::Field("who")));
        let long = format!("ask/a/{}", "x".repeat(200));
        assert_eq!(check(&long, &json!({"who": "Anna"})), Err(Invalid::Name));
        assert_eq!(check("ask/1", &json!({"who": "Anna"})), Err(Invalid::Kind));
        assert_eq!(check("access/1", &json!({})), Err(Invalid::Kind));
        assert_eq!(check("todo/1", &json!({"completed": true})), Err(Invalid::Field("title")));
        let odd = json!({"title": "tea", "completed": 1});
        assert_eq!(check("todo/1", &odd), Err(Invalid::Field("completed")));
        let long = json!({"title": "x".repeat(TITLE_LIMIT + 1), "completed": false});
        assert_eq!(check("todo/1", &long), Err(Invalid::TooLong("title", TITLE_LIMIT)));
        let emoji = json!({"title": "🛋".repeat(TITLE_LIMIT), "completed": false});
        assert_eq!(check("todo/1", &emoji), Ok(()));
        assert_eq!(check("list", &json!({"name": "🛋".repeat(NAME_LIMIT)})), Ok(()));
        let long = json!({"name": "🛋".repeat(NAME_LIMIT + 1)});
        assert_eq!(check("list", &long), Err(Invalid::TooLong("name", NAME_LIMIT)));
        for name in ["by", "ticked", "edited"] {
            let who = |who: Value| {
                let mut tea = tea.clone();
                tea[name] = who;
                check("todo/1", &tea)
            };
            assert_eq!(who(json!("Anna")), Ok(()));
            assert_eq!(who(json!(["Anna"])), Err(Invalid::Field(name)));
            assert_eq!(who(json!("🛋".repeat(PERSON_LIMIT))), Ok(()));
            let long = json!("a".repeat(PERSON_LIMIT + 1));
            assert_eq!(who(long), Err(Invalid::TooLong(name, PERSON_LIMIT)));
        }
    }
}
