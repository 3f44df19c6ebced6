//! What operators see: the log, and metrics for Prometheus. Labels are bounded and free of names.

use larder_access::Gate;
use larder_cache::Counters;
use larder_config::{Log, LogFormat};
use larder_gc::Freed;
use larder_gc::retention::EvictedCount;
use larder_metadata::Statements;
use larder_scrub::Found;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
use tracing::level_filters::LevelFilter;

/// What answers a request, as metrics name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DoorLabel {
    /// Hosted images.
    Registry,
    /// The REST API, and the page for logins.
    Api,
    /// Health, metrics, the CA.
    System,
    /// Packages, and images of mirrors.
    Packages,
}

impl DoorLabel {
    const ALL: [Self; 4] = [Self::Registry, Self::Api, Self::System, Self::Packages];

    const fn label(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Api => "api",
            Self::System => "system",
            Self::Packages => "packages",
        }
    }
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Upper bounds of the histogram of durations, in seconds.
const BOUNDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0,
];

/// Starts logging to standard output: text on a terminal, JSON lines elsewhere.
pub(crate) fn start_log(log: &Log) {
    let level: LevelFilter = log.level.as_str().parse().unwrap_or(LevelFilter::INFO);
    let terminal = std::io::stdout().is_terminal();
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(terminal);
    if json {
        lines.json().flatten_event(true).init();
    } else {
        lines.init();
    }
}

/// Counters of this process.
pub(crate) struct Observer {
    registry: Registry,
    requests: Vec<Counter>,
    durations: Vec<Histogram>,
    sent_bytes: Counter,
    pub(crate) connections: Gauge,
    pub(crate) refused_connections: Counter,
}

/// What the crates below count themselves: read when somebody asks.
pub(crate) struct Below {
    pub(crate) cache: Arc<Counters>,
    pub(crate) statements: Arc<Statements>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) freed: Arc<Freed>,
    pub(crate) evicted: Arc<EvictedCount>,
    pub(crate) scrubbed: Arc<Found>,
}

impl std::fmt::Debug for Below {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Below").finish_non_exhaustive()
    }
}

impl Collector for Below {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        for (name, help, value) in [
            (
                "upstream_requests",
                "Requests sent to upstreams",
                self.cache.upstream_requests(),
            ),
            (
                "database_reads",
                "Statements that read from the database",
                self.statements.reads(),
            ),
            (
                "database_batches",
                "Batches that write to the database",
                self.statements.batches(),
            ),
            (
                "password_hashes",
                "Hashes of passwords computed",
                self.gate.password_hashes(),
            ),
            (
                "collected_blobs",
                "Blobs that the collector deleted",
                self.freed.blobs(),
            ),
            (
                "collected_bytes",
                "Bytes that the collector freed",
                self.freed.bytes(),
            ),
            (
                "evicted",
                "Versions, images and documents of mirrors that were let go",
                self.evicted.get(),
            ),
            (
                "scrubbed_blobs",
                "Blobs that scrubs looked at",
                self.scrubbed.examined(),
            ),
            (
                "scrubbed_bytes",
                "Bytes that scrubs read",
                self.scrubbed.bytes(),
            ),
            (
                "healed_blobs",
                "Damaged blobs that scrubs healed",
                self.scrubbed.healed(),
            ),
            (
                "quarantined_blobs",
                "Damaged blobs that scrubs found and did not heal",
                self.scrubbed.quarantined(),
            ),
        ] {
            let counter = ConstCounter::new(value);
            let kind = counter.metric_type();
            counter.encode(encoder.encode_descriptor(name, help, None, kind)?)?;
        }
        Ok(())
    }
}

impl Observer {
    /// Beside its own, it tells the counters of the crates below.
    pub(crate) fn new(below: Below) -> Self {
        let mut registry = Registry::with_prefix("larder");
        let mut requests = Vec::new();
        let mut durations = Vec::new();
        for door in DoorLabel::ALL {
            let label = ("door".into(), door.label().into());
            let labelled = registry.sub_registry_with_label(label);
            let duration = Histogram::new(BOUNDS);
            labelled.register(
                "request_duration_seconds",
                "Time until the response began",
                duration.clone(),
            );
            durations.push(duration);
            for class in CLASSES {
                let counter = Counter::default();
                let of_class = labelled.sub_registry_with_label(("status".into(), class.into()));
                of_class.register("requests", "Requests answered", counter.clone());
                requests.push(counter);
            }
        }
        let (sent_bytes, refused_connections, connections) =
            (Counter::default(), Counter::default(), Gauge::default());
        registry.register("sent_bytes", "Bytes of bodies sent", sent_bytes.clone());
        registry.register("connections", "Open connections", connections.clone());
        registry.register(
            "refused_connections",
            "Connections over a limit",
            refused_connections.clone(),
        );
        registry.register_collector(Box::new(below));
        Self {
            registry,
            requests,
            durations,
            sent_bytes,
            connections,
            refused_connections,
        }
    }

    /// Counts an answered request.
    pub(crate) fn answered(&self, door: DoorLabel, status: u16, took: Duration) {
        let door = door as usize; // in the order of `ALL`
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.requests[door * CLASSES.len() + class].inc();
        self.durations[door].observe(took.as_secs_f64());
    }

    /// Counts bytes of a body.
    pub(crate) fn sent(&self, bytes: u64) {
        self.sent_bytes.inc_by(bytes);
    }

    /// All metrics as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }
}
