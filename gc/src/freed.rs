//! What the collector has freed since the server began.

use crate::outcome::Outcome;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the collector has freed since the server began, for its metrics.
#[derive(Debug, Default)]
pub struct Freed {
    blobs: AtomicU64,
    bytes: AtomicU64,
}

impl Freed {
    /// Blobs that were deleted.
    pub fn blobs(&self) -> u64 {
        self.blobs.load(Ordering::Relaxed)
    }

    /// Bytes that were freed.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, outcome: &Outcome) {
        self.blobs.fetch_add(outcome.deleted, Ordering::Relaxed);
        self.bytes.fetch_add(outcome.bytes_freed, Ordering::Relaxed);
    }
}
