//! What owners say of access, and what others do with the links that they are given.

use std::time::Duration;

use serde_json::{Map, Value};
use settee_keys::{
    Invitation, Role, Token, Verifiers,
    access::{HelpersMay, REVOKED, helpers_id, invitation_id, latest_links, links_id},
    token::Epoch,
};
use settee_store::{Body, Change, DocumentId, Edit, Revision};
use settee_sync::access::says_who_may;

use super::World;
use crate::{
    checks,
    client::{self, Input},
    context::Context,
    databases::records,
    event::Event,
    ledger::Ledger,
    model::Statement,
    random::Random,
    scenario::{Membership, Scenario, token},
    violation::Violation,
};

/// The mean pause between two deeds, in milliseconds.
const PAUSE: u64 = 1_000;
/// The roles of links.
const ROLES: [Role; 3] = [Role::Viewer, Role::Helper, Role::Editor];

pub struct Permissions {
    owners: Vec<Token>,
    /// All links that anybody was ever given.
    links: Vec<Link>,
}

/// A link to a database. What it allowed when it was given may have changed since.
#[derive(Debug, Clone)]
struct Link {
    database: usize,
    token: Token,
    role: Role,
}

/// Gives an owner's device its tokens.
pub fn equip(client: &mut client::Actor, scenario: &Scenario) {
    let owners = scenario.owners.iter().flatten();
    for (store, owner) in client.stores.iter_mut().zip(owners) {
        let is_owner = store.membership.is_meant_to_write();
        store.token = is_owner.then(|| owner.clone());
    }
}

/// An invitation with a seed that follows from the life's.
fn invitation(random: &mut Random, role: Role) -> Invitation {
    let (label, from) = ("somebody".to_owned(), String::new());
    Invitation { role, label, from, seed: random.draw().to_string(), revoked: false }
}

impl Permissions {
    pub fn begin(context: &mut Context, ledger: &mut Ledger, scenario: &Scenario) -> Option<Self> {
        let owners = scenario.owners.clone()?;
        (0..owners.len()).for_each(|database| ledger.may_forget(database));
        context.plan(Duration::ZERO, Event::Deed);
        Some(Self { owners, links: Vec::new() })
    }
}

impl World {
    /// Somebody does something about access, until all is well.
    pub(super) fn do_deed(&mut self) -> Result<(), Violation> {
        let Some(Permissions { owners, .. }) = &self.permissions else { return Ok(()) };
        if !self.has_faults {
            return Ok(());
        }
        let random = &mut self.context.random;
        let wait = random.millis(1, PAUSE * 2);
        let (database, deed) = (random.below(owners.len()), random.below(19));
        self.context.plan(wait, Event::Deed);
        match deed {
            0..=2 => self.invite(database),
            3 => self.renew(database),
            4..=6 => self.share(database),
            7 | 8 => self.try_old_link(),
            17 | 18 => {
                self.let_helpers_add(database);
                Ok(())
            }
            9 => self.ask_again(|_| true),
            10 => self.forge(database),
            deed => {
                match deed {
                    11 | 12 => self.revoke(database),
                    13 => self.rename(database),
                    14 | 15 => self.demote(database),
                    _ => self.forget(database),
                }
                Ok(())
            }
        }
    }

    /// An owner invites somebody, whose link works once the server knows it.
    fn invite(&mut self, database: usize) -> Result<(), Violation> {
        let Some(id) = self.owner_at_work(database) else { return Ok(()) };
        let Some(role) = self.context.random.pick(&ROLES).copied() else { return Ok(()) };
        let invitation = invitation(&mut self.context.random, role);
        let token = self.owner(database).invitation(&invitation.seed);
        let statement = Statement::Invites(token.clone(), role);
        if self.say(id, database, invitation_id(&token), invitation.fields(), &statement) {
            self.context.tally.count("access: people invited");
            self.give(&Link { database, token, role })?;
        }
        Ok(())
    }

    /// An owner takes back an invitation that they know of.
    fn revoke(&mut self, database: usize) {
        let Some((id, invitation)) = self.known_invitation(database) else { return };
        let token = self.owner(database).invitation(&invitation.seed);
        let fields = Map::from_iter([(REVOKED.to_owned(), true.into())]);
        let statement = Statement::Revokes(token.clone());
        if self.say(id, database, invitation_id(&token), fields, &statement) {
            self.context.tally.count("access: invitations taken back");
        }
    }

    /// An owner calls somebody by another name. Another one may be taking the invitation back meanwhile.
    fn rename(&mut self, database: usize) {
        let Some((id, invitation)) = self.known_invitation(database) else { return };
        let Invitation { role, revoked, .. } = invitation;
        let token = self.owner(database).invitation(&invitation.seed);
        let label = self.context.random.draw().to_string();
        let fields = Map::from_iter([("label".to_owned(), label.into())]);
        let says = if revoked {
            Statement::Revokes(token.clone())
        } else {
            Statement::Invites(token.clone(), role)
        };
        if self.say(id, database, invitation_id(&token), fields, &says) {
            self.context.tally.count("access: invitations renamed");
        }
    }

