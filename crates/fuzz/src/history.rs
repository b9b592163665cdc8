//! Histories made of bytes: they hang together, but otherwise are as odd as can be.

use settee_store::{Body, Revision, tree::Node};

use crate::input::Input;

/// Fields that agree, differ, nest, and are of different kinds.
const BODIES: &[&str] = &[
    "{}",
    r#"{"a":1}"#,
    r#"{"a":2}"#,
    r#"{"a":1,"b":1}"#,
    r#"{"b":{"c":1,"d":[]}}"#,
    r#"{"b":{"c":2,"d":[1]}}"#,
    r#"{"a":{"b":{"c":null}}}"#,
    r#"{"a":null,"b":{"d":[2]}}"#,
];

/// Which of two bytes' bits says what of a node. The lowest three choose the body.
const IS_FORGED: u8 = 1 << 3;
const IS_DELETED: u8 = 1 << 4;
const IS_PENDING: u8 = 1 << 5;
const IS_OWN: u8 = 1 << 6;
const IS_BODILESS: u8 = 1 << 7;
/// Of the second byte: the lowest two bits say how many others are merged.
const HAS_PARENT: u8 = 1 << 2;

/// Nodes in the order in which they are told. No two that differ have the same name.
pub fn nodes(input: &mut Input<'_>) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    while !input.is_empty() {
        let node = node(input, &nodes);
        if !nodes.iter().any(|known| known.revision == node.revision) {
            nodes.push(node);
        }
    }
    nodes
}

fn node(input: &mut Input<'_>, before: &[Node]) -> Node {
    let (says, closes) = (input.byte(), input.byte());
    let mut other = || {
        let at = input.byte();
        // Some never come, or come later, and so may descend from this one.
        let told = before.len().checked_sub(1 + usize::from(at)).map(|at| before[at].revision);
        told.unwrap_or_else(|| forged(at))
    };
    let parent = (closes & HAS_PARENT != 0).then(&mut other);
    let mut merges: Vec<Revision> = (0..closes & 3).map(|_| other()).collect();
    merges.sort_unstable();
    merges.dedup();
    let deleted = says & IS_DELETED != 0;
    let body = BODIES[usize::from(says & 7)];
    let body = Body::from_canonical(body.as_bytes()).expect("these are canonical");
    let derived = Revision::derive(parent, &merges, deleted, &body).ok();
    let honest = derived.filter(|_| says & IS_FORGED == 0);
    let revision = honest.unwrap_or_else(|| forged(input.byte()));
    // What a name without its body says can't be checked, so only such a one can be forged.
    let body = (honest.is_some() && says & IS_BODILESS == 0).then_some(body);
    let pending = says & IS_PENDING != 0;
    Node {
        revision,
        parent,
        merges,
        deleted,
        body,
        seq: 1,
        pending,
        own: says & IS_OWN != 0,
        kept_for_pending: false,
    }
}

/// A name that nothing has been checked of.
pub fn forged(choice: u8) -> Revision {
    let generation = match choice >> 4 {
        15 => u32::MAX,
        generation => u32::from(generation) + 1,
    };
    Revision::new(generation, [choice << 4; 16]).expect("generations begin at 1")
}
