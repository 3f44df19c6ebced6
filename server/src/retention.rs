//! Introduces retention to the protocols and to what publishes.

use async_trait::async_trait;
use larder_cache::{Packages, RuledChange};
use larder_gc::retain::Action;
use larder_gc::retention::{PackageVersions, Preview, PreviewItem, Removed, VersionRemoval};
use larder_metadata::repos::RepoRecord;
use larder_mirrors::{Protocol, VersionKind};
use larder_model::{Problem, ProtocolName, Release};
use larder_web::{RetentionItem, RetentionPreview};

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
