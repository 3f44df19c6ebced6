//! What a copy of a version writes, before it is written.

use super::conflict::CopiedFile;
use super::upstream::KeptFile;
use crate::repo::Repo;
use bytes::Bytes;
use larder_metadata::copies::Copied;
use larder_metadata::file_copies::MirroredCopy;
use larder_metadata::publishing as rows;
use larder_mirrors::publishing::{Bytes as Stored, Step};
use larder_model::{Algorithm, Digest, FileKind, Problem, StoredFile, Timestamp};

/// A copy of a version.
#[derive(Default)]
pub(super) struct Planned {
    /// What it takes with it.
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// Rows of files that are there.
    pub(super) steps: Vec<rows::Step>,
    /// Files that are made of what they hold.
    pub(super) made: Vec<MadeFile>,
}

/// A file that no mirror keeps: what a protocol took out of one that it does.
pub(super) struct MadeFile {
    pub(super) path: String,
    pub(super) version: String,
    pub(super) content_type: &'static str,
    pub(super) metadata: String,
    pub(super) bytes: Bytes,
}

impl Planned {
    /// What is told of it.
    pub(super) const fn copied(&self) -> Copied {
        Copied {
            digest: None,
            files: self.files,
            bytes: self.bytes,
        }
    }

    /// Counts a file.
    pub(super) const fn count(&mut self, size: u64) {
        self.files += 1;
        self.bytes += size;
    }

    /// Whether it writes nothing, since all of it is there.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.made.is_empty()
    }

    /// Adds what publishes a file that a mirror keeps. The files that the package has with it.
    pub(super) fn add(
        &mut self,
        from: &Repo,
        package: &str,
        kept: &KeptFile,
        steps: Vec<Step>,
    ) -> Result<Vec<StoredFile>, Problem> {
        let mut added = Vec::new();
        for step in steps {
            match step {
                Step::Add { .. } => added.push(self.add_file(from, package, kept, step)?),
                // The tag or the address of the file itself.
                Step::SetTag { tag, version, .. } => self.steps.push(rows::Step::SetTag {
                    tag,
                    version,
                    digest: kept.found.digest,
                }),
                Step::AddAddress { path, .. } => self.steps.push(rows::Step::AddAddress {
                    path,
                    digest: kept.found.digest,
                }),
                Step::SetMetadata { .. } | Step::Remove { .. } | Step::RemoveAddress { .. } => {
                    return Err(Problem::internal("a copy that changes what is there"));
                }
            }
        }
        Ok(added)
    }

    fn add_file(
        &mut self,
        from: &Repo,
        package: &str,
        kept: &KeptFile,
        step: Step,
    ) -> Result<StoredFile, Problem> {
        let Step::Add {
            kind: kind @ FileKind::Artifact,
            path,
            version,
            content_type,
            metadata,
            bytes,
        } = step
        else {
            return Err(Problem::internal("a copy of what is no artifact"));
        };
        let (digest, size) = match &bytes {
            Stored::Part(0, size) if *size == kept.found.size => (kept.found.digest, *size),
            Stored::Inline(bytes) => (Digest::of(Algorithm::Sha256, bytes), bytes.len() as u64),
            Stored::Part(..)
            | Stored::Base64(..)
            | Stored::Dated(..)
            | Stored::Joined(_)
            | Stored::Same(_) => {
                return Err(Problem::internal("a copy of a part of a file"));
            }
        };
        self.count(size);
        let metadata = metadata.replace("{sha256}", &digest.hex());
        let stored = StoredFile {
            kind,
            path: (&*path).into(),
            version: (&*version).into(),
            digest,
            size,
            content_type: content_type.into(),
            metadata: (&*metadata).into(),
            created_at: Timestamp::default(),
            created_by: "".into(),
            used_at: Timestamp::default(),
        };
        let artifact = &kept.file.artifact;
        match bytes {
            Stored::Inline(bytes) => self.made.push(MadeFile {
                path,
                version,
                content_type,
                metadata,
                bytes: bytes.into(),
            }),
            _ => self.steps.push(rows::Step::CopyMirrored(MirroredCopy {
                from: from.record.id,
                from_package: from.kept_in(artifact).into(),
                from_path: artifact.path.clone(),
                digest,
                package: package.into(),
                path,
                version,
                content_type,
                metadata,
            })),
        }
        Ok(stored)
    }

    /// Writes nothing.
    pub(super) fn clear(&mut self) {
        self.steps.clear();
        self.made.clear();
    }
}

/// The paths and digests of files.
pub(super) fn named(files: &[StoredFile]) -> Vec<CopiedFile<'_>> {
    files
        .iter()
        .map(|file| (&*file.path, file.digest))
        .collect()
}
