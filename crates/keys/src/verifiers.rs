//! What a server keeps to decide who may open a database, and how it decides.

use std::{fmt, str::FromStr};

use minicbor::{Decode, Encode};
use serde_json::{Map, Value};
use settee_store::Body;
use settee_sync::Role;
use thiserror::Error;

use crate::{
    DatabaseId, Token,
    access::{Invited, Links, Said},
    token::{Epoch, TokenError, Verifier},
};

/// Hashes of the tokens in a database's links. Nobody can make a token of them. In JSON its fields have the
/// same names, and hashes are base64url.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Verifiers {
    #[n(0)]
    epoch: Epoch,
    #[n(1)]
    editor: Verifier,
    /// Absent in what was kept before there were helpers.
    #[n(4)]
    helper: Option<Verifier>,
    #[n(2)]
    viewer: Verifier,
    /// Of the links before, the latest first: whoever has one is told that it was good once.
    #[cbor(n(3), default)]
    former: Vec<Verifier>,
}

/// Of how many epochs before it is remembered which links they had.
const FORMER_EPOCHS: u32 = 8;
/// How many links an epoch has.
const LINKS: usize = 3;

impl Verifiers {
    /// Those of a database's first links, from its owner's token.
    pub fn of_owner(owner: &Token) -> Self {
        Self::of_epoch(owner, 0)
    }

    /// Those of the links of an epoch, from the owner's token.
    pub fn of_epoch(owner: &Token, epoch: Epoch) -> Self {
        let of = |epoch| {
            let editor = owner.editor(epoch);
            let helper = editor.helper();
            [&editor, &helper, &helper.viewer()].map(Token::verifier)
        };
        let [editor, helper, viewer]: [_; LINKS] = of(epoch);
        let former = (epoch.saturating_sub(FORMER_EPOCHS)..epoch).rev().flat_map(of).collect();
        Self { epoch, editor, helper: Some(helper), viewer, former }
    }

    /// Reads an access document; `None` if it doesn't say which links are good.
    pub fn read(body: &Body) -> Option<Self> {
        let fields = body.fields();
        let verifier = |value: &Value| value.as_str()?.parse().ok();
        let former = match fields.get("former") {
            Some(former) => former.as_array()?.iter().map(verifier).collect::<Option<_>>()?,
            None => Vec::new(),
        };
        Some(Self {
            epoch: fields.get("epoch")?.as_u64()?.try_into().ok()?,
            editor: verifier(fields.get("editor")?)?,
            helper: fields.get("helper").and_then(verifier),
            viewer: verifier(fields.get("viewer")?)?,
            former,
        })
    }

    /// The fields of the access document.
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut set = |name: &str, value| fields.insert(name.to_owned(), value);
        set("epoch", self.epoch.into());
        set("editor", self.editor.to_string().into());
        if let Some(helper) = &self.helper {
            set("helper", helper.to_string().into());
        }
        set("viewer", self.viewer.to_string().into());
        let former = self.former.iter().map(|one| Value::String(one.to_string()));
        set("former", former.collect());
        fields
    }

    /// Which links these are of: the latest are good, and no others.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether it remembers no more than it should.
    pub(crate) fn is_short(&self) -> bool {
        self.former.len() <= LINKS * FORMER_EPOCHS as usize
    }

    /// The role that a link with this token gives.
    fn role_of(&self, token: Verifier) -> Option<Role> {
        // All are compared, so that the time doesn't tell which one it is.
        let roles = [
            (token == self.editor).then_some(Role::Editor),
            (Some(token) == self.helper).then_some(Role::Helper),
            (token == self.viewer).then_some(Role::Viewer),
        ];
        roles.into_iter().flatten().next()
    }

    /// The bytes that a server keeps.
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }

    /// Reads what [`Verifiers::encode`] has made.
    pub fn decode(bytes: &[u8]) -> Result<Self, VerifiersError> {
        minicbor::decode(bytes).map_err(|_| VerifiersError)
    }
}

