//! Reads bytes that have a name, also while the collector frees them.

use crate::keep::ContentStore;
use larder_metadata::blobs::Bytestore;
use larder_metadata::files::FileRecord;
use larder_model::{Digest, Problem};
use larder_storage::{Content, Error, ObjectKey};
use std::ops::Range;

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
    /// and bytes that a row has and the store has not are damage, which is a failure of ours.
    pub async fn open(&self, found: &FileRecord, range: Range<u64>) -> Result<Content, Problem> {
        let mut at = match &found.body {
            Some(body) => Bytestore::Inline(body.clone()),
            None => Bytestore::Object(found.generation),
        };
        for _ in 0..TRIES {
            let generation = match at {
                Bytestore::Inline(bytes) => return Ok(part(&bytes, &range)),
                Bytestore::Object(generation) => generation,
            };
            match self.open_object(found.digest, generation, &range).await {
                Err(Error::Missing) => {}
                opened => return Ok(opened?),
            }
            at = match self.metadata.bytes_of(&found.digest).await? {
                None => return Err(freed()),
                Some(Bytestore::Object(same)) if same == generation => break,
                Some(other) => other,
            };
        }
        Err(Error::Missing.into())
    }

    async fn open_object(
        &self,
        digest: Digest,
        generation: i64,
        range: &Range<u64>,
    ) -> Result<Content, Error> {
        let key = ObjectKey { digest, generation };
        self.blobs.open(&key, range.clone()).await
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
