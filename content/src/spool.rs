//! Bytes that gather on the disk until it is known what becomes of them.

use crate::{ContentStore, Prepared};
use bytes::Bytes;
use larder_model::{Algorithm, Digest, Problem};
use larder_storage::Staging;

/// A staging file of its own, which is removed when this is dropped. What a crash leaves of it is swept
/// up like any staged bytes.
pub struct Spool {
    content: ContentStore,
    id: String,
    /// Not any more once its bytes were made durable.
    staging: Option<Box<Staging>>,
}

impl ContentStore {
    /// Begins an empty spool. It takes little memory, however slowly its bytes come.
    pub async fn spool(&self) -> Result<Spool, Problem> {
        let id = self.staging_id();
        let mut staging = self.blobs.stage(&id, Algorithm::Sha256).await?;
        staging.narrow();
        let (content, staging) = (self.clone(), Some(Box::new(staging)));
        Ok(Spool {
            content,
            id,
            staging,
        })
    }
}

impl Spool {
    fn staging(&mut self) -> Result<&mut Staging, Problem> {
        let gone = || Problem::internal("a spool without bytes");
        self.staging.as_deref_mut().ok_or_else(gone)
    }

    /// Takes in the next bytes.
    pub async fn append(&mut self, bytes: Bytes) -> Result<(), Problem> {
        Ok(self.staging()?.append(bytes).await?)
    }

    /// Bytes taken in so far.
    pub fn size(&self) -> u64 {
        self.staging.as_deref().map_or(0, Staging::offset)
    }

    /// The SHA-256 of all bytes.
    pub async fn digest(&mut self) -> Result<Digest, Problem> {
        Ok(self.staging()?.digest().await?)
    }

    /// All bytes, in one piece of memory of just their size: the caller has room for it.
    pub async fn read(&mut self) -> Result<Bytes, Problem> {
        let all = self.staging()?.bytes(u64::MAX).await?;
        all.ok_or_else(|| Problem::internal("a spool of more bytes than there are"))
    }

    /// Makes the bytes durable, as they lie there.
    pub async fn prepare(mut self) -> Result<Prepared, Problem> {
        let gone = || Problem::internal("a spool without bytes");
        let staging = self.staging.take().ok_or_else(gone)?;
        self.content.prepare_staged(*staging).await
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.content.blobs.discard_later(&self.id);
    }
}

#[cfg(test)]
mod tests;
