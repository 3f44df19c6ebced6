use super::*;
use larder_metadata::blobs::Putting;
use larder_metadata::files::PackageKey;
use larder_metadata::repos::NewRepo;
use larder_model::{Clock, FileKind, ProtocolName, RepoKind, RepoSettings, System, Timestamp};
use tempfile::TempDir;

/// A store with one repo in it.
pub(crate) struct Bed {
    pub(crate) content: ContentStore,
    pub(crate) metadata: Metadata,
    pub(crate) blobs: BlobStore,
    repo: i64,
    pub(crate) folder: TempDir,
}

pub(crate) async fn bed() -> Bed {
    let folder = tempfile::tempdir().expect("folder");
    let clock = Clock::new(|| Timestamp(1_000_000));
    let database = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&database, 1, clock)
        .await
        .expect("database");
    let blobs = BlobStore::local(&folder.path().join("storage")).expect("store");
    let new = NewRepo {
        protocol: ProtocolName::OCI,
        name: &"team".parse().expect("name"),
        kind: RepoKind::Hosted,
        description: "",
        settings: &RepoSettings::default(),
        members: &[],
    };
    let repo = metadata
        .add_repo(new, &System::FirstStart)
        .await
        .expect("repo")
        .id;
    Bed {
        content: ContentStore::new(metadata.clone(), blobs.clone()),
        metadata,
        blobs,
        repo,
        folder,
    }
}

impl Bed {
    pub(crate) fn putting(&self) -> Putting<'static> {
        Putting {
            package: PackageKey {
                repo: self.repo,
                package: "app",
            },
            by: &System::Larder,
        }
    }

    pub(crate) async fn keep(&self, prepared: Prepared) -> Result<(), Error> {
        let write = async |blob| self.metadata.keep_blob(self.putting(), blob, None).await;
        self.content.keep(prepared, write).await
    }

    pub(crate) async fn objects(&self) -> Vec<ObjectKey> {
        let mut objects = Vec::new();
        let list = self.blobs.list(|key, _| objects.push(key));
        list.await.expect("list");
        objects
    }

    pub(crate) async fn staged(&self) -> usize {
        let age = std::time::Duration::ZERO;
        self.blobs.stale(age).await.expect("stale").len()
    }
}

fn large() -> Bytes {
    vec![7; usize::try_from(INLINE_BYTES).expect("size") + 1].into()
}

#[tokio::test]
async fn small_bytes_go_into_their_row() {
    let bed = bed().await;
    let prepared = bed
        .content
        .prepare(&Bytes::from("small"))
        .await
        .expect("prepared");
    assert_eq!(
        prepared.bytes().map(|bytes| &bytes[..]),
        Some(&b"small"[..])
    );
    let path = prepared.digest().to_string();
    bed.keep(prepared).await.expect("kept");
    let key = bed.putting().package.file(FileKind::Blob, &path);
    let record = bed.metadata.find(key).await.expect("find").expect("there");
    assert_eq!(record.body.as_deref(), Some(&b"small"[..]));
    assert!(bed.objects().await.is_empty());
}

#[tokio::test]
async fn bytes_that_were_hashed_are_kept_under_their_digest() {
    let bed = bed().await;
    for bytes in [Bytes::from("small"), large()] {
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        let prepared = bed.content.prepare_hashed(digest, &bytes).await;
        let prepared = prepared.expect("prepared");
        assert_eq!(prepared.digest(), digest);
        assert_eq!(prepared.size(), bytes.len() as u64);
        bed.keep(prepared).await.expect("kept");
    }
    let objects = bed.objects().await;
    assert_eq!(objects.len(), 1, "the small one is in its row");
    assert_eq!(objects[0].digest, Digest::of(Algorithm::Sha256, &large()));
}

#[tokio::test]
async fn of_two_objects_of_the_same_bytes_the_first_row_counts() {
    let bed = bed().await;
    let first = bed.content.prepare(&large()).await.expect("first");
    let second = bed.content.prepare(&large()).await.expect("second");
    assert_eq!(bed.objects().await.len(), 2);
    bed.keep(second).await.expect("second");
    let digest = first.digest();
    bed.keep(first).await.expect("first");
    let objects = bed.objects().await;
    let kept = bed.metadata.generation(&digest).await.expect("generation");
    let generations: Vec<i64> = objects.iter().map(|object| object.generation).collect();
    assert_eq!(generations, [kept.expect("an object")]);
    assert_eq!(bed.staged().await, 0, "nothing is left in staging");
}

#[tokio::test]
async fn rows_that_cannot_be_written_leave_no_object() {
    let bed = bed().await;
    let prepared = bed.content.prepare(&large()).await.expect("prepared");
    let refused = async |_| Err::<(), _>(Error::Shape("refused".to_owned()));
    assert!(bed.content.keep(prepared, refused).await.is_err());
    assert!(bed.objects().await.is_empty());
    let prepared = bed.content.prepare(&large()).await.expect("prepared");
    let unknown = async |_| Err::<(), _>(Error::Unavailable("gone".into()));
    assert!(bed.content.keep(prepared, unknown).await.is_err());
    assert_eq!(
        bed.objects().await.len(),
        1,
        "nobody knows whether a row names it"
    );
}
