//! How often an upstream is asked, where its operator or ours has set a limit.

use larder_model::Problem;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Requests that may follow one another at once after a rest.
const BURST: u32 = 10;
/// Whoever would wait for longer is told to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Turns of one upstream, evenly in time but for a few at once.
#[derive(Debug)]
pub(crate) struct Rate {
    every: Duration,
    /// When all turns that were given are worked off.
    until: Mutex<Option<Instant>>,
}

impl Rate {
    /// So many requests a minute.
    pub(crate) fn per_minute(requests: NonZeroU32) -> Self {
        Self {
            every: Duration::from_mins(1) / requests.get(),
            until: Mutex::default(),
        }
    }

    /// Waits for a turn. Fails at once where that would take too long.
    pub(crate) async fn turn(&self) -> Result<(), Problem> {
        let at = self.reserve(Instant::now()).map_err(|left| {
            Problem::busy(
                "the upstream has been asked as often as it may be for now, and this is not kept",
                left,
            )
        })?;
        tokio::time::sleep_until(at).await;
        Ok(())
    }

    /// When it is the asker's turn; else how long to stay away.
    fn reserve(&self, now: Instant) -> Result<Instant, Duration> {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let worked_off = until.unwrap_or(now).max(now);
        let wait = (worked_off - now).saturating_sub(self.every * (BURST - 1));
        if wait > LONGEST_WAIT {
            return Err(wait);
        }
        *until = Some(worked_off + self.every);
        Ok(now + wait)
    }
}

#[cfg(test)]
mod tests;
