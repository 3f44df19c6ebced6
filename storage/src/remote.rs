//! A remote object store: whole objects put under their final key, from a sealed staging file.

use crate::content::read_piece;
use crate::key::StoredObject;
use crate::multipart::Notes;
use crate::resumed::resumed;
use crate::{BackupName, Content, Error, ObjectKey};
use futures_util::StreamExt;
use larder_model::Timestamp;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, MultipartId, ObjectStore, ObjectStoreExt};
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Objects up to this size go in one request; larger ones in parts of at least this size.
const PART_BYTES: u64 = 8 << 20;
/// S3 and GCS allow 10,000 parts, Azure 50,000; a few are left in hand.
const MAX_PARTS: u64 = 9_000;
/// How S3 and GCS, and Azure, say that a bucket does not exist.
const NO_SUCH_BUCKET: [&str; 2] = [
    "<Code>NoSuchBucket</Code>",
    "<Code>ContainerNotFound</Code>",
];
/// Parts in memory at once, over all uploads.
const PARTS_AT_ONCE: usize = 4;

/// A bucket, or a store in memory.
pub(crate) struct Remote {
    store: Arc<dyn ObjectStore>,
    /// What it is called, and where.
    bucket: String,
    /// The same store, for objects that are sent whole,
    sent_to: Arc<dyn ObjectStore>,
    /// and in parts.
    multipart: Arc<dyn MultipartStore>,
    notes: Notes,
    parts: Arc<Semaphore>,
}

/// An upload in parts.
#[derive(Clone, Debug)]
struct Upload {
    path: Path,
    id: MultipartId,
}

