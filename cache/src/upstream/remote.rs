//! A remote registry: its settings, and what is known of it.

use super::clients::{Certificates, Clients, UpstreamConfig};
use super::guard::Guard;
use super::logins::Logins;
use super::mirrors::Mirrors;
use super::origin_slots::OriginSlots;
use super::origins::Origins;
use super::rate::Rate;
use crate::counters::{Counters, UpstreamCounters};
use crate::limits::{INCOMING_BYTES, Room, Slots};
use http::HeaderValue;
use larder_keys::{Credentials, TrustedKeys, expires_at};
use larder_mirrors::Protocol;
use larder_model::upstream::{AbsentStatuses, AnswerTime, Health};
use larder_model::{Clock, Digest, Kind, Problem, Timestamp, UpstreamSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// Of the room for bodies one upstream takes at most so much with documents that are not small: one that
/// drips leaves room for others.
const ROOM_BYTES: usize = INCOMING_BYTES / 2;
/// Artifacts of one upstream that take a few MiB of memory each on their way in. Others come at the same
/// time, and take one or two MiB.
const WIDE_FILLS: usize = 8;

/// What an upstream is made of.
pub(crate) struct UpstreamParts<'a> {
    /// The mirror's name, `npm/up`, by which messages name it.
    pub(crate) name: String,
    pub(crate) settings: &'a UpstreamSettings,
    /// What is shown to the upstream's own origin.
    pub(crate) credentials: Credentials,
    /// What it speaks.
    pub(crate) protocol: &'static dyn Protocol,
    pub(crate) config: &'a UpstreamConfig,
    pub(crate) counters: &'a Arc<Counters>,
    pub(crate) clock: Clock,
    /// Whether anything may be fetched now.
    pub(crate) may_ask: Box<dyn Fn() -> bool + Send + Sync>,
}

/// Signed documents that are remembered.
const MAX_VERIFIED: usize = 1000;
/// Documents about which something is told.
const MAX_WARNINGS: usize = 20;

