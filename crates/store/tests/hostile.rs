//! What an editor with ill will can't do to the documents of others.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;

use futures_util::FutureExt;
use serde_json::{Value, json};
use settee_store::{
    Applied, Body, Change, Database, Document, DocumentId, Edit, Kept, Memory, Operation,
    OperationError, Record, Revision,
    forgotten::Forgotten,
    replication::{Known, ReplicatedDocument, ReplicatedRevision},
};

fn id() -> DocumentId {
    DocumentId::new("note/x").unwrap()
}

fn memory(number: u8) -> Database {
    Database::new(Memory::new([number; 16]))
}

fn body(title: &str) -> Body {
    Body::from_serialize(&json!({"title": title})).unwrap()
}

fn record(database: &Database) -> Arc<Record> {
    database.records(vec![id()]).now_or_never().unwrap().unwrap().remove(0).unwrap()
}

fn document(database: &Database) -> Document {
    record(database).document().unwrap()
}

fn titles(database: &Database) -> Vec<Value> {
    let document = document(database);
    let conflict = document.conflicts.iter().find(|conflict| conflict.path == ["title"]);
    match conflict {
        Some(conflict) => conflict.values.iter().filter_map(|it| it.value.clone()).collect(),
        None => document.body.fields().get("title").into_iter().cloned().collect(),
    }
}

fn run(database: &Database, operation: Operation) -> Result<Applied, OperationError> {
    database.commit(vec![operation]).now_or_never().unwrap().unwrap().outcomes[0]
}

fn edit(database: &Database, change: Change) -> Result<Revision, OperationError> {
    let record = database.records(vec![id()]).now_or_never().unwrap().unwrap().remove(0);
    let seen = record.and_then(|record| record.document()).map(|it| it.leaves);
    let edit = Edit { id: id(), seen: seen.unwrap_or_default(), change };
    run(database, Operation::Edit(edit)).map(|applied| applied.revision.unwrap())
}

fn put(database: &Database, title: &str) -> Revision {
    edit(database, Change::Put(body(title))).unwrap()
}

fn delete(database: &Database) -> Revision {
    edit(database, Change::Delete).unwrap()
}

/// A revision with a body, whose name can be checked.
fn honest(parent: Option<Revision>, merges: &[Revision], title: &str) -> ReplicatedRevision {
    verified(parent, merges, false, &body(title))
}

fn verified(
    parent: Option<Revision>,
    merges: &[Revision],
    deleted: bool,
    body: &Body,
) -> ReplicatedRevision {
    let name = Revision::derive(parent, merges, deleted, body).unwrap();
    let json = Some(body.as_str().as_bytes());
    ReplicatedRevision::verified(name, parent, merges.to_vec(), deleted, json).unwrap()
}

/// A revision without a body, whose name can't be checked.
fn bare(name: Revision, parent: Option<Revision>, merges: &[Revision]) -> ReplicatedRevision {
    ReplicatedRevision::verified(name, parent, merges.to_vec(), false, None).unwrap()
}

fn named(generation: u32, hash: u8) -> Revision {
    Revision::new(generation, [hash; 16]).unwrap()
}

/// The names of revisions as they travel.
fn marks(revisions: &[Revision]) -> Forgotten {
    let mut marks: Vec<Vec<u8>> = revisions
        .iter()
        .map(|name| [&name.generation().to_be_bytes()[..], &name.hash()[..8]].concat())
        .collect();
    marks.sort();
    let bytes = marks.concat();
    let cbor = minicbor::to_vec(minicbor::bytes::ByteVec::from(bytes)).unwrap();
    minicbor::decode(&cbor).unwrap()
}

fn push(
    server: &Database,
    revisions: Vec<ReplicatedRevision>,
    forgotten: Forgotten,
) -> Result<Applied, OperationError> {
    let document = ReplicatedDocument::verified(id(), revisions).unwrap();
    let document = ReplicatedDocument { forgotten, ..document };
    run(server, Operation::Replicate { document, acknowledges: false })
}

fn push_plain(
    server: &Database,
    revisions: Vec<ReplicatedRevision>,
) -> Result<Applied, OperationError> {
    push(server, revisions, Forgotten::default())
}

