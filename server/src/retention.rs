//! Introduces retention to the protocols and to what publishes.

use async_trait::async_trait;
use larder_cache::{Packages, RuledChange};
use larder_gc::retain::Action;
use larder_gc::retention::{Bonds, PackageVersions, Preview, PreviewItem, Removed, VersionRemoval};
use larder_metadata::files::PackageKey;
use larder_metadata::mirrored::MirroredFile;
use larder_metadata::repos::RepoRecord;
use larder_metadata::retention::ImageEdge;
use larder_mirrors::{Artifact, Document, Named, Protocol, VersionKind};
use larder_model::{Digest, FileKind, Problem, ProtocolName, Release};
use larder_web::{RetentionItem, RetentionPreview};
use std::sync::Arc;

/// The versions of all protocols.
pub(crate) struct Versions {
    pub(crate) packages: Packages,
}

#[async_trait]
impl PackageVersions for Versions {
    fn are_tags(&self, protocol: ProtocolName) -> bool {
        let kind = larder_mirrors::of(protocol).map(Protocol::version_kind);
        kind == Some(VersionKind::Tag)
    }

    fn releases(&self, protocol: ProtocolName, versions: &[&str]) -> Vec<Option<Release>> {
        match larder_mirrors::of(protocol) {
            Some(protocol) => protocol.releases(versions),
            None => vec![None; versions.len()],
        }
    }

    async fn remove(
        &self,
        repo: &RepoRecord,
        removal: VersionRemoval<'_>,
    ) -> Result<Removed, Problem> {
        let rule = RuledChange {
            revision: removal.revision,
            reason: removal.reason,
            held: removal.held,
            by: removal.by,
        };
        let packages = &self.packages;
        let removed = packages.remove_by_rule(repo, removal.package, removal.version, &rule);
        Ok(if removed.await? {
            Removed::Done
        } else {
            Removed::Changed
        })
    }

    fn package_of(&self, protocol: ProtocolName, path: &str) -> String {
        let artifact = Artifact::new("", None, path);
        let protocol = larder_mirrors::of(protocol);
        let package = protocol.map(|it| it.names().package_of(&artifact).to_owned());
        package.unwrap_or_default()
    }

    fn is_proof(&self, protocol: ProtocolName, package: &str, path: &str) -> bool {
        let logs = larder_mirrors::of(protocol).and_then(Protocol::logs);
        logs.is_some_and(|logs| logs.proves(&Document::new(package, path)))
    }

    async fn bonds(&self, repo: &RepoRecord, files: &[MirroredFile]) -> Result<Bonds, Problem> {
        let mut bonds = Bonds::default();
        let Some(protocol) = larder_mirrors::of(repo.protocol) else {
            return Ok(bonds);
        };
        let tells = match protocol.version_kind() {
            VersionKind::Tag => FileKind::Manifest,
            _ if protocol.sets().is_some() => FileKind::Document,
            VersionKind::Version => return Ok(bonds),
        };
        let repo = Arc::new(repo.clone());
        for file in files.iter().filter(|file| file.kind == tells) {
            let package = PackageKey {
                repo: repo.id,
                package: &file.package,
            };
            let key = package.file(file.kind, &file.path);
            let named = self.packages.named_by(&repo, key).await?;
            if file.kind == FileKind::Manifest {
                bonds.edges.extend(edges(file.digest, named));
            } else if !named.is_empty() {
                let own = (file.kind, file.path.clone());
                let rest = named.into_iter().map(|it| (it.kind, it.path));
                bonds.sets.push(std::iter::once(own).chain(rest).collect());
            }
        }
        Ok(bonds)
    }

    async fn lacks_upstream(&self, repo: &RepoRecord) -> Option<String> {
        let checked = self.packages.check_upstream(&Arc::new(repo.clone())).await;
        match checked {
            // One that has nothing at its root may have files all the same: it is there.
            Ok(checked) if checked.ok || matches!(checked.status, Some(404 | 410)) => None,
            Ok(checked) => {
                let problem = checked.problem.unwrap_or_default();
                Some(format!("its upstream cannot be used now: {problem}"))
            }
            Err(problem) => Some(problem.detail.into_owned()),
        }
    }
}

/// What a manifest names, as edges.
fn edges(manifest: Digest, named: Vec<Named>) -> impl Iterator<Item = ImageEdge> {
    named.into_iter().filter_map(move |it| {
        let kind = match it.kind {
            FileKind::Manifest if it.is_subject => "subject",
            kind => kind.word(),
        };
        Some(ImageEdge {
            parent: manifest,
            child: it.path.parse().ok()?,
            kind: kind.into(),
        })
    })
}

fn item(item: PreviewItem) -> RetentionItem {
    RetentionItem {
        package: item.package,
        version: item.version,
        digest: item.digest,
        goes: item.action == Action::Delete,
        reason: item.reason,
        rule: item.rule.map(|rule| rule as u64),
        bytes: item.bytes,
    }
}

/// A preview as the API tells it.
pub(crate) fn told(id: String, preview: Preview) -> RetentionPreview {
    RetentionPreview {
        id,
        more: preview.more,
        keep: preview.keep,
        delete: preview.delete,
        bytes: preview.bytes,
        items: preview.items.into_iter().map(item).collect(),
    }
}
