//! Watching jobs: whoever wants to see how one goes on, at whichever server it runs. Each job is read
//! once a second, and when one begins or ends at this server, however many watch it.

use crate::pace::{Pace, stopped, ticks};
use larder_metadata::jobs::Job;
use larder_metadata::{Error, Metadata};
use larder_model::Problem;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How many may watch jobs of one server at once.
const WATCHERS: usize = 256;
/// When to ask again if there are more.
const AGAIN: Duration = Duration::from_secs(5);

/// Jobs that are watched. The one who reads a job holds its sender: if that one ends for whatever
/// reason, so do those who watch.
type Senders = HashMap<i64, Weak<watch::Sender<Arc<Job>>>>;

pub(crate) struct Watches {
    metadata: Metadata,
    pace: Pace,
    stopping: watch::Receiver<bool>,
    moves: watch::Receiver<()>,
    senders: Arc<Mutex<Senders>>,
    slots: Arc<Semaphore>,
}

/// A job that is watched.
pub struct Watching {
    states: watch::Receiver<Arc<Job>>,
    is_first: bool,
    _slot: OwnedSemaphorePermit,
}

impl Watching {
    /// The job as it is, then as it is each time that it has changed; `None`: it has ended, or it
    /// is not watched any more.
    pub async fn next(&mut self) -> Option<Arc<Job>> {
        if !std::mem::take(&mut self.is_first) {
            self.states.changed().await.ok()?;
        }
        Some(Arc::clone(&self.states.borrow_and_update()))
    }
}

fn locked(senders: &Mutex<Senders>) -> MutexGuard<'_, Senders> {
    senders.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watches {
    pub(crate) fn new(
        metadata: Metadata,
        pace: Pace,
        (stopping, moves): (watch::Receiver<bool>, watch::Receiver<()>),
    ) -> Self {
        Self {
            metadata,
            pace,
            stopping,
            moves,
            senders: Arc::default(),
            slots: Arc::new(Semaphore::new(WATCHERS)),
        }
    }

    /// Watches a job; `None`: there is none. Must be called on a runtime.
    pub(crate) async fn watch(&self, id: i64) -> Result<Option<Watching>, Problem> {
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        let slot = slot.map_err(|_| {
            let detail = "too many watch jobs at this server: ask for the job's state instead, or \
                          try again later";
            Problem::busy(detail, AGAIN)
        })?;
        let watching = |states| Watching {
            states,
            is_first: true,
            _slot: slot,
        };
        let known = locked(&self.senders).get(&id).and_then(Weak::upgrade);
        if let Some(sender) = known {
            return Ok(Some(watching(sender.subscribe())));
        }
        let Some(job) = self.metadata.job(id).await? else {
            return Ok(None);
        };
        let is_final = job.state.is_final();
        let (sender, states) = watch::channel(Arc::new(job));
        if !is_final && !*self.stopping.borrow() {
            let sender = Arc::new(sender);
            // Of two that come at once each may have its own: that is one read more, and no harm.
            locked(&self.senders).insert(id, Arc::downgrade(&sender));
            tokio::spawn(follow(
                self.metadata.clone(),
                self.pace,
                (self.stopping.clone(), self.moves.clone()),
                Arc::clone(&self.senders),
                sender,
            ));
        }
        Ok(Some(watching(states)))
    }
}

/// Reads a job for all who watch it, until it ends or nobody does.
async fn follow(
    metadata: Metadata,
    pace: Pace,
    (stopping, mut moves): (watch::Receiver<bool>, watch::Receiver<()>),
    senders: Arc<Mutex<Senders>>,
    sender: Arc<watch::Sender<Arc<Job>>>,
) {
    let id = sender.borrow().id;
    let mut ticks = ticks(pace.tick);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // Whoever tells it lives as long as this server.
            Ok(()) = moves.changed() => {}
            () = stopped(&stopping) => break,
        }
        let goes_on = tell(&sender, metadata.job(id).await);
        // Under the lock nobody comes in between.
        let senders = locked(&senders);
        if !goes_on || sender.receiver_count() == 0 {
            drop(senders);
            break;
        }
    }
    let mut senders = locked(&senders);
    let is_own = |known: &Weak<_>| std::ptr::eq(known.as_ptr(), Arc::as_ptr(&sender));
    if senders.get(&id).is_some_and(is_own) {
        senders.remove(&id);
    }
}

/// Tells what was read of a job; whether it is to be read again.
fn tell(sender: &watch::Sender<Arc<Job>>, read: Result<Option<Job>, Error>) -> bool {
    let job = match read {
        Ok(Some(job)) => job,
        Ok(None) => return false,
        Err(error) => {
            let problem = Problem::from(error);
            tracing::warn!(%problem, "a job that is watched could not be read; the next time tries again");
            return true;
        }
    };
    let goes_on = !job.state.is_final();
    sender.send_if_modified(|known| {
        let is_new = **known != job;
        if is_new {
            *known = Arc::new(job);
        }
        is_new
    });
    goes_on
}
