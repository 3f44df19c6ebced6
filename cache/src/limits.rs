//! How much of one kind of work is done at once.

use larder_model::Problem;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Documents up to this size are read, made and compressed freely; larger ones one after the other.
pub(crate) const SMALL_DOCUMENT: usize = 512 * 1024;

/// Slots for one kind of work, shared by all who have a clone.
#[derive(Clone)]
pub(crate) struct Slots(Arc<Semaphore>);

impl Slots {
    /// So many at once.
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// Waits for a slot, which is free again when the permit is dropped.
    pub(crate) async fn acquire(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let slots = Arc::clone(&self.0);
        slots.acquire_owned().await.map_err(Problem::internal)
    }

    /// A slot, if there is one now.
    pub(crate) fn acquire_free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}
