//! Copies of an upstream's versions: published with the composer.json in the archive, and with the
//! version that the upstream's metadata has for it, which stands in the name of a tag there.

use super::manifest::Package;
use super::metadata::{Metadata, document_of, documents_for};
use super::publish::steps;
use super::routes::artifact_of;
use crate::archive::window::Window;
use crate::copying::{Copying, FileCopy, UpstreamVersion, VersionFile};
use crate::publishing::{Body, Step, StoredFile};
use crate::resource::{Plan, Table};
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
        _: &[Arc<dyn Table>],
    ) -> Result<Plan<Vec<VersionFile>>, Problem> {
        let (package, version) = (wanted.package, wanted.version);
        for (at, branches) in documents_for(version).iter().enumerate() {
            let Some(found) = known.get(at) else {
                return Ok(Plan::Read(document_of(package, *branches)));
            };
            let Some(body) = found else { continue };
            let metadata = Metadata::read(package, body)?;
            let entry = metadata.find(version);
            if let Some((version, dist)) =
                entry.and_then(|entry| Some((entry.version()?, entry.dist()?)))
            {
                return Ok(Plan::Fetch(vec![VersionFile {
                    artifact: artifact_of(package, &version, &dist.file()),
                    integrity: dist.integrity(),
                    statement: version.into_owned(),
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
        copy.limits
            .file
            .require("package", "the zip file", copy.size)?;
        let mut file = Window::new(body, 0, copy.size);
        let package = Package::read(&mut file, Some(&copy.file.statement), copy.limits)?;
        if package.name != copy.package {
            let (own, package) = (&package.name, copy.package);
            let detail = format!("the archive of {package} has the composer.json of {own}");
            return Err(Problem::invalid("package", detail));
        }
        steps(package, copy.size, files)
    }
}

#[cfg(test)]
mod tests;