/// The bytes are no verifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("these bytes are no verifiers")]
pub struct VerifiersError;

/// What a server decides about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It opens the database, in this role.
    Granted(Role),
    /// The server doesn't have the database, and only its owner can bring it.
    Unknown,
    /// It opened the database once, and doesn't any more.
    Revoked,
    /// It doesn't open the database.
    Denied,
}

/// Which token somebody has shown: enough to decide, and nothing that opens a database. As a text it can be kept
/// beside what outlasts a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The owner's.
    Owner,
    /// Another one.
    Other(Verifier),
}

impl Shown {
    /// What is to be known of a token for the database of this id.
    pub fn of(id: &DatabaseId, token: &Token) -> Self {
        if token.database_id() == *id { Self::Owner } else { Self::Other(token.verifier()) }
    }
}

/// The text that stands for the owner's.
const OWNER: &str = "owner";

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str(OWNER),
            Self::Other(verifier) => verifier.fmt(f),
        }
    }
}

impl FromStr for Shown {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if text == OWNER { Ok(Self::Owner) } else { text.parse().map(Self::Other) }
    }
}

/// Decides what a token opens. `first` are the verifiers of the database's first links, or `None` if
/// the server doesn't have the database; `said` is what the database itself says of the token.
pub fn judge(id: &DatabaseId, token: &Token, first: Option<&Verifiers>, said: &Said) -> Judgement {
    judge_shown(Shown::of(id, token), first, said)
}

/// The same of a token of which only that much is known.
pub fn judge_shown(shown: Shown, first: Option<&Verifiers>, said: &Said) -> Judgement {
    let Shown::Other(token) = shown else { return Judgement::Granted(Role::Owner) };
    let Some(first) = first else { return Judgement::Unknown };
    let latest = match &said.links {
        Links::First => Some(first),
        Links::Renewed(links) => Some(links).filter(|links| links.epoch > first.epoch),
        Links::None => None,
    };
    let was_good =
        |links: &Verifiers| links.former.contains(&token) || links.role_of(token).is_some();
    match (said.invited, latest.and_then(|links| links.role_of(token))) {
        (Some(Invited::As(role)), _) | (None, Some(role)) => Judgement::Granted(role),
        (Some(Invited::Revoked), _) => Judgement::Revoked,
        _ if was_good(first) || latest.is_some_and(was_good) => Judgement::Revoked,
        _ => Judgement::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_role() {
        let owner = Token::generate();
        let id = owner.database_id();
        let verifiers = Verifiers::decode(&Verifiers::of_owner(&owner).encode()).unwrap();
        let judged = |token: &Token| judge(&id, token, Some(&verifiers), &Said::default());
        assert_eq!(judged(&owner), Judgement::Granted(Role::Owner));
        assert_eq!(judged(&owner.editor(0)), Judgement::Granted(Role::Editor));
        assert_eq!(judged(&owner.editor(0).helper()), Judgement::Granted(Role::Helper));
        assert_eq!(judged(&owner.editor(0).helper().viewer()), Judgement::Granted(Role::Viewer));
        assert_eq!(judged(&owner.editor(1)), Judgement::Denied);
        assert_eq!(judged(&Token::generate()), Judgement::Denied);
        for token in [&owner, &owner.editor(0), &owner.editor(1)] {
            let shown: Shown = Shown::of(&id, token).to_string().parse().unwrap();
            assert_eq!(judge_shown(shown, Some(&verifiers), &Said::default()), judged(token));
        }
        assert!("no verifier".parse::<Shown>().is_err());
        assert_eq!(Verifiers::decode(b"something else"), Err(VerifiersError));
    }

    #[test]
    fn only_the_owner_brings_a_database() {
        let owner = Token::generate();
        let id = owner.database_id();
        assert_eq!(judge(&id, &owner, None, &Said::default()), Judgement::Granted(Role::Owner));
        assert_eq!(judge(&id, &owner.editor(0), None, &Said::default()), Judgement::Unknown);
    }
}
