//! What all steps of a run share.

use crate::outcome::Outcome;
use crate::traffic::Way;
use crate::waits::RunWaits;
use futures_util::future::BoxFuture;
use futures_util::future::try_join_all;
use larder_jobs::{Item, JobContext, Progress, WorkError};
use larder_metadata::repos::RepoRecord;
use larder_metadata::{Error, Metadata, Requirement};
use larder_model::{Digest, Problem};
use larder_storage::BlobStore;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Entries of a queue read at once: few, so that a request beside it waits for little.
pub(crate) const PAGE: u64 = 64;
/// Acts under way at once: SQLite joins them into one commit, PostgreSQL does them side by side.
const AT_ONCE: usize = 16;

/// A run.
pub(crate) struct Run<'a> {
    pub(crate) metadata: &'a Metadata,
    pub(crate) blobs: &'a BlobStore,
    pub(crate) job: &'a JobContext,
    pub(crate) waits: RunWaits,
    pub(crate) dry: bool,
    pub(crate) outcome: Outcome,
    /// Why an object stays that should go.
    pub(crate) stuck: Option<Problem>,
    /// Rows of blobs that a dry run has told of: one may be in both queues, and more than once among
    /// the uploads.
    pub(crate) told_links: HashSet<(i64, Box<str>, Digest)>,
    /// Leftovers that a dry run has told of.
    pub(crate) told_leftovers: HashSet<(i64, Box<str>, Box<str>)>,
    /// How many files of a digest a dry run has told of.
    pub(crate) told_holders: HashMap<Digest, u64>,
    /// How long past states of upstreams' names are known.
    pub(crate) history: Duration,
    /// How it gives way to requests.
    pub(crate) way: Way,
    /// All repositories.
    pub(crate) repos: Vec<RepoRecord>,
}

/// How an act went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acted {
    /// It was done.
    Done,
    /// What it was planned on has changed.
    Changed,
}

impl Acted {
    /// Of what the database says of an act.
    pub(crate) fn of(outcome: Result<(), Error>) -> Result<Self, WorkError> {
        match outcome {
            Ok(()) => Ok(Self::Done),
            Err(Error::Unmet(Requirement::Blob | Requirement::File) | Error::Referenced(_)) => {
                Ok(Self::Changed)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Does acts, some side by side, and gives way after each lot; what came of each, in order.
pub(crate) async fn all<T>(
    way: &Way,
    acts: Vec<BoxFuture<'_, Result<T, WorkError>>>,
) -> Result<Vec<T>, WorkError> {
    let mut done = Vec::with_capacity(acts.len());
    let mut acts = acts.into_iter();
    loop {
        let lot: Vec<_> = acts.by_ref().take(AT_ONCE).collect();
        if lot.is_empty() {
            return Ok(done);
        }
        done.extend(try_join_all(lot).await?);
        way.give().await;
    }
}

impl Run<'_> {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.job.is_cancelled()
    }

    pub(crate) fn progress(&self, phase: &str, done: u64) {
        self.job.progress(Progress {
            phase: phase.to_owned(),
            done,
            total: None,
            unit: "entries".to_owned(),
            bytes: self.outcome.bytes_freed,
        });
    }

    pub(crate) async fn tell(&self, item: Item) -> Result<(), WorkError> {
        self.job.item(&item).await
    }
}
