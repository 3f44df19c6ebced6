//! Unpublishing (`npm unpublish`): npm sends the packument without some versions, or the name of a
//! tarball.

use super::body::scan;
use super::names::{is_file, version_of};
use super::provenance;
use super::publication::Publication;
use super::published::{LATEST, PublishedPackage};
use crate::json;
use crate::publishing::{Body, PublishLimits, Step, StoredFile};
use crate::text::JSON;
use larder_model::{Kind, Problem};
use std::borrow::Cow;

/// Tags, and the versions that they point to after the change.
type WantedTags<'a> = [(&'a str, Cow<'a, str>)];

/// Steps that unpublish the versions that the packument in a body lacks.
pub(super) fn keep_versions(
    published: PublishedPackage<'_>,
    revision: &str,
    body: &mut dyn Body,
    limits: &PublishLimits,
) -> Result<Vec<Step>, Problem> {
    let scanned = scan(body, limits.document)?;
    let publication = Publication::read(&scanned.text, published.package)?;
    let Some(left) = &publication.versions else {
        let detail = "packages here have no owners: the server's roles decide who may publish";
        return Err(Problem::new(Kind::Unsupported, "package", detail));
    };
    let mut gone = published.versions();
    gone.retain(|file| left.get(&file.version).is_none());
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let tags = publication.tags.iter();
    let tags: Vec<_> = tags
        .filter_map(|(tag, version)| Some((tag, json::text(version)?)))
        .collect();
    unpublish(published, &gone, revision, &tags)
}

/// Steps that unpublish all versions.
pub(super) fn unpublish_all(
    published: PublishedPackage<'_>,
    revision: &str,
) -> Result<Vec<Step>, Problem> {
    let versions = published.versions();
    if versions.is_empty() {
        return Ok(Vec::new());
    }
    unpublish(published, &versions, revision, &[])
}

/// Steps that unpublish the version of a tarball. npm sends this request after it sent the packument
/// without the version.
pub(super) fn unpublish_file(
    published: PublishedPackage<'_>,
    file: &str,
    revision: &str,
) -> Result<Vec<Step>, Problem> {
    let version = version_of(published.package, file).filter(|_| is_file(file));
    let version = version.unwrap_or_default();
    match published.version(version) {
        Some(stored) => unpublish(published, &[stored], revision, &[]),
        None if published.is_deleted(version) => Ok(Vec::new()),
        None => {
            let detail = format!("package {} has no {file}", published.package);
            Err(Problem::not_found("tarball", detail))
        }
    }
}

/// Steps that delete a version, or all, at any revision of the package.
pub(super) fn remove(
    published: PublishedPackage<'_>,
    version: Option<&str>,
) -> Result<Vec<Step>, Problem> {
    let mut gone = published.versions();
    gone.retain(|file| version.is_none_or(|version| *file.version == *version));
    if gone.is_empty() {
        let detail = format!("package {} has no such version", published.package);
        return Err(Problem::not_found("version", detail));
    }
    unpublish(published, &gone, &published.revision(), &[])
}

/// Steps that unpublish versions of a package. Fails if the package is not at the revision.
fn unpublish(
    published: PublishedPackage<'_>,
    gone: &[&StoredFile],
    revision: &str,
    wanted: &WantedTags<'_>,
) -> Result<Vec<Step>, Problem> {
    if revision != published.revision() {
        let detail = "the package has changed since it was read: read it again and try again";
        return Err(Problem::new(Kind::Conflict, "package", detail));
    }
    let mut steps = Vec::new();
    for file in gone {
        steps.push(remove_file(file));
        // The version stays reserved.
        steps.push(Step::tombstone(&*file.version, JSON));
        let provenance = published.artifact(&provenance::path_of(&file.version));
        steps.extend(provenance.map(remove_file));
    }
    steps.extend(moved_tags(published, gone, wanted));
    Ok(steps)
}

/// Steps that move the tags of deleted versions. A tag moves to the version that the client names.
/// Else `latest` moves to the highest version that is left, and other tags are removed.
fn moved_tags(
    published: PublishedPackage<'_>,
    gone: &[&StoredFile],
    wanted: &WantedTags<'_>,
) -> Vec<Step> {
    let is_gone = |version: &str| gone.iter().any(|file| *file.version == *version);
    let mut left = published.versions();
    left.retain(|file| !is_gone(&file.version));
    let target = |tag: &str| {
        let version = wanted.iter().find(|(name, _)| *name == tag);
        let wanted = version.and_then(|(_, version)| {
            let mut files = left.iter().copied();
            files.find(|file| *file.version == **version)
        });
        let highest = || {
            let is_latest = tag == LATEST;
            PublishedPackage::highest(&left).filter(|_| is_latest)
        };
        wanted.or_else(highest)
    };
    let tags = published.tags().filter(|tag| is_gone(&tag.version));
    tags.map(|tag| match target(&tag.path) {
        Some(to) => Step::SetTag {
            tag: tag.path.to_string(),
            version: to.version.to_string(),
            at: to.path.to_string(),
        },
        None => remove_file(tag),
    })
    .collect()
}

/// The step that removes a file.
pub(super) fn remove_file(file: &StoredFile) -> Step {
    Step::Remove {
        kind: file.kind,
        path: file.path.to_string(),
    }
}
