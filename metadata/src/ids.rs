//! Ids made by us: sorted by time, unique in a process, and very nearly so between processes.

use larder_model::Timestamp;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};

/// Microseconds in the upper bits; these lower bits tell ids of one microsecond apart.
const LOWER_BITS: u32 = 10;

/// When an id was made.
pub(crate) const fn made_at(id: i64) -> Timestamp {
    Timestamp(id >> LOWER_BITS)
}

/// The first id that can be made at a moment.
pub(crate) const fn first_at(at: Timestamp) -> i64 {
    at.0.saturating_mul(1 << LOWER_BITS)
}

pub(crate) struct Ids {
    last: AtomicI64,
    /// Keeps servers apart that make an id in one microsecond. In containers all have the same
    /// process id.
    offset: i64,
}

impl Default for Ids {
    fn default() -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        let offset = i64::try_from(random % (1 << LOWER_BITS)).unwrap_or_default();
        Self {
            last: AtomicI64::default(),
            offset,
        }
    }
}

impl Ids {
    pub(crate) fn next(&self, now: Timestamp) -> i64 {
        let fresh = (now.0 << LOWER_BITS) | self.offset;
        let next = |last: i64| Some(fresh.max(last + 1));
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .unwrap_or_else(|last| last);
        fresh.max(last + 1)
    }
}

#[cfg(test)]
mod tests;
