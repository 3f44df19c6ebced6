//! What operators see: the log, and metrics for Prometheus. Labels are bounded and free of names.

use crate::door_label::DoorLabel;
use crate::gauges::Gauges;
use crate::tally::Tally;
use larder_access::Gate;
use larder_cache::Packages;
use larder_config::{Log, LogFormat};
use larder_gc::retention::EvictedCount;
use larder_metadata::Statements;
use larder_metadata::usage::{ALL, UsageSum};
use larder_model::durations::BOUNDS;
use larder_model::{JobState, SeriesName};
use larder_scrub::Found;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

const PROTOCOL: &str = "protocol";
/// The label of what all protocols hold together: they may share bytes.
const EVERYTHING: &str = "all";
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// A name and a value of one.
type Label = (&'static str, &'static str);

/// A bound in seconds.
fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

/// Sets the least level that is logged.
pub(crate) type SetLevel = Box<dyn Fn(&Log) + Send + Sync>;

fn level(log: &Log) -> LevelFilter {
    log.level.as_str().parse().unwrap_or(LevelFilter::INFO)
}

/// Starts logging to standard output: text on a terminal, JSON lines elsewhere.
pub(crate) fn start_log(log: &Log) -> SetLevel {
    let (filter, handle) = reload::Layer::new(level(log));
    let terminal = std::io::stdout().is_terminal();
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(terminal);
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(lines.json().flatten_event(true)).init();
    } else {
        registry.with(lines).init();
    }
    Box::new(move |log| {
        if let Err(error) = handle.reload(level(log)) {
            tracing::error!(%error, "the level of the log could not be set");
        }
    })
}

/// Requests of a door and a label of it, by the class of their status.
struct Requests {
    door: DoorLabel,
    label: &'static str,
    classes: [Counter; CLASSES.len()],
}

/// Counters of this process.
pub(crate) struct Observer {
    registry: Registry,
    requests: Vec<Requests>,
    durations: Vec<Histogram>,
    sent_bytes: Counter,
    pub(crate) connections: Gauge,
    pub(crate) refused_connections: Counter,
}

/// What is counted elsewhere: read when somebody asks.
pub(crate) struct Below {
    pub(crate) tally: Arc<Tally>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) statements: Arc<Statements>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) evicted: Arc<EvictedCount>,
    pub(crate) scrubbed: Arc<Found>,
    pub(crate) packages: Packages,
}

impl std::fmt::Debug for Below {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Below").finish_non_exhaustive()
    }
}

/// A metric's name, what it tells, the key of its labels and its values by them; without a key it has
/// one value and no label.
type Told<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, u64)>);

/// Tells a metric.
fn tell<M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, key, values): Told<'_>,
    metric: impl Fn(u64) -> M,
) -> std::fmt::Result {
    let kind = metric(0).metric_type();
    let mut descriptor = encoder.encode_descriptor(name, help, None, kind)?;
    for (label, value) in values {
        let metric = metric(value);
        if key.is_empty() {
            return metric.encode(descriptor);
        }
        metric.encode(descriptor.encode_family(&[(key, label)])?)?;
    }
    Ok(())
}

impl Below {
    /// What is counted of requests: the words of the series.
    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        use SeriesName as Name;
        for name in [
            Name::CacheHits,
            Name::CacheMisses,
            Name::DeniedRequests,
            Name::ReceivedBytes,
            Name::UpstreamRequests,
            Name::UpstreamErrors,
            Name::UpstreamBytes,
            Name::UpstreamPassedOver,
            Name::CollectedBlobs,
            Name::CollectedBytes,
        ] {
            // An upstream has the name of its mirror, which no metric tells.
            let key = name.label().filter(|key| *key == PROTOCOL).unwrap_or("");
            let totals = self.tally.totals(name);
            let values = totals.iter().map(|(label, value)| (&**label, *value));
            let told = (name.word(), name.sentence(), key, values.collect());
            tell(encoder, told, ConstCounter::new)?;
        }
        Ok(())
    }

    /// How much there is.
    fn levels(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let levels = self.gauges.levels();
        let of = |value: fn(&UsageSum) -> u64| {
            let find = |scope: &str| levels.usage.iter().find(|sum| *sum.scope == *scope);
            let label = |scope| if scope == ALL { EVERYTHING } else { scope };
            let scopes = std::iter::once(ALL).chain(self.tally.protocols());
            let values = scopes.map(|scope| (label(scope), find(scope).map_or(0, value)));
            values.collect::<Vec<_>>()
        };
        let jobs = JobState::ALL.iter().map(|state| {
            let known = levels.jobs.iter().find(|(known, _)| known == state);
            (state.word(), known.map_or(0, |(_, count)| *count))
        });
        let backup_at = u64::try_from(levels.backup_at.seconds()).unwrap_or_default();
        let (free, total) = self.gauges.disk_space().unwrap_or_default();
        for told in [
            (
                SeriesName::StoredBytes.word(),
                SeriesName::StoredBytes.sentence(),
                PROTOCOL,
                of(|sum| sum.bytes),
            ),
            (
                SeriesName::StoredBlobs.word(),
                SeriesName::StoredBlobs.sentence(),
                PROTOCOL,
                of(|sum| sum.blobs),
            ),
            (
                "collector_queue",
                "Things that the collector is to look at",
                "",
                vec![("", levels.collector_queue)],
            ),
            ("jobs", "Jobs of the last 90 days", "state", jobs.collect()),
            (
                "last_backup_timestamp_seconds",
                "When the newest backup was finished, in seconds since 1970; 0: there is none",
                "",
                vec![("", backup_at)],
            ),
            (
                "disk_free_bytes",
                "Bytes that are free where blobs are staged",
                "",
                vec![("", free)],
            ),
            (
                "disk_size_bytes",
                "All bytes where blobs are staged",
                "",
                vec![("", total)],
            ),
        ] {
            tell(encoder, told, |value| {
                ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
            })?;
        }
        Ok(())
    }
}

