//! The clerk who gives out places: see [`settee_todo::places`].

use settee::{
    server::{Answer, Clerk, Desk},
    store::{BackendError, Body, Document, DocumentId, backend::BoxFuture},
};
use settee_todo::{
    document::TODO_PREFIX,
    places::{ASK_PREFIX, Ask, PLACES_PREFIX, Places, TAKEN_PREFIX, Taken, asked_about},
};

/// Gives places to those who ask, in the order in which it hears of them.
pub struct PlacesClerk;

impl Clerk for PlacesClerk {
    fn name(&self) -> &'static str {
        "places"
    }

    fn follows(&self, id: &DocumentId) -> bool {
        id.as_str().starts_with(ASK_PREFIX)
    }

    fn answer<'a>(
        &'a self,
        desk: Desk<'a>,
        changed: Vec<Document>,
    ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
        Box::pin(decide(desk, changed))
    }
}

async fn decide(desk: Desk<'_>, changed: Vec<Document>) -> Result<Vec<Answer>, BackendError> {
    let mut decided: Vec<(DocumentId, Taken)> = Vec::new();
    for ask in &changed {
        let Some(name) = asked_about(ask.id.as_str()) else { continue };
        let id = |prefix| DocumentId::new(&format!("{prefix}{name}"));
        // Who asks about what is none has no answer.
        let (Ok(todo), Ok(places), Ok(taken)) =
            (id(TODO_PREFIX), id(PLACES_PREFIX), id(TAKEN_PREFIX))
        else {
            continue;
        };
        let known = desk.read(vec![todo, places, taken.clone()]).await?;
        let [todo, places, kept] = known.try_into().unwrap_or_default();
        if !ask.deleted && todo.is_none_or(|todo| todo.deleted) {
            continue;
        }
        let at = decided.iter().position(|(id, _)| *id == taken);
        let mut now = match at {
            Some(at) => decided.remove(at).1,
            None => kept.and_then(|kept| kept.body.read().ok()).unwrap_or_default(),
        };
        let places: Places = places
            .filter(|places| !places.deleted)
            .and_then(|places| places.body.read().ok())
            .unwrap_or_default();
        let asks = (!ask.deleted).then(|| ask.body.read::<Ask>().unwrap_or_default());
        now.hear(places.places, ask.id.as_str(), asks.as_ref());
        decided.push((taken, now));
    }
    let answer = |(id, taken): (DocumentId, Taken)| {
        Some(Answer { id, body: Some(Body::from_serialize(&taken).ok()?) })
    };
    Ok(decided.into_iter().filter_map(answer).collect())
}
