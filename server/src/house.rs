//! The wiring: configuration in, doors with exactly their parts out.

use crate::backup::{BackupWork, backups};
use crate::beginning::Beginning;
use crate::engine::Engine;
use crate::gauges::Gauges;
use crate::observe::{Below, Observer};
use crate::retention::Versions;
use crate::scrub::{Mirrored, PushedManifests};
use crate::stores::{blobs, metadata, require_bucket};
use crate::system::System;
use crate::tally::Tally;
use crate::tls::Identity;
use crate::unfinished_uploads::RegistryUploads;
use crate::unheard::Unheard;
use crate::upstream_check::UpstreamCheck;
use crate::{at_rest, first_start, kept_files, limits, tls, writable};
use larder_access::{Gate, Settings};
use larder_cache::{CacheConfig, Images, Packages, Proxies, UpstreamConfig};
use larder_config::{Config, Setting};
use larder_content::ContentStore;
use larder_gc::retention::{PackageVersions, Previews, Retention};
use larder_gc::{Collector, Freed, RunWaits, Traffic, UsageCount, Waits};
use larder_git::Git;
use larder_git::repositories::Repositories;
use larder_git::workspace::Workspaces;
use larder_gui::Gui;
use larder_jobs::{Jobs, Pace, Works};
use larder_keys::KeyRing;
use larder_metadata::Metadata;
use larder_mirrors::Protocol;
use larder_model::{BadCron, JobKind, Network, ProtocolName};
use larder_registry::Registry;
use larder_scrub::{Rate as ScrubRate, Scrub};
use larder_storage::BlobStore;
use larder_web::{Api, CollectorWaits, SignIn};
use std::error::Error;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

/// Calls of the git program that give objects away at once, for each processor: each takes one of them
/// wholly, and what answers everybody else is not to wait for many.
const GIT_PROCESSES: usize = 2;
/// How often a scrub notes how far it is.
const SCRUB_NOTED: Duration = Duration::from_secs(1);

/// What can be made through the API.
fn creatable() -> Vec<(ProtocolName, &'static str)> {
    let kinds = |protocol: &'static dyn Protocol| {
        let kinds = protocol.repo_kinds().iter();
        kinds.map(|kind| (protocol.name(), kind.word()))
    };
    larder_mirrors::every().flat_map(kinds).collect()
}

/// All that serves requests.
pub(crate) struct House {
    pub(crate) metadata: Metadata,
    pub(crate) gate: Arc<Gate>,
    pub(crate) content: ContentStore,
    pub(crate) registry: Registry,
    pub(crate) packages: Packages,
    pub(crate) images: Images,
    pub(crate) git: Arc<Git>,
    pub(crate) api: Arc<Api>,
    pub(crate) gui: Gui,
    pub(crate) sign_in: SignIn,
    pub(crate) system: System,
    pub(crate) jobs: Jobs,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) observer: Arc<Observer>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) way: Way,
    /// How long an entry of the audit trail is kept.
    pub(crate) audit_keep: Duration,
    /// Bytes that all mirrors may keep together; 0: no limit.
    pub(crate) mirrors_keep: u64,
    pub(crate) beginning: Beginning,
    /// How often the collector runs besides its schedule; `None`: it does not.
    pub(crate) collect_every: Option<Duration>,
    _lock: File,
}

/// How requests come in, and what they may be at most.
pub(crate) struct Way {
    pub(crate) public_url: Option<String>,
    pub(crate) trusted_proxies: Vec<Network>,
    /// Who tells of the way of requests beside them.
    pub(crate) unheard: Unheard,
    pub(crate) tls: Option<Arc<Identity>>,
    pub(crate) body_idle: Duration,
}

fn packages(
    config: &Config,
    metadata: &Metadata,
    blobs: &BlobStore,
    gate: &Arc<Gate>,
) -> Result<Packages, Box<dyn Error>> {
    let (metadata, blobs) = (metadata.clone(), blobs.clone());
    let gate = Arc::clone(gate);
    Ok(Packages::new(metadata, blobs, gate, cache_config(config)?))
}

/// What all doors share: the database, the store of blobs and the gate.
async fn shared(config: &Config) -> Result<(Metadata, BlobStore, Arc<Gate>), Box<dyn Error>> {
    let metadata = metadata(config).await?;
    let keys = first_start::signing_keys(&config.auth.token_key, &metadata).await?;
    let blobs = blobs(config)?;
    require_bucket(&blobs).await?;
    first_start::require_own_blobs(&metadata, &blobs).await?;
    kept_files::list(&metadata).await?;
    let gate = Gate::new(metadata.clone(), gate_settings(config, keys)).await?;
    Ok((metadata, blobs, Arc::new(gate)))
}

