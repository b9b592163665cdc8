//! Bad input is answered by a typed error, and leaves the database as it was.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;

use serde_json::{Map, Value, json};
use settee_store::{
    BackendError, Body, Change, Counts, Database, DocumentId, Edit, Memory, Operation,
    OperationError, Record, Revision,
    body::{BODY_LIMIT, BodyError},
    document_id::{ID_LIMIT, IdError},
    operation::COMMIT_LIMIT,
    replication::{ReplicatedDocument, ReplicatedRevision, ReplicationError},
    revision::{GENERATION_LIMIT, RevisionError},
    tree::HISTORY_LIMIT,
    view::MERGE_LIMIT,
};

// ---------------------------------------------------------------------------------------------
// How input is refused

/// All types of errors that input can be refused with.
#[derive(Debug, PartialEq)]
enum Refusal {
    Id(IdError),
    Body(BodyError),
    Revision(RevisionError),
    Replication(ReplicationError),
    Operation(OperationError),
    Backend(BackendError),
    /// Bytes that can't be decoded: minicbor's error, which can't be compared.
    Unreadable,
}

macro_rules! refused_as {
    ($($error:ty => $refusal:ident),* $(,)?) => {
        $(impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::$refusal(error)
            }
        })*
    };
}
refused_as! {
    IdError => Id,
    BodyError => Body,
    RevisionError => Revision,
    ReplicationError => Replication,
    OperationError => Operation,
    BackendError => Backend,
}

impl From<minicbor::decode::Error> for Refusal {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Unreadable
    }
}

