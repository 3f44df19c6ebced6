//! Whether a copy clashes with what is published where it goes.

use larder_mirrors::Publishing;
use larder_model::{Digest, FileKind, Kind, Problem, StoredFile};

/// The path and the digest of a file that is copied.
pub(super) type CopiedFile<'a> = (&'a str, Digest);

/// Whether a version is new in a package; a problem if another one of this name is or was there.
pub(super) fn require_new(
    publishing: &dyn Publishing,
    (package, version): (&str, &str),
    files: &[CopiedFile<'_>],
    there: &[StoredFile],
) -> Result<bool, Problem> {
    let of = |kind| there.iter().filter(move |file| file.kind == kind);
    let is_file = |path: &str| files.iter().any(|file| file.0 == path);
    let mut gone = of(FileKind::Tombstone);
    let is_reserved = |path: &str| publishing.is_tombstone_of(package, version, path);
    if gone.any(|tombstone| is_reserved(&tombstone.path) || is_file(&tombstone.path)) {
        let detail = format!("{version} was deleted there, and stays reserved");
        return Err(Problem::new(Kind::Conflict, "version", detail));
    }
    let is_same = |other: &str| publishing.is_same_version(version, other);
    let present: Vec<_> = of(FileKind::Artifact)
        .filter(|file| is_same(&file.version) || is_file(&file.path))
        .collect();
    if present.is_empty() {
        return Ok(true);
    }
    let has = |(path, digest): &CopiedFile<'_>| {
        let mut others = present.iter();
        others.any(|other| *other.path == **path && other.digest == *digest)
    };
    if present.len() == files.len() && files.iter().all(has) {
        return Ok(false);
    }
    let detail = format!("{version} is published there already, and is never replaced");
    Err(Problem::new(Kind::Conflict, "version", detail))
}
