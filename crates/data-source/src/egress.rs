//! Which addresses a user's data source may have.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Lets connections go to public addresses, and to the networks that the
/// operator allows besides.
///
/// It judges addresses, not names: the caller resolves first and connects to
/// the very address that was judged.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    allowed: Vec<IpNet>,
}

#[derive(Debug, thiserror::Error)]
#[error("must be networks such as 10.0.0.0/8 or fd00::/8, with commas between; `{0}` is not one")]
pub struct NotANetwork(String);

impl FromStr for Egress {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let networks = entries.map(|entry| entry.parse().map_err(|_| NotANetwork(entry.into())));
        Ok(Self { allowed: networks.collect::<Result<_, _>>()? })
    }
}

impl Egress {
    /// Tells whether a user's data source may be at this address.
    pub fn allows(&self, address: IpAddr) -> bool {
        let seen = [Some(address), embedded(address).map(IpAddr::V4)];
        let is_listed = |it: &IpAddr| self.allowed.iter().any(|network| network.contains(it));
        seen.iter().flatten().any(is_listed) || is_public(address)
    }
}

fn is_public(address: IpAddr) -> bool {
    match (address, embedded(address)) {
        (IpAddr::V4(address), _) | (IpAddr::V6(_), Some(address)) => is_public_v4(address),
        (IpAddr::V6(address), None) => is_public_v6(address),
    }
}

/// The IPv4 address that a packet to this IPv6 address ends up at: mapped,
/// compatible, through NAT64 or through 6to4.
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(v4(high, low))
        }
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// IANA's special-purpose registry, multicast and the reserved rest.
fn is_public_v4(address: Ipv4Addr) -> bool {
    const SPECIAL: [Ipv4Net; 16] = [
        v4_net([0, 0, 0, 0], 8),
        v4_net([10, 0, 0, 0], 8),
        v4_net([100, 64, 0, 0], 10),
        v4_net([127, 0, 0, 0], 8),
        v4_net([169, 254, 0, 0], 16),
        v4_net([172, 16, 0, 0], 12),
        v4_net([192, 0, 0, 0], 24),
        v4_net([192, 0, 2, 0], 24),
        v4_net([192, 31, 196, 0], 24),
        v4_net([192, 88, 99, 0], 24),
        v4_net([192, 168, 0, 0], 16),
        v4_net([198, 18, 0, 0], 15),
        v4_net([198, 51, 100, 0], 24),
        v4_net([203, 0, 113, 0], 24),
        v4_net([224, 0, 0, 0], 4),
        v4_net([240, 0, 0, 0], 4),
    ];
    !SPECIAL.iter().any(|network| network.contains(&address))
}

/// Global unicast, less what IANA took out of it for protocols (Teredo among
/// them) and documentation.
fn is_public_v6(address: Ipv6Addr) -> bool {
    const GLOBAL: Ipv6Net = v6_net([0x2000, 0], 3);
    const SPECIAL: [Ipv6Net; 3] =
        [v6_net([0x2001, 0], 23), v6_net([0x2001, 0xdb8], 32), v6_net([0x3fff, 0], 20)];
    GLOBAL.contains(&address) && !SPECIAL.iter().any(|network| network.contains(&address))
}

const fn v4_net([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6_net([a, b]: [u16; 2], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(allowed: &str, address: &str, expected: bool) {
        let egress: Egress = allowed.parse().unwrap();
        assert_eq!(egress.allows(address.parse().unwrap()), expected, "{address} with `{allowed}`");
    }

    #[test]
    fn public_addresses_are_allowed() {
        for address in
            ["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2606:4700::1111"]
        {
            check("", address, true);
        }
    }

    #[test]
    fn addresses_inside_are_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.9.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "2001::1",
            "100::1",
            "64:ff9b:1::1",
        ] {
            check("", address, false);
        }
    }

    #[test]
    fn an_address_inside_another_is_judged_by_where_it_leads() {
        for address in ["::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1"] {
            check("", address, false);
        }
        for address in ["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"] {
            check("", address, true);
        }
    }

    #[test]
    fn the_operator_can_allow_networks() {
        let allowed = "127.0.0.0/8, 10.0.0.0/8,::1/128,";
        check(allowed, "127.0.0.1", true);
        check(allowed, "::ffff:127.0.0.1", true);
        check(allowed, "10.9.8.7", true);
        check(allowed, "::1", true);
        check(allowed, "192.168.0.1", false);
        check(allowed, "fe80::1", false);
    }

    #[test]
    fn what_is_not_a_network_is_named() {
        for entry in ["10.0.0.1", "10.0.0.0/33", "localhost"] {
            let error = format!("127.0.0.0/8,{entry}").parse::<Egress>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{entry}`")), "{error}");
        }
    }
}