impl Below {
    /// Mirrors by how their upstreams fare, and what the process takes.
    fn present(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let upstreams = upstream_states(&self.gate, &self.packages);
        let (memory, files) = crate::process::usage().unwrap_or_default();
        for told in [
            (
                "upstreams",
                "Mirrors with an upstream, by how it fares",
                "state",
                upstreams.to_vec(),
            ),
            (
                "process_resident_memory_bytes",
                "Bytes of memory that this process has",
                "",
                vec![("", memory)],
            ),
            (
                "process_open_fds",
                "Files and sockets that this process has open",
                "",
                vec![("", files)],
            ),
        ] {
            tell(encoder, told, |value| {
                ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
            })?;
        }
        Ok(())
    }
}

/// How many mirrors have an upstream that fares so.
fn upstream_states(gate: &Gate, packages: &Packages) -> [(&'static str, u64); 5] {
    let mut states = ["answering", "failing", "paused", "unasked", "offline"].map(|word| (word, 0));
    let policy = gate.policy();
    let with_upstream = policy
        .repos()
        .filter(|repo| repo.settings.upstream.is_some());
    for repo in with_upstream {
        let state = match packages.health(repo) {
            _ if repo.settings.offline || policy.is_offline() => 4,
            None => 3,
            Some(health) if health.pause.is_some() => 2,
            Some(health) if health.failures > 0 => 1,
            Some(_) => 0,
        };
        states[state].1 += 1;
    }
    states
}

impl Collector for Below {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        for (name, help, value) in [
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
                "failed_logins",
                "Logins that failed or were refused unread",
                self.gate.failed_logins(),
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
            let told = (name, help, "", vec![("", value)]);
            tell(&mut encoder, told, ConstCounter::new)?;
        }
        self.requests(&mut encoder)?;
        self.present(&mut encoder)?;
        self.levels(&mut encoder)
    }
}

impl Observer {
    /// Beside its own, it tells the counters of the crates below.
    pub(crate) fn new(below: Below) -> Self {
        let mut registry = Registry::with_prefix("larder");
        let (mut requests, mut durations) = (Vec::new(), Vec::new());
        // One family each: a name is announced once, and its samples follow it.
        let by_status = Family::<[Label; 3], Counter>::default();
        let by_door = Family::<[Label; 1], Histogram, _>::new_with_constructor(|| {
            Histogram::new(BOUNDS.map(seconds))
        });
        // Each is looked up here, once, and not by requests.
        for door in DoorLabel::ALL {
            let of_door = ("door", door.label());
            durations.push(by_door.get_or_create_owned(&[of_door]));
            requests.extend(
                below
                    .tally
                    .labels_of(door)
                    .into_iter()
                    .map(|label| Requests {
                        door,
                        label,
                        classes: CLASSES.map(|class| {
                            let labels = [of_door, (PROTOCOL, label), ("status", class)];
                            by_status.get_or_create_owned(&labels)
                        }),
                    }),
            );
        }
        registry.register_with_unit(
            "request_duration",
            "Time until the response began",
            Unit::Seconds,
            by_door,
        );
        registry.register("requests", "Requests answered", by_status);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What this program is", build);
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

    /// Counts an answered request: its door, and the label as which the tally counts it.
    pub(crate) fn answered(
        &self,
        (door, label): (DoorLabel, &'static str),
        status: u16,
        took: Duration,
    ) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        let is_of = |it: &&Requests| it.door == door && it.label == label;
        if let Some(requests) = self.requests.iter().find(is_of) {
            requests.classes[class].inc();
        }
        self.durations[door as usize].observe(took.as_secs_f64()); // in the order of `ALL`
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
