//! A package that is published on this server: its files, and the metadata that is made of them.
//!
//! Archives are artifacts at `dist/{version}/{SHA-1}.zip`; a tombstone has the normal form of each
//! version that was deleted, which cannot be published again. A branch moves: of its archives the newest
//! is listed, and those before stay at their addresses.

use super::dist::path_of;
use super::manifest::VersionMetadata;
use super::metadata::is_same;
use super::version::{is_branch, normalized, releases};
use crate::json::{ObjectWriter, quoted};
use crate::publishing::StoredFile;
use larder_model::{FileKind, Problem, Timestamp};

/// The path of the archive with this SHA-1.
pub(super) fn archive_path(version: &str, shasum: &str) -> String {
    path_of(version, &format!("{shasum}.zip"))
}

/// The path of a deleted version's tombstone.
pub(super) fn tombstone_of(version: &str) -> String {
    normalized(version).unwrap_or_else(|| version.to_owned())
}

/// A published package.
#[derive(Clone, Copy)]
pub(super) struct PublishedPackage<'a> {
    pub(super) package: &'a str,
    pub(super) files: &'a [StoredFile],
}

impl<'a> PublishedPackage<'a> {
    /// All archives.
    pub(super) fn archives(&self) -> impl Iterator<Item = &'a StoredFile> + use<'a> {
        let files = self.files.iter();
        files.filter(|file| file.kind == FileKind::Artifact)
    }

    /// Whether a version was deleted.
    pub(super) fn is_deleted(&self, version: &str) -> bool {
        let path = tombstone_of(version);
        let mut files = self.files.iter();
        files.any(|file| file.kind == FileKind::Tombstone && *file.path == *path)
    }

    /// The newest archive of a version.
    pub(super) fn version(&self, version: &str) -> Option<&'a StoredFile> {
        let own = self.archives();
        let own = own.filter(|file| is_same(&file.version, version));
        own.max_by_key(|file| (file.created_at, &file.path))
    }

    /// Releases, or branches, each with its newest archive; the newest first.
    pub(super) fn versions(&self, branches: bool) -> Vec<&'a StoredFile> {
        let own = self.archives();
        let own = own.filter(|file| is_branch(&file.version) == branches);
        let mut newest: Vec<&StoredFile> = own.collect();
        newest.sort_by_key(|file| std::cmp::Reverse((file.created_at, &file.path)));
        let mut known = Vec::new();
        newest.retain(|file| {
            let normal = tombstone_of(&file.version);
            let is_new = !known.contains(&normal);
            known.push(normal);
            is_new
        });
        if !branches {
            let names: Vec<&str> = newest.iter().map(|file| &*file.version).collect();
            let ranks = releases(&names).into_iter();
            let ranks = ranks.map(|release| release.map(|release| release.rank));
            let mut ranked: Vec<_> = ranks.zip(newest).collect();
            ranked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
            return ranked.into_iter().map(|(_, file)| file).collect();
        }
        newest
    }

    /// The highest release, else the branch that moved last.
    pub(super) fn newest(&self) -> Option<&'a StoredFile> {
        let first = |branches| self.versions(branches).into_iter().next();
        first(false).or_else(|| first(true))
    }

    /// The metadata of its releases, or of its branches; `None` if it has none of them.
    pub(super) fn metadata(&self, branches: bool) -> Result<Option<Vec<u8>>, Problem> {
        let mut entries = Vec::new();
        for file in self.versions(branches) {
            entries.push(entry(self.package, file)?);
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let (package, entries) = (quoted(self.package), entries.join(","));
        Ok(Some(
            format!("{{\"packages\":{{{package}:[{entries}]}}}}").into_bytes(),
        ))
    }
}

/// A version as a whole.
fn entry(package: &str, file: &StoredFile) -> Result<String, Problem> {
    let VersionMetadata { manifest, shasum } = VersionMetadata::read(&file.metadata)?;
    let mut entry = ObjectWriter::new();
    entry.put("name", quoted(package));
    entry.put("version", quoted(&file.version));
    entry.put("version_normalized", quoted(&tombstone_of(&file.version)));
    if manifest.raw("type").is_none() {
        entry.put("type", quoted("library"));
    }
    for (key, value) in manifest.iter() {
        entry.put(key, value);
    }
    let mut dist = ObjectWriter::new();
    dist.put("type", quoted("zip"));
    dist.put("url", quoted(&file.path));
    dist.put("reference", quoted(&shasum));
    dist.put("shasum", quoted(&shasum));
    entry.put("dist", dist.end());
    let seconds = Timestamp(file.created_at.seconds() * 1_000_000);
    entry.put("time", quoted(&seconds.to_string()));
    Ok(entry.end())
}
