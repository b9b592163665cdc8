//! Who may open or create which database.

use std::sync::Arc;

use settee_store::{
    BackendError, DocumentId, Hosted, Record, Storage, backend::BoxFuture,
    replication::ReplicatedDocument,
};
use settee_sync::{Denial, Role};
use tokio::sync::OnceCell;

/// Decides who may open a database, and who may create one. What the credentials are is its own
/// matter: a token, a session, a password. A server has one policy.
///
/// A function from [`Asked`] to a future of the decision is a policy, too. A policy that panics, or
/// takes longer than 10 seconds, denies with [`Unavailable`](settee_sync::DenialCode::Unavailable).
pub trait Policy: Send + Sync {
    /// Decides on a channel that is to be opened, or that is open and whose grant may have changed.
    fn authorize(&self, asked: Asked) -> BoxFuture<'_, Result<Access, Denial>>;

    /// Whether a grant still holds that was given under this [name](Access::named). This is asked about what outlasts
    /// connections, for which no credentials are kept. A policy that gives no names has none that hold.
    fn holds(&self, named: Named) -> BoxFuture<'_, Result<bool, BackendError>> {
        drop(named);
        Box::pin(async { Ok(false) })
    }

    /// Checks a document that says who may do what, which is to say one whose id begins with
    /// [`ACCESS_PREFIX`](settee_sync::access::ACCESS_PREFIX). Only owners write such documents, and
    /// validators don't see them. After each that a client has sent, everybody's access to the database is
    /// decided on again, before anybody reads or writes more of it. A policy that doesn't go by such documents
    /// takes none.
    fn check(&self, document: &ReplicatedDocument) -> Result<(), String> {
        let _ = document;
        Err("this server keeps no such documents".to_owned())
    }
}

impl<F, Decision> Policy for F
where
    F: Fn(Asked) -> Decision + Send + Sync,
    Decision: Future<Output = Result<Access, Denial>> + Send + 'static,
{
    fn authorize(&self, asked: Asked) -> BoxFuture<'_, Result<Access, Denial>> {
        Box::pin(self(asked))
    }
}

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The database's name: any text of at most [`NAME_LIMIT`](settee_sync::limits::NAME_LIMIT) bytes.
    pub database: String,
    /// What the client shows: at most [`CREDENTIALS_LIMIT`](settee_sync::limits::CREDENTIALS_LIMIT)
    /// bytes.
    pub credentials: Vec<u8>,
    /// What the server knows of the database; `None` if there is none of that name.
    pub known: Option<Known>,
}

/// A grant of which only the name is known.
#[derive(Debug, Clone)]
pub struct Named {
    /// The database's name.
    pub database: String,
    /// What the policy has called the grant.
    pub grant: String,
    /// What the server knows of the database.
    pub known: Known,
}

/// What a server knows of a database.
#[derive(Clone)]
pub struct Known {
    /// What kind of database it is: this chooses its validator.
    pub kind: String,
    /// What the policy has kept of it when it was created.
    pub meta: Vec<u8>,
    pub(crate) documents: Documents,
}

impl Known {
    /// The records of these ids, in their order; `None` where there is none. Opens the database, so don't
    /// ask for what you don't need.
    pub async fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> Result<Vec<Option<Arc<Record>>>, BackendError> {
        match self.documents.open().await? {
            Some(database) => database.read(ids).await,
            None => Ok(vec![None; ids.len()]),
        }
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, meta, documents: _ } = self;
        f.debug_struct("Known").field("kind", kind).field("meta", meta).finish_non_exhaustive()
    }
}

/// The documents of a database that is opened when they are first asked for.
#[derive(Clone)]
pub(crate) struct Documents {
    pub storage: Arc<dyn Storage>,
    pub name: String,
    pub opened: Arc<OnceCell<Option<Arc<dyn Hosted>>>>,
}

impl Documents {
    /// The database; `None` if it is gone.
    pub async fn open(&self) -> Result<Option<&Arc<dyn Hosted>>, BackendError> {
        let find = || self.storage.find(self.name.clone());
        Ok(self.opened.get_or_try_init(find).await?.as_ref())
    }
}

/// What somebody may do, and for how long that is known.
pub struct Access {
    /// What the channel allows.
    pub role: Role,
    /// What a helper's own documents are known by: see [`Helping`](crate::Helping). A text of letters, digits,
    /// `-` and `_`. Helpers with the same tag share what is theirs, as those do who came by one link. A helper
    /// without a tag has no own documents.
    pub tag: Option<String>,
    /// Whether a helper may add documents that need leave: see [`Helping::by_leave`](crate::Helping::by_leave).
    pub adds: bool,
    /// What the grant is known by, so that the policy can be asked about it without the credentials: see
    /// [`Policy::holds`]. Nothing that opens the database may follow from it, for the server keeps it.
    pub name: Option<String>,
    /// How to create the database, if there is none of that name. Without it, the client is told
    /// that the database is [`Unknown`](settee_sync::DenialCode::Unknown).
    pub creates: Option<NewDatabase>,
    /// Completes when the grant may have changed. Then the same credentials are decided on again,
    /// and if they are denied now, the channel is closed as revoked. Make it before you decide, so
    /// that no change falls in between.
    pub until: BoxFuture<'static, ()>,
}

impl Access {
    /// Access that lasts as long as the channel is open.
    pub fn lasting(role: Role) -> Self {
        Self::until(role, std::future::pending())
    }

    /// Access that is decided on again when the future completes.
    pub fn until(role: Role, until: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { role, tag: None, adds: true, name: None, creates: None, until: Box::pin(until) }
    }

    /// The same for a helper whose own documents are known by this tag.
    #[must_use]
    pub fn tagged(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// The same for a helper who may add what needs leave, or may not.
    #[must_use]
    pub fn adding(mut self, adds: bool) -> Self {
        self.adds = adds;
        self
    }

    /// The same, known by this name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same, and the database is created if there is none of that name.
    #[must_use]
    pub fn creating(mut self, database: NewDatabase) -> Self {
        self.creates = Some(database);
        self
    }
}

/// A database that is to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDatabase {
    /// Its kind, for which the server has a validator.
    pub kind: String,
    /// What the policy wants to know of it later: see [`Known::meta`].
    pub meta: Vec<u8>,
}

impl NewDatabase {
    /// A database of this kind, of which the policy needs to know nothing.
    pub fn of_kind(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), meta: Vec::new() }
    }
}