impl House {
    /// Opens everything.
    pub(crate) async fn build(
        config: &Config,
        settings: Vec<Setting>,
    ) -> Result<Self, Box<dyn Error>> {
        let lock = take_folder(config)?;
        let (metadata, blobs, gate) = shared(config).await?;
        // The doors, each with exactly what it needs.
        let limits = limits::registry(config);
        let registry = Registry::new(metadata.clone(), blobs.clone(), Arc::clone(&gate), limits);
        let packages = packages(config, &metadata, &blobs, &gate)?;
        let git = Arc::new(git(config, &metadata, &blobs, &packages)?);
        let versions: Arc<dyn PackageVersions> = Arc::new(Versions {
            packages: packages.clone(),
        });
        let backups = backups(config, &metadata, &blobs);
        let backup = BackupWork::new(config, &gate, &metadata, &backups);
        let identity = tls::identity(config)?.map(Arc::new);
        let engine = Arc::new(Engine {
            packages: packages.clone(),
            sources: Arc::clone(&git),
            blobs: blobs.clone(),
            metadata: metadata.clone(),
            previews: Previews::new(metadata.clone(), Arc::clone(&versions)),
            backups: backups.clone(),
            data: config.data.clone(),
            offline: config.cache.offline,
            authority: identity.as_ref().and_then(|identity| identity.ca.clone()),
            settings,
        });
        let traffic = Arc::new(Traffic::default());
        let unfinished = RegistryUploads(registry.unfinished_uploads());
        let collector = collector(config, (&metadata, &blobs), unfinished, &traffic);
        let freed = collector.freed();
        let retention = retention(config, &metadata, versions);
        let evicted = retention.evicted();
        let scrub = scrub(config, &metadata, &blobs, &packages);
        let scrubbed = scrub.found();
        let usage = UsageCount::new(metadata.clone());
        let works = works(
            &gate,
            &packages,
            (backup, retention, usage, collector, scrub),
        )?;
        let jobs = Jobs::new(metadata.clone(), works, Pace::default());
        jobs.add_schedules().await?;
        let api = Arc::new(Api::new(
            metadata.clone(),
            Arc::clone(&gate),
            engine,
            jobs.clone(),
            collector_waits(config),
            limits::api(config),
            creatable(),
        ));
        let gui = Gui::new(Arc::clone(&api), Arc::clone(&gate));
        let tally = tally(&metadata, &packages, freed);
        let gauges = Gauges::read(&blobs, &metadata).await?;
        let observer = Arc::new(Observer::new(Below {
            tally: Arc::clone(&tally),
            gauges: Arc::clone(&gauges),
            statements: metadata.statements(),
            gate: Arc::clone(&gate),
            evicted,
            scrubbed,
            packages: packages.clone(),
        }));
        let system = System {
            metadata: metadata.clone(),
            blobs: blobs.clone(),
            observer: Arc::clone(&observer),
            ca: identity.as_ref().and_then(|identity| identity.ca.clone()),
            metrics: config.telemetry.metrics,
        };
        let way = way(config, identity);
        let (sign_in, images) = (SignIn::new(Arc::clone(&gate)), packages.images());
        Ok(Self {
            content: ContentStore::new(metadata.clone(), blobs),
            metadata,
            gate,
            registry,
            images,
            git,
            packages,
            api,
            gui,
            sign_in,
            system,
            jobs,
            traffic,
            observer,
            tally,
            gauges,
            way,
            audit_keep: config.audit.keep,
            mirrors_keep: config.cache.size,
            beginning: Beginning::default(),
            collect_every: config.gc.every,
            _lock: lock,
        })
    }
}

/// Takes the data folder for this process alone. Fails if its keys are none, before anything else is
/// touched.
fn take_folder(config: &Config) -> Result<File, Box<dyn Error>> {
    writable::require(config)?;
    let lock = first_start::lock(&config.data)?;
    first_start::require_finished(&config.data)?;
    at_rest::close(config)?;
    first_start::kept_keys(&config.auth.token_key)?;
    Ok(lock)
}

/// The door of git repositories. Their folders can be made anew from what is kept.
fn git(
    config: &Config,
    metadata: &Metadata,
    blobs: &BlobStore,
    packages: &Packages,
) -> Result<Git, Box<dyn Error>> {
    let content = ContentStore::new(metadata.clone(), blobs.clone());
    let folders = config.data.join(larder_git::FOLDER);
    let folders = Workspaces::open(&folders, metadata.clone(), content.clone())?;
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let program = (
        larder_git::program::default_path(),
        GIT_PROCESSES * processors,
    );
    let repositories = Repositories::new(metadata.clone(), content, folders, program);
    let (metadata, packages) = (metadata.clone(), packages.clone());
    let parts = (Arc::new(repositories), limits::push(config));
    Ok(Git::new(metadata, packages, parts))
}

/// What rules let go, and what mirrors keep too much of.
fn retention(
    config: &Config,
    metadata: &Metadata,
    versions: Arc<dyn PackageVersions>,
) -> Retention {
    Retention::new(metadata.clone(), versions)
        .with_mirrors_keep(config.cache.size)
        .with_grace(config.gc.grace)
}