/// Sends what is pending, and takes the acknowledgement.
fn sync_up(from: &Database, server: &Database) {
    while let Some(document) = record(from).outgoing_pending() {
        let revisions = document.told();
        run(server, Operation::Replicate { document, acknowledges: false }).unwrap();
        run(from, Operation::Acknowledge { id: id(), revisions }).unwrap();
    }
}

/// Reads everything that the server has.
fn sync_down(server: &Database, to: &Database) {
    if let Some(document) = record(server).outgoing_since(Known::Unsure, |_| false) {
        run(to, Operation::Replicate { document, acknowledges: true }).unwrap();
    }
}

// ---------------------------------------------------------------------------------------------
// Generations

/// A document whose only leaf has the highest generation, under a parent that never was.
fn at_the_last_generation() -> Database {
    let device = memory(1);
    let last = honest(Some(named(u32::MAX - 1, 7)), &[], "mine for ever");
    let document = ReplicatedDocument::verified(id(), vec![last]).unwrap();
    run(&device, Operation::Replicate { document, acknowledges: true }).unwrap();
    device
}

#[test]
fn a_document_at_the_last_generation_can_be_edited() {
    let device = at_the_last_generation();
    let old = document(&device).winner;
    let made = put(&device, "everybody's");
    let seen = document(&device);
    assert_eq!((seen.winner, &seen.leaves), (made, &vec![made]));
    assert_eq!(titles(&device), [json!("everybody's")]);
    assert_eq!(
        (made.generation(), record(&device).tree.get(made).unwrap().merges.as_slice()),
        (1, &[old][..])
    );
    // Later edits go on from there, and a server takes all of them, whether it knows the last
    // generation or not.
    put(&device, "and again");
    sync_up(&device, &memory(2));
    delete(&device);
    let server = memory(3);
    push_plain(&server, vec![honest(None, &[], "other")]).unwrap();
    sync_up(&device, &server);
    assert!(document(&device).deleted);
}

#[test]
fn a_document_at_the_last_generation_can_be_deleted() {
    let device = at_the_last_generation();
    let gone = delete(&device);
    let seen = document(&device);
    assert_eq!((seen.deleted, seen.leaves), (true, vec![gone]));
}

#[test]
fn an_edit_at_the_last_generation_that_is_refused_is_kept() {
    let device = at_the_last_generation();
    let first = put(&device, "one");
    let second = put(&device, "two");
    let refuse = |revision| {
        let (id, reason) = (id(), "no".to_owned());
        run(&device, Operation::Refuse { id, revisions: vec![revision], reason }).unwrap()
    };
    assert!(refuse(first).changed);
    let seen = document(&device);
    assert_eq!(titles(&device), [json!("mine for ever")]);
    assert_eq!(seen.refused.map(|refused| refused.revision), Some(second));
}

#[test]
fn a_server_refuses_generations_that_no_edit_reaches() {
    let server = memory(1);
    let first = honest(None, &[], "first");
    push_plain(&server, vec![first.clone()]).unwrap();
    let high = honest(Some(named(u32::MAX - 1, 7)), &[], "mine for ever");
    assert_eq!(push_plain(&server, vec![high]), Err(OperationError::Generation));
    // An invented ancestor is no better.
    let above = bare(named(u32::MAX, 1), Some(named(u32::MAX - 1, 1)), &[]);
    let merging = honest(Some(first.revision), &[above.revision], "second");
    assert_eq!(push_plain(&server, vec![above, merging]), Err(OperationError::Generation));
    assert_eq!(document(&server).leaves, [first.revision]);
    // A server that has lost everything takes what honest edits reach.
    let much = honest(Some(named(50_000_000, 7)), &[], "edited ten times a second for two months");
    assert!(push_plain(&memory(2), vec![much]).is_ok());
}

// ---------------------------------------------------------------------------------------------
// Names of forgotten revisions

#[test]
fn a_mark_does_not_hide_the_leaf_of_another() {
    let server = memory(1);
    let victim = honest(None, &[], "theirs");
    push_plain(&server, vec![victim.clone()]).unwrap();
    let mine = honest(None, &[], "mine");
    push(&server, vec![mine.clone()], marks(&[victim.revision])).unwrap();
    assert_eq!(titles(&server).len(), 2, "both are shown");
    // Nor does it with a revision that is known already, or with a high one.
    push(&server, vec![mine.clone()], marks(&[victim.revision])).unwrap();
    let high = honest(Some(named(8, 1)), &[], "high");
    push(&server, vec![high], marks(&[victim.revision, mine.revision])).unwrap();
    assert_eq!(titles(&server).len(), 3);
}

