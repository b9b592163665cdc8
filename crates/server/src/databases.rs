//! The databases of a server: found and created by name, each with its kind.

use std::{collections::HashMap, sync::Arc};

use minicbor::{Decode, Encode};
use settee_store::{
    Backend, BackendError, Database, Hosted, Storage, clerk::Clerk, replication::ReplicatedDocument,
};
use settee_sync::{Checkpoint, helping::Helping};
use thiserror::Error;
use tokio::sync::watch;

use crate::{
    clerk,
    guests::Guest,
    notices::{self, Notices},
    policy::{Documents, Known, NewDatabase},
    quotas::Quotas,
    room::{NoRoom, Room},
    shared::{Shared, SharedByName},
    validator::Validator,
};

/// Why a database can't be used.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The storage has failed.
    #[error("{0}")]
    Storage(#[from] BackendError),
    /// There is no room for one more.
    #[error("{0}")]
    Room(#[from] NoRoom),
    /// It is of a kind that this server has no validator for.
    #[error("the server has no validator for the kind “{0}”")]
    Kind(String),
    /// What is kept beside the database is damaged, or a later version's.
    #[error("what is kept beside the database can't be read")]
    Meta,
}

/// All databases of a server.
pub struct Databases {
    storage: Arc<dyn Storage>,
    kinds: HashMap<String, Arc<Kind>>,
    room: Room,
    shared: SharedByName,
}

/// A kind of database: what an app says of it.
pub(crate) struct Kind {
    pub validator: Arc<dyn Validator>,
    pub helping: Vec<Helping>,
    pub clerk: Option<Arc<dyn Clerk>>,
    pub notices: Option<Arc<Notices>>,
}

/// What is kept beside a database.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Meta {
    #[n(0)]
    kind: String,
    #[cbor(n(1), with = "minicbor::bytes")]
    policy: Vec<u8>,
}

impl Databases {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        kinds: HashMap<String, Arc<Kind>>,
        quotas: Quotas,
    ) -> Self {
        Self { storage, kinds, room: Room::new(quotas), shared: SharedByName::default() }
    }

    /// What is kept beside the database of that name; `None` if there is none.
    pub async fn known(&self, name: &str) -> Result<Option<Known>, DatabaseError> {
        known(&self.storage, name).await
    }

    /// The database of that name, of which this is known. `None` if it is gone.
    pub(crate) async fn find(
        &self,
        name: &str,
        known: &Known,
    ) -> Result<Option<Handle>, DatabaseError> {
        let kind = self.kind(&known.kind)?;
        let found = known.documents.open().await?.cloned();
        Ok(found.map(|database| self.handle(name, kind, database)))
    }

    /// What all who use the database of that name share, whether or not it is there yet.
    pub(crate) fn shared(&self, name: &str) -> Arc<Shared> {
        self.shared.of(name)
    }

    /// Makes a database, unless there is one of that name.
    pub(crate) async fn create(
        &self,
        name: &str,
        new: NewDatabase,
    ) -> Result<Handle, DatabaseError> {
        let kind = self.kind(&new.kind)?;
        self.room.for_database(&*self.storage).await??;
        let mut incarnation = [0; 16];
        getrandom::fill(&mut incarnation)
            .map_err(|error| BackendError::Failed(error.to_string()))?;
        let meta = Meta { kind: new.kind, policy: new.meta };
        let meta = minicbor::to_vec(meta).expect("writing to memory doesn't fail");
        let database = self.storage.create(name.to_owned(), incarnation, meta).await?;
        Ok(self.handle(name, kind, database))
    }

    fn handle(&self, name: &str, kind: Arc<Kind>, database: Arc<dyn Hosted>) -> Handle {
        let (name, shared) = (Arc::<str>::from(name), self.shared(name));
        let weak = || (Arc::downgrade(&self.storage), Arc::downgrade(&shared));
        shared.users.send_modify(|count| *count += 1);
        if let Some(clerk) = &kind.clerk {
            let (storage, state) = weak();
            shared.clerk.fill(|| clerk::run(clerk.clone(), name.clone(), storage, state));
        }
        if let Some(notices) = &kind.notices {
            let (storage, state) = weak();
            shared.notices.fill(|| notices::run(notices.clone(), name.clone(), storage, state));
        }
        Handle { name, kind, database, shared }
    }

    /// Whether there is room for these documents. They count from now on, if there is.
    pub(crate) async fn room_for(
        &self,
        handle: &Handle,
        documents: &[ReplicatedDocument],
    ) -> Result<Result<(), NoRoom>, BackendError> {
        let (database, usage) = (&*handle.database, &handle.shared.usage);
        self.room.for_documents(&*self.storage, database, usage, documents).await
    }

    /// The database of that name, to be read and written by the server itself; `None` if there is
    /// none. What is written this way is not validated, and access is not decided on again.
    pub async fn database(&self, name: &str) -> Result<Option<Database>, DatabaseError> {
        let found = self.storage.find(name.to_owned()).await?;
        Ok(found.map(|database| Database::shared(database)))
    }

    /// Deletes a database with all that it holds. Channels on it are closed. Tells whether there was
    /// one.
    pub async fn delete(&self, name: &str) -> Result<bool, DatabaseError> {
        Ok(self.storage.delete(name.to_owned()).await?)
    }

    /// At most `limit` names in the order of their bytes, after the name `after`.
    pub async fn names(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<String>, DatabaseError> {
        Ok(self.storage.names(after, limit).await?)
    }

    pub(crate) async fn check(&self) -> Result<(), BackendError> {
        self.storage.check().await
    }

    pub(crate) async fn close(&self) {
        self.storage.close().await;
    }

    fn kind(&self, kind: &str) -> Result<Arc<Kind>, DatabaseError> {
        self.kinds.get(kind).cloned().ok_or_else(|| DatabaseError::Kind(kind.to_owned()))
    }
}

