//! Which addresses an upstream may have: a registry's index must not lead us to what only we can
//! reach.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use url::{Host, Url};

/// Lets through public addresses, and private ones of the hosts that the operator named.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// Origins whose host may have a private address.
    trusted: Arc<[url::Origin]>,
    /// Origins of the mirrors that the upstream's list names.
    listed: Arc<RwLock<Vec<url::Origin>>>,
    /// Whether these may have a private address, too: the upstream may.
    trusts_listed: bool,
}

/// A host that is not to be reached.
#[derive(Debug)]
pub(super) struct Forbidden(pub(super) String);

impl std::fmt::Display for Forbidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(host) = self;
        write!(
            f,
            "{host} has a private address, and is not allowed to (allow_private, allow)"
        )
    }
}

impl std::error::Error for Forbidden {}

impl Guard {
    pub(super) fn new(trusted: Vec<url::Origin>, trusts_listed: bool) -> Self {
        Self {
            trusted: trusted.into(),
            listed: Arc::default(),
            trusts_listed,
        }
    }

    /// The upstream's list names these mirrors now.
    pub(super) fn list(&self, origins: Vec<url::Origin>) {
        *self.listed.write().unwrap_or_else(PoisonError::into_inner) = origins;
    }

    /// Whether the operator named the origin of `url`, or the list of mirrors that he named did.
    pub(super) fn is_named(&self, url: &Url) -> bool {
        self.trusted.contains(&url.origin()) || self.is_listed(|origin| *origin == url.origin())
    }

    fn is_listed(&self, is_it: impl FnMut(&url::Origin) -> bool) -> bool {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        listed.iter().any(is_it)
    }

    /// Whether `url` may be asked at all; names are looked up later, by a
    /// [`Resolver`].
    pub(super) fn admits(&self, url: &Url) -> bool {
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

    /// Whether the origin of `url` may have a private address.
    pub(super) fn trusts(&self, url: &Url) -> bool {
        self.trusted.contains(&url.origin())
            || (self.trusts_listed && self.is_listed(|origin| *origin == url.origin()))
    }

    fn trusts_host(&self, name: &str) -> bool {
        let same = |origin: &url::Origin| match origin {
            url::Origin::Tuple(_, Host::Domain(host), _) => host.eq_ignore_ascii_case(name),
            _ => false,
        };
        self.trusted.iter().any(same) || (self.trusts_listed && self.is_listed(same))
    }
}

/// Looks names up for connections, under the guard.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    pub(super) guard: Guard,
    /// Names of hosts that may have a private address: proxies are where the operator has them.
    pub(super) proxies: Arc<[Box<str>]>,
}

impl Resolver {
    fn trusts(&self, name: &str) -> bool {
        let mut proxies = self.proxies.iter();
        self.guard.trusts_host(name) || proxies.any(|proxy| proxy.eq_ignore_ascii_case(name))
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let trusted = self.trusts(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|found| trusted || is_public(found.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(Forbidden(name.as_str().to_owned()).into());
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
mod tests;
