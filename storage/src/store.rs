//! The store itself: one type over a local folder or a remote store.

use crate::doubt::Doubt;
use crate::durable::{FOLDER, make_folder};
use crate::key::StoredObject;
use crate::local::Local;
use crate::multipart::Notes;
use crate::remote::Remote;
use crate::room::Room;
use crate::suspects::Suspects;
use crate::{BackupName, Content, Error, ObjectKey, Staging};
use larder_model::{Algorithm, Digest, Hasher};
use object_store::ObjectStore;
use object_store::multipart::MultipartStore;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// The file that a probe writes, beside the uploads.
const PROBE: &str = "probe";

enum Back {
    Local(Local),
    Remote(Remote),
}

/// Bytes by digest. Cheap to share; all methods may be called at once.
#[derive(Clone)]
pub struct BlobStore(Arc<Inner>);

struct Inner {
    back: Back,
    staging: PathBuf,
    boot_id: Box<str>,
    /// While it is raised nothing is staged.
    doubt: Doubt,
    /// How much of the disk stays free.
    room: Room,
    /// One probe at a time.
    probing: Mutex<()>,
    suspects: Suspects,
}

impl BlobStore {
    /// A store in the folder `root`, made if it is not there. Uploads gather in `root/staging`, on
    /// the same file system.
    pub fn local(root: &Path) -> Result<Self, Error> {
        let local = Local::open(root)?;
        Self::over(Back::Local(local), &root.join("staging"))
    }

    /// A store over any object store; uploads gather in the local folder `staging` until they are
    /// whole. `sent_to`: the same store, with patience for what is sent. `bucket`: what it is called, and
    /// where, e.g. `the bucket larder at https://…`.
    pub fn remote<S: ObjectStore + MultipartStore>(
        store: Arc<S>,
        sent_to: Arc<S>,
        bucket: String,
        staging: &Path,
    ) -> Result<Self, Error> {
        make_folder(staging, FOLDER)?;
        let notes = Notes::beside(staging)?;
        let remote = Remote::new(store, sent_to, bucket, notes);
        Self::over(Back::Remote(remote), staging)
    }

    fn over(back: Back, staging: &Path) -> Result<Self, Error> {
        make_folder(staging, FOLDER)?;
        // Not everywhere can it be read: then every upload that goes on is hashed again.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot_id = boot.trim().into();
        Ok(Self(Arc::new(Inner {
            back,
            staging: staging.to_owned(),
            boot_id,
            doubt: Doubt::default(),
            room: Room::new(staging, None),
            probing: Mutex::default(),
            suspects: Suspects::default(),
        })))
    }