#[test]
fn a_mark_does_not_swallow_an_edit_that_comes_later() {
    let (server, device) = (memory(1), memory(2));
    let first = put(&device, "first");
    sync_up(&device, &server);
    let predicted = honest(Some(first), &[], "what everybody would write");
    let mine = honest(Some(first), &[], "mine");
    push(&server, vec![mine], marks(&[predicted.revision])).unwrap();
    assert_eq!(put(&device, "what everybody would write"), predicted.revision);
    // The device hears of the mark before it can send its edit.
    sync_down(&server, &device);
    assert!(document(&device).pending, "the edit still waits");
    assert_eq!(titles(&device).len(), 2);
    sync_up(&device, &server);
    sync_down(&server, &device);
    for database in [&server, &device] {
        assert_eq!(titles(database).len(), 2, "the edit is part of a conflict");
    }
}

/// The server merges the others without that ancestor, and so must the device, although an edit of its own
/// was made from it.
#[test]
fn a_refused_edit_keeps_no_ancestor_that_the_server_has_forgotten() {
    let (device, server) = (memory(1), memory(2));
    let first = put(&device, "first");
    let own = put(&device, "own");
    sync_up(&device, &server);
    let waiting = put(&device, "waiting");
    let other = honest(Some(first), &[], "other");
    let own = record(&server).tree.get(own).unwrap().clone();
    let own = honest(own.parent, &own.merges, "own");
    let document = ReplicatedDocument::verified(id(), vec![own, other]).unwrap();
    let document = ReplicatedDocument { forgotten: marks(&[first]), ..document };
    run(&device, Operation::Replicate { document, acknowledges: true }).unwrap();
    assert!(record(&device).tree.get(first).is_some(), "an edit that waits was made from it");

    let reason = "not welcome".to_owned();
    run(&device, Operation::Refuse { id: id(), revisions: vec![waiting], reason }).unwrap();
    assert!(record(&device).tree.get(first).is_none());
}

#[test]
fn a_device_keeps_a_pending_edit_that_the_server_says_is_forgotten() {
    let device = memory(1);
    let made = put(&device, "mine");
    let other = honest(None, &[], "theirs");
    let document = ReplicatedDocument::verified(id(), vec![other]).unwrap();
    let document = ReplicatedDocument { forgotten: marks(&[made]), ..document };
    run(&device, Operation::Replicate { document, acknowledges: true }).unwrap();
    assert!(record(&device).tree.get(made).unwrap().pending);
    assert_eq!(titles(&device).len(), 2);
    // The server decides. If it has closed the edit, the edit goes.
    run(&device, Operation::Acknowledge { id: id(), revisions: vec![made] }).unwrap();
    assert_eq!(titles(&device), [json!("theirs")]);
}

#[test]
fn invented_marks_evict_no_true_ones() {
    let server = memory(1);
    let mut last: Option<Revision> = None;
    let mut all = Vec::new();
    for n in 0..120 {
        let next = honest(last, &[], &n.to_string());
        all.push(next.revision);
        last = Some(next.revision);
        push_plain(&server, vec![next]).unwrap();
    }
    assert!(record(&server).tree.forgotten().contains(all[0]));
    let invented: Vec<Revision> = (0..200).map(|n| named(1_000_000 + n, 9)).collect();
    push(&server, vec![honest(None, &[], "mine")], marks(&invented)).unwrap();
    assert!(record(&server).tree.forgotten().contains(all[0]));
    assert!(!record(&server).tree.forgotten().contains(invented[0]));
}

/// A server that was restored from a backup has a document that was deleted since. A device knows
/// that, but has dropped everything except the deletion.
#[test]
fn a_deletion_closes_what_a_restored_server_has_again() {
    let device = memory(1);
    let backup = memory(2);
    let first = put(&device, "first");
    sync_up(&device, &backup);
    put(&device, "second");
    let gone = delete(&device);
    sync_up(&device, &memory(3));
    device.compact().now_or_never().unwrap().unwrap();
    assert!(record(&device).tree.forgotten().contains(first));

    run(&device, Operation::Resend { id: id() }).unwrap();
    // What the server has may arrive before the device has sent anything.
    let late = memory(4);
    sync_down(&backup, &late);
    sync_down(&backup, &device);
    sync_up(&device, &backup);
    sync_down(&backup, &device);
    sync_down(&backup, &late);
    for database in [&backup, &device, &late] {
        let seen = document(database);
        assert_eq!((seen.deleted, seen.leaves), (true, vec![gone]));
    }
}

