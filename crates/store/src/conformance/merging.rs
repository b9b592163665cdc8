//! Documents that were edited on two replicas.

use serde_json::{Value, json};

use super::{
    Applied, carry, delete, document, done, fields, id, named, outcome, put, replica, travelling,
    written,
};
use crate::{
    database::Database,
    history::{Missing, OpenRevisions},
    operation::{Operation, OperationError},
    record::{Document, Kept},
    revision::Revision,
};

named![
    edits_of_different_fields_are_merged,
    edits_of_one_field_are_an_open_conflict,
    an_edit_closes_only_what_its_editor_has_seen,
    a_delete_closes_every_leaf_that_was_seen,
    an_edit_survives_a_concurrent_delete,
    a_kept_document_is_marked_until_somebody_resolves_it,
    an_edit_in_another_tab_survives_a_delete_that_it_has_not_seen,
    open_conflicts_are_resolved_as_chosen,
    missing_revisions_are_listed,
    open_revisions_have_their_history,
    replication_is_idempotent,
    a_known_revision_with_other_contents_is_refused,
    the_same_edit_on_two_replicas_is_one_revision,
    an_edit_of_a_forgotten_body_hides_nothing,
    a_body_that_arrives_later_is_used_for_merging,
];

/// A document that both replicas have and then edit independently.
async fn edited_apart(
    here: &Database,
    there: &Database,
    ours: Value,
    theirs: Value,
) -> [Revision; 2] {
    let first = json!({"title": "tea", "done": false});
    let first = written(here, put("a", &[], first)).await;
    carry(here, "a", there).await;
    [
        written(here, put("a", &[first], ours)).await,
        written(there, put("a", &[first], theirs)).await,
    ]
}

async fn edits_of_different_fields_are_merged(here: Database) {
    let there = replica();
    let ours = json!({"title": "green tea", "done": false});
    edited_apart(&here, &there, ours, json!({"title": "tea", "done": true})).await;
    carry(&here, "a", &there).await;
    carry(&there, "a", &here).await;
    for database in [&here, &there] {
        assert_eq!(fields(database, "a").await, json!({"title": "green tea", "done": true}));
        let document = document(database, "a").await;
        assert_eq!((document.leaves.len(), document.conflicts.len()), (2, 0));
    }
}

async fn edits_of_one_field_are_an_open_conflict(here: Database) {
    let there = replica();
    let (ours, theirs) = (json!({"title": "mine"}), json!({"title": "theirs", "done": true}));
    edited_apart(&here, &there, ours, theirs).await;
    carry(&there, "a", &here).await;
    carry(&here, "a", &there).await;
    let (one, other) = (document(&here, "a").await, document(&there, "a").await);
    assert_eq!((&one.body, &one.leaves), (&other.body, &other.leaves));
    assert_eq!(one.conflicts, other.conflicts, "both show the same");
    let paths: Vec<_> = one.conflicts.iter().map(|conflict| conflict.path.join("/")).collect();
    // One edit removed `done`, and the other one set it.
    assert_eq!(paths, ["done", "title"]);

    let resolved = json!({"title": "ours", "done": true});
    let resolution = written(&here, put("a", &one.leaves, resolved.clone())).await;
    carry(&here, "a", &there).await;
    let document = document(&there, "a").await;
    assert_eq!((document.leaves, document.conflicts.len()), (vec![resolution], 0));
    assert_eq!(fields(&there, "a").await, resolved);
}

async fn an_edit_closes_only_what_its_editor_has_seen(here: Database) {
    let there = replica();
    let ours = json!({"title": "tea", "done": true});
    let [mine, theirs] =
        edited_apart(&here, &there, ours, json!({"title": "cocoa", "done": false})).await;
    carry(&there, "a", &here).await;
    // The editor hasn't seen the revision from the other replica.
    let last = json!({"title": "tea", "done": true, "n": 1});
    let last = written(&here, put("a", &[mine], last)).await;
    let document = document(&here, "a").await;
    assert_eq!(document.leaves.len(), 2);
    assert!(document.leaves.contains(&last) && document.leaves.contains(&theirs));
    let merged = json!({"title": "cocoa", "done": true, "n": 1});
    assert_eq!(fields(&here, "a").await, merged);
}

async fn a_delete_closes_every_leaf_that_was_seen(here: Database) {
    let there = replica();
    edited_apart(&here, &there, json!({"title": "mine"}), json!({"title": "theirs"})).await;
    carry(&there, "a", &here).await;
    let seen = document(&here, "a").await.leaves;
    assert_eq!(seen.len(), 2);
    let gone = written(&here, delete("a", &seen)).await;
    carry(&here, "a", &there).await;
    for database in [&here, &there] {
        let document = document(database, "a").await;
        assert_eq!((document.deleted, document.leaves), (true, vec![gone]));
    }
}

