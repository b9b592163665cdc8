//! Who may do what with which database.

use std::collections::BTreeMap;

use settee_sync::{Denial, DenialCode, Role};

use crate::scenario::Membership;

/// A person, and a database.
pub type Place = (usize, usize);

/// Temporary access instead of what the scenario has drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    Revoked,
    Role(Role),
}

#[derive(Default)]
pub struct Access {
    memberships: BTreeMap<Place, Membership>,
    exceptions: BTreeMap<Place, Exception>,
}

impl Access {
    pub fn admit(&mut self, place: Place, membership: Membership) {
        self.memberships.insert(place, membership);
    }

    /// The role of a person now.
    pub fn decide(&self, place: Place) -> Result<Role, Denial> {
        let denied = || Denial::new(DenialCode::Denied, "these credentials don't open it");
        let membership = self.memberships.get(&place).ok_or_else(denied)?;
        match self.exceptions.get(&place) {
            Some(Exception::Revoked) => {
                Err(Denial::new(DenialCode::Revoked, "these credentials don't open it any more"))
            }
            Some(Exception::Role(role)) => Ok(*role),
            None => Ok(membership.role()),
        }
    }

    pub fn may_write(&self, place: Place) -> bool {
        self.decide(place).is_ok_and(Role::can_write)
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