    /// An owner lets somebody do less than they were invited to.
    fn demote(&mut self, database: usize) {
        let Some((id, invitation)) = self.known_invitation(database) else { return };
        let Some(role) = self.context.random.pick(&ROLES).copied() else { return };
        if invitation.revoked || role >= invitation.role {
            return;
        }
        let token = self.owner(database).invitation(&invitation.seed);
        let fields = Map::from_iter([("role".to_owned(), role.name().into())]);
        let statement = Statement::Invites(token.clone(), role);
        if self.say(id, database, invitation_id(&token), fields, &statement) {
            self.context.tally.count("access: roles of invitations lowered");
        }
    }

    /// An owner lets helpers add documents, or doesn't any more.
    fn let_helpers_add(&mut self, database: usize) {
        let Some(id) = self.owner_at_work(database) else { return };
        let may = HelpersMay { add: self.context.random.one_in(2) };
        for (document, revision) in self.patch(id, database, helpers_id(), may.fields()) {
            let record = self.clients[id].stores[database].record(&document);
            let node = record.as_ref().and_then(|record| record.tree.get(revision));
            let closed = node.map(|node| node.parent.into_iter().chain(node.merges.clone()));
            let instead_of = closed.into_iter().flatten().collect();
            self.context.tally.count("access: helpers let add, or not any more");
            self.has_said(
                id,
                database,
                (document, revision),
                &Statement::LetsAdd(may.add, instead_of),
            );
        }
    }

    /// An owner's device, and an invitation that it knows of.
    fn known_invitation(&mut self, database: usize) -> Option<(usize, Invitation)> {
        let id = self.owner_at_work(database)?;
        let records = records(&self.clients[id].stores[database].database).into_iter();
        let documents = records.filter(|record| says_who_may(&record.id));
        let invitations = documents.filter_map(|record| Invitation::read(&record.document()?.body));
        let invitations: Vec<_> = invitations.collect();
        Some((id, self.context.random.pick(&invitations)?.clone()))
    }

    /// An owner makes new links, and gives one away.
    fn renew(&mut self, database: usize) -> Result<(), Violation> {
        let Some(id) = self.owner_at_work(database) else { return Ok(()) };
        let epoch = self.epoch(id, database) + 1;
        let fields = Verifiers::of_epoch(self.owner(database), epoch).fields();
        if self.say(id, database, links_id(), fields, &Statement::Renews(epoch)) {
            self.context.tally.count("access: links renewed");
            return self.share_from(id, database);
        }
        Ok(())
    }

    /// An owner gives away one of the links that are good as far as they know.
    fn share(&mut self, database: usize) -> Result<(), Violation> {
        self.owner_at_work(database).map_or(Ok(()), |id| self.share_from(id, database))
    }

    fn share_from(&mut self, id: usize, database: usize) -> Result<(), Violation> {
        let Some(role) = self.context.random.pick(&ROLES).copied() else { return Ok(()) };
        let editor = self.owner(database).editor(self.epoch(id, database));
        let token = match role {
            Role::Editor => editor,
            Role::Helper => editor.helper(),
            _ => editor.helper().viewer(),
        };
        self.context.tally.count("access: links given away");
        self.give(&Link { database, token, role })
    }

    /// Somebody opens any of the links that were ever given away.
    fn try_old_link(&mut self) -> Result<(), Violation> {
        let Some(Permissions { links, .. }) = &self.permissions else { return Ok(()) };
        let Some(link) = self.context.random.pick(links).cloned() else { return Ok(()) };
        self.context.tally.count("access: old links opened");
        self.open_link(&link)
    }

    /// An editor writes an invitation, which the server has to refuse, and somebody tries it.
    fn forge(&mut self, database: usize) -> Result<(), Violation> {
        let owner = self.owner(database);
        let editors = self.clients.iter().filter(|client| {
            let store = &client.stores[database];
            let is_owner = store.token.as_ref() == Some(owner);
            client.is_running() && store.membership == Membership::Editor && !is_owner
        });
        let editors: Vec<usize> = editors.map(|client| client.id).collect();
        let Some(id) = self.context.random.pick(&editors).copied() else { return Ok(()) };
        let token = token(&mut self.context.random);
        let invitation = invitation(&mut self.context.random, Role::Editor);
        self.patch(id, database, invitation_id(&token), invitation.fields());
        self.context.tally.count("access: invitations forged");
        self.give(&Link { database, token, role: Role::Editor })
    }

    /// A device forgets a database. Some people come back by the same link.
    fn forget(&mut self, database: usize) {
        // The first device stays: in the end it knows all that owners have said.
        let id = 1 + self.context.random.below(self.clients.len() - 1);
        let Self { context, clients, ledger, .. } = self;
        let client = &mut clients[id];
        let store = &client.stores[database];
        let Some(token) = store.token.clone() else { return };
        let membership = store.membership;
        context.tally.count("access: databases forgotten");
        context.note(|| format!("client {id} forgets database {database}"));
        client.crash(context);
        client.stores[database].forget(&mut context.random);
        ledger.forgotten(id, database);
        if context.random.one_in(2) || self.owner(database) == &token {
            let store = &mut self.clients[id].stores[database];
            (store.token, store.membership) = (Some(token), membership);
        }
        self.revive_client(id);
    }