    /// The store that leaves so many bytes of the disk free where uploads gather; `None`: a fiftieth
    /// of it, at most 1 GiB. For a store that nobody else has yet.
    #[must_use]
    pub fn keeping_free(mut self, bytes: Option<u64>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.room = inner.room.keeping(bytes);
        }
        self
    }

    /// The store after another boot of the machine than the kernel says. For a store that nobody
    /// else has yet.
    #[must_use]
    pub fn under_boot(mut self, id: &str) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.boot_id = id.into();
        }
        self
    }

    /// Whether more bytes can be taken in. [`Error::Full`]: the disk has no more room than what stays
    /// free.
    pub fn require_room(&self) -> Result<(), Error> {
        self.0.room.require()
    }

    /// Room for what gathers in another folder, whose disk is to have as much left.
    pub fn room_at(&self, folder: &Path) -> Room {
        self.0.room.at(folder)
    }

    fn is_local(&self) -> bool {
        matches!(self.0.back, Back::Local(_))
    }

    fn staging_path(&self, id: &str) -> PathBuf {
        debug_assert!(
            id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "ids are made by us"
        );
        self.0.staging.join(id)
    }

    /// Starts an upload under `id`, a hex id made by us.
    pub async fn stage(&self, id: &str, algorithm: Algorithm) -> Result<Staging, Error> {
        self.probe().await?;
        self.require_room()?;
        Staging::create(
            self.staging_path(id),
            (self.0.doubt.clone(), self.0.room.clone()),
            self.is_local(),
            algorithm,
        )
        .await
    }

    /// Takes up an upload of which `offset` bytes were acknowledged under the `boot_id` `under`;
    /// [`Error::Missing`] if they are gone. Bytes of another `boot_id` were never synced and are
    /// hashed again.
    pub async fn resume(
        &self,
        id: &str,
        offset: u64,
        hasher: Hasher,
        under: &str,
    ) -> Result<Staging, Error> {
        self.probe().await?;
        let check = under.is_empty() || under != self.boot_id();
        self.require_room()?;
        let guards = (self.0.doubt.clone(), self.0.room.clone());
        Staging::resume(
            self.staging_path(id),
            guards,
            self.is_local(),
            offset,
            hasher,
            check,
        )
        .await
    }

    /// Names the time since this machine was last started: written bytes outlive a process, but not
    /// the machine.
    pub fn boot_id(&self) -> &str {
        &self.0.boot_id
    }

    /// Bytes that are staged here of an upload; `None`: there are none, or it is another server's.
    pub async fn staged_bytes(&self, id: &str) -> Result<Option<u64>, Error> {
        let path = self.staging_path(id);
        match tokio::task::spawn_blocking(move || std::fs::metadata(path)).await? {
            Ok(file) => Ok(Some(file.len())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets an upload. Nothing there is fine.
    pub async fn discard(&self, id: &str) -> Result<(), Error> {
        let path = self.staging_path(id);
        match tokio::task::spawn_blocking(move || std::fs::remove_file(path)).await? {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The same beside what the caller does: for whoever is dropped and cannot wait. What stays of it is
    /// swept up sooner or later.
    pub fn discard_later(&self, id: &str) {
        let path = self.staging_path(id);
        let remove = move || match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "a staging file stays");
            }
            _ => {}
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(), // the server is ending
        }
    }

    /// Makes a staged upload a durable object of generation `generation`: when this returns, a
    /// crash loses nothing of it. The bytes must be those of `expected`, else nothing is kept and
    /// what they are is told. The upload stays until it is discarded: if no row comes to name the
    /// object, it goes on from where it was acknowledged.
    pub async fn commit(
        &self,
        staging: Staging,
        expected: Digest,
        generation: i64,
    ) -> Result<Committed, Error> {
        let (path, file, size, digest) = staging.seal().await?;
        if digest != expected {
            tokio::task::spawn_blocking(move || std::fs::remove_file(path)).await??;
            return Ok(Committed::Mismatch(digest));
        }
        let key = ObjectKey { digest, generation };
        match &self.0.back {
            Back::Local(_) => {
                let kept = self.on_local(move |local| local.keep(&path, &key)).await;
                if let Err(Error::NotDurable(error)) = &kept {
                    self.0.doubt.raise(error);
                }
                kept?;
            }
            Back::Remote(remote) => remote.keep(&file, size, &key).await?,
        }
        Ok(Committed::Kept { key, size })
    }

    /// Opens a range of an object; the caller knows its size.
    pub async fn open(&self, key: &ObjectKey, range: Range<u64>) -> Result<Content, Error> {
        match &self.0.back {
            Back::Local(local) => Ok(Content::File {
                file: Arc::new(local.open_object(key)?),
                range,
            }),
            Back::Remote(remote) => remote.open(key, range).await,
        }
    }

    /// The same of an object that has `size` bytes: [`Error::Size`] if it has not, before any is read.
    pub async fn open_sized(
        &self,
        key: &ObjectKey,
        size: u64,
        range: Range<u64>,
    ) -> Result<Content, Error> {
        self.sized(Local::open_sized, key, size, range).await
    }

    /// The same for whoever reads objects again and again: a small one may be open since it was read
    /// before. That is one that has its name and its size still.
    pub async fn open_again(
        &self,
        key: &ObjectKey,
        size: u64,
        range: Range<u64>,
    ) -> Result<Content, Error> {
        self.sized(Local::open_again, key, size, range).await
    }

    async fn sized(
        &self,
        open: impl FnOnce(&Local, &ObjectKey, u64) -> Result<Arc<File>, Error>,
        key: &ObjectKey,
        size: u64,
        range: Range<u64>,
    ) -> Result<Content, Error> {
        match &self.0.back {
            Back::Local(local) => Ok(Content::File {
                file: open(local, key, size)?,
                range,
            }),
            Back::Remote(remote) => remote.open_sized(key, size, range).await,
        }
    }

    /// Notes that a reader did not find all bytes of a digest that should be here.
    pub fn suspect(&self, digest: Digest) {
        self.0.suspects.add(digest);
    }

    /// The digests that were noted since the last time.
    pub fn take_suspects(&self) -> Vec<Digest> {
        self.0.suspects.take()
    }

    /// Removes an object durably; whether it was there.
    pub async fn remove(&self, key: ObjectKey) -> Result<bool, Error> {
        match &self.0.back {
            Back::Local(_) => self.on_local(move |local| local.remove(&key)).await,
            Back::Remote(remote) => remote.remove(&key).await,
        }
    }

    /// Whether there is any object.
    pub async fn has_objects(&self) -> Result<bool, Error> {
        match &self.0.back {
            Back::Local(_) => self.on_local(Local::has_objects).await,
            Back::Remote(remote) => remote.has_objects().await,
        }
    }

    /// Keeps a staged file as a backup, durably and readable for its owner alone; its size and its
    /// digest. The staged file stays until it is discarded.
    pub async fn keep_backup(
        &self,
        staging: Staging,
        backup: BackupName,
    ) -> Result<(u64, Digest), Error> {
        let (path, file, size, digest) = staging.seal().await?;
        match &self.0.back {
            Back::Local(_) => {
                self.on_local(move |local| local.keep_backup(&path, &backup))
                    .await?;
            }
            Back::Remote(remote) => remote.keep_backup(&file, size, &backup).await?,
        }
        Ok((size, digest))
    }

    /// The backups that are kept and their sizes in bytes, the oldest first.
    pub async fn backups(&self) -> Result<Vec<(BackupName, u64)>, Error> {
        let mut backups = match &self.0.back {
            Back::Local(_) => self.on_local(Local::backups).await?,
            Back::Remote(remote) => remote.backups().await?,
        };
        backups.sort_unstable();
        Ok(backups)
    }

    /// Opens a backup of so many bytes.
    pub async fn open_backup(&self, backup: &BackupName, size: u64) -> Result<Content, Error> {
        match &self.0.back {
            Back::Local(local) => Ok(Content::File {
                file: Arc::new(local.open_backup(backup)?),
                range: 0..size,
            }),
            Back::Remote(remote) => remote.open_backup(backup, size).await,
        }
    }

    /// Removes a backup durably; whether it was there.
    pub async fn remove_backup(&self, backup: BackupName) -> Result<bool, Error> {
        match &self.0.back {
            Back::Local(_) => {
                self.on_local(move |local| local.remove_backup(&backup))
                    .await
            }
            Back::Remote(remote) => remote.remove_backup(&backup).await,
        }
    }

    /// Works on the folder on a thread that may block.
    async fn on_local<T: Send + Default + 'static>(
        &self,
        work: impl FnOnce(&Local) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let store = self.clone();
        let blocking = move || match &store.0.back {
            Back::Local(local) => work(local),
            Back::Remote(_) => Ok(T::default()),
        };
        tokio::task::spawn_blocking(blocking).await?
    }

    /// Calls `each` with the key and size in bytes of every object, in no order.
    pub async fn list(&self, each: impl FnMut(ObjectKey, u64) + Send) -> Result<(), Error> {
        match &self.0.back {
            Back::Local(local) => local.list(each),
            Back::Remote(remote) => remote.list(each).await,
        }
    }

    /// The objects of an algorithm whose digests begin with this byte, in no order. A walk through all
    /// of them goes byte by byte.
    pub async fn list_from(
        &self,
        algorithm: Algorithm,
        first: u8,
    ) -> Result<Vec<StoredObject>, Error> {
        let folder = ObjectKey::folder_of(algorithm, first);
        match &self.0.back {
            Back::Local(_) => self.on_local(move |local| local.list_folder(&folder)).await,
            Back::Remote(remote) => remote.list_folder(&folder).await,
        }
    }

    /// Ids of staged uploads untouched for `age`.
    pub async fn stale(&self, age: Duration) -> Result<Vec<String>, Error> {
        let folder = self.0.staging.clone();
        let find = move || -> Result<Vec<String>, Error> {
            let mut ids = Vec::new();
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    continue;
                }
                let touched = match entry.metadata() {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue, // it ended
                    about => about?.modified()?,
                };
                let old = SystemTime::now()
                    .duration_since(touched)
                    .is_ok_and(|passed| passed >= age);
                if let (true, Some(id)) = (
                    old,
                    entry.file_name().to_str().filter(|name| *name != PROBE),
                ) {
                    ids.push(id.to_owned());
                }
            }
            Ok(ids)
        };
        tokio::task::spawn_blocking(find).await?
    }

    /// Frees the parts of objects whose server ended while it sent them to a remote store. How many
    /// objects there were.
    pub async fn abort_left(&self) -> Result<usize, Error> {
        match &self.0.back {
            Back::Local(_) => Ok(0),
            Back::Remote(remote) => remote.abort_left().await,
        }
    }

    /// Whether the store can be reached and written.
    pub async fn ping(&self) -> Result<(), Error> {
        self.probe().await?;
        match &self.0.back {
            Back::Local(_) => Ok(()),
            Back::Remote(remote) => remote.ping().await,
        }
    }

    /// Bytes that can still be written, and all bytes, of the disk where uploads gather. A local
    /// store is on the same.
    pub fn disk_space(&self) -> Result<(u64, u64), Error> {
        self.0.room.space()
    }

    /// After a failed sync: writes and syncs a file before anything else is taken in.
    async fn probe(&self) -> Result<(), Error> {
        if !self.0.doubt.is_raised() {
            return Ok(());
        }
        let _one_at_a_time = self.0.probing.lock().await;
        if !self.0.doubt.is_raised() {
            return Ok(());
        }
        let path = self.0.staging.join(PROBE);
        let write = move || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&path)?;
            file.write_all(b"probe")?;
            file.sync_all()?;
            std::fs::remove_file(&path)
        };
        tokio::task::spawn_blocking(write)
            .await?
            .map_err(Error::of_write)?;
        self.0.doubt.end();
        Ok(())
    }
}

/// What became of a staged upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Durable under this key.
    Kept {
        /// Where.
        key: ObjectKey,
        /// Size in bytes.
        size: u64,
    },
    /// Not what was promised: this is what came. Nothing was kept.
    Mismatch(Digest),
}
