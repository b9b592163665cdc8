//! What helpers may do, and what they may not, whatever their program says.

use serde_json::{Value, json};
use settee_axum::Role;
use settee_keys::Token;
use settee_store::{
    Body, DocumentId, Revision,
    forgotten::Forgotten,
    replication::{ReplicatedDocument, ReplicatedRevision},
};
use settee_sync::message::{Hello, Message, WireDocument};

use crate::support::{Client, TestServer};

const NOTE: &str = "note/1";

/// A revision that closes others, the first of which is its parent.
fn revision(closes: &[Revision], body: &Value) -> ReplicatedRevision {
    named(closes, body, false)
}

fn deletion(closes: &[Revision]) -> ReplicatedRevision {
    named(closes, &json!({}), true)
}

fn named(closes: &[Revision], body: &Value, deleted: bool) -> ReplicatedRevision {
    let (parent, merges) = (closes.first().copied(), closes.get(1..).unwrap_or_default());
    let body = Body::from_serialize(body).unwrap();
    let name = Revision::derive(parent, merges, deleted, &body).unwrap();
    let json = Some(body.as_str().as_bytes());
    ReplicatedRevision::verified(name, parent, merges.to_vec(), deleted, json).unwrap()
}

/// A revision's name as it travels once it was dropped.
fn forgotten(revision: Revision) -> Forgotten {
    let mark = [&revision.generation().to_be_bytes()[..], &revision.hash()[..8]].concat();
    let cbor = minicbor::to_vec(minicbor::bytes::ByteVec::from(mark)).unwrap();
    minicbor::decode(&cbor).unwrap()
}

fn document(id: &str, revisions: &[&ReplicatedRevision]) -> WireDocument {
    let revisions = revisions.iter().map(|revision| (*revision).clone()).collect();
    let id = DocumentId::new(id).unwrap();
    WireDocument::from(&ReplicatedDocument::verified(id, revisions).unwrap())
}

/// Somebody with a channel, who counts their batches.
struct Device {
    client: Client,
    batch: u32,
}

impl Device {
    async fn new(server: &TestServer, owner: &Token, token: &Token, role: Role) -> Self {
        let (client, opened) = Client::opened(server.address, owner, token, None).await;
        assert_eq!(opened.role, role);
        Self { client, batch: 0 }
    }

    /// Why the server refuses the document; `None` if it takes it.
    async fn send(&mut self, document: WireDocument) -> Option<String> {
        self.send_all(vec![document]).await.pop()
    }

    /// Why the server refuses documents of a batch.
    async fn send_all(&mut self, documents: Vec<WireDocument>) -> Vec<String> {
        self.client.push(1, self.batch, documents).await;
        self.batch += 1;
        loop {
            match self.client.receive().await {
                Message::Acknowledge(answer) => {
                    return answer.refused.into_iter().map(|refusal| refusal.reason).collect();
                }
                Message::Changes(changes) => self.client.land(&changes).await,
                other => panic!("not an acknowledgement: {other:?}"),
            }
        }
    }
}

struct Place {
    server: TestServer,
    owner: Token,
    anna: Device,
    helper: Device,
    token: Token,
}

/// A list with a note by its owner, and a helper.
async fn place() -> (Place, ReplicatedRevision) {
    let server = TestServer::start().await;
    let owner = Token::generate();
    let mut anna = Device::new(&server, &owner, &owner, Role::Owner).await;
    let first = revision(&[], &json!({"title": "tea", "completed": false}));
    assert_eq!(anna.send(document(NOTE, &[&first])).await, None);
    let token = owner.editor(0).helper();
    let helper = Device::new(&server, &owner, &token, Role::Helper).await;
    (Place { server, owner, anna, helper, token }, first)
}

impl Place {
    /// The revisions that nothing closes, as somebody sees who comes anew.
    async fn leaves(&self) -> Vec<Revision> {
        let (mut reader, _) =
            Client::opened(self.server.address, &self.owner, &self.owner, None).await;
        let all = reader.changes().await;
        let note = all.iter().find(|document| document.id.as_str() == NOTE).unwrap();
        note.verify().unwrap().told()
    }
}

