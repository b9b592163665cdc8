//! Places: a todo that only so many people can take, as for a potluck or a shift.
//!
//! Who may edit says how many places a todo has. Who wants one asks for it, offline, too. A clerk on the server gives
//! them out in the order in which it hears of them, and writes down who has one.

use serde::{Deserialize, Serialize};
use settee_keys::random::random_name;
use settee_store::DocumentId;

use crate::document::TODO_PREFIX;

/// Documents that say how many places a todo has begin so, and go on with the todo's name.
pub const PLACES_PREFIX: &str = "places/";
/// Requests begin so, and end with a slash and the todo's name. Helpers write their own.
pub const ASK_PREFIX: &str = "ask/";
/// Where the clerk writes who has a place: behind this, the todo's name.
pub const TAKEN_PREFIX: &str = "clerk/taken/";
/// Most places of a todo.
pub const PLACES_LIMIT: u32 = 99;
/// Longest name of somebody who asks, in bytes.
pub const WHO_LIMIT: usize = 120;
/// How many refusals of a todo are remembered: the latest.
const REFUSED_LIMIT: usize = 64;

/// How many places a todo has; 0 is as if it weren't said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    pub places: u32,
}

/// A request for a place. To delete it gives the place back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Who asks, as others know them.
    pub who: String,
}

/// What the clerk has decided about a todo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Who has a place, in the order in which they got it: at most [`PLACES_LIMIT`].
    pub taken: Vec<Place>,
    /// The ids of requests for which there was none left.
    pub refused: Vec<String>,
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
    pub fn hear(&mut self, places: u32, ask: &str, who: Option<&str>) -> bool {
        let has_place = self.taken.iter().any(|place| place.ask == ask);
        let is_refused = self.refused.iter().any(|refused| refused == ask);
        let Some(who) = who else {
            self.taken.retain(|place| place.ask != ask);
            self.refused.retain(|refused| refused != ask);
            return has_place || is_refused;
        };
        if has_place || is_refused {
            return false;
        }
        if self.taken.len() < places.min(PLACES_LIMIT) as usize {
            self.taken.push(Place { ask: ask.to_owned(), who: who.to_owned() });
        } else {
            self.refused.push(ask.to_owned());
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

/// The id of a new request for a place. `tag` is a helper's.
pub fn new_ask_id(tag: Option<&str>, todo: &DocumentId) -> Option<DocumentId> {
    let (tag, dot) = tag.map_or(("", ""), |tag| (tag, "."));
    DocumentId::new(&format!("{ASK_PREFIX}{tag}{dot}{}/{}", random_name(), name(todo)?)).ok()
}

/// The name of the todo that a request is about.
pub fn asked_about(ask: &str) -> Option<&str> {
    Some(ask.strip_prefix(ASK_PREFIX)?.rsplit_once('/')?.1)
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
            let ask = new_ask_id(tag, &todo).unwrap();
            assert_eq!(asked_about(ask.as_str()), todo.as_str().strip_prefix("todo/"));
        }
        let list = DocumentId::new("list").unwrap();
        assert_eq!((places_id(&list), new_ask_id(None, &list)), (None, None));
        assert_eq!(asked_about("ask/without"), None);
    }

    proptest! {
        /// Requests come in any order, several times, and are withdrawn.
        #[test]
        fn each_place_is_given_once(
            places in 0_u32..4,
            heard in prop::collection::vec((0_u8..6, prop::bool::weighted(0.7)), 0..40),
        ) {
            let mut taken = Taken::default();
            for (ask, is_there) in heard {
                let before = taken.clone();
                let ask = ask.to_string();
                let changes = taken.hear(places, &ask, is_there.then_some("somebody"));
                prop_assert_eq!(changes, taken != before);
                prop_assert!(taken.taken.len() <= places as usize);
                let has = |taken: &Taken| taken.taken.iter().filter(|it| it.ask == ask).count();
                let is_refused = taken.refused.contains(&ask);
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
