//! Statistics: what is kept, how it is used, and how the server fares, by the hour.

use crate::jobs::Job;
use crate::schema;
use crate::system::DiskSpace;
use larder_model::{RepoPath, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The state of the server in numbers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// When the bytes that names hold were last counted; `null`: they never were.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub as_of: Option<Timestamp>,
    /// What all repositories hold together.
    pub total: UsageTotal,
    /// What the repositories of each protocol hold.
    pub protocols: BTreeMap<String, UsageTotal>,
    /// Bytes of blobs that no name holds: they are in the trash, or wait for the collector.
    pub unnamed_bytes: u64,
    /// Requests of the last 24 hours, to all servers.
    pub last_24h: Traffic,
    /// People who have an account.
    pub users: u64,
    /// Machines that have one.
    pub robots: u64,
    /// Jobs that wait.
    pub queued_jobs: u64,
    /// Jobs that a server works on.
    pub running_jobs: u64,
    /// Things that the collector is to look at.
    pub collector_queue: u64,
    /// The room on the disk of the server that was asked; `null`: it cannot be told.
    #[schema(required)]
    pub disk: Option<DiskSpace>,
    /// The newest run of the collector; `null`: there is none.
    #[schema(required)]
    pub last_gc: Option<Job>,
    /// The newest backup that succeeded; `null`: there is none.
    #[schema(required)]
    pub last_backup: Option<Job>,
}

/// What repositories hold. Bytes are of distinct digests, each counted once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct UsageTotal {
    /// Bytes of the digests that they name.
    pub bytes: u64,
    /// Those of digests that nothing else names: of all, a single repository; of a protocol, no other
    /// protocol.
    pub unique_bytes: u64,
    /// The other ones.
    pub shared_bytes: u64,
    /// Bytes that would be kept in addition if each package had its own.
    pub saved_bytes: u64,
    /// How many digests they name.
    pub blobs: u64,
    /// How many repositories name anything.
    pub repositories: u64,
    /// How many packages have versions.
    pub packages: u64,
    /// How many versions they have; of images, tags.
    pub versions: u64,
}

/// Requests of a time, and what came of them.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Traffic {
    /// Requests that were answered.
    pub requests: u64,
    /// Those refused with 4xx.
    pub client_errors: u64,
    /// Those that failed with 5xx.
    pub server_errors: u64,
    /// Those refused for want of a right.
    pub denied_requests: u64,
    /// Requests to mirrors that were answered with what is kept.
    pub cache_hits: u64,
    /// Those that had to be fetched.
    pub cache_misses: u64,
    /// The part of hits among both, from 0 to 1; `null`: there were none.
    #[schema(required)]
    pub hit_rate: Option<f64>,
    /// Bytes of bodies sent to clients.
    pub sent_bytes: u64,
    /// Bytes of bodies received from clients.
    pub received_bytes: u64,
    /// Bytes of bodies received from upstreams.
    pub upstream_bytes: u64,
    /// Bytes that the collector freed.
    pub collected_bytes: u64,
    /// How soon responses began.
    pub request_duration_seconds: Quantiles,
}

/// How long things took, in seconds, as far as the bounds between which they are counted tell; all are
/// `null` where there was nothing.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Quantiles {
    /// How many there were.
    pub count: u64,
    /// On average.
    #[schema(required)]
    pub mean: Option<f64>,
    /// Half of them took no longer.
    #[schema(required)]
    pub p50: Option<f64>,
    /// 95 of 100 took no longer.
    #[schema(required)]
    pub p95: Option<f64>,
    /// 99 of 100 took no longer.
    #[schema(required)]
    pub p99: Option<f64>,
}

/// The series that there are, or the values of one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum SeriesAnswer {
    /// The values of the series that was asked for.
    One(SeriesValues),
    /// All series.
    All(SeriesList),
}

/// All series.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SeriesList {
    /// All of them.
    pub items: Vec<SeriesInfo>,
    /// Always `null`.
    #[schema(required)]
    pub next: Option<String>,
}

/// A series.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SeriesInfo {
    /// Its name; with `larder_` before it, that of the metric for Prometheus.
    pub name: String,
    /// What its values count: `requests`, `bytes`, `blobs` or `seconds`.
    pub unit: String,
    /// What a value tells: `sum` (what came), `level` (what there was at the end) or `durations`.
    pub value: String,
    /// What tells its parts apart: `protocol` or `upstream`; `null`: it has no parts.
    #[schema(required)]
    pub label: Option<String>,
    /// A sentence for people.
    pub description: String,
}

/// The values of a series.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SeriesValues {
    /// Its name.
    pub name: String,
    /// What its values count.
    pub unit: String,
    /// The time that a value is of: `1h` or `1d`.
    pub step: String,
    /// The values, from the oldest on; times in which nothing was counted are left out.
    pub items: Vec<SeriesItem>,
}

/// A value of a series.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SeriesItem {
    /// When the hour or the day began.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// All parts together; of durations the mean, in seconds.
    #[schema(value_type = f64)]
    pub value: serde_json::Number,
    /// The value of each part, by protocol or upstream.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, f64>)]
    pub parts: BTreeMap<String, serde_json::Number>,
    /// Of durations alone, how they were spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<Quantiles>,
}

/// A page of what holds bytes, the largest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct UsageList {
    /// When it was counted; `null`: it never was.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub as_of: Option<Timestamp>,
    /// The items.
    pub items: Vec<Usage>,
    /// What to ask for as `after` to get the page that follows; `null`: this is the last one.
    #[schema(required)]
    pub next: Option<String>,
}

/// What holds bytes. They are of distinct digests, each counted once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// The protocol.
    #[schema(value_type = schema::Protocol)]
    pub protocol: String,
    /// The repository; `null`: all of the protocol.
    #[schema(required, value_type = Option<schema::RepoPath>)]
    pub repository: Option<RepoPath>,
    /// The package; empty: files of the whole repository; `null`: all of it.
    #[schema(required)]
    pub package: Option<String>,
    /// Bytes of the digests that it names.
    pub bytes: u64,
    /// Those of digests that no other package, repository or protocol names.
    pub unique_bytes: u64,
    /// The other ones.
    pub shared_bytes: u64,
    /// How many versions it has; of images, tags.
    pub versions: u64,
}

/// An empty object: there is nothing to say but that the bytes are to be counted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewUsageCount {}

/// Downloads of a day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DayOfDownloads {
    /// When the day began, in UTC.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// How many.
    pub downloads: u64,
}
