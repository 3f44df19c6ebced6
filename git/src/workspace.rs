//! Repositories as the git program reads them: a folder with the packs and refs of each. All of it can
//! be made anew from what is kept, so none of it is durable, and whoever misses it loses nothing.

use crate::oid::{ObjectFormat, Oid};
use crate::running::{Input, disk_failed};
use crate::state::{DOCUMENT, MAX_BYTES, Pack, State};
use futures_util::StreamExt as _;
use larder_content::ContentStore;
use larder_metadata::Metadata;
use larder_metadata::files::{FileRecord, PackageKey};
use larder_model::{Algorithm, Digest, FileKind, Problem, Timestamp};
use larder_storage::Room;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// The file that tells of which state a folder is.
const STATE: &str = "larder-state";
/// How often it is written down that a folder is used.
const USED: Duration = Duration::from_hours(1);
/// The folder of what is not yet anyone's.
const QUARANTINE: &str = "quarantine";
/// Attributes of all files of archives (gitattributes), as the go command sets them.
const ATTRIBUTES: &[u8] = b"* -export-subst -export-ignore\n";
/// The digits of a hash that stand for a repository's name.
const NAME_DIGITS: usize = 32;
/// After so many bytes it is looked whether there is room for more.
const LOOK: usize = 1 << 20;

/// A state and the digest of its document.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The digest.
    pub digest: Digest,
    /// The state.
    pub state: Arc<State>,
}

impl Kept {
    /// A state that is not kept yet, as if it were.
    pub fn of(state: State) -> Result<Self, Problem> {
        let digest = Digest::of(Algorithm::Sha256, &state.to_bytes()?);
        let state = Arc::new(state);
        Ok(Self { digest, state })
    }
}

/// All folders of a server. Cheap to share.
#[derive(Clone)]
pub struct Workspaces(Arc<Inner>);

struct Inner {
    root: PathBuf,
    metadata: Metadata,
    content: ContentStore,
    /// On the disk where all of it is.
    room: Room,
    /// What marks folders as this process left them. Nothing in them is written so that it outlasts a power
    /// failure, so what another process left is looked through once.
    begun: String,
    /// One at a time changes a folder.
    turns: Mutex<HashMap<PathBuf, Weak<tokio::sync::Mutex<()>>>>,
}

/// A folder of objects that are not yet anyone's; it goes away with this value.
#[derive(Debug)]
pub struct Quarantine {
    path: PathBuf,
    room: Room,
}

impl Quarantine {
    /// Where the objects go.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A pack on its way here, as long as the disk has more room than what stays free: the program that
    /// writes it knows of a full disk alone.
    pub fn fitting<'a>(&'a self, pack: Input<'a>) -> Input<'a> {
        let mut left = 0;
        let fitting = pack.map(move |bytes| {
            let bytes = bytes?;
            if bytes.len() >= left {
                self.room.require()?;
                left = LOOK;
            }
            left = left.saturating_sub(bytes.len());
            Ok(bytes)
        });
        fitting.boxed()
    }

    /// A pack that came into it, and its index.
    pub fn files(&self, pack: &Oid) -> [PathBuf; 2] {
        ["pack", "idx"].map(|end| self.path.join(format!("pack/pack-{pack}.{end}")))
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        // The next start removes what stays.
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "objects that nobody wants stay");
        }
    }
}