#[tokio::test]
async fn a_helper_ticks_and_changes_nothing_else_of_what_others_wrote() {
    let (mut place, first) = place().await;
    let first = first.revision;
    let helper = &mut place.helper;
    let title = revision(&[first], &json!({"title": "coffee", "completed": false}));
    let refused = helper.send(document(NOTE, &[&title])).await;
    assert_eq!(refused.as_deref(), Some("helpers may not change “title”"));
    let more = revision(&[first], &json!({"title": "tea", "completed": true, "due": 1}));
    assert!(helper.send(document(NOTE, &[&more])).await.is_some());
    let less = revision(&[first], &json!({"completed": true}));
    assert!(helper.send(document(NOTE, &[&less])).await.is_some());
    let refused = helper.send(document(NOTE, &[&deletion(&[first])])).await;
    assert_eq!(refused.as_deref(), Some("helpers delete only what is theirs"));

    // What is changed and changed back is refused as well: others may have seen it.
    let back = revision(&[title.revision], &json!({"title": "tea", "completed": true}));
    assert!(helper.send(document(NOTE, &[&title, &back])).await.is_some());
    // So is what hides a step.
    let hidden = ReplicatedRevision { body: None, ..title };
    assert!(helper.send(document(NOTE, &[&hidden, &back])).await.is_some());
    assert!(helper.send(document(NOTE, &[&back])).await.is_some());
    // A second beginning would stand beside the first.
    let other = revision(&[], &json!({"title": "milk", "completed": false}));
    let refused = helper.send(document(NOTE, &[&other])).await;
    assert_eq!(refused.as_deref(), Some("helpers add only what is theirs"));
    let access = revision(&[], &json!({"role": "editor", "label": "me", "seed": "a"}));
    let id = format!("access/{}", Token::generate().verifier());
    assert!(helper.send(document(&id, &[&access])).await.is_some());
    assert_eq!(place.leaves().await, [first]);

    let ticked = revision(&[first], &json!({"title": "tea", "completed": true}));
    assert_eq!(place.helper.send(document(NOTE, &[&ticked])).await, None);
    assert_eq!(place.leaves().await, [ticked.revision]);
}

#[tokio::test]
async fn what_is_there_already_is_not_refused_to_somebody_who_has_become_a_helper() {
    let (mut place, first) = place().await;
    let title = revision(&[first.revision], &json!({"title": "coffee", "completed": false}));
    let gone = deletion(&[title.revision]);
    for written in [&title, &gone] {
        assert_eq!(place.anna.send(document(NOTE, &[written])).await, None);
    }
    // Nobody acknowledged this to the device that wrote it as an editor.
    for written in [&title, &gone] {
        assert_eq!(place.helper.send(document(NOTE, &[written])).await, None);
    }
    let back = revision(&[gone.revision], &json!({"title": "coffee", "completed": false}));
    assert!(place.helper.send(document(NOTE, &[&gone, &back])).await.is_some());
    let unknown = deletion(&[first.revision]);
    assert!(place.helper.send(document(NOTE, &[&unknown])).await.is_some());
}

#[tokio::test]
async fn a_helper_does_not_crowd_a_document_within_one_batch() {
    let (mut place, first) = place().await;
    let tick = |tick: u32| revision(&[first.revision], &json!({"title": "tea", "completed": tick}));
    let all = (0..12).map(|number| document(NOTE, &[&tick(number)])).collect();
    let refused = place.helper.send_all(all).await;
    assert_eq!(refused, vec!["there are too many versions of this"; 11]);
    assert_eq!(place.leaves().await.len(), 1);
}

#[tokio::test]
async fn a_helper_adds_changes_and_deletes_what_is_its_own() {
    let (mut place, _) = place().await;
    let tag = place.token.verifier().tag();
    let note = revision(&[], &json!({"title": "cups", "completed": false}));
    let plain = place.helper.send(document("note/2", &[&note])).await;
    assert_eq!(plain.as_deref(), Some("helpers add only what is theirs"));
    for other in [format!("note/{tag}"), format!("note/{tag}x.2"), format!("note/x{tag}.2")] {
        assert!(place.helper.send(document(&other, &[&note])).await.is_some(), "{other}");
    }
    let another = Token::generate().verifier().tag();
    assert!(place.helper.send(document(&format!("note/{another}.2"), &[&note])).await.is_some());

    let own = format!("note/{tag}.2");
    assert_eq!(place.helper.send(document(&own, &[&note])).await, None);
    // The validator has its say all the same.
    let odd = revision(&[note.revision], &json!({"title": 1}));
    assert!(place.helper.send(document(&own, &[&odd])).await.is_some());
    let edited = revision(&[note.revision], &json!({"title": "mugs", "completed": false}));
    assert_eq!(place.helper.send(document(&own, &[&edited])).await, None);
    // Others may do with it what they may do with everything.
    let anna = revision(&[edited.revision], &json!({"title": "glasses", "completed": false}));
    assert_eq!(place.anna.send(document(&own, &[&anna])).await, None);
    assert_eq!(place.helper.send(document(&own, &[&deletion(&[anna.revision])])).await, None);
}

