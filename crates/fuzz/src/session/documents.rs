//! What is written: few documents and few bodies, so that the same is often written again.

use settee_store::{Body, DocumentId, replication::ReplicatedDocument};

const IDS: &[&str] = &["a", "b", "c", "d"];
const BODIES: &[&str] = &[
    "{}",
    r#"{"a":1}"#,
    r#"{"a":2}"#,
    r#"{"a":1,"b":1}"#,
    r#"{"b":{"c":1,"d":[]}}"#,
    r#"{"b":{"c":2,"d":[1]}}"#,
    UNWELCOME,
    LONG,
];
/// The server refuses documents with this body.
const UNWELCOME: &str = r#"{"a":3,"no":true}"#;
/// A batch has no room for two of these.
const LONG: &str = r#"{"text":"It is a truth universally acknowledged that a frame in want of a reader must be in possession of a good length."}"#;

pub fn id(choice: u8) -> DocumentId {
    let id = IDS[usize::from(choice) % IDS.len()];
    DocumentId::new(id).expect("these are ids")
}

pub fn body(choice: u8) -> Body {
    let body = BODIES[usize::from(choice) % BODIES.len()];
    Body::from_canonical(body.as_bytes()).expect("these are canonical")
}

pub fn is_welcome(document: &ReplicatedDocument) -> bool {
    let mut bodies = document.revisions.iter().filter_map(|revision| revision.body.as_ref());
    bodies.all(|body| body.as_str() != UNWELCOME)
}
