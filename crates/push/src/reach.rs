//! The network addresses that may be connected to.
//!
//! An endpoint is written by a stranger. A server that connected to any would let strangers knock at
//! everything that only the server can reach: other services of its network, its own ports, the
//! metadata of its cloud.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which endpoints may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Only `https:`, and only addresses of the public internet.
    #[default]
    Public,
    /// This machine as well, also by `http:`. It is for tests.
    Loopback,
}

impl Reach {
    /// Whether this address may be connected to.
    pub fn includes(self, address: IpAddr) -> bool {
        is_public(address) || self == Self::Loopback && address.to_canonical().is_loopback()
    }
}

/// What isn't the public internet, of IANA's registry of special-purpose addresses: prefixes and their
/// bits.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    // "This network", which many systems take for this machine.
    (Ipv4Addr::UNSPECIFIED, 8),
    // Private networks.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Networks of providers behind a translation of addresses.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // This machine.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local: also where clouds keep their metadata.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Protocol assignments, and relays to IPv6.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Documentation, and measurements.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Multicast; reserved, and broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The only part of IPv6 from which public addresses have been given out.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What isn't the public internet of that part.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments, among them tunnels to any IPv4 address.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Tunnels to any IPv4 address (RFC 3056).
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match v4_within(address) {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

/// The IPv4 address that is meant: a mapped one, or one of a network that has only IPv6 (RFC 6052).
fn v4_within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(prefix, bits): &(Ipv4Addr, u32)| {
        (address.to_bits() ^ prefix.to_bits()).leading_zeros() >= *bits
    };
    !SPECIAL_V4.iter().any(is_in)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let is_in = |(prefix, bits): &(Ipv6Addr, u32)| {
        (address.to_bits() ^ prefix.to_bits()).leading_zeros() >= *bits
    };
    is_in(&GLOBAL_V6) && !SPECIAL_V6.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "142.250.185.74",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2600:1901:0:38d7::",
        "2a00:1450:4001:813::200a",
        "3ffe:ffff::1",
        "64:ff9b::8.8.8.8",
        "::ffff:8.8.8.8",
    ];

    const SPECIAL: &[&str] = &[
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.171",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:0.0.0.0",
        "::ffff:10.1.2.3",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:192.168.1.1",
        "64:ff9b::10.1.2.3",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "1fff:ffff::1",
        "2001::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3fff::1",
        "3fff:fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fdff:ffff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ffff::1",
    ];

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for text in PUBLIC {
            let address: IpAddr = text.parse().unwrap();
            assert!(Reach::Public.includes(address), "{text}");
            assert!(Reach::Loopback.includes(address), "{text}");
        }
        for text in SPECIAL {
            let address: IpAddr = text.parse().unwrap();
            assert!(!Reach::Public.includes(address), "{text}");
            let is_this_machine =
                text.starts_with("127.") || *text == "::1" || *text == "::ffff:127.0.0.1";
            assert_eq!(Reach::Loopback.includes(address), is_this_machine, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_standard_library_finds_no_public_address_special(bits: u32, high: u64, low: u64) {
            let v4 = Ipv4Addr::from_bits(bits);
            if is_public_v4(v4) {
                let special = v4.is_private() || v4.is_loopback() || v4.is_link_local();
                prop_assert!(!special && !v4.is_multicast() && !v4.is_unspecified());
                prop_assert!(!v4.is_broadcast() && !v4.is_documentation());
            }
            prop_assert_eq!(is_public(v4.to_ipv6_mapped().into()), is_public_v4(v4));
            let v6 = Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low));
            if is_public_v6(v6) {
                let special = v6.is_unique_local() || v6.is_loopback() || v6.is_unspecified();
                prop_assert!(!special && !v6.is_unicast_link_local() && !v6.is_multicast());
            }
        }
    }
}
