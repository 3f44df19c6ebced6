//! Files looked up lately, kept in memory: exactly what the database would say, as long as this
//! process is its only writer.
//!
//! Each package has an epoch that the writer moves on after every commit that touches the package,
//! before the commit is answered. A look-up notes the epoch before it reads and keeps it with what
//! it read; it holds only as long as the epoch is the same. So a look-up that read the old state
//! while a commit was under way is never used after it.

use crate::keys::{FileKey, OwnedFileKey, PackageKey};
use crate::records::FileRecord;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the memory may weigh, in bytes.
const MAX_BYTES: u64 = 32 << 20;
/// What an entry weighs beside its texts and its body.
const ENTRY_BYTES: usize = 512;
/// How many entries there are, about, when it is full.
const ENTRIES: usize = 16 * 1024;
/// Epochs; packages of the same hash share one, which costs them a few look-ups and nothing else.
const EPOCHS: usize = 4096;

pub(crate) struct Lookups {
    epochs: Box<[AtomicU64]>,
    hasher: std::hash::RandomState,
    found: Cache<OwnedFileKey, LookedUp, Weights>,
}

/// What was read of a file, and its package's epoch when that began.
#[derive(Clone)]
struct LookedUp {
    began: u64,
    found: Arc<FileRecord>,
}

#[derive(Clone)]
struct Weights;

impl Weighter<OwnedFileKey, LookedUp> for Weights {
    fn weight(&self, key: &OwnedFileKey, known: &LookedUp) -> u64 {
        let FileKey { package, path, .. } = key.key();
        let body = known.found.body.as_ref().map_or(0, bytes::Bytes::len);
        (ENTRY_BYTES + package.package.len() + path.len() + body) as u64
    }
}

/// The epoch of a package when a look-up began.
#[derive(Clone, Copy)]
pub(crate) struct Epoch(u64);

impl Default for Lookups {
    fn default() -> Self {
        Self {
            epochs: (0..EPOCHS).map(|_| AtomicU64::new(0)).collect(),
            hasher: std::hash::RandomState::new(),
            found: Cache::with_weighter(ENTRIES, MAX_BYTES, Weights),
        }
    }
}

impl Lookups {
    /// Which epoch is a package's.
    pub(crate) fn slot(&self, package: PackageKey<'_>) -> usize {
        let hash = self.hasher.hash_one((package.repo, package.package));
        usize::try_from(hash % EPOCHS as u64).unwrap_or_default()
    }

    /// The epochs of all packages.
    pub(crate) const fn all_slots() -> std::ops::Range<usize> {
        0..EPOCHS
    }

    /// To be called before the database is read.
    pub(crate) fn epoch(&self, package: PackageKey<'_>) -> Epoch {
        Epoch(self.epochs[self.slot(package)].load(Ordering::Acquire))
    }

    pub(crate) fn get(&self, key: FileKey<'_>, now: Epoch) -> Option<Arc<FileRecord>> {
        let known = self.found.get(&key)?;
        (known.began == now.0).then_some(known.found)
    }

    /// Keeps what was read since `began`.
    pub(crate) fn keep(&self, key: FileKey<'_>, began: Epoch, found: &Arc<FileRecord>) {
        let known = LookedUp {
            began: began.0,
            found: Arc::clone(found),
        };
        self.found.insert(key.into(), known);
    }

    /// To be called after a commit that touched a package, before anyone is told of it.
    pub(crate) fn touched(&self, slot: usize) {
        self.epochs[slot].fetch_add(1, Ordering::AcqRel);
    }
}
