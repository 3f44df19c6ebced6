//! For tests: a database whose clock stands until it is moved.

use larder_metadata::Metadata;
use larder_model::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

/// In microseconds.
const MINUTE: i64 = 60_000_000;

/// The database; its clock stands at the beginning of a minute.
pub(crate) struct Standing {
    pub(crate) metadata: Metadata,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

impl Standing {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let now = Arc::new(AtomicI64::new(30_000_000 * MINUTE));
        let clock = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp(clock.load(Ordering::SeqCst)));
        let metadata = Metadata::sqlite(&folder.path().join("larder.db"), 1, clock).await;
        Self {
            metadata: metadata.expect("database"),
            now,
            _folder: folder,
        }
    }

    /// Moves its clock on.
    pub(crate) fn pass(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::SeqCst);
    }
}
