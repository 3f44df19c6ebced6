//! What is known not to be there upstream.

use crate::flights::Key;
use larder_model::Timestamp;
use moka::sync::Cache as Memory;
use std::time::Duration;

/// Things that are remembered.
const MAX_MISSING: u64 = 100_000;

/// The negative cache.
pub(crate) struct Missing {
    /// What is not there upstream, and when that was found.
    absent: Memory<Key, Timestamp>,
    /// Packages of which a document came, and when: what was missing before that may be there.
    changed: Memory<Key, Timestamp>,
}

impl Missing {
    /// Remembers for `lifetime`.
    pub(crate) fn new(lifetime: Duration) -> Self {
        let memory = || {
            Memory::builder()
                .max_capacity(MAX_MISSING)
                .time_to_live(lifetime)
                .build()
        };
        Self {
            absent: memory(),
            changed: memory(),
        }
    }

    /// Remembers that something is not there upstream.
    pub(crate) fn remember(&self, key: Key, now: Timestamp) {
        self.absent.insert(key, now);
    }

    /// Whether something of a package is known not to be there.
    pub(crate) fn contains(&self, key: &Key, package: &str) -> bool {
        let changed = || self.changed.get(&(key.0, package.into()));
        self.absent
            .get(key)
            .is_some_and(|since| changed().is_none_or(|changed| changed < since))
    }

    /// A document of a package came.
    pub(crate) fn package_changed(&self, repo: i64, package: &str, now: Timestamp) {
        self.changed.insert((repo, package.into()), now);
    }
}
