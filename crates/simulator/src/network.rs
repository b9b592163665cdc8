//! The network: all links between clients and the server, and the faults that affect them.
//!
//! A WebSocket is carried by TCP, so a link delivers frames in order and each once, until it delivers
//! nothing any more. So a lost frame means that nothing arrives after it: the link goes silent until
//! one of the sides gives up. These faults matter here:
//!
//! - a delay or a stall: nothing arrives for a while, and then everything that was sent;
//! - a cut: what is on its way is lost, and both sides are told;
//! - silence: what is sent from now on is lost, in one direction or both, and nobody is told;
//! - a partition: the existing links stall, and no new ones can be opened.
//!
//! The same documents often arrive twice, because batches are sent again after a reconnect. The same
//! frame arrives twice on one connection only through a broken proxy. The machines may end such a
//! connection, but nothing may be lost.

use std::collections::BTreeMap;

use settee_sync::Time;

use crate::link::{Direction, Link, LinkId, Owner, Pipe};

#[derive(Debug, Default)]
pub struct Network {
    links: BTreeMap<LinkId, Link>,
    next: LinkId,
    partitions: BTreeMap<usize, Time>,
}

impl Network {
    pub fn open(&mut self, owner: Owner) -> LinkId {
        let link = self.next;
        self.next += 1;
        self.links.insert(link, Link::new(owner));
        link
    }

    pub fn owner_of(&self, link: LinkId) -> Option<Owner> {
        self.links.get(&link).map(|link| link.owner)
    }

    pub fn stall(&mut self, link: LinkId, until: Time) {
        if let Some(link) = self.links.get_mut(&link) {
            for direction in [Direction::Up, Direction::Down] {
                let pipe = link.pipe(direction);
                pipe.stalled_until = pipe.stalled_until.max(until);
            }
        }
    }

    /// From now on nothing arrives in this direction, not even what is on its way.
    pub fn go_silent(&mut self, link: LinkId, direction: Direction) {
        if let Some(pipe) = self.pipe(link, direction) {
            pipe.is_dead = true;
            pipe.parcels.clear();
            pipe.bytes = 0;
        }
    }

    pub fn partition(&mut self, client: usize, until: Time) {
        self.partitions.insert(client, until);
        let links = self.links.iter().filter(|(_, link)| link.owner == Owner::Client(client));
        for link in links.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.stall(link, until);
        }
    }

    pub fn is_cut_off(&self, client: usize, now: Time) -> bool {
        self.partitions.get(&client).is_some_and(|until| *until > now)
    }

    /// Partitions and stalls end. Links that have gone silent stay silent: the machines have to
    /// notice.
    pub fn heal(&mut self, now: Time) {
        self.partitions.clear();
        for link in self.links.values_mut() {
            link.up.stalled_until = link.up.stalled_until.min(now);
            link.down.stalled_until = link.down.stalled_until.min(now);
        }
    }

    pub fn pipe(&mut self, link: LinkId, direction: Direction) -> Option<&mut Pipe> {
        self.links.get_mut(&link).map(|link| link.pipe(direction))
    }

    /// The bytes on their way on the fullest link, in one direction. Villains send as much as they like.
    pub fn fullest(&self) -> usize {
        let bytes = |link: &Link| match link.owner {
            Owner::Client(_) => link.up.bytes.max(link.down.bytes),
            Owner::Villain(_) => link.down.bytes,
        };
        self.links.values().map(bytes).max().unwrap_or_default()
    }
}
