//! Gives places to those who ask, in the order in which the clerk hears of them: see [`crate::places`].

use settee_store::{
    BackendError, Body, Document, DocumentId,
    clerk::{Answer, Desk},
};

use crate::{
    document::TODO_PREFIX,
    places::{Ask, PLACES_PREFIX, Places, TAKEN_PREFIX, Taken, asked_about},
};

pub async fn decide(desk: Desk<'_>, changed: &[Document]) -> Result<Vec<Answer>, BackendError> {
    let mut decided: Vec<(DocumentId, Taken)> = Vec::new();
    for ask in changed {
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
