//! Files looked up lately, kept in memory: exactly what the database would say, as long as this
//! process is its only writer.
//!
//! Each package has an epoch that the writer moves on after every commit that touches the package,
//! before the commit is answered. A look-up notes the epoch before it reads and keeps it with what
//! it read; it holds only as long as the epoch is the same. So a look-up that read the old state
//! while a commit was under way is never used after it.

use crate::keys::{FileKey, PackageKey};
use crate::records::FileRecord;
use moka::sync::Cache;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the memory may weigh, in bytes.
const MAX_BYTES: u64 = 32 << 20;
/// What an entry weighs beside its texts and its body.
const ENTRY_BYTES: usize = 512;
/// Epochs; packages of the same hash share one, which costs them a few look-ups and nothing else.
const EPOCHS: usize = 4096;

pub(crate) struct Lookups {
    epochs: Box<[AtomicU64]>,
    hasher: std::hash::RandomState,
    found: Cache<String, (u64, Arc<FileRecord>)>,
}

/// The epoch of a package when a look-up began.
#[derive(Clone, Copy)]
pub(crate) struct Epoch(u64);

impl Default for Lookups {
    fn default() -> Self {
        let weigh = |key: &String, (_, found): &(u64, Arc<FileRecord>)| {
            let body = found.body.as_ref().map_or(0, bytes::Bytes::len);
            u32::try_from(ENTRY_BYTES + key.len() + body).unwrap_or(u32::MAX)
        };
        Self {
            epochs: (0..EPOCHS).map(|_| AtomicU64::new(0)).collect(),
            hasher: std::hash::RandomState::new(),
            found: Cache::builder()
                .weigher(weigh)
                .max_capacity(MAX_BYTES)
                .build(),
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

    /// The name of a file in memory. None of its parts but the path may hold a zero byte.
    pub(crate) fn name(key: FileKey<'_>) -> String {
        let FileKey {
            package,
            kind,
            path,
        } = key;
        let (repo, word) = (package.repo.to_string(), kind.word());
        [&repo, "/", package.package, "\0", word, "\0", path].concat()
    }

    pub(crate) fn get(&self, key: &str, now: Epoch) -> Option<Arc<FileRecord>> {
        self.found
            .get(key)
            .filter(|(epoch, _)| *epoch == now.0)
            .map(|(_, found)| found)
    }

    /// Keeps what was read since `began`.
    pub(crate) fn keep(&self, key: String, began: Epoch, found: &Arc<FileRecord>) {
        self.found.insert(key, (began.0, Arc::clone(found)));
    }

    /// To be called after a commit that touched a package, before anyone is told of it.
    pub(crate) fn touched(&self, slot: usize) {
        self.epochs[slot].fetch_add(1, Ordering::AcqRel);
    }
}
