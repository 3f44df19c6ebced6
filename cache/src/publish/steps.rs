//! A protocol's steps as the database makes them.

use larder_metadata::Error;
use larder_metadata::blobs::NewBlob;
use larder_metadata::file_copies::MirroredCopy;
use larder_metadata::files::PackageKey;
use larder_metadata::publishing as rows;
use larder_mirrors::publishing::{Bytes, Step, StoredFile};
use larder_model::FileKind;
use std::collections::HashMap;

/// Names a new file of a package.
pub(super) type NewFileKey = (FileKind, String);

/// The steps of a protocol as the database makes them. `files`: those of the package that is changed;
/// `blobs`: the bytes of new ones.
pub(super) fn database_steps(
    steps: Vec<Step>,
    package: PackageKey<'_>,
    files: &[StoredFile],
    blobs: &HashMap<&NewFileKey, NewBlob>,
) -> Result<Vec<rows::Step>, Error> {
    let blob_of = |key: &NewFileKey| {
        let blob = blobs.get(key).cloned();
        blob.ok_or_else(|| Error::Shape(format!("{} was stored without bytes", key.1)))
    };
    let stored = |path: &str| {
        let is_it = |file: &&StoredFile| file.kind == FileKind::Artifact && *file.path == *path;
        files.iter().find(is_it)
    };
    let same = |path: &str| {
        let found = stored(path).map(|file| file.digest);
        found.ok_or_else(|| Error::Shape(format!("{path} has no bytes to be the same as")))
    };
    let mut known = HashMap::new();
    for step in &steps {
        if let Step::Add {
            path,
            bytes: Bytes::Same(there),
            ..
        } = step
        {
            known.insert(path.clone(), same(there)?);
        }
    }
    // An artifact that is there, or comes with the same change.
    let digest_of = |path: String| {
        let found = stored(&path).map(|file| file.digest);
        let found = found.or_else(|| known.get(&path).copied());
        let key = (FileKind::Artifact, path);
        found.map_or_else(|| blob_of(&key).map(|blob| blob.digest), Ok)
    };
    let row = |step| {
        Ok(match step {
            Step::Add {
                path,
                version,
                content_type,
                metadata,
                bytes: Bytes::Same(there),
                ..
            } => rows::Step::CopyMirrored(MirroredCopy {
                from: package.repo,
                from_package: package.package.into(),
                digest: same(&there)?,
                from_path: there.into(),
                package: package.package.into(),
                path,
                version,
                content_type,
                metadata,
            }),
            Step::Add {
                kind,
                path,
                version,
                content_type,
                metadata,
                ..
            } => {
                let key = (kind, path);
                let blob = blob_of(&key)?;
                let metadata = metadata.replace("{sha256}", &blob.digest.hex());
                rows::Step::Add {
                    kind,
                    path: key.1,
                    version,
                    blob,
                    content_type,
                    metadata,
                }
            }
            Step::SetTag { tag, version, at } => rows::Step::SetTag {
                tag,
                version,
                digest: digest_of(at)?,
            },
            Step::SetMetadata { path, metadata } => rows::Step::SetMetadata { path, metadata },
            Step::Remove { kind, path } => rows::Step::Remove { kind, path },
            Step::AddAddress { path, at } => rows::Step::AddAddress {
                digest: digest_of(at)?,
                path,
            },
            Step::RemoveAddress { path } => rows::Step::RemoveAddress { path },
        })
    };
    steps.into_iter().map(row).collect()
}
