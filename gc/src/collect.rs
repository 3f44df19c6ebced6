//! A run of the collector.

use crate::context::Run;
use crate::freed::Freed;
use crate::outcome::Outcome;
use crate::traffic::{Traffic, Way};
use crate::unfinished::Unfinished;
use crate::waits::{RunWaits, Waits};
use async_trait::async_trait;
use larder_jobs::{Ended, JobContext, Work, WorkError};
use larder_metadata::Metadata;
use larder_storage::BlobStore;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How long past states of upstreams' names are known where nobody says otherwise.
const HISTORY: Duration = Duration::from_hours(90 * 24);

/// The work of `gc`.
pub struct Collector {
    metadata: Metadata,
    blobs: BlobStore,
    waits: Waits,
    history: Duration,
    unfinished: Option<Arc<dyn Unfinished>>,
    traffic: Arc<Traffic>,
    freed: Arc<Freed>,
}

impl Collector {
    /// Over the database and the store of a server.
    pub fn new(metadata: Metadata, blobs: BlobStore, waits: Waits) -> Self {
        Self {
            metadata,
            blobs,
            waits,
            history: HISTORY,
            unfinished: None,
            traffic: Arc::default(),
            freed: Arc::default(),
        }
    }

    /// The same for a server that takes uploads: a run whose grace replaces every wait gives up
    /// those that are idle. Without that whoever takes them forgets them after a time of its own.
    #[must_use]
    pub fn with_unfinished(self, unfinished: Arc<dyn Unfinished>) -> Self {
        Self {
            unfinished: Some(unfinished),
            ..self
        }
    }

    /// The same; past states of upstreams' names are known for as long.
    #[must_use]
    pub fn with_history(self, history: Duration) -> Self {
        Self { history, ..self }
    }

    /// The same for a server that answers requests: a run gives way to them.
    #[must_use]
    pub fn giving_way_to(self, traffic: Arc<Traffic>) -> Self {
        Self { traffic, ..self }
    }

    /// What it has freed.
    pub fn freed(&self) -> Arc<Freed> {
        Arc::clone(&self.freed)
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
            stuck: None,
            told_links: HashSet::new(),
            told_leftovers: HashSet::new(),
            told_holders: HashMap::new(),
            history: self.history,
            way: Way::new(Arc::clone(&self.traffic)),
            repos: self.metadata.repos().await?,
        };
        if run.dry {
            // One that another server began tells everything once more.
            job.forget_items().await?;
        }
        let done = run.steps(self.unfinished.as_deref()).await;
        if !run.dry {
            self.freed.add(&run.outcome);
        }
        done?;
        let result = run.outcome.json();
        Ok(if run.is_cancelled() {
            Ended::Cancelled(result)
        } else {
            Ended::Done(result)
        })
    }
}

impl Run<'_> {
    async fn steps(&mut self, unfinished: Option<&dyn Unfinished>) -> Result<(), WorkError> {
        // What a run before could not finish is free first.
        self.objects().await?;
        self.expired().await?;
        self.leftovers().await?;
        self.links().await?;
        self.digests().await?;
        self.objects().await?;
        // Last, for what is given up is an ended upload, which the next run looks at.
        if let (Some(unfinished), Some(wait)) = (unfinished, self.waits.replaced()) {
            self.uploads(unfinished, wait).await?;
        }
        // What can be done was done; that not all can is told.
        match self.stuck.take() {
            Some(problem) => Err(problem.into()),
            None => Ok(()),
        }
    }

    async fn uploads(
        &mut self,
        unfinished: &dyn Unfinished,
        wait: Duration,
    ) -> Result<(), WorkError> {
        let until = self.metadata.shared_now().await?.before(wait);
        let given_up = unfinished.give_up(self.job, until).await?;
        self.outcome.uploads += given_up.count;
        self.outcome.bytes_freed += given_up.bytes;
        Ok(())
    }
}
