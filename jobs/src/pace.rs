//! How often jobs are looked at.

use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often jobs are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Whether there is a job to take: one that another server was asked for, or was left by it.
    pub poll: Duration,
    /// Whether a schedule is due.
    pub schedules: Duration,
    /// A running job: what is new of it is written, and read by those who watch it.
    pub tick: Duration,
    /// When nothing is new: that its server is alive. Far less than
    /// [`HELD`](larder_metadata::jobs::HELD).
    pub hold: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            schedules: Duration::from_secs(5),
            tick: Duration::from_secs(1),
            hold: Duration::from_secs(4),
        }
    }
}

/// Ticks, of which those that were missed are left out.
pub(crate) fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Returns when the server stops.
pub(crate) async fn stopped(stopping: &watch::Receiver<bool>) {
    // Whoever tells it is gone only after those who listen.
    drop(stopping.clone().wait_for(|stopping| *stopping).await);
}
