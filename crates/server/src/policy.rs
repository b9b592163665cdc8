//! Who may open or create which database.

use settee_store::backend::BoxFuture;
use settee_sync::{Denial, Role};

/// Decides who may open a database, and who may create one. What the credentials are is its own
/// matter: a token, a session, a password. A server has one policy.
///
/// A function from [`Asked`] to a future of the decision is a policy, too. A policy that panics, or
/// takes longer than 10 seconds, denies with [`Unavailable`](settee_sync::DenialCode::Unavailable).
pub trait Policy: Send + Sync {
    /// Decides on a channel that is to be opened, or that is open and whose grant may have changed.
    fn authorize(&self, asked: Asked) -> BoxFuture<'_, Result<Access, Denial>>;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The database's name: any text of at most [`NAME_LIMIT`](settee_sync::limits::NAME_LIMIT) bytes.
    pub database: String,
    /// What the client shows: at most [`CREDENTIALS_LIMIT`](settee_sync::limits::CREDENTIALS_LIMIT)
    /// bytes.
    pub credentials: Vec<u8>,
    /// What the server knows of the database; `None` if there is none of that name.
    pub known: Option<Known>,
}

/// What a server keeps beside a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What kind of database it is: this chooses its validator.
    pub kind: String,
    /// What the policy has kept of it when it was created.
    pub meta: Vec<u8>,
}

/// What somebody may do, and for how long that is known.
pub struct Access {
    /// What the channel allows.
    pub role: Role,
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
        Self { role, creates: None, until: Box::pin(until) }
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
