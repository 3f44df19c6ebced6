//! How much of one kind of work is done at once, and how much memory documents take.
//!
//! Documents are in memory in two ways, each within bounds for the whole server:
//!
//! - While one is worked on (read, rendered, compressed) it has a [`Share`] of the one [`Budget`], and
//!   waits for it. Who has a share waits for no upstream, no client, no other share and no place: so
//!   each share is given back.
//! - While one comes, or goes out, it has a [`Place`] in the [`Room`] for as long as its bytes live, so
//!   that may depend on an upstream or a client. So nobody waits for a place who has another way: what
//!   finds none gathers on the disk (`intake`), or is kept before it goes out. Only what is to go out,
//!   and is nowhere kept, waits for one: in a room of its own, and for a time alone. Who has a place may
//!   wait for a share.

use larder_model::Problem;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Documents up to this size are read, made and compressed freely.
pub(crate) const SMALL_DOCUMENT: usize = 512 * 1024;
/// The bytes of larger documents that are read, made and compressed at once.
const BUDGET_BYTES: usize = 64 << 20;
/// The memory that work on a document takes, in times of its size,
pub(crate) const WORK_FACTOR: u64 = 4;
/// where it is larger than that.
const LARGE_DOCUMENT: u64 = 8 << 20;
/// What bodies that come take of memory together,
pub(crate) const INCOMING_BYTES: usize = 24 << 20;
/// and what goes out and is nowhere kept.
pub(crate) const OUTGOING_BYTES: usize = 32 << 20;
/// What waits for a place waits for clients: it gives up after so long,
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// and clients may ask again after that.
const RETRY_AFTER: Duration = Duration::from_secs(5);

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

    /// Waits for a share for work on a document of so many bytes, which takes a few times as many
    /// while it is read and made into another. Of those that are not very large several are worked on
    /// at once all the same: there is memory for a few.
    pub(crate) async fn share_for_work(&self, bytes: u64) -> Result<Share, Problem> {
        let factor = if bytes > LARGE_DOCUMENT {
            WORK_FACTOR
        } else {
            1
        };
        self.share(bytes.saturating_mul(factor)).await
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

    /// Does work on a document of so many bytes: away from the connections, with a share, unless it is
    /// small.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        if bytes <= SMALL_DOCUMENT {
            return work();
        }
        let share = self.share_for_work(bytes as u64).await?;
        let work = move || {
            let done = work();
            drop(share); // with the work, not with who waits for it
            done
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Problem::internal)?
    }
}

/// Room in memory for bodies, in bytes. Nobody but [`Self::wait`] waits for it.
#[derive(Clone)]
pub(crate) struct Room {
    bytes: Arc<Semaphore>,
    all: usize,
}

/// A part of a room, until it is dropped.
pub(crate) struct Place {
    permit: OwnedSemaphorePermit,
    /// What one upstream takes of it.
    own: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Its size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.permit.num_permits()
    }

    /// Gives back what is beyond so many bytes.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        for permit in [Some(&mut self.permit), self.own.as_mut()] {
            let Some(permit) = permit else { continue };
            drop(permit.split(permit.num_permits().saturating_sub(bytes)));
        }
    }
}

impl Room {
    /// A room of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(bytes)),
            all: bytes,
        }
    }

    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok()?;
        Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()
    }

    /// A place for so many bytes, if there is one.
    pub(crate) fn place(&self, bytes: usize) -> Option<Place> {
        let permit = self.take(bytes)?;
        Some(Place { permit, own: None })
    }

    /// Has a place be one for so many bytes, which are taken of `own` too; it stays as it was if there
    /// are not as many.
    pub(crate) fn grow(&self, place: &mut Option<Place>, bytes: usize, own: Option<&Self>) -> bool {
        let missing = |permit: Option<&OwnedSemaphorePermit>| {
            bytes.saturating_sub(permit.map_or(0, OwnedSemaphorePermit::num_permits))
        };
        let before = place.as_ref();
        let Some(more) = self.take(missing(before.map(|place| &place.permit))) else {
            return false;
        };
        let own_missing = missing(before.and_then(|place| place.own.as_ref()));
        let more_own = own.map(|own| own.take(own_missing));
        let more_own = match more_own {
            Some(None) => return false,
            Some(more) => more,
            None => None,
        };
        match place {
            Some(place) => {
                place.permit.merge(more);
                match (&mut place.own, more_own) {
                    (Some(own), Some(more)) => own.merge(more),
                    (own @ None, more) => *own = more,
                    (Some(_), None) => {}
                }
            }
            None => {
                *place = Some(Place {
                    permit: more,
                    own: more_own,
                });
            }
        }
        true
    }

    /// Bytes that nobody has.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.bytes.available_permits()
    }

    /// Waits for a place for so many bytes, if it comes in time. What is larger than the room waits for
    /// all of it.
    pub(crate) async fn wait(&self, bytes: usize) -> Result<Place, Problem> {
        let wanted = u32::try_from(bytes.min(self.all)).map_err(Problem::internal)?;
        let permit = Arc::clone(&self.bytes).acquire_many_owned(wanted);
        let Ok(permit) = tokio::time::timeout(LONGEST_WAIT, permit).await else {
            let detail = "too many large answers are on their way to clients: try again later";
            return Err(Problem::busy(detail, RETRY_AFTER));
        };
        Ok(Place {
            permit: permit.map_err(Problem::internal)?,
            own: None,
        })
    }
}

#[cfg(test)]
mod tests;
