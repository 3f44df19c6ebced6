//! Copies of an upstream's packages: published with the metadata in their header, at the path that
//! they have at the upstream.

use super::package::Package;
use super::paths::{joined, metadata, repomd_of};
use super::publish::add;
use super::repomd;
use super::routes::require_place;
use crate::copying::{Copying, FileCopy, UpstreamVersion, VersionFile};
use crate::publishing::{Body, Step, StoredFile};
use crate::resource::{Artifact, Plan, Table};
use bytes::Bytes;
use larder_model::Problem;
use std::sync::Arc;

/// Copies of packages.
pub(super) struct PackageCopies;

impl Copying for PackageCopies {
    fn files(
        &self,
        wanted: &UpstreamVersion<'_>,
        known: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan<Vec<VersionFile>>, Problem> {
        let name = file_name(wanted);
        let (mut known, mut tables) = (known.iter(), tables.iter());
        for root in roots(wanted) {
            let Some(repomd) = known.next() else {
                return Ok(Plan::Read(repomd_of(root)));
            };
            let Some(repomd) = repomd else { continue };
            let records = repomd::read(repomd)?;
            let Some(record) = records.iter().find(|record| record.kind == "primary") else {
                continue;
            };
            let Some(table) = tables.next() else {
                let list = Artifact::new("", None, format!("{root}{}", record.item.path));
                return Ok(Plan::Consult(list, record.item.fetch(root)));
            };
            let mut named = table.named(&name).into_iter();
            let Some(path) = named.find_map(|path| joined(root, &path)) else {
                continue;
            };
            if let Some(fetch) = table.find(root, &path) {
                return Ok(Plan::Fetch(vec![VersionFile {
                    artifact: Artifact::new("", None, path),
                    integrity: fetch.integrity,
                    statement: String::new(),
                }]));
            }
        }
        Ok(Plan::Fetch(Vec::new()))
    }

    fn steps(
        &self,
        copy: &FileCopy<'_>,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let path = &copy.file.artifact.path;
        require_place(path)?;
        copy.limits
            .file
            .require("package", "the package", copy.size)?;
        body.rewind().map_err(Problem::internal)?;
        let package = Package::read(body)?;
        let nevra = &package.nevra;
        if nevra.name != copy.package || nevra.edition() != copy.version {
            let detail = format!(
                "{path} is {}-{}: there is no {}-{} upstream",
                nevra.name,
                nevra.edition(),
                copy.package,
                copy.version
            );
            return Err(Problem::not_found("version", detail));
        }
        add(path, &package, files)
    }
}

/// The name that the package's file has by convention: without the epoch.
fn file_name(wanted: &UpstreamVersion<'_>) -> String {
    let version = wanted.version;
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    format!("{}-{version}.rpm", wanted.package)
}

/// The repositories of the upstream: the one at its address, and those whose metadata is kept.
fn roots<'a>(wanted: &UpstreamVersion<'a>) -> Vec<&'a str> {
    let mut roots = vec![""];
    let kept = wanted.documents.iter().filter_map(|path| metadata(path));
    let kept = kept.filter(|(root, file)| *file == "repomd.xml" && !root.is_empty());
    roots.extend(kept.map(|(root, _)| root));
    roots
}

#[cfg(test)]
mod tests;