impl Workspaces {
    /// The folders below `root`, made if it is not there. What a past process left there unfinished is
    /// removed.
    pub fn open(root: &Path, metadata: Metadata, content: ContentStore) -> io::Result<Self> {
        // The program runs in these folders: a path that counts from ours means another one there.
        let root = &std::path::absolute(root)?;
        let quarantine = root.join(QUARANTINE);
        match std::fs::remove_dir_all(&quarantine) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::create_dir_all(&quarantine)?,
        }
        Ok(Self(Arc::new(Inner {
            root: root.to_owned(),
            begun: format!("{:016x}", metadata.new_id()),
            metadata,
            room: content.room_at(root),
            content,
            turns: Mutex::default(),
        })))
    }

    /// Whether the disk has more room than what stays free: for work that can be left undone.
    pub fn require_room(&self) -> Result<(), Problem> {
        Ok(self.0.room.require()?)
    }

    /// A quarantine of one's own.
    pub fn quarantine(&self) -> Result<Quarantine, Problem> {
        let id = format!("{:016x}", self.0.metadata.new_id());
        let path = self.0.root.join(QUARANTINE).join(id);
        std::fs::create_dir_all(path.join("pack")).map_err(disk_failed)?;
        let room = self.0.room.clone();
        Ok(Quarantine { path, room })
    }

    /// A repository of one's own that has nothing.
    pub fn empty(&self, format: ObjectFormat) -> Result<Quarantine, Problem> {
        let empty = self.quarantine()?;
        let state = State {
            format,
            ..State::default()
        };
        begin(&empty.path, "", format)
            .and_then(|()| write_refs(&empty.path, &state))
            .map_err(disk_failed)?;
        Ok(empty)
    }

    /// The folder of a repository, brought to a state or to one that came after it. Other requests may read
    /// in it meanwhile.
    pub async fn at(&self, package: PackageKey<'_>, kept: &Kept) -> Result<PathBuf, Problem> {
        let folder = self.folder(package);
        if is_of(&folder, &self.mark(kept)) {
            self.note_use(&folder);
            return Ok(folder);
        }
        let turn = self.turn(&folder);
        let _turn = turn.lock().await;
        let mut kept = self.newest(package, kept).await?;
        while let Err(problem) = self.renew(package, &folder, &kept).await {
            // What it needs may be in another pack since it was looked at: another server put them together.
            let newest = self.newest(package, &kept).await?;
            if newest.digest == kept.digest {
                return Err(problem);
            }
            kept = newest;
        }
        self.note_use(&folder);
        Ok(folder)
    }

    /// The bytes of packs for which the folder of a repository has bitmaps; `None`: it has none.
    pub fn indexed_bytes(&self, package: PackageKey<'_>) -> Option<u64> {
        let told = std::fs::read_to_string(self.folder(package).join(INDEXED));
        told.ok()?.parse().ok()
    }

    /// Has the packs of a folder be in a quarantine too.
    pub async fn link_packs(&self, folder: &Path, quarantine: &Quarantine) -> Result<(), Problem> {
        let turn = self.turn(folder);
        let _turn = turn.lock().await;
        let link = || {
            for path in files_of(folder)? {
                let is_pack = path
                    .extension()
                    .is_some_and(|end| end == "pack" || end == "idx");
                if let Some(name) = path.file_name().filter(|_| is_pack) {
                    std::fs::hard_link(&path, quarantine.path().join("pack").join(name))?;
                }
            }
            Ok::<_, io::Error>(())
        };
        link().map_err(disk_failed)
    }

    /// Has archives of a folder's commits leave nothing out and fill nothing in, whatever attributes of
    /// files say.
    pub fn keep_all_files(&self, folder: &Path) -> Result<(), Problem> {
        let attributes = folder.join("info/attributes");
        if std::fs::read(&attributes).is_ok_and(|found| found == ATTRIBUTES) {
            return Ok(());
        }
        std::fs::create_dir_all(folder.join("info"))
            .and_then(|()| replace(&attributes, ATTRIBUTES))
            .map_err(Problem::internal)
    }

    /// Takes the index of a quarantine, of so many bytes of packs, into the folder of a repository; not if
    /// one of these packs is no more.
    pub async fn take_index(
        &self,
        package: PackageKey<'_>,
        (quarantine, bytes): (&Quarantine, u64),
    ) -> Result<(), Problem> {
        let folder = self.folder(package);
        let turn = self.turn(&folder);
        let _turn = turn.lock().await;
        let take = || {
            let (packs, from) = (folder.join("objects/pack"), quarantine.path().join("pack"));
            let mut index = Vec::new();
            for entry in std::fs::read_dir(&from)? {
                let name = entry?.file_name();
                if name.to_string_lossy().starts_with(INDEX) {
                    index.push(name);
                } else if !packs.join(&name).try_exists()? {
                    return Ok(());
                }
            }
            remove_index(&folder)?;
            // What it names first: git reads the bitmaps of the index that it finds.
            index.sort_by_key(|name| name == INDEX);
            for name in index {
                // git takes what lost its bytes for a fault of the whole repository.
                std::fs::File::open(from.join(&name))?.sync_all()?;
                std::fs::rename(from.join(&name), packs.join(&name))?;
            }
            replace(&folder.join(INDEXED), bytes.to_string().as_bytes())
        };
        take().map_err(disk_failed)
    }

    /// Writes down now and then that a folder is used.
    fn note_use(&self, folder: &Path) {
        let (mark, now) = (folder.join(STATE), self.0.metadata.now());
        let noted = modified(&mark).and_then(|used| {
            // A file that was just written has the time of the disk.
            if now.since(used) < USED && used <= now {
                return Ok(());
            }
            note_use(&mark, now)
        });
        if let Err(error) = noted {
            tracing::debug!(%error, "that a folder is used could not be written down");
        }
    }

    /// Brings a folder to the newest state: never back to what others have seen gone.
    async fn renew(
        &self,
        package: PackageKey<'_>,
        folder: &Path,
        kept: &Kept,
    ) -> Result<(), Problem> {
        let mark = self.mark(kept);
        if is_of(folder, &mark) {
            return Ok(());
        }
        let told = std::fs::read_to_string(folder.join(STATE)).unwrap_or_default();
        if !told.ends_with(&self.0.begun) {
            self.remove_broken(package, folder, &kept.state).await?;
        }
        begin(folder, package.package, kept.state.format).map_err(disk_failed)?;
        for pack in &kept.state.packs {
            self.bring(package, folder, pack).await?;
        }
        write_refs(folder, &kept.state).map_err(disk_failed)?;
        replace(&folder.join(STATE), mark.as_bytes()).map_err(disk_failed)?;
        // Only now: whoever reads finds everything in the new ones.
        remove_others(folder, &kept.state.packs).map_err(Problem::internal)
    }

    /// The mark of a folder in a state.
    fn mark(&self, kept: &Kept) -> String {
        format!("{} {}", kept.digest, self.0.begun)
    }

    /// Removes the files of packs that are not as large as they were, with the index of all packs.
    async fn remove_broken(
        &self,
        package: PackageKey<'_>,
        folder: &Path,
        state: &State,
    ) -> Result<(), Problem> {
        for pack in &state.packs {
            for end in ["pack", "idx"] {
                let path = pack_file(folder, pack, end);
                let found = match std::fs::metadata(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    found => found.map_err(Problem::internal)?.len(),
                };
                let size = if end == "pack" {
                    Some(pack.size)
                } else {
                    let index = pack.index_path();
                    let index = package.file(FileKind::Artifact, &index);
                    self.0.metadata.stat(index).await?.map(|index| index.size)
                };
                if Some(found) == size {
                    continue;
                }
                tracing::warn!(path = %path.display(), found, "a pack was left broken");
                remove_index(folder)
                    .and_then(|()| std::fs::remove_file(&path))
                    .map_err(Problem::internal)?;
            }
        }
        Ok(())
    }

    /// The state that is kept of a repository now; this one, if none is.
    async fn newest(&self, package: PackageKey<'_>, kept: &Kept) -> Result<Kept, Problem> {
        let key = package.file(FileKind::Document, DOCUMENT);
        let found = self.0.metadata.find(key).await?;
        match found.filter(|found| found.digest != kept.digest) {
            None => Ok(kept.clone()),
            Some(found) => Ok(Kept {
                state: Arc::new(read_state(&self.0.content, &found).await?),
                digest: found.digest,
            }),
        }
    }

    fn folder(&self, package: PackageKey<'_>) -> PathBuf {
        let name = Digest::of(Algorithm::Sha256, package.package.as_bytes()).hex();
        let name = name.get(..NAME_DIGITS).unwrap_or(&name).to_owned();
        let repo = package.repo.to_string();
        self.0.root.join(repo).join(name + ".git")
    }

    fn turn(&self, folder: &Path) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(folder).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(folder.to_owned(), Arc::downgrade(&turn));
        turn
    }

    /// Brings a pack and its index to a folder. The index comes last: without it git sees no pack.
    async fn bring(
        &self,
        package: PackageKey<'_>,
        folder: &Path,
        pack: &Pack,
    ) -> Result<(), Problem> {
        let paths = [(pack.pack_path(), "pack"), (pack.index_path(), "idx")];
        for (path, end) in paths {
            let to = pack_file(folder, pack, end);
            if tokio::fs::try_exists(&to)
                .await
                .map_err(Problem::internal)?
            {
                continue;
            }
            let key = package.file(FileKind::Artifact, &path);
            let found = self.0.metadata.find(key).await?;
            let found = found.ok_or_else(|| Problem::internal(format!("{path} has no row")))?;
            self.0.content.place(&found, &to).await?;
        }
        Ok(())
    }
}

