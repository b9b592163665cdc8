//! Gives places to those who ask, in the order in which the clerk hears of them: see [`crate::places`].
//!
//! If a todo is deleted, what was decided about it goes, too. If it comes back, because the deletion was undone or somebody
//! else has edited it meanwhile, all requests that are still there are heard again, in the order in which they last
//! changed. So who had a place has it again, unless somebody was refused before them and has room now. If nothing was
//! decided about it before it was deleted, requests that came meanwhile have no answer.

use settee_store::{
    BackendError, Body, Document, DocumentId,
    clerk::{Answer, Desk},
};

use crate::{
    document::TODO_PREFIX,
    places::{Ask, PLACES_PREFIX, Places, TAKEN_PREFIX, Taken, asked_about},
};

/// What is to be decided on a todo.
struct Case<'a> {
    /// The todo's, without what all todos' ids begin with.
    name: &'a str,
    /// Where it is said who has a place.
    id: DocumentId,
    places: u32,
    taken: Taken,
}

pub async fn decide(desk: Desk<'_>, changed: &[Document]) -> Result<Vec<Answer>, BackendError> {
    let (mut cases, mut back, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for (name, id, known) in known(desk, changed).await? {
        let is_asked = changed.iter().any(|it| asked_about(it.id.as_str()) == Some(name));
        let (is_there, is_freed) =
            known.as_ref().map_or((false, false), |known| (!known.deleted, known.deleted));
        // Most todos have no places.
        if known.is_none() && !is_asked {
            continue;
        }
        let about = [TODO_PREFIX, PLACES_PREFIX].map(|prefix| named(prefix, name));
        let about = desk.read(about.into_iter().flatten().collect()).await?;
        let [todo, places] = about.try_into().unwrap_or_default();
        let is_live = |document: &Document| !document.deleted;
        if !todo.is_some_and(|todo| is_live(&todo)) {
            answers.extend(is_there.then_some(Answer { id, body: None }));
            continue;
        }
        if is_asked || is_freed {
            let places: Option<Places> = places.filter(is_live).and_then(|it| it.body.read().ok());
            let taken = known.filter(is_live).and_then(|it| it.body.read().ok());
            let (places, taken) = (places.unwrap_or_default().places, taken.unwrap_or_default());
            cases.push(Case { name, id, places, taken });
            back.extend(is_freed.then_some(name));
        }
    }
    if !back.is_empty() {
        let is_wanted =
            |id: &DocumentId| asked_about(id.as_str()).is_some_and(|name| back.contains(&name));
        hear(&mut cases, &desk.search(&is_wanted).await?);
    }
    hear(&mut cases, changed);
    for Case { id, taken, .. } in cases {
        answers.extend(Body::from_serialize(&taken).ok().map(|it| Answer { id, body: Some(it) }));
    }
    Ok(answers)
}

/// The todos that the documents are about, by name, and what was decided on each.
async fn known<'a>(
    desk: Desk<'_>,
    changed: &'a [Document],
) -> Result<Vec<(&'a str, DocumentId, Option<Document>)>, BackendError> {
    let mut names: Vec<&str> = Vec::new();
    for document in changed {
        let id = document.id.as_str();
        names.extend(id.strip_prefix(TODO_PREFIX).or_else(|| asked_about(id)));
    }
    names.sort_unstable();
    names.dedup();
    // Of what is too long to be about a todo nothing is decided.
    names.retain(|name| named(TAKEN_PREFIX, name).is_some());
    let ids: Vec<DocumentId> = names.iter().filter_map(|name| named(TAKEN_PREFIX, name)).collect();
    let known = desk.read(ids.clone()).await?;
    Ok(names.into_iter().zip(ids).zip(known).map(|((name, id), known)| (name, id, known)).collect())
}

fn named(prefix: &str, name: &str) -> Option<DocumentId> {
    DocumentId::new(&format!("{prefix}{name}")).ok()
}

