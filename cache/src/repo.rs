//! A repo with its protocol and, if it is a mirror, its upstream.

use crate::blocks::Blocks;
use crate::upstream::Upstream;
use larder_access::Gate;
use larder_metadata::files::{FileKey, PackageKey};
use larder_metadata::repos::RepoRecord;
use larder_mirrors::{Artifact, Document, Fetch, FileName, Log, Protocol};
use larder_model::upstream::Health;
use larder_model::{Digest, FileKind, Kind, Problem, RepoKind};
use std::sync::Arc;
use std::time::Duration;

/// A repo as its row describes it.
pub(crate) struct Repo {
    pub(crate) record: Arc<RepoRecord>,
    pub(crate) protocol: &'static dyn Protocol,
    pub(crate) fresh: Duration,
    pub(crate) offline: bool,
    pub(crate) blocks: Blocks,
    pub(crate) gate: Arc<Gate>,
    pub(crate) upstream: Option<Arc<Upstream>>,
    pub(crate) log: Option<Arc<dyn Log>>,
}

/// A path, and what is left of it below each of its folders.
pub(crate) fn tails(path: &str) -> impl Iterator<Item = &str> {
    let starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
    starts.filter_map(|at| path.get(at..))
}

impl Repo {
    /// The key of a package's row.
    pub(crate) fn package_key<'a>(&self, package: &'a str) -> PackageKey<'a> {
        PackageKey {
            repo: self.record.id,
            package,
        }
    }

    /// The file in which a document is kept.
    pub(crate) fn document_key<'a>(&self, document: &'a Document) -> FileKey<'a> {
        self.package_key(&document.package)
            .file(document.kind, &document.path)
    }

    /// The file in which an artifact is kept.
    pub(crate) fn artifact_key<'a>(&self, artifact: &'a Artifact) -> FileKey<'a> {
        self.package_key(self.kept_in(artifact))
            .file(artifact.kind, &artifact.path)
    }

    /// The package among whose files an artifact is kept. Of a mirror that is the one that its path tells
    /// where requests name none, so one look-up finds what is listed there. What is published has an
    /// address of its own in the whole repo.
    pub(crate) fn kept_in<'a>(&self, artifact: &'a Artifact) -> &'a str {
        self.file_name(artifact)
            .map_or(&*artifact.package, |name| name.package)
    }

    /// What the path of a mirror's artifact tells of its package, where the request did not name it.
    fn file_name<'a>(&self, artifact: &'a Artifact) -> Option<FileName<'a>> {
        let is_unnamed = artifact.package.is_empty() && artifact.kind == FileKind::Artifact;
        let names = self.protocol.names();
        (is_unnamed && self.record.kind == RepoKind::Mirror)
            .then(|| names.file_name(&artifact.path))
            .flatten()
    }

    /// The version of which an artifact is listed: what the request names, else the index, else the name
    /// of the file; empty if none does.
    pub(crate) fn version_of<'a>(&self, artifact: &'a Artifact, fetch: &'a Fetch) -> &'a str {
        let told = artifact.version.as_deref().or(fetch.version.as_deref());
        let named = || self.file_name(artifact).map(|name| name.version);
        told.or_else(named).unwrap_or_default()
    }

    /// The file that stands at an address of the whole repo.
    pub(crate) fn address_key<'a>(&self, path: &'a str) -> FileKey<'a> {
        self.package_key("").file(FileKind::Artifact, path)
    }

    /// The image that an upstream's token would be for.
    pub(crate) fn image_of<'a>(&self, package: &'a str) -> &'a str {
        self.protocol.token_scope(package).unwrap_or_default()
    }

    /// The artifact that has the same bytes as a document.
    pub(crate) fn alias_of(&self, document: &Document, digest: &Digest) -> Option<Artifact> {
        self.protocol.digests()?.alias(document, digest)
    }

    /// `npm/main/`, with which the names of its packages begin.
    pub(crate) fn prefix(&self) -> String {
        format!("{}/{}/", self.record.protocol, self.record.name)
    }

    /// `npm/main/left-pad`, under which a package is listed.
    pub(crate) fn full_name(&self, package: &str) -> Option<String> {
        (!package.is_empty()).then(|| format!("{}{package}", self.prefix()))
    }

    /// Fails if a package is blocked here, whether it is kept or not.
    pub(crate) fn require_not_blocked(&self, package: &str) -> Result<(), Problem> {
        self.blocks.require_not_blocked(&self.record, package)
    }

    /// What it is.
    pub(crate) fn kind(&self) -> RepoKind {
        self.record.kind
    }

    /// Whether it is a list of other repos.
    pub(crate) fn is_group(&self) -> bool {
        self.record.kind == RepoKind::Group
    }

    /// Whether it is published to, and asks no upstream.
    pub(crate) fn is_hosted(&self) -> bool {
        self.record.kind == RepoKind::Hosted
    }

    /// Whether nothing is fetched: by this repo's settings or the server's.
    pub(crate) fn is_offline(&self) -> bool {
        self.offline || self.gate.policy().is_offline()
    }

    /// The upstream, if one may be asked. Else it is so until someone changes it, which the problem's
    /// kind tells: clients need not try again.
    pub(crate) fn upstream(&self) -> Result<&Arc<Upstream>, Problem> {
        if self.is_offline() {
            let who = if self.record.settings.offline {
                "the repository"
            } else {
                "the server"
            };
            let detail = format!("this is not kept here, and {who} is offline");
            return Err(Problem::new(Kind::Offline, "offline", detail));
        }
        self.upstream
            .as_ref()
            .ok_or_else(|| Problem::not_found("upstream", self.lacks_upstream()))
    }

    /// What vouches for the contents of its artifacts.
    pub(crate) const fn log(&self) -> Option<&Arc<dyn Log>> {
        self.log.as_ref()
    }

    /// The address of the database of vulnerabilities of its packages.
    pub(crate) fn vulnerabilities(&self) -> Result<&str, Problem> {
        let settings = self.record.settings.upstream.as_ref();
        let address = settings.and_then(|it| it.vulnerabilities.as_deref());
        address.ok_or_else(|| {
            let name = self.record.full_name();
            let detail = format!(
                "this repository has no database of vulnerabilities: \
                 larder repo set {name} --vulnerability-database URL"
            );
            Problem::not_found("upstream", detail)
        })
    }

    /// Whether any package is.
    pub(crate) fn blocks(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Why the upstream is not asked, and what to do about it.
    pub(crate) fn unasked(&self) -> (String, String) {
        let name = format!("{}/{}", self.record.protocol, self.record.name);
        match (&self.upstream, self.record.settings.offline) {
            (None, _) => (
                "it has no upstream yet".to_owned(),
                format!("larder repo set {name} --upstream URL"),
            ),
            (_, true) => (
                "it is offline".to_owned(),
                format!("larder repo set {name} --online, if the server is not offline"),
            ),
            (_, false) => (
                "the server is offline".to_owned(),
                "larder settings set offline=false".to_owned(),
            ),
        }
    }

    /// How the upstream has answered lately.
    pub(crate) fn health(&self) -> Option<Health> {
        self.upstream.as_ref().map(|upstream| upstream.health())
    }

    /// Whether its upstream is set.
    pub(crate) const fn has_upstream(&self) -> bool {
        self.upstream.is_some()
    }

    /// What is to be done about that.
    pub(crate) fn lacks_upstream(&self) -> String {
        let name = format!("{}/{}", self.record.protocol, self.record.name);
        format!("this mirror has no upstream yet: larder repo set {name} --upstream URL")
    }
}
