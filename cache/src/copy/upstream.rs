//! A version that a mirror's upstream has: its files, kept, and what a protocol makes of them.

use crate::artifact::{ArtifactSource, Artifacts, Plans, Wanted};
use crate::bodies::Bodies;
use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::Copying;
use larder_mirrors::copying::{FileCopy, UpstreamVersion, VersionFile};
use larder_mirrors::publishing::{Body, PublishLimits, Step};
use larder_model::{Checker, FileKind, Integrity, Kind, Problem, StoredFile};
use larder_storage::content::PIECE_BYTES;
use std::sync::Arc;

/// Documents and lists that are read to find a version: some protocols have one for each of its
/// files.
const MAX_STEPS: usize = 256;
/// Kept documents by which a version is found.
const MAX_DOCUMENTS: u64 = 1000;

/// Reads versions of mirrors.
pub(crate) struct UpstreamReader {
    pub(crate) metadata: Metadata,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) plans: Arc<Plans>,
    pub(crate) artifacts: Arc<Artifacts>,
    pub(crate) limits: PublishLimits,
}

/// A file of a version, kept.
pub(crate) struct KeptFile {
    pub(crate) file: VersionFile,
    pub(crate) found: Arc<FileRecord>,
}

/// The problem of a version that is nowhere.
pub(super) fn no_version() -> Problem {
    Problem::not_found("version", "no such version of this package here")
}

/// Whether nothing is promised of a file but that its contents stay what they are.
fn is_first(integrity: &Integrity) -> bool {
    integrity.contents().is_some_and(|it| it.sum.is_none())
}

/// Copying, in the protocol of a repo.
fn copying_of(repo: &Repo) -> Result<&'static dyn Copying, Problem> {
    let detail = "versions of this protocol are not copied from mirrors";
    repo.protocol
        .copying()
        .ok_or_else(|| Problem::new(Kind::Unsupported, "repository", detail))
}

impl UpstreamReader {
    /// The files of a version. What is not kept yet is fetched, verified and kept by the mirror. A
    /// problem of kind `Conflict` if the upstream lacks one, or if one that is kept is not what the
    /// index promises by now.
    pub(crate) async fn files(
        &self,
        repo: &Arc<Repo>,
        package: &str,
        version: &str,
    ) -> Result<Vec<KeptFile>, Problem> {
        let copying = copying_of(repo)?;
        let documents = self.documents(repo, package).await?;
        let wanted = UpstreamVersion {
            package,
            version,
            documents: &documents,
        };
        let step = |known: &[_], tables: &[_]| copying.files(&wanted, known, tables);
        let files = self.plans.follow(repo, (MAX_STEPS, false), step).await?;
        let mut kept = Vec::new();
        for file in files {
            let found = self.fetch(repo, &file).await?;
            kept.push(KeptFile { file, found });
        }
        Ok(kept)
    }

    /// The paths of the documents that are kept of a package.
    async fn documents(&self, repo: &Repo, package: &str) -> Result<Vec<Box<str>>, Problem> {
        let document = repo.protocol.package_document(package);
        let package = match &document {
            Some(document) => &*document.package,
            // Sets tell of all packages.
            None if repo.protocol.sets().is_some() => "",
            None => return Ok(Vec::new()),
        };
        let key = repo.package_key(package);
        let kept = self
            .metadata
            .list(key, FileKind::Document, "", MAX_DOCUMENTS);
        Ok(kept.await?.into_iter().map(|file| file.path).collect())
    }

    async fn fetch(
        &self,
        repo: &Arc<Repo>,
        file: &VersionFile,
    ) -> Result<Arc<FileRecord>, Problem> {
        let path = &file.artifact.path;
        match self.artifacts.get(repo, &file.artifact, Wanted::Kept).await {
            Ok(ArtifactSource::Stored(_) | ArtifactSource::Downloaded(_)) => {}
            Ok(ArtifactSource::Streaming(..)) => {
                return Err(Problem::internal("it was to be kept"));
            }
            // No index says that it is there.
            Err(problem) if problem.kind == Kind::NotFound && is_first(&file.integrity) => {
                return Err(no_version());
            }
            Err(problem) if problem.kind == Kind::NotFound => {
                return Err(conflict(&format!("{path} is neither kept nor upstream")));
            }
            Err(problem) => {
                let detail = format!("{path}: {}: nothing was copied", problem.detail);
                return Err(Problem {
                    detail: detail.into(),
                    ..problem
                });
            }
        }
        // The row, which says what was promised of the bytes.
        let found = self
            .metadata
            .find(repo.artifact_key(&file.artifact))
            .await?
            .ok_or_else(|| conflict(&format!("{path} was removed meanwhile")))?;
        // It may have come when the index promised something else.
        let is_as_promised = file.integrity.is_recorded_as(&found.integrity);
        if !is_as_promised && !self.agrees(&found, &file.integrity).await? {
            let why = "is kept, and is not what the index promises by now: delete the version in \
                the mirror, so that it is fetched again";
            return Err(conflict(&format!("{path} {why}")));
        }
        Ok(found)
    }

    /// Whether the bytes of a kept file are those that an index promises.
    async fn agrees(&self, found: &FileRecord, integrity: &Integrity) -> Result<bool, Problem> {
        if let Some(contents) = integrity.contents().cloned() {
            let sum = move |body: &mut dyn Body| contents.require(body);
            return match self.bodies.read_with(found, sum).await {
                Err(problem) if problem.kind == Kind::DigestMismatch => Ok(false),
                sum => sum.map(|_| true),
            };
        }
        let mut checker = Checker::new(integrity);
        let check = move |body: &mut dyn Body| {
            let mut piece = vec![0; PIECE_BYTES];
            loop {
                match body.read(&mut piece).map_err(Problem::internal)? {
                    0 => return Ok(checker.agrees()),
                    count => checker.update(&piece[..count]),
                }
            }
        };
        self.bodies.read_with(found, check).await
    }

    /// The steps that publish a file, given those that are there.
    pub(crate) async fn steps(
        &self,
        repo: &Repo,
        (package, version): (&str, &str),
        kept: &KeptFile,
        there: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let copying = copying_of(repo)?;
        let (digest, size) = (kept.found.digest, kept.found.size);
        let (package, version): (Box<str>, Box<str>) = (package.into(), version.into());
        let (file, there) = (kept.file.clone(), there.to_vec());
        let limits = self.limits;
        let steps = move |body: &mut dyn Body| {
            let copy = FileCopy {
                package: &package,
                version: &version,
                file: &file,
                digest,
                size,
                limits: &limits,
            };
            copying.steps(&copy, body, &there)
        };
        let steps = self.bodies.read_with(&kept.found, steps).await;
        let steps = steps.map_err(|problem| unfit(&kept.file.artifact.path, problem))?;
        let now = self.metadata.now();
        Ok(steps.into_iter().map(|step| step.at(now)).collect())
    }
}

fn conflict(why: &str) -> Problem {
    let detail = format!("{why}: nothing was copied");
    Problem::new(Kind::Conflict, "version", detail)
}

/// A file that cannot be published is not the request's fault.
fn unfit(path: &str, problem: Problem) -> Problem {
    match problem.kind {
        Kind::Invalid | Kind::TooLarge | Kind::DigestMismatch => {
            let why = format!("{path} cannot be published here: {}", problem.detail);
            conflict(&why).because(problem)
        }
        _ => problem,
    }
}
