//! Failed logins per name and address, bounded in memory.

use moka::sync::Cache;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The time over which failures are counted.
pub(crate) const WINDOW: Duration = Duration::from_mins(1);
/// Names and addresses remembered.
const MAX: u64 = 100_000;

pub(crate) struct Throttle {
    failures: Cache<(IpAddr, Box<str>), Arc<AtomicU32>>,
    allowed: u32,
}

impl Throttle {
    pub(crate) fn new(allowed: u32) -> Self {
        Self {
            failures: Cache::builder()
                .max_capacity(MAX)
                .time_to_live(WINDOW)
                .build(),
            allowed,
        }
    }

    /// Whether this name failed too often from this address of late.
    pub(crate) fn is_shut(&self, address: IpAddr, name: &str) -> bool {
        let failures = self.failures.get(&(address, name.into()));
        failures.is_some_and(|failures| failures.load(Ordering::Relaxed) >= self.allowed)
    }

    pub(crate) fn failed(&self, address: IpAddr, name: &str) {
        self.failures
            .get_with((address, name.into()), Arc::default)
            .fetch_add(1, Ordering::Relaxed);
    }
}
