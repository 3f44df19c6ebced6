//! What of a package is here, or was: nothing that is published is replaced.

use crate::publishing::StoredFile;
use larder_model::{Digest, FileKind, Kind, Problem};

/// The name of the file at a path.
pub(super) fn file_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Fails if a file of this name has other bytes somewhere, or was deleted.
pub(super) fn require_free(
    name: &str,
    digest: Digest,
    files: &[StoredFile],
) -> Result<(), Problem> {
    let conflict = |detail: String| Err(Problem::new(Kind::Conflict, "package", detail));
    let is_other = |file: &&StoredFile| {
        let is_it = file.kind == FileKind::Artifact && file_of(&file.path) == name;
        is_it && file.digest != digest
    };
    if let Some(file) = files.iter().find(is_other) {
        let at = &file.path;
        return conflict(format!(
            "{name} is published with other content at {at}: publish another version"
        ));
    }
    let is_tombstone = |file: &StoredFile| file.kind == FileKind::Tombstone && *file.path == *name;
    if files.iter().any(is_tombstone) {
        return conflict(format!(
            "{name} was deleted, and stays reserved: publish another version"
        ));
    }
    Ok(())
}

/// The artifact at a path.
pub(super) fn artifact_at<'a>(path: &str, files: &'a [StoredFile]) -> Option<&'a StoredFile> {
    let is_it = |file: &&StoredFile| file.kind == FileKind::Artifact && *file.path == *path;
    files.iter().find(is_it)
}