/// What frees the bytes of what nothing names any more.
fn collector(
    config: &Config,
    (metadata, blobs): (&Metadata, &BlobStore),
    unfinished: RegistryUploads,
    traffic: &Arc<Traffic>,
) -> Collector {
    Collector::new(metadata.clone(), blobs.clone(), waits(config))
        .with_unfinished(Arc::new(unfinished))
        .with_history(config.cache.history)
        .giving_way_to(Arc::clone(traffic))
}

/// How requests come in.
fn way(config: &Config, tls: Option<Arc<Identity>>) -> Way {
    Way {
        public_url: config.server.public_url.as_ref().map(ToString::to_string),
        trusted_proxies: config.server.trusted_proxies.clone(),
        unheard: Unheard::default(),
        tls,
        body_idle: config.server.limits.body_idle_time,
    }
}

/// How long the collector waits, as the API tells it.
fn collector_waits(config: &Config) -> CollectorWaits {
    CollectorWaits {
        grace: config.gc.grace,
        told: RunWaits::new(waits(config), None).told(),
        every: config.gc.every,
    }
}

/// What is counted of requests.
fn tally(metadata: &Metadata, packages: &Packages, freed: Arc<Freed>) -> Arc<Tally> {
    let protocols = larder_mirrors::every().map(Protocol::name);
    let now = metadata.shared_now_estimate();
    Arc::new(Tally::new(protocols, packages.counters(), freed, now))
}

/// The work that this server can do, each kind with its schedule on a new server.
fn works(
    gate: &Arc<Gate>,
    packages: &Packages,
    (backup, retention, usage, collector, scrub): (
        BackupWork,
        Retention,
        UsageCount,
        Collector,
        Scrub,
    ),
) -> Result<Works, BadCron> {
    let upstream_check = UpstreamCheck {
        gate: Arc::clone(gate),
        packages: packages.clone(),
    };
    Ok(Works::default()
        .with(JobKind::Backup, "30 2 * * *".parse()?, backup)
        .with(JobKind::UpstreamCheck, "0 6 * * *".parse()?, upstream_check)
        .with(JobKind::Retention, "45 2 * * *".parse()?, retention)
        .with(JobKind::Scrub, "0 4 * * 0".parse()?, scrub)
        .with(JobKind::Usage, "20 * * * *".parse()?, usage)
        .with(JobKind::Gc, "0 3 * * *".parse()?, collector))
}

/// What reads all that is kept.
fn scrub(config: &Config, metadata: &Metadata, blobs: &BlobStore, packages: &Packages) -> Scrub {
    Scrub::new(larder_scrub::Parts {
        metadata: metadata.clone(),
        blobs: blobs.clone(),
        upstreams: Arc::new(Mirrored(packages.clone())),
        manifests: Arc::new(PushedManifests),
        rate: ScrubRate(config.scrub.rate),
        grace: config.gc.grace,
        note_every: SCRUB_NOTED,
    })
}

fn waits(config: &Config) -> Waits {
    Waits {
        grace: config.gc.grace,
        lease: config.gc.lease,
    }
}

fn cache_config(config: &Config) -> Result<CacheConfig, Box<dyn Error>> {
    let cache = &config.cache;
    Ok(CacheConfig {
        fresh: cache.fresh,
        missing: cache.not_found,
        revalidate_timeout: cache.revalidate_timeout,
        document: limits::document(config),
        artifact: limits::artifact(config),
        unattended_bytes: cache.unattended_size,
        publish: limits::publish(config),
        offline: cache.offline,
        upstream: UpstreamConfig {
            connect_time: cache.upstream_connect_time,
            answer_time: cache.upstream_answer_time,
            idle_time: cache.upstream_idle_time,
            requests: cache.upstream_requests,
            authorities: tls::authorities(&cache.upstream_authorities)?,
            proxies: proxies()?,
        },
    })
}

/// The proxies of the environment: a scheme's own, else the one for all. A CGI program has none, for
/// a client's header would name it there.
fn proxies() -> Result<Proxies, Box<dyn Error>> {
    let value = |names: [&str; 2]| names.into_iter().find_map(|name| std::env::var(name).ok());
    if std::env::var_os("REQUEST_METHOD").is_some() {
        return Ok(Proxies::default());
    }
    let all = value(["ALL_PROXY", "all_proxy"]);
    let of = |names| {
        let own = value(names).filter(|own| !own.is_empty());
        own.or_else(|| all.clone()).unwrap_or_default()
    };
    let except = value(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let (http, https) = (
        of(["HTTP_PROXY", "http_proxy"]),
        of(["HTTPS_PROXY", "https_proxy"]),
    );
    Proxies::new(&http, &https, &except).map_err(|problem| problem.detail.into())
}

pub(crate) fn gate_settings(config: &Config, keys: KeyRing) -> Settings {
    Settings {
        keys,
        anonymous: config.auth.anonymous,
        token_life: config.auth.token_life,
        offline_token_life: config.auth.offline_token_life,
        password_memory: config.auth.password_memory,
        login_attempts: config.auth.login_attempts,
        header_bytes: usize::try_from(config.server.limits.header_size).unwrap_or(usize::MAX),
    }
}
