//! A policy by capability tokens: whoever holds a database's token has its role, and its owner
//! brings it to the server. See [`settee_keys`].

use settee_keys::{DatabaseId, Judgement, Token, Verifiers, judge};
use settee_store::backend::BoxFuture;
use settee_sync::{Denial, DenialCode, Role};

use crate::policy::{Access, Asked, NewDatabase, Policy};

/// Names of databases are [`DatabaseId`]s, credentials the bytes of a [`Token`]. Needs no accounts.
#[derive(Debug, Clone)]
pub struct KeysPolicy {
    kind: String,
}

impl KeysPolicy {
    /// Owners create databases of this kind.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into() }
    }

    fn decide(&self, asked: &Asked) -> Result<Access, Denial> {
        let denied = |message| Denial::new(DenialCode::Denied, message);
        let id: DatabaseId =
            asked.database.parse().map_err(|_| denied("there is no database of that name"))?;
        let token = Token::from_bytes(&asked.credentials)
            .map_err(|_| denied("these credentials are incomplete"))?;
        let verifiers = match &asked.known {
            Some(known) => Some(Verifiers::decode(&known.meta).map_err(|error| {
                tracing::error!(%error, "what is kept beside a database can't be read");
                Denial::new(DenialCode::Unavailable, "the server can't decide on access now")
            })?),
            None => None,
        };
        match judge(&id, &token, verifiers.as_ref()) {
            Judgement::Granted(Role::Owner) => {
                let meta = Verifiers::of_owner(&token).encode();
                let new = NewDatabase { kind: self.kind.clone(), meta };
                Ok(Access::lasting(Role::Owner).creating(new))
            }
            Judgement::Granted(role) => Ok(Access::lasting(role)),
            Judgement::Unknown => {
                Err(Denial::new(DenialCode::Unknown, "the server doesn't have the database yet"))
            }
            Judgement::Denied => Err(denied("these credentials don't open the database")),
        }
    }
}

impl Policy for KeysPolicy {
    fn authorize(&self, asked: Asked) -> BoxFuture<'_, Result<Access, Denial>> {
        Box::pin(std::future::ready(self.decide(&asked)))
    }
}