/// What is kept beside the database of that name; `None` if there is none.
pub(crate) async fn known(
    storage: &Arc<dyn Storage>,
    name: &str,
) -> Result<Option<Known>, DatabaseError> {
    let Some(bytes) = storage.meta(name.to_owned()).await? else { return Ok(None) };
    let Meta { kind, policy } = minicbor::decode(&bytes).map_err(|_| DatabaseError::Meta)?;
    let documents =
        Documents { storage: storage.clone(), name: name.to_owned(), opened: Arc::default() };
    Ok(Some(Known { kind, meta: policy, documents }))
}

/// A database in use. When the last handle is gone, its memory is free again.
#[derive(Clone)]
pub(crate) struct Handle {
    name: Arc<str>,
    pub kind: Arc<Kind>,
    database: Arc<dyn Hosted>,
    pub shared: Arc<Shared>,
}

impl Handle {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Enough of the name to tell it from others in a log.
    pub fn short_name(&self) -> &str {
        short(&self.name)
    }

    pub fn store(&self) -> &dyn Backend {
        &*self.database
    }

    /// Has the clerk hear that somebody uses the database now, if there is one.
    pub fn guest(&self, grant: String) -> Option<Guest> {
        self.kind.clerk.as_ref()?;
        Guest::new(self.shared.clone(), grant)
    }

    pub fn position(&self) -> Checkpoint {
        let (incarnation, run) = (self.database.incarnation(), self.database.run());
        Checkpoint::new(incarnation, run, self.seq())
    }

    /// Whether the database has lived through the checkpoint.
    pub async fn knows(&self, checkpoint: &Checkpoint) -> Result<bool, BackendError> {
        let Checkpoint { incarnation, run, .. } = checkpoint;
        self.database.knows(**incarnation, **run, checkpoint.latest()).await
    }

    pub fn seq(&self) -> u64 {
        *self.watch().borrow()
    }

    /// The update sequence, and word of each change to it.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.database.watch()
    }
}

/// Enough of a database's name to tell it from others in a log.
pub(crate) fn short(name: &str) -> &str {
    let end = name.char_indices().nth(8).map_or(name.len(), |(at, _)| at);
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn names_are_shortened_between_characters() {
        assert_eq!(short("d8nky0yt022fvwnfrc45a38jg4"), "d8nky0yt");
        assert_eq!(short("ääääääääää"), "ääääääää");
        assert_eq!(short("abc"), "abc");
    }
}