async fn an_edit_survives_a_concurrent_delete(here: Database) {
    let there = replica();
    let theirs = json!({"title": "tea", "done": true});
    let first = written(&here, put("a", &[], json!({"title": "tea", "done": false}))).await;
    carry(&here, "a", &there).await;
    written(&here, delete("a", &[first])).await;
    let kept = written(&there, put("a", &[first], theirs.clone())).await;
    carry(&there, "a", &here).await;
    carry(&here, "a", &there).await;
    for database in [&here, &there] {
        let document = document(database, "a").await;
        assert_eq!((document.winner, document.deleted), (kept, false));
        assert_eq!(fields(database, "a").await, theirs);
    }
}

async fn a_kept_document_is_marked_until_somebody_resolves_it(here: Database) {
    let there = replica();
    let first = written(&here, put("a", &[], json!({"title": "tea"}))).await;
    carry(&here, "a", &there).await;
    let gone = written(&here, delete("a", &[first])).await;
    let kept = written(&there, put("a", &[first], json!({"title": "cocoa"}))).await;
    carry(&there, "a", &here).await;
    carry(&here, "a", &there).await;
    let (ours, theirs) = (document(&here, "a").await, document(&there, "a").await);
    assert_eq!((ours.kept, theirs.kept), (Some(Kept::DeletedHere), Some(Kept::DeletedElsewhere)));
    assert_eq!((&ours.leaves, &theirs.leaves), (&vec![kept, gone], &vec![kept, gone]));
    assert_eq!((ours.own_leaves, &theirs.own_leaves), (vec![gone], &vec![kept]));

    let keep = theirs.resolved(|conflict| conflict.values[0].value.clone()).expect("it is small");
    let settled = written(&there, keep).await;
    carry(&there, "a", &here).await;
    let ours = document(&here, "a").await;
    assert_eq!((ours.kept, ours.leaves), (None, vec![settled]));
    assert_eq!(fields(&here, "a").await, json!({"title": "cocoa"}));
}

async fn an_edit_in_another_tab_survives_a_delete_that_it_has_not_seen(database: Database) {
    let first = written(&database, put("a", &[], json!({"n": 1}))).await;
    let gone = written(&database, delete("a", &[first])).await;
    let kept = written(&database, put("a", &[first], json!({"n": 2}))).await;
    let document = document(&database, "a").await;
    assert_eq!((document.leaves, document.kept), (vec![kept, gone], Some(Kept::DeletedHere)));
    written(&database, delete("a", &[kept, gone])).await;
    assert!(super::document(&database, "a").await.deleted);
}

async fn open_conflicts_are_resolved_as_chosen(here: Database) {
    let there = replica();
    let (ours, theirs) = (
        json!({"title": "mine", "at": {"x": 1}, "n": 1}),
        json!({"title": "theirs", "at": {"x": 2}}),
    );
    edited_apart(&here, &there, ours, theirs).await;
    carry(&there, "a", &here).await;
    let seen = document(&here, "a").await;
    assert_eq!(seen.own_leaves.len(), 1);
    let edit = seen.resolved(|conflict| {
        let is_own = |leaf| seen.own_leaves.contains(leaf);
        let mine = conflict.values.iter().find(|value| value.leaves.iter().any(is_own));
        match conflict.path[0].as_str() {
            "title" => Some(json!("both")),
            _ => mine.and_then(|mine| mine.value.clone()),
        }
    });
    written(&here, edit.expect("it is small")).await;
    carry(&here, "a", &there).await;
    let settled = document(&there, "a").await;
    assert_eq!((settled.leaves.len(), settled.conflicts.len()), (1, 0));
    assert_eq!(fields(&there, "a").await, json!({"title": "both", "at": {"x": 1}, "n": 1}));
}

async fn missing_revisions_are_listed(database: Database) {
    let first = written(&database, put("a", &[], json!({"n": 1}))).await;
    let second = written(&database, put("a", &[first], json!({"n": 2}))).await;
    let unknown = |generation| Revision::new(generation, [9; 16]).expect("a revision");
    let asked = vec![
        (id("a"), vec![first, second, unknown(3), unknown(1)]),
        (id("a"), vec![second]),
        (id("b"), vec![unknown(1)]),
    ];
    let told = database.missing_revisions(asked).await.expect("they are looked up");
    let none = Vec::new;
    assert_eq!(
        told,
        [
            Missing { missing: vec![unknown(3), unknown(1)], possible_ancestors: vec![second] },
            Missing::default(),
            Missing { missing: vec![unknown(1)], possible_ancestors: none() },
        ]
    );
}

async fn open_revisions_have_their_history(here: Database) {
    let there = replica();
    let [ours, theirs] = edited_apart(&here, &there, json!({"n": 1}), json!({"n": 2})).await;
    carry(&there, "a", &here).await;
    let leaves = document(&here, "a").await.leaves;
    let all = here.open_revisions(&id("a"), &OpenRevisions::All).await.expect("they are read");
    let names: Vec<_> = all.iter().flatten().map(|open| open.revision).collect();
    assert_eq!((names, leaves.len()), (leaves, 2));
    assert!(all.iter().flatten().all(|open| open.history.len() == 2 && open.body.is_some()));

    let unknown = Revision::new(7, [9; 16]).expect("a revision");
    let both = OpenRevisions::These(vec![theirs, unknown, ours]);
    let looked_up = here.open_revisions(&id("a"), &both).await.expect("they are read");
    let names: Vec<_> = looked_up
        .iter()
        .map(|found| found.as_ref().map(|open| open.revision).map_err(|r| *r))
        .collect();
    assert_eq!(names, [Ok(theirs), Err(unknown), Ok(ours)]);
    let none = here.open_revisions(&id("b"), &OpenRevisions::All).await.expect("they are read");
    assert_eq!(none, []);
}

