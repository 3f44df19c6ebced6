//! A package that is published on this server: its files, and the packument that is made of them.
//!
//! Tarballs are artifacts at `-/{base}-{version}.tgz`, provenances at `attestations/{version}`. A
//! tombstone marks a deleted version, which cannot be published again.

use super::manifest::VersionMetadata;
use super::names::{base, new_version};
use crate::json::{ObjectWriter, quoted};
use crate::publishing::StoredFile;
use larder_model::{Algorithm, FileKind, Hasher, Problem, Timestamp};

/// Fields of the latest version that are repeated at the top of the packument. The readme is only
/// there, and in no version's manifest.
const HOISTED: [&str; 10] = [
    "description",
    "maintainers",
    "homepage",
    "keywords",
    "repository",
    "author",
    "bugs",
    "license",
    "readme",
    "readmeFilename",
];
/// The tag of the version that is installed by default.
pub(super) const LATEST: &str = "latest";

/// The path of a version's tarball.
pub(super) fn path_of(package: &str, version: &str) -> String {
    format!("-/{}-{version}.tgz", base(package))
}

/// A published package.
#[derive(Clone, Copy)]
pub(super) struct PublishedPackage<'a> {
    pub(super) package: &'a str,
    pub(super) files: &'a [StoredFile],
}

impl<'a> PublishedPackage<'a> {
    /// The artifact at a path.
    pub(super) fn artifact(&self, path: &str) -> Option<&'a StoredFile> {
        self.file(FileKind::Artifact, path)
    }

    /// A tag. Its version is the one that it points to.
    pub(super) fn tag(&self, tag: &str) -> Option<&'a StoredFile> {
        self.file(FileKind::Tag, tag)
    }

    /// Whether a version was deleted.
    pub(super) fn is_deleted(&self, version: &str) -> bool {
        self.file(FileKind::Tombstone, version).is_some()
    }

    fn file(&self, kind: FileKind, path: &str) -> Option<&'a StoredFile> {
        let is_it = |file: &&StoredFile| file.kind == kind && *file.path == *path;
        self.files.iter().find(is_it)
    }

    /// The tarball of a version.
    pub(super) fn version(&self, version: &str) -> Option<&'a StoredFile> {
        self.artifact(&path_of(self.package, version))
    }

    /// The versions in the order in which they were published.
    pub(super) fn versions(&self) -> Vec<&'a StoredFile> {
        let mut versions: Vec<&StoredFile> = self
            .files
            .iter()
            .filter(|file| file.kind == FileKind::Artifact && file.path.starts_with("-/"))
            .collect();
        versions.sort_by_key(|file| (file.created_at, &file.version));
        versions
    }

    /// The tags. The version of each is the one that it points to.
    pub(super) fn tags(&self) -> impl Iterator<Item = &'a StoredFile> {
        self.files.iter().filter(|file| file.kind == FileKind::Tag)
    }

    /// The version with the tag `latest`, else the one that was published last.
    pub(super) fn latest(&self) -> Option<&'a StoredFile> {
        let tagged = self.tag(LATEST).and_then(|tag| self.version(&tag.version));
        tagged.or_else(|| self.versions().pop())
    }

    /// The package's revision, which changes with each change of its files.
    pub(super) fn revision(&self) -> String {
        // Clients and composed packuments have revisions of these names.
        let name = |file: &'a StoredFile| match file.kind {
            FileKind::Tag => format!("tags/{}", file.path),
            FileKind::Tombstone => format!("gone/{}", file.path),
            _ => file.path.to_string(),
        };
        let mut files: Vec<_> = self.files.iter().map(|file| (name(file), file)).collect();
        files.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut hasher = Hasher::new(Algorithm::Sha256);
        for (name, file) in &files {
            for part in [
                &**name,
                &*file.version,
                &*file.digest.to_string(),
                &*file.metadata,
            ] {
                hasher.update(part.as_bytes());
                hasher.update(b"\0");
            }
        }
        let hex = hasher.finish().hex();
        format!("{}-{}", files.len(), hex.get(..32).unwrap_or(&hex))
    }

    /// The packument; `None` if no version is left.
    pub(super) fn packument(&self) -> Result<Option<Vec<u8>>, Problem> {
        let files = self.versions();
        let Some(latest) = self.latest() else {
            return Ok(None);
        };
        // Tags, times and versions.
        let (mut tags, mut times, mut versions) = (
            ObjectWriter::new(),
            ObjectWriter::new(),
            ObjectWriter::new(),
        );
        for tag in self.tags() {
            if let Some(version) = self.version(&tag.version) {
                tags.put(&tag.path, quoted(&version.version));
            }
        }
        let moments = || self.files.iter().map(|file| file.created_at);
        times.put("created", time_text(moments().min().unwrap_or_default()));
        times.put("modified", time_text(moments().max().unwrap_or_default()));
        for file in &files {
            times.put(&file.version, time_text(file.created_at));
            let metadata = VersionMetadata::read(&file.metadata)?;
            let mut version = ObjectWriter::new();
            for (key, value) in metadata.manifest.iter().filter(|(key, _)| *key != "readme") {
                version.put(key, value);
            }
            if let Some(deprecated) = &metadata.deprecated {
                version.put("deprecated", quoted(deprecated));
            }
            versions.put(&file.version, version.end());
        }
        // The packument, with some fields of the latest version.
        let mut packument = ObjectWriter::new();
        packument.put("_id", quoted(self.package));
        packument.put("_rev", quoted(&self.revision()));
        packument.put("name", quoted(self.package));
        packument.put("dist-tags", tags.end());
        packument.put("versions", versions.end());
        packument.put("time", times.end());
        let metadata = VersionMetadata::read(&latest.metadata)?;
        for field in HOISTED {
            if let Some(value) = metadata.manifest.get(field) {
                packument.put(field, value);
            }
        }
        Ok(Some(packument.end().into_bytes()))
    }

    /// The highest of these versions. A prerelease only if there are no others.
    pub(super) fn highest(versions: &[&'a StoredFile]) -> Option<&'a StoredFile> {
        let rank = |file: &StoredFile| {
            new_version(&file.version).map(|version| (version.pre.is_empty(), version))
        };
        versions.iter().copied().max_by_key(|file| rank(file))
    }
}

/// A time with milliseconds, as JavaScript writes it. npm compares times as text.
fn time_text(at: Timestamp) -> String {
    let seconds = Timestamp(at.seconds() * 1_000_000).to_string();
    let millis = at.0.rem_euclid(1_000_000) / 1000;
    quoted(&format!("{}.{millis:03}Z", seconds.trim_end_matches('Z')))
}
