//! What owners say of access to a list: see [`settee_keys::access`].

use serde_json::Map;
use settee_keys::{
    Invitation, Role, Token, Verifiers,
    access::{
        HelpersMay, REVOKED, helpers_id, invitation_id, latest_links, links_id, says_who_may,
    },
};
use settee_store::{
    Change, Database, Document, DocumentId, Edit, Record, WriteError, clerk::is_clerks,
};

use crate::list::{each, fill};

/// What an owner says.
#[derive(Debug, Clone)]
pub enum AccessChange {
    /// Invites somebody by a link of their own.
    Invite {
        role: Role,
        /// What the owner calls them.
        name: String,
        /// What the owner is called; empty if they haven't said.
        from: String,
    },
    /// Takes an invitation back, for good.
    Revoke(DocumentId),
    /// Makes new links. Those before open nothing any more, as soon as the server knows.
    Renew,
    /// Lets helpers add todos, or doesn't any more. What they have added stays theirs.
    HelpersMay(HelpersMay),
}

impl AccessChange {
    /// Writes it down.
    pub async fn write(self, list: &Database, owner: &Token) -> Result<(), WriteError> {
        let (id, fields) = match self {
            Self::Invite { role, name, from } => {
                let invitation = Invitation::new(role, name).by(from);
                (invitation_id(&owner.invitation(&invitation.seed)), invitation.fields())
            }
            Self::Revoke(id) => (id, Map::from_iter([(REVOKED.to_owned(), true.into())])),
            Self::HelpersMay(may) => (helpers_id(), may.fields()),
            Self::Renew => {
                let id = links_id();
                let found = list.records(vec![id.clone()]).await?;
                let latest = found.first().and_then(Option::as_deref).and_then(latest_links);
                let epoch = latest.map_or(0, |links| links.epoch()).saturating_add(1);
                (id, Verifiers::of_epoch(owner, epoch).fields())
            }
        };
        list.patch_fields(id.as_str(), fields).await.map(drop)
    }
}

/// The field of the links that says that they were made for nobody, because the list has ended.
const ENDED: &str = "ended";

/// Ends a list for everybody, as far as this device knows it: nobody but its owners may open it any more, and nothing is
/// left in it. Others keep what their devices have. What says who may open it is written first, so that they don't hear
/// of what follows.
///
/// Says whether there was anything to write. Others may have written more before they lost their access, and a server
/// may refuse: so it has ended once there is nothing to write on a device that has all that the server has.
pub async fn end(list: &Database, owner: &Token) -> Result<bool, WriteError> {
    let (mut is_closed, mut invited, mut contents) = (false, Vec::new(), Vec::new());
    let mut take = |record: &Record| {
        let Some(document) = record.document().filter(|document| !document.deleted) else { return };
        if document.id == links_id() {
            // Another owner may have made links at the same time.
            is_closed = document.leaves.len() == 1 && document.body.fields().contains_key(ENDED);
        } else if says_who_may(&document.id) {
            let invitation = Invitation::read(&document.body);
            invited.extend(invitation.filter(|it| !it.revoked).map(|_| document.id));
        } else if !is_clerks(&document.id) {
            let Document { id, leaves: seen, .. } = document;
            contents.push(Edit { id, seen, change: Change::Delete });
        }
    };
    each(list, 0, &mut take).await?;
    let is_done = is_closed && invited.is_empty() && contents.is_empty();
    if !is_closed {
        AccessChange::Renew.write(list, owner).await?;
        let ended = Map::from_iter([(ENDED.to_owned(), true.into())]);
        list.patch_fields(links_id().as_str(), ended).await?;
    }
    for id in invited {
        AccessChange::Revoke(id).write(list, owner).await?;
    }
    fill(list, &contents).await?;
    Ok(!is_done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at_once::at_once;
    use serde_json::json;
    use settee_store::Memory;

    #[test]
    fn nothing_is_left_and_nobody_may_open_it() {
        let list = Database::new(Memory::new([1; 16]));
        let owner = Token::generate();
        let put = |id: &str, body: serde_json::Value| at_once(list.put(id, &body)).unwrap();
        put("list", json!({"name": "Trip"}));
        put("todo/1", json!({"title": "tent", "completed": false}));
        put("places/1", json!({"places": 2}));
        put("ask/a/1", json!({"who": "Anna"}));
        put("clerk/taken/1", json!({"taken": [], "refused": []}));
        put("clerk/seen", json!({}));
        let invitation = Invitation::new(Role::Editor, "Anna");
        let anna = owner.invitation(&invitation.seed);
        at_once(list.put(invitation_id(&anna).as_str(), &invitation.fields())).unwrap();
        let links = Verifiers::of_epoch(&owner, 4);
        at_once(list.put(links_id().as_str(), &links.fields())).unwrap();

        assert!(at_once(end(&list, &owner)).unwrap());
        assert!(!at_once(end(&list, &owner)).unwrap());
        let records = at_once(list.changes(0, 100)).unwrap();
        let left = records.iter().filter_map(|it| it.document()).filter(|it| !it.deleted);
        let mut left: Vec<String> = left.map(|it| it.id.to_string()).collect();
        left.sort();
        let invited = invitation_id(&anna).to_string();
        let links = links_id().to_string();
        let mut stays = [&*invited, &*links, "clerk/seen", "clerk/taken/1"];
        stays.sort_unstable();
        assert_eq!(left, stays);
        let said = |id: &DocumentId| at_once(list.records(vec![id.clone()])).unwrap().remove(0);
        assert_eq!(latest_links(&said(&links_id()).unwrap()).unwrap().epoch(), 5);
        let invited = said(&invitation_id(&anna)).unwrap().document().unwrap();
        let invited = Invitation::read(&invited.body).unwrap();
        assert!(invited.revoked && invited.label == "Anna");
        // Whoever can write should hear of access first.
        let last_said = records.iter().filter(|it| says_who_may(&it.id)).map(|it| it.seq).max();
        let mut deleted = records.iter().filter(|it| it.document().unwrap().deleted);
        assert!(deleted.all(|it| Some(it.seq) > last_said));

        // What others had written before they heard of it, and an owner who has made links anew.
        put("todo/2", json!({"title": "stove", "completed": false}));
        assert!(at_once(end(&list, &owner)).unwrap() && !at_once(end(&list, &owner)).unwrap());
        let links = Verifiers::of_epoch(&owner, 6);
        at_once(list.put(links_id().as_str(), &links.fields())).unwrap();
        assert!(at_once(end(&list, &owner)).unwrap() && !at_once(end(&list, &owner)).unwrap());
        assert_eq!(latest_links(&said(&links_id()).unwrap()).unwrap().epoch(), 7);
    }
}
