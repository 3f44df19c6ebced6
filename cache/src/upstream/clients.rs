//! The connections to an upstream, and to the other hosts that it names.

use super::guard::{Guard, Resolver};
use super::proxies::Proxies;
use larder_model::Problem;
use reqwest::{Certificate, Client, ClientBuilder};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// How upstreams are asked, for all of them.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// What a connection may take.
    pub connect_time: Duration,
    /// How long the head of an answer may take.
    pub answer_time: Duration,
    /// The longest silence within a body.
    pub idle_time: Duration,
    /// Requests to one host at once.
    pub requests: usize,
    /// Certificates (PEM) trusted beside the system's.
    pub authorities: Vec<Vec<u8>>,
    /// What leads out of this network.
    pub proxies: Proxies,
}

/// Clients that ask in the guard's bounds.
///
/// A proxy looks names up by itself, so the guard sees none of the addresses that it reaches. What
/// the operator named goes through the proxies, and so does an address without a name; what only an
/// index or a redirect names is asked directly.
pub(super) struct Clients {
    guard: Guard,
    /// Through the proxies, if there are any.
    proxied: Client,
    /// `None`: there are no proxies.
    direct: Option<Client>,
}

impl Clients {
    /// Clients that keep connections for the next request.
    pub(super) fn new(guard: &Guard, config: &UpstreamConfig) -> Result<Self, Problem> {
        Self::with(guard, config, config.requests)
    }

    /// Clients that make a connection for each request, to see whether that can be done.
    pub(super) fn unpooled(guard: &Guard, config: &UpstreamConfig) -> Result<Self, Problem> {
        Self::with(guard, config, 0)
    }

    fn with(guard: &Guard, config: &UpstreamConfig, idle: usize) -> Result<Self, Problem> {
        let proxies = &config.proxies;
        let client = |names: Arc<[Box<str>]>, proxies: &Proxies| {
            let resolver = Resolver {
                guard: guard.clone(),
                proxies: names,
            };
            let builder = builder(config, idle)?.dns_resolver(Arc::new(resolver));
            proxies.apply(builder)?.build().map_err(Problem::internal)
        };
        let names = proxies.hosts().map(Into::into).collect();
        let direct = || client(Arc::default(), &Proxies::default());
        Ok(Self {
            guard: guard.clone(),
            proxied: client(names, proxies)?,
            direct: (!proxies.is_empty()).then(direct).transpose()?,
        })
    }

    /// The one for a URL of the upstream's own origin, or of another. `own`: whether it is.
    pub(super) fn of(&self, url: &Url, own: bool) -> &Client {
        let direct = self.direct.as_ref();
        direct
            .filter(|_| !self.goes_by_proxy(url, own))
            .unwrap_or(&self.proxied)
    }

    /// Whether a URL is not asked through the proxies although there are some.
    pub(super) fn avoids_proxies(&self, url: &Url, own: bool) -> bool {
        self.direct.is_some() && !self.goes_by_proxy(url, own)
    }

    fn goes_by_proxy(&self, url: &Url, own: bool) -> bool {
        own || self.guard.trusts(url) || !matches!(url.host(), Some(Host::Domain(_)))
    }
}

fn builder(config: &UpstreamConfig, idle: usize) -> Result<ClientBuilder, Problem> {
    let mut builder = Client::builder()
        .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(config.connect_time)
        .pool_max_idle_per_host(idle);
    for authority in &config.authorities {
        let certificates = Certificate::from_pem_bundle(authority).map_err(Problem::internal)?;
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Ok(builder)
}
