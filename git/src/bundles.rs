//! Bundles (the command `bundle-uri` of gitprotocol-v2): what a large repository has, as one file with an
//! address of its own. Clients that take it ask for little else, and git packs nothing for them.

use crate::behind::Behind;
use crate::large_files::Place;
use crate::pkt_line::Writer;
use crate::repositories::Repositories;
use crate::workspace::Kept;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue};
use larder_door::{Answer, BlobAnswer, Lasts};
use larder_metadata::blobs::NewBlob;
use larder_metadata::files::FileEntry;
use larder_metadata::publishing::{PackageChange, Step};
use larder_metadata::{Error, Metadata, Requirement};
use larder_model::{Algorithm, Digest, FileKind, Problem, System};
use larder_storage::Staging;
use std::sync::Arc;

/// The media type of a bundle.
const CONTENT_TYPE: &str = "application/x-git-bundle";
/// The folder of bundles among the artifacts of a package, and what comes after all that is in it.
const FOLDER: &str = "bundles/";
/// A repository whose packs have less is cloned fast enough.
const MIN_BYTES: u64 = 8 << 20;
/// A bundle is made anew once the packs have so many times the bytes that they had when it was made.
const GROWTH: u64 = 2;
/// Bundles of one repository: one, unless two servers made one at once.
const MAX_BUNDLES: u64 = 8;
/// How often a bundle's row is written when others change the repository first.
const TRIES: usize = 8;

/// The bundles of all repositories. Cheap to share.
#[derive(Clone)]
pub struct Bundles(Arc<Inner>);

struct Inner {
    metadata: Metadata,
    repositories: Arc<Repositories>,
    behind: Behind,
}

/// Where a bundle is that was made of packs of so many bytes: they may have more than what refs stand for,
/// so its own size does not tell.
fn path_of(digest: &Digest, packs: u64) -> String {
    format!("{FOLDER}{}-{packs}", digest.hex())
}

/// The bytes of packs of which a bundle was made; of older ones nothing is told, and theirs stand for them.
fn made_of(path: &str, own: u64) -> u64 {
    let told = path.rsplit_once('-');
    told.and_then(|(_, packs)| packs.parse().ok())
        .unwrap_or(own)
}

/// Whether a bundle is to be made of packs of so many bytes, or made anew that was made of packs of so many.
const fn is_due(packs: u64, made_of: Option<u64>) -> bool {
    match made_of {
        None => packs >= MIN_BYTES,
        Some(bytes) => packs / GROWTH > bytes,
    }
}

/// The answer to the command: the bundle at an address, or none.
pub fn answer(address: Option<&str>) -> Vec<u8> {
    let mut lines = Writer::default();
    if let Some(address) = address {
        lines.line("bundle.version=1");
        lines.line("bundle.mode=all");
        lines.line(&format!("bundle.all.uri={address}"));
    }
    lines.flush();
    lines.into_bytes()
}

impl Bundles {
    /// Bundles of these repositories.
    pub fn new(metadata: Metadata, repositories: Arc<Repositories>) -> Self {
        Self(Arc::new(Inner {
            metadata,
            repositories,
            behind: Behind::new("making a bundle"),
        }))
    }

    /// The bundle of a repository, if there is one. One that is due is begun, and made behind whoever asks.
    pub async fn of(&self, place: &Place, kept: &Kept) -> Result<Option<Digest>, Problem> {
        let packs = kept.state.packed_bytes();
        if packs < MIN_BYTES {
            return Ok(None);
        }
        let found = self.all(place).await?.into_iter().next();
        let size = match &found {
            Some(found) => self.size(place, &found.path).await?,
            None => None,
        };
        let known = found.as_ref().zip(size);
        let known = known.map(|(found, size)| made_of(&found.path, size));
        if is_due(packs, known) {
            let (this, own, kept) = (self.clone(), place.clone(), kept.clone());
            let work = || async move { this.make(&own, &kept).await };
            self.0.behind.begin(place.package(), work);
        }
        Ok(found.filter(|_| size.is_some()).map(|found| found.digest))
    }

    /// Answers with a bundle.
    pub async fn get(&self, place: &Place, digest: &Digest) -> Result<Answer, Problem> {
        let missing = || Problem::not_found("bundle", "no such bundle is kept: fetch without it");
        let mut all = self.all(place).await?.into_iter();
        let entry = all.find(|it| it.digest == *digest).ok_or_else(missing)?;
        let key = place.package().file(FileKind::Artifact, &entry.path);
        let found = self.0.metadata.find(key).await?;
        Ok(Answer::Blob(BlobAnswer {
            found: found.ok_or_else(missing)?,
            content_type: HeaderValue::from_static(CONTENT_TYPE),
            headers: HeaderMap::new(),
            lasts: Lasts::Forever,
            private: false,
            overlay: None,
            changed: None,
        }))
    }

    async fn all(&self, place: &Place) -> Result<Vec<FileEntry>, Error> {
        let kind = FileKind::Artifact;
        let files = self
            .0
            .metadata
            .list(place.package(), kind, FOLDER, MAX_BUNDLES)
            .await?;
        let is_bundle = |file: &FileEntry| file.path.starts_with(FOLDER);
        Ok(files.into_iter().filter(is_bundle).collect())
    }

    async fn size(&self, place: &Place, path: &str) -> Result<Option<u64>, Error> {
        let key = place.package().file(FileKind::Artifact, path);
        let found = self.0.metadata.stat(key).await?;
        Ok(found.filter(|found| !found.damaged).map(|found| found.size))
    }

    /// Makes a bundle, in place of those that there are.
    async fn make(&self, place: &Place, kept: &Kept) -> Result<(), Problem> {
        let (repositories, metadata) = (&self.0.repositories, &self.0.metadata);
        let package = place.package();
        let folder = repositories.workspaces().at(package, kept).await?;
        let mut bundle = repositories.program().await?.bundle(&folder)?;
        let content = repositories.content();
        let work = async |mut staging: Staging| {
            while let Some(bytes) = bundle.next().await {
                staging.append(bytes?).await?;
            }
            content.prepare_staged(staging).await
        };
        let prepared = content.with_staging(Algorithm::Sha256, work).await?;
        let path = path_of(&prepared.digest(), kept.state.packed_bytes());
        let full_name = place.full_name();
        let write = async |blob: NewBlob| {
            for _ in 0..TRIES {
                let revision = metadata.revision(package).await?;
                let before = self.all(place).await?;
                // Also the same: it was damaged, or of fewer packs.
                let remove = |old: &FileEntry| Step::Remove {
                    kind: FileKind::Artifact,
                    path: old.path.to_string(),
                };
                let add = Step::Add {
                    kind: FileKind::Artifact,
                    path: path.clone(),
                    version: String::new(),
                    blob: blob.clone(),
                    content_type: CONTENT_TYPE,
                    metadata: String::new(),
                };
                let change = PackageChange {
                    package,
                    full_name: &full_name,
                    revision,
                    by: &System::Larder,
                    steps: before.iter().map(remove).chain([add]).collect(),
                    reason: "",
                    held: None,
                    replaces: true,
                };
                match metadata.change_package(change).await {
                    Err(Error::Unmet(Requirement::Revision)) => {}
                    written => return written,
                }
            }
            Err(Error::Unmet(Requirement::Revision))
        };
        match content.keep(prepared, write).await {
            // Others are always first: the next request looks again.
            Err(Error::Unmet(Requirement::Revision | Requirement::File)) => Ok(()),
            kept => Ok(kept?),
        }
    }
}

impl std::fmt::Debug for Bundles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundles").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
