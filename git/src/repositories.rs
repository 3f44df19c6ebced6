//! The repositories that are kept here: each is its state and the packs that it names.

use crate::endpoint::Version;
use crate::oid::Oid;
use crate::program::{Place, Program};
use crate::running::Input;
use crate::slots::{Slot, Slots};
use crate::state::{CONTENT_TYPE, DOCUMENT, Pack, State};
use crate::workspace::{Kept, Quarantine, Workspaces, read_state};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use larder_content::{ContentStore, Prepared};
use larder_metadata::blobs::NewBlob;
use larder_metadata::files::PackageKey;
use larder_metadata::publishing::{PackageChange, RefChange, Step};
use larder_metadata::{Error, Metadata, Requirement};
use larder_model::{Algorithm, Author, Digest, FileKind, Problem, Timestamp};
use larder_storage::content::PIECE_BYTES;
use moka::sync::Cache as Memory;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::sync::OnceCell;

/// States in memory, and the most bytes of their documents together.
const STATE_BYTES: u64 = 64 << 20;
/// The media types of packs and their indexes.
const PACK_TYPES: [&str; 2] = ["application/x-git-pack", "application/x-git-pack-index"];

/// A repository as it is found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is kept of it.
    pub kept: Kept,
    /// When its upstream confirmed that, or when it was pushed to.
    pub checked_at: Timestamp,
}

/// A pack that is durable and waits for the commit that names it.
#[derive(Debug)]
pub struct NewPack {
    /// How the state is to name it.
    pub pack: Pack,
    /// Its bytes.
    pub prepared: Prepared,
    /// Its index's bytes.
    pub index: Prepared,
}

/// A state that is to follow another.
pub struct StateChange<'a> {
    /// The repository's rows.
    pub package: PackageKey<'a>,
    /// Its name as `git/local/team/tool`.
    pub full_name: &'a str,
    /// The revision that it must still have.
    pub revision: Option<i64>,
    /// The state that this one was made from; `None`: none was kept.
    pub before: Option<Digest>,
    /// Who changes it.
    pub by: &'a dyn Author,
    /// When its refs were confirmed; `None`: nobody asked for them.
    pub checked_at: Option<Timestamp>,
    /// The new state, without the new pack.
    pub state: State,
    /// The refs that somebody changed, for the audit trail.
    pub refs: Vec<RefChange>,
    /// A pack that comes with it.
    pub pack: Option<NewPack>,
    /// Packs that the new state has no more.
    pub gone: Vec<Pack>,
}

/// All repositories of a server.
pub struct Repositories {
    metadata: Metadata,
    content: ContentStore,
    workspaces: Workspaces,
    /// Where the git program is.
    path: PathBuf,
    program: OnceCell<Program>,
    states: Memory<Digest, (Arc<State>, u32)>,
    /// Calls of the program that give objects away at once.
    slots: Slots,
}

impl Repositories {
    /// Repositories with their folders below `root`; so many calls of the program at `path` at once.
    pub fn new(
        metadata: Metadata,
        content: ContentStore,
        workspaces: Workspaces,
        (path, processes): (&Path, usize),
    ) -> Self {
        let weigh = |_: &Digest, (_, bytes): &(Arc<State>, u32)| *bytes;
        Self {
            metadata,
            content,
            workspaces,
            path: path.to_owned(),
            program: OnceCell::new(),
            states: Memory::builder()
                .max_capacity(STATE_BYTES)
                .weigher(weigh)
                .build(),
            slots: Slots::new(processes),
        }
    }

    /// Packs of a repository whose bytes are known to be damaged or lost here.
    pub async fn damaged_packs(
        &self,
        package: PackageKey<'_>,
        kept: &Kept,
    ) -> Result<Vec<Pack>, Problem> {
        let mut damaged = Vec::new();
        for pack in &kept.state.packs {
            for path in [pack.pack_path(), pack.index_path()] {
                let found = self.metadata.find(package.file(FileKind::Artifact, &path));
                if found.await?.is_none_or(|found| found.damaged) {
                    damaged.push(pack.clone());
                    break;
                }
            }
        }
        Ok(damaged)
    }

