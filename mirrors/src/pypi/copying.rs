//! Copies of an upstream's versions: all wheels and the source archive, published with the metadata
//! in them. Of what the index tells the yanking and the provenances go with them.

use super::attestations::{Provenance, document_of};
use super::distribution::{Kind, Name};
use super::page::{File, Page, integrity, page_of};
use super::publish::{Distribution, is_published};
use super::routes::file_of;
use super::version::Version;
use crate::archive::window::Window;
use crate::copying::{Copying, FileCopy, UpstreamVersion, VersionFile};
use crate::publishing::{Body, Step, StoredFile};
use crate::resource::{Plan, Table};
use bytes::Bytes;
use larder_model::Problem;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// What a page says of a file.
#[derive(Serialize, Deserialize)]
struct Statement<'a> {
    /// The reason, which may be empty, why it is yanked.
    #[serde(borrow)]
    yanked: Option<Cow<'a, str>>,
    /// Its provenance.
    #[serde(borrow)]
    provenance: Option<Cow<'a, str>>,
}

/// Copies of distributions.
pub(super) struct DistributionCopies;

impl Copying for DistributionCopies {
    fn files(
        &self,
        wanted: &UpstreamVersion<'_>,
        known: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan<Vec<VersionFile>>, Problem> {
        let Some(found) = known.first() else {
            return Ok(Plan::Read(page_of(wanted.package)));
        };
        let (Some(body), Some(version)) = (found, Version::parse(wanted.version)) else {
            return Ok(Plan::Fetch(Vec::new()));
        };
        let page = Page::read(body)?;
        let of_version = page.files.iter().filter_map(|file| {
            let name = Name::read(&file.name)?;
            let is_it = name.is_of(wanted.package, &version);
            is_it.then_some((file, name.kind))
        });
        let mut found: Vec<(&File<'_>, Kind)> = of_version.collect();
        // A version has one source archive. Of the two that old ones have, pip takes this one, too.
        if found.iter().any(|(_, kind)| *kind == Kind::SourceTar) {
            found.retain(|(_, kind)| *kind != Kind::SourceZip);
        }
        // The provenances come one by one after the page.
        let (mut files, mut provenances) = (Vec::new(), known.iter().skip(1));
        for (file, _) in found {
            let document = file.provenance.as_ref();
            let document = document.and_then(|_| document_of(wanted.package, &file.name));
            let provenance = match document.map(|document| (provenances.next(), document)) {
                None => None,
                Some((None, document)) => return Ok(Plan::Read(document)),
                Some((Some(found), _)) => found.as_deref(),
            };
            files.extend(version_file(wanted.package, file, provenance)?);
        }
        Ok(Plan::Fetch(files))
    }

    fn steps(
        &self,
        copy: &FileCopy<'_>,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let statement: Statement<'_> =
            serde_json::from_str(&copy.file.statement).map_err(Problem::internal)?;
        let (project, file) = (copy.package, &*copy.file.artifact.path);
        let absent = || Problem::internal("a file that is no distribution");
        let name = Name::read(file).ok_or_else(absent)?;
        // Of the spellings of its version, the one that its publisher chose.
        let version = name.identity(project).ok_or_else(absent)?.version;
        if is_published((file, project), &name, &copy.digest, files)? {
            return Ok(Vec::new());
        }
        let new = Distribution {
            file,
            name,
            project,
            version,
            yanked: statement.yanked.as_deref(),
            // As the upstream's index has it, for it says whose identity it checked.
            provenance: statement
                .provenance
                .map(|document| Provenance::of(project, file, document.into_owned()))
                .transpose()?,
        };
        let limits = copy.limits;
        limits.file.require("upload", "the file", copy.size)?;
        new.steps(Window::new(body, 0, copy.size), files, limits)
    }
}

/// A file of a page; `None` if it cannot be asked for here.
fn version_file(
    project: &str,
    file: &File<'_>,
    provenance: Option<&[u8]>,
) -> Result<Option<VersionFile>, Problem> {
    let Some(artifact) = file_of(project, &file.name) else {
        return Ok(None);
    };
    let statement = Statement {
        yanked: file.yanked.as_deref().map(Cow::Borrowed),
        provenance: provenance.map(String::from_utf8_lossy),
    };
    Ok(Some(VersionFile {
        artifact,
        integrity: integrity(&file.hashes)?,
        statement: serde_json::to_string(&statement).map_err(Problem::internal)?,
    }))
}

#[cfg(test)]
mod tests;
