//! A story of two replicas, step by step.
//!
//! An interrupted step is run again, and then does what it would have done the first time: it
//! starts from the databases and the user's screen, and the same edit of the same revisions makes
//! the same revision.

use std::{cell::RefCell, collections::HashMap};

use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use settee_store::{
    BackendError, Body, Change, Database, DocumentId, Edit, Memory, Operation, OperationError,
    Revision,
    replication::{Known, ReplicatedDocument},
};

pub struct World {
    pub client: Memory,
    pub server: Memory,
    /// What the user has last seen of each document.
    screen: RefCell<HashMap<String, Vec<Revision>>>,
    /// The first step that isn't complete.
    next: RefCell<usize>,
}

type Outcome = Result<(), BackendError>;
type Step = for<'a> fn(&'a World) -> LocalBoxFuture<'a, Outcome>;

const STEPS: &[Step] = &[
    |world| {
        let first = json!({"title": "tea", "done": false});
        let new = ["a", "b", "c"].map(|id| world.put(id, first.clone()));
        Box::pin(world.edit(new.to_vec()))
    },
    |world| Box::pin(world.set_local("place", Some("a"))),
    |world| Box::pin(world.look()),
    |world| Box::pin(world.push("a")),
    |world| Box::pin(world.push("b")),
    |world| Box::pin(world.push("c")),
    |world| Box::pin(world.somebody_else_edits("a")),
    // Several edits that are based on the same screen.
    |world| Box::pin(world.edit(vec![world.put("a", json!({"title": "cocoa", "done": true}))])),
    |world| {
        let title = world.put("b", json!({"title": "juice", "done": false}));
        let done = world.put("b", json!({"title": "tea", "done": true}));
        Box::pin(world.edit(vec![title, done]))
    },
    |world| Box::pin(world.pull()),
    |world| Box::pin(world.edit(vec![world.delete("c")])),
    |world| Box::pin(world.push("a")),
    |world| Box::pin(world.push("c")),
    |world| Box::pin(world.look()),
    |world| Box::pin(world.edit(vec![world.put("a", json!({"title": "both", "done": true}))])),
    |world| Box::pin(world.edit(vec![world.put("d", json!({"title": ""}))])),
    |world| Box::pin(world.edit(vec![world.put("e", json!({"title": ""}))])),
    |world| Box::pin(world.refuse(&["b", "d", "e"])),
    |world| Box::pin(world.discard("d")),
    |world| Box::pin(world.push("a")),
    |world| Box::pin(world.pull()),
    |world| Box::pin(world.set_local("place", None)),
    |world| Box::pin(world.set_local("checkpoint", Some("here"))),
];

impl World {
    pub fn new() -> Self {
        Self {
            client: Memory::new([1; 16]),
            server: Memory::new([2; 16]),
            screen: RefCell::default(),
            next: RefCell::default(),
        }
    }

    /// Continues the story where it was interrupted.
    pub async fn go_on(&self) -> Outcome {
        loop {
            let at = *self.next.borrow();
            let Some(step) = STEPS.get(at) else { return Ok(()) };
            step(self).await?;
            *self.next.borrow_mut() = at + 1;
        }
    }

    pub fn client(&self) -> Database {
        Database::new(self.client.clone())
    }

    pub fn server(&self) -> Database {
        Database::new(self.server.clone())
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers pass literals")]
    fn put(&self, text: &str, value: Value) -> Edit {
        let body = Body::from_serialize(&value).unwrap();
        let seen = self.screen.borrow().get(text).cloned().unwrap_or_default();
        Edit { id: id(text), seen, change: Change::Put(body) }
    }

    fn delete(&self, text: &str) -> Edit {
        Edit { change: Change::Delete, ..self.put(text, json!({})) }
    }

    async fn edit(&self, edits: Vec<Edit>) -> Outcome {
        for outcome in self.client().write(edits).await? {
            // These errors say that an interrupted attempt has done the edit already.
            let is_done =
                matches!(outcome, Ok(_) | Err(OperationError::Exists | OperationError::NotFound));
            assert!(is_done, "{outcome:?}");
        }
        Ok(())
    }

    async fn set_local(&self, key: &str, value: Option<&str>) -> Outcome {
        self.client().set_local(key, value.map(|value| value.as_bytes().to_vec())).await
    }

    async fn look(&self) -> Outcome {
        let mut screen = HashMap::new();
        for record in self.client().changes(0, usize::MAX).await? {
            if let Some(document) = record.document() {
                screen.insert(document.id.to_string(), document.leaves);
            }
        }
        self.screen.replace(screen);
        Ok(())
    }

    /// Sends a document's pending revisions, and commits the acknowledgement.
    async fn push(&self, text: &str) -> Outcome {
        let records = self.client().records(vec![id(text)]).await?;
        let outgoing = records.into_iter().flatten().find_map(|record| record.outgoing_pending());
        let Some(outgoing) = outgoing else { return Ok(()) };
        let revisions = outgoing.told();
        replicate(&self.server(), outgoing, false).await?;
        commit(&self.client(), vec![Operation::Acknowledge { id: id(text), revisions }]).await
    }

    async fn pull(&self) -> Outcome {
        let lacking = self.server().changes(0, usize::MAX).await?;
        let lacking = lacking.iter().filter_map(|r| r.outgoing_since(Known::Unsure, |_| false));
        let operations =
            lacking.map(|document| Operation::Replicate { document, acknowledges: true });
        commit(&self.client(), operations.collect()).await
    }

    /// Another client edits the document, and sends the edit to the server. It creates the document
    /// itself: the same edit on two replicas makes the same revision.
    async fn somebody_else_edits(&self, text: &str) -> Outcome {
        let other = Database::new(Memory::new([3; 16]));
        let mut seen = Vec::new();
        for title in ["tea", "coffee"] {
            let edit = Edit { seen, ..self.put(text, json!({"title": title, "done": false})) };
            seen = other.write(vec![edit]).await?[0].unwrap().revision.into_iter().collect();
        }
        let pending = other.pending(1).await?;
        replicate(&self.server(), pending[0].outgoing_pending().unwrap(), false).await
    }

    /// The server refuses all pending revisions of these documents.
    async fn refuse(&self, texts: &[&str]) -> Outcome {
        let mut operations = Vec::new();
        for record in self.client().pending(usize::MAX).await? {
            if texts.contains(&record.id.as_str()) {
                let (id, reason) = (record.id.clone(), "no".to_owned());
                operations.push(Operation::Refuse { id, revisions: record.tree.pending(), reason });
            }
        }
        commit(&self.client(), operations).await
    }

    async fn discard(&self, text: &str) -> Outcome {
        let found = self.client().records(vec![id(text)]).await;
        let record = found.ok().into_iter().flatten().flatten().next();
        let refused = record.and_then(|record| record.refused.clone());
        let Some(refused) = refused else { return commit(&self.client(), Vec::new()).await };
        let discard = Operation::Discard { id: id(text), revision: refused.revision };
        commit(&self.client(), vec![discard]).await
    }
}

fn id(text: &str) -> DocumentId {
    DocumentId::new(text).unwrap()
}

async fn replicate(to: &Database, document: ReplicatedDocument, acknowledges: bool) -> Outcome {
    commit(to, vec![Operation::Replicate { document, acknowledges }]).await
}

async fn commit(database: &Database, operations: Vec<Operation>) -> Outcome {
    let outcomes = database.commit(operations).await?.outcomes;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    Ok(())
}
