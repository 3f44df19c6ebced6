//! Whole bodies of stored files.

use crate::intake::held;
use crate::limits::{Budget, Room, SMALL_DOCUMENT, Share};
use bytes::Bytes;
use futures_util::StreamExt as _;
use larder_content::ContentStore;
use larder_metadata::files::FileRecord;
use larder_mirrors::publishing::Body;
use larder_model::{Algorithm, Problem};
use larder_storage::content::FileReader;
use larder_storage::{Content, Staging};
use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

/// Reads whole bodies, up to a size.
pub(crate) struct Bodies {
    content: ContentStore,
    max_bytes: usize,
    budget: Budget,
    outgoing: Room,
}

impl Bodies {
    /// Bodies of the store's files with up to `max_bytes`.
    pub(crate) fn new(
        content: ContentStore,
        max_bytes: usize,
        (budget, outgoing): (Budget, Room),
    ) -> Self {
        Self {
            content,
            max_bytes,
            budget,
            outgoing,
        }
    }

    /// Larger files are not read as a whole.
    pub(crate) const fn max_bytes(&self) -> u64 {
        self.max_bytes as u64
    }

    /// All bytes of a file, with the share of the budget for them, which ends when they are dropped: for
    /// whoever has none yet, and waits for nobody before that.
    pub(crate) async fn read_in_turn(&self, file: &FileRecord) -> Result<(Bytes, Share), Problem> {
        let share = self.budget.share_for_work(file.size).await?;
        Ok((self.read(file).await?, share))
    }

    /// All bytes of a file.
    pub(crate) async fn read(&self, file: &FileRecord) -> Result<Bytes, Problem> {
        Ok(self.open(file).await?.collect(self.max_bytes).await?)
    }

    /// A range of a file's bytes, which lies within its size.
    pub(crate) async fn read_part(
        &self,
        file: &FileRecord,
        range: Range<u64>,
    ) -> Result<Bytes, Problem> {
        let part = self.content.open(file, range).await?;
        Ok(part.collect(self.max_bytes).await?)
    }

    /// The bytes of a file of any size, as they come from the store.
    pub(crate) async fn open(&self, file: &FileRecord) -> Result<Content, Problem> {
        self.content.open(file, 0..file.size).await
    }

    /// All bytes of a file that may not be there, with a place of their own: for whoever waits for an
    /// upstream while it has them.
    pub(crate) async fn read_if_any(
        &self,
        file: Option<Arc<FileRecord>>,
    ) -> Result<Option<Bytes>, Problem> {
        let Some(file) = file else { return Ok(None) };
        if file.size <= SMALL_DOCUMENT as u64 {
            return self.read(&file).await.map(Some);
        }
        let size = usize::try_from(file.size).unwrap_or(usize::MAX);
        let place = self.outgoing.wait(size).await?;
        Ok(Some(held(self.read(&file).await?, place)))
    }

    /// Has a protocol read a kept file, away from the connections.
    pub(crate) async fn read_with<T: Send + 'static>(
        &self,
        found: &FileRecord,
        read: impl FnOnce(&mut dyn Body) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        match self.open(found).await? {
            Content::Ready(bytes) => blocking(Cursor::new(bytes), read).await,
            Content::File { file, range } => blocking(FileReader::new(file, range), read).await,
            // A protocol reads back and forth, so what comes from afar is staged.
            Content::Stream(mut stream) => {
                let work = async move |mut staging: Staging| {
                    while let Some(bytes) = stream.next().await {
                        staging.append(bytes?).await?;
                    }
                    staging.settle().await?;
                    let all = FileReader::new(staging.file(), 0..staging.offset());
                    blocking(all, read).await
                };
                self.content.with_staging(Algorithm::Sha256, work).await
            }
        }
    }
}

async fn blocking<T: Send + 'static>(
    mut body: impl Body + 'static,
    read: impl FnOnce(&mut dyn Body) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(move || read(&mut body))
        .await
        .map_err(Problem::internal)?
}
