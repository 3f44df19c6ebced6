//! A document that can be served, and how it came about.

use super::wishes::Wish;
use larder_metadata::files::FileRecord;
use std::sync::Arc;
use std::time::Duration;

/// How an answer came about (RFC 9211).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CacheStatus {
    /// Kept and fresh.
    Hit,
    /// Kept; the upstream said that it is still right.
    Revalidated,
    /// Fetched.
    Miss,
    /// Kept and old; the upstream could not be asked, or is being asked.
    Stale,
    /// Kept; the upstream has it no more.
    Vanished,
    /// Kept; nothing is asked.
    Offline,
}

/// A document that can be served.
#[derive(Clone)]
pub(crate) struct CachedDocument {
    pub(crate) found: Arc<FileRecord>,
    pub(crate) how: CacheStatus,
    /// How long ago the upstream confirmed it.
    pub(crate) age: Duration,
    /// What was made of it as it came.
    pub(crate) wish: Option<Arc<Wish>>,
}

impl CachedDocument {
    /// Whether its upstream could not be asked whether it is still right, or is being asked.
    pub(crate) const fn is_old(&self) -> bool {
        matches!(
            self.how,
            CacheStatus::Stale | CacheStatus::Vanished | CacheStatus::Offline
        )
    }

    /// One that is right now.
    pub(crate) const fn current(found: Arc<FileRecord>, how: CacheStatus) -> Self {
        Self::of_age(found, how, Duration::ZERO)
    }

    /// One that the upstream confirmed so long ago.
    pub(crate) const fn of_age(found: Arc<FileRecord>, how: CacheStatus, age: Duration) -> Self {
        Self {
            found,
            how,
            age,
            wish: None,
        }
    }
}
