//! How much of one kind of work is done at once.

use larder_model::Problem;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Documents up to this size are read, made and compressed freely.
pub(crate) const SMALL_DOCUMENT: usize = 512 * 1024;
/// The bytes of larger documents that are read, made and compressed at once.
const BUDGET_BYTES: usize = 64 << 20;

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

/// What documents may take of this process's memory, in bytes of them: one budget for all who read,
/// make or compress them. Who has a share of it waits for no upstream and no client, and for no other
/// share.
#[derive(Clone)]
pub(crate) struct Budget {
    bytes: Arc<Semaphore>,
    all: u32,
}

/// A part of the budget, until it is dropped; none is needed for a small document.
pub(crate) struct Share {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(BUDGET_BYTES)
    }
}

impl Budget {
    /// A budget of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Self {
            bytes: Arc::new(Semaphore::new(bytes as usize)),
            all: bytes,
        }
    }

    /// Waits for a share for a document of so many bytes. One that is larger than the budget waits for
    /// all of it.
    pub(crate) async fn share(&self, bytes: u64) -> Result<Share, Problem> {
        if bytes <= SMALL_DOCUMENT as u64 {
            return Ok(Share { _permit: None });
        }
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.all);
        let permit = Arc::clone(&self.bytes).acquire_many_owned(wanted).await;
        Ok(Share {
            _permit: Some(permit.map_err(Problem::internal)?),
        })
    }
}

#[cfg(test)]
mod tests;
