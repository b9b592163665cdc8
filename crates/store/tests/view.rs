//! The merge of a document's leaves: it is what the simple way comes to, and takes little.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "view/simple.rs"]
mod simple;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use settee_store::{
    Body, Revision,
    body::BODY_LIMIT,
    tree::{Node, RevisionTree},
    view::{self, View, view},
};

/// Adds a revision, and returns its name.
fn add(tree: &mut RevisionTree, closes: &[Revision], body: Option<Body>, name: u8) -> Revision {
    let parent = closes.first().copied();
    let mut merges = closes.get(1..).unwrap_or_default().to_vec();
    merges.sort_unstable();
    merges.dedup();
    let known = body.clone().unwrap_or_else(Body::empty);
    let made = Revision::derive(parent, &merges, false, &known).unwrap();
    let mut hash = made.hash();
    hash[0] = name;
    let revision = Revision::new(made.generation(), hash).unwrap();
    tree.insert(Node {
        revision,
        parent,
        merges,
        deleted: false,
        body,
        seq: 1,
        pending: false,
        own: false,
        kept_for_pending: false,
        spilled: 0,
    });
    revision
}

fn body(value: &Value) -> Body {
    Body::from_serialize(value).unwrap()
}

/// One revision: the earlier ones that it closes, its fields, and whether its body is gone.
type Drawn = (Vec<prop::sample::Index>, Map<String, Value>, bool);

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        (0..3).prop_map(Value::from),
        (0..3).prop_map(|n| json!(f64::from(n) + 0.5)),
        "[ab]{0,2}".prop_map(Value::from),
        Just(json!([{"a": 1}, "]}"])),
    ];
    // Names that are written with escapes, and that RFC 8785 sorts differently than bytes.
    let name = prop_oneof![
        Just("a"),
        Just("b"),
        Just("c"),
        Just(""),
        Just("a\"\\\n"),
        Just("\u{1F600}"),
        Just("\u{FB33}")
    ];
    let value = value.prop_recursive(3, 12, 4, move |inner| {
        let name = prop_oneof![Just("a"), Just("b"), Just("\u{1F600}"), Just("\u{FB33}")];
        prop::collection::btree_map(name, inner, 0..4).prop_map(|fields| json!(fields))
    });
    prop::collection::btree_map(name, value, 0..5).prop_map(|fields| {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    })
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let closes = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    prop::collection::vec((closes, fields(), prop::bool::weighted(0.1)), 1..12)
}

fn grown(drawn: Vec<Drawn>) -> RevisionTree {
    let mut tree = RevisionTree::default();
    let mut names: Vec<Revision> = Vec::new();
    for (number, (closes, fields, is_gone)) in (0..).zip(drawn) {
        let closes: Vec<Revision> = match names.len() {
            0 => Vec::new(),
            // Most revisions close one of the first, so that there are many leaves.
            len => closes.iter().map(|at| names[at.index(len.min(4))]).collect(),
        };
        let body = Body::new(fields).unwrap();
        names.push(add(&mut tree, &closes, (!is_gone).then_some(body), number));
    }
    tree
}

proptest! {
    #[test]
    fn views_are_what_the_simple_way_comes_to(drawn in drawn()) {
        let tree = grown(drawn);
        let found = view(&tree).unwrap();
        let (body, conflicts) = simple::view(&tree);
        prop_assert_eq!(found.body.as_str(), body.as_str());
        prop_assert_eq!(found.conflicts, conflicts);
        prop_assert!(found.is_merged);
    }
}

// ---------------------------------------------------------------------------------------------
// Cost

