//! Histories made from bytes. They are consistent, but otherwise as odd as can be.

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

/// Bits of the first byte of a node. The lowest three choose the body.
const IS_FORGED: u8 = 1 << 3;
const IS_DELETED: u8 = 1 << 4;
const IS_PENDING: u8 = 1 << 5;
const IS_OWN: u8 = 1 << 6;
const IS_BODILESS: u8 = 1 << 7;
/// A bit of the second byte. The lowest two are the number of merges.
const HAS_PARENT: u8 = 1 << 2;

/// Nodes in order of appearance, each name once.
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
    let (choice, closes) = (input.byte(), input.byte());
    let mut other = || {
        let at = input.byte();
        // Some others never appear, or appear later and may descend from this one.
        let told = before.len().checked_sub(1 + usize::from(at)).map(|at| before[at].revision);
        told.unwrap_or_else(|| forged(at))
    };
    let parent = (closes & HAS_PARENT != 0).then(&mut other);
    let mut merges: Vec<Revision> = (0..closes & 3).map(|_| other()).collect();
    merges.sort_unstable();
    merges.dedup();
    let deleted = choice & IS_DELETED != 0;
    let body = BODIES[usize::from(choice & 7)];
    let body = Body::from_canonical(body.as_bytes()).expect("these are canonical");
    let derived = Revision::derive(parent, &merges, deleted, &body).ok();
    let honest = derived.filter(|_| choice & IS_FORGED == 0);
    let revision = honest.unwrap_or_else(|| forged(input.byte()));
    // A forged name has no body, because a body would show that the name is wrong.
    let body = (honest.is_some() && choice & IS_BODILESS == 0).then_some(body);
    let pending = choice & IS_PENDING != 0;
    Node {
        revision,
        parent,
        merges,
        deleted,
        body,
        seq: 1,
        pending,
        own: choice & IS_OWN != 0,
        kept_for_pending: false,
        spilled: 0,
    }
}

/// A name that doesn't follow from any content.
pub fn forged(choice: u8) -> Revision {
    let generation = match choice >> 4 {
        15 => u32::MAX,
        generation => u32::from(generation) + 1,
    };
    Revision::new(generation, [choice << 4; 16]).expect("generations begin at 1")
}