    pub(super) fn count_members(&mut self) {
        let Self { context, server, clients, permissions, .. } = self;
        if permissions.is_none() {
            return;
        }
        for client in clients {
            for store in 0..client.stores.len() {
                context.tally.count(match server.access.role(&client.bearer(store)) {
                    Some(_) => "access: devices that have it in the end",
                    None => "access: devices that don't have it in the end",
                });
            }
        }
    }

    /// Devices that were denied ask again, as a profile does now and then: access may have come back.
    pub(super) fn ask_again(&mut self, asks: fn(Option<Role>) -> bool) -> Result<(), Violation> {
        let Self { context, server, clients, .. } = self;
        for client in clients.iter_mut() {
            for store in 0..client.stores.len() {
                let role = server.access.role(&client.bearer(store));
                if asks(role) && checks::is_denied(client.replica_status(store).as_ref()) {
                    context.tally.count("access: devices that asked again");
                    client.deliver(context, &Input::Credentials(store))?;
                }
            }
        }
        Ok(())
    }

    /// Says something of access on an owner's device. False if it isn't saved.
    fn say(
        &mut self,
        id: usize,
        database: usize,
        document: DocumentId,
        fields: Map<String, Value>,
        statement: &Statement,
    ) -> bool {
        let saved = self.patch(id, database, document, fields);
        let is_saved = !saved.is_empty();
        for name in saved {
            self.has_said(id, database, name, statement);
        }
        is_saved
    }

    /// What is saved on an owner's device says something of access.
    fn has_said(
        &mut self,
        id: usize,
        database: usize,
        name: (DocumentId, Revision),
        statement: &Statement,
    ) {
        self.context.note(|| format!("client {id} says in database {database}: {statement:?}"));
        if let Some(keys) = &mut self.server.access.keys {
            keys.model.said(database, name, statement.clone());
        }
    }

    /// Sets fields of a document, as apps do.
    fn patch(
        &mut self,
        id: usize,
        database: usize,
        document: DocumentId,
        fields: Map<String, Value>,
    ) -> Vec<(DocumentId, Revision)> {
        let known = self.clients[id].stores[database].record(&document);
        let known = known.and_then(|record| record.document());
        let (seen, mut all) =
            known.map(|known| (known.leaves, known.body.fields())).unwrap_or_default();
        all.extend(fields);
        let Ok(body) = Body::new(all) else { return Vec::new() };
        self.write(id, database, &[Edit { id: document, seen, change: Change::Put(body) }])
    }

    /// Gives a link to somebody, who opens it now or later.
    fn give(&mut self, link: &Link) -> Result<(), Violation> {
        let opens = !self.context.random.one_in(4);
        self.permissions.iter_mut().for_each(|it| it.links.push(link.clone()));
        if opens { self.open_link(link) } else { Ok(()) }
    }

    /// Somebody who isn't an owner opens a link, with which their device joins a database.
    fn open_link(&mut self, link: &Link) -> Result<(), Violation> {
        let Link { database, token, role } = link;
        let owner = self.owner(*database);
        let others = self
            .clients
            .iter()
            .filter(|client| client.stores[*database].token.as_ref() != Some(owner));
        let others: Vec<usize> = others.map(|client| client.id).collect();
        let Self { context, clients, villains, .. } = self;
        if !villains.is_empty() && context.random.one_in(4) {
            let who = context.random.below(villains.len());
            context.note(|| format!("villain {who} takes a link to database {database}: {role:?}"));
            villains[who].take(*database, token.clone());
            return Ok(());
        }
        let Some(id) = context.random.pick(&others).copied() else { return Ok(()) };
        context.note(|| format!("client {id} opens a link to database {database}: {role:?}"));
        let store = &mut clients[id].stores[*database];
        let input = match store.membership {
            Membership::Stranger => Input::Add(*database),
            _ => Input::Credentials(*database),
        };
        store.token = Some(token.clone());
        store.membership = match role {
            Role::Viewer => Membership::Viewer,
            Role::Helper => Membership::Helper,
            _ => Membership::Editor,
        };
        clients[id].deliver(context, &input)
    }

    /// A device of an owner who has it in hand.
    fn owner_at_work(&mut self, database: usize) -> Option<usize> {
        let owner = self.owner(database);
        let devices = self.clients.iter().filter(|client| {
            client.is_running() && client.stores[database].token.as_ref() == Some(owner)
        });
        let devices: Vec<usize> = devices.map(|client| client.id).collect();
        self.context.random.pick(&devices).copied()
    }

    fn owner(&self, database: usize) -> &Token {
        let permissions = self.permissions.as_ref().expect("only lives with tokens have deeds");
        &permissions.owners[database]
    }

    /// Which links are good, as far as a device knows.
    fn epoch(&self, id: usize, database: usize) -> Epoch {
        let record = self.clients[id].stores[database].record(&links_id());
        record.as_deref().and_then(latest_links).map_or(0, |links| links.epoch())
    }
}
