//! Requests that a server answers: while there are any, the collector gives way to them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The collector rests so many times as long as it worked: others have 19 of 20 parts of the writer
/// and of the processor.
const REST: u32 = 19;
/// It never rests longer at once.
const LONGEST: Duration = Duration::from_millis(250);

/// How many requests a server has begun to answer.
#[derive(Debug, Default)]
pub struct Traffic(AtomicU64);

impl Traffic {
    /// One more.
    pub fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// How a run gives way: at full speed while nobody else is there, else with rests.
#[derive(Debug)]
pub(crate) struct Way {
    traffic: Arc<Traffic>,
    seen: AtomicU64,
    /// Since when it works without a rest.
    since: Mutex<Instant>,
}

impl Way {
    pub(crate) fn new(traffic: Arc<Traffic>) -> Self {
        let seen = AtomicU64::new(traffic.0.load(Ordering::Relaxed));
        Self {
            traffic,
            seen,
            since: Mutex::new(Instant::now()),
        }
    }

    /// How long to rest after having worked for so long.
    fn rest(&self, worked: Duration) -> Option<Duration> {
        let now = self.traffic.0.load(Ordering::Relaxed);
        let is_alone = self.seen.swap(now, Ordering::Relaxed) == now;
        (!is_alone).then(|| (worked * REST).min(LONGEST))
    }

    fn since(&self) -> MutexGuard<'_, Instant> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rests if anyone asked for something since the last time. Called after each small piece of work.
    pub(crate) async fn give(&self) {
        let worked = self.since().elapsed();
        if let Some(rest) = self.rest(worked) {
            sleep(rest).await;
        }
        *self.since() = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_rests_while_others_ask() {
        let traffic = Arc::new(Traffic::default());
        let way = Way::new(Arc::clone(&traffic));
        let worked = Duration::from_millis(4);
        assert_eq!(way.rest(worked), None);
        traffic.begin();
        assert_eq!(way.rest(worked), Some(Duration::from_millis(76)));
        assert_eq!(way.rest(worked), None, "nobody came since");
        traffic.begin();
        assert_eq!(way.rest(Duration::from_secs(9)), Some(LONGEST));
    }
}
