//! How many bytes are on their way into repositories with a quota, as the requests that bring them say:
//! in memory, so of this server alone. It keeps what cannot fit from being sent; what is exact is the
//! judgement at the commit.

use larder_model::Digest;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes on their way.
#[derive(Clone, Debug, Default)]
struct Coming {
    repo: i64,
    /// `None`: that is not known before they are there.
    digest: Option<Digest>,
    bytes: u64,
    /// Which quotas they have to fit.
    quotas: Box<[i64]>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    coming: HashMap<u64, Coming>,
}

/// All that is on its way. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct AnnouncedBytes(Arc<Mutex<Inner>>);

/// Bytes that a request brings: given back when this is dropped, which is to be before they are
/// counted, so that nobody is refused for bytes that stand there twice.
#[derive(Debug)]
#[must_use = "dropped, it holds nothing"]
pub struct Announcement {
    all: AnnouncedBytes,
    id: u64,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        self.all.lock().coming.remove(&self.id);
    }
}

/// A quota as it was read, and what it has room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) quota: i64,
    pub(crate) left: u64,
}

impl AnnouncedBytes {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces bytes if they fit beside all others; the quota into which they do not, with how much
    /// of it others hold.
    pub(crate) fn announce(
        &self,
        rooms: &[Room],
        repo: i64,
        digest: Option<Digest>,
        bytes: u64,
    ) -> Result<Announcement, (i64, u64)> {
        let mut inner = self.lock();
        for room in rooms {
            let held = inner.held(room.quota, (repo, digest));
            if held.saturating_add(bytes) > room.left {
                return Err((room.quota, held));
            }
        }
        inner.next += 1;
        let id = inner.next;
        let coming = Coming {
            repo,
            digest,
            bytes,
            quotas: rooms.iter().map(|room| room.quota).collect(),
        };
        inner.coming.insert(id, coming);
        drop(inner);
        Ok(Announcement {
            all: self.clone(),
            id,
        })
    }
}

impl Inner {
    /// What others hold of a quota. The same bytes for the same repository count once, so those of
    /// `own` not at all.
    fn held(&self, quota: i64, (repo, digest): (i64, Option<Digest>)) -> u64 {
        let mut known: HashMap<(i64, Digest), u64> = HashMap::new();
        let mut held: u64 = 0;
        let others = self.coming.values();
        for coming in others.filter(|coming| coming.quotas.contains(&quota)) {
            match coming.digest {
                Some(same) if coming.repo == repo && digest == Some(same) => {}
                Some(same) => {
                    known.insert((coming.repo, same), coming.bytes);
                }
                None => held = held.saturating_add(coming.bytes),
            }
        }
        known.into_values().fold(held, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests;