    /// The git program. Fails with [`larder_model::Kind::Unsupported`] if it is not installed; it is
    /// looked for again then.
    pub async fn program(&self) -> Result<&Program, Problem> {
        self.program
            .get_or_try_init(|| Program::find(&self.path))
            .await
    }

    /// The store of all bytes.
    pub const fn content(&self) -> &ContentStore {
        &self.content
    }

    /// The folders of repositories.
    pub const fn workspaces(&self) -> &Workspaces {
        &self.workspaces
    }

    /// A repository; `None` if there is none of that name.
    pub async fn find(&self, package: PackageKey<'_>) -> Result<Option<Found>, Problem> {
        let key = package.file(FileKind::Document, DOCUMENT);
        let Some(found) = self.metadata.find(key).await? else {
            return Ok(None);
        };
        self.metadata.note_use(key, &found);
        let state = if let Some((state, _)) = self.states.get(&found.digest) {
            state
        } else {
            let state = Arc::new(read_state(&self.content, &found).await?);
            let bytes = u32::try_from(found.size).unwrap_or(u32::MAX);
            let entry = (Arc::clone(&state), bytes);
            self.states.insert(found.digest, entry);
            state
        };
        let digest = found.digest;
        Ok(Some(Found {
            kept: Kept { digest, state },
            checked_at: found.checked_at,
        }))
    }

