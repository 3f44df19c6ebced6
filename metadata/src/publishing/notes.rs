//! What the audit trail tells of a package's change.

use super::{RefChange, Step};
use crate::audit::Object;
use crate::files::PackageKey;
use crate::{Batch, Metadata};
use larder_model::{Action, Author, FileKind};
use serde_json::json;
use std::collections::BTreeMap;

/// Files that one entry of the audit trail names.
const MAX_TOLD: usize = 100;

impl Metadata {
    /// One entry for each version's new files, for all that is removed, for all whose metadata is
    /// changed, and for each tag of a version that was there before.
    pub(super) fn note_steps(
        &self,
        batch: &mut Batch,
        package: PackageKey<'_>,
        (by, full_name): (&dyn Author, &str),
        steps: &[Step],
        reason: &str,
    ) {
        let object = Object::Named(full_name.trim_end_matches('/'));
        let mut added: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut tags: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let (mut removed, mut versions, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        let mut copied: BTreeMap<(i64, &str), Vec<String>> = BTreeMap::new();
        let has_refs = steps
            .iter()
            .any(|step| matches!(step, Step::SetDocument { .. }));
        for step in steps {
            match step {
                Step::Add {
                    kind: FileKind::Tombstone,
                    path,
                    ..
                } => versions.push(path),
                // What its refs stand for tells what they are for.
                Step::Add { .. } if has_refs => {}
                Step::Add {
                    path,
                    version,
                    blob,
                    ..
                } => {
                    let file = format!("{path} {}", blob.digest);
                    added.entry(version).or_default().push(file);
                }
                Step::Copy {
                    from,
                    package,
                    path,
                    digest,
                } => {
                    let file = format!("{path} {digest}");
                    copied.entry((*from, package)).or_default().push(file);
                }
                Step::CopyMirrored(copy) => {
                    // The bytes of another file of its own are no copy.
                    let from = (copy.from, &*copy.from_package);
                    let files = if from == (package.repo, package.package) {
                        added.entry(&copy.version).or_default()
                    } else {
                        copied.entry((copy.from, &copy.package)).or_default()
                    };
                    files.push(format!("{} {}", copy.path, copy.digest));
                }
                Step::SetTag { tag, version, .. } => tags.entry(version).or_default().push(tag),
                Step::Remove {
                    kind: FileKind::Tag,
                    path,
                } => {
                    let details = json!({"tag": path});
                    self.note(batch, by, Action::TagDelete, object, &details);
                }
                Step::SetDocument { refs, .. } => self.note_refs(batch, (by, object), refs),
                Step::Remove { path, .. } => removed.push(path),
                Step::SetMetadata { path, .. } => changed.push(path),
                Step::AddAddress { .. } | Step::RemoveAddress { .. } => {} // of files told of above
            }
        }
        // What a copy's files are found to hold is told of with them.
        if let Some(mut files) = copied.first_entry() {
            let added = std::mem::take(&mut added);
            files.get_mut().extend(added.into_values().flatten());
        }
        for (version, mut files) in added {
            files.truncate(MAX_TOLD);
            let details = match tags.remove(version) {
                Some(tags) => json!({"version": version, "files": files, "tags": tags}),
                None => json!({"version": version, "files": files}),
            };
            self.note(batch, by, Action::PackagePublish, object, &details);
        }
        for (version, tags) in tags {
            for tag in tags {
                let details = json!({"tag": tag, "version": version});
                self.note(batch, by, Action::TagSet, object, &details);
            }
        }
        for ((from, package), mut files) in copied {
            files.truncate(MAX_TOLD);
            let details = json!({
                "from_repository_id": from.to_string(),
                "from_package": package,
                "files": files,
            });
            self.note(batch, by, Action::PackageCopy, object, &details);
        }
        for paths in [&mut removed, &mut versions, &mut changed] {
            paths.truncate(MAX_TOLD);
        }
        if !removed.is_empty() || !versions.is_empty() {
            let mut details = json!({"versions": versions, "files": removed});
            if !reason.is_empty() {
                details["reason"] = reason.into();
            }
            self.note(batch, by, Action::PackageDelete, object, &details);
        }
        if !changed.is_empty() {
            let details = json!({"files": changed});
            self.note(batch, by, Action::PackageChange, object, &details);
        }
    }

    /// One entry for each ref.
    fn note_refs(
        &self,
        batch: &mut Batch,
        (by, object): (&dyn Author, Object<'_>),
        refs: &[RefChange],
    ) {
        for change in refs.iter().take(MAX_TOLD) {
            let (old, new) = (&change.old, &change.new);
            let details = json!({"ref": change.name, "old": old, "new": new});
            self.note(batch, by, Action::RefChange, object, &details);
        }
    }
}
