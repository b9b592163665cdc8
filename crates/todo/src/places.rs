//! Places: a todo that only so many people can take, as for a potluck or a shift.
//!
//! Who may edit says how many places a todo has. Who wants one asks for it, offline, too. A clerk on the server gives
//! them out in the order in which it hears of them, and writes down who has one.

use serde::{Deserialize, Serialize};
use settee_store::DocumentId;

use crate::{
    document::TODO_PREFIX,
    limits::{PERSON_LIMIT, cut},
};

/// Documents that say how many places a todo has begin so, and go on with the todo's name.
pub const PLACES_PREFIX: &str = "places/";
/// Requests begin so, and end with a slash and the todo's name. Helpers write their own.
pub const ASK_PREFIX: &str = "ask/";
/// Where the clerk writes who has a place: behind this, the todo's name.
pub const TAKEN_PREFIX: &str = "clerk/taken/";
/// Most places of a todo.
pub const PLACES_LIMIT: u32 = 99;
/// How many refusals of a todo are remembered: the latest.
const REFUSED_LIMIT: usize = 64;

/// How many places a todo has; 0 is as if it weren't said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    pub places: u32,
}

/// A request for a place. A device has one for each todo. To delete it gives the place back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Who asks, as others know them.
    pub who: String,
    /// Higher than the last time: who was refused may ask again.
    #[serde(default)]
    pub turn: u32,
}

/// What the clerk has decided about a todo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Who has a place, in the order in which they got it: at most [`PLACES_LIMIT`].
    pub taken: Vec<Place>,
    /// The requests for which there was none left.
    pub refused: Vec<Refused>,
}

/// A request that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its id.
    pub ask: String,
    /// See [`Ask::turn`].
    pub turn: u32,
}

/// A place that is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The id of the request.
    pub ask: String,
    /// By whom.
    pub who: String,
}

impl Taken {
    /// Hears of a request, which may be withdrawn (`None`) or heard of before. Tells whether anything changes.
    pub fn hear(&mut self, places: u32, id: &str, ask: Option<&Ask>) -> bool {
        let has_place = self.taken.iter().any(|place| place.ask == id);
        let refused = self.refused.iter().position(|refused| refused.ask == id);
        let Some(ask) = ask else {
            self.taken.retain(|place| place.ask != id);
            self.refused.retain(|refused| refused.ask != id);
            return has_place || refused.is_some();
        };
        if has_place || refused.is_some_and(|at| self.refused[at].turn == ask.turn) {
            return false;
        }
        if let Some(at) = refused {
            self.refused.remove(at);
        }
        if self.taken.len() < places.min(PLACES_LIMIT) as usize {
            let who = cut(&ask.who, PERSON_LIMIT).to_owned();
            self.taken.push(Place { ask: id.to_owned(), who });
        } else {
            self.refused.push(Refused { ask: id.to_owned(), turn: ask.turn });
            let surplus = self.refused.len().saturating_sub(REFUSED_LIMIT);
            self.refused.drain(..surplus);
        }
        true
    }
}

/// Where it says how many places a todo has; `None` if that is no todo.
pub fn places_id(todo: &DocumentId) -> Option<DocumentId> {
    DocumentId::new(&format!("{PLACES_PREFIX}{}", name(todo)?)).ok()
}

/// The id of a device's request for a place. `tag` is a helper's.
pub fn ask_id(tag: Option<&str>, device: u64, todo: &DocumentId) -> Option<DocumentId> {
    let (tag, dot) = tag.map_or(("", ""), |tag| (tag, "."));
    DocumentId::new(&format!("{ASK_PREFIX}{tag}{dot}{device:016x}/{}", name(todo)?)).ok()
}

/// The name of the todo that a request is about.
pub fn asked_about(ask: &str) -> Option<&str> {
    Some(ask.strip_prefix(ASK_PREFIX)?.split_once('/')?.1)
}

fn name(todo: &DocumentId) -> Option<&str> {
    todo.as_str().strip_prefix(TODO_PREFIX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::new_own_id;

    #[test]
    fn a_request_says_what_it_is_about() {
        let todo = new_own_id("tag");
        for tag in [None, Some("other")] {
            let ask = ask_id(tag, 7, &todo).unwrap();
            assert_eq!(asked_about(ask.as_str()), todo.as_str().strip_prefix("todo/"));
        }
        let list = DocumentId::new("list").unwrap();
        assert_eq!((places_id(&list), ask_id(None, 7, &list)), (None, None));
        assert_eq!(asked_about("ask/without"), None);
    }

    proptest! {
        /// Requests come in any order, several times, and are withdrawn.
        #[test]
        fn each_place_is_given_once(
            places in 0_u32..4,
            heard in prop::collection::vec((0_u8..6, prop::bool::weighted(0.7), 0_u32..3), 0..40),
        ) {
            let mut taken = Taken::default();
            for (ask, is_there, turn) in heard {
                let before = taken.clone();
                let ask = ask.to_string();
                let asks = Ask { who: "somebody".into(), turn };
                let changes = taken.hear(places, &ask, is_there.then_some(&asks));
                prop_assert_eq!(changes, taken != before);
                prop_assert!(taken.taken.len() <= places as usize);
                let has = |taken: &Taken| taken.taken.iter().filter(|it| it.ask == ask).count();
                let is_refused = taken.refused.iter().any(|it| it.ask == ask);
                prop_assert!(has(&taken) + usize::from(is_refused) == usize::from(is_there));
                // Nobody else loses or gets anything.
                let others = |taken: &Taken| {
                    let mut others = taken.taken.clone();
                    others.retain(|it| it.ask != ask);
                    others
                };
                prop_assert_eq!(others(&taken), others(&before));
            }
        }
    }
}
