//! What all phases of a run share.

use crate::found::Found;
use crate::rate::Bucket;
use crate::seam::{Manifests, Upstreams};
use crate::state::{Phase, State};
use larder_content::ContentStore;
use larder_jobs::{Item, JobContext, Progress, WorkError};
use larder_metadata::Metadata;
use larder_model::Digest;
use larder_storage::BlobStore;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// A run.
pub(crate) struct Run<'a> {
    pub(crate) metadata: &'a Metadata,
    pub(crate) content: &'a ContentStore,
    pub(crate) blobs: &'a BlobStore,
    pub(crate) upstreams: &'a dyn Upstreams,
    pub(crate) manifests: &'a dyn Manifests,
    pub(crate) found: &'a Found,
    pub(crate) job: &'a JobContext,
    pub(crate) dry: bool,
    /// How long an object is left alone that no row names.
    pub(crate) grace: Duration,
    pub(crate) bucket: Bucket,
    pub(crate) state: State,
    /// How many blobs there are, as they were counted when the run began here.
    pub(crate) total: Option<u64>,
    pub(crate) note_every: Duration,
    pub(crate) noted: Instant,
    /// The store has objects at all: what is missing is not missing because the store is.
    pub(crate) has_objects: bool,
}

impl Run<'_> {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.job.is_cancelled()
    }

    pub(crate) fn is_in(&self, phase: Phase) -> bool {
        self.state.phase == phase && !self.is_cancelled()
    }

    /// Tells how far the run is, and notes it once in a while.
    pub(crate) async fn went_on(&mut self) -> Result<(), WorkError> {
        let phase = self.state.phase;
        let is_blobs = phase == Phase::Blobs;
        self.job.progress(Progress {
            phase: phase.word().to_owned(),
            done: self.state.done,
            total: self.total.filter(|_| is_blobs),
            unit: phase.word().to_owned(),
            bytes: self.state.outcome.bytes,
        });
        if self.noted.elapsed() < self.note_every {
            return Ok(());
        }
        self.note().await
    }

    /// Notes how far the run is.
    pub(crate) async fn note(&mut self) -> Result<(), WorkError> {
        let state = json!(self.state);
        self.metadata
            .keep_scrub_state(self.job.held(), &state)
            .await?;
        self.noted = Instant::now();
        Ok(())
    }

    /// Goes on with the next phase, unless the run is to end.
    pub(crate) async fn end_phase(&mut self, next: Phase) -> Result<(), WorkError> {
        if self.is_cancelled() {
            return Ok(());
        }
        self.state.next(next);
        self.note().await
    }

    /// Tells of a blob, with one of the names that it has.
    pub(crate) async fn tell(
        &self,
        action: &str,
        digest: &Digest,
        bytes: Option<u64>,
        reason: String,
    ) -> Result<(), WorkError> {
        let holders = self.metadata.holders_of(digest, 1).await?;
        let holder = holders.into_iter().next();
        let version = |it: &larder_metadata::collection::BlobHolder| {
            let named = it.named_by_tag.clone();
            named.or_else(|| Some(it.version.clone()).filter(|version| !version.is_empty()))
        };
        self.job
            .item(&Item {
                action: action.to_owned(),
                repository: holder.as_ref().map(|it| it.repository.clone()),
                package: holder
                    .as_ref()
                    .map(|it| it.package.to_string())
                    .filter(|package| !package.is_empty()),
                version: holder.as_ref().and_then(version).map(Into::into),
                digest: Some(digest.to_string()),
                bytes,
                reason,
            })
            .await
    }
}
