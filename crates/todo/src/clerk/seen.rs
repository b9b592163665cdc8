//! Notes when those who were invited were last here: see [`crate::seen`].

use serde_json::{Map, Value};
use settee_keys::{
    Invitation,
    access::{ACCESS_PREFIX, says_who_may},
};
use settee_store::{
    BackendError, Body, Document, DocumentId,
    clerk::{Answer, Desk},
};

use crate::seen::SEEN;

/// Of how many people it is known, at most. Of more, those go who were not here for longest.
const PEOPLE: usize = 200;

/// Notes who is here on a day: those whose invitation holds. Nothing is said of others, who came by a link for everybody.
pub async fn note(
    desk: Desk<'_>,
    grants: &[String],
    day: u64,
) -> Result<Option<Answer>, BackendError> {
    let Some((id, mut seen)) = known(desk).await? else { return Ok(None) };
    let invitations =
        grants.iter().map(|grant| DocumentId::new(&format!("{ACCESS_PREFIX}{grant}")));
    let mut invitations: Vec<DocumentId> = invitations.filter_map(Result::ok).collect();
    // Most come more than once a day.
    invitations.retain(|id| seen.get(id.as_str()).and_then(Value::as_u64) != Some(day));
    let found = desk.read(invitations).await?;
    let here = found.into_iter().flatten().filter(holds);
    seen.extend(here.map(|invitation| (invitation.id.to_string(), day.into())));
    while seen.len() > PEOPLE {
        let oldest = seen.iter().min_by_key(|(_, day)| day.as_u64());
        let Some(oldest) = oldest.map(|(invitation, _)| invitation.clone()) else { break };
        seen.remove(&oldest);
    }
    Ok(answer(id, seen))
}

/// Forgets those whose invitation doesn't hold any more.
pub async fn forget(desk: Desk<'_>, changed: &[Document]) -> Result<Option<Answer>, BackendError> {
    let mut gone: Vec<&str> = Vec::new();
    for document in changed {
        if says_who_may(&document.id) && !holds(document) {
            gone.push(document.id.as_str());
        }
    }
    if gone.is_empty() {
        return Ok(None);
    }
    let Some((id, mut seen)) = known(desk).await? else { return Ok(None) };
    seen.retain(|invitation, _| !gone.contains(&&**invitation));
    Ok(answer(id, seen))
}

async fn known(desk: Desk<'_>) -> Result<Option<(DocumentId, Map<String, Value>)>, BackendError> {
    let Ok(id) = DocumentId::new(SEEN) else { return Ok(None) };
    let known = desk.read(vec![id.clone()]).await?.pop().flatten();
    Ok(Some((id, known.map(|known| known.body.fields()).unwrap_or_default())))
}

fn answer(id: DocumentId, seen: Map<String, Value>) -> Option<Answer> {
    // With so few short fields it is a body.
    Some(Answer { id, body: Some(Body::new(seen).ok()?).filter(|body| *body != Body::empty()) })
}

fn holds(invitation: &Document) -> bool {
    Invitation::read(&invitation.body).is_some_and(|it| !it.revoked)
}

#[cfg(test)]
mod tests {
    use settee_keys::{Role, Token, access::invitation_id};
    use settee_store::{Database, Memory};

    use super::*;
    use crate::{at_once::at_once, seen::last_seen};

    const DAY: u64 = 20_000;

    struct List {
        backend: Memory,
        owner: Token,
    }

    impl List {
        fn new() -> Self {
            Self { backend: Memory::new([1; 16]), owner: Token::generate() }
        }

        fn database(&self) -> Database {
            Database::new(self.backend.clone())
        }

        /// Writes an invitation. Returns what is there then, and the name of its grant.
        fn write(&self, invitation: &Invitation) -> (Document, String) {
            let id = invitation_id(&self.owner.invitation(&invitation.seed));
            at_once(self.database().put(id.as_str(), &invitation.fields())).unwrap();
            let grant = id.as_str().strip_prefix(ACCESS_PREFIX).unwrap().to_owned();
            (at_once(self.database().get(&id)).unwrap().unwrap(), grant)
        }

        /// What is known once an answer has been written. Tells whether it says anything new.
        fn wrote(&self, answer: Option<Answer>) -> (bool, Map<String, Value>) {
            let list = self.database();
            let known = || at_once(list.find::<Map<String, Value>>(SEEN)).unwrap();
            let before = known();
            if let Some(Answer { id, body }) = answer {
                match body {
                    Some(body) => at_once(list.put(SEEN, &body.fields())).map(drop).unwrap(),
                    None if before.is_some() => at_once(list.remove(&id)).map(drop).unwrap(),
                    None => {}
                }
            }
            let after = known();
            (after != before, after.unwrap_or_default())
        }

        fn here(&self, grants: &[&str], day: u64) -> (bool, Map<String, Value>) {
            let grants: Vec<String> = grants.iter().map(|grant| (*grant).to_owned()).collect();
            self.wrote(at_once(note(Desk::of(&self.backend), &grants, day)).unwrap())
        }

        fn changed(&self, changed: &[Document]) -> (bool, Map<String, Value>) {
            self.wrote(at_once(forget(Desk::of(&self.backend), changed)).unwrap())
        }
    }

    #[test]
    fn only_who_was_invited_is_noted_and_as_long_as_that_holds() {
        let list = List::new();
        let (anna, bert) =
            (Invitation::new(Role::Editor, "Anna"), Invitation::new(Role::Viewer, "Bert"));
        let ((to_anna, by_anna), (to_bert, by_bert)) = (list.write(&anna), list.write(&bert));
        let link = list.owner.editor(0).verifier().to_string();
        assert!(!list.here(&["owner", &link, "no\u{0}id", ""], DAY).0);
        assert!(list.here(&["owner", &by_anna], DAY).0);
        assert!(!list.here(&["owner", &by_anna], DAY).0);
        let (_, seen) = list.here(&["owner", &by_bert], DAY + 1);
        assert_eq!(seen.len(), 2);
        assert_eq!(last_seen(&seen, &to_anna.id), Some(DAY));
        assert_eq!(last_seen(&seen, &to_bert.id), Some(DAY + 1));
        // A server's clock may have been wrong.
        let (_, seen) = list.here(&[&by_bert], DAY);
        assert_eq!(last_seen(&seen, &to_bert.id), Some(DAY));

        assert!(!list.changed(&[to_anna]).0);
        let (revoked, _) = list.write(&Invitation { revoked: true, ..anna });
        let (_, seen) = list.changed(&[revoked]);
        assert_eq!(seen.keys().collect::<Vec<_>>(), [to_bert.id.as_str()]);
        assert!(!list.here(&[&by_anna], DAY + 2).0);
        let (revoked, _) = list.write(&Invitation { revoked: true, ..bert });
        assert!(list.changed(&[revoked]).1.is_empty());
    }

    #[test]
    fn of_very_many_people_those_stay_who_were_here_last() {
        let list = List::new();
        let invite = |_| list.write(&Invitation::new(Role::Viewer, "somebody"));
        let (invitations, grants): (Vec<_>, Vec<_>) = (0..PEOPLE + 2).map(invite).unzip();
        let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
        list.here(&grants[..2], DAY);
        let (_, seen) = list.here(&grants[2..], DAY + 1);
        assert_eq!(seen.len(), PEOPLE);
        assert!(invitations[..2].iter().all(|it| last_seen(&seen, &it.id).is_none()));
        // What doesn't fit doesn't come and go.
        list.here(&grants, DAY + 1);
        assert!(!list.here(&grants, DAY + 1).0);
    }
}