/// The operations of a case, or the error that building them fails with.
type Attempt = Result<Vec<Operation>, Refusal>;
/// A name that says what is wrong, the attempt, and the error.
type CaseOf<E> = (&'static str, fn() -> Attempt, E);
type Case = CaseOf<Refusal>;

// ---------------------------------------------------------------------------------------------
// Good input, which the cases spoil

fn id(text: &str) -> DocumentId {
    DocumentId::new(text).unwrap()
}

fn body(value: &Value) -> Body {
    Body::from_serialize(value).unwrap()
}

fn edit(id: DocumentId, seen: Vec<Revision>, body: Body) -> Vec<Operation> {
    vec![Operation::Edit(Edit { id, seen, change: Change::Put(body) })]
}

fn edit_with(body: Result<Body, BodyError>) -> Attempt {
    Ok(edit(id("new"), Vec::new(), body?))
}

fn edit_of(id: Result<DocumentId, IdError>) -> Attempt {
    Ok(edit(id?, Vec::new(), body(&json!({}))))
}

fn edit_on(revision: Revision) -> Vec<Operation> {
    edit(id("a"), vec![revision], body(&json!({"n": 2})))
}

fn replicate(text: &str, revisions: Vec<ReplicatedRevision>) -> Attempt {
    let document = ReplicatedDocument::verified(id(text), revisions)?;
    Ok(vec![Operation::Replicate { document, acknowledges: false }])
}

/// A received revision with this body, under its right name.
fn replicated(parent: Option<Revision>, value: &Value) -> ReplicatedRevision {
    let body = body(value);
    let name = Revision::derive(parent, &[], false, &body).unwrap();
    let json = Some(body.as_str().as_bytes());
    ReplicatedRevision::verified(name, parent, Vec::new(), false, json).unwrap()
}

/// A revision without a body, of which only the generation can be checked.
fn named(generation: u32, hash: u8) -> Revision {
    Revision::new(generation, [hash; 16]).unwrap()
}

fn many(count: usize) -> Vec<ReplicatedRevision> {
    (0..count).map(|n| replicated(None, &json!({ "n": n }))).collect()
}

/// A revision of the last generation that edits make.
fn last() -> ReplicatedRevision {
    replicated(Some(named(GENERATION_LIMIT - 1, 1)), &json!({"n": "last"}))
}

/// A body of this size.
fn long(bytes: usize) -> Result<Body, BodyError> {
    let frame = r#"{"text":""}"#.len();
    Body::from_serialize(&json!({"text": "x".repeat(bytes - frame)}))
}

/// Objects or arrays nested this deep, including the outermost object.
fn nested(depth: usize, wrap: fn(Value) -> Value) -> Map<String, Value> {
    let inner = (2..depth).fold(wrap(json!(1)), |inner, _| wrap(inner));
    Map::from_iter([("in".to_owned(), inner)])
}

// ---------------------------------------------------------------------------------------------
// The cases

fn cases() -> Vec<Case> {
    [ids(), bodies(), revisions(), edits(), replication(), insertion()]
        .into_iter()
        .flatten()
        .collect()
}

fn ids() -> Vec<Case> {
    use Refusal::{Id, Unreadable};
    vec![
        ("an empty id", || edit_of(DocumentId::new("")), Id(IdError::Empty)),
        (
            "an id that is one byte too long",
            || edit_of(DocumentId::new(&"x".repeat(ID_LIMIT + 1))),
            Id(IdError::TooLong),
        ),
        (
            "an id that is too long in bytes, not in characters",
            || edit_of(DocumentId::new(&"ü".repeat(ID_LIMIT / 2 + 1))),
            Id(IdError::TooLong),
        ),
        ("an id that is reserved", || edit_of(DocumentId::new("_design/x")), Id(IdError::Reserved)),
        ("an id with a NUL", || edit_of(DocumentId::new("a\0b")), Id(IdError::Nul)),
        (
            "an id that is half a surrogate pair",
            || edit_of(Ok(minicbor::decode(b"\x63\xed\xa0\x80")?)),
            Unreadable,
        ),
        ("an id cut in a character", || edit_of(Ok(minicbor::decode(b"\x61\xc3")?)), Unreadable),
        ("an id as a byte string", || edit_of(Ok(minicbor::decode(b"\x41a")?)), Unreadable),
        ("an empty id as bytes", || edit_of(Ok(minicbor::decode(b"\x60")?)), Unreadable),
        ("a reserved id as bytes", || edit_of(Ok(minicbor::decode(b"\x61_")?)), Unreadable),
    ]
}

fn bodies() -> Vec<Case> {
    use BodyError::{NotAnObject, NotCanonical, Reserved, TooDeep, TooLarge};
    fn of(value: &Value) -> Attempt {
        edit_with(Body::from_serialize(value))
    }
    fn bytes(json: &[u8]) -> Attempt {
        edit_with(Body::from_canonical(json))
    }
    let cases: Vec<CaseOf<BodyError>> = vec![
        ("an array", || of(&json!([1])), NotAnObject),
        ("a text", || of(&json!("tea")), NotAnObject),
        ("null", || of(&Value::Null), NotAnObject),
        ("a received array", || bytes(b"[]"), NotAnObject),
        ("a received number", || bytes(b"1"), NotAnObject),
        ("a byte too many", || edit_with(long(BODY_LIMIT + 1)), TooLarge),
        (
            "a byte too many, received",
            || bytes(format!("{{\"t\":\"{}\"}}", "x".repeat(BODY_LIMIT)).as_bytes()),
            TooLarge,
        ),
        (
            "one object too deep",
            || edit_with(Body::new(nested(101, |inner| json!({ "in": inner })))),
            TooDeep,
        ),
        (
            "objects 200 deep",
            || edit_with(Body::new(nested(200, |inner| json!({ "in": inner })))),
            TooDeep,
        ),
        ("arrays 200 deep", || edit_with(Body::new(nested(200, |inner| json!([inner])))), TooDeep),
        (
            "objects 101 deep, received",
            || bytes(["{\"a\":".repeat(101), "1".into(), "}".repeat(101)].concat().as_bytes()),
            TooDeep,
        ),
        (
            "objects 200 deep, received",
            || bytes(["{\"a\":".repeat(200), "1".into(), "}".repeat(200)].concat().as_bytes()),
            TooDeep,
        ),
        (
            "500,000 arrays within each other",
            || bytes(["{\"a\":".into(), "[".repeat(500_000)].concat().as_bytes()),
            TooDeep,
        ),
        ("a reserved field", || of(&json!({"_id": "a"})), Reserved),
        ("a reserved field, received", || bytes(br#"{"_rev":1}"#), Reserved),
        ("half a surrogate pair", || bytes(br#"{"title":"\ud800"}"#), NotCanonical),
        ("the other half", || bytes(br#"{"title":"\udc00x"}"#), NotCanonical),
        ("half a surrogate pair as a name", || bytes(br#"{"\ud800":1}"#), NotCanonical),
        ("half a surrogate pair in bytes", || bytes(b"{\"a\":\"\xed\xa0\x80\"}"), NotCanonical),
        ("bytes that aren't UTF-8", || bytes(b"{\"a\":\"\xff\"}"), NotCanonical),
        ("blanks", || bytes(br#"{"a": 1}"#), NotCanonical),
        ("names out of order", || bytes(br#"{"b":1,"a":1}"#), NotCanonical),
        ("one name twice", || bytes(br#"{"a":1,"a":1}"#), NotCanonical),
        ("a number in another notation", || bytes(br#"{"a":1.0}"#), NotCanonical),
        ("a number past the range of doubles", || bytes(br#"{"a":1e999}"#), NotCanonical),
        ("not a number", || bytes(br#"{"a":NaN}"#), NotCanonical),
        ("half an object", || bytes(br#"{"a":"#), NotCanonical),
        ("two objects", || bytes(b"{}{}"), NotCanonical),
        ("nothing", || bytes(b""), NotCanonical),
    ];
    cases.into_iter().map(|(name, attempt, error)| (name, attempt, Refusal::Body(error))).collect()
}

fn revisions() -> Vec<Case> {
    use Refusal::{Revision, Unreadable};
    use RevisionError::{Malformed, NoGeneration};
    fn text(text: &str) -> Attempt {
        Ok(edit_on(text.parse()?))
    }
    const DIGITS: &str = "0123456789abcdef0123456789abcdef";
    vec![
        ("no name", || text(""), Revision(Malformed)),
        ("a name without a hash", || text("1-"), Revision(Malformed)),
        ("a name without a dash", || text(DIGITS), Revision(Malformed)),
        ("a digit too few", || text(&format!("1-{}", &DIGITS[1..])), Revision(Malformed)),
        ("a digit too many", || text(&format!("1-{DIGITS}0")), Revision(Malformed)),
        ("capitals", || text(&format!("1-{}", DIGITS.to_uppercase())), Revision(Malformed)),
        ("a sign", || text(&format!("+1-{DIGITS}")), Revision(Malformed)),
        (
            "a character of two bytes for two digits",
            || text(&format!("1-ü{}", &DIGITS[2..])),
            Revision(Malformed),
        ),
        ("generation 0", || text(&format!("0-{DIGITS}")), Revision(NoGeneration)),
        ("a generation too high", || text(&format!("4294967296-{DIGITS}")), Revision(Malformed)),
        (
            "generation 0 in parts",
            || Ok(edit_on(settee_store::Revision::new(0, [1; 16])?)),
            Revision(NoGeneration),
        ),
        ("generation 0 in bytes", || Ok(edit_on(minicbor::decode(&in_bytes(0, 16))?)), Unreadable),
        ("a short hash in bytes", || Ok(edit_on(minicbor::decode(&in_bytes(1, 15))?)), Unreadable),
        ("a long hash in bytes", || Ok(edit_on(minicbor::decode(&in_bytes(1, 17))?)), Unreadable),
    ]
}

/// An encoded name with a hash of this size.
fn in_bytes(generation: u8, hash: u8) -> Vec<u8> {
    let mut bytes = vec![0x82, generation, 0x40 + hash.min(23)];
    bytes.resize(bytes.len() + usize::from(hash), 7);
    bytes
}

fn edits() -> Vec<Case> {
    use Refusal::{Backend, Operation};
    vec![
        (
            "a new document with the id of another",
            || Ok(edit(id("a"), Vec::new(), body(&json!({})))),
            Operation(OperationError::Exists),
        ),
        (
            "an edit of an unknown revision",
            || Ok(edit_on(named(1, 9))),
            Operation(OperationError::UnknownRevision),
        ),
        (
            "an edit of another document's revision",
            || Ok(edit_on(last().revision)),
            Operation(OperationError::UnknownRevision),
        ),
        (
            "a delete of an unknown document",
            || {
                let (id, seen) = (id("nowhere"), Vec::new());
                Ok(vec![settee_store::Operation::Edit(Edit { id, seen, change: Change::Delete })])
            },
            Operation(OperationError::NotFound),
        ),
        (
            "too many operations in one commit",
            || Ok(vec![edit(id("new"), Vec::new(), body(&json!({}))).remove(0); COMMIT_LIMIT + 1]),
            Backend(BackendError::TooMany),
        ),
    ]
}

/// A revision of which only its name, parent and merges matter.
fn bare(name: Revision, parent: Option<Revision>, merges: Vec<Revision>) -> Attempt {
    replicate("b", vec![ReplicatedRevision::verified(name, parent, merges, false, None)?])
}

fn replication() -> Vec<Case> {
    use ReplicationError::{Body, Count, Generation, HashMismatch, Merges};
    fn with_wrong_name(deleted: bool, json: &[u8]) -> Attempt {
        let name = replicated(None, &json!({"n": 1})).revision;
        let body = Some(json);
        replicate("b", vec![ReplicatedRevision::verified(name, None, Vec::new(), deleted, body)?])
    }
    let cases: Vec<CaseOf<ReplicationError>> = vec![
        ("another revision's name", || with_wrong_name(false, br#"{"n":2}"#), HashMismatch),
        ("a name without the delete", || with_wrong_name(true, br#"{"n":1}"#), HashMismatch),
        (
            "a name of a body that isn't an object",
            || with_wrong_name(false, b"[]"),
            Body(BodyError::NotAnObject),
        ),
        (
            "a name of a body that isn't canonical",
            || with_wrong_name(false, br#"{"n": 1}"#),
            Body(BodyError::NotCanonical),
        ),
        ("a generation that is skipped", || bare(named(2, 1), None, vec![]), Generation),
        ("a generation that stays", || bare(named(3, 1), Some(named(3, 2)), vec![]), Generation),
        (
            "a generation past the last",
            || bare(named(1, 1), Some(named(u32::MAX, 2)), vec![]),
            Generation,
        ),
        (
            "merges out of order",
            || bare(named(2, 1), Some(named(1, 1)), vec![named(1, 3), named(1, 2)]),
            Merges,
        ),
        (
            "one merged twice",
            || bare(named(2, 1), Some(named(1, 1)), vec![named(1, 2), named(1, 2)]),
            Merges,
        ),
        (
            "too many merged",
            || {
                let all = 1..=u32::try_from(HISTORY_LIMIT).unwrap() + 1;
                bare(named(2, 1), Some(named(1, 1)), all.map(|n| named(n, 1)).collect())
            },
            Merges,
        ),
        ("no revisions", || replicate("b", Vec::new()), Count),
        ("too many revisions", || replicate("b", many(HISTORY_LIMIT + MERGE_LIMIT + 1)), Count),
    ];
    let cases = cases.into_iter();
    cases.map(|(name, attempt, error)| (name, attempt, Refusal::Replication(error))).collect()
}

fn insertion() -> Vec<Case> {
    use Refusal::Operation;
    vec![
        (
            "a generation that no edit makes",
            || replicate("b", vec![replicated(Some(last().revision), &json!({"n": 1}))]),
            Operation(OperationError::Generation),
        ),
        (
            "a leaf without a body",
            || bare(named(1, 9), None, vec![]),
            Operation(OperationError::NoBody),
        ),
        (
            "a known name with other merges",
            || {
                let mut known = replicated(None, &json!({"n": 1}));
                known.merges = vec![named(1, 1)];
                replicate("a", vec![known])
            },
            Operation(OperationError::Differs),
        ),
        (
            "a known name with another body, after a new revision",
            || {
                let mut known = replicated(None, &json!({"n": 1}));
                known.body = Some(body(&json!({"n": 2})));
                replicate("a", vec![replicated(None, &json!({"n": 3})), known])
            },
            Operation(OperationError::Differs),
        ),
        (
            "more leaves than are merged",
            || replicate("b", many(MERGE_LIMIT + 1)),
            Operation(OperationError::Overgrown),
        ),
        (
            "leaves that are too large together",
            || {
                let text = |letter: &str| json!({"text": letter.repeat(BODY_LIMIT / 2)});
                replicate("b", vec![replicated(None, &text("x")), replicated(None, &text("y"))])
            },
            Operation(OperationError::Overgrown),
        ),
    ]
}

// ---------------------------------------------------------------------------------------------
// The checks

/// Everything that can be read from a database.
#[derive(Debug, PartialEq)]
struct State {
    records: Vec<Arc<Record>>,
    pending: Vec<Arc<Record>>,
    counts: Counts,
    local: Option<Vec<u8>>,
    seq: u64,
}

async fn state(database: &Database) -> State {
    State {
        records: database.changes(0, usize::MAX).await.unwrap(),
        pending: database.pending(usize::MAX).await.unwrap(),
        counts: database.counts().await.unwrap(),
        local: database.local("place").await.unwrap(),
        seq: database.seq(),
    }
}

async fn outcome(database: &Database, attempt: Attempt) -> Result<(), Refusal> {
    for outcome in database.commit(attempt?).await?.outcomes {
        outcome?;
    }
    Ok(())
}

/// Writes some of everything that bad input could damage.
async fn fill(database: &Database) {
    let first = replicated(None, &json!({"n": 1}));
    let others = many(MERGE_LIMIT);
    for attempt in [
        replicate("a", vec![first]),
        replicate("last", vec![last()]),
        replicate("b", others[..2].to_vec()),
        edit_with(long(BODY_LIMIT)),
        edit_with(Body::new(nested(100, |inner| json!([inner])))).map(|_| Vec::new()),
        Ok(edit(id(&"x".repeat(ID_LIMIT)), Vec::new(), body(&json!({})))),
        Ok(vec![Operation::Local { key: "place".into(), value: Some(b"here".to_vec()) }]),
    ] {
        assert_eq!(outcome(database, attempt).await, Ok(()), "good input is accepted");
    }
}

async fn is_refused_without_a_trace(database: Database) {
    fill(&database).await;
    let before = state(&database).await;
    let mut watch = database.watch();
    watch.mark_unchanged();
    for (name, attempt, refusal) in cases() {
        assert_eq!(outcome(&database, attempt()).await, Err(refusal), "{name}");
        assert_eq!(state(&database).await, before, "{name}");
        assert!(!watch.has_changed().unwrap(), "{name}");
    }

    // Good input is accepted even in one commit with bad input.
    let (bad, good) = (edit_on(named(1, 9)), edit(id("good"), vec![], body(&json!({}))));
    let commit = database.commit([bad, good].concat()).await.unwrap();
    assert_eq!(commit.outcomes[0], Err(OperationError::UnknownRevision));
    assert!(commit.outcomes[1].is_ok() && commit.seq == before.seq + 1);
}

#[tokio::test]
async fn bad_input_leaves_no_trace_in_memory() {
    is_refused_without_a_trace(Database::new(Memory::new([1; 16]))).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn bad_input_leaves_no_trace_in_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    let sqlite = settee_store::Sqlite::open(folder.path().join("settee.db")).unwrap();
    is_refused_without_a_trace(Database::new(
        sqlite.create("a", [1; 16], Vec::new()).await.unwrap(),
    ))
    .await;
}
