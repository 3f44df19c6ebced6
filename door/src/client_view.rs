//! The address under which a client sees us, for absolute links.

use http::uri::Authority;
use http::{HeaderMap, Uri, header};
use larder_model::{Kind, Problem};
use std::net::IpAddr;

/// What a request tells of the way it came, already checked against the trusted proxies.
#[derive(Clone, Debug)]
pub struct ClientView {
    /// `https://host[:port]` without a trailing slash.
    pub base: Box<str>,
    /// The client's address.
    pub address: IpAddr,
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
        let proxied = trusts(peer);
        let address = if proxied {
            forwarded_for(headers, peer, trusts)
        } else {
            peer
        };
        if let Some(fixed) = fixed {
            return Self {
                base: fixed.into(),
                address,
            };
        }
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::trim)
        };
        let forwarded = |name: &str| if proxied { text(name) } else { None };
        let secure = match forwarded("x-forwarded-proto") {
            Some(scheme) => scheme.eq_ignore_ascii_case("https"),
            None => tls,
        };
        let host = forwarded("x-forwarded-host")
            .or_else(|| uri.authority().map(Authority::as_str))
            .or_else(|| text(header::HOST.as_str()))
            .filter(|host| is_host(host));
        let scheme = if secure { "https" } else { "http" };
        Self {
            base: format!("{scheme}://{}", host.unwrap_or("localhost")).into(),
            address,
        }
    }

    /// Fails if a browser says that a request is another site's: with it go the passwords that it
    /// remembers.
    pub(crate) fn require_own(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let value = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or_default())
        };
        let authority = |url: &str| {
            url.split_once("://")
                .map(|(_, authority)| authority.to_owned())
        };
        let own = match (value("sec-fetch-site"), value(header::ORIGIN.as_str())) {
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

/// The last address that no trusted proxy vouches for, read from right to left.
fn forwarded_for(headers: &HeaderMap, peer: IpAddr, trusts: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut address = peer;
    let lines = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|line| line.to_str().ok());
    let hops: Vec<&str> = lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .collect();
    for hop in hops.into_iter().rev() {
        let Ok(next) = hop.parse() else { break };
        address = next;
        if !trusts(next) {
            break;
        }
    }
    address
}

/// A host with an optional port: nothing that could break out of a header or a link.
fn is_host(host: &str) -> bool {
    (1..=255).contains(&host.len())
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    value.parse().expect("value"),
                )
            })
            .collect()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    #[test]
    fn what_other_sites_send_is_refused() {
        let client = ClientView {
            base: "https://larder.example:7070".into(),
            address: [127, 0, 0, 1].into(),
        };
        let fine = |lines: &[(&'static str, &str)]| client.require_own(&headers(lines)).is_ok();
        assert!(fine(&[]), "no browser");
        assert!(fine(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "null")
        ]));
        assert!(fine(&[("origin", "https://larder.example:7070")]));
        assert!(
            fine(&[("origin", "http://inner:80"), ("host", "inner:80")]),
            "behind a proxy"
        );
        for bad in ["cross-site", "same-site", "none", ""] {
            assert!(
                !fine(&[
                    ("sec-fetch-site", bad),
                    ("origin", "https://larder.example:7070")
                ]),
                "{bad}"
            );
        }
        for bad in [
            "null",
            "",
            "https://evil.example",
            "https://larder.example",
            "https://larder.example:7070.evil",
        ] {
            assert!(!fine(&[("origin", bad), ("host", "inner:80")]), "{bad}");
        }
        assert!(!fine(&[("origin", "null")]));
    }

    #[test]
    fn strangers_cannot_say_where_they_come_from() {
        let spoofed = headers(&[
            ("host", "larder.example:7070"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
        ]);
        let client = ClientView::of(
            &Uri::from_static("/"),
            &spoofed,
            None,
            false,
            ip("10.0.0.9"),
            |_| false,
        );
        assert_eq!(
            (&*client.base, client.address),
            ("http://larder.example:7070", ip("10.0.0.9"))
        );
    }

    #[test]
    fn the_authority_of_http_2_counts() {
        let uri = Uri::from_static("https://larder.example:7070/v2/");
        let client = ClientView::of(&uri, &HeaderMap::new(), None, true, ip("10.0.0.9"), |_| {
            false
        });
        assert_eq!(&*client.base, "https://larder.example:7070");
    }

    #[test]
    fn trusted_proxies_are_walked_from_the_right() {
        let trusts = |address: IpAddr| address == ip("10.0.0.1") || address == ip("10.0.0.2");
        let sent = headers(&[
            ("host", "inner"),
            ("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
        ]);
        let client = ClientView::of(
            &Uri::from_static("/"),
            &sent,
            None,
            false,
            ip("10.0.0.1"),
            trusts,
        );
        assert_eq!(
            (&*client.base, client.address),
            ("https://inner", ip("1.2.3.4"))
        );
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        let sent = headers(&[("host", "a/b\"c")]);
        assert_eq!(
            &*ClientView::of(
                &Uri::from_static("/"),
                &sent,
                None,
                true,
                ip("10.0.0.9"),
                |_| false
            )
            .base,
            "https://localhost"
        );
        assert_eq!(
            &*ClientView::of(
                &Uri::from_static("/"),
                &sent,
                Some("https://r.example"),
                false,
                ip("10.0.0.9"),
                |_| false
            )
            .base,
            "https://r.example"
        );
    }
}
