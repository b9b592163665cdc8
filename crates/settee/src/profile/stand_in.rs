//! Stand-ins: edits that this device can't save go to the server nevertheless.
//!
//! A stand-in is a copy of the database in memory, to which the unsaved edits are written. It is synced
//! over a connection of its own, whichever tab syncs for the others, until edits are saved again. Then
//! the device's database has the same edits, and sends them as the same revisions.
//!
//! Each tab that can't save has its own. Tabs hear of each other's edits from the log, and so not of
//! unsaved ones: where two of them edit one document, the edits become branches, which are merged by field.

use std::{collections::BTreeMap, sync::Arc};

use settee_client::{CHECKPOINT, runtime::spawn, socket::Connector};
use settee_store::{Database, DocumentId, Edit, Memory, OperationError, Record, Revision};
use settee_sync::Limits;
use tokio::sync::watch;

use super::{
    home::Home,
    sync::Shared,
    unsaved::{Edits, Unsaved},
};
use crate::{Error, Remote, remote::RemoteDatabase, settee::until};

/// What stand-ins need.
#[derive(Clone)]
pub struct StandIns {
    pub connector: Arc<dyn Connector>,
    pub limits: Limits,
    pub agent: String,
    pub home: Home,
    pub unsaved: Unsaved,
}

impl StandIns {
    /// Has one for each database with unsaved edits.
    pub async fn run(self, ended: watch::Receiver<()>) {
        let mut news = self.unsaved.watch();
        // The failure that each database's stand-in was made for.
        let mut known = BTreeMap::new();
        loop {
            news.borrow_and_update();
            let names = self.unsaved.names();
            known.retain(|name, _| names.contains(name));
            for name in names {
                let failure = self.unsaved.of(&name).map(|unsaved| unsaved.failure);
                if known.get(&name) != failure.as_ref()
                    && let Some(failure) = failure
                {
                    known.insert(name.clone(), failure);
                    spawn(until(ended.clone(), self.clone().stand_in(name, failure)));
                }
            }
            if news.changed().await.is_err() {
                return;
            }
        }
    }

    /// Sends the unsaved edits of one database, until edits are saved again.
    async fn stand_in(self, name: String, failure: u64) {
        let mut news = self.unsaved.watch();
        let mut stand_in = None;
        loop {
            news.borrow_and_update();
            let Some(unsaved) = self.unsaved.of(&name).filter(|now| now.failure == failure) else {
                return;
            };
            let is_over = tokio::select! {
                sent = self.send(&name, &unsaved, &mut stand_in) => {
                    if matches!(sent, Ok(true)) {
                        self.unsaved.note_on_server(&name, &unsaved);
                    }
                    news.changed().await.is_err()
                }
                changed = news.changed() => changed.is_err(),
            };
            if is_over {
                return;
            }
        }
    }

    /// Writes the edits to the copy, which is made if there is none. Tells whether the server has all
    /// of them then.
    async fn send(
        &self,
        name: &str,
        unsaved: &Edits,
        stand_in: &mut Option<StandIn>,
    ) -> Result<bool, Error> {
        let stand_in = match stand_in {
            Some(stand_in) => stand_in,
            None => stand_in.insert(self.begin(name, &unsaved.database).await?),
        };
        stand_in.write(&unsaved.all).await?;
        stand_in.is_on_server().await
    }

    async fn begin(&self, name: &str, database: &Database) -> Result<StandIn, Error> {
        let all = self.home.all().await?;
        let kept = all.into_values().find(|kept| kept.name == name).ok_or(Error::Unknown)?;
        let first = kept.credentials.first().ok_or(Error::Unknown)?;
        let shown = self.home.shown(&kept, first).await;
        let copy = Database::new(Memory::copy_of(database, &[CHECKPOINT]).await?);
        let connector = Shared(self.connector.clone());
        let remote = Remote::connect_within(self.limits.clone(), connector, &self.agent);
        let remote = remote.open_with(name, &shown, copy).await?;
        Ok(StandIn { remote, tried: BTreeMap::new() })
    }
}

/// A copy of a database, with what was written to it.
struct StandIn {
    remote: RemoteDatabase,
    tried: BTreeMap<DocumentId, Tried>,
}

/// The unsaved edits of one document.
#[derive(Default)]
struct Tried {
    edits: Vec<Edit>,
    /// What the latest of them has made.
    revision: Option<Revision>,
    has_failed: bool,
}

impl StandIn {
    /// Writes what is new among these edits. A later try of a document is based on what the earlier one
    /// has made here, as it takes its place on the device.
    async fn write(&mut self, edits: &[Edit]) -> Result<(), Error> {
        let mut documents: BTreeMap<&DocumentId, Vec<&Edit>> = BTreeMap::new();
        for edit in edits {
            documents.entry(&edit.id).or_default().push(edit);
        }
        for (id, edits) in documents {
            let tried = self.tried.entry(id.clone()).or_default();
            let known = tried.edits.iter().zip(&edits).take_while(|(one, other)| one == *other);
            let known = known.count();
            tried.edits = edits.iter().copied().cloned().collect();
            for edit in tried.edits.iter().skip(known) {
                let seen = tried.revision.map_or_else(|| edit.seen.clone(), |made| vec![made]);
                let outcomes = self.remote.write(vec![Edit { seen, ..edit.clone() }]).await?;
                match outcomes.first() {
                    Some(Ok(applied)) => tried.revision = applied.revision.or(tried.revision),
                    // What was to be deleted is deleted already.
                    Some(Err(OperationError::NotFound)) => {}
                    _ => tried.has_failed = true,
                }
            }
        }
        Ok(())
    }

