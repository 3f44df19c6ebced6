//! What this server counts of its requests, for metrics and for the series by the hour. A request
//! touches a few atomics; once a minute what is new is added to the database, where servers add up.
//! A crash loses what came since.

use crate::door_label::DoorLabel;
use larder_cache::Counters;
use larder_gc::Freed;
use larder_metadata::series::NewPoint;
use larder_metadata::{Error, Metadata};
use larder_model::{Durations, ProtocolName, SeriesName, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// The label of requests of no protocol that this server knows.
const OTHER: &str = "other";

/// Labels of requests that are of no protocol; the last one is that of all that have none.
const NO_PROTOCOL: [&str; 4] = [
    DoorLabel::Api.label(),
    DoorLabel::Gui.label(),
    DoorLabel::System.label(),
    OTHER,
];

/// Whether a mirror had what was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CacheUse {
    /// It was kept.
    Hit,
    /// It was fetched.
    Miss,
}

impl CacheUse {
    /// What a `Cache-Status` header of ours tells (RFC 9211).
    pub(crate) fn of(status: &[u8]) -> Option<Self> {
        if status.starts_with(b"larder; hit") {
            Some(Self::Hit)
        } else {
            status
                .starts_with(b"larder; fwd=miss")
                .then_some(Self::Miss)
        }
    }
}

/// A request that is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    pub(crate) door: DoorLabel,
    pub(crate) protocol: Option<ProtocolName>,
    pub(crate) status: u16,
    pub(crate) took: Duration,
    /// Bytes of the body that is sent, where that is known.
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Whether a right was missing.
    pub(crate) denied: bool,
    pub(crate) cache: Option<CacheUse>,
}

/// What is counted of requests of one label.
#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    client_errors: AtomicU64,
    server_errors: AtomicU64,
    denied: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    durations: Durations,
}

