use super::*;
use crate::multipart::Notes;
use async_trait::async_trait;
use larder_model::{Algorithm, Digest};
use object_store::memory::InMemory;
use object_store::multipart::PartId;
use object_store::{PutPayload, PutResult, Result as StoreResult};
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A store in memory that knows which uploads are under way, and fails when it is told to.
#[derive(Debug, Default)]
struct Told {
    memory: InMemory,
    under_way: Mutex<Vec<MultipartId>>,
    parts_fail: AtomicBool,
    aborts_fail: AtomicBool,
}

/// The store as several know it.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Told>);

fn failure() -> object_store::Error {
    object_store::Error::Generic {
        store: "test",
        source: "it fails".into(),
    }
}

#[async_trait]
impl MultipartStore for Shared {
    async fn create_multipart(&self, path: &Path) -> StoreResult<MultipartId> {
        let id = self.0.memory.create_multipart(path).await?;
        self.0.under_way.lock().expect("lock").push(id.clone());
        Ok(id)
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        number: usize,
        data: PutPayload,
    ) -> StoreResult<PartId> {
        if self.0.parts_fail.load(Ordering::SeqCst) {
            return Err(failure());
        }
        self.0.memory.put_part(path, id, number, data).await
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> StoreResult<PutResult> {
        self.0.under_way.lock().expect("lock").retain(|it| it != id);
        self.0.memory.complete_multipart(path, id, parts).await
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> StoreResult<()> {
        if self.0.aborts_fail.load(Ordering::SeqCst) {
            return Err(failure());
        }
        self.0.under_way.lock().expect("lock").retain(|it| it != id);
        self.0.memory.abort_multipart(path, id).await
    }
}

/// A server's remote store, over a store that outlives it.
struct Bed {
    told: Shared,
    folder: TempDir,
}

impl Bed {
    fn new() -> Self {
        Self {
            told: Shared::default(),
            folder: tempfile::tempdir().expect("folder"),
        }
    }

    /// As a server has it that starts.
    fn remote(&self) -> Remote {
        let store = Arc::new(InMemory::new());
        Remote {
            bucket: "the memory".to_owned(),
            sent_to: Arc::clone(&store) as Arc<dyn ObjectStore>,
            store,
            multipart: Arc::new(self.told.clone()),
            notes: Notes::beside(self.folder.path()).expect("notes"),
            parts: Arc::new(Semaphore::new(PARTS_AT_ONCE)),
        }
    }

    /// Sends an object of two parts and a bit.
    async fn keep(&self, remote: &Remote) -> Result<(), Error> {
        let mut file = tempfile::tempfile().expect("file");
        let size = PART_BYTES * 2 + 5;
        let bytes = vec![7; usize::try_from(size).expect("small")];
        file.write_all(&bytes).expect("write");
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        let key = ObjectKey {
            digest,
            generation: 1,
        };
        remote.keep(&Arc::new(file), size, &key).await
    }

    fn under_way(&self) -> usize {
        self.told.0.under_way.lock().expect("lock").len()
    }
}

#[tokio::test]
async fn an_object_in_parts_is_whole_and_leaves_no_note() {
    let bed = Bed::new();
    let remote = bed.remote();
    bed.keep(&remote).await.expect("keep");
    assert_eq!(bed.under_way(), 0);
    assert_eq!(bed.remote().abort_left().await.expect("abort"), 0);
    let objects: Vec<_> = bed.told.0.memory.list(None).collect().await;
    let sizes: Vec<_> = objects
        .into_iter()
        .map(|it| it.expect("object").size)
        .collect();
    assert_eq!(sizes, [PART_BYTES * 2 + 5]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_aborted() {
    let bed = Bed::new();
    bed.told.0.parts_fail.store(true, Ordering::SeqCst);
    assert!(bed.keep(&bed.remote()).await.is_err());
    assert_eq!(bed.under_way(), 0);
    assert_eq!(bed.remote().abort_left().await.expect("abort"), 0);
}

#[tokio::test]
async fn what_could_not_be_aborted_is_aborted_later() {
    let bed = Bed::new();
    bed.told.0.parts_fail.store(true, Ordering::SeqCst);
    bed.told.0.aborts_fail.store(true, Ordering::SeqCst);
    let remote = bed.remote();
    assert!(bed.keep(&remote).await.is_err());
    assert_eq!(bed.under_way(), 1);
    assert!(remote.abort_left().await.is_err());
    bed.told.0.aborts_fail.store(false, Ordering::SeqCst);
    assert_eq!(remote.abort_left().await.expect("abort"), 1);
    assert_eq!(bed.under_way(), 0);
    assert_eq!(remote.abort_left().await.expect("abort"), 0);
}

#[tokio::test]
async fn what_a_server_left_is_aborted_by_the_next() {
    let bed = Bed::new();
    let remote = bed.remote();
    let path = Path::from("blobs/sha256/ab/abcd.1");
    let id = remote
        .multipart
        .create_multipart(&path)
        .await
        .expect("begin");
    let note = remote.notes.begin(&path, &id).await.expect("note");
    // While it is under way it is nobody else's.
    assert_eq!(remote.abort_left().await.expect("abort"), 0);
    assert_eq!(bed.under_way(), 1);
    std::mem::forget(note); // as if the server had been killed
    assert_eq!(bed.remote().abort_left().await.expect("abort"), 1);
    assert_eq!(bed.under_way(), 0);
    assert_eq!(bed.remote().abort_left().await.expect("abort"), 0);
}
