//! What the engine counts of itself, for operators.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start of this process.
#[derive(Debug, Default)]
pub struct Counters {
    upstream_requests: AtomicU64,
}

impl Counters {
    /// Requests sent to upstreams: every try, every hop of a redirect, and those for tokens.
    pub fn upstream_requests(&self) -> u64 {
        self.upstream_requests.load(Ordering::Relaxed)
    }

    /// A request goes to an upstream.
    pub(crate) fn asked_upstream(&self) {
        self.upstream_requests.fetch_add(1, Ordering::Relaxed);
    }
}
