//! The repositories that are kept here: each is its state and the packs that it names.

use crate::endpoint::Version;
use crate::oid::Oid;
use crate::program::Program;
use crate::state::{DOCUMENT, Pack, State};
use crate::workspace::{Kept, Quarantine, Workspaces};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use larder_content::{ContentStore, Prepared};
use larder_metadata::Metadata;
use larder_metadata::files::PackageKey;
use larder_model::{Algorithm, Digest, FileKind, Problem, Timestamp};
use larder_storage::content::PIECE_BYTES;
use moka::sync::Cache as Memory;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

/// States in memory, and the most bytes of their documents together.
const STATE_BYTES: u64 = 64 << 20;
/// The most bytes of a state's document: some hundred thousand refs.
const MAX_STATE: usize = 64 << 20;

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
    processes: Arc<Semaphore>,
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
            processes: Arc::new(Semaphore::new(processes)),
        }
    }

    /// The git program. Fails with [`larder_model::Kind::Unsupported`] if it is not installed; it is
    /// looked for again then.
    pub async fn program(&self) -> Result<&Program, Problem> {
        self.program
            .get_or_try_init(|| Program::find(&self.path))
            .await
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
        let state = if let Some((state, _)) = self.states.get(&found.digest) {
            state
        } else {
            let content = self.content.open(&found, 0..found.size).await?;
            let state = Arc::new(State::read(&content.collect(MAX_STATE).await?)?);
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
        let slot = Arc::clone(&self.processes).acquire_owned().await;
        let slot = slot.map_err(Problem::internal)?;
        let folder = self.workspaces.at(package, kept).await?;
        let stream = program.upload_pack(&folder, version, request)?;
        Ok(holding(stream, slot).boxed())
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
    slot: OwnedSemaphorePermit,
) -> impl futures_util::Stream<Item = Result<Bytes, Problem>> + Send + 'static {
    let state = (stream, slot);
    futures_util::stream::unfold(state, |(mut stream, slot)| async move {
        let next = stream.next().await?;
        Some((next, (stream, slot)))
    })
}
