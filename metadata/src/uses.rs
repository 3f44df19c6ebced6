//! When files were read last: noted in memory by whoever serves them, written down in batches. A
//! read never writes.

use crate::files::{FileKey, FileRecord};
use crate::{Batch, Error, Metadata};
use larder_model::{FileKind, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const WRITE: &str = "update files set used_at = ?5 \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and used_at < ?5";

/// A use is not noted again within this time.
const GRANULARITY: Duration = Duration::from_mins(10);
/// Uses that wait to be written down; what comes beyond them is not noted.
const MAX_WAITING: usize = 100_000;
/// Uses written in one batch.
const BATCH: usize = 1000;

/// When a file was used last, as its record in memory knows.
#[derive(Debug, Default)]
pub(crate) struct UseMark(AtomicI64);

impl UseMark {
    pub(crate) const fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Whether a use now is to be noted; from then on it is not for a while.
    fn is_due(&self, now: Timestamp) -> bool {
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
struct Used {
    repo: i64,
    package: Box<str>,
    kind: FileKind,
    path: Box<str>,
}

/// Uses that wait to be written down.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<Used, Timestamp>>);

impl Uses {
    fn note(&self, key: FileKey<'_>, now: Timestamp) {
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

    fn take(&self) -> Vec<(Used, Timestamp)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.drain().collect()
    }
}

impl Metadata {
    /// Notes that a file is read now. Costs next to nothing; [`Self::write_uses`] writes it down.
    pub fn note_use(&self, key: FileKey<'_>, record: &FileRecord) {
        let now = self.now();
        if record.used.is_due(now) {
            self.uses.note(key, now);
        }
    }

    /// Writes down what was noted since the last time. How many uses there were.
    pub async fn write_uses(&self) -> Result<usize, Error> {
        let uses = self.uses.take();
        for part in uses.chunks(BATCH) {
            let mut batch = Batch::default();
            for (used, at) in part {
                let package = used.package.as_ref().into();
                let path = used.path.as_ref().into();
                let values = [
                    used.repo.into(),
                    package,
                    used.kind.into(),
                    path,
                    (*at).into(),
                ];
                batch.run(WRITE, values);
            }
            self.sql.apply(batch).await?;
        }
        Ok(uses.len())
    }
}

#[cfg(test)]
mod tests;
