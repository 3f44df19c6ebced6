//! Introduces the registry's uploads to the collector: the two crates never see one another.

use async_trait::async_trait;
use larder_gc::{GivenUp, Unfinished};
use larder_jobs::{JobContext, WorkError};
use larder_model::Timestamp;
use larder_registry::UnfinishedUploads;

/// The registry's uploads, as the collector knows them.
pub(crate) struct RegistryUploads(pub(crate) UnfinishedUploads);

#[async_trait]
impl Unfinished for RegistryUploads {
    async fn give_up(&self, job: &JobContext, until: Timestamp) -> Result<GivenUp, WorkError> {
        let goes_on = || !job.is_cancelled() && job.is_held();
        let staged = self.0.give_up(until, job.job().dry_run, goes_on).await?;
        Ok(GivenUp {
            count: staged.uploads,
            bytes: staged.bytes,
        })
    }
}
