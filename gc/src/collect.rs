//! A run of the collector.

use crate::context::Run;
use crate::outcome::Outcome;
use crate::waits::{RunWaits, Waits};
use async_trait::async_trait;
use larder_jobs::{Ended, JobContext, Work, WorkError};
use larder_metadata::Metadata;
use larder_storage::BlobStore;
use std::time::Duration;

/// The work of `gc`.
pub struct Collector {
    metadata: Metadata,
    blobs: BlobStore,
    waits: Waits,
}

impl Collector {
    /// Over the database and the store of a server.
    pub const fn new(metadata: Metadata, blobs: BlobStore, waits: Waits) -> Self {
        Self {
            metadata,
            blobs,
            waits,
        }
    }
}

/// What a job's parameters say of the waits: `{"grace_seconds": 0}`.
fn replaced(job: &JobContext) -> Result<Option<Duration>, WorkError> {
    match job.job().parameters.get("grace_seconds") {
        None => Ok(None),
        Some(seconds) => seconds
            .as_u64()
            .map(|seconds| Some(Duration::from_secs(seconds)))
            .ok_or_else(|| WorkError::failed("bad_parameters", "grace_seconds is no number")),
    }
}

#[async_trait]
impl Work for Collector {
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError> {
        let mut run = Run {
            metadata: &self.metadata,
            blobs: &self.blobs,
            job,
            waits: RunWaits::new(self.waits, replaced(job)?),
            dry: job.job().dry_run,
            outcome: Outcome::default(),
        };
        // What a run before could not finish is free first.
        run.objects().await?;
        run.links().await?;
        run.digests().await?;
        run.objects().await?;
        let result = run.outcome.json();
        Ok(if run.is_cancelled() {
            Ended::Cancelled(result)
        } else {
            Ended::Done(result)
        })
    }
}
