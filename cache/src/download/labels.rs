//! What is said of the bytes of an artifact beside them.

use crate::repo::Repo;
use crate::upstream::{UpstreamBody, is_packed};
use larder_mirrors::{Artifact, Fetch, MediaTypes};
use larder_model::{FileKind, Integrity};

/// How the bytes of what is fetched tell what they are.
pub(super) fn media_types_of(repo: &Repo, artifact: &Artifact) -> Option<&'static dyn MediaTypes> {
    let media_types = repo.protocol.media_types()?;
    media_types
        .are_told_by(artifact.kind)
        .then_some(media_types)
}

/// What the protocol says an artifact is, else what the upstream says.
pub(super) fn content_type(repo: &Repo, artifact: &Artifact, body: &UpstreamBody) -> String {
    match repo.protocol.content_type(artifact) {
        "" => body.content_type.clone(),
        known => known.to_owned(),
    }
}

/// Whether bytes are likely to be other ones than was promised: of another size, or encoded on their
/// way where they are not packed themselves; or nobody can tell before the last of them.
pub(super) fn is_doubtful(
    repo: &Repo,
    artifact: &Artifact,
    (fetch, integrity): (&Fetch, &Integrity),
    body: &UpstreamBody,
) -> bool {
    let is_itself = || {
        let known = repo.protocol.content_type(artifact);
        is_packed(&fetch.url) || known == "application/gzip" || artifact.kind == FileKind::Blob
    };
    let has_other_size = fetch
        .size
        .zip(body.size)
        .is_some_and(|(one, other)| one != other);
    integrity.contents().is_some()
        || *integrity != Integrity::None && (has_other_size || (body.is_labelled && !is_itself()))
}
