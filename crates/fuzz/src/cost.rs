//! What the view of a document costs.

use serde_json::{Map, Value};
use settee_store::{
    Body,
    tree::{Node, RevisionTree},
    view::{MERGE_LIMIT, steps, view},
};

use crate::{history, input::Input};

/// How often the fields of a body are repeated in the smaller tree and in the larger one.
const COPIES: [usize; 2] = [8, 64];

/// Interprets the bytes as revisions, and views them with few fields and with many. The work has to
/// grow with the fields, and not faster, however the revisions are entangled.
pub fn cost(data: &[u8]) {
    let nodes = history::nodes(&mut Input(data));
    let [few, many] = COPIES.map(|copies| grown(&nodes, copies));
    let (Some(of_few), Some(of_many)) = (steps(&few), steps(&many)) else {
        assert_eq!(steps(&few).is_some(), steps(&many).is_some(), "neither tree is too large");
        return;
    };
    // Names of later copies have a digit more.
    let most = 2 * of_few * COPIES[1] / COPIES[0];
    assert!(of_many <= most, "{of_few} steps for few fields, {of_many} for many");
    let bytes: usize =
        many.nodes().iter().filter_map(|node| node.body.as_ref()).map(|it| it.as_str().len()).sum();
    let leaves = many.leaves().len().min(MERGE_LIMIT);
    assert!(of_many <= (leaves + 2).pow(2) * bytes.max(64), "{of_many} steps for {bytes} bytes");
    assert!(view(&many).is_some_and(|seen| seen.is_merged), "it is small enough to be merged");
}

/// A tree of these revisions, with each body repeated under several names.
fn grown(nodes: &[Node], copies: usize) -> RevisionTree {
    let mut tree = RevisionTree::default();
    for node in nodes {
        let body = node.body.as_ref().map(|body| {
            let fields = Value::Object(body.fields());
            let named = (0..copies).map(|at| (at.to_string(), fields.clone()));
            Body::new(named.collect::<Map<_, _>>()).expect("small bodies stay small")
        });
        tree.insert(Node { body, ..node.clone() });
    }
    tree
}
