//! What proxies tell of the way a request came: `X-Forwarded-*`, or `Forwarded` (RFC 7239).
//!
//! Each proxy adds to the right what it saw. So all of it is read from the right, and no further than
//! the proxies go that are trusted: what is left of that anyone may have written.

use http::{HeaderMap, HeaderName};
use std::net::IpAddr;

/// What trusted proxies tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Forwarded {
    /// The last address that no trusted proxy has.
    pub(crate) address: IpAddr,
    /// Over what the client asked the first of them.
    pub(crate) proto: Option<String>,
    /// Which host it asked for there.
    pub(crate) host: Option<String>,
}

/// What one proxy adds to `Forwarded`.
#[derive(Default)]
struct Element {
    from: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

/// The headers in which proxies tell of the way a request came.
const HEADERS: [&str; 4] = [
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "forwarded",
];

/// Whether a request tells of the way it came.
pub(crate) fn tells(headers: &HeaderMap) -> bool {
    // A request has few headers: to compare their names costs less than to look for four of them.
    let tells = |name: &HeaderName| HEADERS.contains(&name.as_str());
    headers.keys().any(tells)
}

impl Forwarded {
    /// Nothing is told of a request of `peer`.
    pub(crate) const fn none(peer: IpAddr) -> Self {
        Self {
            address: peer,
            proto: None,
            host: None,
        }
    }

    /// What is told of a request that a trusted proxy sent. `Forwarded` counts where nothing else
    /// tells of the way: a proxy that does not know it passes on what clients write there.
    pub(crate) fn read(headers: &HeaderMap, peer: IpAddr, trusts: impl Fn(IpAddr) -> bool) -> Self {
        let [hops, protos, hosts] = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]
            .map(|name| list(headers, name));
        if hops.is_empty() && protos.is_empty() && hosts.is_empty() {
            return Self::standard(headers, peer, trusts);
        }
        let mut address = peer;
        let mut trusted = 1;
        for hop in hops.iter().rev() {
            let Some(next) = node(hop) else { break };
            address = next;
            if !trusts(next) {
                break;
            }
            trusted += 1;
        }
        // The others are told by the same proxies. Where none tells from whom it has a request, all
        // of them are taken for trusted, as the one is that sent it.
        let proxies = if hops.is_empty() { usize::MAX } else { trusted };
        let told = |values: &[&str]| {
            let first = values.len().saturating_sub(proxies);
            values.get(first).map(|value| (*value).to_owned())
        };
        Self {
            address,
            proto: told(&protos),
            host: told(&hosts),
        }
    }

    /// What `Forwarded` tells.
    fn standard(headers: &HeaderMap, peer: IpAddr, trusts: impl Fn(IpAddr) -> bool) -> Self {
        let mut told = Self::none(peer);
        let lines = headers.get_all("forwarded").iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let elements: Vec<&str> = lines.flat_map(|line| split(line, ',')).collect();
        for element in elements.into_iter().rev() {
            let element = Element::read(element);
            told.proto = element.proto.or(told.proto);
            told.host = element.host.or(told.host);
            let Some(from) = element.from else { break };
            told.address = from;
            if !trusts(from) {
                break;
            }
        }
        told
    }
}

impl Element {
    fn read(text: &str) -> Self {
        let mut element = Self::default();
        for (name, value) in split(text, ';').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => element.from = node(value),
                "proto" => element.proto = Some(value.to_owned()),
                "host" => element.host = Some(value.to_owned()),
                _ => {}
            }
        }
        element
    }
}

/// The values of a header that is a list, in all its lines.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .collect()
}

/// The address of a node (RFC 7239 6), which may have a port; IPv6 has brackets then.
fn node(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0.parse().ok(),
        None => text.rsplit_once(':')?.0.parse().ok(),
    }
}

/// Splits at a mark that is in no quotes.
fn split(text: &str, mark: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == mark && !quoted
    })
}

#[cfg(test)]
mod tests;
