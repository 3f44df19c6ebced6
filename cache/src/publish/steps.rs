//! A protocol's files and steps as the database has them.

use larder_metadata::Error;
use larder_metadata::blobs::NewBlob;
use larder_metadata::publishing as rows;
use larder_mirrors::publishing::{Step, StoredFile};
use larder_model::{FileKind, ProtocolName};
use std::collections::HashMap;

/// The steps of a protocol as the database makes them. `files`: those of the package; `blobs`: the
/// bytes of new ones by path.
pub(super) fn database_steps(
    protocol: ProtocolName,
    steps: Vec<Step>,
    files: &[StoredFile],
    blobs: &HashMap<&str, NewBlob>,
) -> Result<Vec<rows::Step>, Error> {
    let blob_of = |path: &str| {
        let blob = blobs.get(path).cloned();
        blob.ok_or_else(|| Error::Shape(format!("{path} was stored without bytes")))
    };
    // A file that is there, or comes with the same change.
    let digest_of = |path: &str| {
        let stored = files.iter().find(|file| *file.path == *path);
        let stored = stored.map(|file| file.digest);
        stored.map_or_else(|| blob_of(path).map(|blob| blob.digest), Ok)
    };
    let row = |step| {
        Ok(match step {
            Step::Add {
                path,
                version,
                content_type,
                metadata,
                ..
            } => {
                let blob = blob_of(&path)?;
                let metadata = metadata.replace("{sha256}", &blob.digest.hex());
                let (kind, path) = published_as(protocol, &path);
                let path = path.to_owned();
                rows::Step::Add {
                    kind,
                    path,
                    version,
                    blob,
                    content_type,
                    metadata,
                }
            }
            Step::Point { path, version, at } => rows::Step::SetTag {
                tag: published_as(protocol, &path).1.to_owned(),
                version,
                digest: digest_of(&at)?,
            },
            Step::SetMetadata { path, metadata } => rows::Step::SetMetadata { path, metadata },
            Step::Remove { path } => {
                let (kind, path) = published_as(protocol, &path);
                let path = path.to_owned();
                rows::Step::Remove { kind, path }
            }
            Step::AddAddress { path, at } => rows::Step::AddAddress {
                digest: digest_of(&at)?,
                path,
            },
            Step::RemoveAddress { path } => rows::Step::RemoveAddress { path },
        })
    };
    steps.into_iter().map(row).collect()
}

/// What a file of a package is by the path that its protocol gives it.
fn published_as(protocol: ProtocolName, path: &str) -> (FileKind, &str) {
    match path.split_once('/') {
        Some(("gone", rest)) => (FileKind::Tombstone, rest),
        Some(("tags", rest)) if protocol.0 == "npm" => (FileKind::Tag, rest),
        _ => (FileKind::Artifact, path),
    }
}

/// A file as protocols see it.
pub(crate) fn as_published(row: larder_model::StoredFile) -> StoredFile {
    StoredFile {
        path: match row.kind {
            FileKind::Tag => format!("tags/{}", row.path).into(),
            FileKind::Tombstone => format!("gone/{}", row.path).into(),
            _ => row.path,
        },
        version: row.version,
        digest: row.digest,
        size: row.size,
        metadata: row.metadata,
        created_at: row.created_at,
        created_by: row.created_by,
    }
}
