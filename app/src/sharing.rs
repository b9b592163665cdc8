//! Who else may open the list on the screen, as its access documents say.

use std::cell::Cell;

use leptos::prelude::*;
use settee::keys::{
    Invitation, Keyring, Role, Token, Verifiers,
    access::{invitation_id, links_id, says_who_may},
    token::Epoch,
};
use settee::leptos::follow;
use settee::store::{BackendError, Database, DocumentId, WriteError};
use settee_todo::document::LINKS;

/// How many records are read at once.
const PAGE: usize = 1_000;

/// Who else may open a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Which links are good.
    pub epoch: Epoch,
    /// Who was invited alone, by name.
    pub people: Vec<Person>,
}

/// Somebody who was invited alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: DocumentId,
    pub invitation: Invitation,
}

impl Sharing {
    /// Follows what a list says, as long as the component lives.
    pub fn follow(list: Database) -> RwSignal<Self> {
        let signal = RwSignal::new(Self::default());
        let since = Cell::new(0);
        follow(list.watch(), async move |_| {
            // If it can't be read, the list itself says so.
            let Ok((learnt, until)) = changes(&list, since.get()).await else { return };
            since.set(until);
            if !learnt.is_empty() {
                signal.try_update(|sharing| learnt.into_iter().for_each(|it| sharing.learn(it)));
            }
        });
        signal
    }

    fn learn(&mut self, learnt: Learnt) {
        match learnt {
            Learnt::Links(epoch) => self.epoch = self.epoch.max(epoch),
            Learnt::Person(person) => {
                self.people.retain(|known| known.id != person.id);
                let name = |person: &Person| person.invitation.label.to_lowercase();
                let place = self.people.partition_point(|known| name(known) <= name(&person));
                self.people.insert(place, person);
            }
        }
    }

    /// A link that gives everybody this role, if this device can make one. Who was invited alone can't: their
    /// link is theirs.
    pub fn link(&self, keys: &Keyring, role: Role) -> Option<String> {
        let own = invitation_id(keys.best()?);
        let is_invited = self.people.iter().any(|person| person.id == own);
        if is_invited && keys.owner().is_none() {
            return None;
        }
        Some(address(keys, &keys.token_for(role, self.epoch)?))
    }
}

impl Person {
    /// The person's own link, which owners can make again.
    pub fn link(&self, keys: &Keyring) -> Option<String> {
        Some(address(keys, &keys.owner()?.invitation(&self.invitation.seed)))
    }
}

/// Invites somebody. Their link comes with the rest of the people.
pub async fn invite(
    list: &Database,
    owner: &Token,
    role: Role,
    name: &str,
) -> Result<(), WriteError> {
    let invitation = Invitation::new(role, name);
    let id = invitation_id(&owner.invitation(&invitation.seed));
    list.put(id.as_str(), &invitation).await.map(drop)
}

/// Takes an invitation back, for good.
pub async fn revoke(list: &Database, person: &Person) -> Result<(), WriteError> {
    let revoked = Invitation { revoked: true, ..person.invitation.clone() };
    list.patch(person.id.as_str(), &revoked).await.map(drop)
}

/// Makes new links. Those before open nothing any more, as soon as the server knows.
pub async fn renew(list: &Database, owner: &Token, epoch: Epoch) -> Result<(), WriteError> {
    let links = Verifiers::of_epoch(owner, epoch.saturating_add(1));
    list.put(links_id().as_str(), &links).await.map(drop)
}

fn address(keys: &Keyring, token: &Token) -> String {
    // It fails on a page without an address alone.
    let origin = window().location().origin().unwrap_or_default();
    LINKS.invitation(&origin, keys.id(), token)
}

enum Learnt {
    Links(Epoch),
    Person(Person),
}

/// What was said after a sequence, and the sequence until which it was read.
async fn changes(list: &Database, mut since: u64) -> Result<(Vec<Learnt>, u64), BackendError> {
    let mut learnt = Vec::new();
    loop {
        let records = list.changes(since, PAGE).await?;
        let Some(latest) = records.last() else { return Ok((learnt, since)) };
        since = latest.seq;
        let said = records.iter().filter(|record| says_who_may(&record.id));
        for document in said.filter_map(|record| record.document()) {
            if document.id == links_id() {
                learnt.extend(
                    document.body.read().ok().map(|it: Verifiers| Learnt::Links(it.epoch())),
                );
            } else if let Ok(invitation) = document.body.read() {
                learnt.push(Learnt::Person(Person { id: document.id, invitation }));
            }
        }
    }
}
