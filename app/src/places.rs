//! Which todos of the list on the screen only so many people can take, and who has.

use leptos::prelude::*;
use serde::Serialize;
use settee::store::{Database, DocumentId, Record, Revision};
use settee_todo::document::TODO_PREFIX;
use settee_todo::places::{
    ASK_PREFIX, Ask, PLACES_PREFIX, Places, TAKEN_PREFIX, Taken, ask_id, asked_about, places_id,
};

use crate::opened::Opened;
use crate::records::follow_records;
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
    mine: Option<OwnAsk>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnAsk {
    id: String,
    turn: u32,
    /// What the server didn't take, and why.
    refused: Option<(Revision, String)>,
}

/// How it stands with this device's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mine {
    /// There is none.
    None,
    /// The server has not answered yet.
    Waits,
    Granted,
    /// There was none left.
    Refused,
    /// The server didn't take the request.
    Failed,
}

impl Offer {
    pub fn todo(&self) -> String {
        format!("{TODO_PREFIX}{}", self.name)
    }

    pub fn mine(&self) -> Mine {
        let Some(mine) = &self.mine else { return Mine::None };
        if mine.refused.is_some() {
            Mine::Failed
        } else if self.taken.taken.iter().any(|place| place.ask == mine.id) {
            Mine::Granted
        } else if self.taken.refused.iter().any(|it| it.ask == mine.id && it.turn == mine.turn) {
            Mine::Refused
        } else {
            Mine::Waits
        }
    }

    /// Why the server didn't take this device's request.
    pub fn failure(&self) -> Option<&str> {
        Some(&self.mine.as_ref()?.refused.as_ref()?.1)
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
        let list = Memo::new(move |_| session.current(|list| list.id.clone()));
        Effect::new(move || {
            list.track();
            // The device's storage may have been opened anew.
            session.get();
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

    /// Asks for a place, perhaps again. Tells whether that is saved.
    pub async fn ask(self, todo: &DocumentId, offer: &Offer) -> bool {
        let tag = untrack(|| self.opened.todos()).tag();
        let list = untrack(|| self.session.current(|list| list.id.clone()));
        let device = settings::device(&list.unwrap_or_default());
        let Some(id) = ask_id(tag.as_deref(), device, todo) else { return false };
        let name = settings::name();
        let who = if name.is_empty() { "Somebody".to_owned() } else { name };
        let turn = offer.mine.as_ref().map_or(0, |mine| mine.turn.saturating_add(1));
        self.put(&id, &Ask { who, turn }).await
    }

    /// Takes this device's request back, and so gives back the place. Tells whether that is saved.
    pub async fn withdraw(self, offer: Offer) -> bool {
        let Some((database, mine)) = self.database().zip(offer.mine) else { return false };
        let Ok(id) = DocumentId::new(&mine.id) else { return false };
        match mine.refused {
            Some((revision, _)) => database.discard(&id, revision).await.is_ok(),
            None => database.remove(&id).await.is_ok(),
        }
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
    follow_records(list, Learnt::of, move |learnt, _| {
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
    /// This device's own request.
    Mine(OwnAsk),
    /// The request of this id is gone.
    Gone(String),
}

impl Learnt {
    fn of(record: &Record) -> Option<Self> {
        let id = record.id.as_str();
        let is_about = [PLACES_PREFIX, TAKEN_PREFIX, ASK_PREFIX];
        if !is_about.iter().any(|prefix| id.starts_with(prefix)) {
            return None;
        }
        if let Some(name) = asked_about(id) {
            return Some(Self(name.to_owned(), Self::asked(record)?));
        }
        let document = record.document()?;
        if let Some(name) = id.strip_prefix(PLACES_PREFIX) {
            let places: Places = document.body.read().unwrap_or_default();
            let places = if document.deleted { 0 } else { places.places };
            return Some(Self(name.to_owned(), Said::Places(places)));
        }
        let name = id.strip_prefix(TAKEN_PREFIX)?;
        Some(Self(name.to_owned(), Said::Taken(document.body.read().unwrap_or_default())))
    }

    /// What a request says, if it is this device's or is gone.
    fn asked(record: &Record) -> Option<Said> {
        let id = record.id.to_string();
        if let Some(refused) = &record.refused {
            let refused = Some((refused.revision, refused.reason.clone()));
            return Some(Said::Mine(OwnAsk { id, turn: 0, refused }));
        }
        let document = record.document().filter(|document| !document.deleted);
        let Some(document) = document else { return Some(Said::Gone(id)) };
        let turn = document.body.read::<Ask>().unwrap_or_default().turn;
        let is_mine = !document.own_leaves.is_empty();
        is_mine.then_some(Said::Mine(OwnAsk { id, turn, refused: None }))
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
            Said::Mine(ask) => offer.mine = Some(ask),
            Said::Gone(id) => offer.mine = offer.mine.take().filter(|mine| mine.id != id),
        }
    }
}
