//! How long a document stays that was composed here.

use std::time::Duration;

/// How long clients that began with a state of an index may go on with it: dnf takes what it has for as
/// long without asking.
pub const INDEX_GRACE: Duration = Duration::from_hours(48);

/// How long a document stays that was composed here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CacheLifetime {
    /// Until something changes that it tells of.
    UntilChange,
    /// Until another takes its place: it belongs to one of the first kind, and whoever has read
    /// that asks for it next.
    UntilNext,
    /// Its name is that of its bytes alone; when nothing names it any more it stays for a while.
    Longer,
}
