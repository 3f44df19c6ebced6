//! The address under which a client sees us, for absolute links.

use crate::forwarded::{self, Forwarded};
use http::uri::Authority;
use http::{HeaderMap, Uri, header};
use larder_model::{Kind, Origin, Problem};
use std::net::IpAddr;
use std::sync::Arc;

/// Where the page is that a request comes from, as browsers tell it.
const FETCH_SITE: &str = "sec-fetch-site";

/// What a request tells of the way it came, already checked against the trusted proxies.
#[derive(Clone, Debug)]
pub struct ClientView {
    /// `https://host[:port]` without a trailing slash.
    pub base: Box<str>,
    /// The client's address.
    pub address: IpAddr,
    /// The id under which the log tells of the request; empty until it is known.
    pub request_id: Arc<str>,
    /// Whether somebody told of the way it came who is not believed: a proxy that is not trusted, or
    /// the client itself.
    pub unheard: bool,
}

impl ClientView {
    /// The site of a request: the configured address first, then what trusted proxies say, then the
    /// request's own authority (HTTP/2) or `Host` header.
    pub fn of(
        uri: &Uri,
        headers: &HeaderMap,
        fixed: Option<&str>,
        tls: bool,
        peer: IpAddr,
        trusts: impl Fn(IpAddr) -> bool,
    ) -> Self {
        let is_heard = trusts(peer);
        let unheard = !is_heard && forwarded::tells(headers);
        let forwarded = if is_heard {
            Forwarded::read(headers, peer, trusts)
        } else {
            Forwarded::none(peer)
        };
        let address = forwarded.address;
        if let Some(fixed) = fixed {
            return Self {
                base: fixed.into(),
                address,
                request_id: "".into(),
                unheard,
            };
        }
        let secure = match forwarded.proto.as_deref() {
            Some(proto) if proto.eq_ignore_ascii_case("https") => true,
            Some(proto) if proto.eq_ignore_ascii_case("http") => false,
            _ => tls,
        };
        let own = || {
            let host = headers.get(header::HOST);
            let host = host.and_then(|value| value.to_str().ok());
            uri.authority()
                .map(Authority::as_str)
                .or(host)
                .map(str::trim)
        };
        // What is no host is none: the request's own is.
        let told = forwarded.host.as_deref().filter(|host| is_host(host));
        let host = told.or_else(|| own().filter(|host| is_host(host)));
        let scheme = if secure { "https" } else { "http" };
        Self {
            base: [scheme, "://", host.unwrap_or("localhost")].concat().into(),
            address,
            request_id: "".into(),
            unheard,
        }
    }

    /// The same for the request of this id.
    #[must_use]
    pub fn of_request(self, id: &str) -> Self {
        Self {
            request_id: id.into(),
            ..self
        }
    }

    /// Whether the client sees us over https.
    pub fn is_secure(&self) -> bool {
        self.base.starts_with("https://")
    }

    /// What the audit trail tells of it.
    pub fn origin(&self) -> Origin {
        Origin {
            address: self.address,
            request_id: self.request_id.clone(),
        }
    }

    /// Fails unless a browser says that a request is of a page of ours: where nothing is said, a
    /// cookie may have been sent by anyone's.
    pub(crate) fn require_said_own(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if headers.contains_key(FETCH_SITE) || headers.contains_key(header::ORIGIN) {
            return self.require_own(headers);
        }
        let detail = "a change in a session needs the header `Sec-Fetch-Site` or `Origin`, as \
                      browsers send it";
        Err(Problem::new(Kind::Denied, "origin", detail))
    }

    /// Fails if a browser says that a request is another site's: with it go the passwords that it
    /// remembers.
    pub fn require_own(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let value = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or_default())
        };
        let authority = |url: &str| {
            url.split_once("://")
                .map(|(_, authority)| authority.to_owned())
        };
        let own = match (value(FETCH_SITE), value(header::ORIGIN.as_str())) {
            (Some(from), _) => from == "same-origin",
            // Behind a proxy that says nothing of itself the scheme may be another than it looks
            // from here.
            (None, Some(origin)) => {
                let origin = authority(origin);
                let host = value(header::HOST.as_str());
                origin.is_some() && (origin == authority(&self.base) || origin.as_deref() == host)
            }
            (None, None) => true, // no browser
        };
        let other = || {
            Problem::new(
                Kind::Denied,
                "origin",
                "this was sent from a page of another site",
            )
        };
        if own { Ok(()) } else { Err(other()) }
    }
}

/// A host with an optional port: nothing that could break out of a header or a link.
fn is_host(host: &str) -> bool {
    (1..=255).contains(&host.len())
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
}

#[cfg(test)]
mod tests;
