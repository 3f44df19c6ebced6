//! Puts the bytes of a backup back into the store. Their rows are those of the backup, and come into
//! the database when all bytes are durable.

use bytes::Bytes;
use larder_model::Problem;
use larder_storage::{BlobStore, Committed, Error, ObjectKey, Staging};

/// An object that is being written.
pub struct ObjectWriter {
    blobs: BlobStore,
    key: ObjectKey,
    id: String,
    staging: Staging,
}

impl ObjectWriter {
    /// Begins the object `key`. One is written at a time of each generation.
    pub async fn begin(blobs: &BlobStore, key: ObjectKey) -> Result<Self, Error> {
        let id = format!("{:016x}", key.generation);
        let staging = blobs.stage(&id, key.digest.algorithm()).await?;
        Ok(Self {
            blobs: blobs.clone(),
            key,
            id,
            staging,
        })
    }

    /// Takes in the next bytes.
    pub async fn append(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.staging.append(bytes).await
    }

    /// Makes the object durable. Fails if its bytes are not those of its digest.
    pub async fn finish(self) -> Result<(), Problem> {
        let ObjectKey { digest, generation } = self.key;
        let kept = self.blobs.commit(self.staging, digest, generation).await?;
        self.blobs.discard(&self.id).await?;
        match kept {
            Committed::Kept { .. } => Ok(()),
            Committed::Mismatch(found) => Err(Problem::internal(format!(
                "the bytes of the blob {digest} have the digest {found}"
            ))),
        }
    }
}
