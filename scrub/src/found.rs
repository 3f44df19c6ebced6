//! What scrubs have found since the server began.

use std::sync::atomic::{AtomicU64, Ordering};

/// What scrubs have found since the server began, for its metrics.
#[derive(Debug, Default)]
pub struct Found {
    examined: AtomicU64,
    bytes: AtomicU64,
    healed: AtomicU64,
    quarantined: AtomicU64,
}

impl Found {
    /// Blobs that were looked at.
    pub fn examined(&self) -> u64 {
        self.examined.load(Ordering::Relaxed)
    }

    /// Bytes that were read.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Damaged blobs that were healed.
    pub fn healed(&self) -> u64 {
        self.healed.load(Ordering::Relaxed)
    }

    /// Damaged blobs that were not.
    pub fn quarantined(&self) -> u64 {
        self.quarantined.load(Ordering::Relaxed)
    }

    pub(crate) fn add_read(&self, bytes: u64) {
        self.examined.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_damaged(&self, healed: bool) {
        let count = if healed {
            &self.healed
        } else {
            &self.quarantined
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
