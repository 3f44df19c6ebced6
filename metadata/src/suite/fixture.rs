//! What the checks share: authors, bytes, and a repository for each check.

use crate::blobs::{NewBlob, Putting};
use crate::documents::{NewFile, NewFiles};
use crate::files::{FileKey, FileRecord, PackageKey};
use crate::manifests::{Expect, NewManifest};
use crate::publishing::{PackageChange, Step};
use crate::repos::{NewRepo, RepoRecord};
use crate::{Error, Metadata, Requirement};
use larder_model::{
    Algorithm, Author, Digest, FileKind, ProtocolName, RepoKind, RepoName, RepoSettings, System,
    Timestamp,
};
use std::sync::Arc;

pub(super) const NPM: ProtocolName = ProtocolName("npm");

/// A person who changes things.
#[derive(Debug)]
pub(super) struct Person(&'static str);

pub(super) const ALICE: Person = Person("user:alice");
pub(super) const BOB: Person = Person("user:bob");

impl Author for Person {
    fn label(&self) -> &str {
        self.0
    }
}

/// A small blob.
pub(super) fn blob(text: &str) -> NewBlob {
    NewBlob::inline(digest(text), text.to_owned().into())
}

pub(super) fn digest(text: &str) -> Digest {
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

/// A name that no other check uses.
pub(super) fn name(metadata: &Metadata) -> RepoName {
    let name = format!("suite-{:x}", metadata.new_id());
    name.parse().expect("name")
}

#[track_caller]
pub(super) fn assert_unmet<T>(outcome: Result<T, Error>, requirement: Requirement) {
    match outcome {
        Err(Error::Unmet(unmet)) => assert_eq!(unmet, requirement),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("{requirement:?} should not have been met"),
    }
}

#[track_caller]
pub(super) fn assert_exists<T>(outcome: &Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::Exists(_))));
}

/// Makes a repository.
pub(super) async fn add_repo(
    metadata: &Metadata,
    protocol: ProtocolName,
    kind: RepoKind,
    members: &[i64],
) -> RepoRecord {
    let new = NewRepo {
        protocol,
        name: &name(metadata),
        kind,
        description: "",
        settings: &RepoSettings::default(),
        members,
    };
    metadata.add_repo(new, &ALICE).await.expect("repository")
}

/// A manifest to be pushed.
pub(super) struct Push<'a> {
    pub(super) text: &'a str,
    pub(super) blobs: &'a [Digest],
    pub(super) absent: &'a [Digest],
    pub(super) manifests: &'a [Digest],
    pub(super) subject: Option<Digest>,
    pub(super) tags: &'a [&'a str],
    pub(super) expect: Expect,
    pub(super) by: &'a dyn Author,
}

impl<'a> Push<'a> {
    pub(super) fn new(text: &'a str, tags: &'a [&'a str]) -> Self {
        Self {
            text,
            blobs: &[],
            absent: &[],
            manifests: &[],
            subject: None,
            tags,
            expect: Expect::Any,
            by: &ALICE,
        }
    }
}

/// An artifact of a version, whose bytes and path follow from it.
pub(super) fn artifact(version: &str) -> Step {
    Step::Add {
        kind: FileKind::Artifact,
        path: tarball(version),
        version: version.to_owned(),
        blob: blob(&tarball(version)),
        content_type: "application/octet-stream",
        metadata: "{}".to_owned(),
    }
}

/// The path of a version's artifact.
pub(super) fn tarball(version: &str) -> String {
    format!("-/{version}.tgz")
}

/// What stays of a version that is taken back.
pub(super) fn tombstone(version: &str) -> Step {
    Step::Add {
        kind: FileKind::Tombstone,
        path: version.to_owned(),
        version: String::new(),
        blob: blob(""),
        content_type: "",
        metadata: String::new(),
    }
}

/// The steps that take a version back.
pub(super) fn withdraw(version: &str) -> Vec<Step> {
    let kind = FileKind::Artifact;
    let path = tarball(version);
    vec![Step::Remove { kind, path }, tombstone(version)]
}

/// A tag for the artifact of a version.
pub(super) fn tag(tag: &str, version: &str) -> Step {
    Step::SetTag {
        tag: tag.to_owned(),
        version: version.to_owned(),
        digest: digest(&tarball(version)),
    }
}

/// A repository for one check.
pub(super) struct Bed<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) repo: RepoRecord,
}

impl<'a> Bed<'a> {
    async fn new(metadata: &'a Metadata, protocol: ProtocolName, kind: RepoKind) -> Self {
        let repo = add_repo(metadata, protocol, kind, &[]).await;
        Self { metadata, repo }
    }

