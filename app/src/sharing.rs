//! Who else may open the list on the screen, as its access documents say.

use leptos::prelude::*;
use leptos::web_sys::js_sys::{Array, JsString, Object};
use serde_json::{Map, Value};
use settee::keys::{
    Invitation, Keyring, Role, Token,
    access::{HelpersMay, helpers_id, invitation_id, latest_links, links_id, says_who_may},
    token::Epoch,
};
use settee::store::{Database, DocumentId, Record};
use settee_todo::document::LINKS;
use settee_todo::seen::{SEEN, last_seen};

use crate::records::follow_records;

/// Who else may open a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// What is here of the list was read to its end.
    is_read: bool,
    /// Which links are good.
    epoch: Epoch,
    /// What those may do besides who can tick.
    pub helpers: HelpersMay,
    /// Who was invited by a personal link, by name.
    pub people: Vec<Person>,
    /// When they were last here.
    seen: Map<String, Value>,
}

/// Somebody who was invited by a personal link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: DocumentId,
    pub invitation: Invitation,
}

impl Sharing {
    /// Follows what a list says, as long as the component lives.
    pub fn follow(list: Database) -> RwSignal<Self> {
        let signal = RwSignal::new(Self::default());
        follow_records(list, Learnt::of, move |learnt, is_read| {
            signal.try_maybe_update(|sharing| {
                let is_new = !learnt.is_empty() || !sharing.is_read && is_read;
                for it in learnt {
                    sharing.learn(it);
                }
                sharing.is_read = is_read;
                (is_new, ())
            });
        });
        signal
    }

    fn learn(&mut self, learnt: Learnt) {
        match learnt {
            Learnt::Links(epoch) => self.epoch = self.epoch.max(epoch),
            Learnt::Helpers(helpers) => self.helpers = helpers,
            Learnt::Seen(seen) => self.seen = seen,
            Learnt::Person(person) => {
                self.people.retain(|known| known.id != person.id);
                let name = JsString::from(&*person.invitation.label);
                let is_before = |known: &Person| {
                    let other = &known.invitation.label;
                    name.locale_compare(other, &Array::new(), &Object::new()) >= 0
                };
                let place = self.people.partition_point(is_before);
                self.people.insert(place, person);
            }
        }
    }

    /// The day on which somebody was last here, counted from the first of January 1970.
    pub fn last_seen(&self, person: &DocumentId) -> Option<u64> {
        last_seen(&self.seen, person)
    }

    /// Whether this device has come in by a personal link, which is nobody else's.
    pub fn is_invited(&self, keys: &Keyring) -> bool {
        let own = keys.best().map(invitation_id);
        keys.owner().is_none() && self.people.iter().any(|person| Some(&person.id) == own.as_ref())
    }

    /// A link that gives everybody this role, if this device can make one, and knows it already.
    pub fn link(&self, keys: &Keyring, role: Role) -> Option<String> {
        let is_known = self.is_read && !self.is_invited(keys);
        let token = keys.token_for(role, self.epoch).filter(|_| is_known)?;
        Some(address(keys, &token))
    }
}

/// A link that makes an owner of whoever has it, if this device is one.
pub fn owner_link(keys: &Keyring) -> Option<String> {
    Some(address(keys, keys.owner()?))
}

impl Person {
    /// The person's own link, which owners can make again.
    pub fn link(&self, keys: &Keyring) -> Option<String> {
        Some(address(keys, &keys.owner()?.invitation(&self.invitation.seed)))
    }
}

fn address(keys: &Keyring, token: &Token) -> String {
    // It fails on a page without an address alone.
    let origin = window().location().origin().unwrap_or_default();
    LINKS.invitation(&origin, keys.id(), token)
}

/// What a record says of a personal invitation, if it does.
pub fn invitation_in(record: &Record) -> Option<Person> {
    let document = says_who_may(&record.id).then(|| record.document()).flatten()?;
    let invitation = Invitation::read(&document.body)?;
    Some(Person { id: document.id, invitation })
}

enum Learnt {
    Links(Epoch),
    Helpers(HelpersMay),
    Seen(Map<String, Value>),
    Person(Person),
}

impl Learnt {
    /// What a record of the list says of access.
    fn of(record: &Record) -> Option<Self> {
        if record.id == links_id() {
            return latest_links(record).map(|links| Self::Links(links.epoch()));
        }
        if record.id == helpers_id() {
            return Some(Self::Helpers(HelpersMay::of(Some(record))));
        }
        if record.id.as_str() == SEEN {
            return record.document().map(|seen| Self::Seen(seen.body.fields()));
        }
        invitation_in(record).map(Self::Person)
    }
}
