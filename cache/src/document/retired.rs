//! What a document named before and does not name any more.

use crate::bodies::Bodies;
use crate::repo::Repo;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Document, Set};
use std::sync::Arc;

/// What the kept state of a document names and another does not. Where that state cannot be read,
/// it is past all the same.
pub(super) async fn no_longer_named(
    bodies: &Bodies,
    repo: &Repo,
    (document, kept): (&Document, Option<&Arc<FileRecord>>),
    named: &[Box<str>],
) -> Vec<Box<str>> {
    let (Some(sets), Some(kept)) = (repo.protocol.sets(), kept) else {
        return Vec::new();
    };
    let body = bodies.read_in_turn(kept).await;
    let before = body.and_then(|(body, _share)| sets.set(document, &body));
    let before = before.unwrap_or_else(|problem| {
        let (problem, path) = (problem.with_causes(), &*document.path);
        tracing::warn!(problem, path, "the state before of an index cannot be read");
        Set::default()
    });
    let paths = before
        .members
        .into_iter()
        .map(|member| member.artifact.path);
    paths.filter(|path| !named.contains(path)).collect()
}
