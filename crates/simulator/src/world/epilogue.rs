//! The end of a life: whatever has happened, every document can be edited and deleted, and everybody sees
//! that.

use std::collections::BTreeSet;

use serde_json::{Map, json};
use settee_store::{Body, Change, Document, DocumentId, Edit};

use settee_sync::{
    Role,
    access::{is_clerks, says_who_may},
};

use super::World;
use crate::{
    client::{self, Store},
    databases::{records, records_by_id},
    event::Event,
    plan::is_shared,
    violation::{Violation, violation},
};

/// The client whose person owns all databases.
const OWNER: usize = 0;

/// How far a life has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Epilogue {
    /// Everybody is to have the same.
    #[default]
    Life,
    /// The owner has edited every document.
    Edited,
    /// The owner has deleted every document.
    Deleted,
}

impl World {
    /// Everybody has the same: checks that it is what they should have, and begins what comes next.
    pub(super) fn go_on(&mut self) -> Result<(), Violation> {
        let Self { server, clients, ledger, .. } = self;
        ledger.server_is_whole(&server.disks)?;
        clients.iter().try_for_each(|client| ledger.client_is_whole(client))?;
        ledger.all_arrived(clients, server)?;
        server.has_answered()?;
        self.epilogue = match self.epilogue {
            Epilogue::Life => {
                self.count_members();
                self.write_to_all(true)?;
                Epilogue::Edited
            }
            Epilogue::Edited => {
                self.all_see("is not as it was edited", is_edited)?;
                self.write_to_all(false)?;
                Epilogue::Deleted
            }
            Epilogue::Deleted => {
                self.all_see("is not deleted", is_deleted)?;
                self.is_over = true;
                Epilogue::Deleted
            }
        };
        self.settled_since = None;
        self.patient_since = self.context.now;
        self.context.plan(super::POLL, Event::Check);
        Ok(())
    }

    /// The owner edits all documents that anybody has, or deletes them.
    fn write_to_all(&mut self, is_edit: bool) -> Result<(), Violation> {
        for store in 0..self.clients[OWNER].stores.len() {
            for id in self.documents(self.clients[OWNER].stores[store].number) {
                let known = self.clients[OWNER].stores[store].record(&id);
                let known = known.and_then(|record| record.document()).filter(|it| !it.deleted);
                if known.is_none() && !is_edit {
                    continue;
                }
                let seen = known.map(|document| document.leaves).unwrap_or_default();
                let change = if is_edit { last_words() } else { Change::Delete };
                self.write(OWNER, store, &[Edit { id: id.clone(), seen, change }]);
                let is_done = if is_edit { is_edited } else { is_deleted };
                let record = self.clients[OWNER].stores[store].record(&id);
                if !is_done(record.and_then(|record| record.document()).as_ref()) {
                    return violation(format!("{id} can't be written to"));
                }
            }
        }
        Ok(())
    }

    /// The shared documents of a database, on the server and on the owner's device. What they say of access stays, and what a
    /// clerk has answered.
    fn documents(&self, number: usize) -> BTreeSet<DocumentId> {
        let stores = &self.clients[OWNER].stores;
        let here = stores.iter().filter(|store| store.number == number).map(|it| &it.database);
        let all = here.chain([&self.server.disks[number].database]).flat_map(records);
        all.map(|record| record.id.clone())
            .filter(|id| is_shared(id) && !says_who_may(id) && !is_clerks(id))
            .collect()
    }

    /// Checks a document on the server and on all devices of editors.
    fn all_see(
        &self,
        what: &str,
        is_right: fn(Option<&Document>) -> bool,
    ) -> Result<(), Violation> {
        let may_edit = |client: &client::Actor, store: &Store| {
            let role = self.server.access.role(&store.bearer(client.person));
            role.is_some_and(|role| role > Role::Helper)
        };
        let stores = self
            .clients
            .iter()
            .flat_map(|client| client.stores.iter().filter(move |store| may_edit(client, store)));
        let copies = stores.map(|store| (store.number, &store.database));
        let originals = self.server.disks.iter().map(|disk| &disk.database).enumerate();
        for (number, database) in copies.chain(originals) {
            let all = records_by_id(database);
            for id in self.documents(number) {
                let document = all.get(&id).and_then(|record| record.document());
                if !is_right(document.as_ref()) {
                    return violation(format!("database {number}: {id} {what}: {document:?}"));
                }
            }
        }
        Ok(())
    }
}

fn last_words() -> Change {
    let fields = Map::from_iter([("title".to_owned(), json!("the last word"))]);
    Body::new(fields).map_or(Change::Delete, Change::Put)
}

fn is_edited(document: Option<&Document>) -> bool {
    document.is_some_and(|it| !it.deleted && last_words() == Change::Put(it.body.clone()))
}

fn is_deleted(document: Option<&Document>) -> bool {
    document.is_none_or(|document| document.deleted)
}
