//! Which addresses an upstream may have: a registry's index must not lead us to what only we can
//! reach.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url};

/// Lets through public addresses, and private ones of the hosts that the operator named.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// Origins whose host may have a private address.
    trusted: Arc<[url::Origin]>,
}

/// An address that is not to be reached, told without saying what it is.
#[derive(Debug)]
pub(crate) struct Forbidden;

impl std::fmt::Display for Forbidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("its address is private, and it is not allowed to be (allow_private)")
    }
}

impl std::error::Error for Forbidden {}

impl Guard {
    pub(crate) fn new(trusted: Vec<url::Origin>) -> Self {
        Self {
            trusted: trusted.into(),
        }
    }

    /// Whether `url` may be asked at all; names are looked up later, by [`Resolve`].
    pub(crate) fn admits(&self, url: &Url) -> bool {
        if self.trusts(url) {
            return true;
        }
        match url.host() {
            Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
            // A name is resolved by its name alone: a trusted one does not open its other ports.
            Some(Host::Domain(name)) => !self.trusts_host(name),
            None => false,
        }
    }

    /// Whether the operator named the origin of `url`.
    pub(crate) fn trusts(&self, url: &Url) -> bool {
        self.trusted.contains(&url.origin())
    }

    fn trusts_host(&self, name: &str) -> bool {
        let same = |origin: &url::Origin| match origin {
            url::Origin::Tuple(_, Host::Domain(host), _) => host.eq_ignore_ascii_case(name),
            _ => false,
        };
        self.trusted.iter().any(same)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let trusted = self.trusts_host(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|found| trusted || is_public(found.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(Forbidden.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address can be anyone's: not loopback, private, link-local, shared, reserved, or one
/// of these in disguise.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let benchmark = first == 198 && (second == 18 || second == 19);
    let protocol = first == 192 && second == 0 && third == 0;
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || shared
        || benchmark
        || protocol)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let segments = address.segments();
    let inner = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x2002, high, low, ..] => inner(high, low),
        [0x64, 0xff9b, 1, ..] | [0x2001, 0 | 0xdb8, ..] => false,
        // Only global unicast is anyone's.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("url")
    }

    #[test]
    fn private_addresses_are_not_reached_in_any_dress() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.1",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "64:ff9b:1::1",
            "2001:db8::1",
        ];
        for text in private {
            assert!(!is_public(text.parse().expect("address")), "{text}");
        }
        for text in [
            "1.1.1.1",
            "93.184.216.34",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(text.parse().expect("address")), "{text}");
        }
    }

    #[test]
    fn only_the_named_origin_may_be_private() {
        let guard = Guard::new(vec![
            url("http://127.0.0.1:8081/").origin(),
            url("http://inner.example:90/").origin(),
        ]);
        for good in [
            "http://127.0.0.1:8081/a",
            "http://inner.example:90/x",
            "https://elsewhere.example/",
            "http://1.1.1.1/",
        ] {
            assert!(guard.admits(&url(good)), "{good}");
        }
        for bad in [
            "http://127.0.0.1/",
            "http://127.0.0.1:22/",
            "http://[::1]:8081/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://inner.example/",
            "http://INNER.example:22/",
            "http://169.254.169.254/latest/",
        ] {
            assert!(!guard.admits(&url(bad)), "{bad}");
        }
    }

    #[tokio::test]
    async fn names_of_private_addresses_are_not_resolved() {
        let resolve = |guard: Guard| async move {
            guard
                .resolve("localhost".parse().expect("name"))
                .await
                .is_ok()
        };
        assert!(!resolve(Guard::new(vec![])).await);
        assert!(resolve(Guard::new(vec![url("http://localhost:1/").origin()])).await);
    }
}
