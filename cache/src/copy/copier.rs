//! Copies a version in another repository: of an image all that it names, of a package its files.

use super::conflict::require_new;
use super::graph::GraphReader;
use super::planned::{Planned, named as named_files};
use super::upstream::{KeptFile, UpstreamReader, no_version};
use crate::permissions::read_of;
use crate::publish::{HostedPackages, publishing_of};
use crate::repo::Repo;
use larder_access::{Admission, Allowed};
use larder_content::ContentStore;
use larder_metadata::blobs::{NewBlob, Putting};
use larder_metadata::copies::{Copied, ImageCopy, VersionCopy};
use larder_metadata::files::FileRecord;
use larder_metadata::publishing::{PackageChange, Step};
use larder_metadata::{Error, Metadata, Requirement};
use larder_mirrors::{Document, VersionKind};
use larder_model::{
    Author as _, Digest, FileKind, Kind, Permission, Problem, RepoKind, StoredFile, Tag, Verb,
};
use std::sync::Arc;
use std::time::Duration;

/// How often a copy is made anew because someone else changed the package.
const TRIES: u32 = 64;

/// Copies versions.
pub(crate) struct Copier {
    pub(crate) metadata: Metadata,
    pub(crate) content: ContentStore,
    pub(crate) packages: Arc<HostedPackages>,
    pub(crate) graphs: GraphReader,
    pub(crate) upstream: UpstreamReader,
}

/// From where to where, and by whom.
struct Job<'a> {
    copy: &'a VersionCopy<'a>,
    from: &'a Arc<Repo>,
    to: &'a Arc<Repo>,
    full_name: String,
    by: Allowed<'a>,
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
        if let Ok(digest) = version.parse() {
            let found = self.metadata.stat(key.file(FileKind::Manifest, version));
            let found = found.await?.ok_or_else(no_version)?;
            return Ok((digest, found.content_type.clone()));
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
        publishing_of(job.to)?;
        if (copy.to_package, copy.to_version) != (copy.package, copy.version) {
            let detail = "a version keeps its package and its name, which stand in its files";
            return Err(Problem::invalid("version", detail));
        }
        let kept = match job.from.kind() {
            RepoKind::Hosted => None,
            RepoKind::Mirror => Some(self.upstream_files(job).await?),
            RepoKind::Group => {
                let detail = "a version is copied from a member of the group";
                return Err(Problem::new(Kind::Unsupported, "repository", detail));
            }
        };
        for _ in 0..TRIES {
            let key = job.to.package_key(copy.package);
            let revision = self.metadata.revision(key).await?;
            let there = self.packages.files(job.to, copy.package).await?;
            let planned = match &kept {
                None => self.plan_hosted(job, &there).await?,
                Some(kept) => self.plan_mirrored(job, kept, &there).await?,
            };
            let copied = planned.copied();
            if planned.is_empty() || self.carry_out(job, revision, planned).await? {
                return Ok(copied);
            }
        }
        Err(Problem::busy(
            "too many change this package at once",
            Duration::from_secs(1),
        ))
    }

    /// Carries a plan out; whether no other change was first.
    async fn carry_out(
        &self,
        job: &Job<'_>,
        revision: Option<i64>,
        planned: Planned,
    ) -> Result<bool, Problem> {
        let mut prepared = Vec::new();
        for made in &planned.made {
            prepared.push(self.content.prepare(&made.bytes).await?);
        }
        let write = async |blobs: Vec<NewBlob>| {
            let made = planned.made.into_iter().zip(blobs);
            let adds = made.map(|(made, blob)| Step::Add {
                kind: FileKind::Artifact,
                path: made.path,
                version: made.version,
                blob,
                content_type: made.content_type,
                metadata: made.metadata,
            });
            let mut steps = planned.steps;
            steps.extend(adds);
            let change = PackageChange {
                package: job.to.package_key(job.copy.package),
                full_name: &job.full_name,
                revision,
                by: &job.by,
                steps,
                reason: "",
                held: None,
                replaces: false,
            };
            self.metadata.change_package(change).await
        };
        match self.content.keep_all(prepared, write).await {
            Err(Error::Unmet(Requirement::Revision)) => Ok(false),
            outcome => outcome.map(|()| true).map_err(|error| unmet(error, job)),
        }
    }

    /// The files of a mirror's version, kept.
    async fn upstream_files(&self, job: &Job<'_>) -> Result<Vec<KeptFile>, Problem> {
        let (package, version) = (job.copy.package, job.copy.version);
        let files = self.upstream.files(job.from, package, version).await?;
        if files.is_empty() {
            return Err(no_version());
        }
        Ok(files)
    }

    /// What copies a version of a mirror, as if a client published its files one by one.
    async fn plan_mirrored(
        &self,
        job: &Job<'_>,
        kept: &[KeptFile],
        there: &[StoredFile],
    ) -> Result<Planned, Problem> {
        let publishing = publishing_of(job.to)?;
        let named = (job.copy.package, job.copy.version);
        let is_other = |file: &&StoredFile| {
            file.kind != FileKind::Artifact || !publishing.is_same_version(named.1, &file.version)
        };
        let mut beside: Vec<_> = there.iter().filter(is_other).cloned().collect();
        let (mut planned, mut added) = (Planned::default(), Vec::new());
        for file in kept {
            let steps = self.upstream.steps(job.from, named, file, &beside).await?;
            let files = planned.add(job.from, named.0, file, steps)?;
            beside.extend_from_slice(&files);
            added.extend(files);
        }
        if !require_new(publishing, named, &named_files(&added), there)? {
            planned.clear();
        }
        Ok(planned)
    }

    /// What copies a version that is published, with its tags and its addresses.
    async fn plan_hosted(&self, job: &Job<'_>, there: &[StoredFile]) -> Result<Planned, Problem> {
        let named = (job.copy.package, job.copy.version);
        let all = self.packages.files(job.from, named.0).await?;
        let is_it =
            |file: &&StoredFile| file.kind == FileKind::Artifact && *file.version == *named.1;
        let files: Vec<_> = all.iter().filter(is_it).cloned().collect();
        if files.is_empty() {
            return Err(no_version());
        }
        let mut planned = Planned::default();
        for file in &files {
            planned.count(file.size);
        }
        let publishing = publishing_of(job.to)?;
        if require_new(publishing, named, &named_files(&files), there)? {
            planned.steps = self.steps(job, &all, &files, there).await?;
        }
        Ok(planned)
    }

    /// The steps that copy files, with the addresses that they have and the tags that point at them
    /// and are not there.
    async fn steps(
        &self,
        job: &Job<'_>,
        all: &[StoredFile],
        files: &[StoredFile],
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
