//! Makes bytes durable and gives them names.

use bytes::Bytes;
use larder_metadata::blobs::{Bytestore, NewBlob};
use larder_metadata::{Error, Metadata};
use larder_model::{Algorithm, Digest, Problem};
use larder_storage::{BlobStore, Committed, ObjectKey, Room, Staging};
use std::path::Path;

/// Bytes up to this size live in the database: one joined commit makes them durable, with no file of
/// their own.
pub const INLINE_BYTES: u64 = 64 * 1024;

/// Bytes that are durable, or will be with the row that holds them, and wait for that row. Until
/// [`ContentStore::keep`] wrote it they are nobody's. They are offered once: where the row could not be
/// written, the bytes are gone.
#[derive(Debug)]
#[must_use = "bytes without a row are nobody's"]
pub struct Prepared(NewBlob);

impl Prepared {
    /// Bytes that go into their row whatever their size. `digest` is theirs.
    pub fn inline(digest: Digest, bytes: Bytes) -> Self {
        Self(NewBlob::inline(digest, bytes))
    }

    /// The digest of the bytes.
    pub const fn digest(&self) -> Digest {
        self.0.digest
    }

    /// Their number.
    pub const fn size(&self) -> u64 {
        self.0.size
    }

    /// The bytes themselves, where they are at hand.
    pub const fn bytes(&self) -> Option<&Bytes> {
        match &self.0.bytes {
            Bytestore::Inline(bytes) => Some(bytes),
            Bytestore::Object(_) => None,
        }
    }
}

/// The store of bytes together with the rows that name them. Cheap to share.
#[derive(Clone)]
pub struct ContentStore {
    pub(crate) metadata: Metadata,
    pub(crate) blobs: BlobStore,
}

impl ContentStore {
    /// Over the database and the store of a server.
    pub const fn new(metadata: Metadata, blobs: BlobStore) -> Self {
        Self { metadata, blobs }
    }

    /// Room for what gathers in a folder before it is taken in.
    pub fn room_at(&self, folder: &Path) -> Room {
        self.blobs.room_at(folder)
    }

    /// Names a new staging file.
    pub(crate) fn staging_id(&self) -> String {
        format!("{:016x}", self.metadata.new_id())
    }

    /// Lends a staging file of its own to `work`, and removes it afterwards however that went.
    pub async fn with_staging<T>(
        &self,
        algorithm: Algorithm,
        work: impl AsyncFnOnce(Staging) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let id = self.staging_id();
        let guard = self.blobs.guard(&id);
        let staging = self.blobs.stage(&id, algorithm).await?;
        let outcome = work(staging).await;
        // What `work` wrote stands, whatever becomes of a file that is swept up sooner or later.
        if let Err(error) = guard.discard().await {
            tracing::warn!(%error, "a staging file stays");
        }
        outcome
    }

    /// Makes bytes at hand durable.
    pub async fn prepare(&self, bytes: &Bytes) -> Result<Prepared, Problem> {
        if bytes.len() as u64 <= INLINE_BYTES {
            let digest = Digest::of(Algorithm::Sha256, bytes);
            return Ok(Prepared::inline(digest, bytes.clone()));
        }
        self.prepare_large(bytes, None).await
    }

    /// Makes bytes at hand durable. `digest` is their SHA-256, as the caller computed it.
    pub async fn prepare_hashed(&self, digest: Digest, bytes: &Bytes) -> Result<Prepared, Problem> {
        if bytes.len() as u64 <= INLINE_BYTES {
            return Ok(Prepared::inline(digest, bytes.clone()));
        }
        self.prepare_large(bytes, Some(digest)).await
    }

    async fn prepare_large(
        &self,
        bytes: &Bytes,
        digest: Option<Digest>,
    ) -> Result<Prepared, Problem> {
        let staged = self.with_staging(Algorithm::Sha256, async |mut staging| {
            if let Some(digest) = digest {
                staging.hashed_as(digest);
            }
            staging.append(bytes.clone()).await?;
            self.prepare_staged(staging).await
        });
        Box::pin(staged).await // large, and part of many futures that never come to it
    }

    /// Makes staged bytes durable. Their digest was compared by whoever has one to compare it with.
    pub async fn prepare_staged(&self, mut staging: Staging) -> Result<Prepared, Problem> {
        let small = staging.bytes(INLINE_BYTES).await?;
        let digest = staging.digest().await?;
        if let Some(bytes) = small {
            return Ok(Prepared::inline(digest, bytes));
        }
        let generation = self.metadata.new_id();
        match self.blobs.commit(staging, digest, generation).await? {
            Committed::Kept { size, .. } => Ok(Prepared(NewBlob {
                digest,
                size,
                bytes: Bytestore::Object(generation),
            })),
            Committed::Mismatch(_) => Err(Problem::internal("staged bytes changed")),
        }
    }

    /// Has `write` write the row of a blob, in one commit with all that names it.
    pub async fn keep<T>(
        &self,
        prepared: Prepared,
        write: impl AsyncFnOnce(NewBlob) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outcome = match self.require_room() {
            Ok(()) => write(prepared.0.clone()).await,
            Err(error) => Err(error),
        };
        self.settle(&[prepared], outcome).await
    }

    /// Has `write` write the rows of several blobs, in one commit.
    pub async fn keep_all<T>(
        &self,
        prepared: impl Into<Vec<Prepared>>,
        write: impl AsyncFnOnce(Vec<NewBlob>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let prepared = prepared.into();
        let blobs = prepared.iter().map(|prepared| prepared.0.clone()).collect();
        let outcome = match self.require_room() {
            Ok(()) => write(blobs).await,
            Err(error) => Err(error),
        };
        self.settle(&prepared, outcome).await
    }

    /// Small bytes are rows, which fill the disk as well.
    fn require_room(&self) -> Result<(), Error> {
        let full = |error: larder_storage::Error| Error::Full(error.into());
        self.blobs.require_room().map_err(full)
    }

    /// Removes objects that no row names: where another upload of the same bytes was first its
    /// object counts, and where the rows could not be written nothing does. What a database that
    /// cannot be asked has written is not known, so nothing is removed then: it is garbage at worst.
    async fn settle<T>(
        &self,
        prepared: &[Prepared],
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        if matches!(outcome, Err(Error::Unavailable(_))) {
            return outcome;
        }
        for Prepared(blob) in prepared {
            if let Bytestore::Object(generation) = blob.bytes {
                let digest = blob.digest;
                let key = ObjectKey { digest, generation };
                // What was written stands, whatever becomes of an object that nobody names.
                if let Err(problem) = self.remove_unnamed(key).await {
                    let problem = problem.with_causes();
                    tracing::warn!(problem, %digest, "an object that no row names stays");
                }
            }
        }
        outcome
    }

    async fn remove_unnamed(&self, key: ObjectKey) -> Result<(), Problem> {
        if self.metadata.generation(&key.digest).await? != Some(key.generation) {
            self.blobs.remove(key).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