/// A restored server learns of a deletion first, and later how it descends from what it has.
#[test]
fn what_is_shown_again_is_closed_again() {
    let (device, server) = (memory(1), memory(2));
    let first = put(&device, "first");
    let second = put(&device, "second");
    let gone = delete(&device);
    sync_up(&device, &memory(3));
    device.compact().now_or_never().unwrap().unwrap();
    let deletion = verified(Some(second), &[], true, &Body::empty());
    assert_eq!(deletion.revision, gone);
    push_plain(&server, vec![honest(None, &[], "first")]).unwrap();
    push_plain(&server, vec![deletion.clone()]).unwrap();
    sync_down(&server, &device);
    assert_eq!(document(&device).winner, first, "the server has lost what closed it");
    push_plain(&server, vec![bare(second, Some(first), &[]), deletion]).unwrap();
    sync_down(&server, &device);
    for database in [&server, &device] {
        let seen = document(database);
        assert_eq!((seen.deleted, seen.leaves), (true, vec![gone]));
    }
}

/// A device has forgotten a revision that the server has as a leaf, and nothing says that it was
/// deleted: then both show it.
#[test]
fn what_the_server_has_is_shown_even_if_it_was_forgotten_here() {
    let (device, server) = (memory(1), memory(2));
    let first = put(&device, "first");
    sync_up(&device, &server);
    for n in 0..120 {
        put(&device, &n.to_string());
        sync_up(&device, &memory(3));
    }
    assert!(record(&device).tree.forgotten().contains(first));
    run(&device, Operation::Resend { id: id() }).unwrap();
    sync_down(&server, &device);
    sync_up(&device, &server);
    sync_down(&server, &device);
    let (here, there) = (document(&device), document(&server));
    assert_eq!((&here.leaves, &here.conflicts), (&there.leaves, &there.conflicts));
    assert_eq!(titles(&device), [json!("119"), json!("first")]);
}

/// The same while edits wait for the server, which it then refuses.
#[test]
fn what_the_server_has_is_shown_once_it_has_refused_what_closes_it() {
    let (device, server) = (memory(1), memory(2));
    let first = put(&device, "first");
    sync_up(&device, &server);
    delete(&device);
    sync_up(&device, &memory(3));
    run(&device, Operation::Compact { id: id() }).unwrap();
    run(&device, Operation::Resend { id: id() }).unwrap();
    sync_down(&server, &device);
    assert!(record(&device).tree.forgotten().contains(first));
    let revisions = record(&device).tree.pending();
    run(&device, Operation::Refuse { id: id(), revisions, reason: "no".into() }).unwrap();
    assert_eq!(document(&device).leaves, [first]);
}

#[test]
fn a_deletion_hides_nothing_that_outranks_it() {
    let server = memory(1);
    let mut victim = honest(None, &[], "theirs");
    push_plain(&server, vec![victim.clone()]).unwrap();
    victim = honest(Some(victim.revision), &[], "theirs again");
    push_plain(&server, vec![victim.clone()]).unwrap();
    let gone = verified(None, &[], true, &Body::empty());
    push(&server, vec![gone], marks(&[victim.revision])).unwrap();
    let seen = document(&server);
    assert_eq!((seen.deleted, seen.winner), (false, victim.revision));
    assert_eq!(seen.kept, Some(Kept::DeletedElsewhere));
}

// ---------------------------------------------------------------------------------------------
// Revisions without bodies

#[test]
fn a_forgotten_ancestor_without_a_body_closes_nothing() {
    let server = memory(1);
    let mut last = honest(None, &[], "first");
    let mut all = vec![last.revision];
    push_plain(&server, vec![last.clone()]).unwrap();
    for n in 0..120 {
        last = honest(Some(last.revision), &[], &n.to_string());
        all.push(last.revision);
        push_plain(&server, vec![last.clone()]).unwrap();
    }
    let victim = honest(None, &[], "theirs");
    push_plain(&server, vec![victim.clone()]).unwrap();
    let forgotten = all.iter().rev().find(|name| record(&server).tree.get(**name).is_none());
    let forgotten = *forgotten.unwrap();
    let position = all.iter().position(|name| *name == forgotten).unwrap();
    // Its name is a true one, and a revision of the leaf's history has it as its parent. What it
    // claims to have merged is a lie.
    let twisted = bare(forgotten, Some(all[position - 1]), &[victim.revision]);
    let known = bare(last.revision, Some(all[all.len() - 2]), &[]);
    push_plain(&server, vec![twisted, known, honest(None, &[], "mine")]).unwrap();
    assert_eq!(titles(&server).len(), 3, "all are shown");
}

