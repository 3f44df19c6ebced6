//! Reads bytes that have a name, also while the collector frees them.

use crate::keep::ContentStore;
use larder_metadata::blobs::Bytestore;
use larder_metadata::files::FileRecord;
use larder_metadata::scrub::Damage;
use larder_model::Problem;
use larder_storage::{Content, Error, ObjectKey};
use std::ops::Range;
use std::path::Path;

/// How often an object is looked for that is gone when it is to be opened. Each time its bytes must
/// have been freed and brought again in between.
const TRIES: usize = 3;

fn freed() -> Problem {
    let detail = "it was deleted a moment ago, and its bytes are freed";
    Problem::not_found("blob", detail)
}

impl ContentStore {
    /// Opens a range of a file's bytes; `range` lies within its size.
    ///
    /// A row is read before its object is opened. If the object is gone by then the row is read once
    /// more, past all memory: what nothing names any more is not found
    /// ([`Kind::NotFound`](larder_model::Kind)), what was brought again is opened where it is now,
    /// and bytes that a row has and the store has not, or not all of them, are damage
    /// ([`Kind::Damaged`](larder_model::Kind)): that is noted, so that who asks next has them brought
    /// again, and a scrub looks at them.
    pub async fn open(&self, found: &FileRecord, range: Range<u64>) -> Result<Content, Problem> {
        match &found.body {
            Some(body) if !found.damaged => Ok(part(body, &range)),
            // Large, and most of what is asked for is in its row.
            _ => Box::pin(self.open_kept(found, range)).await,
        }
    }

    async fn open_kept(&self, found: &FileRecord, range: Range<u64>) -> Result<Content, Problem> {
        let mut at = match &found.body {
            _ if found.damaged => {
                self.require_whole(found).await?;
                // They were brought again since.
                let now = self.metadata.bytes_of(&found.digest).await?;
                now.ok_or_else(freed)?
            }
            Some(body) => Bytestore::Inline(body.clone()),
            None => Bytestore::Object(found.generation),
        };
        let mut damage = Damage::Missing;
        for _ in 0..TRIES {
            let generation = match at {
                Bytestore::Inline(bytes) => return Ok(part(&bytes, &range)),
                Bytestore::Object(generation) => generation,
            };
            match self.open_object(found, generation, &range).await {
                Err(Error::Missing) => damage = Damage::Missing,
                Err(Error::Size(_)) => damage = Damage::Size,
                opened => return Ok(opened?),
            }
            at = match self.metadata.bytes_of(&found.digest).await? {
                None => return Err(freed()),
                Some(Bytestore::Object(same)) if same == generation => break,
                Some(other) => other,
            };
        }
        Err(self.lost(found, damage).await)
    }

    /// Notes that the store does not have the bytes of a file. What to tell of it.
    async fn lost(&self, found: &FileRecord, damage: Damage) -> Problem {
        let (digest, generation) = (&found.digest, found.generation);
        let mut problem = Problem::damaged(digest, None);
        // A store without any object is not there, and has lost none.
        if !self.blobs.has_objects().await.unwrap_or(false) {
            let what = "the store has no object at all: is it the right folder or bucket?";
            tracing::error!(%digest, "{what}");
            self.blobs.suspect(*digest);
            return problem;
        }
        let noted = self.metadata.quarantine_object(digest, generation, damage);
        match noted.await {
            Ok(is_first) => {
                if is_first {
                    let what = "the bytes of a blob are not in the store as they should be";
                    tracing::error!(%digest, generation, %damage, "{what}");
                }
                problem.found_now = Some(is_first);
            }
            Err(error) => tracing::warn!(%error, %digest, "lost bytes could not be noted"),
        }
        self.blobs.suspect(*digest); // not before it is noted: whoever looks at suspects notes it too
        problem
    }

    /// Puts a file's bytes at a path outside of the store, as [`Content::place`] does; fails as
    /// [`Self::open`] does.
    pub async fn place(&self, found: &FileRecord, to: &Path) -> Result<(), Problem> {
        let content = self.open(found, 0..found.size).await?;
        Ok(content.place(to).await?)
    }

    /// Fails if the bytes of a file are damaged, which is known since a scrub looked at them
    /// ([`Kind::Damaged`](larder_model::Kind)).
    pub async fn require_whole(&self, found: &FileRecord) -> Result<(), Problem> {
        if !found.damaged {
            return Ok(());
        }
        match Box::pin(self.metadata.quarantined_blob(&found.digest)).await? {
            Some(known) => Err(Problem::damaged(&found.digest, Some(known.since))),
            None => Ok(()), // healed since the row was read
        }
    }

    async fn open_object(
        &self,
        found: &FileRecord,
        generation: i64,
        range: &Range<u64>,
    ) -> Result<Content, Error> {
        let digest = found.digest;
        let key = ObjectKey { digest, generation };
        self.blobs.open_again(&key, found.size, range.clone()).await
    }
}

/// A part of bytes at hand.
fn part(bytes: &bytes::Bytes, range: &Range<u64>) -> Content {
    let at = |offset: u64| {
        usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(bytes.len())
    };
    Content::Ready(bytes.slice(at(range.start)..at(range.end)))
}

#[cfg(test)]
mod tests;
