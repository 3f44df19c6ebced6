//! What the tests share: a server's state, and empty places.

use crate::{Backups, Contents, Export, KeyFile, Restored, Target, restore};
use larder_content::{ContentStore, Prepared};
use larder_metadata::blobs::Putting;
use larder_metadata::database::Database;
use larder_metadata::files::PackageKey;
use larder_metadata::repos::NewRepo;
use larder_metadata::{Metadata, Row};
use larder_model::{
    Algorithm, Clock, Digest, ProtocolName, RepoKind, RepoSettings, System, Timestamp,
};
use larder_storage::{BlobStore, ObjectKey};
use std::error::Error;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000_000);

pub(super) fn clock() -> Clock {
    Clock::new(|| Timestamp(NOW.fetch_add(1000, Ordering::SeqCst)))
}

pub(super) fn database(folder: &Path) -> Database {
    Database::sqlite(&folder.join("larder.db"), 2, clock()).expect("database")
}

pub(super) fn key(folder: &Path) -> KeyFile {
    KeyFile {
        name: "token.key",
        path: folder.join("token.key"),
        is_needed: true,
    }
}

/// A server's state: rows, small blobs, and objects.
pub(super) struct Bed {
    pub(super) folder: TempDir,
    pub(super) metadata: Metadata,
    pub(super) blobs: BlobStore,
    pub(super) digests: Vec<Digest>,
}

impl Bed {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("token.key"), "a secret").expect("key");
        let metadata = Metadata::of(database(folder.path())).await.expect("open");
        let blobs = BlobStore::local(&folder.path().join("storage")).expect("store");
        let mut bed = Self {
            folder,
            metadata,
            blobs,
            digests: Vec::new(),
        };
        for size in [10, 1000, 65_536, 65_537, 700_000, 3_000_000] {
            bed.push(size).await;
        }
        bed
    }

    /// Gives a blob of so many bytes a name.
    pub(super) async fn push(&mut self, size: usize) {
        let number = self.digests.len();
        let name = format!("repo-{number}").parse().expect("name");
        let new = NewRepo {
            protocol: ProtocolName::OCI,
            name: &name,
            kind: RepoKind::Hosted,
            description: "Ü\"\n",
            settings: &RepoSettings::default(),
            members: &[],
        };
        let author = &System::Console;
        let repo = self.metadata.add_repo(new, author).await.expect("repo");
        let putting = Putting {
            package: PackageKey {
                repo: repo.id,
                package: "app",
            },
            by: author,
        };
        let seed = u8::try_from(number).expect("few");
        let bytes = vec![seed; size].into();
        let content = ContentStore::new(self.metadata.clone(), self.blobs.clone());
        let prepared: Prepared = content.prepare(&bytes).await.expect("prepare");
        self.digests.push(prepared.digest());
        let kept = content.keep(prepared, async |blob| {
            self.metadata.keep_blob(putting, blob, None).await
        });
        kept.await.expect("keep");
    }

    pub(super) fn backups(&self) -> Backups {
        let keys = vec![key(self.folder.path())];
        Backups::new(self.metadata.clone(), self.blobs.clone(), keys, None)
    }

    pub(super) async fn export(&self, contents: Contents) -> Export {
        let export = self.backups().export(contents, &System::Console).await;
        export.expect("export")
    }

    pub(super) async fn backup(&self, with_blobs: bool) -> Vec<u8> {
        let mut export = self.export(Contents::with_keys(with_blobs)).await;
        let (size, mut bytes) = (export.size, Vec::new());
        while let Some(more) = export.next().await.expect("bytes") {
            bytes.extend_from_slice(&more);
        }
        assert_eq!(bytes.len() as u64, size);
        bytes
    }
}

pub(super) fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("file");
    file.write_all(bytes).expect("write");
    file.rewind().expect("rewind");
    file
}

/// An empty place.
pub(super) struct Place(pub(super) TempDir);

impl Place {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }

    pub(super) fn store(&self) -> BlobStore {
        BlobStore::local(&self.0.path().join("storage")).expect("store")
    }

    pub(super) fn target(&self) -> Target {
        Target {
            database: database(self.0.path()),
            blobs: self.store(),
            keys: vec![key(self.0.path())],
            allow_missing: false,
            unfinished: self.0.path().join("unfinished"),
        }
    }

    pub(super) async fn restore(&self, bytes: &[u8]) -> Result<Restored, Box<dyn Error>> {
        restore(&mut file(bytes), self.target()).await
    }

    pub(super) async fn open(&self) -> Metadata {
        Metadata::of(database(self.0.path())).await.expect("open")
    }
}

/// All rows but those that tell of the restore itself; of blobs without their generations.
pub(super) async fn rows(metadata: &Metadata) -> Vec<(String, Row)> {
    let mut snapshot = metadata.snapshot().await.expect("snapshot");
    let tables = snapshot.tables.clone();
    let mut all = Vec::new();
    while let Some((at, page)) = snapshot.next_page().await.expect("page") {
        for mut row in page {
            tables[at].set_generation(&mut row, 0);
            all.push((tables[at].name.to_string(), row));
        }
    }
    all.retain(|(table, _)| !table.starts_with("audit"));
    all
}

pub(super) async fn read(
    metadata: &Metadata,
    blobs: &BlobStore,
    digest: Digest,
    size: u64,
) -> Digest {
    let generation = metadata.generation(&digest).await.expect("row");
    let generation = generation.expect("an object");
    let key = ObjectKey { digest, generation };
    let content = blobs.open(&key, 0..size).await.expect("object");
    let bytes = content.collect(10 << 20).await.expect("bytes");
    Digest::of(Algorithm::Sha256, &bytes)
}
