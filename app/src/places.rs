//! Which todos of the list on the screen only so many people can take, and who has.

use std::cell::Cell;

use leptos::prelude::*;
use serde::Serialize;
use settee::leptos::follow;
use settee::store::{Database, DocumentId, Record};
use settee_todo::document::TODO_PREFIX;
use settee_todo::list::each;
use settee_todo::places::{
    ASK_PREFIX, Ask, PLACES_PREFIX, Places, TAKEN_PREFIX, Taken, asked_about, new_ask_id, places_id,
};

use crate::opened::Opened;
use crate::session::SessionSlot;
use crate::settings;

/// A todo with places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The todo's id, without what all todos' ids begin with.
    name: String,
    /// How many there are; none if nothing is said of it any more.
    pub places: u32,
    pub taken: Taken,
    /// This device's request.
    mine: Option<String>,
}

/// How it stands with this device's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mine {
    /// There is none.
    None,
    /// The server has not answered yet.
    Waits,
    Granted,
    Refused,
}

impl Offer {
    pub fn todo(&self) -> String {
        format!("{TODO_PREFIX}{}", self.name)
    }

    pub fn mine(&self) -> Mine {
        let Some(mine) = &self.mine else { return Mine::None };
        if self.taken.taken.iter().any(|place| place.ask == *mine) {
            Mine::Granted
        } else if self.taken.refused.contains(mine) {
            Mine::Refused
        } else {
            Mine::Waits
        }
    }

    pub fn is_full(&self) -> bool {
        self.taken.taken.len() >= self.places as usize
    }
}

/// What a list says of places, and what can be done about it.
#[derive(Clone, Copy)]
pub struct Offers {
    session: SessionSlot,
    opened: Opened,
    all: RwSignal<Vec<Offer>>,
}

impl Offers {
    /// Follows the list on the screen, as long as the component lives.
    pub fn follow(session: SessionSlot, opened: Opened) -> Self {
        let all = RwSignal::new(Vec::new());
        let list = Memo::new(move |_| {
            // The device's storage may have been opened anew.
            session.get();
            session.current(|list| list.id.clone())
        });
        Effect::new(move || {
            list.track();
            all.set(Vec::new());
            let database = untrack(|| session.current(|list| list.database.clone()));
            if let Some(database) = database {
                follow_list(database, all);
            }
        });
        Self { session, opened, all }
    }

    /// Todos that have places.
    pub fn all(self) -> Vec<Offer> {
        self.all.with(|all| all.iter().filter(|offer| offer.places > 0).cloned().collect())
    }

    /// What is said of a todo.
    pub fn get(self, todo: &str) -> Offer {
        let name = todo.strip_prefix(TODO_PREFIX);
        let found = self.all.with(|all| all.iter().find(|it| Some(&*it.name) == name).cloned());
        found.unwrap_or_default()
    }

    /// Says how many places a todo has. Tells whether that is saved.
    pub async fn set(self, todo: &DocumentId, places: u32) -> bool {
        let Some(id) = places_id(todo) else { return false };
        self.put(&id, &Places { places }).await
    }

    /// Asks for a place. Tells whether that is saved.
    pub async fn ask(self, todo: &DocumentId) -> bool {
        let tag = untrack(|| self.opened.todos()).tag();
        let Some(id) = new_ask_id(tag.as_deref(), todo) else { return false };
        let name = settings::name();
        let who = if name.is_empty() { "Somebody".to_owned() } else { name };
        self.put(&id, &Ask { who }).await
    }

    /// Takes this device's request back, and so gives back the place. Tells whether that is saved.
    pub async fn withdraw(self, offer: Offer) -> bool {
        let id = offer.mine.and_then(|mine| DocumentId::new(&mine).ok());
        let Some((database, id)) = self.database().zip(id) else { return false };
        database.remove(&id).await.is_ok()
    }

    async fn put<T: Serialize>(self, id: &DocumentId, value: &T) -> bool {
        let Some(database) = self.database() else { return false };
        database.put(id.as_str(), value).await.is_ok()
    }

    fn database(self) -> Option<Database> {
        untrack(|| self.session.current(|list| list.database.clone()))
    }
}

fn follow_list(list: Database, all: RwSignal<Vec<Offer>>) {
    let since = Cell::new(0);
    follow(list.watch(), async move |_| {
        let mut learnt = Vec::new();
        let mut take = |record: &Record| learnt.extend(Learnt::of(record));
        // If it can't be read, the list itself says so.
        let Ok(until) = each(&list, since.get(), &mut take).await else { return };
        since.set(until);
        if !learnt.is_empty() {
            all.try_update(|all| learnt.into_iter().for_each(|it| it.tell(all)));
        }
    });
}

/// What a record of the list says of a todo, by name.
struct Learnt(String, Said);

enum Said {
    Places(u32),
    Taken(Taken),
    /// This device's own request, and whether it is there.
    Mine(String, bool),
}

impl Learnt {
    fn of(record: &Record) -> Option<Self> {
        let id = record.id.as_str();
        let is_about = [PLACES_PREFIX, TAKEN_PREFIX, ASK_PREFIX];
        if !is_about.iter().any(|prefix| id.starts_with(prefix)) {
            return None;
        }
        let document = record.document()?;
        if let Some(name) = id.strip_prefix(PLACES_PREFIX) {
            let places: Places = document.body.read().unwrap_or_default();
            let places = if document.deleted { 0 } else { places.places };
            return Some(Self(name.to_owned(), Said::Places(places)));
        }
        if let Some(name) = id.strip_prefix(TAKEN_PREFIX) {
            let taken = document.body.read().unwrap_or_default();
            return Some(Self(name.to_owned(), Said::Taken(taken)));
        }
        let is_mine = !document.own_leaves.is_empty();
        let name = asked_about(id).filter(|_| is_mine)?;
        Some(Self(name.to_owned(), Said::Mine(id.to_owned(), !document.deleted)))
    }

    fn tell(self, all: &mut Vec<Offer>) {
        let Self(name, said) = self;
        let at = all.iter().position(|offer| offer.name == name).unwrap_or_else(|| {
            all.push(Offer { name, ..Offer::default() });
            all.len() - 1
        });
        let offer = &mut all[at];
        match said {
            Said::Places(places) => offer.places = places,
            Said::Taken(taken) => offer.taken = taken,
            Said::Mine(ask, true) => offer.mine = Some(ask),
            Said::Mine(ask, false) => offer.mine = offer.mine.take().filter(|mine| *mine != ask),
        }
    }
}