impl Remote {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        sent_to: Arc<impl ObjectStore + MultipartStore>,
        bucket: String,
        notes: Notes,
    ) -> Self {
        Self {
            bucket,
            multipart: Arc::clone(&sent_to) as Arc<dyn MultipartStore>,
            store,
            sent_to,
            notes,
            parts: Arc::new(Semaphore::new(PARTS_AT_ONCE)),
        }
    }

    fn path(key: &ObjectKey) -> Path {
        Path::from(format!("blobs/{key}"))
    }

    fn backup_path(backup: &BackupName) -> Path {
        Path::from(format!("backups/{backup}"))
    }

    /// Sends a sealed file to its key. The store makes it visible whole or not at all.
    pub(crate) async fn keep(
        &self,
        file: &Arc<File>,
        size: u64,
        key: &ObjectKey,
    ) -> Result<(), Error> {
        self.put(file, size, &Self::path(key)).await
    }

    /// Sends a sealed file to the name of a backup, whole or not at all.
    pub(crate) async fn keep_backup(
        &self,
        file: &Arc<File>,
        size: u64,
        backup: &BackupName,
    ) -> Result<(), Error> {
        self.put(file, size, &Self::backup_path(backup)).await
    }

    async fn put(&self, file: &Arc<File>, size: u64, path: &Path) -> Result<(), Error> {
        if size <= PART_BYTES {
            let permit = self.parts.acquire().await.map_err(|_| Error::Stopped)?;
            let body = read(file, 0..size).await?;
            let put = self.sent_to.put(path, body.into()).await;
            put.map_err(|error| self.of_bucket(error))?;
            drop(permit);
            return Ok(());
        }
        let id = self.multipart.create_multipart(path).await;
        let id = id.map_err(|error| self.of_bucket(error))?;
        let upload = Upload {
            path: path.clone(),
            id,
        };
        let note = match self.notes.begin(&upload.path, &upload.id).await {
            Ok(note) => note,
            Err(error) => {
                if let Err(later) = self.abort(&upload).await {
                    tracing::warn!(%path, error = %later, "parts of an object stay at the store");
                }
                return Err(error);
            }
        };
        let sent = self.send_parts(&upload, file, size).await;
        // What cannot be aborted now, or whose note stays, is aborted later.
        let ended = match &sent {
            Ok(()) => Ok(()),
            Err(_) => self.abort(&upload).await,
        };
        let forgotten = match ended {
            Ok(()) => note.ended().await,
            Err(error) => Err(error),
        };
        if let Err(error) = forgotten {
            tracing::warn!(%path, %error, "a multipart upload is looked at once more, later");
        }
        sent
    }

    /// Frees the parts of an upload. Azure knows no such thing: it drops them within a week, or when the
    /// object is made.
    async fn abort(&self, upload: &Upload) -> Result<(), Error> {
        match self
            .multipart
            .abort_multipart(&upload.path, &upload.id)
            .await
        {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            aborted => Ok(aborted?),
        }
    }

    /// Aborts uploads whose server ended before they did. How many there were.
    pub(crate) async fn abort_left(&self) -> Result<usize, Error> {
        let left = self.notes.left().await?;
        for left in &left {
            if !left.id.is_empty() {
                let (path, id) = (left.key.clone(), left.id.clone());
                self.abort(&Upload { path, id }).await?;
            }
            self.notes.aborted(left).await?;
        }
        Ok(left.len())
    }

    async fn send_parts(&self, upload: &Upload, file: &Arc<File>, size: u64) -> Result<(), Error> {
        let part_bytes = PART_BYTES.max(size.div_ceil(MAX_PARTS));
        let mut sending = tokio::task::JoinSet::new();
        let mut parts = Vec::new();
        let mut at = 0;
        for number in 0.. {
            if at >= size {
                break;
            }
            let end = size.min(at + part_bytes);
            let permit = Arc::clone(&self.parts)
                .acquire_owned()
                .await
                .map_err(|_| Error::Stopped)?;
            let body = read(file, at..end).await?;
            let (store, upload) = (Arc::clone(&self.multipart), upload.clone());
            sending.spawn(async move {
                let Upload { path, id } = upload;
                let sent = store.put_part(&path, &id, number, body.into()).await;
                drop(permit);
                sent.map(|part| (number, part))
            });
            while let Some(sent) = sending.try_join_next() {
                parts.push(sent??);
            }
            at = end;
        }
        while let Some(sent) = sending.join_next().await {
            parts.push(sent??);
        }
        parts.sort_unstable_by_key(|(number, _)| *number);
        let parts = parts.into_iter().map(|(_, part)| part).collect();
        let Upload { path, id } = upload;
        self.multipart.complete_multipart(path, id, parts).await?;
        Ok(())
    }

    /// A range of an object, as a stream.
    pub(crate) async fn open(&self, key: &ObjectKey, range: Range<u64>) -> Result<Content, Error> {
        self.get(&Self::path(key), range).await
    }

    /// The same of an object that has `size` bytes.
    pub(crate) async fn open_sized(
        &self,
        key: &ObjectKey,
        size: u64,
        range: Range<u64>,
    ) -> Result<Content, Error> {
        let path = Self::path(key);
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.clone())),
            ..GetOptions::default()
        };
        let found = if range.is_empty() {
            None
        } else {
            match self.store.get_opts(&path, options).await {
                Ok(found) => Some(found),
                Err(object_store::Error::NotFound { .. }) => return Err(Error::Missing),
                // A range that begins behind its end is an error of each store's own.
                Err(error) => match self.store.head(&path).await {
                    Ok(head) if head.size != size => return Err(Error::Size(head.size)),
                    _ => return Err(error.into()),
                },
            }
        };
        let Some(found) = found else {
            return match self.store.head(&path).await?.size {
                found if found == size => Ok(Content::Ready(bytes::Bytes::new())),
                found => Err(Error::Size(found)),
            };
        };
        if found.meta.size != size {
            return Err(Error::Size(found.meta.size));
        }
        Ok(self.content(path, found))
    }

    /// The objects of a folder below `blobs/`.
    pub(crate) async fn list_folder(&self, folder: &str) -> Result<Vec<StoredObject>, Error> {
        let mut found = Vec::new();
        let mut objects = self
            .store
            .list(Some(&Path::from(format!("blobs/{folder}"))));
        while let Some(object) = objects.next().await {
            let object = object?;
            let file = object.location.filename();
            let path = file.map(|file| format!("{folder}/{file}"));
            if let Some(key) = path.as_deref().and_then(ObjectKey::parse) {
                found.push(StoredObject {
                    key,
                    size: object.size,
                    changed_at: Timestamp(object.last_modified.timestamp_micros()),
                });
            }
        }
        Ok(found)
    }

    /// A backup of so many bytes.
    pub(crate) async fn open_backup(
        &self,
        backup: &BackupName,
        size: u64,
    ) -> Result<Content, Error> {
        self.get(&Self::backup_path(backup), 0..size).await
    }

    async fn get(&self, path: &Path, range: Range<u64>) -> Result<Content, Error> {
        if range.is_empty() {
            return Ok(Content::Ready(bytes::Bytes::new()));
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let found = self.store.get_opts(path, options).await?;
        Ok(self.content(path.clone(), found))
    }

    /// What comes of an object. Of a key there is ever one, so what breaks off goes on elsewhere.
    fn content(&self, path: Path, found: GetResult) -> Content {
        let (store, range) = (Arc::clone(&self.store), found.range.clone());
        let again = move |left: Range<u64>| {
            let (store, path) = (Arc::clone(&store), path.clone());
            let options = GetOptions {
                range: Some(GetRange::Bounded(left)),
                ..GetOptions::default()
            };
            async move { Ok(store.get_opts(&path, options).await?.into_stream()) }
        };
        let pieces = resumed(found.into_stream(), range, again);
        Content::Stream(pieces.map(|piece| piece.map_err(Error::from)).boxed())
    }

    /// Removes an object; whether it was there as far as the store tells.
    pub(crate) async fn remove(&self, key: &ObjectKey) -> Result<bool, Error> {
        self.delete(&Self::path(key)).await
    }

    /// Removes a backup; whether it was there as far as the store tells.
    pub(crate) async fn remove_backup(&self, backup: &BackupName) -> Result<bool, Error> {
        self.delete(&Self::backup_path(backup)).await
    }

    async fn delete(&self, path: &Path) -> Result<bool, Error> {
        match self.store.head(path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            found => found?,
        };
        self.store.delete(path).await?;
        Ok(true)
    }

    /// The backups and their sizes.
    pub(crate) async fn backups(&self) -> Result<Vec<(BackupName, u64)>, Error> {
        let (mut found, path) = (Vec::new(), Path::from("backups"));
        let mut objects = self.store.list(Some(&path));
        while let Some(object) = objects.next().await {
            let object = object?;
            let name = object.location.filename();
            if let Some(backup) = name.and_then(|name| name.parse().ok()) {
                found.push((backup, object.size));
            }
        }
        Ok(found)
    }

    /// Keys and sizes of all objects.
    pub(crate) async fn list(&self, mut each: impl FnMut(ObjectKey, u64)) -> Result<(), Error> {
        let mut objects = self.store.list(Some(&Path::from("blobs")));
        while let Some(object) = objects.next().await {
            let object = object?;
            let below = object
                .location
                .as_ref()
                .split_once("blobs/")
                .map(|(_, below)| below);
            if let Some(key) = below.and_then(ObjectKey::parse) {
                each(key, object.size);
            }
        }
        Ok(())
    }

    /// Whether there is any object.
    pub(crate) async fn has_objects(&self) -> Result<bool, Error> {
        let path = Path::from("blobs");
        let mut objects = self.store.list(Some(&path));
        let first = objects.next().await.transpose();
        Ok(first.map_err(|error| self.of_bucket(error))?.is_some())
    }

    /// Asks the store for a list of nothing, to learn whether it answers, and has the bucket.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        let nothing = Path::from("blobs/ping");
        let listed = self.store.list(Some(&nothing)).next().await.transpose();
        listed.map(drop).map_err(|error| self.of_bucket(error))
    }

    /// What a failure means where no object is asked for: only the bucket can be missing.
    fn of_bucket(&self, error: object_store::Error) -> Error {
        match error {
            object_store::Error::NotFound { .. } => Error::NoBucket(self.bucket.clone()),
            // Of a list, the library tells the store's own code in its text alone.
            error if is_of_no_bucket(&error.to_string()) => Error::NoBucket(self.bucket.clone()),
            error => error.into(),
        }
    }
}

fn is_of_no_bucket(text: &str) -> bool {
    NO_SUCH_BUCKET.iter().any(|code| text.contains(code))
}

async fn read(file: &Arc<File>, range: Range<u64>) -> Result<bytes::Bytes, Error> {
    let file = Arc::clone(file);
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    tokio::task::spawn_blocking(move || read_piece(&file, range.start, length)).await?
}

#[cfg(test)]
mod tests;
