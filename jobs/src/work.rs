//! The seam between jobs and what they do.

use crate::context::JobContext;
use crate::ended::{Ended, WorkError};
use async_trait::async_trait;
use larder_model::{Cron, JobKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What jobs of a kind do.
///
/// A server may end at any moment, and another does the work once more: it must be so made that it
/// can begin anew, or go on where it was left. It is dropped where it waits when the server stops or
/// has lost the job. What it writes requires [`JobContext::held`]; where no database fences, as when
/// bytes are deleted, it asks [`JobContext::is_held`] before. It shares a thread with what accepts
/// connections: what computes for long belongs on a blocking thread.
#[async_trait]
pub trait Work: Send + Sync {
    /// Does a job. It looks often whether the job is to end ([`JobContext::is_cancelled`]) and then
    /// returns [`Ended::Cancelled`]. A panic is a failure.
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError>;
}

/// The kinds of work that a server can do.
#[derive(Default, Clone)]
pub struct Works(BTreeMap<JobKind, (Arc<dyn Work>, Cron)>);

impl Works {
    /// With the work of one more kind. `cron`: its schedule on a new server.
    #[must_use]
    pub fn with(mut self, kind: JobKind, cron: Cron, work: impl Work + 'static) -> Self {
        self.0.insert(kind, (Arc::new(work), cron));
        self
    }

    /// The kinds.
    pub fn kinds(&self) -> impl Iterator<Item = JobKind> {
        self.0.keys().copied()
    }

    /// Whether a kind is one of them.
    pub fn has(&self, kind: JobKind) -> bool {
        self.0.contains_key(&kind)
    }

    pub(crate) fn work(&self, kind: JobKind) -> Option<Arc<dyn Work>> {
        self.0.get(&kind).map(|(work, _)| Arc::clone(work))
    }

    pub(crate) fn crons(&self) -> impl Iterator<Item = (JobKind, &Cron)> {
        self.0.iter().map(|(kind, (_, cron))| (*kind, cron))
    }
}