/// A remote registry.
pub(crate) struct Upstream {
    pub(super) name: String,
    pub(super) base: Url,
    host: HeaderValue,
    pub(super) authorization: Option<HeaderValue>,
    /// Whether a client certificate is shown to it.
    pub(super) has_certificate: bool,
    /// When that ends.
    pub(super) certificate_expires_at: Option<Timestamp>,
    /// The certificate and the authorities of its connections.
    pub(super) certificates: Certificates,
    /// The address of its list of mirrors.
    pub(super) mirror_list: Option<String>,
    pub(super) mirrors: Mirrors,
    pub(super) logins: Logins,
    /// Token endpoints that are given our credentials wherever they are.
    pub(super) token_origins: Vec<url::Origin>,
    pub(super) absent: AbsentStatuses,
    pub(super) protocol: &'static dyn Protocol,
    pub(super) answer_time: Duration,
    pub(super) config: UpstreamConfig,
    pub(super) guard: Guard,
    pub(super) clients: Clients,
    pub(super) origins: Origins,
    pub(super) rate: Option<Rate>,
    pub(super) slots: OriginSlots,
    pub(super) room: Room,
    pub(super) wide_fills: Slots,
    /// What is odd about its documents, by their paths.
    warnings: Mutex<BTreeMap<Box<str>, Box<str>>>,
    /// The keys that are to have signed its metadata.
    trusted: Option<Arc<TrustedKeys>>,
    /// Documents that are kept, and were found to be signed by them.
    verified: Mutex<BTreeSet<Digest>>,
    pub(super) counters: Arc<UpstreamCounters>,
    pub(super) clock: Clock,
    pub(super) may_ask: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Upstream {
    /// Its host, with a port that is not the usual one.
    pub(crate) const fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Asks nobody yet.
    pub(crate) fn new(parts: UpstreamParts<'_>) -> Result<Arc<Self>, Problem> {
        let (settings, config) = (parts.settings, parts.config);
        let base = base_of(&settings.url)?;
        let guard = Guard::new(trusted(settings)?, settings.allow_private);
        let certificates = Certificates {
            shown: parts.credentials.client_certificate,
            authorities: settings.ca_certificate.clone(),
        };
        let clients = Clients::new(&guard, config, &certificates)?;
        let certificate = settings.client_certificate.as_deref();
        let answer_time = settings.answer_time.map(AnswerTime::duration);
        let counters = parts.counters.of(&parts.name);
        Ok(Arc::new(Self {
            name: parts.name,
            host: host_of(&base),
            authorization: parts.credentials.authorization,
            has_certificate: certificates.shown.is_some(),
            certificate_expires_at: certificate.and_then(expires_at),
            certificates,
            mirror_list: settings.mirror_list.clone(),
            mirrors: Mirrors::default(),
            logins: Logins::default(),
            token_origins: origins(&settings.token_origins)?,
            absent: settings.absent_statuses.clone(),
            protocol: parts.protocol,
            answer_time: answer_time.unwrap_or(config.answer_time),
            config: config.clone(),
            guard,
            clients,
            origins: Origins::new(&base, parts.clock.clone()),
            rate: settings.requests_per_minute.map(Rate::per_minute),
            slots: OriginSlots::new(config.requests),
            room: Room::new(ROOM_BYTES),
            wide_fills: Slots::new(WIDE_FILLS),
            warnings: Mutex::default(),
            trusted: trusted_keys(settings)?,
            verified: Mutex::default(),
            counters,
            clock: parts.clock,
            may_ask: parts.may_ask,
            base,
        }))
    }

    /// What its bodies may take of the room for those of all.
    pub(crate) const fn room(&self) -> &Room {
        &self.room
    }

    /// Slots for artifacts that take more memory on their way in than others.
    pub(crate) const fn wide_fills(&self) -> &Slots {
        &self.wide_fills
    }

    /// The keys that are to have signed its metadata; `None`: it is taken as it comes.
    pub(crate) const fn trusted(&self) -> Option<&Arc<TrustedKeys>> {
        self.trusted.as_ref()
    }

    /// Whether these keys are known to have signed a document.
    pub(crate) fn has_verified(&self, digest: &Digest) -> bool {
        self.verified().contains(digest)
    }

    /// They have signed it.
    pub(crate) fn note_verified(&self, digest: Digest) {
        let mut verified = self.verified();
        if verified.len() >= MAX_VERIFIED {
            verified.clear();
        }
        verified.insert(digest);
    }

    /// How it has answered lately.
    pub(crate) fn health(&self) -> Health {
        Health {
            answers: self.counters.durations(),
            warnings: self.warnings().values().cloned().collect(),
            ..self.origins.health()
        }
    }

    /// Whether requests show who asks.
    pub(crate) const fn has_credentials(&self) -> bool {
        self.authorization.is_some() || self.has_certificate
    }

    /// Something is odd about a document of it, or nothing is any more.
    pub(crate) fn warn(&self, path: &str, warning: Option<&str>) {
        let mut warnings = self.warnings();
        let Some(warning) = warning else {
            warnings.remove(path);
            return;
        };
        let repo = &*self.name;
        tracing::warn!(repo, path, "{warning}");
        if warnings.len() < MAX_WARNINGS || warnings.contains_key(path) {
            warnings.insert(path.into(), format!("{path}: {warning}").into());
        }
    }

    fn verified(&self) -> MutexGuard<'_, BTreeSet<Digest>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warnings(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Box<str>>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries of a document of it could not be read, and were passed over.
    pub(crate) fn passed_over(&self, entries: usize, path: &str) {
        let repo = &*self.name;
        tracing::info!(
            repo,
            path,
            entries,
            "entries of a document are passed over: they cannot be read"
        );
        self.counters.passed_over(entries);
    }

    /// Waits until the upstream may be asked once more; else how long to stay away.
    pub(super) async fn take_turn(&self) -> Result<(), Duration> {
        match &self.rate {
            Some(rate) => rate.turn().await,
            None => Ok(()),
        }
    }

    /// Whether it tells by a challenge whom it lets in, and is shown nothing before.
    pub(super) fn waits_for_challenge(&self) -> bool {
        self.protocol.token_scope("").is_some()
    }

    /// Whether a URL is the upstream's own, and none of another host that it names.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }
}

/// The host of an address, as the log tells it.
fn host_of(url: &Url) -> HeaderValue {
    let host = url.host_str().unwrap_or_default();
    let text = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
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

/// The keys that the operator trusts.
fn trusted_keys(settings: &UpstreamSettings) -> Result<Option<Arc<TrustedKeys>>, Problem> {
    let keys = settings.trusted_keys.as_deref().map(TrustedKeys::read);
    Ok(keys.transpose()?.map(Arc::new))
}

/// The origins that may have private addresses.
fn trusted(settings: &UpstreamSettings) -> Result<Vec<url::Origin>, Problem> {
    let log = settings
        .checksum_log
        .iter()
        .filter_map(|log| log.url.as_ref());
    let beside = log.chain(&settings.vulnerabilities);
    let own = std::iter::once(&settings.url).chain(beside);
    let own = own.filter(|_| settings.allow_private);
    let named = settings.allow.iter().chain(&settings.token_origins);
    origins(named.chain(own))
}

fn origins<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<Vec<url::Origin>, Problem> {
    let origin = |text: &String| text.parse::<Url>().map(|url| url.origin());
    let origins = texts.into_iter().map(origin);
    origins.collect::<Result<_, _>>().map_err(Problem::internal)
}