/// A device with an edit of a document that a server has as deleted: of its history the server knows
/// the end, and has forgotten it. The device sends all that it has.
fn with_an_edit_of_what_was_deleted() -> (Database, Database, ReplicatedRevision) {
    let (device, server) = (memory(1), memory(2));
    let first = put(&device, "first");
    let second = put(&device, "second");
    let third = put(&device, "third");
    sync_up(&device, &memory(3));
    put(&device, "fourth");
    run(&device, Operation::Resend { id: id() }).unwrap();
    let deletion = verified(Some(third), &[], true, &Body::empty());
    let known =
        vec![bare(second, Some(first), &[]), honest(Some(second), &[], "third"), deletion.clone()];
    push_plain(&server, known).unwrap();
    server.compact().now_or_never().unwrap().unwrap();
    let tree = record(&server).tree.clone();
    assert!(tree.forgotten().contains(second) && !tree.forgotten().contains(first));
    (device, server, deletion)
}

#[test]
fn an_edit_is_taken_whose_oldest_ancestors_the_server_never_had() {
    let (device, server, _) = with_an_edit_of_what_was_deleted();
    sync_up(&device, &server);
    assert_eq!(titles(&server), [json!("fourth")]);
}

#[test]
fn a_refused_edit_is_not_hidden_by_an_ancestor_of_what_the_server_has_forgotten() {
    let (device, server, deletion) = with_an_edit_of_what_was_deleted();
    let edit = document(&device).winner;
    let revisions = record(&device).outgoing_pending().unwrap().told();
    sync_down(&server, &device);
    run(&device, Operation::Refuse { id: id(), revisions, reason: "no".into() }).unwrap();
    assert!(!record(&device).tree.is_pending(), "there is nothing to send");
    assert_eq!(document(&device).leaves, [deletion.revision]);
    assert_eq!(record(&device).refused.as_ref().map(|refused| refused.revision), Some(edit));
}

#[test]
fn true_contents_replace_invented_ones() {
    let (server, device) = (memory(1), memory(2));
    let first = put(&device, "first");
    sync_up(&device, &server);
    let predicted = honest(Some(first), &[], "what everybody would write");
    let lie = bare(predicted.revision, Some(named(1, 9)), &[]);
    let mine = honest(Some(predicted.revision), &[], "mine");
    push_plain(&server, vec![lie, mine.clone()]).unwrap();
    assert_eq!(put(&device, "what everybody would write"), predicted.revision);
    sync_down(&server, &device);
    let truth = |database: &Database| record(database).tree.get(predicted.revision).unwrap().parent;
    assert_eq!(truth(&device), Some(first));
    sync_up(&device, &server);
    assert_eq!(truth(&server), Some(first));
    sync_down(&server, &device);
    for database in [&server, &device] {
        assert_eq!(document(database).leaves, [mine.revision]);
    }
}

/// Somebody has told the server what isn't true of a revision that the author hasn't sent yet, and the
/// server has told it to a bystander.
#[test]
fn a_bystander_who_was_told_a_lie_is_told_the_truth() {
    let (server, author, bystander) = (memory(1), memory(2), memory(3));
    let first = put(&author, "first");
    sync_up(&author, &server);
    let predicted = honest(Some(first), &[], "what everybody would write");
    let lie = bare(predicted.revision, Some(named(1, 9)), &[]);
    let mine = honest(Some(predicted.revision), &[], "mine");
    push_plain(&server, vec![lie, mine]).unwrap();
    sync_down(&server, &bystander);
    assert_eq!(put(&author, "what everybody would write"), predicted.revision);
    sync_up(&author, &server);
    // The truth may come without the contents, which nobody needs any more.
    sync_down(&server, &bystander);
    let told = record(&bystander).tree.get(predicted.revision).unwrap().clone();
    assert_eq!((told.parent, told.body), (Some(first), None));
}

