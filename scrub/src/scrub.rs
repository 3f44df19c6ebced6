//! The work of `scrub`.

use crate::found::Found;
use crate::rate::{Bucket, Rate};
use crate::run::Run;
use crate::seam::{Manifests, Upstreams};
use crate::state::State;
use async_trait::async_trait;
use larder_content::ContentStore;
use larder_jobs::{Ended, JobContext, Work, WorkError};
use larder_metadata::Metadata;
use larder_model::Digest;
use larder_storage::BlobStore;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What a scrub works with.
pub struct Parts {
    /// The database.
    pub metadata: Metadata,
    /// The store.
    pub blobs: BlobStore,
    /// What mirrors have, once more.
    pub upstreams: Arc<dyn Upstreams>,
    /// How manifests are read.
    pub manifests: Arc<dyn Manifests>,
    /// How fast is read.
    pub rate: Rate,
    /// How long an object is left alone that no row names, at each look (`gc.grace`).
    pub grace: Duration,
    /// How often it is noted how far a run is: whoever goes on with it does what came later again.
    pub note_every: Duration,
}

/// The work of `scrub`: reads all blobs, or those that its parameters name
/// (`{"digests": ["sha256:…"]}`).
pub struct Scrub {
    parts: Parts,
    content: ContentStore,
    found: Arc<Found>,
}

impl Scrub {
    /// A scrub of a server's database and store.
    pub fn new(parts: Parts) -> Self {
        Self {
            content: ContentStore::new(parts.metadata.clone(), parts.blobs.clone()),
            parts,
            found: Arc::default(),
        }
    }

    /// What it has found.
    pub fn found(&self) -> Arc<Found> {
        Arc::clone(&self.found)
    }
}

/// The blobs that a job is about; `None`: all.
fn digests(job: &JobContext) -> Result<Option<Vec<Digest>>, WorkError> {
    let Some(digests) = job.job().parameters.get("digests") else {
        return Ok(None);
    };
    let bad = || WorkError::failed("bad_parameters", "digests is no list of digests");
    let digests = digests.as_array().ok_or_else(bad)?.iter();
    let digests = digests.map(|it| it.as_str().and_then(|text| text.parse().ok()));
    digests
        .collect::<Option<Vec<_>>>()
        .ok_or_else(bad)
        .map(Some)
}

#[async_trait]
impl Work for Scrub {
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError> {
        let parts = &self.parts;
        let now = parts.metadata.shared_now().await?;
        let state = match parts.metadata.scrub_state(job.held()).await? {
            Some(state) => State::read(state)?,
            None => State::new(now),
        };
        let mut run = Run {
            metadata: &parts.metadata,
            content: &self.content,
            blobs: &parts.blobs,
            upstreams: parts.upstreams.as_ref(),
            manifests: parts.manifests.as_ref(),
            found: &self.found,
            job,
            dry: job.job().dry_run,
            grace: parts.grace,
            note_every: parts.note_every,
            bucket: Bucket::new(parts.rate),
            state,
            total: None,
            noted: Instant::now(),
            has_objects: false,
        };
        if let Some(digests) = digests(job)? {
            // A few, which are read from the first on by whoever goes on with the job.
            job.forget_items().await?;
            run.state = State::new(now);
            run.some_blobs(&digests).await?;
        } else {
            run.all_blobs().await?;
            run.orphans().await?;
            run.images().await?;
            run.unreachable().await?;
        }
        let result = run.state.outcome.json();
        Ok(if run.is_cancelled() {
            Ended::Cancelled(result)
        } else {
            Ended::Done(result)
        })
    }
}
