//! Revision trees, and what is read of them.

use settee_store::{
    DocumentId, Operation, Record,
    replication::Known,
    tree::{Insertion, Node, RevisionTree},
    view::{View, view},
};

use crate::{history, input::Input, place::Only};

/// Interprets the bytes as revisions, and as a way to shuffle them.
pub fn tree(data: &[u8]) {
    let mut input = Input(data);
    let (skip, turn) = (usize::from(input.byte()), usize::from(input.byte()));
    let nodes = history::nodes(&mut input);
    let tree = grown(&nodes);

    let mut shuffled = nodes.clone();
    shuffled.reverse();
    if !shuffled.is_empty() {
        let turn = turn % shuffled.len();
        shuffled.rotate_left(turn);
    }
    let (one, other) = shuffled.split_at(skip % (shuffled.len() + 1));
    let again: Vec<Node> = other.iter().chain(one).chain(other).cloned().collect();
    let same = grown(&again);
    assert_eq!(tree, same, "the order in which revisions come makes no difference");
    differing_is_refused(&tree);

    let bytes = minicbor::to_vec(&tree).expect("writing to memory doesn't fail");
    assert_eq!(minicbor::decode(&bytes).ok().as_ref(), Some(&tree), "what is written is read");

    let seen = view(&tree);
    let leaves = tree.leaves();
    if let Some(first) = leaves.first() {
        assert_eq!(tree.winner(), Some(*first));
        assert_eq!(seen.as_ref().map(|seen| seen.winner), Some(first.revision));
    }
    tidying(&tree, seen.as_ref());
    compacting(&tree);
    let known = [Known::Nothing, Known::Unsure, Known::Until(0)];
    travelling(tree, seen.as_ref(), known[skip % known.len()]);
}

fn grown(nodes: &[Node]) -> RevisionTree {
    let mut tree = RevisionTree::default();
    for node in nodes {
        let before = tree.get(node.revision).is_some();
        let insertion = tree.insert(node.clone());
        assert_eq!(insertion, if before { Insertion::Known } else { Insertion::New });
    }
    tree
}

fn differing_is_refused(tree: &RevisionTree) {
    if let Some(first) = tree.nodes().first() {
        let mut changed = tree.clone();
        let node = Node { deleted: !first.deleted, ..first.clone() };
        assert_eq!(changed.insert(node), Insertion::Differs);
        assert_eq!(changed, *tree, "what differs changes nothing");
    }
}

fn tidying(tree: &RevisionTree, seen: Option<&View>) {
    let mut tidy = tree.clone();
    tidy.tidy();
    let (before, after) = (tree.leaves(), tidy.leaves());
    assert_eq!(before, after, "tidying takes no leaf, and nothing of one");
    assert_eq!(tree.pending(), tidy.pending(), "what waits for the server goes on waiting");
    assert_eq!(seen, view(&tidy).as_ref(), "tidying changes nothing of what is read");
    let mut again = tidy.clone();
    again.tidy();
    assert_eq!(tidy, again, "what is tidy stays as it is");
}

/// Only deleted leaves become stubs. A replica that still has revisions which a stub has closed drops
/// them when it learns of the stub.
fn compacting(tree: &RevisionTree) {
    let mut stub = tree.clone();
    let forgotten = stub.compact();
    assert_eq!(stub.leaves(), tree.leaves(), "compaction takes no leaf");
    assert_eq!(forgotten, tree.nodes().len() - stub.nodes().len());
    let bytes = minicbor::to_vec(&stub).expect("writing to memory doesn't fail");
    assert_eq!(minicbor::decode(&bytes).ok().as_ref(), Some(&stub), "what is written is read");
    let mut other = tree.clone();
    other.learn_forgotten(stub.forgotten(), &[]);
    other.tidy();
    let names = |tree: &RevisionTree| -> Vec<_> {
        tree.leaves().iter().map(|leaf| leaf.revision).collect()
    };
    assert_eq!(names(&other), names(&stub), "both have the same leaves");
}

/// A replica that has nothing and is sent everything reads the same.
fn travelling(tree: RevisionTree, seen: Option<&View>, known: Known) {
    let id = DocumentId::new("id").expect("that is an id");
    let record = Record { tree, seq: 1, ..Record::new(id.clone()) };
    let Some(sent) = record.outgoing_since(known, |_| false) else {
        return;
    };
    assert!(sent.weight() > 0 && !sent.revisions.is_empty());
    let leaves = record.tree.leaves();
    if leaves.is_empty() || leaves.iter().any(|leaf| leaf.body.is_none()) {
        // No replica accepts such a tree.
        return;
    }
    assert!(sent.forgotten.is_empty(), "nothing is forgotten so far");
    assert!(sent.told().iter().all(|told| leaves.iter().any(|leaf| leaf.revision == *told)));
    let replicate = Operation::Replicate { document: sent, acknowledges: true };
    let done = Only(None).after(vec![replicate], 0);
    assert!(done.outcomes[0].is_ok(), "who knows nothing takes what is told");
    let arrived = done.records.first().and_then(|record| view(&record.tree));
    assert_eq!(arrived.as_ref(), seen, "both read the same");
}
