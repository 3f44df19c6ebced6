//! The connections to an upstream, and to the other hosts that it names.

use super::guard::{Guard, Resolver};
use super::proxies::Proxies;
use larder_model::Problem;
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use url::{Host, Url};

/// The authorities that the system trusts. They are some hundred files, so they are read once, and not
/// by each client.
static SYSTEM: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    if !found.errors.is_empty() {
        let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        let errors = errors.join("; ");
        tracing::warn!(errors, "not all of the system's authorities could be read");
    }
    // A client is refused for one that it cannot read.
    let is_usable = |der: &CertificateDer<'_>| {
        let added = RootCertStore::empty().add(der.clone().into_owned());
        added.inspect_err(
            |error| tracing::debug!(%error, "an authority of the system's is not usable"),
        )
    };
    let usable = found.certs.iter().filter(|der| is_usable(der).is_ok());
    usable
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect()
});

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

/// What the connections to an upstream have of their own (PEM).
#[derive(Clone, Default)]
pub(super) struct Certificates {
    /// The certificate that is shown to its own origin, with its private key.
    pub(super) shown: Option<String>,
    /// Authorities that certificates of its own origin, and of what the operator named with it, may
    /// come from beside those of all upstreams.
    pub(super) authorities: Option<String>,
}

/// Clients that ask in the guard's bounds.
///
/// A proxy looks names up by itself, so the guard sees none of the addresses that it reaches. What
/// the operator named goes through the proxies, and so does an address without a name; what only an
/// index or a redirect names is asked directly.
pub(super) struct Clients {
    guard: Guard,
    /// For the upstream's own origin: it alone is shown a client certificate.
    own: Client,
    /// For what the operator named beside it.
    named: Client,
    /// Through the proxies, if there are any.
    proxied: Client,
    /// `None`: there are no proxies.
    direct: Option<Client>,
}

impl Clients {
    /// Clients that keep connections for the next request.
    pub(super) fn new(
        guard: &Guard,
        config: &UpstreamConfig,
        certificates: &Certificates,
    ) -> Result<Self, Problem> {
        Self::with(guard, config, certificates, config.requests)
    }

    /// Clients that make a connection for each request, to see whether that can be done.
    pub(super) fn unpooled(
        guard: &Guard,
        config: &UpstreamConfig,
        certificates: &Certificates,
    ) -> Result<Self, Problem> {
        Self::with(guard, config, certificates, 0)
    }

    fn with(
        guard: &Guard,
        config: &UpstreamConfig,
        certificates: &Certificates,
        idle: usize,
    ) -> Result<Self, Problem> {
        let proxies = &config.proxies;
        let client = |certificates: &Certificates, proxies: &Proxies| {
            let resolver = Resolver {
                guard: guard.clone(),
                proxies: proxies.hosts().map(Into::into).collect(),
            };
            let builder = builder(config, certificates, idle)?.dns_resolver(Arc::new(resolver));
            proxies.apply(builder)?.build().map_err(Problem::internal)
        };
        let none = Certificates::default();
        let plain = client(&none, proxies)?;
        let direct = || client(&none, &Proxies::default());
        let named = match certificates.authorities {
            Some(_) => {
                let authorities = Certificates {
                    shown: None,
                    ..certificates.clone()
                };
                client(&authorities, proxies)?
            }
            None => plain.clone(),
        };
        let own = match certificates.shown {
            Some(_) => client(certificates, proxies)?,
            None => named.clone(),
        };
        Ok(Self {
            guard: guard.clone(),
            own,
            named,
            proxied: plain,
            direct: (!proxies.is_empty()).then(direct).transpose()?,
        })
    }

    /// The one for a URL of the upstream's own origin, or of another. `own`: whether it is.
    pub(super) fn of(&self, url: &Url, own: bool) -> &Client {
        if own {
            return &self.own;
        }
        if self.guard.is_named(url) {
            return &self.named;
        }
        let direct = self.direct.as_ref();
        direct
            .filter(|_| !is_nameless(url))
            .unwrap_or(&self.proxied)
    }

    /// Whether a URL is not asked through the proxies although there are some.
    pub(super) fn avoids_proxies(&self, url: &Url, own: bool) -> bool {
        let is_named = own || self.guard.is_named(url);
        self.direct.is_some() && !is_named && !is_nameless(url)
    }
}

/// Whether a URL has an address instead of a name, which nobody has to look up.
fn is_nameless(url: &Url) -> bool {
    !matches!(url.host(), Some(Host::Domain(_)))
}

fn builder(
    config: &UpstreamConfig,
    certificates: &Certificates,
    idle: usize,
) -> Result<ClientBuilder, Problem> {
    let mut builder = Client::builder()
        .tls_certs_only(SYSTEM.iter().cloned())
        .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(config.connect_time)
        .pool_max_idle_per_host(idle);
    let own = certificates.authorities.as_ref().map(String::as_bytes);
    let all = config.authorities.iter().map(Vec::as_slice).chain(own);
    for authority in all {
        let certificates = Certificate::from_pem_bundle(authority).map_err(Problem::internal)?;
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    if let Some(shown) = &certificates.shown {
        let shown = Identity::from_pem(shown.as_bytes()).map_err(Problem::internal)?;
        builder = builder.identity(shown);
    }
    Ok(builder)
}
