//! Staged uploads that go with whoever waits for them.

use crate::{BlobStore, Error};

/// Discards a staged upload, at its end or when it is dropped.
pub struct StagingGuard {
    store: BlobStore,
    /// `None`: it is done.
    id: Option<String>,
}

impl StagingGuard {
    /// Discards it now. Nothing there is fine.
    pub async fn discard(mut self) -> Result<(), Error> {
        if let Some(id) = &self.id {
            self.store.discard(id).await?;
        }
        self.id = None;
        Ok(())
    }
}

impl Drop for StagingGuard {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            self.store.discard_later(id);
        }
    }
}

impl BlobStore {
    /// What discards an upload when it is dropped: whoever waits may be gone before its end.
    pub fn guard(&self, id: &str) -> StagingGuard {
        StagingGuard {
            store: self.clone(),
            id: Some(id.to_owned()),
        }
    }
}
