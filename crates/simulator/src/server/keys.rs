//! Access by tokens: the server judges by what its databases hold, as the server kit does.

use settee_keys::{
    DatabaseId, Judgement, Said, Token, Verifiers,
    access::{self, HelpersMay, helpers_id},
    judge,
};
use settee_store::replication::ReplicatedDocument;
use settee_sync::{
    Denial, DenialCode, Role,
    access::{is_clerks, says_who_may},
};

use super::Disk;
use crate::{
    bearer::Bearer,
    context::Context,
    databases::at_once,
    model::Model,
    sabotage,
    violation::{Violation, violation},
};

pub struct Keys {
    /// The names of the databases.
    ids: Vec<DatabaseId>,
    /// What its judgements are compared with.
    pub model: Model,
}

impl Keys {
    pub fn new(owners: &[Token]) -> Self {
        Self { ids: owners.iter().map(Token::database_id).collect(), model: Model::new(owners) }
    }

    /// An owner opens a database, which creates it where it isn't there.
    pub fn create(&mut self, disk: &mut Disk, bearer: &Bearer) {
        disk.verifiers = bearer.token.as_ref().map(Verifiers::of_owner);
        self.model.brought(bearer.place.1);
    }

    /// Checks that whoever is let in has an invitation that was never taken back, unless the server has lost that.
    pub fn stays_revoked(
        &self,
        context: &mut Context,
        disk: &Disk,
        bearer: &Bearer,
    ) -> Result<(), Violation> {
        if !self.model.was_revoked(bearer) {
            return Ok(());
        }
        if disk.losses == 0 {
            let (person, database) = bearer.place;
            return violation(format!("person {person} is back in database {database}"));
        }
        context.tally.count("access: opened, though it was taken back before a loss");
        Ok(())
    }

    /// Whether helpers may add documents of their own.
    pub fn lets_add(&self, disk: &Disk, number: usize) -> Result<bool, Violation> {
        let may = HelpersMay::of(disk.record(&helpers_id()).as_deref()).add;
        if may == self.model.lets_add(number) {
            return Ok(may);
        }
        violation(format!("that helpers may add in database {number} is {may}, but shouldn't be"))
    }

    pub fn judge(&self, context: &Context, disk: &Disk, bearer: &Bearer) -> Result<Role, Denial> {
        let denied = |code, message| Err(Denial::new(code, message));
        let Some(token) = &bearer.token else {
            return denied(DenialCode::Denied, "these credentials are incomplete");
        };
        let Ok(records) = at_once(disk.database.records(Said::ids(token))) else {
            return denied(DenialCode::Unavailable, "the server can't decide on access now");
        };
        let invitation = records.get(1).and_then(Option::as_deref);
        let said = Said::of(records.iter().map(Option::as_deref));
        let id = &self.ids[bearer.place.1];
        let judgement = judge(id, token, disk.verifiers.as_ref(), &said);
        match sabotage::overlook(context, judgement, invitation) {
            Judgement::Granted(role) => Ok(role),
            Judgement::Unknown => denied(DenialCode::Unknown, "the server doesn't have it yet"),
            Judgement::Revoked => denied(DenialCode::Revoked, "this access was taken back"),
            Judgement::Denied => denied(DenialCode::Denied, "these credentials don't open it"),
        }
    }
}

/// Whether somebody in this role may say what the document says of access, if it does. Nobody says what a clerk
/// does.
pub fn may_say(context: &Context, role: Role, document: &ReplicatedDocument) -> bool {
    if is_clerks(&document.id) {
        return sabotage::lets_anybody_answer(context);
    }
    let is_theirs = role.can_write_to(&document.id) || sabotage::lets_editors_say(context);
    !says_who_may(&document.id) || is_theirs && access::check(document).is_ok()
}
