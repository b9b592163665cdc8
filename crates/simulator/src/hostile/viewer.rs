//! What a hostile viewer writes, which must never be on the server.

use serde_json::{Map, json};
use settee_store::{Body, DocumentId};

use super::{
    forgery::{Forged, Forgery},
    heard::Heard,
};
use crate::random::Random;

/// An edit of a document, a deletion, or a new document.
pub fn write(random: &mut Random, heard: &Heard) -> Forged {
    let known = heard.document(random).filter(|_| !random.one_in(4));
    let new = || DocumentId::new("shared-0").expect("the id is short");
    let id = known.unwrap_or_else(new);
    let leaves: Vec<_> = heard.leaves(&id).iter().map(|leaf| leaf.revision).collect();
    let parent = random.pick(&leaves).copied();
    let mut fields = Map::new();
    // Nobody else writes this, so it can be recognised.
    fields.insert("title".into(), json!(format!("hostile viewer {}", random.draw())));
    let mut forgery = Forgery::of(id);
    forgery.make(parent, Vec::new(), Body::new(fields).ok());
    for leaf in leaves {
        forgery.mark(leaf);
    }
    forgery.done()
}
