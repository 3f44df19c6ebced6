//! What metrics tell of how much there is. It is read from the database once a minute, never when a
//! scraper asks.

use larder_metadata::jobs::JobFilter;
use larder_metadata::usage::UsageSum;
use larder_metadata::{Error, Metadata};
use larder_model::{JobKind, JobState, Timestamp};
use larder_storage::BlobStore;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much there is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    /// The bytes that names hold, by protocol and together.
    pub(crate) usage: Vec<UsageSum>,
    /// Things that the collector is to look at.
    pub(crate) collector_queue: u64,
    /// Jobs of each state.
    pub(crate) jobs: Vec<(JobState, u64)>,
    /// When the newest backup was finished; zero: there is none.
    pub(crate) backup_at: Timestamp,
}

/// How much there is, as it was last read.
pub(crate) struct Gauges {
    blobs: BlobStore,
    levels: Mutex<Levels>,
}

impl Gauges {
    /// How much there is now.
    pub(crate) async fn read(blobs: &BlobStore, metadata: &Metadata) -> Result<Arc<Self>, Error> {
        let gauges = Self {
            blobs: blobs.clone(),
            levels: Mutex::default(),
        };
        gauges.refresh(metadata).await?;
        Ok(Arc::new(gauges))
    }

    /// Reads how much there is.
    pub(crate) async fn refresh(&self, metadata: &Metadata) -> Result<(), Error> {
        let filter = JobFilter {
            kind: Some(JobKind::Backup),
            state: Some(JobState::Succeeded),
        };
        let backups = metadata.jobs(filter, None, 1).await?;
        let backup_at = backups.first().and_then(|backup| backup.finished_at);
        let levels = Levels {
            usage: metadata.usage_sums().await?,
            collector_queue: metadata.collection_queue_length().await?,
            jobs: metadata.jobs_by_state().await?,
            backup_at: backup_at.unwrap_or_default(),
        };
        *self.lock() = levels;
        Ok(())
    }

    /// What was last read.
    pub(crate) fn levels(&self) -> Levels {
        self.lock().clone()
    }

    /// Bytes that are free, and all bytes, where blobs are staged.
    pub(crate) fn disk_space(&self) -> Option<(u64, u64)> {
        self.blobs.disk_space().ok()
    }

    fn lock(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
