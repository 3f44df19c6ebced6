//! What servers count by the hour. Each series has one word, which the database, the API and, with
//! `larder_` before it, the metrics for Prometheus use.

use crate::kinds::{UnknownKind, kinds};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

kinds! {
    /// A series of values by the hour.
    SeriesName {
        /// Requests that were answered.
        Requests = "requests",
        /// Those that were refused as the client's fault, with 4xx.
        ClientErrors = "client_errors",
        /// Those that failed as the server's fault, with 5xx.
        ServerErrors = "server_errors",
        /// Those that were refused because a right was missing.
        DeniedRequests = "denied_requests",
        /// Requests to mirrors that were answered with what is kept.
        CacheHits = "cache_hits",
        /// Those that had to be fetched.
        CacheMisses = "cache_misses",
        /// Time until a response began.
        RequestDuration = "request_duration_seconds",
        /// Bytes of bodies sent to clients.
        SentBytes = "sent_bytes",
        /// Bytes of bodies received from clients.
        ReceivedBytes = "received_bytes",
        /// Requests sent to upstreams.
        UpstreamRequests = "upstream_requests",
        /// Those without an answer, or with one that says nothing of what was asked for.
        UpstreamErrors = "upstream_errors",
        /// Time until an upstream's answer began.
        UpstreamDuration = "upstream_duration_seconds",
        /// Bytes of bodies received from upstreams.
        UpstreamBytes = "upstream_bytes",
        /// Lines, versions and files of upstreams' documents that could not be read and were passed
        /// over, as their clients do.
        UpstreamPassedOver = "upstream_passed_over",
        /// Bytes that names hold, when they were last counted.
        StoredBytes = "stored_bytes",
        /// Digests that names hold, when they were last counted.
        StoredBlobs = "stored_blobs",
        /// Bytes that the collector freed.
        CollectedBytes = "collected_bytes",
        /// Blobs that the collector deleted.
        CollectedBlobs = "collected_blobs",
    }
}

/// What a value of a series tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SeriesValue {
    /// How many came in the hour: values of hours and servers add up.
    Sum,
    /// How much there was: the last one of an hour stands.
    Level,
    /// How long things took.
    Durations,
}

impl SeriesName {
    /// What its values tell.
    pub const fn value(self) -> SeriesValue {
        match self {
            Self::RequestDuration | Self::UpstreamDuration => SeriesValue::Durations,
            Self::StoredBytes | Self::StoredBlobs => SeriesValue::Level,
            _ => SeriesValue::Sum,
        }
    }

    /// What its values count.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Requests
            | Self::ClientErrors
            | Self::ServerErrors
            | Self::DeniedRequests
            | Self::CacheHits
            | Self::CacheMisses
            | Self::UpstreamRequests
            | Self::UpstreamErrors => "requests",
            Self::RequestDuration | Self::UpstreamDuration => "seconds",
            Self::SentBytes
            | Self::ReceivedBytes
            | Self::UpstreamBytes
            | Self::StoredBytes
            | Self::CollectedBytes => "bytes",
            Self::UpstreamPassedOver => "entries",
            Self::StoredBlobs | Self::CollectedBlobs => "blobs",
        }
    }

    /// What tells its parts apart; `None`: it has none.
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::UpstreamRequests
            | Self::UpstreamErrors
            | Self::UpstreamDuration
            | Self::UpstreamBytes
            | Self::UpstreamPassedOver => Some("upstream"),
            Self::CollectedBytes | Self::CollectedBlobs => None,
            _ => Some("protocol"),
        }
    }

    /// A sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Requests => "Requests answered",
            Self::ClientErrors => "Requests refused with 4xx",
            Self::ServerErrors => "Requests that failed with 5xx",
            Self::DeniedRequests => "Requests refused for want of a right",
            Self::CacheHits => "Requests to mirrors answered with what is kept",
            Self::CacheMisses => "Requests to mirrors that had to be fetched",
            Self::RequestDuration => "Time until the response began",
            Self::SentBytes => "Bytes of bodies sent",
            Self::ReceivedBytes => "Bytes of bodies received from clients",
            Self::UpstreamRequests => "Requests sent to upstreams",
            Self::UpstreamErrors => "Requests to upstreams without a useful answer",
            Self::UpstreamDuration => "Time until an upstream's answer began",
            Self::UpstreamBytes => "Bytes of bodies received from upstreams",
            Self::UpstreamPassedOver => "Entries of upstreams' documents passed over as unreadable",
            Self::StoredBytes => "Bytes that names hold, when last counted",
            Self::StoredBlobs => "Digests that names hold, when last counted",
            Self::CollectedBytes => "Bytes that the collector freed",
            Self::CollectedBlobs => "Blobs that the collector deleted",
        }
    }
}
