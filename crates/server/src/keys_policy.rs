//! A policy by capability tokens: whoever holds a database's token has its role, and its owner
//! brings it to the server. See [`settee_keys`].

use settee_keys::{
    DatabaseId, Judgement, Said, Shown, Token, Verifiers, access, home::HOME_PREFIX, judge_shown,
};
use settee_store::{BackendError, backend::BoxFuture, replication::ReplicatedDocument};
use settee_sync::{Denial, DenialCode, Role};

use crate::policy::{Access, Asked, Known, Named, NewDatabase, Policy};

/// Names of databases are [`DatabaseId`]s, credentials the bytes of a [`Token`]. Who else may open a
/// database its owners say in its [access documents](settee_keys::access). Needs no accounts.
#[derive(Debug, Clone)]
pub struct KeysPolicy {
    kind: String,
    homes: Option<String>,
    creation: Creation,
}

/// Which owners may bring their databases to the server.
#[derive(Debug, Clone, Default)]
pub enum Creation {
    /// All of them.
    #[default]
    Open,
    /// Those who know this token. Their credentials are the owner's token and then this one.
    Token(Token),
    /// None: the server keeps the databases that it has.
    Closed,
}

impl KeysPolicy {
    /// Owners create databases of this kind.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), homes: None, creation: Creation::Open }
    }

    /// Keeps [homes](settee_keys::home), too, as databases of this kind.
    /// [`home::check`](settee_keys::home::check) is a validator for them.
    #[must_use]
    pub fn homes(mut self, kind: impl Into<String>) -> Self {
        self.homes = Some(kind.into());
        self
    }

    /// Says which owners may.
    #[must_use]
    pub fn creation(mut self, creation: Creation) -> Self {
        self.creation = creation;
        self
    }

    /// Whether these credentials, beyond the owner's token, allow to create a database.
    fn may_create(&self, permit: &[u8]) -> bool {
        match &self.creation {
            Creation::Open => true,
            // How long it takes to compare verifiers tells nothing of a token.
            Creation::Token(token) => {
                let shown = Token::from_bytes(permit);
                shown.is_ok_and(|shown| shown.verifier() == token.verifier())
            }
            Creation::Closed => false,
        }
    }

    async fn decide(&self, asked: Asked) -> Result<Access, Denial> {
        let denied = |message| Denial::new(DenialCode::Denied, message);
        let length = asked.credentials.len().min(Token::SIZE);
        let (token, permit) = asked.credentials.split_at(length);
        if !matches!(permit.len(), 0 | Token::SIZE) {
            return Err(denied("these credentials are too long"));
        }
        let token =
            Token::from_bytes(token).map_err(|_| denied("these credentials are incomplete"))?;
        let may_create = asked.known.is_some() || self.may_create(permit);
        let full = "this server takes no new databases from strangers";
        if let Some(kind) = &self.homes
            && asked.database.starts_with(HOME_PREFIX)
        {
            if token.home_it_opens() != asked.database {
                return Err(denied("these credentials don't open the home"));
            }
            let access = Access::lasting(Role::Owner).creating(NewDatabase::of_kind(kind));
            return may_create.then_some(access).ok_or_else(|| denied(full));
        }
        let id: DatabaseId =
            asked.database.parse().map_err(|_| denied("there is no database of that name"))?;
        let verifiers = match &asked.known {
            Some(known) => Some(Verifiers::decode(&known.meta).map_err(|error| {
                tracing::error!(%error, "what is kept beside a database can't be read");
                undecided()
            })?),
            None => None,
        };
        let shown = Shown::of(&id, &token);
        let said = match &asked.known {
            Some(known) => said(known, shown).await.map_err(|error| {
                tracing::error!(%error, "what a database says of access can't be read");
                undecided()
            })?,
            None => Said::default(),
        };
        match judge_shown(shown, verifiers.as_ref(), &said) {
            Judgement::Granted(Role::Owner) if !may_create => Err(denied(full)),
            Judgement::Granted(Role::Owner) => {
                let meta = Verifiers::of_owner(&token).encode();
                let new = NewDatabase { kind: self.kind.clone(), meta };
                Ok(Access::lasting(Role::Owner).named(shown.to_string()).creating(new))
            }
            Judgement::Granted(role) => {
                let access = Access::lasting(role).tagged(token.verifier().tag());
                let adds = role > Role::Helper || said.helpers.add;
                Ok(access.adding(adds).named(shown.to_string()))
            }
            Judgement::Unknown => {
                Err(Denial::new(DenialCode::Unknown, "the server doesn't have the database yet"))
            }
            Judgement::Revoked => {
                Err(Denial::new(DenialCode::Revoked, "this access was taken back"))
            }
            Judgement::Denied => Err(denied("these credentials don't open the database")),
        }
    }
}

impl Policy for KeysPolicy {
    fn authorize(&self, asked: Asked) -> BoxFuture<'_, Result<Access, Denial>> {
        Box::pin(self.decide(asked))
    }

    fn holds(&self, named: Named) -> BoxFuture<'_, Result<bool, BackendError>> {
        Box::pin(holds(named))
    }

    fn check(&self, document: &ReplicatedDocument) -> Result<(), String> {
        access::check(document).map_err(|error| error.to_string())
    }
}

async fn holds(named: Named) -> Result<bool, BackendError> {
    let Named { database: _, grant, known } = named;
    let (Ok(shown), Ok(verifiers)) = (grant.parse(), Verifiers::decode(&known.meta)) else {
        return Ok(false);
    };
    let said = said(&known, shown).await?;
    Ok(matches!(judge_shown(shown, Some(&verifiers), &said), Judgement::Granted(_)))
}

/// What the database says of a token. Of the owner's it needn't say anything.
async fn said(known: &Known, shown: Shown) -> Result<Said, BackendError> {
    let Shown::Other(verifier) = shown else { return Ok(Said::default()) };
    let records = known.read(Said::ids_of(&verifier)).await?;
    Ok(Said::of(records.iter().map(Option::as_deref)))
}

fn undecided() -> Denial {
    Denial::new(DenialCode::Unavailable, "the server can't decide on access now")
}
