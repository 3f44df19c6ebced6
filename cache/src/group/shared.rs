//! Packages that several hosted members share, read as one.

use crate::document::{CacheStatus, CachedDocument};
use crate::limits::Budget;
use crate::problems::absent;
use crate::publish::{HostedPackages, composed, publishing_of};
use crate::repo::Repo;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Document, Publishing};
use larder_model::{Algorithm, Digest, FileKind, Problem, StoredFile};
use std::collections::HashSet;
use std::sync::Arc;

/// Reads what hosted members have of a package together.
pub(crate) struct SharedPackages {
    packages: Arc<HostedPackages>,
    budget: Budget,
}

impl SharedPackages {
    /// Made of these packages.
    pub(crate) const fn new(packages: Arc<HostedPackages>, budget: Budget) -> Self {
        Self { packages, budget }
    }

    /// A document composed of what several hosted members have of a package. It is made each time:
    /// no revision of one repo tells whether it is past.
    pub(super) async fn document(
        &self,
        members: &[Arc<Repo>],
        document: &Document,
    ) -> Result<CachedDocument, Problem> {
        let first = members.first().ok_or_else(absent)?;
        first.require_not_blocked(&document.package)?;
        let files = self.files(members, &document.package).await?;
        let body = composed(&self.budget, publishing_of(first)?, document, files).await?;
        let body = body.ok_or_else(absent)?;
        let digest = Digest::of(Algorithm::Sha256, &body);
        let mut found = FileRecord::transient("", digest, body.len() as u64);
        found.body = Some(body);
        Ok(CachedDocument::current(Arc::new(found), CacheStatus::Hit))
    }

    /// The member that a published file comes from: the first that has it, if none before it hides
    /// it.
    pub(super) async fn holder(
        &self,
        members: &[Arc<Repo>],
        package: &str,
        path: &str,
    ) -> Result<Option<Arc<Repo>>, Problem> {
        let mut earlier = EarlierMembers::of(members, package)?;
        for member in members {
            let rows = self.packages.files(member, package).await?;
            let is_it = |row: &StoredFile| row.kind == FileKind::Artifact && *row.path == *path;
            if earlier.take(rows).iter().any(is_it) {
                return Ok(Some(Arc::clone(member)));
            }
        }
        Ok(None)
    }

    /// All files of a package that hosted members share: of a version that two have, the first
    /// member's.
    pub(super) async fn files(
        &self,
        members: &[Arc<Repo>],
        package: &str,
    ) -> Result<Vec<StoredFile>, Problem> {
        let (mut earlier, mut files) = (EarlierMembers::of(members, package)?, Vec::new());
        for member in members {
            let rows = self.packages.files(member, package).await?;
            files.extend(earlier.take(rows));
        }
        files.sort_by(|a, b| (a.kind.word(), &a.path).cmp(&(b.kind.word(), &b.path)));
        Ok(files)
    }
}

/// What members before have: of a version that is spelled in other ways, too.
struct EarlierMembers {
    publishing: &'static dyn Publishing,
    package: Box<str>,
    versions: HashSet<String>,
    paths: HashSet<(FileKind, Box<str>)>,
}

impl EarlierMembers {
    /// Of none of these yet.
    fn of(members: &[Arc<Repo>], package: &str) -> Result<Self, Problem> {
        let first = members.first().ok_or_else(absent)?;
        Ok(Self {
            package: package.into(),
            publishing: publishing_of(first)?,
            versions: HashSet::new(),
            paths: HashSet::new(),
        })
    }

    /// The version of a file, by which it may be hidden.
    fn version_of(&self, file: &StoredFile) -> Option<String> {
        let has_version = file.kind != FileKind::Tag && !file.version.is_empty();
        has_version.then(|| self.publishing.version_key(&file.version))
    }

    /// The files of the next member that none before it hides.
    fn take(&mut self, rows: Vec<StoredFile>) -> Vec<StoredFile> {
        let is_free = |row: &StoredFile| {
            let version = self.version_of(row);
            let is_hidden = version.is_some_and(|version| self.versions.contains(&version));
            !is_hidden && !self.paths.contains(&(row.kind, row.path.clone()))
        };
        let files: Vec<_> = rows.into_iter().filter(is_free).collect();
        for file in &files {
            self.versions.extend(self.version_of(file));
            self.paths.insert((file.kind, file.path.clone()));
            // What was taken back is nobody else's either: clients keep what its address gave.
            if file.kind == FileKind::Tombstone {
                let key = self.publishing.deleted_key(&self.package, &file.path);
                self.versions.insert(key);
                self.paths.insert((FileKind::Artifact, file.path.clone()));
            }
        }
        files
    }
}
