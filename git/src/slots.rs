//! How many git programs work at once. One that has written more than its client reads waits for that
//! client, and for no processor: whoever waits for a slot takes it back.

use larder_model::Problem;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long one waits for a slot before it looks whether others use theirs.
const PATIENCE: Duration = Duration::from_millis(500);
/// A client that has read nothing for so long uses none.
const IDLE: Duration = Duration::from_secs(2);

/// The slots of all git programs.
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    held: Mutex<Vec<Weak<Mutex<Held>>>>,
}

/// A slot, until it is dropped.
pub(crate) struct Slot(Arc<Mutex<Held>>);

struct Held {
    /// `None`: somebody else has it.
    permit: Option<OwnedSemaphorePermit>,
    /// Since when the client has read nothing; `None` while the program works.
    idle_since: Option<Instant>,
}

impl Slots {
    /// So many of them.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count)),
            held: Mutex::default(),
        }
    }

    /// Waits for a slot, in the order of those who come.
    pub(crate) async fn take(&self) -> Result<Slot, Problem> {
        let mut free = pin!(Arc::clone(&self.free).acquire_owned());
        let permit = loop {
            match timeout(PATIENCE, free.as_mut()).await {
                Ok(permit) => break permit.map_err(Problem::internal)?,
                Err(_) => self.take_back(),
            }
        };
        let slot = Arc::new(Mutex::new(Held {
            permit: Some(permit),
            idle_since: None,
        }));
        let mut held = locked(&self.held);
        held.retain(|held| held.strong_count() > 0);
        held.push(Arc::downgrade(&slot));
        Ok(Slot(slot))
    }

    /// Frees what nobody uses.
    fn take_back(&self) {
        for slot in locked(&self.held).iter().filter_map(Weak::upgrade) {
            let mut slot = locked(&slot);
            if slot.idle_since.is_some_and(|since| since.elapsed() >= IDLE) {
                slot.permit = None;
            }
        }
    }
}

impl Slot {
    /// The program works for its client. Where its slot is gone it goes on without: it was let begin.
    pub(crate) fn works(&self) {
        locked(&self.0).idle_since = None;
    }

    /// The client has something to read.
    pub(crate) fn waits(&self) {
        locked(&self.0).idle_since = Some(Instant::now());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