async fn replication_is_idempotent(here: Database) {
    let there = replica();
    edited_apart(&here, &there, json!({"title": "mine"}), json!({"title": "theirs"})).await;
    let whole = || async {
        let mut document = travelling(&there, "a").await;
        let records = there.records(vec![id("a")]).await.expect("records");
        for revision in &mut document.revisions {
            let node = records[0].as_ref().and_then(|record| record.tree.get(revision.revision));
            revision.body = node.and_then(|node| node.body.clone());
        }
        Operation::Replicate { document, acknowledges: false }
    };
    assert!(done(&here, vec![whole().await]).await[0].changed);
    let (seq, before) = (here.seq(), document(&here, "a").await);
    let again = done(&here, vec![whole().await]).await[0];
    assert_eq!(again, Applied { revision: None, seq, changed: false, is_contested: true });
    carry(&here, "a", &there).await;
    assert!(!done(&here, vec![whole().await]).await[0].changed, "it has its own revisions already");

    // A revision that another replica sends without a body may be announced to it again. That
    // changes only the `seq`.
    carry(&there, "a", &here).await;
    let after = document(&here, "a").await;
    assert_eq!(Document { seq: before.seq, ..after }, before);
}

async fn a_known_revision_with_other_contents_is_refused(here: Database) {
    let there = replica();
    written(&there, put("a", &[], json!({"title": "tea"}))).await;
    written(&there, put("b", &[], json!({}))).await;
    carry(&there, "a", &here).await;
    let mut document = travelling(&there, "a").await;
    document.revisions[0].deleted = true;
    let forged = Operation::Replicate { document, acknowledges: false };
    let document = travelling(&there, "b").await;
    let honest = Operation::Replicate { document, acknowledges: false };
    let commit = here.commit(vec![forged, honest]).await.expect("the commit succeeds");
    assert_eq!(commit.outcomes[0], Err(OperationError::Differs));
    assert!(commit.outcomes[1].is_ok_and(|applied| applied.changed));
    assert_eq!(fields(&here, "a").await, json!({"title": "tea"}));
}

async fn the_same_edit_on_two_replicas_is_one_revision(here: Database) {
    let there = replica();
    let same = json!({"title": "tea", "done": true});
    let [ours, theirs] = edited_apart(&here, &there, same.clone(), same.clone()).await;
    assert_eq!(ours, theirs);
    assert!(!carry(&there, "a", &here).await.changed);
    let delete = outcome(&here, delete("a", &[ours])).await;
    assert!(delete.is_ok());
    assert_eq!(done(&here, Vec::new()).await, []);
}

async fn an_edit_of_a_forgotten_body_hides_nothing(database: Database) {
    let first = written(&database, put("a", &[], json!({"title": "tea"}))).await;
    let mut last = first;
    for title in ["coffee", "cocoa", "water"] {
        last = written(&database, put("a", &[last], json!({"title": title}))).await;
        let acknowledge = Operation::Acknowledge { id: id("a"), revisions: vec![last] };
        done(&database, vec![acknowledge]).await;
    }
    // Without the first revision's body it isn't known which fields the editor has changed.
    let late = json!({"title": "tea", "done": true});
    written(&database, put("a", &[first], late)).await;
    let document = document(&database, "a").await;
    assert_eq!((document.winner, document.leaves.len()), (last, 2));
    let open: Vec<_> = document.conflicts.iter().map(|conflict| conflict.path.join("/")).collect();
    assert_eq!(open, ["done", "title"]);
}

async fn a_body_that_arrives_later_is_used_for_merging(here: Database) {
    let (one, other) = (replica(), replica());
    let replicate = |document| Operation::Replicate { document, acknowledges: false };
    let first = json!({"title": "tea", "done": false});
    let first = written(&one, put("a", &[], first)).await;
    let base = travelling(&one, "a").await;
    carry(&one, "a", &other).await;
    let (ours, theirs) =
        (json!({"title": "green tea", "done": false}), json!({"title": "tea", "done": true}));
    written(&one, put("a", &[first], ours)).await;
    written(&other, put("a", &[first], theirs)).await;
    for database in [&one, &other] {
        let document = travelling(database, "a").await;
        assert!(document.revisions[0].body.is_none(), "only the leaf is sent with its body");
        done(&here, vec![replicate(document)]).await;
    }
    assert_eq!(document(&here, "a").await.conflicts.len(), 2);
    assert!(done(&here, vec![replicate(base.clone())]).await[0].changed);
    assert_eq!(fields(&here, "a").await, json!({"title": "green tea", "done": true}));
    assert!(!done(&here, vec![replicate(base)]).await[0].changed);
}
