//! How many requests go to one origin at once: one that is slow takes no slot from others.

use super::recent::Recent;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use url::Url;

/// Origins whose slots are counted; of more than that some may be asked for more at once.
const MAX_ORIGINS: usize = 100;

/// Slots for requests, by origin.
pub(super) struct OriginSlots {
    each: usize,
    hasher: RandomState,
    by_origin: Mutex<Recent<Arc<Semaphore>>>,
}

impl OriginSlots {
    /// So many slots for each origin.
    pub(super) fn new(each: usize) -> Self {
        Self {
            each,
            hasher: RandomState::new(),
            by_origin: Mutex::new(Recent::new(MAX_ORIGINS)),
        }
    }

    /// Waits for a slot, which is free again when the permit is dropped.
    pub(super) async fn acquire(&self, url: &Url) -> Result<OwnedSemaphorePermit, AcquireError> {
        let slots = {
            let key = self.hasher.hash_one(url.origin());
            let mut by_origin = self
                .by_origin
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let make = || Arc::new(Semaphore::new(self.each));
            Arc::clone(by_origin.get_or_insert(key, make))
        };
        slots.acquire_owned().await
    }
}

#[cfg(test)]
mod tests;
