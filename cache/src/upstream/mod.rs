//! One remote registry: the only place from which requests leave.
//!
//! Credentials go to the upstream's own origin and nowhere else. Every hop of a redirect passes the
//! [`Guard`]. What fails is left alone for a while, and nothing else is ([`Origins`]).

mod guard;
mod proxies;
mod clients;
mod rate;
mod recent;
mod rooms;
mod failure;
mod breaker;
mod origins;
mod bearer;
mod request;
mod report;
mod follow;
mod response;
mod probe;
mod fetch;
mod check;

pub use clients::UpstreamConfig;
pub use guard::is_public;
pub use proxies::Proxies;
pub(crate) use request::FetchRequest;
pub(crate) use response::{FetchResponse, UpstreamBody};

use crate::counters::Counters;
use crate::limits::Slots;
use bearer::Tokens;
use clients::Clients;
use guard::Guard;
use http::HeaderValue;
use larder_model::upstream::{AbsentStatuses, AnswerTime, Health};
use larder_model::{Clock, Kind, Problem, UpstreamSettings};
use origins::Origins;
use rate::Rate;
use rooms::Rooms;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Larger documents of one upstream on their way in at once: they are held in memory.
const LARGE_DOCUMENTS: usize = 2;
/// Larger artifacts of one upstream on their way in at once; each takes a few MiB of memory.
const LARGE_FILLS: usize = 16;

/// What an upstream is made of.
pub(crate) struct UpstreamParts<'a> {
    /// The mirror's name, `npm/up`, by which people are told of it.
    pub(crate) name: String,
    pub(crate) settings: &'a UpstreamSettings,
    /// What is sent to the upstream's own origin.
    pub(crate) authorization: Option<HeaderValue>,
    /// What is asked to see whether it is there: the first of these that it has.
    pub(crate) probes: &'static [&'static str],
    pub(crate) config: &'a UpstreamConfig,
    pub(crate) counters: &'a Arc<Counters>,
    pub(crate) clock: Clock,
    /// Whether anything may be fetched now.
    pub(crate) may_ask: Box<dyn Fn() -> bool + Send + Sync>,
}

/// A remote registry.
pub(crate) struct Upstream {
    name: String,
    base: Url,
    authorization: Option<HeaderValue>,
    tokens: Tokens,
    absent: AbsentStatuses,
    probes: &'static [&'static str],
    answer_time: Duration,
    config: UpstreamConfig,
    guard: Guard,
    clients: Clients,
    origins: Origins,
    rate: Option<Rate>,
    rooms: Rooms,
    large_documents: Slots,
    large_fills: Slots,
    counters: Arc<Counters>,
    clock: Clock,
    may_ask: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Upstream {
    /// Asks nobody yet.
    pub(crate) fn new(parts: UpstreamParts<'_>) -> Result<Arc<Self>, Problem> {
        let (settings, config) = (parts.settings, parts.config);
        let base = base_of(&settings.url)?;
        let guard = Guard::new(trusted(settings)?);
        let clients = Clients::new(&guard, config)?;
        let answer_time = settings.answer_time.map(AnswerTime::duration);
        Ok(Arc::new(Self {
            name: parts.name,
            authorization: parts.authorization,
            tokens: Tokens::default(),
            absent: settings.absent_statuses.clone(),
            probes: parts.probes,
            answer_time: answer_time.unwrap_or(config.answer_time),
            config: config.clone(),
            guard,
            clients,
            origins: Origins::new(&base, parts.clock.clone()),
            rate: settings.requests_per_minute.map(Rate::per_minute),
            rooms: Rooms::new(config.requests),
            large_documents: Slots::new(LARGE_DOCUMENTS),
            large_fills: Slots::new(LARGE_FILLS),
            counters: Arc::clone(parts.counters),
            clock: parts.clock,
            may_ask: parts.may_ask,
            base,
        }))
    }

    /// Slots for larger documents on their way in: a slow upstream takes none from others.
    pub(crate) const fn large_documents(&self) -> &Slots {
        &self.large_documents
    }

    /// Slots for larger artifacts on their way in.
    pub(crate) const fn large_fills(&self) -> &Slots {
        &self.large_fills
    }

    /// How it has answered lately.
    pub(crate) fn health(&self) -> Health {
        self.origins.health()
    }

    /// Whether a URL is the upstream's own, and none of another host that it names.
    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }
}

/// The upstream's address, below which everything of it is.
fn base_of(text: &str) -> Result<Url, Problem> {
    let wrong = |_| {
        Problem::new(
            Kind::Upstream,
            "upstream",
            "the upstream's address is no URL",
        )
    };
    let mut base: Url = text.parse().map_err(wrong)?;
    if !base.path().ends_with('/') {
        let path = format!("{}/", base.path());
        base.set_path(&path);
    }
    Ok(base)
}

/// The origins that may have private addresses.
fn trusted(settings: &UpstreamSettings) -> Result<Vec<url::Origin>, Problem> {
    let own = Some(&settings.url).filter(|_| settings.allow_private);
    let origin = |text: &String| text.parse::<Url>().map(|url| url.origin());
    let trusted = settings.allow.iter().chain(own).map(origin);
    trusted.collect::<Result<_, _>>().map_err(Problem::internal)
}
