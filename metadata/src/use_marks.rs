//! When files were used last, in memory.

use crate::keys::FileKey;
use larder_model::{FileKind, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A use is not noted again within this time.
const GRANULARITY: Duration = Duration::from_mins(10);

/// Uses that wait to be written down; what comes beyond them is not noted.
const MAX_WAITING: usize = 100_000;

/// When a file was used last, as its record in memory knows.
#[derive(Debug, Default)]
pub(crate) struct UseMark(AtomicI64);

impl UseMark {
    pub(crate) const fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Whether a use now is to be noted; from then on it is not for a while.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let before = self.0.load(Ordering::Relaxed);
        let due = now.since(Timestamp(before)) >= GRANULARITY;
        if due {
            self.0.store(now.0, Ordering::Relaxed); // of two at once both may note it
        }
        due
    }
}

impl Clone for UseMark {
    fn clone(&self) -> Self {
        Self(AtomicI64::new(self.0.load(Ordering::Relaxed)))
    }
}

/// A file by its key, owned.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Used {
    pub(crate) repo: i64,
    pub(crate) package: Box<str>,
    pub(crate) kind: FileKind,
    pub(crate) path: Box<str>,
}

/// Uses that wait to be written down.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<Used, Timestamp>>);

impl Uses {
    pub(crate) fn note(&self, key: FileKey<'_>, now: Timestamp) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MAX_WAITING {
            let used = Used {
                repo: key.package.repo,
                package: key.package.package.into(),
                kind: key.kind,
                path: key.path.into(),
            };
            waiting.insert(used, now);
        }
    }

    pub(crate) fn take(&self) -> Vec<(Used, Timestamp)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.drain().collect()
    }
}

#[cfg(test)]
mod tests;
