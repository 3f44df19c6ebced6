//! How long what may go is waited for.

use larder_model::Timestamp;
use std::time::Duration;

/// The waits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// How long something is left alone once nothing names it (`gc.grace`), at each look.
    pub grace: Duration,
    /// How long a client may rely on being told that a blob is there (`gc.lease`), whatever the
    /// grace is.
    pub lease: Duration,
}

impl Waits {
    /// How long what a client was told of is kept.
    fn told(&self) -> Duration {
        self.grace.max(self.lease * 2)
    }
}

/// The waits of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunWaits {
    waits: Waits,
    /// What replaces every wait in this run.
    replaced: Option<Duration>,
}

impl RunWaits {
    /// Those of the server, or `replaced` instead of each.
    pub const fn new(waits: Waits, replaced: Option<Duration>) -> Self {
        Self { waits, replaced }
    }

    /// What replaces every wait in this run, if anything does.
    pub const fn replaced(&self) -> Option<Duration> {
        self.replaced
    }

    /// How long a blob is left alone that a client was told of, in this run.
    pub fn told(&self) -> Duration {
        self.replaced.unwrap_or(self.waits.told())
    }

    /// Whether what this run condemns is looked at once more by the same run.
    pub fn second_look_at_once(&self) -> bool {
        self.replaced.unwrap_or(self.waits.grace).is_zero()
    }

    /// Names and bytes that were queued at that moment, or before, are looked at.
    pub fn queued_until(&self, now: Timestamp) -> Timestamp {
        now.before(self.replaced.unwrap_or(self.waits.grace))
    }

    /// Clients that were told of a blob at that moment, or before, no longer rely on it.
    pub fn told_until(&self, now: Timestamp) -> Timestamp {
        now.before(self.replaced.unwrap_or(self.waits.told()))
    }
}
