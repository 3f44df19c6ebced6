//! What the files of a mirror name that are kept beside them.

use crate::packages::Packages;
use crate::problems::absent;
use larder_metadata::files::FileKey;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::oci::image::Manifest;
use larder_mirrors::{Document, Protocol, Set};
use larder_model::{FileKind, Kind, Problem};
use std::sync::Arc;

/// A file of the same package that another file names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// What it is.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: Box<str>,
    /// The other file is about it, and is no whole that it is a part of.
    pub is_subject: bool,
}

impl Named {
    fn part(kind: FileKind, path: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            path: path.into(),
            is_subject: false,
        }
    }
}

impl Packages {
    /// What a kept file of a mirror names: of a manifest its parts and its subject, of a document what
    /// is kept together with it. Nothing where that cannot be read.
    pub async fn named_by(
        &self,
        record: &Arc<RepoRecord>,
        file: FileKey<'_>,
    ) -> Result<Vec<Named>, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        let Some(found) = self.0.metadata.find(file).await? else {
            return Ok(Vec::new());
        };
        let body = match self.0.bodies.read(&found).await {
            Err(problem) if problem.kind == Kind::NotFound => return Ok(Vec::new()),
            body => body?,
        };
        let named = match file.kind {
            FileKind::Manifest => named_by_manifest(&body),
            _ => named_by_document(protocol, file, &body),
        };
        Ok(named.unwrap_or_else(|why| {
            tracing::debug!(why, path = file.path, "what a file names cannot be read");
            Vec::new()
        }))
    }
}

fn named_by_manifest(body: &[u8]) -> Result<Vec<Named>, String> {
    let manifest = Manifest::read(body)?;
    let blobs = manifest.config.iter().chain(&manifest.layers);
    let blobs = blobs.map(|part| Named::part(FileKind::Blob, part.digest.to_string()));
    let children = manifest.manifests.iter().flatten();
    let children = children.map(|part| Named::part(FileKind::Manifest, part.digest.to_string()));
    let subject = manifest.subject.iter().map(|part| Named {
        is_subject: true,
        ..Named::part(FileKind::Manifest, part.digest.to_string())
    });
    Ok(blobs.chain(children).chain(subject).collect())
}

fn named_by_document(
    protocol: &dyn Protocol,
    file: FileKey<'_>,
    body: &[u8],
) -> Result<Vec<Named>, String> {
    let document = Document::new(file.package.package, file.path);
    let set = protocol.sets().map(|sets| sets.set(&document, body));
    let set = set.transpose().map_err(|problem| problem.with_causes())?;
    let Set {
        companions,
        members,
    } = set.unwrap_or_default();
    let companions = companions
        .into_iter()
        .map(|it| Named::part(it.kind, it.path));
    let members = members
        .into_iter()
        .map(|(it, _)| Named::part(it.kind, it.path));
    Ok(companions.chain(members).collect())
}
