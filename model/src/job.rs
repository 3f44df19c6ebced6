//! The words of jobs: what they do, and how far they are. Each has one word, which the database and
//! the API use.

use crate::kinds::{UnknownKind, kinds};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

kinds! {
    /// What a job does.
    JobKind {
        /// Frees the bytes that nothing needs.
        Gc = "gc",
        /// Removes the names that no rule keeps.
        Retention = "retention",
        /// Reads what is kept and looks whether it is whole.
        Scrub = "scrub",
        /// Copies the metadata to where it can be restored from.
        Backup = "backup",
        /// Asks all upstreams whether they answer.
        UpstreamCheck = "upstream-check",
        /// Counts the bytes that names hold.
        Usage = "usage",
    }
}

kinds! {
    /// How far a job is.
    JobState {
        /// It waits for a server, or for another job of its kind.
        Queued = "queued",
        /// A server works on it.
        Running = "running",
        /// It is done.
        Succeeded = "succeeded",
        /// It could not be done.
        Failed = "failed",
        /// Somebody ended it.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether it stays as it is.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}
