//! The seam to whoever takes uploads in.

use async_trait::async_trait;
use larder_jobs::{JobContext, WorkError};
use larder_model::Timestamp;

/// Uploads that were given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// How many.
    pub count: u64,
    /// The staged bytes of them.
    pub bytes: u64,
}

/// The uploads of this server that have not ended.
#[async_trait]
pub trait Unfinished: Send + Sync {
    /// Gives up those of which nothing came since `until`, with their staged bytes, and never one
    /// that is receiving; only counts them if the job is a dry run. Stops where the job is cancelled.
    async fn give_up(&self, job: &JobContext, until: Timestamp) -> Result<GivenUp, WorkError>;
}
