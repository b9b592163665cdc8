//! Records, as they are read from a disk that may be damaged.

use std::sync::Arc;

use minicbor::{Decoder, Encode};
use settee_store::{
    Body, Change, DocumentId, Edit, Operation, Record, Refused, Revision, replication::Known,
    tree::Node, view::view,
};

use crate::{history, input::Input, place::Only};

/// The encoding of a record, without any checks.
#[derive(Encode)]
#[cbor(map)]
struct Damaged {
    #[n(0)]
    id: DocumentId,
    #[n(1)]
    seq: u64,
    #[n(2)]
    nodes: Vec<Node>,
    #[n(3)]
    refused: Option<Refused>,
}

/// Interprets the bytes as a record and operations on it. After a zero byte the record is encoded;
/// otherwise it is made from choices.
pub fn record(data: &[u8]) {
    match data.split_first() {
        Some((0, bytes)) => {
            let mut decoder = Decoder::new(bytes);
            if let Ok(record) = decoder.decode::<Record>() {
                check(record, Input(&bytes[decoder.position()..]));
            }
        }
        Some((length, bytes)) => {
            // Only a few revisions. More inputs find more than longer ones.
            let (choices, rest) = bytes.split_at(usize::from(length % 64).min(bytes.len()));
            let bytes = damaged(&mut Input(choices));
            if let Ok(record) = minicbor::decode::<Record>(&bytes) {
                check(record, Input(rest));
            }
        }
        None => {}
    }
}

fn damaged(input: &mut Input<'_>) -> Vec<u8> {
    let choice = input.byte();
    let mut nodes = history::nodes(input);
    if choice & 1 == 0 {
        nodes.sort_by_key(|node| node.revision);
    }
    let refused = (choice & 2 != 0).then(|| Refused {
        revision: history::forged(choice),
        deleted: choice & 4 != 0,
        body: (choice & 8 != 0).then(Body::empty),
        reason: String::new(),
        based_on: nodes.iter().rev().take(usize::from(choice >> 6)).map(|n| n.revision).collect(),
    });
    let seq = if choice & 16 == 0 { 1 } else { 1 << 40 };
    let id = DocumentId::new("id").expect("that is an id");
    let damaged = Damaged { id, seq, nodes, refused };
    minicbor::to_vec(damaged).expect("writing to memory doesn't fail")
}

fn check(record: Record, mut input: Input<'_>) {
    round_trip(&record);
    read(&record);
    let seq = record.seq;
    let mut record = Arc::new(record);
    for _ in 0..4 {
        if input.is_empty() {
            break;
        }
        let operation = operation(&record, &mut input);
        let done = Only(Some(record.clone())).after(vec![operation], seq);
        assert_eq!(done.outcomes.len(), 1);
        if let Some(changed) = done.records.into_iter().next() {
            record = changed;
        }
    }
    round_trip(&record);
    read(&record);
}

fn round_trip(record: &Record) {
    let bytes = record.encode();
    let again = minicbor::decode::<Record>(&bytes);
    assert_eq!(again.as_ref().ok(), Some(record), "what is written is read");
}

/// Calls everything that only reads.
fn read(record: &Record) {
    let tree = &record.tree;
    let document = record.document();
    assert_eq!(document.as_ref().map(|document| document.winner), view(tree).map(|it| it.winner));
    if let Some(document) = &document {
        assert_eq!(tree.winner().map(|node| node.revision), Some(document.winner));
        assert!(document.leaves.iter().all(|leaf| tree.get(*leaf).is_some()));
    }
    for node in tree.nodes() {
        assert_eq!(tree.get(node.revision), Some(node), "whatever there is can be found");
        tree.own_tip(node.revision);
    }
    for known in [Known::Nothing, Known::Unsure, Known::Until(record.seq / 2)] {
        record.outgoing_since(known, |_| false);
    }
    if let Some(outgoing) = record.outgoing_pending() {
        outgoing.told();
    }
}

fn operation(record: &Record, input: &mut Input<'_>) -> Operation {
    let id = record.id.clone();
    let choice = input.byte();
    let names: Vec<Revision> = record.tree.nodes().iter().map(|node| node.revision).collect();
    let mut some = |most: u8| -> Vec<Revision> {
        (0..=(choice >> 4) % most).filter_map(|_| input.pick(&names)).collect()
    };
    match choice % 8 {
        kind @ 0..=2 => {
            let seen = match kind {
                0 => record.document().map_or_else(Vec::new, |document| document.leaves),
                1 => some(3),
                _ => Vec::new(),
            };
            let body = Body::from_canonical(br#"{"a":3,"b":{"c":1}}"#).expect("that is canonical");
            let change = if choice & 8 == 0 { Change::Put(body) } else { Change::Delete };
            Operation::Edit(Edit { id, seen, change })
        }
        3 => {
            let known = if choice & 16 == 0 { Known::Unsure } else { Known::Nothing };
            let outgoing = record.outgoing_since(known, |_| false);
            let Some(mut document) = outgoing else { return Operation::Compact { id } };
            if choice & 32 != 0 {
                for revision in &mut document.revisions {
                    revision.body = None;
                }
            }
            if choice & 8 == 0 {
                Operation::Replicate { document, acknowledges: false }
            } else {
                Operation::from_server(document, choice & 64 != 0)
            }
        }
        4 => Operation::Acknowledge { id, revisions: some(4) },
        5 => Operation::Refuse { id, revisions: some(4), reason: "no".to_owned() },
        6 => match some(1).pop() {
            Some(revision) => Operation::Discard { id, revision },
            None => Operation::Resend { id },
        },
        _ if choice & 8 == 0 => Operation::Resend { id },
        _ if choice & 16 == 0 => Operation::HandOut { id },
        _ => Operation::Compact { id },
    }
}
