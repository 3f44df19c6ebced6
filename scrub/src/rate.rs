//! How fast is read.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A second's worth may be read at once.
const BURST: Duration = Duration::from_secs(1);

/// No limit.
pub const UNLIMITED: Rate = Rate(0);

/// How many bytes are read in a second; 0: any number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate(pub u64);

/// Holds a reader to a rate: who reads pays for the bytes, and waits while it is in debt.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    /// When all that was read is paid for.
    paid_at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(rate: Rate) -> Self {
        let now = Instant::now();
        Self {
            rate,
            paid_at: now.checked_sub(BURST).unwrap_or(now),
        }
    }

    /// Waits until `bytes` more may be read.
    pub(crate) async fn pay(&mut self, bytes: u64) {
        if self.rate == UNLIMITED {
            return;
        }
        let now = Instant::now();
        let oldest = now.checked_sub(BURST).unwrap_or(now);
        // In microseconds, for bytes of one piece that is far below what a number holds.
        let micros = bytes.saturating_mul(1_000_000) / self.rate.0;
        self.paid_at = self.paid_at.max(oldest) + Duration::from_micros(micros);
        if self.paid_at > now {
            sleep_until(self.paid_at).await;
        }
    }
}

#[cfg(test)]
mod tests;