#[test]
fn a_bystander_who_repeats_a_lie_is_not_refused() {
    let (server, author, bystander) = (memory(1), memory(2), memory(3));
    let first = put(&author, "first");
    sync_up(&author, &server);
    let predicted = honest(Some(first), &[], "what everybody would write");
    let lie = bare(predicted.revision, Some(named(1, 9)), &[]);
    let mine = honest(Some(predicted.revision), &[], "mine");
    push_plain(&server, vec![lie, mine]).unwrap();
    sync_down(&server, &bystander);
    put(&author, "what everybody would write");
    sync_up(&author, &server);
    // The bystander believes that the server has lost something, and sends all that it has.
    let made = put(&bystander, "everybody's");
    run(&bystander, Operation::Resend { id: id() }).unwrap();
    sync_up(&bystander, &server);
    assert_eq!(document(&server).winner, made);
    let known = record(&server).tree.get(predicted.revision).unwrap().clone();
    assert_eq!(known.parent, Some(first), "the server knows better");
}

/// A deletion closes a branch, and the server forgets it. Then somebody goes on from there.
#[test]
fn devices_merge_over_what_the_server_has_not_forgotten() {
    let (server, device) = (memory(1), memory(2));
    let root = honest(None, &[], "root");
    let hidden = honest(Some(root.revision), &[], "hidden");
    let leaf = honest(Some(hidden.revision), &[], "leaf");
    let done = Body::from_serialize(&json!({"done": true, "title": "root"})).unwrap();
    let other = verified(Some(root.revision), &[], false, &done);
    let another = honest(Some(root.revision), &[], "another");
    push_plain(&server, vec![root, hidden.clone(), leaf.clone(), other, another]).unwrap();
    sync_down(&server, &device);
    let gone = verified(Some(named(8, 1)), &[], true, &Body::empty());
    push(&server, vec![gone], marks(&[leaf.revision])).unwrap();
    assert!(record(&server).tree.get(hidden.revision).is_none());
    push_plain(&server, vec![honest(Some(hidden.revision), &[], "goes on")]).unwrap();
    sync_down(&server, &device);
    let (here, there) = (document(&device), document(&server));
    assert_eq!((&here.body, &here.conflicts), (&there.body, &there.conflicts));
}

/// A deletion closes what two edits are based on, and an editor has predicted both. Their author sends one
/// of them with that base.
#[test]
fn a_server_merges_over_a_forgotten_base_as_its_sender_does() {
    let (server, author, reader) = (memory(1), memory(2), memory(3));
    let fields = |done, title| {
        Body::from_serialize(&json!({"done": done, "title": title})).expect("it is an object")
    };
    let first = edit(&author, Change::Put(fields(false, "tea"))).unwrap();
    sync_up(&author, &server);
    let gone = verified(Some(named(8, 1)), &[], true, &Body::empty());
    push(&server, vec![gone], marks(&[first])).unwrap();
    let done = verified(Some(first), &[], false, &fields(true, "tea"));
    let renamed = verified(Some(first), &[], false, &fields(false, "cocoa"));
    push_plain(&server, vec![done.clone(), renamed]).unwrap();
    assert_eq!(document(&server).conflicts.len(), 2, "without their base all differs");

    let made = edit(&author, Change::Put(fields(true, "tea"))).unwrap();
    assert_eq!(made, done.revision);
    sync_up(&author, &server);
    for device in [&author, &reader] {
        sync_down(&server, device);
    }
    for database in [&server, &author, &reader] {
        let shown = document(database);
        assert_eq!((shown.body, shown.conflicts), (fields(true, "cocoa"), Vec::new()));
    }
}

#[test]
fn a_replayed_message_changes_nothing() {
    let (server, device) = (memory(1), memory(2));
    let mut messages = Vec::new();
    for n in 0..150 {
        put(&device, &n.to_string());
        let message = record(&device).outgoing_pending().unwrap();
        messages.push(message);
        sync_up(&device, &server);
    }
    let before = document(&server);
    for document in messages {
        run(&server, Operation::Replicate { document, acknowledges: false }).unwrap();
    }
    let after = document(&server);
    assert_eq!((&after.leaves, &after.conflicts), (&before.leaves, &before.conflicts));
}
