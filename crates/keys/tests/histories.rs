//! Random histories of what owners say of access, on devices that meet the server now and then, beside a
//! model that knows only sets.

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;
use settee_keys::{
    Invitation, Judgement, Role, Said, Token, Verifiers,
    access::{HelpersMay, helpers_id, invitation_id, links_id},
    judge,
};
use settee_store::{Database, Memory, Operation, Revision, replication::Known};

const DEVICES: usize = 3;

#[derive(Debug, Clone)]
enum Deed {
    Invite {
        device: usize,
        role: Role,
    },
    /// Takes back one of the invitations that the device knows.
    Revoke {
        device: usize,
        which: usize,
    },
    Renew {
        device: usize,
    },
    /// Lets helpers add documents, or doesn't any more.
    LetAdd {
        device: usize,
        may: bool,
    },
    Meet {
        device: usize,
    },
    /// The server loses all, and gets it back from owners' devices, as far as these know it.
    Lose,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let device = || 0..DEVICES;
    let role = prop::sample::select(&[Role::Viewer, Role::Helper, Role::Editor]);
    let deed = prop_oneof![
        3 => (device(), role).prop_map(|(device, role)| Deed::Invite { device, role }),
        3 => (device(), 0_usize..8).prop_map(|(device, which)| Deed::Revoke { device, which }),
        1 => device().prop_map(|device| Deed::Renew { device }),
        2 => (device(), any::<bool>()).prop_map(|(device, may)| Deed::LetAdd { device, may }),
        5 => device().prop_map(|device| Deed::Meet { device }),
        1 => Just(Deed::Lose),
    ];
    prop::collection::vec(deed, 1..25)
}

/// A replica, and what it knows by the model.
struct Replica {
    database: Database,
    invited: BTreeSet<usize>,
    revoked: BTreeSet<usize>,
    epoch: u32,
    /// What was said of helpers, and instead of what.
    adding: BTreeMap<Revision, (bool, BTreeSet<Revision>)>,
}

impl Replica {
    fn new() -> Self {
        let database = Database::new(Memory::new([1; 16]));
        let (invited, revoked, adding) = Default::default();
        Self { database, invited, revoked, epoch: 0, adding }
    }

    /// What nothing was said instead of.
    fn latest(&self) -> BTreeMap<Revision, bool> {
        let mut latest: BTreeMap<_, _> =
            self.adding.iter().map(|(it, said)| (*it, said.0)).collect();
        self.adding.values().flat_map(|said| &said.1).for_each(|it| {
            latest.remove(it);
        });
        latest
    }

    /// Takes in all that another one has.
    fn learn(&mut self, from: &Self) {
        at_once(from.database.to_send(usize::MAX)).unwrap();
        let records = at_once(from.database.changes(0, usize::MAX)).unwrap();
        let documents =
            records.iter().filter_map(|record| record.outgoing_since(Known::Until(0), |_| false));
        let operations =
            documents.map(|document| Operation::Replicate { document, acknowledges: true });
        let commit = at_once(self.database.commit(operations.collect())).unwrap();
        assert!(commit.outcomes.iter().all(Result::is_ok));
        self.invited.extend(&from.invited);
        self.revoked.extend(&from.revoked);
        self.epoch = self.epoch.max(from.epoch);
        self.adding.extend(from.adding.clone());
    }

    fn said(&self, token: &Token) -> Said {
        let records = at_once(self.database.records(Said::ids(token))).unwrap();
        Said::of(records.iter().map(Option::as_deref))
    }

    fn judge(&self, owner: &Token, token: &Token) -> Judgement {
        let said = self.said(token);
        judge(&owner.database_id(), token, Some(&Verifiers::of_owner(owner)), &said)
    }
}

/// Databases in memory answer at once.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let future = std::pin::pin!(future);
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_server_grants_what_the_model_grants(deeds in deeds()) {
        let owner = Token::generate();
        let mut devices = std::array::from_fn::<_, DEVICES, _>(|_| Replica::new());
        let mut server = Replica::new();
        let mut invitations: Vec<(Invitation, Token)> = Vec::new();
        for deed in deeds {
            match deed {
                Deed::Invite { device, role } => {
                    let invitation = Invitation::new(role, "somebody");
                    let token = owner.invitation(&invitation.seed);
                    let device = &mut devices[device];
                    let id = invitation_id(&token);
                    at_once(device.database.put(id.as_str(), &invitation.fields())).unwrap();
                    device.invited.insert(invitations.len());
                    invitations.push((invitation, token));
                }
                Deed::Revoke { device, which } => {
                    let device = &mut devices[device];
                    let Some(&which) = device.invited.iter().nth(which) else { continue };
                    let (invitation, token) = &invitations[which];
                    let revoked = Invitation { revoked: true, ..invitation.clone() };
                    let id = invitation_id(token);
                    at_once(device.database.put(id.as_str(), &revoked.fields())).unwrap();
                    device.revoked.insert(which);
                }
                Deed::Renew { device } => {
                    let device = &mut devices[device];
                    device.epoch += 1;
                    let links = Verifiers::of_epoch(&owner, device.epoch);
                    at_once(device.database.put(links_id().as_str(), &links.fields())).unwrap();
                }
                Deed::LetAdd { device, may } => {
                    let device = &mut devices[device];
                    let (id, fields) = (helpers_id(), HelpersMay { add: may }.fields());
                    let before = device.latest().into_keys().collect();
                    let made = at_once(device.database.put(id.as_str(), &fields)).unwrap();
                    device.adding.entry(made).or_insert((may, before));
                }
                Deed::Meet { device } => {
                    server.learn(&devices[device]);
                    devices[device].learn(&server);
                }
                Deed::Lose => server = Replica::new(),
            }
            let may_add = server.latest().into_values().all(|may| may);
            prop_assert_eq!(server.said(&owner).helpers, HelpersMay { add: may_add });
            for (number, (invitation, token)) in invitations.iter().enumerate() {
                let expected = if server.revoked.contains(&number) {
                    Judgement::Revoked
                } else if server.invited.contains(&number) {
                    Judgement::Granted(invitation.role)
                } else {
                    Judgement::Denied
                };
                prop_assert_eq!(server.judge(&owner, token), expected);
            }
            for epoch in 0..=server.epoch + 1 {
                let is_good = epoch == server.epoch;
                for (role, token) in [
                    (Role::Editor, owner.editor(epoch)),
                    (Role::Helper, owner.editor(epoch).helper()),
                    (Role::Viewer, owner.editor(epoch).helper().viewer()),
                ] {
                    let judged = server.judge(&owner, &token);
                    prop_assert_eq!(judged == Judgement::Granted(role), is_good);
                    let was_good = epoch == 0 || epoch < server.epoch && epoch + 8 >= server.epoch;
                    let other = if was_good { Judgement::Revoked } else { Judgement::Denied };
                    prop_assert!(is_good || judged == other, "{epoch} of {}", server.epoch);
                }
            }
        }
    }
}