    /// Answers a client's request for objects.
    pub async fn upload_pack(
        &self,
        package: PackageKey<'_>,
        kept: &Kept,
        (version, request): (Version, Bytes),
    ) -> Result<BoxStream<'static, Result<Bytes, Problem>>, Problem> {
        let program = self.program().await?;
        let slot = self.slots.take().await?;
        let folder = self.workspaces.at(package, kept).await?;
        let stream = program.upload_pack(&folder, version, request)?;
        Ok(holding(stream, slot).boxed())
    }

    /// Takes a pack into a quarantine ([`Program::index_pack`]). It comes as it comes; what its objects are
    /// is worked out in a slot once all of it is there: that alone takes much memory.
    pub(crate) async fn index_pack(
        &self,
        place: Place<'_>,
        quarantine: &Quarantine,
        pack: Input<'_>,
    ) -> Result<Oid, Problem> {
        let program = self.program().await?;
        let slot = OnceCell::new();
        let take = async { slot.get_or_try_init(|| self.slots.take()).await.map(drop) };
        let pack = ended_after(quarantine.fitting(pack), take.boxed()).boxed();
        program.index_pack(place, pack).await
    }

    /// Makes a pack of a quarantine durable, with its index.
    pub async fn take_in(&self, quarantine: &Quarantine, name: &Oid) -> Result<NewPack, Problem> {
        let [pack, index] = quarantine.files(name);
        let (prepared, index) = (self.prepare(&pack).await?, self.prepare(&index).await?);
        let pack = Pack {
            name: name.clone(),
            pack: prepared.digest(),
            index: index.digest(),
            size: prepared.size(),
        };
        Ok(NewPack {
            pack,
            prepared,
            index,
        })
    }

    /// Writes a state and the pack that it needs, in one commit; whether nobody else was first. If not, the
    /// pack is no more: who tries again takes it in again.
    pub async fn write(&self, change: StateChange<'_>) -> Result<bool, Problem> {
        let (mut state, refs) = (change.state, change.refs);
        let (mut paths, mut prepared) = (Vec::new(), Vec::new());
        if let Some(new) = change.pack.filter(|new| !state.packs.contains(&new.pack)) {
            paths = vec![new.pack.pack_path(), new.pack.index_path()];
            state.packs.push(new.pack);
            prepared = vec![new.prepared, new.index];
        }
        let bytes = Bytes::from(state.to_bytes()?);
        prepared.insert(0, self.content.prepare(&bytes).await?);
        let write = async |blobs: Vec<NewBlob>| {
            let [document, files @ ..] = &blobs[..] else {
                return Err(Error::Unmet(Requirement::Blob));
            };
            let files = paths.iter().zip(files).zip(PACK_TYPES);
            let add = |((path, blob), content_type): ((&String, &NewBlob), _)| Step::Add {
                kind: FileKind::Artifact,
                path: path.clone(),
                version: String::new(),
                blob: blob.clone(),
                content_type,
                metadata: String::new(),
            };
            let set = Step::SetDocument {
                path: DOCUMENT.to_owned(),
                before: change.before,
                blob: document.clone(),
                content_type: CONTENT_TYPE,
                checked_at: change.checked_at,
                refs,
            };
            let gone = change.gone.iter();
            let gone = gone.flat_map(|pack| [pack.pack_path(), pack.index_path()]);
            let remove = |path: String| Step::Remove {
                kind: FileKind::Artifact,
                path,
            };
            let change = PackageChange {
                package: change.package,
                full_name: change.full_name,
                revision: change.revision,
                by: change.by,
                steps: gone
                    .map(remove)
                    .chain(files.map(add))
                    .chain([set])
                    .collect(),
                reason: "",
                held: None,
                replaces: true,
            };
            self.metadata.change_package(change).await
        };
        match self.content.keep_all(prepared, write).await {
            Ok(()) => Ok(true),
            // Another server was first, or what is named was let go meanwhile.
            Err(Error::Unmet(Requirement::Revision | Requirement::File | Requirement::Blob)) => {
                Ok(false)
            }
            Err(Error::Unmet(Requirement::NameFree)) => {
                let path = change.package.package;
                let repo = change.full_name.strip_suffix(path).unwrap_or_default();
                Err(Problem::reserved(repo.trim_end_matches('/'), path))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn prepare(&self, path: &Path) -> Result<Prepared, Problem> {
        let file = tokio::fs::File::open(path).await;
        let mut file = file.map_err(Problem::internal)?;
        let work = async |mut staging: larder_storage::Staging| {
            loop {
                let mut piece = bytes::BytesMut::with_capacity(PIECE_BYTES);
                let read = file.read_buf(&mut piece).await;
                if read.map_err(Problem::internal)? == 0 {
                    break;
                }
                staging.append(piece.freeze()).await?;
            }
            self.content.prepare_staged(staging).await
        };
        self.content.with_staging(Algorithm::Sha256, work).await
    }
}

/// A stream that holds a slot until its end.
fn holding(
    stream: BoxStream<'static, Result<Bytes, Problem>>,
    slot: Slot,
) -> impl futures_util::Stream<Item = Result<Bytes, Problem>> + Send + 'static {
    let state = (stream, slot);
    stream::unfold(state, |(mut stream, slot)| async move {
        slot.works();
        let next = stream.next().await?;
        slot.waits();
        Some((next, (stream, slot)))
    })
}

/// A pack whose last bytes come after something else: the program works as soon as it has them.
fn ended_after<'a>(
    pack: Input<'a>,
    before_end: BoxFuture<'a, Result<(), Problem>>,
) -> impl Stream<Item = Result<Bytes, Problem>> + Send + 'a {
    let state = Some((pack, before_end, None));
    stream::unfold(state, async |state| {
        let (mut pack, before_end, mut last): (_, _, Option<Bytes>) = state?;
        loop {
            let next = match pack.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => continue,
                next => next,
            };
            match next {
                Some(Ok(bytes)) => {
                    if let Some(earlier) = last.replace(bytes) {
                        return Some((Ok(earlier), Some((pack, before_end, last))));
                    }
                }
                Some(Err(problem)) => return Some((Err(problem), None)),
                None => {
                    let ended = before_end.await;
                    return ended
                        .map_or_else(|it| Some(Err(it)), |()| last.map(Ok))
                        .map(|it| (it, None));
                }
            }
        }
    })
}

mod trees;

pub use trees::{NamedCommit, Tree};

#[cfg(test)]
mod tests;