/// Hears requests in their order.
fn hear(cases: &mut [Case<'_>], asks: &[Document]) {
    for ask in asks {
        let Some(name) = asked_about(ask.id.as_str()) else { continue };
        let case = cases.iter_mut().find(|case| case.name == name);
        let Some(Case { places, taken, .. }) = case else { continue };
        let asks = (!ask.deleted).then(|| ask.body.read::<Ask>().unwrap_or_default());
        taken.hear(*places, ask.id.as_str(), asks.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use settee_store::{Backend, Database, Memory, clerk::Reading};

    use super::*;
    use crate::{at_once::at_once, clerk::ListClerk};

    const CLERK: ListClerk = ListClerk { today: || 20_000 };

    /// A list with one todo, and how far the clerk has read it.
    struct List {
        backend: Memory,
        database: Database,
        reading: Reading,
    }

    impl List {
        fn new(places: u32) -> Self {
            let backend = Memory::new([1; 16]);
            let reading = at_once(Reading::saved(&CLERK, &backend)).unwrap();
            let database = Database::new(backend.clone());
            let list = Self { backend, database, reading };
            list.keep();
            at_once(list.database.put("places/1", &Places { places })).unwrap();
            list
        }

        fn keep(&self) {
            let cake = json!({"title": "Cake", "completed": false});
            at_once(self.database.put("todo/1", &cake)).unwrap();
        }

        fn remove(&self, id: &str) {
            at_once(self.database.remove(&DocumentId::new(id).unwrap())).unwrap();
        }

        fn ask(&self, who: &str, turn: u32) {
            let ask = Ask { who: who.to_owned(), turn };
            at_once(self.database.put(&format!("ask/{who}/1"), &ask)).unwrap();
        }

        /// What the clerk has decided once it has read all; `None` if it keeps nothing.
        fn decided(&mut self) -> Option<Taken> {
            while let Some(decision) = at_once(self.reading.decide(&CLERK, &self.backend)).unwrap()
            {
                at_once(self.backend.commit(decision.operations)).unwrap();
                self.reading = decision.then;
            }
            at_once(self.database.find("clerk/taken/1")).unwrap()
        }

        fn who(&mut self) -> Vec<String> {
            let taken = self.decided().unwrap_or_default().taken;
            taken.into_iter().map(|place| place.who).collect()
        }
    }

    #[test]
    fn places_of_a_deleted_todo_are_free_and_those_who_had_them_have_them_again_if_it_comes_back() {
        let mut list = List::new(2);
        assert_eq!(list.decided(), None);
        for who in ["Clara", "Anna", "Bert"] {
            list.ask(who, 0);
        }
        let before = list.decided();
        assert_eq!(list.who(), ["Clara", "Anna"]);
        list.remove("todo/1");
        assert_eq!(list.decided(), None);
        list.keep();
        assert_eq!(list.decided(), before);
        // Who changes their mind meanwhile is heard, too.
        list.remove("todo/1");
        list.decided();
        list.remove("ask/Clara/1");
        list.ask("Dora", 0);
        assert_eq!(list.decided(), None);
        list.keep();
        assert_eq!(list.who(), ["Anna", "Bert"]);
        // A deletion of which the clerk doesn't hear changes nothing.
        list.remove("todo/1");
        list.keep();
        assert_eq!(list.who(), ["Anna", "Bert"]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Keep,
        Remove,
        Ask(u8, u32),
        Withdraw(u8),
        Decide,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Keep),
            Just(Step::Remove),
            (0_u8..4, 0_u32..3).prop_map(|(who, turn)| Step::Ask(who, turn)),
            (0_u8..4).prop_map(Step::Withdraw),
            Just(Step::Decide),
        ]
    }

    proptest! {
        /// Todos go and come back while people ask, and the clerk hears of it now and then.
        #[test]
        fn nothing_is_kept_of_a_deleted_todo_and_whoever_asks_has_an_answer_once_it_is_back(
            places in 0_u32..4,
            steps in prop::collection::vec(step(), 0..30),
        ) {
            let mut list = List::new(places);
            list.ask("0", 0);
            list.decided();
            let (mut is_kept, mut asking) = (true, [true, false, false, false]);
            for step in steps {
                match step {
                    Step::Keep => {
                        list.keep();
                        is_kept = true;
                    }
                    Step::Remove => {
                        list.remove("todo/1");
                        is_kept = false;
                    }
                    Step::Ask(who, turn) => {
                        list.ask(&who.to_string(), turn);
                        asking[usize::from(who)] = true;
                    }
                    Step::Withdraw(who) => {
                        list.remove(&format!("ask/{who}/1"));
                        asking[usize::from(who)] = false;
                    }
                    Step::Decide => {
                        let decided = list.decided();
                        prop_assert!(is_kept || decided.is_none());
                        let Taken { taken, refused } = decided.unwrap_or_default();
                        prop_assert!(taken.len() <= places as usize);
                        let taken = taken.into_iter().map(|place| place.ask);
                        let mut answered: Vec<String> =
                            taken.chain(refused.into_iter().map(|it| it.ask)).collect();
                        answered.sort();
                        let asking = (0..4).filter(|who| is_kept && asking[*who]);
                        let asking: Vec<String> = asking.map(|who| format!("ask/{who}/1")).collect();
                        prop_assert_eq!(answered, asking);
                    }
                }
            }
        }
    }
}