#[tokio::test]
async fn a_helper_without_leave_adds_nothing_and_goes_on_with_what_is_its_own() {
    let (mut place, first) = place().await;
    let own = |number: u8| format!("note/{}.{number}", place.token.verifier().tag());
    let (old, removed, new) = (own(1), own(2), own(3));
    let note = revision(&[], &json!({"title": "cups", "completed": false}));
    for own in [&old, &removed] {
        assert_eq!(place.helper.send(document(own, &[&note])).await, None);
    }
    assert_eq!(place.anna.send(document(&removed, &[&deletion(&[note.revision])])).await, None);
    let withheld = revision(&[], &json!({"add": false}));
    assert_eq!(place.anna.send(document("access/helpers", &[&withheld])).await, None);
    let mut helper = Device::new(&place.server, &place.owner, &place.token, Role::Helper).await;

    let edited = revision(&[note.revision], &json!({"title": "mugs", "completed": false}));
    let refused = Some("helpers may not add anything here".to_owned());
    assert_eq!(helper.send(document(&new, &[&note])).await, refused);
    // What somebody has deleted doesn't come back by an edit.
    assert_eq!(helper.send(document(&removed, &[&edited])).await, refused);
    // What the server has already isn't refused to whoever sends it again.
    assert_eq!(helper.send(document(&removed, &[&note])).await, None);
    assert_eq!(helper.send(document(&old, &[&edited])).await, None);
    assert_eq!(helper.send(document(&old, &[&deletion(&[edited.revision])])).await, None);
    let ticked = revision(&[first.revision], &json!({"title": "tea", "completed": true}));
    assert_eq!(helper.send(document(NOTE, &[&ticked])).await, None);

    let given = revision(&[withheld.revision], &json!({"add": true}));
    assert_eq!(place.anna.send(document("access/helpers", &[&given])).await, None);
    let mut helper = Device::new(&place.server, &place.owner, &place.token, Role::Helper).await;
    assert_eq!(helper.send(document(&new, &[&note])).await, None);
}

#[tokio::test]
async fn only_owners_say_whether_helpers_may_add() {
    let (mut place, _) = place().await;
    let said = revision(&[], &json!({"add": true}));
    assert!(place.helper.send(document("access/helpers", &[&said])).await.is_some());
    let odd = revision(&[], &json!({"add": "all"}));
    assert!(place.anna.send(document("access/helpers", &[&odd])).await.is_some());
    assert_eq!(place.anna.send(document("access/helpers", &[&said])).await, None);
}

#[tokio::test]
async fn a_helper_hides_no_edit_and_settles_nothing() {
    let (mut place, first) = place().await;
    let first = first.revision;
    let title = revision(&[first], &json!({"title": "green tea", "completed": false}));
    let due = revision(&[first], &json!({"title": "tea", "completed": false, "due": 1}));
    assert_eq!(place.anna.send(document(NOTE, &[&title])).await, None);
    assert_eq!(place.anna.send(document(NOTE, &[&due])).await, None);
    let mut both = [title.revision, due.revision];
    both.sort_unstable();
    let ticks = |value: Value| revision(&both, &value);
    // Each of these drops what one of them has written.
    for dropping in [
        json!({"title": "green tea", "completed": true}),
        json!({"title": "tea", "completed": true, "due": 1}),
    ] {
        assert!(place.helper.send(document(NOTE, &[&ticks(dropping)])).await.is_some());
    }
    // It names what is on the server as if it were closed.
    let ticked = revision(&[title.revision], &json!({"title": "green tea", "completed": true}));
    let mut forgetting = document(NOTE, &[&ticked]);
    forgetting.forgotten = Some(forgotten(due.revision));
    assert_eq!(place.helper.send(forgetting).await, None);
    let mut leaves = place.leaves().await;
    leaves.sort_unstable();
    let mut expected = [due.revision, ticked.revision];
    expected.sort_unstable();
    assert_eq!(leaves, expected);

    let all = json!({"title": "green tea", "completed": true, "due": 1});
    let merged = revision(&expected, &all);
    assert_eq!(place.helper.send(document(NOTE, &[&merged])).await, None);
    assert_eq!(place.leaves().await, [merged.revision]);

    // Two titles: somebody who may edit has to decide.
    let two = ["black tea", "white tea"].map(|title| {
        revision(&[merged.revision], &json!({"title": title, "completed": true, "due": 1}))
    });
    for edit in &two {
        assert_eq!(place.anna.send(document(NOTE, &[edit])).await, None);
    }
    let mut both = two.map(|edit| edit.revision);
    both.sort_unstable();
    for title in ["black tea", "white tea"] {
        let settled = revision(&both, &json!({"title": title, "completed": false, "due": 1}));
        let refused = place.helper.send(document(NOTE, &[&settled])).await.unwrap();
        assert!(refused.contains("has to decide first"), "{refused}");
    }
}

