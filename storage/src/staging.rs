//! Bytes on their way in: written to a file of their own and hashed while they arrive.
//!
//! Receiving overlaps with writing and hashing: a batch is gathered while the one before it is
//! written and hashed on blocking threads. What goes past the page cache (`direct`) waits for the disk,
//! so it is hashed beside that; the rest is hashed after it was copied, while it is in the processor's
//! cache. Long uploads are synced as they grow, so that the last sync, which the client waits for, is
//! short.

use crate::Error;
use crate::content::read_piece;
use crate::direct::{BLOCK, Direct};
use crate::doubt::Doubt;
use crate::room::Room;
use bytes::Bytes;
use larder_model::{Algorithm, Checker, Digest, Hasher, Integrity};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A batch is handed to the writer when it has this many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// The same where little memory is to be taken.
const SMALL_BATCH_BYTES: usize = 128 << 10;
/// After so many unsynced bytes a sync is started beside the writing.
const SYNC_BYTES: u64 = 16 << 20;
/// What comes after so many bytes goes past the page cache: small layers are likely to be pulled at
/// once.
const CACHED_BYTES: u64 = 4 << 20;

/// What is computed of an upload.
struct Sums {
    hasher: Hasher,
    /// What someone vouched for, if it is told by another hash.
    checker: Checker,
}

impl Sums {
    fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.checker.update(bytes);
    }
}

/// What the blocking thread that writes needs of an upload.
struct Work {
    /// Not where another thread hashes beside it.
    sums: Option<Sums>,
    direct: Option<Direct>,
}

impl Work {
    fn of(hasher: Hasher) -> Self {
        Self {
            sums: Some(Sums {
                hasher,
                checker: Checker::None,
            }),
            direct: None,
        }
    }
}

/// An upload in progress.
pub struct Staging {
    path: PathBuf,
    file: Arc<File>,
    doubt: Doubt,
    room: Room,
    /// Whether long uploads go past the page cache: not where they are read again at once, to be
    /// sent elsewhere.
    direct: bool,
    batch_bytes: usize,
    offset: u64,
    /// What of it was written.
    written: u64,
    /// What of it may have been acknowledged: a failed write takes back only what came later.
    settled: u64,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    /// The digest of all bytes, where whoever has them at hand has computed it: then nothing is hashed.
    known: Option<Digest>,
    work: Option<Work>,
    writing: Option<JoinHandle<Result<Work, Error>>>,
    hashing: Option<JoinHandle<Sums>>,
    syncing: Option<JoinHandle<Result<(), Error>>>,
    unsynced_bytes: u64,
}

