//! Which document of a repo is its upstream's list of mirrors.

use crate::repo::Repo;
use crate::upstream::Upstream;
use larder_mirrors::Document;
use larder_mirrors::protocol::MirrorLists;
use std::sync::Arc;

/// The reader of an upstream's list of mirrors, if it has one.
pub(super) fn mirror_lists(repo: &Repo) -> Option<(&'static dyn MirrorLists, &Arc<Upstream>)> {
    let upstream = repo.upstream().ok()?;
    upstream.mirror_list()?;
    Some((repo.protocol.mirror_lists()?, upstream))
}

/// The address of an upstream's list of mirrors, if that is the document.
pub(super) fn list_address<'a>(repo: &'a Repo, document: &Document) -> Option<&'a str> {
    let (lists, upstream) = mirror_lists(repo)?;
    upstream
        .mirror_list()
        .filter(|_| lists.document() == *document)
}