#[tokio::test]
async fn a_helper_closes_nothing_behind_more_versions_than_are_shown() {
    let (mut place, first) = place().await;
    let rye = revision(&[first.revision], &json!({"title": "rye", "completed": false}));
    assert_eq!(place.anna.send(document(NOTE, &[&rye])).await, None);
    // Each revision has two that tick and untick it, so there are sixteen in the end, all of them allowed.
    let mut all = vec![first.clone()];
    let mut last = vec![first.revision];
    for _ in 0..4 {
        let next: Vec<_> = last
            .iter()
            .flat_map(|parent| {
                [true, false]
                    .map(|done| revision(&[*parent], &json!({"title": "tea", "completed": done})))
            })
            .collect();
        last = next.iter().map(|revision| revision.revision).collect();
        all.extend(next);
    }
    let mut closed = last.clone();
    closed.push(rye.revision);
    let parent = closed.remove(0);
    closed.sort_unstable();
    closed.insert(0, parent);
    let hiding = revision(&closed, &json!({"title": "tea", "completed": true}));
    let flood: Vec<_> = all.iter().collect();
    assert!(place.helper.send(document(NOTE, &flood)).await.is_some());
    let whole: Vec<_> = all.iter().chain([&hiding]).collect();
    let refused = place.helper.send(document(NOTE, &whole)).await.unwrap();
    assert!(refused.contains("more versions than can be shown"), "{refused}");
    assert_eq!(place.leaves().await, [rye.revision]);

    // One at a time, some room is left for others. They are numbered as in a heap.
    let mut taken = 0;
    for leaf in 16..32 {
        let mut line: Vec<_> =
            [1, 2, 4, 8, 16].iter().map(|above| &all[leaf / above - 1]).collect();
        line.reverse();
        taken += usize::from(place.helper.send(document(NOTE, &line)).await.is_none());
    }
    assert_eq!((taken, place.leaves().await.len()), (7, 8));
}

#[tokio::test]
async fn a_helper_settles_what_nobody_is_asked_about_and_brings_nothing_back() {
    let (mut place, first) = place().await;
    let moved = ["a", "b"].map(|position| {
        let body = json!({"title": "tea", "completed": false, "position": position});
        revision(&[first.revision], &body)
    });
    for edit in &moved {
        assert_eq!(place.anna.send(document(NOTE, &[edit])).await, None);
    }
    let mut both = moved.clone().map(|edit| edit.revision);
    both.sort_unstable();
    let ticks = ["a", "b"].map(|position| {
        revision(&both, &json!({"title": "tea", "completed": true, "position": position}))
    });
    // One of them has the position that is shown.
    let mut refused = Vec::new();
    for tick in &ticks {
        refused.extend(place.helper.send(document(NOTE, &[tick])).await);
    }
    assert_eq!(refused, ["helpers may not change “position”"]);
    let [ticked] = place.leaves().await[..] else { panic!("it is settled") };

    assert_eq!(place.anna.send(document(NOTE, &[&deletion(&[ticked])])).await, None);
    let late = revision(&[first.revision], &json!({"title": "tea", "completed": true}));
    let refused = place.helper.send(document(NOTE, &[&first, &late])).await;
    assert_eq!(refused.as_deref(), Some("it was deleted meanwhile"));
}

#[tokio::test]
async fn a_program_that_knows_no_helpers_is_told_that_it_may_look() {
    let (place, _) = place().await;
    let mut client = Client::connected(place.server.address).await;
    client.send(Hello { versions: vec![1, 2], agent: "test".into() }).await;
    assert!(matches!(client.receive().await, Message::Hello(_)));
    client.ask(1, place.owner.database_id().as_str(), place.token.as_bytes(), None).await;
    let Message::Opened(opened) = client.receive().await else { panic!("not opened") };
    assert_eq!(opened.role, Role::Viewer);
}
