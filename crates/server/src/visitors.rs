//! Who is connected, by address, so that one address can't take everything.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::http::HeaderMap;
use tokio::time::Instant;

use crate::quotas::Quotas;

/// Databases that are created from one address are counted for so long.
const WINDOW: Duration = Duration::from_hours(1);
/// With more addresses than this, those that nobody is connected from are looked through.
const SWEEP: usize = 1024;
/// Where a proxy says who its client is. The last entry is its own.
const FORWARDED: &str = "x-forwarded-for";

/// One customer's part of the network: an IPv4 address, or 64 bits of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(u64);

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            // No IPv6 network that is in use begins with 64 zero bits but for 32.
            IpAddr::V4(address) => Self(u32::from(address).into()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(u64::from(a) << 48 | u64::from(b) << 32 | u64::from(c) << 16 | u64::from(d))
            }
        }
    }

    /// Where a connection comes from. `None` for this machine and the networks around it: that may be a
    /// proxy, which has all clients behind it.
    pub fn of_peer(peer: SocketAddr) -> Option<Self> {
        let address = peer.ip().to_canonical();
        let is_near = match address {
            IpAddr::V4(it) => it.is_loopback() || it.is_private() || it.is_link_local(),
            IpAddr::V6(it) => {
                it.is_loopback() || it.is_unique_local() || it.is_unicast_link_local()
            }
        };
        (!is_near).then(|| Self::of(address))
    }

    /// Where a request comes from. A proxy that is near is believed, and nobody else.
    pub fn of_request(peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<Self> {
        let peer = peer?;
        Self::of_peer(peer).or_else(|| {
            let last = headers.get_all(FORWARDED).iter().next_back()?.to_str().ok()?;
            let address = last.rsplit(',').next()?.trim().parse().ok()?;
            Some(Self::of(address))
        })
    }
}

/// All addresses that somebody is connected from, or was lately.
#[derive(Debug)]
pub struct Visitors {
    accounts: Mutex<HashMap<Network, Account>>,
    connections: u32,
    creations: u32,
}

#[derive(Debug)]
struct Account {
    connections: u32,
    /// How many databases were created since then.
    created: u32,
    since: Instant,
}

impl Account {
    fn new() -> Self {
        Self { connections: 0, created: 0, since: Instant::now() }
    }

    fn is_needed(&self) -> bool {
        self.connections > 0 || (self.created > 0 && self.since.elapsed() < WINDOW)
    }
}

/// A connection's place among those from its address. It ends with this value.
#[derive(Debug)]
pub struct Place {
    visitors: Arc<Visitors>,
    network: Option<Network>,
}

impl Visitors {
    pub fn new(quotas: &Quotas) -> Self {
        Self {
            accounts: Mutex::default(),
            connections: quotas.connections_from_address,
            creations: quotas.creations_from_address,
        }
    }

    /// A place for one more connection; `None` if there are too many from there.
    pub fn enter(self: &Arc<Self>, network: Option<Network>) -> Option<Place> {
        if let Some(network) = network {
            let mut accounts = self.accounts();
            if accounts.len() >= SWEEP && accounts.len() == accounts.capacity() {
                accounts.retain(|_, account| account.is_needed());
            }
            let account = accounts.entry(network).or_insert_with(Account::new);
            if account.connections >= self.connections {
                return None;
            }
            account.connections += 1;
        }
        Some(Place { visitors: self.clone(), network })
    }

    /// Counts a database that is created from there. False if there were too many lately.
    fn create(&self, network: Option<Network>) -> bool {
        let Some(network) = network else { return true };
        let mut accounts = self.accounts();
        let account = accounts.entry(network).or_insert_with(Account::new);
        if account.since.elapsed() >= WINDOW {
            (account.created, account.since) = (0, Instant::now());
        }
        let may = account.created < self.creations;
        account.created += u32::from(may);
        may
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<Network, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut accounts = self.visitors.accounts();
        if let Some(account) = accounts.get_mut(&network) {
            account.connections -= 1;
            if !account.is_needed() {
                accounts.remove(&network);
            }
        }
    }
}

/// One connection for sync, as far as it counts for what it creates.
#[derive(Debug)]
pub struct Visitor {
    place: Place,
    created: AtomicU32,
    creations: u32,
}

impl Visitor {
    pub fn new(place: Place, quotas: &Quotas) -> Self {
        Self { place, created: AtomicU32::new(0), creations: quotas.creations }
    }

    /// Counts a database that this connection creates. False if there are too many.
    pub fn create(&self) -> bool {
        self.created.fetch_add(1, Ordering::Relaxed) < self.creations
            && self.place.visitors.create(self.place.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitors(connections: u32, creations: u32) -> Arc<Visitors> {
        let quotas = Quotas {
            connections_from_address: connections,
            creations_from_address: creations,
            ..Quotas::default()
        };
        Arc::new(Visitors::new(&quotas))
    }

    fn network(address: &str) -> Option<Network> {
        Network::of_peer(SocketAddr::new(address.parse().unwrap(), 1))
    }

    #[test]
    fn addresses_have_so_many_connections_each() {
        let visitors = visitors(2, 9);
        let here = network("192.0.2.1");
        let first = visitors.enter(here).unwrap();
        let _second = visitors.enter(network("::ffff:192.0.2.1")).unwrap();
        assert!(visitors.enter(here).is_none());
        assert!(visitors.enter(network("192.0.2.2")).is_some());
        drop(first);
        assert!(visitors.enter(here).is_some());
        assert!(network("127.0.0.1").is_none() && network("::1").is_none());
        assert_eq!(network("2001:db8::1"), network("2001:db8::2:3:4:5"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_create_so_many_databases_in_an_hour() {
        let visitors = visitors(9, 2);
        let here = network("192.0.2.1");
        let visitor = || Visitor::new(visitors.enter(here).unwrap(), &Quotas::default());
        assert!(visitor().create() && visitor().create());
        assert!(!visitor().create(), "another connection makes no difference");
        tokio::time::advance(WINDOW).await;
        assert!(visitor().create());
    }

    #[test]
    fn only_a_proxy_that_is_near_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED, "203.0.113.7, 198.51.100.1".parse().unwrap());
        headers.append(FORWARDED, "192.0.2.9".parse().unwrap());
        let from = |peer: &str| Network::of_request(Some(peer.parse().unwrap()), &headers);
        for near in ["127.0.0.1:5", "10.1.2.3:5", "172.17.0.1:5", "[fd00::1]:5", "[::1]:5"] {
            assert_eq!(from(near), network("192.0.2.9"), "{near}");
        }
        assert_eq!(from("192.0.2.1:5"), network("192.0.2.1"));
        assert_eq!(Network::of_request(None, &headers), None);
    }
}