    /// Waits for the server, and tells whether it has taken all that was written.
    async fn is_on_server(&self) -> Result<bool, Error> {
        self.remote.up_to_date().await?;
        let records = self.remote.records(self.tried.keys().cloned().collect()).await?;
        let is_taken = |record: &Record| !record.tree.is_pending() && record.refused.is_none();
        Ok(self.tried.values().all(|tried| !tried.has_failed)
            && records.iter().flatten().all(|record| is_taken(record)))
    }
}

#[cfg(all(test, feature = "native", feature = "server", not(target_arch = "wasm32")))]
mod tests {
    use std::{sync::Arc, time::Duration};

    use serde::{Deserialize, Serialize};
    use settee_axum::{Access, AnyDocument, Asked, Denial, Kit, NewDatabase};
    use settee_client::stream::StreamConnector;
    use settee_keys::Role;
    use settee_store::{BackendError, MemoryStorage};
    use tokio::time::timeout;

    use crate::{
        Config, Remote, Settee, Synced,
        config::Place,
        profile::{device::InMemory, sync::Shared},
        remote::RemoteDatabase,
    };

    const NOTES: &str = "notes";
    /// Longer than anything here takes.
    const SOON: Duration = Duration::from_mins(1);

    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    struct Note {
        text: String,
    }

    fn note(text: &str) -> Note {
        Note { text: text.to_owned() }
    }

    async fn anybody(_: Asked) -> Result<Access, Denial> {
        Ok(Access::lasting(Role::Editor).creating(NewDatabase::of_kind("any")))
    }

    /// Connects to a server of this program's own.
    fn server() -> impl Fn() -> Shared {
        let storage = MemoryStorage::new([1; 16]);
        let kit = Kit::builder(storage).policy(anybody).kind("any", AnyDocument).build();
        move || {
            let streams = kit.streams();
            Shared(Arc::new(StreamConnector::new(move || {
                let (ours, theirs) = tokio::io::duplex(64 * 1024);
                let streams = streams.clone();
                tokio::spawn(async move { streams.serve(theirs).await });
                async { Ok(ours) }
            })))
        }
    }

    async fn until(notes: &Synced, server_has_unsaved: usize) {
        let mut status = notes.status();
        let waiting = status.wait_for(|status| status.server_has_unsaved == server_has_unsaved);
        timeout(SOON, waiting).await.expect("it is told").expect("it is followed");
    }

    #[allow(clippy::unwrap_used, reason = "a test fails so")]
    async fn arrives(database: &RemoteDatabase, id: &str, expected: Note) {
        let mut news = database.watch();
        let arrived = async {
            while database.find(id).await.unwrap().as_ref() != Some(&expected) {
                news.changed().await.unwrap();
            }
        };
        timeout(SOON, arrived).await.expect("it arrives");
    }

    #[tokio::test]
    async fn what_cannot_be_saved_is_sent_nevertheless() {
        let (connect, memory) = (server(), InMemory::default());
        let place = Place::Memory(memory.clone());
        let anna = Settee::start(Config { place, ..Config::over(connect()) }).await.unwrap();
        let notes = anna.open(NOTES, b"").await.unwrap();
        notes.put("a", &note("milk")).await.unwrap();
        timeout(SOON, notes.up_to_date()).await.unwrap().unwrap();
        let ben = Remote::connect(connect()).open(NOTES, b"").await.unwrap();
        timeout(SOON, ben.up_to_date()).await.unwrap().unwrap();

        let disk = memory.database(NOTES);
        disk.fail_with(Some(BackendError::Full));
        notes.put("a", &note("oat milk")).await.unwrap_err();
        until(&notes, 1).await;
        // As one types on: the page tries again what it shows now.
        notes.put("b", &note("bread")).await.unwrap_err();
        arrives(&ben, "b", note("bread")).await;
        let edits = [("a", "milk"), ("b", "rolls")];
        for (id, text) in edits {
            notes.put(id, &note(text)).await.unwrap_err();
        }
        for (id, text) in edits {
            arrives(&ben, id, note(text)).await;
        }
        until(&notes, 2).await;

        disk.fail_with(None);
        for (id, text) in edits {
            notes.put(id, &note(text)).await.unwrap();
        }
        until(&notes, 0).await;
        timeout(SOON, notes.up_to_date()).await.unwrap().unwrap();
        let records = notes.changes(0, 10).await.unwrap();
        let documents: Vec<_> = records.iter().filter_map(|record| record.document()).collect();
        assert!(documents.len() == 2 && documents.iter().all(|one| one.conflicts.is_empty()));
        for (id, text) in edits {
            assert_eq!(notes.find(id).await.unwrap(), Some(note(text)), "{documents:#?}");
        }
    }
}
