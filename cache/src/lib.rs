//! The pull-through engine: fetches from upstreams, verifies, keeps and serves, for every protocol
//! of `mirrors` alike.
//!
//! Knows: freshness, coalescing, what vouches for what, how an upstream is asked, and which
//! addresses it may have. Must never know: a protocol's addresses and documents, SQL, who may do
//! what, configuration.

mod accounts;
mod answers;
mod artifacts;
mod blocks;
mod checks;
mod counters;
mod upstream;
mod documents;
mod door;
mod download;
mod flights;
mod group;
mod hosted;
mod images;
mod index;
mod merged;
mod queries;
mod repo;
mod representations;
mod search;

pub use counters::Counters;
pub use door::is_packages;
pub use images::Images;
pub use upstream::{Proxies, UpstreamConfig, is_public};

use bytes::Bytes;
use download::Download;
use flights::{Flights, Key};
use http::HeaderValue;
use larder_access::Gate;
use larder_content::ContentStore;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::Table;
use larder_model::{Digest, Timestamp};
use larder_storage::BlobStore;
use moka::sync::Cache as Memory;
use repo::Repo;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Documents up to this size are read, made and compressed freely; larger ones one after the other.
pub(crate) const SMALL_DOCUMENT: usize = 512 * 1024;
/// Larger documents in memory at once.
const LARGE_DOCUMENTS: usize = 2;
/// Plans made at once.
const PLANS: usize = 4;
/// Memory for large lists of artifacts, in bytes.
const TABLE_BYTES: u64 = 32 << 20;
/// Things not found upstream that are remembered.
const MAX_MISSING: u64 = 100_000;

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
    /// The largest document in bytes.
    pub document_bytes: usize,
    /// The largest artifact in bytes.
    pub artifact_bytes: u64,
    /// Nothing is fetched at all.
    pub offline: bool,
    /// How upstreams are asked.
    pub upstream: UpstreamConfig,
}

/// Repos of files, at `/<protocol>/<repo>/`.
#[derive(Clone)]
pub struct Packages(Arc<Engine>);

pub(crate) struct Engine {
    metadata: Metadata,
    blobs: BlobStore,
    content: ContentStore,
    gate: Arc<Gate>,
    config: CacheConfig,
    counters: Arc<Counters>,
    /// By the repo's id.
    repos: Memory<i64, Arc<Repo>>,
    documents: Flights<Arc<FileRecord>>,
    representations: Flights<Arc<FileRecord>>,
    /// Answers of upstreams to searches, with their media types.
    searches: Flights<(Bytes, HeaderValue)>,
    /// States of repos that are being composed.
    index_builds: Flights<()>,
    downloads: Mutex<HashMap<Key, Arc<Download>>>,
    /// Large lists of artifacts, by the digest of what they were read from.
    tables: Memory<Digest, Arc<dyn Table>>,
    readings: Flights<Arc<dyn Table>>,
    /// What is not there upstream, and when that was found.
    missing: Memory<Key, Timestamp>,
    /// Packages of which an index came, and when: what was missing before that may be there.
    changed: Memory<Key, Timestamp>,
    /// Addresses under which clients see this server: forms are kept for so many, no stranger's
    /// `Host` makes more.
    sites: Mutex<Vec<Box<str>>>,
    large_documents: Arc<Semaphore>,
    /// Plans hold the documents that they read.
    planning: Arc<Semaphore>,
}

impl Packages {
    /// An engine over the database, the store and the gate of a server.
    pub fn new(metadata: Metadata, blobs: BlobStore, gate: Arc<Gate>, config: CacheConfig) -> Self {
        Self(Arc::new(Engine {
            content: ContentStore::new(metadata.clone(), blobs.clone()),
            metadata,
            blobs,
            gate,
            counters: Arc::default(),
            repos: Memory::builder().max_capacity(10_000).build(),
            documents: Flights::default(),
            representations: Flights::default(),
            searches: Flights::default(),
            index_builds: Flights::default(),
            downloads: Mutex::default(),
            tables: Memory::builder()
                .weigher(weigh)
                .max_capacity(TABLE_BYTES)
                .build(),
            readings: Flights::default(),
            missing: Memory::builder()
                .max_capacity(MAX_MISSING)
                .time_to_live(config.missing)
                .build(),
            changed: Memory::builder()
                .max_capacity(MAX_MISSING)
                .time_to_live(config.missing)
                .build(),
            sites: Mutex::default(),
            large_documents: Arc::new(Semaphore::new(LARGE_DOCUMENTS)),
            planning: Arc::new(Semaphore::new(PLANS)),
            config,
        }))
    }

    /// What is counted while it runs.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.0.counters)
    }
}

fn weigh(_: &Digest, table: &Arc<dyn Table>) -> u32 {
    u32::try_from(table.weight()).unwrap_or(u32::MAX)
}

impl Engine {
    /// Remembers that something is not there upstream.
    fn remember_missing(&self, key: Key) {
        self.missing.insert(key, self.metadata.now());
    }

    /// Whether something of a package is known not to be there upstream.
    fn is_known_missing(&self, key: &Key, package: &str) -> bool {
        let changed = || self.changed.get(&(key.0, package.into()));
        self.missing
            .get(key)
            .is_some_and(|since| changed().is_none_or(|changed| changed < since))
    }
}