/// A base of about 1,000,000 bytes, and as many small children as are merged.
fn large_base() -> RevisionTree {
    let mut tree = RevisionTree::default();
    // Values of so many items would take more than what is measured here.
    let items = vec![r#"{"":0}"#; 1_000_000 / r#"{"":0},"#.len()].join(",");
    let text = format!(r#"{{"completed":false,"title":"b","x":[{items}]}}"#);
    let cbor = minicbor::to_vec(minicbor::bytes::ByteVec::from(text.into_bytes())).unwrap();
    let base = add(&mut tree, &[], Some(minicbor::decode(&cbor).unwrap()), 0);
    for n in 1..=16 {
        let child = body(&json!({"completed": n % 2 == 0, "title": format!("n{n}")}));
        add(&mut tree, &[base], Some(child), n);
    }
    tree
}

/// Runs one test of this file in a process that may take this many megabytes of addresses.
fn alone_within(megabytes: usize, test: &str) {
    let program = std::env::current_exe().unwrap();
    let limit = megabytes * 1024;
    let line =
        format!("ulimit -v {limit} && exec \"$0\" --exact {test} --ignored --test-threads 1");
    let shell = std::process::Command::new("sh").args(["-c", &line]).arg(program).output().unwrap();
    let output = String::from_utf8_lossy(&shell.stdout);
    assert!(shell.status.success() && output.contains("1 passed"), "{output}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_large_base_of_many_leaves_takes_little_memory() {
    alone_within(256, "a_large_base_is_viewed");
}

#[test]
#[ignore = "it runs in a process of its own"]
fn a_large_base_is_viewed() {
    let tree = large_base();
    let found = view(&tree).unwrap();
    assert!(found.is_merged);
    assert_eq!(found.conflicts.len(), 1);
    assert_eq!(found.body.fields().keys().collect::<Vec<_>>(), ["completed", "title"]);
}

#[test]
fn the_work_grows_with_the_bytes() {
    let steps = view::steps(&large_base()).unwrap();
    assert!(steps < 2 * BODY_LIMIT, "{steps}");
    // Fields of all kinds, each in some of the leaves and in some of the bases.
    let crossed = |fields: usize| {
        let mut tree = RevisionTree::default();
        let object = |number: u8, skip: u8| {
            let fields = (0..fields).filter(|at| at % usize::from(skip) != 0);
            let field = |at| (format!("f{at:05}"), json!({"a": number, "b": at % 3}));
            body(&Value::Object(fields.map(field).collect()))
        };
        let bases: Vec<Revision> =
            (2..10).map(|n| add(&mut tree, &[], Some(object(0, n)), n)).collect();
        for n in 0..16 {
            let first = usize::from(n % 4);
            add(&mut tree, &bases[first..first + 4], Some(object(n, 2 + n)), 100 + n);
        }
        view::steps(&tree).unwrap()
    };
    let (few, many) = (crossed(50), crossed(500));
    assert!(many < 11 * few, "{few}, {many}");
}

#[test]
fn too_much_work_shows_the_winner_and_says_so() {
    let with = |leaves: u8, bytes: usize| {
        let mut tree = RevisionTree::default();
        for n in 0..leaves {
            let text = json!({"n": n, "text": "x".repeat(bytes)});
            add(&mut tree, &[], Some(body(&text)), n);
        }
        let View { winner, leaves, is_merged, conflicts, body, .. } = view(&tree).unwrap();
        assert!(tree.get(winner).unwrap().body.as_ref() == Some(&body), "the winner is shown");
        (leaves.len(), is_merged, conflicts.len())
    };
    assert_eq!(with(16, BODY_LIMIT / 17), (16, true, 1));
    assert_eq!(with(16, BODY_LIMIT / 15), (16, false, 0));
    assert_eq!(with(2, BODY_LIMIT - 100), (2, true, 1));
}

#[test]
fn paths_that_are_too_long_together_show_the_winner() {
    let with = |fields: usize, length: usize| {
        let mut tree = RevisionTree::default();
        for n in 0..2_u8 {
            let fields = (0..fields).map(|at| (at.to_string(), json!(n)));
            let inner = Value::Object(fields.collect());
            let name = "x".repeat(length);
            add(&mut tree, &[], Some(body(&json!({name: inner, "other": n}))), n);
        }
        let found = view(&tree).unwrap();
        (found.is_merged, found.conflicts.len())
    };
    assert_eq!(with(100, 1000), (true, 101));
    assert_eq!(with(100, 10_000), (false, 0));
    assert_eq!(with(10_000, 1), (false, 0));
}

#[test]
fn a_merged_body_that_is_too_large_is_said_not_to_be_merged() {
    let mut tree = RevisionTree::default();
    let base = add(&mut tree, &[], Some(body(&json!({"a": 1, "b": 1, "c": 0}))), 0);
    let text = "x".repeat(BODY_LIMIT * 2 / 3);
    add(&mut tree, &[base], Some(body(&json!({"a": text, "b": 1, "c": 1}))), 1);
    let last = add(&mut tree, &[base], Some(body(&json!({"a": 1, "b": text, "c": 2}))), 2);
    let found = view(&tree).unwrap();
    assert_eq!((found.is_merged, found.winner, found.conflicts.len()), (false, last, 1));
    assert_eq!(Some(&found.body), tree.get(last).unwrap().body.as_ref());
}
