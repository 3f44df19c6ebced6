//! What work knows of its job, and how it tells of itself.

use crate::ended::WorkError;
use crate::item::{Item, MAX_ITEMS, Progress};
use larder_metadata::jobs::{HELD, HeldJob, Job};
use larder_metadata::{Error, Metadata, Requirement};
use serde_json::{Value as Json, json};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::Instant;

/// Items that wait to be written together.
const BATCH: usize = 200;

/// A job that work is done for.
pub struct JobContext {
    metadata: Metadata,
    held: HeldJob,
    /// What is not written yet; `None`: nothing is new.
    progress: Mutex<Option<Progress>>,
    items: AsyncMutex<Items>,
    cancelled: watch::Sender<bool>,
    lease: Mutex<Lease>,
}

/// Items that are not written yet.
#[derive(Default)]
struct Items {
    waiting: Vec<Json>,
    /// The number of the last one that was written.
    written: u64,
}

/// How long this server surely holds the job, by its own clock of durations.
struct Lease {
    /// When it last said that it is alive.
    said: Instant,
}

impl Lease {
    fn end(&self) -> Instant {
        self.said + HELD
    }
}

impl JobContext {
    /// For a job that was taken no earlier than `taken`.
    pub(crate) async fn new(
        metadata: Metadata,
        held: HeldJob,
        taken: Instant,
    ) -> Result<Self, Error> {
        // What another server told before stays.
        let written = metadata.last_job_item(held.job.id).await?;
        let cancelled = watch::Sender::new(held.job.cancelled);
        Ok(Self {
            metadata,
            held,
            progress: Mutex::default(),
            items: AsyncMutex::new(Items {
                waiting: Vec::new(),
                written,
            }),
            cancelled,
            lease: Mutex::new(Lease { said: taken }),
        })
    }

    /// The job as it was when this server took it.
    pub const fn job(&self) -> &Job {
        &self.held.job
    }

    /// The fence: writes of the work require it.
    pub const fn held(&self) -> &HeldJob {
        &self.held
    }

    /// Whether this server surely still holds the job: asked before something is done that no
    /// database fences, as deleting bytes.
    pub fn is_held(&self) -> bool {
        Instant::now() < self.lease_end()
    }

    pub(crate) fn lease_end(&self) -> Instant {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        lease.end()
    }

    /// Tells how far the job is. It is written within a second, with what came until then.
    pub fn progress(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    /// Tells what was done to something, or would be. Waits where many are to be written. Beyond
    /// [`MAX_ITEMS`] none is kept.
    pub async fn item(&self, item: &Item) -> Result<(), WorkError> {
        let mut items = self.items.lock().await;
        if items.written + items.waiting.len() as u64 >= MAX_ITEMS {
            return Ok(());
        }
        items.waiting.push(json!(item));
        if items.waiting.len() < BATCH {
            return Ok(());
        }
        Ok(self.write(&mut items).await?)
    }

    async fn write(&self, items: &mut Items) -> Result<(), Error> {
        if items.waiting.is_empty() {
            return Ok(());
        }
        let (metadata, first) = (&self.metadata, items.written + 1);
        metadata
            .add_job_items(&self.held, first, &items.waiting)
            .await?;
        items.written += items.waiting.len() as u64;
        items.waiting.clear();
        Ok(())
    }

    /// Forgets the items that were told before: for work that begins anew when a server takes the
    /// job over.
    pub async fn forget_items(&self) -> Result<(), WorkError> {
        let mut items = self.items.lock().await;
        self.metadata.forget_job_items(&self.held).await?;
        *items = Items::default();
        Ok(())
    }

    /// Whether somebody asked the job to end, at any server; known here within a second.
    pub fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// Returns when somebody has asked the job to end.
    pub async fn cancelled(&self) {
        let mut cancelled = self.cancelled.subscribe();
        // The sender is in `self`, which outlives this call.
        let _ = cancelled.wait_for(|cancelled| *cancelled).await;
    }

    /// Writes what is new, says that this server is alive if `every` has passed since it last did,
    /// and looks whether the job is to end. [`Error::Unmet`]: the [`Requirement::Job`] is another
    /// server's.
    pub(crate) async fn keep(&self, every: Duration) -> Result<(), Error> {
        self.write(&mut *self.items.lock().await).await?;
        let begun = Instant::now();
        let progress = self.take_progress();
        let is_time = {
            let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
            begun >= lease.said + every
        };
        let cancelled = if progress.is_some() || is_time {
            let json = progress.as_ref().map(|progress| json!(progress));
            let held = self.metadata.hold_job(&self.held, json.as_ref()).await;
            if held.is_err() {
                self.put_back(progress);
            }
            let cancelled = held?;
            self.lease
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .said = begun;
            cancelled
        } else {
            self.metadata.is_job_cancelled(&self.held).await?
        };
        if cancelled {
            self.cancelled
                .send_if_modified(|known| !std::mem::replace(known, true));
        }
        Ok(())
    }

    fn take_progress(&self) -> Option<Progress> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.take()
    }

    /// Keeps what could not be written, unless there is news.
    fn put_back(&self, progress: Option<Progress>) {
        let mut newer = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if newer.is_none() {
            *newer = progress;
        }
    }

    /// Whether an error says that another server has the job.
    pub(crate) const fn is_lost(error: &Error) -> bool {
        matches!(error, Error::Unmet(Requirement::Job))
    }
}
