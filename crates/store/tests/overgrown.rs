//! The limits of a document on a server: what one replica can send, all others must be able to
//! receive.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use futures_util::FutureExt;
use serde_json::json;
use settee_store::{
    Applied, Body, Database, DocumentId, Memory, Operation, OperationError, Revision,
    body::BODY_LIMIT,
    replication::{Known, ReplicatedDocument, ReplicatedRevision},
    view::MERGE_LIMIT,
};

struct Server {
    database: Database,
    id: DocumentId,
}

impl Server {
    fn new() -> Self {
        let database = Database::new(Memory::new([1; 16]));
        Self { database, id: DocumentId::new("note/1").unwrap() }
    }

    fn replicate(
        &self,
        parent: Option<Revision>,
        merges: &[Revision],
        text: &str,
    ) -> (Revision, Result<Applied, OperationError>) {
        self.replicate_any(parent, merges, false, text)
    }

    fn replicate_any(
        &self,
        parent: Option<Revision>,
        merges: &[Revision],
        deleted: bool,
        text: &str,
    ) -> (Revision, Result<Applied, OperationError>) {
        let body = Body::from_serialize(&json!({"title": text})).unwrap();
        let name = Revision::derive(parent, merges, deleted, &body).unwrap();
        let json = Some(body.as_str().as_bytes());
        let revision =
            ReplicatedRevision::verified(name, parent, merges.to_vec(), deleted, json).unwrap();
        let operation = Operation::Replicate {
            document: ReplicatedDocument::verified(self.id.clone(), vec![revision]).unwrap(),
            acknowledges: false,
        };
        let commit = self.database.commit(vec![operation]).now_or_never().unwrap().unwrap();
        (name, commit.outcomes[0])
    }

    /// The document as it is sent to a replica that has nothing.
    fn sent(&self) -> ReplicatedDocument {
        let records = self.database.changes(0, 1).now_or_never().unwrap().unwrap();
        records[0].outgoing_since(Known::Nothing, |_| false).unwrap()
    }

    /// The approximate size of the document on the wire.
    fn weight(&self) -> usize {
        self.sent().weight()
    }
}

#[test]
fn branches_have_a_limit_and_merging_makes_room() {
    let server = Server::new();
    let mut names = Vec::new();
    for n in 0..MERGE_LIMIT {
        let (name, outcome) = server.replicate(None, &[], &n.to_string());
        assert!(outcome.is_ok());
        names.push(name);
    }
    let (_, outcome) = server.replicate(None, &[], "one more");
    assert_eq!(outcome, Err(OperationError::Overgrown));

    names.sort_unstable();
    let parent = names.pop();
    assert!(server.replicate(parent, &names, "merged").1.is_ok());
    assert!(server.replicate(None, &[], "one more").1.is_ok());
}

#[test]
fn deleted_branches_have_a_limit() {
    let server = Server::new();
    assert!(server.replicate(None, &[], "alive").1.is_ok());
    let refused =
        (0..200).find_map(|n| server.replicate_any(None, &[], true, &n.to_string()).1.err());
    assert_eq!(refused, Some(OperationError::Overgrown));
    let sent = server.sent();
    assert!(ReplicatedDocument::verified(sent.id, sent.revisions).is_ok());
}

#[test]
fn large_branches_have_a_limit_together() {
    let server = Server::new();
    let (first, outcome) = server.replicate(None, &[], &"a".repeat(BODY_LIMIT / 2));
    assert!(outcome.is_ok());
    assert_eq!(
        server.replicate(None, &[], &"b".repeat(BODY_LIMIT / 2)).1,
        Err(OperationError::Overgrown)
    );
    // An edit replaces the revision that it is based on.
    assert!(server.replicate(Some(first), &[], &"c".repeat(BODY_LIMIT / 2)).1.is_ok());
}

#[test]
fn a_base_is_sent_only_if_it_fits() {
    let server = Server::new();
    let (base, outcome) = server.replicate(None, &[], &"a".repeat(BODY_LIMIT - 100));
    assert!(outcome.is_ok());
    assert!(server.replicate(Some(base), &[], &"b".repeat(BODY_LIMIT / 3)).1.is_ok());
    assert!(server.replicate(Some(base), &[], &"c".repeat(BODY_LIMIT / 3)).1.is_ok());
    assert!(server.weight() < BODY_LIMIT);
}