impl Staging {
    /// Starts an empty staging file at `path`; what an upload before left there, and nobody
    /// acknowledged, goes.
    pub(crate) async fn create(
        path: PathBuf,
        guards: (Doubt, Room),
        direct: bool,
        algorithm: Algorithm,
    ) -> Result<Self, Error> {
        let at = path.clone();
        let create = move || {
            let create = || {
                File::options()
                    .write(true)
                    .read(true)
                    .create_new(true)
                    .open(&at)
            };
            match create() {
                // Removed, never truncated: it may be an object too.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    std::fs::remove_file(&at)?;
                    create()
                }
                created => created,
            }
        };
        let file = tokio::task::spawn_blocking(create)
            .await?
            .map_err(Error::of_write)?;
        Ok(Self::over(
            path,
            file,
            guards,
            direct,
            0,
            Hasher::new(algorithm),
        ))
    }

    /// Takes up the file at `path`, of which `offset` bytes are acknowledged; what was written
    /// beyond them is cut off. With `check` the bytes are hashed again: the machine went down
    /// meanwhile and may have lost some of them.
    pub(crate) async fn resume(
        path: PathBuf,
        guards: (Doubt, Room),
        direct: bool,
        offset: u64,
        hasher: Hasher,
        check: bool,
    ) -> Result<Self, Error> {
        let at = path.clone();
        let expected = hasher.state();
        let algorithm = hasher.algorithm();
        let open = move || -> Result<File, Error> {
            let file = open_own(&at)?;
            if file.metadata()?.len() < offset {
                return Err(Error::Missing); // a power loss took unsynced bytes: the client starts again
            }
            if check && hash_start(&file, offset, algorithm)?.state() != expected {
                return Err(Error::Missing);
            }
            file.set_len(offset)?;
            Ok(file)
        };
        let file = tokio::task::spawn_blocking(open).await??;
        Ok(Self::over(path, file, guards, direct, offset, hasher))
    }

    fn over(
        path: PathBuf,
        file: File,
        (doubt, room): (Doubt, Room),
        direct: bool,
        offset: u64,
        hasher: Hasher,
    ) -> Self {
        Self {
            path,
            file: Arc::new(file),
            doubt,
            room,
            direct,
            batch_bytes: BATCH_BYTES,
            offset,
            written: offset,
            settled: offset,
            gathered: Vec::new(),
            gathered_bytes: 0,
            known: None,
            work: Some(Work::of(hasher)),
            writing: None,
            hashing: None,
            syncing: None,
            unsynced_bytes: offset,
        }
    }

    /// Bytes taken in so far.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Has it take little memory from now on: bytes are written in small batches.
    pub const fn narrow(&mut self) {
        self.batch_bytes = SMALL_BATCH_BYTES;
        self.direct = false; // which needs a buffer of its own
    }

    /// Takes in the next bytes. An error means that the upload cannot go on.
    pub async fn append(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.offset += bytes.len() as u64;
        self.gathered_bytes += bytes.len();
        self.gathered.push(bytes);
        if self.gathered_bytes >= self.batch_bytes {
            self.hand_over(self.offset - self.offset % BLOCK).await?;
        }
        Ok(())
    }

    /// Has it take `digest` for that of all bytes, which whoever has them at hand has computed: they are
    /// not hashed once more. To be called before the first of them.
    pub fn hashed_as(&mut self, digest: Digest) {
        self.known = Some(digest);
        if let Some(work) = &mut self.work {
            work.sums = None;
        }
    }

    /// Waits until all bytes are written and hashed, and no sync is running; the state can then be
    /// stored.
    pub async fn settle(&mut self) -> Result<&Hasher, Error> {
        self.write_out().await?;
        self.hasher().ok_or(Error::Stopped)
    }

    /// The same for whoever needs no state.
    async fn write_out(&mut self) -> Result<(), Error> {
        self.hand_over(self.offset).await?;
        self.join_writer().await?;
        self.join_sync().await?;
        self.written = self.offset;
        self.settled = self.offset;
        Ok(())
    }

    /// Makes all bytes durable and tells their digest.
    pub(crate) async fn seal(mut self) -> Result<(PathBuf, Arc<File>, u64, Digest), Error> {
        let digest = self.digest().await?;
        tokio::task::spawn_blocking(self.sync()).await??;
        Ok((self.path, self.file, self.offset, digest))
    }

    /// The digest of all bytes so far; the upload can go on.
    pub async fn digest(&mut self) -> Result<Digest, Error> {
        self.write_out().await?;
        let computed = || self.hasher().map(|hasher| hasher.clone().finish());
        self.known.or_else(computed).ok_or(Error::Stopped)
    }

    /// Has the bytes checked against `integrity` as they pass. To be called before the first of them.
    pub fn expect(&mut self, integrity: &Integrity) {
        if let Some(sums) = self.work.as_mut().and_then(|work| work.sums.as_mut()) {
            sums.checker = match integrity {
                Integrity::Digest(digest) if digest.algorithm() == sums.hasher.algorithm() => {
                    Checker::None
                }
                integrity => Checker::new(integrity),
            };
        }
    }

    /// The digest of all bytes, and whether they are what `integrity` told when [`Self::expect`] was
    /// called with it.
    pub async fn verify(&mut self, integrity: &Integrity) -> Result<(Digest, bool), Error> {
        self.settle().await?;
        let sums = self.sums().ok_or(Error::Stopped)?;
        let digest = sums.hasher.clone().finish();
        let agrees = match integrity {
            Integrity::Digest(expected) if expected.algorithm() == digest.algorithm() => {
                digest == *expected
            }
            _ => sums.checker.clone().agrees(),
        };
        Ok((digest, agrees))
    }

    /// The file that the bytes are written to.
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// So many bytes can be read from the file.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// All bytes, if there are at most `limit`: what is small enough need not become an object.
    pub async fn bytes(&mut self, limit: u64) -> Result<Option<Bytes>, Error> {
        if self.offset > limit {
            return Ok(None);
        }
        self.write_out().await?;
        let (file, length) = (
            Arc::clone(&self.file),
            usize::try_from(self.offset).unwrap_or(usize::MAX),
        );
        tokio::task::spawn_blocking(move || read_piece(&file, 0, length))
            .await?
            .map(Some)
    }

    /// What is being computed.
    pub fn digest_algorithm(&self) -> Option<Algorithm> {
        self.hasher().map(Hasher::algorithm)
    }

    fn sums(&self) -> Option<&Sums> {
        self.work.as_ref().and_then(|work| work.sums.as_ref())
    }

    fn hasher(&self) -> Option<&Hasher> {
        self.sums().map(|sums| &sums.hasher)
    }

    /// Hashes all bytes again with another algorithm: for clients that say only at the end which
    /// one they use.
    pub async fn rehash(&mut self, algorithm: Algorithm) -> Result<(), Error> {
        self.write_out().await?;
        self.known = None;
        let (file, length) = (Arc::clone(&self.file), self.offset);
        let hasher =
            tokio::task::spawn_blocking(move || hash_start(&file, length, algorithm)).await??;
        self.work = Some(Work::of(hasher));
        Ok(())
    }

    /// Has what was gathered up to the offset `end` written; the rest waits for more.
    async fn hand_over(&mut self, end: u64) -> Result<(), Error> {
        let start = self.offset - self.gathered_bytes as u64;
        if end <= start {
            return Ok(());
        }
        self.join_writer().await?;
        self.written = start;
        let Some(mut work) = self.work.take() else {
            return Err(Error::Stopped);
        };
        let mut batch = std::mem::take(&mut self.gathered);
        self.gathered_bytes = usize::try_from(self.offset - end).unwrap_or_default();
        self.gathered = split_end(&mut batch, self.gathered_bytes);
        self.unsynced_bytes += end - start;
        if self.direct && start >= CACHED_BYTES && work.direct.is_none() {
            work.direct = Direct::open(&self.path);
        }
        if work.direct.is_some()
            && is_whole_blocks(start, end)
            && let Some(mut sums) = work.sums.take()
        {
            let batch = batch.clone();
            self.hashing = Some(tokio::task::spawn_blocking(move || {
                for bytes in &batch {
                    sums.update(bytes);
                }
                sums
            }));
        }
        let (file, settled) = (Arc::clone(&self.file), self.settled);
        let room = self.room.clone();
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let written = room
                .require()
                .and_then(|()| write(&file, start, &batch, &mut work).map_err(Error::of_write));
            if let Err(error) = written {
                // The device may be full: what nobody was told of leaves it again, at once.
                if let Err(error) = file.set_len(settled) {
                    tracing::warn!(%error, "bytes of a failed upload stay until it is forgotten");
                }
                return Err(error);
            }
            Ok(work)
        }));
        if self.unsynced_bytes >= SYNC_BYTES
            && self.syncing.as_ref().is_none_or(JoinHandle::is_finished)
        {
            self.join_sync().await?;
            self.unsynced_bytes = 0;
            self.syncing = Some(tokio::task::spawn_blocking(self.sync()));
        }
        Ok(())
    }

    /// A sync for a blocking thread. If it fails the file is removed at once: the kernel may have
    /// dropped bytes of it, and a later sync of the same file would not tell.
    fn sync(&self) -> impl FnOnce() -> Result<(), Error> + use<> {
        let (file, path, doubt) = (
            Arc::clone(&self.file),
            self.path.clone(),
            self.doubt.clone(),
        );
        move || {
            file.sync_data().map_err(|error| {
                doubt.raise(&error);
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::error!(%error, "an upload that could not be made durable could not be removed");
                }
                Error::NotDurable(error)
            })
        }
    }

    async fn join_writer(&mut self) -> Result<(), Error> {
        if let Some(writing) = self.writing.take() {
            let mut work = writing.await??;
            if let Some(hashing) = self.hashing.take() {
                work.sums = Some(hashing.await?);
            }
            self.work = Some(work);
        }
        Ok(())
    }

    async fn join_sync(&mut self) -> Result<(), Error> {
        match self.syncing.take() {
            Some(syncing) => syncing.await?,
            None => Ok(()),
        }
    }
}

