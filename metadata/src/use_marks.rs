//! When files were used last and how often they were downloaded, in memory.

use crate::keys::{FileKey, OwnedFileKey};
use larder_model::Timestamp;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// A use is not noted again within this time.
const GRANULARITY: Duration = Duration::from_mins(10);

/// Files that wait to be written down; what comes beyond them is not noted.
const MAX_WAITING: usize = 100_000;
/// Parts of the memory, each with a lock of its own, so that threads seldom meet.
const SHARDS: usize = 16;
const SECONDS_OF_DAY: i64 = 24 * 60 * 60;

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

/// Downloads of a file that its record in memory has counted since they were written down, all on one
/// day.
#[derive(Debug)]
struct Counted {
    day: AtomicI64,
    count: AtomicU64,
}

/// Where a file's record counts downloads; nowhere until the first. A record that is cloned may stand
/// for another file, so it begins anew.
#[derive(Debug, Default)]
pub(crate) struct DownloadMark(OnceLock<Arc<Counted>>);

impl Clone for DownloadMark {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The day of a moment, as days since 1970 in UTC.
pub(crate) const fn day_of(at: Timestamp) -> i64 {
    at.seconds().div_euclid(SECONDS_OF_DAY)
}

/// What waits to be written down of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Waiting {
    pub(crate) file: OwnedFileKey,
    /// When it was used last; zero: that is not due.
    pub(crate) used_at: Timestamp,
    /// How often it was downloaded on which day.
    pub(crate) downloads: Vec<(i64, u64)>,
}

impl Waiting {
    fn new(key: FileKey<'_>) -> Self {
        Self {
            file: OwnedFileKey::from(key),
            used_at: Timestamp(0),
            downloads: Vec::new(),
        }
    }

    fn add(&mut self, day: i64, count: u64) {
        match self.downloads.iter_mut().find(|(of, _)| *of == day) {
            Some((_, known)) => *known += count,
            None => self.downloads.push((day, count)),
        }
    }
}

/// Files of one shard by the hash of their keys.
type Shard = HashMap<u64, Vec<Waiting>>;

/// What waits to be written down. A file that waits already is found without an allocation.
#[derive(Default)]
pub(crate) struct Uses {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    waiting: AtomicUsize,
    /// What records count, for as long as one of them does.
    counted: Mutex<Vec<(OwnedFileKey, Arc<Counted>)>>,
}

impl Uses {
    /// Notes that a file is used now.
    pub(crate) fn note(&self, key: FileKey<'_>, now: Timestamp) {
        self.with(key, |waiting| waiting.used_at = waiting.used_at.max(now));
    }

    /// Notes that a file is downloaded now.
    pub(crate) fn note_download(&self, key: FileKey<'_>, now: Timestamp) {
        self.with(key, |waiting| waiting.add(day_of(now), 1));
    }

    /// The same for a file whose record stays in memory: from the second time on one addition.
    pub(crate) fn note_download_in(&self, mark: &DownloadMark, key: FileKey<'_>, now: Timestamp) {
        let day = day_of(now);
        let counted = mark.0.get_or_init(|| {
            let counted = Arc::new(Counted {
                day: AtomicI64::new(day),
                count: AtomicU64::new(0),
            });
            let mut all = lock(&self.counted);
            if all.len() < MAX_WAITING {
                all.push((OwnedFileKey::from(key), Arc::clone(&counted)));
            }
            counted
        });
        // Where nobody looks at what a record counts, and between midnight and the next look, downloads
        // are noted one by one.
        if counted.day.load(Ordering::Relaxed) == day && Arc::strong_count(counted) > 1 {
            counted.count.fetch_add(1, Ordering::Relaxed);
        } else {
            self.note_download(key, now);
        }
    }

    /// Notes what records have counted, and forgets those that are gone.
    fn collect_counted(&self, now: Timestamp) {
        let mut all = std::mem::take(&mut *lock(&self.counted));
        all.retain_mut(|(file, counted)| {
            // Whoever is alone here knows that nobody adds any more.
            let (count, stays) = match Arc::get_mut(counted) {
                Some(last) => (*last.count.get_mut(), false),
                None => (counted.count.swap(0, Ordering::Relaxed), true),
            };
            let day = counted.day.swap(day_of(now), Ordering::Relaxed);
            if count > 0 {
                self.with(file.key(), |waiting| waiting.add(day, count));
            }
            stays
        });
        lock(&self.counted).append(&mut all);
    }

    /// Takes all that waits, in the order of the files.
    pub(crate) fn take(&self, now: Timestamp) -> Vec<Waiting> {
        self.collect_counted(now);
        let mut all = Vec::new();
        for shard in &self.shards {
            let taken = std::mem::take(&mut *lock(shard));
            all.extend(taken.into_values().flatten());
        }
        self.waiting.fetch_sub(all.len(), Ordering::Relaxed);
        all.sort_unstable(); // servers that write at once touch rows in one order
        all
    }

    /// Lets what could not be written wait again.
    pub(crate) fn put_back(&self, unwritten: &[Waiting]) {
        for left in unwritten {
            self.with(left.file.key(), |waiting| {
                waiting.used_at = waiting.used_at.max(left.used_at);
                for (day, count) in &left.downloads {
                    waiting.add(*day, *count);
                }
            });
        }
    }

    fn with(&self, key: FileKey<'_>, note: impl FnOnce(&mut Waiting)) {
        let hash = self.hasher.hash_one(key);
        let at = usize::try_from(hash % SHARDS as u64).unwrap_or_default();
        let mut shard = lock(&self.shards[at]);
        let known = shard
            .get_mut(&hash)
            .and_then(|same| same.iter_mut().find(|waiting| waiting.file.key() == key));
        if let Some(known) = known {
            note(known);
        } else if self.waiting.load(Ordering::Relaxed) < MAX_WAITING {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let mut waiting = Waiting::new(key);
            note(&mut waiting);
            shard.entry(hash).or_default().push(waiting);
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
