//! Who may do what with which database.

use std::collections::BTreeMap;

use settee_sync::{Denial, DenialCode, Role};

use super::{Disk, keys::Keys};
use crate::{
    bearer::{Bearer, Place},
    context::Context,
    scenario::Membership,
    violation::{Violation, violation},
};

pub type Decision = Result<Role, Denial>;

/// Temporary access instead of what the scenario has drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    Revoked,
    Role(Role),
}

pub struct Access {
    memberships: BTreeMap<Place, Membership>,
    exceptions: BTreeMap<Place, Exception>,
    /// If access is by tokens, these decide instead.
    pub keys: Option<Keys>,
}

impl Access {
    pub fn by(keys: Option<Keys>) -> Self {
        Self { memberships: BTreeMap::new(), exceptions: BTreeMap::new(), keys }
    }

    pub fn admit(&mut self, place: Place, membership: Membership) {
        self.memberships.insert(place, membership);
    }

    /// The server's decision on somebody, which has to be right.
    pub fn decide(
        &self,
        context: &Context,
        disk: &Disk,
        bearer: &Bearer,
    ) -> Result<Decision, Violation> {
        let Some(keys) = &self.keys else { return Ok(self.drawn(bearer.place)) };
        let (decision, right) = (keys.judge(context, disk, bearer), self.role(bearer));
        if decision.as_ref().ok() != right.as_ref() {
            let (person, database) = bearer.place;
            return violation(format!(
                "person {person} gets {decision:?} in database {database}, but should get {right:?}"
            ));
        }
        Ok(decision)
    }

    /// Whether helpers may add documents of their own. With tokens, owners say it.
    pub fn lets_add(&self, disk: &Disk, number: usize) -> Result<bool, Violation> {
        self.keys.as_ref().map_or(Ok(true), |keys| keys.lets_add(disk, number))
    }

    /// What somebody may do now. With tokens, the model says it.
    pub fn role(&self, bearer: &Bearer) -> Option<Role> {
        match &self.keys {
            Some(keys) => keys.model.role(bearer),
            None => self.drawn(bearer.place).ok(),
        }
    }

    /// Whether what somebody writes now may reach the server at some time. With tokens, that depends on those
    /// they will have then, so each commit is checked instead.
    pub fn may_write(&self, bearer: &Bearer) -> bool {
        self.keys.is_some() || self.role(bearer).is_some_and(Role::can_write)
    }

    fn drawn(&self, place: Place) -> Decision {
        let denied = || Denial::new(DenialCode::Denied, "these credentials don't open it");
        let membership = self.memberships.get(&place).ok_or_else(denied)?;
        match self.exceptions.get(&place) {
            Some(Exception::Revoked) => {
                Err(Denial::new(DenialCode::Revoked, "these credentials don't open it any more"))
            }
            Some(Exception::Role(role)) => Ok(*role),
            None => membership.role().ok_or_else(denied),
        }
    }

    pub fn exception(&self, place: Place) -> Option<Exception> {
        self.exceptions.get(&place).copied()
    }

    /// All members with temporary access.
    pub fn exceptions(&self) -> Vec<Place> {
        self.exceptions.keys().copied().collect()
    }

    pub fn change(&mut self, place: Place, exception: Option<Exception>) {
        if let Some(exception) = exception {
            self.exceptions.insert(place, exception);
        } else {
            self.exceptions.remove(&place);
        }
    }
}