/// Opens a staging file to be written. If it was committed already it is an object too, and the
/// upload goes on in a copy.
fn open_own(path: &Path) -> Result<File, Error> {
    let open = || File::options().write(true).read(true).open(path);
    let file = open()?;
    if file.metadata()?.nlink() == 1 {
        return Ok(file);
    }
    let mut copy = path.as_os_str().to_owned();
    copy.push("c"); // a hex id as well: should it be left behind it goes the way of all uploads
    std::fs::copy(path, &copy).map_err(Error::of_write)?;
    std::fs::rename(&copy, path).map_err(Error::of_write)?;
    Ok(open()?)
}

/// Takes the last `count` bytes off a batch.
fn split_end(batch: &mut Vec<Bytes>, mut count: usize) -> Vec<Bytes> {
    let mut end = Vec::new();
    while count > 0
        && let Some(mut last) = batch.pop()
    {
        let taken = last.split_off(last.len().saturating_sub(count));
        count -= taken.len();
        end.insert(0, taken);
        if !last.is_empty() {
            batch.push(last);
        }
    }
    end
}

/// Whether what stands between two offsets can go past the page cache.
fn is_whole_blocks(start: u64, end: u64) -> bool {
    start.is_multiple_of(BLOCK) && end.is_multiple_of(BLOCK)
}

fn write(file: &File, mut at: u64, batch: &[Bytes], work: &mut Work) -> io::Result<()> {
    let bytes = batch.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
    let direct = work.direct.as_mut();
    if let Some(direct) = direct.filter(|_| is_whole_blocks(at, at + bytes)) {
        return direct.write(file, at, batch);
    }
    for bytes in batch {
        file.write_all_at(bytes, at)?;
        at += bytes.len() as u64;
        if let Some(sums) = &mut work.sums {
            sums.update(bytes); // while the bytes are still in the processor's cache
        }
    }
    Ok(())
}

fn hash_start(file: &File, length: u64, algorithm: Algorithm) -> Result<Hasher, Error> {
    let mut hasher = Hasher::new(algorithm);
    let mut at = 0;
    while at < length {
        let piece = (length - at).min(BATCH_BYTES as u64);
        hasher.update(&read_piece(
            file,
            at,
            usize::try_from(piece).unwrap_or(BATCH_BYTES),
        )?);
        at += piece;
    }
    Ok(hasher)
}