/// A value's place: series, label, part.
type Place = (SeriesName, Box<str>, &'static str);

/// What was written so far.
struct Written {
    values: BTreeMap<Place, u64>,
    /// When it was.
    at: Timestamp,
}

/// What this server counts.
pub(crate) struct Tally {
    /// By protocol, or by door where there is none.
    labels: Vec<(&'static str, Counts)>,
    cache: Arc<Counters>,
    freed: Arc<Freed>,
    written: Mutex<Written>,
}

impl Tally {
    /// Counts from now on, requests of these protocols, that of images first, and what the crates
    /// below count.
    pub(crate) fn new(
        protocols: impl Iterator<Item = ProtocolName>,
        cache: Arc<Counters>,
        freed: Arc<Freed>,
        now: Timestamp,
    ) -> Self {
        let protocols = protocols.map(|protocol| protocol.0);
        let labels = protocols.chain(NO_PROTOCOL);
        Self {
            labels: labels.map(|label| (label, Counts::default())).collect(),
            cache,
            freed,
            written: Mutex::new(Written {
                values: BTreeMap::new(),
                at: now,
            }),
        }
    }

    /// The labels that requests of a door may have.
    pub(crate) fn labels_of(&self, door: DoorLabel) -> Vec<&'static str> {
        match door {
            DoorLabel::Api | DoorLabel::Gui | DoorLabel::System => vec![door.label()],
            DoorLabel::Registry => self.protocols().take(1).collect(),
            DoorLabel::Packages | DoorLabel::Git => self.protocols().chain([OTHER]).collect(),
        }
    }

    /// Counts a request; the label as which it counts.
    pub(crate) fn answered(&self, answered: &Answered) -> &'static str {
        let label = match (answered.door, answered.protocol) {
            (DoorLabel::Api | DoorLabel::Gui | DoorLabel::System, _) => Some(answered.door.label()),
            (DoorLabel::Registry, _) => self.protocols().next(),
            (DoorLabel::Packages | DoorLabel::Git, protocol) => protocol.map(|it| it.0),
        };
        let of = self.labels.iter().find(|(known, _)| Some(*known) == label);
        let Some((label, counts)) = of.or_else(|| self.labels.last()) else {
            return OTHER;
        };
        let add = |counter: &AtomicU64, count: u64| {
            if count > 0 {
                counter.fetch_add(count, Ordering::Relaxed);
            }
        };
        add(&counts.requests, 1);
        add(&counts.client_errors, u64::from(answered.status / 100 == 4));
        add(&counts.server_errors, u64::from(answered.status / 100 == 5));
        add(&counts.denied, u64::from(answered.denied));
        add(
            &counts.hits,
            u64::from(answered.cache == Some(CacheUse::Hit)),
        );
        add(
            &counts.misses,
            u64::from(answered.cache == Some(CacheUse::Miss)),
        );
        add(&counts.sent, answered.sent);
        add(&counts.received, answered.received);
        counts.durations.observe(answered.took);
        label
    }

    /// What was counted since the start of this process: each value with its place, but for those
    /// that are zero.
    fn values(&self) -> BTreeMap<Place, u64> {
        use SeriesName as Name;
        let mut values = BTreeMap::new();
        let mut put = |name, label: &str, part, value| {
            if value > 0 {
                values.insert((name, Box::from(label), part), value);
            }
        };
        for (label, counts) in &self.labels {
            for (name, counter) in [
                (Name::Requests, &counts.requests),
                (Name::ClientErrors, &counts.client_errors),
                (Name::ServerErrors, &counts.server_errors),
                (Name::DeniedRequests, &counts.denied),
                (Name::CacheHits, &counts.hits),
                (Name::CacheMisses, &counts.misses),
                (Name::SentBytes, &counts.sent),
                (Name::ReceivedBytes, &counts.received),
            ] {
                put(name, label, "", counter.load(Ordering::Relaxed));
            }
            for (part, value) in counts.durations.distribution().parts() {
                put(Name::RequestDuration, label, part, value);
            }
        }
        for (upstream, counts) in self.cache.upstreams() {
            put(Name::UpstreamRequests, &upstream, "", counts.requests);
            put(Name::UpstreamErrors, &upstream, "", counts.errors);
            put(Name::UpstreamBytes, &upstream, "", counts.bytes);
            put(Name::UpstreamPassedOver, &upstream, "", counts.passed_over);
            for (part, value) in counts.durations.parts() {
                put(Name::UpstreamDuration, &upstream, part, value);
            }
        }
        put(Name::CollectedBytes, "", "", self.freed.bytes());
        put(Name::CollectedBlobs, "", "", self.freed.blobs());
        values
    }

    /// What was counted of a series by label; all upstreams together, for theirs are names.
    pub(crate) fn totals(&self, name: SeriesName) -> BTreeMap<Box<str>, u64> {
        let by_protocol = name.label() == Some("protocol");
        let mut totals: BTreeMap<Box<str>, u64> = if by_protocol {
            self.labels
                .iter()
                .map(|(label, _)| ((*label).into(), 0))
                .collect()
        } else {
            [("".into(), 0)].into()
        };
        for ((of, label, _), value) in self.values() {
            if of == name {
                let label = if by_protocol { label } else { "".into() };
                *totals.entry(label).or_default() += value;
            }
        }
        totals
    }

    /// The protocols of which it counts requests.
    pub(crate) fn protocols(&self) -> impl Iterator<Item = &'static str> {
        let protocols = self.labels.len().saturating_sub(NO_PROTOCOL.len());
        self.labels.iter().take(protocols).map(|(label, _)| *label)
    }

    /// Adds what is new to the database, at the hour in which it began to be counted. What cannot be
    /// written is written the next time.
    pub(crate) async fn write(&self, metadata: &Metadata) -> Result<(), Error> {
        let mut written = self.written.lock().await;
        let (values, now) = (self.values(), metadata.shared_now_estimate());
        let before = |place| written.values.get(place).copied().unwrap_or_default();
        let news = values.iter().filter_map(|(place, value)| {
            let (name, label, part) = place;
            let value = value.saturating_sub(before(place));
            (value > 0).then_some(NewPoint {
                name: name.word(),
                label,
                part,
                value,
            })
        });
        let mut news: Vec<_> = news.collect();
        metadata.add_to_series(written.at, &mut news).await?;
        *written = Written { values, at: now };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
