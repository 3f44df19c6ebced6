//! The seam to the protocols and to what publishes.

use async_trait::async_trait;
use larder_metadata::jobs::HeldJob;
use larder_metadata::mirrored::MirroredFile;
use larder_metadata::repos::RepoRecord;
use larder_metadata::retention::ImageEdge;
use larder_model::{Author, FileKind, Problem, ProtocolName, Release};

/// A version of a package that a rule lets go.
#[derive(Clone, Copy, Debug)]
pub struct VersionRemoval<'a> {
    /// The package.
    pub package: &'a str,
    /// The version.
    pub version: &'a str,
    /// The revision of the package at which that was decided.
    pub revision: i64,
    /// Why: a sentence.
    pub reason: &'a str,
    /// The job.
    pub held: &'a HeldJob,
    /// Who asked for it.
    pub by: &'a dyn Author,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removed {
    /// It is gone.
    Done,
    /// The package is at another revision, or the version stays: nothing was done.
    Changed,
}

/// What belongs together of a mirror's package.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Bonds {
    /// Of an image, what its manifests name.
    pub edges: Vec<ImageEdge>,
    /// Documents with what is kept together with each: kinds and paths, the document first.
    pub sets: Vec<Vec<(FileKind, Box<str>)>>,
}

/// The versions of packages, which each protocol has its own way with.
#[async_trait]
pub trait PackageVersions: Send + Sync {
    /// Whether versions of a protocol's packages are tags.
    fn are_tags(&self, protocol: ProtocolName) -> bool;

    /// What names of versions say.
    fn releases(&self, protocol: ProtocolName, versions: &[&str]) -> Vec<Option<Release>>;

    /// Removes a version of a package whose versions are no tags, as by hand.
    async fn remove(
        &self,
        repo: &RepoRecord,
        removal: VersionRemoval<'_>,
    ) -> Result<Removed, Problem>;

    /// Of an artifact that stands at a path of the whole repository, its package.
    fn package_of(&self, protocol: ProtocolName, path: &str) -> String;

    /// Whether a document of a mirror's package proves what is kept of others, and so never goes.
    fn is_proof(&self, protocol: ProtocolName, package: &str, path: &str) -> bool;

    /// What belongs together of the files of a mirror's package.
    async fn bonds(&self, repo: &RepoRecord, files: &[MirroredFile]) -> Result<Bonds, Problem>;

    /// Why what a mirror lets go would not come again now, as part of a sentence; `None`: it would.
    async fn lacks_upstream(&self, repo: &RepoRecord) -> Option<String>;
}
