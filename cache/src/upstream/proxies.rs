//! Proxies that lead out of this network, as the server's environment names them.

use larder_model::Problem;
use reqwest::{ClientBuilder, NoProxy, Proxy};
use std::fmt;
use url::Url;

/// The proxies that requests go through; empty: they go to their hosts directly.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    /// Hosts that are asked directly, as `NO_PROXY` has them.
    except: String,
}

impl fmt::Debug for Proxies {
    /// Their addresses may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}

impl Proxies {
    /// `http`, `https`: the proxy of each scheme, as a URL or `host:port`; an empty text is none.
    /// `except`: hosts that are asked directly, with commas between them.
    pub fn new(http: &str, https: &str, except: &str) -> Result<Self, Problem> {
        Ok(Self {
            http: address(http)?,
            https: address(https)?,
            except: except.to_owned(),
        })
    }

    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// The names of their hosts.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        let both = self.http.iter().chain(&self.https);
        both.filter_map(Url::host_str)
    }

    /// Has a client go through them.
    pub(super) fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, Problem> {
        builder = builder.no_proxy(); // nothing but these
        let except = NoProxy::from_string(&self.except);
        if let Some(http) = &self.http {
            let proxy = Proxy::http(http.clone()).map_err(Problem::internal)?;
            builder = builder.proxy(proxy.no_proxy(except.clone()));
        }
        if let Some(https) = &self.https {
            let proxy = Proxy::https(https.clone()).map_err(Problem::internal)?;
            builder = builder.proxy(proxy.no_proxy(except));
        }
        Ok(builder)
    }
}

/// The address of a proxy. One without a scheme is plain HTTP.
fn address(text: &str) -> Result<Option<Url>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let text = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let known = |url: &Url| {
        matches!(
            url.scheme(),
            "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h"
        ) && url.has_host()
    };
    match text.parse::<Url>().ok().filter(known) {
        Some(url) => Ok(Some(url)),
        None => Err(Problem::invalid(
            "proxy",
            "a proxy's address is a URL, e.g. http://proxy.example:3128",
        )),
    }
}

#[cfg(test)]
mod tests;
