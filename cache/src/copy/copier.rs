//! Copies a version in another repository: of an image all that it names, of a package its files.

use super::graph::GraphReader;
use crate::permissions::read_of;
use crate::publish::{HostedPackages, publishing_of};
use crate::repo::Repo;
use larder_access::{Admission, Allowed};
use larder_metadata::blobs::Putting;
use larder_metadata::copies::{Copied, ImageCopy, VersionCopy};
use larder_metadata::files::FileRecord;
use larder_metadata::publishing::{PackageChange, Step};
use larder_metadata::{Error, Metadata, Requirement};
use larder_mirrors::{Document, Publishing, VersionKind};
use larder_model::{
    Author as _, Digest, FileKind, Kind, Permission, Problem, StoredFile, Tag, Verb,
};
use std::sync::Arc;
use std::time::Duration;

/// How often a copy is made anew because someone else changed the package.
const TRIES: u32 = 64;

/// Copies versions.
pub(crate) struct Copier {
    pub(crate) metadata: Metadata,
    pub(crate) packages: Arc<HostedPackages>,
    pub(crate) graphs: GraphReader,
}

/// From where to where, and by whom.
struct Job<'a> {
    copy: &'a VersionCopy<'a>,
    from: &'a Arc<Repo>,
    to: &'a Arc<Repo>,
    full_name: String,
    by: Allowed<'a>,
}

fn no_version() -> Problem {
    Problem::not_found("version", "no such version of this package here")
}

impl Copier {
    /// Copies a version. The caller's rights are required here: to read it there, and to publish it
    /// here.
    pub(crate) async fn copy(
        &self,
        admission: &Admission,
        copy: &VersionCopy<'_>,
        [from, to]: [&Arc<Repo>; 2],
    ) -> Result<Copied, Problem> {
        admission.require(&read_of(from, copy.package))?;
        let write = Permission {
            verb: Verb::Write,
            ..read_of(to, copy.to_package)
        };
        let by = admission.require(&write)?;
        from.require_not_blocked(copy.package)?;
        if !to.is_hosted() {
            let (name, kind) = (to.record.full_name(), to.kind());
            let detail = format!("{name} is a {kind}: only hosted repositories take copies");
            return Err(Problem::new(Kind::Unsupported, "repository", detail));
        }
        let job = Job {
            copy,
            from,
            to,
            full_name: format!("{}{}", to.prefix(), copy.to_package),
            by,
        };
        let copied = if to.protocol.version_kind() == VersionKind::Tag {
            self.copy_image(&job).await?
        } else {
            self.copy_version(&job).await?
        };
        let (by, source) = (job.by.label(), from.record.full_name());
        let (package, version) = (copy.package, copy.version);
        tracing::info!(by, %source, package, version, to = job.full_name, "version copied");
        Ok(copied)
    }

    async fn copy_image(&self, job: &Job<'_>) -> Result<Copied, Problem> {
        let (root, media_type) = self.root(job).await?;
        let tag = job.copy.to_version;
        let by_digest = tag.parse::<Digest>() == Ok(root);
        if !by_digest && tag.parse::<Tag>().is_err() {
            let detail = format!("{tag:?} is neither a tag nor the digest of what is copied");
            return Err(Problem::invalid("version", detail));
        }
        let graph = self.graphs.graph(job.from, job.copy.package, root).await?;
        let image = ImageCopy {
            putting: Putting {
                package: job.to.package_key(job.copy.to_package),
                by: &job.by,
            },
            full_name: &job.full_name,
            from: job.from.package_key(job.copy.package),
            manifests: &graph.manifests,
            blobs: &graph.blobs,
            tag: (!by_digest).then_some((tag, root, &*media_type)),
        };
        self.metadata
            .copy_image(image)
            .await
            .map_err(|error| unmet(error, job))?;
        Ok(Copied {
            digest: Some(root),
            files: (graph.manifests.len() + graph.blobs.len()) as u64,
            bytes: graph.bytes,
        })
    }

    /// The manifest that is copied, and its media type.
    async fn root(&self, job: &Job<'_>) -> Result<(Digest, Box<str>), Problem> {
        let (package, version) = (job.copy.package, job.copy.version);
        let of = |found: &FileRecord| (found.digest, found.content_type.clone());
        let key = job.from.package_key(package);
        if version.parse::<Digest>().is_ok() {
            let found = self.metadata.stat(key.file(FileKind::Manifest, version));
            return found.await?.as_deref().map(of).ok_or_else(no_version);
        }
        if job.from.is_hosted() {
            let found = self.metadata.stat(key.file(FileKind::Tag, version));
            return found.await?.as_deref().map(of).ok_or_else(no_version);
        }
        if version.parse::<Tag>().is_err() {
            return Err(no_version());
        }
        let tag = Document::tag(package, version);
        let found = self.graphs.documents.find(job.from, &tag).await?;
        found.as_deref().map(of).ok_or_else(no_version)
    }

