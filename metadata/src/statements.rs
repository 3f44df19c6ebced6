//! What was asked of the database since the start of this process, for operators.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of statements. A look-up that memory answers is none.
#[derive(Debug, Default)]
pub struct Statements {
    reads: AtomicU64,
    batches: AtomicU64,
}

impl Statements {
    /// Statements that read.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Batches that write.
    pub fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    pub(crate) fn read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self) {
        self.batches.fetch_add(1, Ordering::Relaxed);
    }
}
