//! How mirrors behave where their repos say nothing else.

use crate::upstream::UpstreamConfig;
use larder_mirrors::publishing::PublishLimits;
use larder_model::Limit;
use std::time::Duration;

/// How mirrors behave where their repos say nothing else.
#[derive(Clone, Debug)]
pub struct CacheConfig {
    /// How long a document is taken without asking again.
    pub fresh: Duration,
    /// How long it is remembered that something is not there.
    pub missing: Duration,
    /// How long a client waits for a document to be asked for again before it gets the one that is
    /// kept.
    pub revalidate_timeout: Duration,
    /// One document of an upstream.
    pub document: Limit,
    /// One artifact of an upstream.
    pub artifact: Limit,
    /// So many bytes of an artifact are fetched once nobody waits for it.
    pub unattended_bytes: u64,
    /// What may be published.
    pub publish: PublishLimits,
    /// Nothing is fetched at all.
    pub offline: bool,
    /// How upstreams are asked.
    pub upstream: UpstreamConfig,
}