    async fn copy_version(&self, job: &Job<'_>) -> Result<Copied, Problem> {
        let copy = job.copy;
        let publishing = publishing_of(job.to)?;
        if !job.from.is_hosted() {
            let detail = "only versions that are published here are copied, and images: \
                publish the version's files with its client instead";
            return Err(Problem::new(Kind::Unsupported, "repository", detail));
        }
        if (copy.to_package, copy.to_version) != (copy.package, copy.version) {
            let detail = "a version keeps its package and its name, which stand in its files";
            return Err(Problem::invalid("version", detail));
        }
        for _ in 0..TRIES {
            let all = self.packages.files(job.from, copy.package).await?;
            let is_it = |file: &&StoredFile| {
                file.kind == FileKind::Artifact && *file.version == *copy.version
            };
            let files: Vec<_> = all.iter().filter(is_it).collect();
            if files.is_empty() {
                return Err(no_version());
            }
            let copied = Copied {
                digest: None,
                files: files.len() as u64,
                bytes: files.iter().map(|file| file.size).sum(),
            };
            let key = job.to.package_key(copy.package);
            let revision = self.metadata.revision(key).await?;
            let there = self.packages.files(job.to, copy.package).await?;
            if !require_new(publishing, copy.version, &files, &there)? {
                return Ok(copied);
            }
            let change = PackageChange {
                package: key,
                full_name: &job.full_name,
                revision,
                by: &job.by,
                steps: self.steps(job, &all, &files, &there).await?,
            };
            match self.metadata.change_package(change).await {
                Err(Error::Unmet(Requirement::Revision)) => {}
                outcome => {
                    outcome.map_err(|error| unmet(error, job))?;
                    return Ok(copied);
                }
            }
        }
        Err(Problem::busy(
            "too many change this package at once",
            Duration::from_secs(1),
        ))
    }

    /// The steps that copy files, with the addresses that they have and the tags that point at them
    /// and are not there.
    async fn steps(
        &self,
        job: &Job<'_>,
        all: &[StoredFile],
        files: &[&StoredFile],
        there: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::new();
        for file in files {
            steps.push(Step::Copy {
                from: job.from.record.id,
                package: job.copy.package.into(),
                path: file.path.clone(),
                digest: file.digest,
            });
            let address = self.metadata.stat(job.from.address_key(&file.path)).await?;
            if address.is_some_and(|address| *address.owner == *job.copy.package) {
                steps.push(Step::AddAddress {
                    path: file.path.to_string(),
                    digest: file.digest,
                });
            }
        }
        let is_new = |tag: &StoredFile| {
            let is_it = |other: &StoredFile| other.kind == tag.kind && other.path == tag.path;
            !there.iter().any(is_it)
        };
        let points_here =
            |tag: &&StoredFile| tag.kind == FileKind::Tag && *tag.version == *job.copy.version;
        for tag in all.iter().filter(points_here).filter(|tag| is_new(tag)) {
            steps.push(Step::SetTag {
                tag: tag.path.to_string(),
                version: tag.version.to_string(),
                digest: tag.digest,
            });
        }
        Ok(steps)
    }
}

/// Whether a version is new in a package; a problem if another one of this name is or was there.
fn require_new(
    publishing: &dyn Publishing,
    version: &str,
    files: &[&StoredFile],
    there: &[StoredFile],
) -> Result<bool, Problem> {
    let of = |kind| there.iter().filter(move |file| file.kind == kind);
    let is_same = |other: &str| publishing.is_same_version(version, other);
    let is_file = |path: &str| files.iter().any(|file| *file.path == *path);
    let mut gone = of(FileKind::Tombstone);
    if gone.any(|tombstone| is_same(&tombstone.path) || is_file(&tombstone.path)) {
        let detail = format!("{version} was deleted there, and stays reserved");
        return Err(Problem::new(Kind::Conflict, "version", detail));
    }
    let present: Vec<_> = of(FileKind::Artifact)
        .filter(|file| is_same(&file.version) || is_file(&file.path))
        .collect();
    if present.is_empty() {
        return Ok(true);
    }
    let has = |file: &&StoredFile| {
        let mut others = present.iter();
        others.any(|other| other.path == file.path && other.digest == file.digest)
    };
    if present.len() == files.len() && files.iter().all(has) {
        return Ok(false);
    }
    let detail = format!("{version} is published there already, and is never replaced");
    Err(Problem::new(Kind::Conflict, "version", detail))
}

fn unmet(error: Error, job: &Job<'_>) -> Problem {
    let (name, package) = (job.to.record.full_name(), job.copy.to_package);
    match error {
        Error::Unmet(Requirement::NameFree) => Problem::reserved(name, package),
        Error::Unmet(_) => {
            let detail = "a file of it was removed meanwhile, or has its name there: try again";
            Problem::new(Kind::Conflict, "version", detail)
        }
        error => error.into(),
    }
}
