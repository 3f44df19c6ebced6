//! Whole bodies of stored files.

use bytes::Bytes;
use larder_content::ContentStore;
use larder_metadata::files::FileRecord;
use larder_model::Problem;
use larder_storage::Content;
use std::sync::Arc;

/// Reads whole bodies, up to a size.
pub(crate) struct Bodies {
    content: ContentStore,
    max_bytes: usize,
}

impl Bodies {
    /// Bodies of the store's files with up to `max_bytes`.
    pub(crate) const fn new(content: ContentStore, max_bytes: usize) -> Self {
        Self { content, max_bytes }
    }

    /// All bytes of a file.
    pub(crate) async fn read(&self, file: &FileRecord) -> Result<Bytes, Problem> {
        Ok(self.open(file).await?.collect(self.max_bytes).await?)
    }

    /// The bytes of a file of any size, as they come from the store.
    pub(crate) async fn open(&self, file: &FileRecord) -> Result<Content, Problem> {
        self.content.open(file, 0..file.size).await
    }

    /// All bytes of a file that may not be there.
    pub(crate) async fn read_if_any(
        &self,
        file: Option<Arc<FileRecord>>,
    ) -> Result<Option<Bytes>, Problem> {
        match file {
            Some(file) => self.read(&file).await.map(Some),
            None => Ok(None),
        }
    }
}
