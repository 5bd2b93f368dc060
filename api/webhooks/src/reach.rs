//! Where webhooks may go: addresses that everybody can reach, on ports where web servers are, and what the farm's owner allows besides.

use crate::WebhookError;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

/// What the farm's owner allows: a studio's own networks, other ports.
#[derive(Clone, Debug)]
pub struct Allow {
    networks: Vec<IpNet>,
    ports: Vec<RangeInclusive<u16>>,
}

impl Default for Allow {
    /// The public internet, ports 80, 443 and 8000 up.
    fn default() -> Self {
        Self { networks: Vec::new(), ports: vec![80..=80, 443..=443, 8000..=u16::MAX] }
    }
}

/// Why an address or a port is not gone to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    Address(&'static str),
    Port(u16),
}

impl fmt::Display for Forbidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(kind) => {
                write!(out, "it leads to {kind}, where webhooks may not go; the farm's owner can allow a network")
            }
            Self::Port(port) => write!(out, "webhooks may not go to port {port}; the farm's owner can allow it"),
        }
    }
}

/// IANA's special-purpose IPv4 addresses that are not globally reachable, and what is no address of one machine.
const V4: [(Ipv4Addr, u8, &str); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this host or network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private network"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "a carrier's private network"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "the farm's own machine"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "a link-local address"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private network"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "a reserved network"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "a network for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private network"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "a network for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "a network for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "a network for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "a multicast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved network"),
];

/// Of IPv6 only global unicast (2000::/3) is gone to, and of it not these.
const V6: [(Ipv6Addr, u8, &str); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "a protocol's own network"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "a network for documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "an IPv4 address in a tunnel"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "a network for documentation"),
];

impl Allow {
    /// A network in CIDR form, or one address.
    pub fn network(mut self, text: &str) -> Result<Self, WebhookError> {
        let bad = |what: &dyn fmt::Display| WebhookError::BadAllow(text.into(), what.to_string());
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse::<IpNet>().map_err(|_| bad(&"expected a network such as 10.1.0.0/16, or an address"))?,
        };
        self.networks.push(network.trunc());
        Ok(self)
    }

    /// One more range of ports.
    #[must_use]
    pub fn ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.ports.push(ports);
        self
    }

    /// Whether it may be connected to.
    pub fn check(&self, address: IpAddr, port: u16) -> Result<(), Forbidden> {
        self.check_port(port)?;
        // ::ffff:a.b.c.d is a.b.c.d.
        let address = address.to_canonical();
        if self.networks.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        match forbidden(address) {
            Some(kind) => Err(Forbidden::Address(kind)),
            None => Ok(()),
        }
    }

    pub(crate) fn check_port(&self, port: u16) -> Result<(), Forbidden> {
        if self.ports.iter().any(|ports| ports.contains(&port)) { Ok(()) } else { Err(Forbidden::Port(port)) }
    }
}

fn forbidden(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => forbidden_v4(address),
        IpAddr::V6(address) => forbidden_v6(address),
    }
}

fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    let within = |(network, bits, _): &&(Ipv4Addr, u8, &str)| Ipv4Net::new(*network, *bits).is_ok_and(|net| net.contains(&address));
    V4.iter().find(within).map(|(_, _, kind)| *kind)
}

fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        // NAT64: how a network of IPv6 alone reaches IPv4.
        let [.., a, b, c, d] = address.octets();
        return forbidden_v4(Ipv4Addr::new(a, b, c, d));
    }
    let within = |(network, bits, _): &&(Ipv6Addr, u8, &str)| Ipv6Net::new(*network, *bits).is_ok_and(|net| net.contains(&address));
    match address {
        Ipv6Addr::LOCALHOST => Some("the farm's own machine"),
        _ if segments[0] & 0xfe00 == 0xfc00 => Some("a private network"),
        _ if segments[0] & 0xffc0 == 0xfe80 => Some("a link-local address"),
        _ if segments[0] & 0xff00 == 0xff00 => Some("a multicast address"),
        _ if segments[0] & 0xe000 != 0x2000 => Some("a reserved network"),
        _ => V6.iter().find(within).map(|(_, _, kind)| *kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(allow: &Allow, address: &str, port: u16) -> bool {
        allow.check(address.parse().unwrap(), port).is_ok()
    }

    #[test]
    fn only_public_addresses_are_gone_to() {
        let allow = Allow::default();
        for public in
            ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.167.1.1", "223.255.255.255"]
        {
            assert!(may(&allow, public, 443), "{public}");
            assert!(may(&allow, &format!("::ffff:{public}"), 443), "mapped {public}");
            assert!(may(&allow, &format!("64:ff9b::{public}"), 443), "by NAT64 {public}");
        }
        for public in ["2606:4700:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"] {
            assert!(may(&allow, public, 443), "{public}");
        }
        let private = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ];
        for private in private {
            assert!(!may(&allow, private, 443), "{private}");
            assert!(!may(&allow, &format!("::ffff:{private}"), 443), "mapped {private}");
            assert!(!may(&allow, &format!("64:ff9b::{private}"), 443), "by NAT64 {private}");
            assert!(!may(&allow, &format!("::{private}"), 443), "compatible {private}");
        }
        let private = [
            "::",
            "::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2001:10::1",
            "2002:7f00:1::",
            "3fff::1",
            "64:ff9b:1::1",
            "100::1",
            "4000::1",
            "5f00::1",
        ];
        for private in private {
            assert!(!may(&allow, private, 443), "{private}");
        }
    }

    #[test]
    fn ports_and_networks_are_allowed_by_name() {
        let allow = Allow::default();
        for (port, open) in
            [(80, true), (443, true), (8000, true), (65_535, true), (22, false), (25, false), (6379, false), (7999, false)]
        {
            assert_eq!(may(&allow, "1.1.1.1", port), open, "{port}");
        }
        let studio = allow.network("10.1.2.3/16").unwrap().network("fd00::7").unwrap().ports(2375..=2375);
        assert!(may(&studio, "10.1.255.1", 2375) && may(&studio, "::ffff:10.1.0.9", 80) && may(&studio, "fd00::7", 80));
        assert!(!may(&studio, "10.2.0.1", 80) && !may(&studio, "fd00::8", 80) && !may(&studio, "10.1.0.1", 22));
        for bad in ["", "10.0.0.0/33", "studio", "10.0.0"] {
            assert!(matches!(Allow::default().network(bad), Err(WebhookError::BadAllow(..))), "{bad}");
        }
    }
}
