//! What owners have said of access, as sets. The server has to decide as this does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use settee_keys::{Role, Token, token::Epoch};
use settee_store::{DocumentId, Revision};

use crate::{bearer::Bearer, server::Loss};

type Secret = [u8; Token::SIZE];

/// What a revision of an access document says.
#[derive(Debug, Clone)]
pub enum Statement {
    Invites(Token, Role),
    Revokes(Token),
    Renews(Epoch),
    /// Helpers may add, or may not. It says so instead of what these revisions say.
    LetsAdd(bool, Vec<Revision>),
}

/// By database.
pub struct Model(Vec<Database>);

struct Database {
    owner: Token,
    /// All that owners have ever said, on any device.
    said: HashMap<(DocumentId, Revision), Statement>,
    known: Known,
    backup: Known,
    /// Invitations that were taken back as far as the server has ever known.
    ever_revoked: BTreeSet<Secret>,
}

/// What has reached the server. A server that was put back to an earlier state knows what it knew then,
/// until an owner's device tells it the rest: see SECURITY.md.
#[derive(Clone, Default)]
struct Known {
    /// An owner has brought the database.
    is_there: bool,
    invited: BTreeMap<Secret, Role>,
    revoked: BTreeSet<Secret>,
    epoch: Epoch,
    /// What was said of helpers, and instead of which revisions.
    adding: BTreeMap<Revision, (bool, Vec<Revision>)>,
}

impl Model {
    pub fn new(owners: &[Token]) -> Self {
        let database = |owner: &Token| Database {
            owner: owner.clone(),
            said: HashMap::new(),
            known: Known::default(),
            backup: Known::default(),
            ever_revoked: BTreeSet::new(),
        };
        Self(owners.iter().map(database).collect())
    }

    /// What somebody may do now.
    pub fn role(&self, bearer: &Bearer) -> Option<Role> {
        let token = bearer.token.as_ref()?;
        let Database { owner, known, .. } = &self.0[bearer.place.1];
        let secret = token.as_bytes();
        if token == owner {
            return Some(Role::Owner);
        }
        if !known.is_there || known.revoked.contains(secret) {
            return None;
        }
        let invited = known.invited.get(secret).copied();
        invited.or_else(|| link_role(owner, known.epoch, token))
    }

    /// Whether helpers may add documents: not if anything says otherwise that nothing was said instead of.
    pub fn lets_add(&self, number: usize) -> bool {
        let Known { adding, .. } = &self.0[number].known;
        let replaced: BTreeSet<_> =
            adding.values().flat_map(|(_, instead_of)| instead_of).collect();
        adding.iter().all(|(revision, (may, _))| *may || replaced.contains(revision))
    }

    /// Whether an invitation was taken back once. It is good again only on a server that has lost that, and until
    /// an owner's device has told it again.
    pub fn was_revoked(&self, bearer: &Bearer) -> bool {
        let Database { ever_revoked, .. } = &self.0[bearer.place.1];
        bearer.token.as_ref().is_some_and(|token| ever_revoked.contains(token.as_bytes()))
    }

    /// An owner has said something on one of their devices.
    pub fn said(&mut self, number: usize, revision: (DocumentId, Revision), statement: Statement) {
        self.0[number].said.insert(revision, statement);
    }

    /// An owner has brought a database to the server.
    pub fn brought(&mut self, number: usize) {
        self.0[number].known.is_there = true;
    }

    /// A revision has reached the server.
    pub fn reached(&mut self, number: usize, revision: &(DocumentId, Revision)) {
        let Database { said, known, ever_revoked, .. } = &mut self.0[number];
        match said.get(revision) {
            Some(Statement::Invites(token, role)) => {
                // Who is invited may lose rights again, and never gets more by the same invitation.
                let least = known.invited.entry(*token.as_bytes()).or_insert(*role);
                *least = (*least).min(*role);
            }
            Some(Statement::Revokes(token)) => {
                known.revoked.insert(*token.as_bytes());
                ever_revoked.insert(*token.as_bytes());
            }
            Some(Statement::Renews(epoch)) => known.epoch = known.epoch.max(*epoch),
            Some(Statement::LetsAdd(may, instead_of)) => {
                known.adding.insert(revision.1, (*may, instead_of.clone()));
            }
            None => {}
        }
    }

    pub fn backed_up(&mut self) {
        self.0.iter_mut().for_each(|database| database.backup = database.known.clone());
    }

    pub fn lost(&mut self, number: usize, loss: Loss) {
        let Database { known, backup, .. } = &mut self.0[number];
        *known = if loss == Loss::Deleted { Known::default() } else { backup.clone() };
    }
}

/// The role that a token has by a link of this epoch.
fn link_role(owner: &Token, epoch: Epoch, token: &Token) -> Option<Role> {
    let editor = owner.editor(epoch);
    let helper = editor.helper();
    let links = [(helper.viewer(), Role::Viewer), (helper, Role::Helper), (editor, Role::Editor)];
    links.into_iter().find_map(|(link, role)| (link == *token).then_some(role))
}
