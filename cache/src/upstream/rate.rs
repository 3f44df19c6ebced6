//! How often an upstream is asked, where its operator or ours has set a limit.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Requests that may follow one another at once after a rest.
const BURST: u32 = 10;
/// Whoever would wait for longer has to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Turns of one upstream, evenly in time but for a few at once.
#[derive(Debug)]
pub(super) struct Rate {
    every: Duration,
    /// When all turns that were given are worked off.
    until: Mutex<Option<Instant>>,
}

impl Rate {
    /// So many requests a minute.
    pub(super) fn per_minute(requests: NonZeroU32) -> Self {
        Self {
            every: Duration::from_mins(1) / requests.get(),
            until: Mutex::default(),
        }
    }

    /// Waits for a turn. Where that would take too long, fails at once with how long to stay away.
    pub(super) async fn turn(&self) -> Result<(), Duration> {
        tokio::time::sleep_until(self.reserve(Instant::now())?).await;
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
