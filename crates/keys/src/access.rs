//! Access documents: in them a database's owners say who else may open it.
//!
//! They are documents of the database like all others, so they are written offline and reach every
//! member. A server takes them from owners only, and goes by what it has. One says which links are good
//! ([`Verifiers`], under [`links_id`]), one what helpers may ([`HelpersMay`], under [`helpers_id`]), and there is one
//! for each personal invitation ([`Invitation`], under [`invitation_id`]).

use serde_json::{Map, Value};
use settee_store::{
    Body, DocumentId, Record,
    replication::{ReplicatedDocument, ReplicatedRevision},
};
use settee_sync::Role;
pub use settee_sync::access::{ACCESS_PREFIX, LINKS_ID, says_who_may};
use thiserror::Error;

use crate::{Token, Verifiers, random::random_name, token::Verifier};

/// Longest name of an invited person, in bytes.
pub const LABEL_LIMIT: usize = 256;
/// Longest seed of an invitation, in bytes.
const SEED_LIMIT: usize = 64;

/// An invitation of one person. In JSON its fields have the same names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// What the person may do, by the role's name. Nobody is invited as an owner.
    pub role: Role,
    /// Who it is for, in the owner's words: at most [`LABEL_LIMIT`] bytes. All members can read it.
    pub label: String,
    /// Who invites, as they call themselves: at most [`LABEL_LIMIT`] bytes, and empty if they don't say.
    pub from: String,
    /// What the invitation's token is made of, with the owner's: see [`Token::invitation`]. So every
    /// device of an owner can show the link again.
    pub seed: String,
    /// Whether it was taken back. That is for good: who is invited again gets another invitation.
    /// Absent until then.
    pub revoked: bool,
}

/// What an owner lets helpers do. In JSON its field has the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelpersMay {
    /// Whether they may add documents of their own. Where nothing is said, they may.
    pub add: bool,
}

impl Default for HelpersMay {
    fn default() -> Self {
        Self { add: true }
    }
}

/// Why a document doesn't say who may open a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AccessError {
    /// It is neither about links or helpers nor an invitation.
    #[error("there is no access document of this name")]
    Id,
    /// Its fields are not what they should be.
    #[error("the fields of an access document are missing, or not what they should be")]
    Fields,
    /// Nobody is invited as an owner.
    #[error("an invitation is not for owners")]
    Role,
    /// Who it is for, or its seed, is too long.
    #[error("the name or the seed of an invitation is too long")]
    TooLong,
    /// It can be changed only: what was said of access is kept.
    #[error("an access document can't be deleted")]
    Deleted,
}

impl Invitation {
    /// An invitation that was never used.
    pub fn new(role: Role, label: impl Into<String>) -> Self {
        Self { role, label: label.into(), from: String::new(), seed: random_name(), revoked: false }
    }

    /// The same, from somebody of this name.
    #[must_use]
    pub fn by(mut self, name: impl Into<String>) -> Self {
        self.from = name.into();
        self
    }

    /// Reads an access document; `None` if it is no invitation.
    pub fn read(body: &Body) -> Option<Self> {
        let fields = body.fields();
        let text = |name| fields.get(name)?.as_str();
        Some(Self {
            role: text("role")?.parse().ok()?,
            label: text("label")?.to_owned(),
            from: text("from").unwrap_or_default().to_owned(),
            seed: text("seed")?.to_owned(),
            revoked: fields.get(REVOKED).map_or(Some(false), Value::as_bool)?,
        })
    }

    /// The fields of the access document.
    pub fn fields(&self) -> Map<String, Value> {
        let Self { role, label, from, seed, revoked } = self;
        let mut fields = Map::new();
        let mut set = |name: &str, value| fields.insert(name.to_owned(), value);
        set("role", role.name().into());
        set("label", label.as_str().into());
        set("seed", seed.as_str().into());
        if !from.is_empty() {
            set("from", from.as_str().into());
        }
        if *revoked {
            set(REVOKED, true.into());
        }
        fields
    }
}

impl HelpersMay {
    /// Reads an access document; `None` if it doesn't say what helpers may.
    pub fn read(body: &Body) -> Option<Self> {
        Some(Self { add: body.fields().get(ADD)?.as_bool()? })
    }

    /// The fields of the access document.
    pub fn fields(self) -> Map<String, Value> {
        Map::from_iter([(ADD.to_owned(), self.add.into())])
    }

    /// What a record under [`helpers_id`] says. While owners have said different things, and nobody has settled it, or
    /// one of them can't be read, the least holds.
    pub fn of(record: Option<&Record>) -> Self {
        let mut said = record.into_iter().flat_map(|record| leaves(record, Self::read));
        Self { add: said.all(|said| said.is_some_and(|said| said.add)) }
    }
}

/// Where the invitation with this token is.
pub fn invitation_id(token: &Token) -> DocumentId {
    id_of(&token.verifier())
}

