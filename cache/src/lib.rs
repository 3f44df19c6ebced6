//! The pull-through engine: fetches from upstreams, verifies, keeps and serves, for every protocol
//! of `mirrors` alike.
//!
//! Knows: freshness, coalescing, what vouches for what, how an upstream is asked, and which
//! addresses it may have. Must never know: a protocol's addresses and documents, SQL, who may do
//! what, configuration.

mod counters;
mod limits;
mod upstream;
mod config;
mod flights;
mod problems;
mod blocks;
mod repo;
mod repos;
mod permissions;
mod documents;
mod representations;
mod download;
mod artifacts;
mod index;
mod hosted;
mod group;
mod answers;
mod merged;
mod search;
mod queries;
mod accounts;
mod images;
mod door;
mod checks;

pub use config::CacheConfig;
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
use limits::Slots;
use moka::sync::Cache as Memory;
use repos::Repos;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Larger documents in memory at once.
const LARGE_DOCUMENTS: usize = 2;
/// Plans made at once.
const PLANS: usize = 4;
/// Memory for large lists of artifacts, in bytes.
const TABLE_BYTES: u64 = 32 << 20;
/// Things not found upstream that are remembered.
const MAX_MISSING: u64 = 100_000;

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
    repos: Repos,
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
    large_documents: Slots,
    /// Plans hold the documents that they read.
    planning: Slots,
}

impl Packages {
    /// An engine over the database, the store and the gate of a server.
    pub fn new(metadata: Metadata, blobs: BlobStore, gate: Arc<Gate>, config: CacheConfig) -> Self {
        let counters = Arc::<Counters>::default();
        Self(Arc::new(Engine {
            repos: Repos::new(
                metadata.clone(),
                Arc::clone(&gate),
                config.clone(),
                Arc::clone(&counters),
            ),
            content: ContentStore::new(metadata.clone(), blobs.clone()),
            metadata,
            blobs,
            gate,
            counters,
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
            large_documents: Slots::new(LARGE_DOCUMENTS),
            planning: Slots::new(PLANS),
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
