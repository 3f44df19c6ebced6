//! Copies of an upstream's versions: published with the manifest that the packument has, after it was
//! compared with the tarball's as that of a client.

use super::dist::Dists;
use super::manifest::Release;
use super::names::{file_of, is_tag, version_of};
use super::packument::{WHAT, packument_of, utf8};
use super::publication::{MAX_TAGS, check_version, steps, unpublished};
use super::published::{LATEST, PublishedPackage, path_of};
use super::tarball;
use crate::copying::{Copying, FileCopy, UpstreamVersion, VersionFile};
use crate::json::{self, Object, ObjectWriter, quoted, unreadable};
use crate::publishing::{Body, Bytes as Stored, Step, StoredFile};
use crate::resource::{Artifact, Plan, Table};
use bytes::Bytes;
use larder_model::Problem;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

/// The fields of a packument that a copy needs.
#[derive(Deserialize)]
struct Packument<'a> {
    #[serde(borrow)]
    versions: Option<Object<'a>>,
    #[serde(borrow, default, rename = "dist-tags")]
    tags: Option<Object<'a>>,
}

/// What a packument says of a version.
#[derive(Deserialize)]
struct Statement<'a> {
    #[serde(borrow)]
    manifest: Object<'a>,
    /// The tags that point to the version.
    #[serde(borrow)]
    tags: Vec<Cow<'a, str>>,
}

/// Copies of packages.
pub(super) struct PackageCopies;

impl Copying for PackageCopies {
    fn files(
        &self,
        wanted: &UpstreamVersion<'_>,
        known: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan<Vec<VersionFile>>, Problem> {
        let (package, version) = (wanted.package, wanted.version);
        let Some(found) = known.first() else {
            return Ok(Plan::Read(packument_of(package)));
        };
        let Some(body) = found else {
            return Ok(Plan::Fetch(Vec::new()));
        };
        let fetch = Dists::read(body)?.fetch_of(version);
        let Some(fetch) = fetch else {
            return Ok(Plan::Fetch(Vec::new()));
        };
        let file = file_of(package, version, &fetch.url);
        let in_name = version_of(package, &file).map(Into::into);
        let artifact = Artifact::new(package, in_name, format!("-/{file}"));
        Ok(Plan::Fetch(vec![VersionFile {
            artifact,
            integrity: fetch.integrity,
            statement: statement(body, version)?,
        }]))
    }

    fn steps(
        &self,
        copy: &FileCopy<'_>,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let (package, version) = (copy.package, copy.version);
        let published = PublishedPackage { package, files };
        let statement: Statement<'_> =
            serde_json::from_str(&copy.file.statement).map_err(Problem::internal)?;
        check_version(published, version)?;
        if published.is_deleted(version) {
            return Err(unpublished(version));
        }
        let path = path_of(package, version);
        let tarball = tarball::read_plain(body, copy.size, copy.limits)?;
        let release = Release {
            package,
            version,
            sent: &statement.manifest,
            tarball: &tarball,
            file: path.trim_start_matches("-/"),
            predicate_type: None, // a provenance stays with the upstream
            limit: copy.limits.metadata,
        };
        let metadata = release.metadata()?;
        let bytes = Stored::Part(0, copy.size);
        let tags = tags(published, &statement.tags);
        Ok(steps(version, &path, metadata, bytes, None, &tags))
    }
}

/// What a packument says of a version, as text.
fn statement(packument: &[u8], version: &str) -> Result<String, Problem> {
    let packument: Packument<'_> =
        serde_json::from_str(utf8(packument)?).map_err(|error| unreadable(WHAT, error))?;
    let versions = packument.versions.unwrap_or_default();
    let manifest = versions
        .raw(version)
        .ok_or_else(|| Problem::internal("a version that was there"))?;
    let all = packument.tags.unwrap_or_default();
    let to_version = all
        .iter()
        .filter(|(_, value)| json::text(value).as_deref() == Some(version));
    let tags: Vec<String> = to_version.map(|(tag, _)| quoted(tag)).collect();
    let mut statement = ObjectWriter::new();
    statement.put("manifest", manifest);
    statement.put("tags", format!("[{}]", tags.join(",")));
    Ok(statement.end())
}

/// The upstream's tags that no version has here. The first version of a package always gets
/// `latest`.
fn tags(published: PublishedPackage<'_>, stated: &[Cow<'_, str>]) -> Vec<String> {
    let is_free = |tag: &&Cow<'_, str>| is_tag(tag) && published.tag(tag).is_none();
    let free = stated.iter().filter(is_free);
    let mut tags: Vec<String> = free.take(MAX_TAGS).map(ToString::to_string).collect();
    let is_first = published.tag(LATEST).is_none();
    if is_first && !tags.iter().any(|tag| tag == LATEST) {
        tags.push(LATEST.to_owned());
    }
    tags
}

#[cfg(test)]
mod tests;