fn id_of(verifier: &Verifier) -> DocumentId {
    DocumentId::new(&format!("{ACCESS_PREFIX}{verifier}"))
        .expect("a short name after a prefix is an id")
}

/// Where it says which links are good.
pub fn links_id() -> DocumentId {
    DocumentId::new(LINKS_ID).expect("the name is an id")
}

/// Where it says what helpers may.
pub fn helpers_id() -> DocumentId {
    DocumentId::new(HELPERS_ID).expect("the name is an id")
}

const HELPERS_ID: &str = "access/helpers";
/// The field that says whether helpers may add: see [`HelpersMay::add`].
const ADD: &str = "add";
/// The field of an invitation that was taken back: see [`Invitation::revoked`].
pub const REVOKED: &str = "revoked";

/// What a database's access documents say of one token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    pub(crate) links: Links,
    pub(crate) invited: Option<Invited>,
    /// What whoever has it may, if they are a helper.
    pub helpers: HelpersMay,
}

/// Which links are good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Links {
    /// Those that the database began with.
    #[default]
    First,
    /// Those that took their place.
    Renewed(Verifiers),
    /// None of them, because what was said can't be read.
    None,
}

/// Whether the token is somebody's invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invited {
    As(Role),
    Revoked,
}

impl Said {
    /// The documents to read for a token.
    pub fn ids(token: &Token) -> Vec<DocumentId> {
        Self::ids_of(&token.verifier())
    }

    /// The same for the token with this verifier.
    pub fn ids_of(verifier: &Verifier) -> Vec<DocumentId> {
        vec![links_id(), id_of(verifier), helpers_id()]
    }

    /// What the records under [`Said::ids`] say, in that order; `None` where there is none. While owners have said different things, and nobody has
    /// settled it, the latest links are good, and of an invitation the least holds.
    pub fn of<'a>(records: impl IntoIterator<Item = Option<&'a Record>>) -> Self {
        let mut records = records.into_iter();
        let [links, invitation, helpers] = std::array::from_fn(|_| records.next().flatten());
        let links = links.map_or(Links::First, |record| {
            latest_links(record).map_or(Links::None, Links::Renewed)
        });
        let invited = invitation.and_then(|record| {
            let said = leaves(record, Invitation::read).map(|invitation| match invitation {
                Some(Invitation { role, revoked: false, .. }) => Invited::As(role),
                _ => Invited::Revoked,
            });
            said.reduce(|one, other| match (one, other) {
                (Invited::As(one), Invited::As(other)) => Invited::As(one.min(other)),
                _ => Invited::Revoked,
            })
        });
        Self { links, invited, helpers: HelpersMay::of(helpers) }
    }
}

/// The links that a record under [`links_id`] says are good; `None` if a part of it can't be read. Owners
/// who have renewed them at the same time have said several things: then the latest are good.
pub fn latest_links(record: &Record) -> Option<Verifiers> {
    let said: Option<Vec<Verifiers>> = leaves(record, Verifiers::read).collect();
    said?.into_iter().max_by_key(Verifiers::epoch)
}

/// What each leaf of a record says; `None` for one that is deleted or can't be read.
fn leaves<T>(
    record: &Record,
    read: impl Fn(&Body) -> Option<T>,
) -> impl Iterator<Item = Option<T>> {
    let leaves = record.tree.leaves().into_iter();
    leaves.map(move |leaf| leaf.body.as_ref().filter(|_| !leaf.deleted).and_then(&read))
}

/// Checks every body that travels with an access document.
pub fn check(document: &ReplicatedDocument) -> Result<(), AccessError> {
    let name = document.id.as_str().strip_prefix(ACCESS_PREFIX).ok_or(AccessError::Id)?;
    let [is_links, is_helpers] = [LINKS_ID, HELPERS_ID].map(|id| document.id.as_str() == id);
    if !is_links && !is_helpers && name.parse::<Verifier>().is_err() {
        return Err(AccessError::Id);
    }
    document.revisions.iter().try_for_each(|revision| {
        let ReplicatedRevision { deleted: false, body, .. } = revision else {
            return Err(AccessError::Deleted);
        };
        let Some(body) = body else { return Ok(()) };
        if is_links {
            let links = Verifiers::read(body).filter(Verifiers::is_short);
            return links.map(drop).ok_or(AccessError::Fields);
        }
        if is_helpers {
            return HelpersMay::read(body).map(drop).ok_or(AccessError::Fields);
        }
        let Invitation { role, label, from, seed, revoked: _ } =
            Invitation::read(body).ok_or(AccessError::Fields)?;
        if role == Role::Owner {
            return Err(AccessError::Role);
        }
        let is_short = label.len().max(from.len()) <= LABEL_LIMIT && seed.len() <= SEED_LIMIT;
        if is_short { Ok(()) } else { Err(AccessError::TooLong) }
    })
}
