//! What the engine counts of itself, for operators.

use larder_model::{Distribution, Durations};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counters since the start of this process.
#[derive(Debug, Default)]
pub struct Counters {
    upstreams: Mutex<BTreeMap<Box<str>, Arc<UpstreamCounters>>>,
}

/// Counters of one mirror's upstream.
#[derive(Debug, Default)]
pub(crate) struct UpstreamCounters {
    requests: AtomicU64,
    errors: AtomicU64,
    bytes: AtomicU64,
    passed_over: AtomicU64,
    durations: Durations,
}

/// What was counted of an upstream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UpstreamCounts {
    /// Requests sent: every try, every hop of a redirect, and those for tokens.
    pub requests: u64,
    /// Those without an answer, or with one that says nothing of what was asked for.
    pub errors: u64,
    /// Bytes of bodies that came.
    pub bytes: u64,
    /// Entries of documents that could not be read and were passed over.
    pub passed_over: u64,
    /// How long it took until answers began.
    pub durations: Distribution,
}

impl Counters {
    /// What was counted of each mirror's upstream, by the mirror's name.
    pub fn upstreams(&self) -> Vec<(Box<str>, UpstreamCounts)> {
        let upstreams = self.lock();
        let counts = upstreams
            .iter()
            .map(|(name, it)| (name.clone(), it.counts()));
        counts.collect()
    }

    /// The counters of a mirror's upstream.
    pub(crate) fn of(&self, name: &str) -> Arc<UpstreamCounters> {
        Arc::clone(self.lock().entry(name.into()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Arc<UpstreamCounters>>> {
        self.upstreams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl UpstreamCounters {
    /// A request goes out.
    pub(crate) fn asked(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// An answer has begun.
    pub(crate) fn answered(&self, took: std::time::Duration) {
        self.durations.observe(took);
    }

    /// There was no answer, or none that is of use.
    pub(crate) fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes of a body came.
    pub(crate) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// How long it took until answers began.
    pub(crate) fn durations(&self) -> Distribution {
        self.durations.distribution()
    }

    /// Entries of a document were passed over.
    pub(crate) fn passed_over(&self, entries: usize) {
        self.passed_over
            .fetch_add(entries as u64, Ordering::Relaxed);
    }

    fn counts(&self) -> UpstreamCounts {
        UpstreamCounts {
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            passed_over: self.passed_over.load(Ordering::Relaxed),
            durations: self.durations(),
        }
    }
}