/// The state in a document.
pub async fn read_state(content: &ContentStore, found: &FileRecord) -> Result<State, Problem> {
    let document = content.open(found, 0..found.size).await?;
    State::read(&document.collect(MAX_BYTES).await?)
}

/// Whether a folder is in the state of this mark.
fn is_of(folder: &Path, mark: &str) -> bool {
    std::fs::read(folder.join(STATE)).is_ok_and(|found| found == mark.as_bytes())
}

/// When a file was written, or its folder used.
fn modified(path: &Path) -> io::Result<Timestamp> {
    let since = std::fs::metadata(path)?.modified()?;
    let since = since.duration_since(SystemTime::UNIX_EPOCH);
    let micros = since.unwrap_or_default().as_micros();
    Ok(Timestamp(i64::try_from(micros).unwrap_or(i64::MAX)))
}

/// Writes down that the folder of a mark is used now.
fn note_use(mark: &Path, now: Timestamp) -> io::Result<()> {
    let now = Duration::from_micros(now.0.try_into().unwrap_or_default());
    let file = std::fs::File::options().append(true).open(mark)?;
    file.set_modified(SystemTime::UNIX_EPOCH + now)
}

mod files;
mod sweep;

use files::{
    INDEX, INDEXED, NAME, begin, files_of, pack_file, remove_index, remove_others, replace,
    write_refs,
};

#[cfg(test)]
mod tests;
