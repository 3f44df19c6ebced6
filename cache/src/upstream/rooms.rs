//! How many requests go to one origin at once: one that is slow takes no place from others.

use super::recent::Recent;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use url::Url;

/// Origins whose places are counted; of more than that some may be asked for more at once.
const MAX_ORIGINS: usize = 100;

/// Places for requests, by origin.
pub(super) struct Rooms {
    each: usize,
    hasher: RandomState,
    by_origin: Mutex<Recent<Arc<Semaphore>>>,
}

impl Rooms {
    /// So many places for each origin.
    pub(super) fn new(each: usize) -> Self {
        Self {
            each,
            hasher: RandomState::new(),
            by_origin: Mutex::new(Recent::new(MAX_ORIGINS)),
        }
    }

    /// Waits for a place, which lasts as long as what is given back.
    pub(super) async fn enter(&self, url: &Url) -> Result<OwnedSemaphorePermit, AcquireError> {
        let room = {
            let key = self.hasher.hash_one(url.origin());
            let mut rooms = self
                .by_origin
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let make = || Arc::new(Semaphore::new(self.each));
            Arc::clone(rooms.get_or_insert(key, make))
        };
        room.acquire_owned().await
    }
}

#[cfg(test)]
mod tests;
