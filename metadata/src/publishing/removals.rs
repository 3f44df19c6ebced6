//! What a change of a package takes away, as the trash keeps it.

use super::Step;
use crate::files::PackageKey;
use crate::trash::{Deletion, Place, TrashKind, Trashing};
use crate::{Batch, Metadata, Value};
use larder_model::{Author, FileKind};

/// An entry of the trash to which the tombstones are added once they are there.
pub(super) struct Removal<'a> {
    trash: Trashing<'a>,
    package: PackageKey<'a>,
    tombstones: Vec<String>,
    has_versions: bool,
}

impl Removal<'_> {
    /// The steps are done.
    pub(super) fn end(self, batch: &mut Batch) {
        for path in &self.tombstones {
            let key = self.package.file(FileKind::Tombstone, path);
            self.trash.file(batch, key, Place::Reserved);
        }
        if self.has_versions {
            self.trash.is_of_versions(batch);
        }
        self.trash.end(batch);
    }
}

impl Metadata {
    /// Puts what the steps are about to remove into the trash: files, their addresses, and tags that
    /// are removed or moved with them. `None`: they remove nothing of a package.
    pub(super) fn trash_removed<'a>(
        &self,
        batch: &mut Batch,
        package: PackageKey<'a>,
        steps: &[Step],
        (reason, by): (&str, &dyn Author),
    ) -> Option<Removal<'a>> {
        let removed = |kind: FileKind| {
            steps.iter().filter_map(move |step| match step {
                Step::Remove { kind: of, path } if *of == kind => Some(path.as_str()),
                _ => None,
            })
        };
        let has_versions = removed(FileKind::Artifact).next().is_some();
        let tag = removed(FileKind::Tag).next();
        // What belongs to the whole repository, as lists of rpm, is replaced and not deleted.
        if package.package.is_empty() || (!has_versions && tag.is_none()) {
            return None;
        }
        let deletion = Deletion {
            what: TrashKind::Tag,
            version: tag.unwrap_or_default(),
            reason,
            by,
        };
        let trash = self.trash(batch, package, deletion);
        let mut tombstones = Vec::new();
        for step in steps {
            match step {
                Step::Remove { kind, path } if *kind != FileKind::Tombstone => {
                    trash.file(batch, package.file(*kind, path), Place::Gone);
                }
                Step::RemoveAddress { path } => {
                    let index = PackageKey {
                        repo: package.repo,
                        package: "",
                    };
                    trash.file(batch, index.file(FileKind::Artifact, path), Place::Gone);
                }
                Step::SetTag { tag, digest, .. } => {
                    let key = package.file(FileKind::Tag, tag);
                    trash.file(batch, key, Place::Moved(&Value::from(*digest)));
                }
                Step::Add {
                    kind: FileKind::Tombstone,
                    path,
                    ..
                } => tombstones.push(path.clone()),
                Step::Add { .. }
                | Step::Copy { .. }
                | Step::CopyMirrored(_)
                | Step::SetMetadata { .. }
                | Step::SetDocument { .. }
                | Step::AddAddress { .. }
                | Step::Remove { .. } => {}
            }
        }
        Some(Removal {
            trash,
            package,
            tombstones,
            has_versions,
        })
    }
}