    /// Images that are pushed here.
    pub(super) async fn images(metadata: &'a Metadata) -> Self {
        Self::new(metadata, ProtocolName::OCI, RepoKind::Hosted).await
    }

    /// Packages that are published here.
    pub(super) async fn packages(metadata: &'a Metadata) -> Self {
        Self::new(metadata, NPM, RepoKind::Hosted).await
    }

    /// Packages of an upstream.
    pub(super) async fn mirror(metadata: &'a Metadata) -> Self {
        Self::new(metadata, NPM, RepoKind::Mirror).await
    }

    pub(super) fn package<'p>(&self, package: &'p str) -> PackageKey<'p> {
        PackageKey {
            repo: self.repo.id,
            package,
        }
    }

    pub(super) fn putting<'p>(&self, package: &'p str) -> Putting<'p> {
        Putting {
            package: self.package(package),
            by: &ALICE,
        }
    }

    /// `npm/suite/left-pad`.
    pub(super) fn full_name(&self, package: &str) -> String {
        format!("{}/{package}", self.repo.full_name())
    }

    pub(super) async fn find(&self, key: FileKey<'_>) -> Option<Arc<FileRecord>> {
        self.metadata.find(key).await.expect("find")
    }

    pub(super) async fn has(&self, key: FileKey<'_>) -> bool {
        self.find(key).await.is_some()
    }

    pub(super) async fn revision(&self, package: &str) -> Option<i64> {
        let revision = self.metadata.revision(self.package(package)).await;
        revision.expect("revision")
    }

    pub(super) async fn keep_blob(&self, package: &str, text: &str) -> Digest {
        let kept = self
            .metadata
            .keep_blob(self.putting(package), blob(text), None);
        kept.await.expect("keep");
        digest(text)
    }

    pub(super) async fn try_push(&self, image: &str, push: Push<'_>) -> Result<(), Error> {
        let new = NewManifest {
            putting: Putting {
                package: self.package(image),
                by: push.by,
            },
            full_name: &self.full_name(image),
            blob: blob(push.text),
            content_type: "application/manifest",
            metadata: "{\"a\":1}",
            blobs: push.blobs,
            absent: push.absent,
            manifests: push.manifests,
            subject: push.subject,
            tags: push.tags,
            expect: push.expect,
        };
        self.metadata.keep_manifest(new).await
    }

    pub(super) async fn push(&self, image: &str, text: &str, tags: &[&str]) -> Digest {
        let pushed = self.try_push(image, Push::new(text, tags)).await;
        pushed.expect("push");
        digest(text)
    }

    /// Changes a package that was read at a revision.
    pub(super) async fn change(
        &self,
        package: &str,
        revision: Option<i64>,
        steps: Vec<Step>,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let change = PackageChange {
            package: self.package(package),
            full_name: &self.full_name(package),
            revision,
            by,
            steps,
            reason: "",
            held: None,
            replaces: false,
        };
        self.metadata.change_package(change).await
    }

    /// Changes a package at its present revision.
    pub(super) async fn publish(&self, package: &str, steps: Vec<Step>) {
        self.publish_by(package, steps, &ALICE).await;
    }

    pub(super) async fn publish_by(&self, package: &str, steps: Vec<Step>, by: &dyn Author) {
        let revision = self.revision(package).await;
        let changed = self.change(package, revision, steps, by).await;
        changed.expect("publish");
    }

    /// Keeps files of an upstream.
    pub(super) async fn keep(&self, package: &str, at: Timestamp, files: Vec<NewFile<'_>>) {
        self.keep_and_drop(package, at, files, Vec::new()).await;
    }

    /// The same; documents that are gone go with it.
    pub(super) async fn keep_and_drop(
        &self,
        package: &str,
        at: Timestamp,
        files: Vec<NewFile<'_>>,
        gone: Vec<&str>,
    ) {
        let new = NewFiles {
            package: self.package(package),
            full_name: Some(&self.full_name(package)),
            by: System::Upstream,
            at,
            files,
            gone,
            named: Vec::new(),
            retired: Vec::new(),
        };
        self.metadata.keep_files(new).await.expect("keep");
    }
}

/// A document of an upstream.
pub(super) fn document<'a>(path: &'a str, text: &str) -> NewFile<'a> {
    NewFile::new(FileKind::Document, path, blob(text), "text/plain")
}

/// An artifact of an upstream.
pub(super) fn fetched<'a>(path: &'a str, version: &'a str) -> NewFile<'a> {
    NewFile {
        version,
        ..NewFile::new(FileKind::Artifact, path, blob(path), "text/plain")
    }
}
